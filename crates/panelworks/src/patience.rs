//! Opening the books of a panel whose database may be away: waiting for it, and saying so.
//!
//! In: the configuration, the listener. Out: open books, and the listener again; or nothing, when the panel was told to
//! stop meanwhile. While it waits `/healthz` answers, `/readyz` says what is waited for, and calls are refused before
//! anything is decided. Only an absence is waited out: a wrong password, a newer schema or books in use by another
//! panel end the start with one line. Rules: invariants.md A6.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use panelworks_web::serve::{Bounds, serve};
use panelworks_web::{Panel, Waiting, router};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::books::{self, Opening};
use crate::config::Config;
use crate::limits;
use crate::panel::Core;

/// See the module's head. `stop` is not used up: a panel that runs waits for the same word.
pub async fn open_patiently<S: Future<Output = ()>>(
    config: &Config,
    opening: Opening,
    listener: TcpListener,
    mut stop: Pin<&mut S>,
) -> anyhow::Result<Option<(Core, TcpListener)>> {
    let mut open = pin!(Core::open(config, opening));
    // Most books are open before anybody could ask for them.
    if let Ok(opened) = tokio::time::timeout(limits::OPENING_QUIET, open.as_mut()).await {
        match opened {
            Err(error) if books::are_away(&error) => {}
            opened => return Ok(Some((opened?, listener))),
        }
        open.set(Core::open(config, opening));
    }
    let door = Door::open(config, listener)?;
    let waited = tokio::select! {
        opened = wait(config, opening, open, &door.waiting) => Some(opened),
        () = stop.as_mut() => None,
    };
    let listener = door.close().await?;
    Ok(waited.transpose()?.map(|core| (core, listener)))
}

/// Tries until the books are open, or until no waiting will open them.
async fn wait(
    config: &Config,
    opening: Opening,
    mut open: Pin<&mut impl Future<Output = anyhow::Result<Core>>>,
    waiting: &Waiting,
) -> anyhow::Result<Core> {
    waiting.note("the books are being opened");
    let (mut pause, mut said) = (limits::AWAY_PAUSE_FIRST, Said::default());
    let mut opened = open.as_mut().await;
    loop {
        let error = match opened {
            Err(error) if books::are_away(&error) => format!("{error:#}"),
            opened => return opened,
        };
        said.now(&error);
        waiting.note(format!("the database is away: {error}"));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(limits::AWAY_PAUSE_MOST);
        opened = Core::open(config, opening).await;
    }
}

/// What the log was told last: again only when it changes, and now and then.
#[derive(Default)]
struct Said(Option<(String, Instant)>);

impl Said {
    fn now(&mut self, error: &str) {
        let fresh = |(last, at): &(String, Instant)| last == error && at.elapsed() < limits::AWAY_SAID_EVERY;
        if self.0.as_ref().is_none_or(|last| !fresh(last)) {
            tracing::warn!(error, "the database is away; the panel waits for it");
            self.0 = Some((error.to_owned(), Instant::now()));
        }
    }
}

/// The web server of a panel without books.
struct Door {
    waiting: Waiting,
    listener: std::net::TcpListener,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Door {
    fn open(config: &Config, listener: TcpListener) -> anyhow::Result<Self> {
        let (waiting, address) = (Waiting::default(), listener.local_addr()?);
        let panel = Arc::new(Panel::waiting(config.web_settings(address), waiting.clone()));
        let listener = listener.into_std()?;
        let shared = TcpListener::from_std(listener.try_clone()?)?;
        let bounds = Bounds { shutdown_time: DOOR_SHUTS_WITHIN, ..config.bounds() };
        let (stop, stopped) = oneshot::channel::<()>();
        let routes = router(Arc::clone(&panel));
        let served = tokio::spawn(async move {
            let told = async {
                // Gone is a word to stop too.
                let _ = stopped.await;
            };
            serve(shared, panel, routes, bounds, told).await;
        });
        Ok(Self { waiting, listener, stop, served })
    }

    /// The listener, which has not stopped listening.
    async fn close(self) -> anyhow::Result<TcpListener> {
        // It waits for nothing else.
        let _ = self.stop.send(());
        self.served.await?;
        Ok(TcpListener::from_std(self.listener)?)
    }
}

/// Refusals are quick: whoever has not sent its request by then is cut off.
const DOOR_SHUTS_WITHIN: Duration = Duration::from_secs(1);
