//! Simulated providers: in this process where a test scripts their faults, or as a program of their own where they
//! must outlive a panel that is killed.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use panelworks_provider_sim::{SimOptions, serve};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::{Folder, Process, Witness, until};

/// How fast providers of tests deliver: an hour in a sixth of a second.
const SPEED: u32 = 20_000;
const START_LIMIT: Duration = Duration::from_secs(20);

/// A provider in this process.
#[derive(Debug)]
pub struct Simulator {
    pub address: SocketAddr,
    pub key: String,
    /// Dropped with it, which stops the server.
    _stop: oneshot::Sender<()>,
}

impl Simulator {
    /// Options that deliver as fast as tests want.
    pub fn options() -> SimOptions {
        let mut options = SimOptions::default();
        options.provider.speed = panelworks_provider_sim::Speed(SPEED.try_into().expect("not zero"));
        options
    }

    pub fn start(options: SimOptions) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a free port"), options)
    }

    /// On a port that was taken before. It lives in a thread of its own: commands that the test waits for ask it too.
    pub fn on(listener: TcpListener, options: SimOptions) -> Self {
        let address = listener.local_addr().expect("a bound listener");
        listener.set_nonblocking(true).expect("a listener of ours");
        let key = options.provider.api_key.clone();
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener of ours");
                let stopped = async move {
                    // Dropped or told: both mean the end.
                    let _ = stopped.await;
                };
                serve(listener, None, options, stopped).await.expect("the simulator serves");
            });
        });
        Self { address, key, _stop: stop }
    }

    pub fn url(&self) -> String {
        format!("http://{}/api/v2", self.address)
    }

    pub async fn witness(&self) -> Witness {
        Witness::at(&format!("http://{}/witness", self.address)).await
    }
}

/// A provider as a program of its own.
#[derive(Debug)]
pub struct SimulatorProcess {
    pub process: Process,
    pub api_url: String,
    pub witness_url: String,
    pub key: String,
    _folder: Folder,
}

impl SimulatorProcess {
    /// With further flags of `panelworks provider-sim`.
    pub async fn start(flags: &[&str]) -> Self {
        let folder = Folder::new("provider");
        let ready = folder.file("ready.json");
        let (books, ready_text) = (folder.file("books").display().to_string(), ready.display().to_string());
        let speed = SPEED.to_string();
        let mut words =
            vec!["provider-sim", "--port", "0", "--data-dir", &books, "--ready-file", &ready_text];
        if !flags.contains(&"--speed") {
            words.extend(["--speed", &speed]);
        }
        words.extend(flags);
        let words = crate::arguments(words);
        let process = Process::start(&[], &words, &[], &folder.file("output"));
        let said: Value = until("the simulator's ready file", START_LIMIT, async || {
            let text = std::fs::read(&ready).map_err(|error| error.to_string())?;
            serde_json::from_slice(&text).map_err(|error| error.to_string())
        })
        .await;
        let text = |name: &str| said[name].as_str().unwrap_or_else(|| panic!("no {name}: {said}")).to_owned();
        let (api_url, witness_url, key) = (text("api_url"), text("witness_url"), text("api_key"));
        Self { process, api_url, witness_url, key, _folder: folder }
    }

    pub async fn witness(&self) -> Witness {
        Witness::at(&self.witness_url).await
    }
}
