//! The demo's provider: a real API v2 server on a port of its own, on a thread of its own.
//!
//! Its syncs must not hold up the panel's requests, as a provider's wouldn't. Its books lie in `provider` in the
//! demo's folder. Its port is kept, because the provider account's URL names it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use anyhow::{Context, bail};
use panelworks_provider_sim::options::Settings;
use panelworks_provider_sim::{SimOptions, Speed, serve};
use tokio::sync::oneshot;

use super::kept::{Kept, Provider};
use crate::cli::DemoArgs;

/// See the module's head.
#[derive(Debug)]
pub(super) struct SimulatedProvider {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Where the provider keeps its books.
pub(super) fn folder(demo: &Path) -> PathBuf {
    demo.join("provider")
}

/// The port it had before; at the first start the asked one, or any free one, which is kept then.
pub(super) fn listen(kept: &mut Kept, args: &DemoArgs, demo: &Path) -> anyhow::Result<TcpListener> {
    let Provider::Simulated { port, .. } = &mut kept.provider else { bail!("the provider runs elsewhere") };
    if let (Some(port), Some(wanted)) = (*port, args.provider_port)
        && port != wanted
        && wanted != 0
    {
        bail!(
            "this demo's provider has port {port}, and orders are under way there; for another one begin in a new \
             folder with --data-dir"
        );
    }
    let wanted = port.or(args.provider_port).unwrap_or(0);
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, wanted))).with_context(|| {
        format!(
            "port {wanted}, where this demo's provider lives, is taken: stop what uses it, or begin a new demo with \
             --data-dir (and --provider-port for a port of your choice)"
        )
    })?;
    let got = listener.local_addr()?.port();
    if *port != Some(got) {
        *port = Some(got);
        kept.save(demo)?;
    }
    Ok(listener)
}

/// How the provider behaves.
pub(super) fn settings(api_key: &str, speed: Speed) -> Settings {
    // Told to the panel with `keys_kept_hours`: so even a demo that is killed leaves no order in doubt.
    Settings { api_key: api_key.to_owned(), speed, honours_idempotency_keys: true, ..Settings::default() }
}

impl SimulatedProvider {
    pub(super) fn start(
        listener: TcpListener,
        demo: &Path,
        kept: &Kept,
        speed: NonZeroU32,
    ) -> anyhow::Result<Self> {
        let Provider::Simulated { api_key, .. } = &kept.provider else {
            bail!("the provider runs elsewhere")
        };
        let options = SimOptions { provider: settings(api_key, Speed(speed)), ..SimOptions::default() };
        let store = folder(demo);
        listener.set_nonblocking(true)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("provider".to_owned()).spawn(move || {
            let served = runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                // A sender that is gone says stop as well.
                let until = async {
                    let _ = stopped.await;
                };
                Ok::<_, anyhow::Error>(serve(listener, Some(store), options, until).await?)
            });
            if let Err(error) = served {
                tracing::error!(%error, "the simulated provider ended");
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Finishes what it is answering, and closes its books.
    pub(super) fn stop(self) {
        let _ = self.stop.send(());
        // Its end was logged where it happened.
        let _ = self.thread.join();
    }
}
