//! One panel in this process: its books, its engine, its doors, wired together and ended in good order.
//!
//! In: a configuration, a folder. Out: [`Core`], the books with their one writer, for whoever has commands; and
//! [`Running`], the same with engine, web server and control socket. The order of an end: take nothing new, finish
//! what was accepted, let calls that may have spent money come back, write what waits, close the books. A panel is a
//! value: a process can hold several. Rules: architecture.md 5, The executor; performance.md, What follows 6.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::Context;
use panelworks_client::{Endpoint, Reach, Transport};
use panelworks_core::ids::{OrderId, ProviderAccountId};
use panelworks_core::order::OrderFile;
use panelworks_core::planted::Planted;
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::{Span, Timestamp};
use panelworks_engine::drive::live::{Clock, Ears, Live, Means};
use panelworks_engine::retention::Retention;
use panelworks_engine::{Engine, Pace};
use panelworks_store::executor::{Executor, Follower, Handle, Stopped};
use panelworks_store::neighbours::{Hearer, Neighbours, Word};
use panelworks_store::ports::{OldOrders, Queue, Share, StoreError};
use panelworks_store::reader::{OwnReads, Reader, StartError};
use panelworks_web::serve::{Stopped as Served, serve};
use panelworks_web::{Behind, Known, router};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tracing_appender::non_blocking::ErrorCounter;

use crate::books::{self, Lock, Opening};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::control::desk::{Desk, EngineSeen};
use crate::control::socket;
use crate::limits;
use crate::secrets::SecretKey;

/// A panel whose books are open and whose executor runs; nothing is sent and nobody is answered yet.
#[derive(Debug)]
pub struct Core {
    pub desk: Arc<Desk>,
    known: Arc<Known>,
    live: Live,
    addresses: Arc<Addresses>,
    /// Not listened to yet.
    neighbours: Option<Box<dyn Neighbours>>,
    clock: SystemClock,
    /// Told when the executor's thread has ended, and why if it could not go on.
    ended: oneshot::Receiver<Result<(), Stopped>>,
    /// The books are a copy of others: nothing may be sent from them.
    is_copy: bool,
    lock: Option<Lock>,
}

impl Core {
    /// Opens the books that the configuration names, which stay locked, and starts the executor. It does so on a
    /// thread that may block; what the executor tells goes to the runtime this is called on.
    pub async fn open(config: &Config, opening: Opening) -> anyhow::Result<Self> {
        let config = config.clone();
        tokio::task::spawn_blocking(move || Self::open_here(&config, opening)).await?
    }

    fn open_here(config: &Config, opening: Opening) -> anyhow::Result<Self> {
        let folder = &config.data_dir;
        make_folder(folder)?;
        let opened = books::open(config, opening)?;
        let views = opened.reads.views()?;
        let providers = views.providers()?;
        // Without it nobody can be called, but the books can be read, audited and copied.
        let secret = SecretKey::load(&config.secret_key_path(), providers.is_empty());
        let secret = secret.map_err(|error| error.to_string());
        let known = Arc::new(Known::read(&*views)?);
        let addresses = Arc::new(Addresses::new(secret.clone().ok()));
        addresses.note(&providers);
        let clock = SystemClock::default();
        let live = Live::default();
        let executor = Executor::new(opened.books, opened.node, opened.epoch, Planted::default());
        let follower = follow(Arc::clone(&known), live.ears(), Arc::clone(&addresses));
        let batch_clock = clock.clone();
        let (handle, thread) = Handle::start(executor, move || batch_clock.now(), follower)?;
        let (told, ended) = oneshot::channel();
        std::thread::Builder::new().name("executor watch".to_owned()).spawn(move || {
            // A panic there aborts the process; so there is always a result.
            let _ = told.send(thread.join().unwrap_or(Ok(())));
        })?;
        let desk = Arc::new(Desk::new(handle, opened.reads, secret, Transport::new()?, config.clone()));
        Ok(Self {
            desk,
            known,
            live,
            addresses,
            neighbours: opened.neighbours,
            clock,
            ended,
            is_copy: opened.is_copy,
            lock: opened.lock,
        })
    }

    /// Closes the books again, after everything that waits is written.
    pub async fn close(self) -> anyhow::Result<()> {
        self.desk.handle().stop();
        let ended = self.ended.await;
        ended.context("the executor's thread was lost")?.map_err(Into::into)
    }

    /// Starts engine, web server and control socket, as tasks of the runtime it is called on.
    pub async fn run(
        self,
        config: &Config,
        listener: TcpListener,
        manner: Manner,
    ) -> anyhow::Result<Running> {
        let Manner { pace, demo_note, dropped_lines } = manner;
        let Self { desk, known, live, addresses, mut neighbours, clock, ended, is_copy, lock } = self;
        if is_copy {
            anyhow::bail!(
                "{} holds a copy of a panel's books, or books that were moved. If the panel they come from is gone \
                 for good, start once with --claim; if it still runs, running both would send orders twice",
                config.data_dir.display()
            );
        }
        desk.secret()?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let report = report(Arc::clone(&desk), Arc::clone(&known), dropped_lines);
        let reads = desk.reads().clone();
        let (readers, kept) = (config.readers(), config.kept);
        let opened = tokio::task::spawn_blocking(move || {
            let reader = Reader::start(readers, || reads.views())?;
            let views = reads.views()?;
            let known = (views.providers()?, views.services()?);
            let looking_back = kept.map(|kept| Ok::<_, StoreError>((kept, reads.views()?))).transpose()?;
            Ok::<_, StartError>((reader, views, looking_back, known))
        });
        let (reader, views, looking_back, (providers, services)) = opened.await??;
        let mut engine = Engine::new(pace);
        engine.know(&providers, services.iter().map(|service| (service.id, service.hold_limit)));
        let (ears, for_words) = (live.ears(), (Arc::clone(&known), Arc::clone(&addresses)));
        if let Some((kept, views)) = looking_back {
            tokio::spawn(retention(&desk, kept, clock.clone(), views).run(stopped.clone()));
        }
        let means = means(&desk, &addresses, clock, views);
        let engine = tokio::spawn(live.run(engine, means, stopped.clone(), report));
        let reads = desk.reads().clone();
        let promise = panelworks_web::Promise::new(move || reads.promise());
        let settings =
            panelworks_web::Settings { demo_note, promise: Some(promise), ..config.web_settings(address) };
        let panel = Arc::new(panelworks_web::Panel::new(known, desk.handle().clone(), reader, settings));
        if let Some(neighbours) = &mut neighbours {
            desk.note_neighbours(neighbours.look());
            let counting = Arc::clone(&panel);
            let usage = Box::new(move |nodes| counting.tell_calls(nodes));
            neighbours.listen(hear(&desk, for_words, Arc::clone(&panel), ears), usage)?;
        }
        let bounds = config.bounds();
        let routes = router(Arc::clone(&panel));
        let web = tokio::spawn(serve(listener, panel, routes, bounds, told(stopped.clone())));
        let control = socket::serve(&config.data_dir, Arc::clone(&desk), told(stopped))?;
        tracing::info!(%address, "requests are answered");
        Ok(Running { address, desk, stop, neighbours, engine, web, control, ended, _lock: lock })
    }
}

/// What differs between a demo and a real panel, beside the configuration.
#[derive(Debug)]
pub struct Manner {
    pub pace: Pace,
    /// A sentence at the top of the page.
    pub demo_note: Option<String>,
    pub dropped_lines: ErrorCounter,
}

/// Everything started: see the module's head.
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    pub desk: Arc<Desk>,
    stop: watch::Sender<bool>,
    neighbours: Option<Box<dyn Neighbours>>,
    engine: JoinHandle<()>,
    web: JoinHandle<Served>,
    control: JoinHandle<()>,
    ended: oneshot::Receiver<Result<(), Stopped>>,
    _lock: Option<Lock>,
}

impl Running {
    /// Waits for `until`, or for the executor to end by itself; then ends everything in good order.
    pub async fn run_until(mut self, until: impl Future<Output = ()>) -> anyhow::Result<()> {
        let by_itself = tokio::select! {
            () = until => None,
            ended = &mut self.ended => Some(ended),
        };
        tracing::info!("stopping: nothing new is taken, what was accepted is finished");
        // The receivers end with their tasks.
        let _ = self.stop.send(true);
        // A node that stops takes over nobody's work. Its thread may be waiting for the database.
        let neighbours = self.neighbours.take();
        tokio::task::spawn_blocking(move || drop(neighbours));
        let (engine, web, _control) = tokio::join!(self.engine, self.web, self.control);
        match web {
            Ok(Served::Finished) => {}
            Ok(Served::CutOff { connections }) => {
                tracing::warn!(connections, "calls that took too long were cut off");
            }
            Err(error) => tracing::error!(%error, "the web server ended badly"),
        }
        if let Err(error) = engine {
            tracing::error!(%error, "the engine ended badly");
        }
        self.desk.handle().stop();
        let ended = match by_itself {
            Some(ended) => ended,
            None => tokio::time::timeout(limits::STOP_EXTRA, self.ended)
                .await
                .context("the executor did not finish in time; what it had not answered is unknown")?,
        };
        ended.context("the executor's thread was lost")??;
        tracing::info!("the books are closed");
        Ok(())
    }
}

/// What the engine works with.
fn means(desk: &Desk, addresses: &Arc<Addresses>, clock: SystemClock, views: OwnReads) -> Means {
    let addresses = Arc::clone(addresses);
    let clock: Clock = Arc::new(move || clock.now());
    Means {
        handle: desk.handle().clone(),
        transport: desk.transport().clone(),
        endpoints: Arc::new(move |account| addresses.find(account)),
        clock,
        queue: Arc::new(Mutex::new(Box::new(Departing(Some(views))))),
    }
}

/// What takes finished orders to the archive.
fn retention(desk: &Desk, kept: Span, clock: SystemClock, views: OwnReads) -> Retention {
    let clock: Clock = Arc::new(move || clock.now());
    let queue: Arc<Mutex<Box<dyn Queue + Send>>> = Arc::new(Mutex::new(Box::new(Departing(Some(views)))));
    Retention { kept, handle: desk.handle().clone(), clock, queue }
}

/// The end of a store's connection may block, and the engine's task may not: it ends on a thread of its own.
struct Departing(Option<OwnReads>);

impl Departing {
    fn queue(&self) -> &dyn Queue {
        self.0.as_deref().expect("it is taken only when this is dropped")
    }
}

impl Queue for Departing {
    fn open_files(&self, share: &Share, after: OrderId, limit: usize) -> Result<Vec<OrderFile>, StoreError> {
        self.queue().open_files(share, after, limit)
    }

    fn files(&self, ids: &[OrderId]) -> Result<Vec<OrderFile>, StoreError> {
        self.queue().files(ids)
    }

    fn ended_files(
        &self,
        after: OrderId,
        since: Timestamp,
        rows: usize,
    ) -> Result<(Vec<OrderFile>, Option<OrderId>), StoreError> {
        self.queue().ended_files(after, since, rows)
    }

    fn old_orders(&self, after: OrderId, before: Timestamp, rows: usize) -> Result<OldOrders, StoreError> {
        self.queue().old_orders(after, before, rows)
    }
}

impl Drop for Departing {
    fn drop(&mut self) {
        let views = self.0.take();
        std::thread::spawn(move || drop(views));
    }
}

/// Tells the doctor and the metrics how it is behind the doors, after each of the engine's turns.
fn report(
    desk: Arc<Desk>,
    known: Arc<Known>,
    dropped_lines: ErrorCounter,
) -> impl Fn(&Engine) + Send + 'static {
    move |engine| {
        let (ready, followed) = engine.load();
        let holding_back: Vec<_> = engine.holding_back().collect();
        known.note_behind(Behind {
            attempts_waiting: ready,
            orders_followed: followed,
            providers_held_back: holding_back.len(),
            log_lines_dropped: dropped_lines.dropped_lines(),
        });
        if let Some(standing) = desk.neighbours() {
            known.note_neighbours(standing);
        }
        desk.note_engine(EngineSeen { ready, followed, holding_back });
    }
}

/// What hears of every commit, on the executor's thread, before the replies leave.
fn follow(known: Arc<Known>, ears: Ears, addresses: Arc<Addresses>) -> Follower {
    Box::new(move |committed| {
        known.follow(committed);
        if !committed.changes.providers.is_empty() {
            addresses.note(&committed.changes.providers);
        }
        ears.hear(committed);
    })
}

/// What hears of the other nodes, on the store's thread.
fn hear(
    desk: &Desk,
    (known, addresses): (Arc<Known>, Arc<Addresses>),
    panel: Arc<panelworks_web::Panel>,
    ears: Ears,
) -> Hearer {
    let handle = desk.handle().clone();
    Box::new(move |word| match word {
        Word::Changed(changes) => {
            known.hear(&changes);
            addresses.note(&changes.providers);
            ears.hear_word(Word::Changed(changes));
        }
        Word::Touched(_) | Word::Inherited(_) => ears.hear_word(word),
        Word::Called(calls) => panel.count_calls(&calls),
        Word::Deaf => known.note_deaf(true),
        Word::Hears => known.note_deaf(false),
        Word::Over(failure) => {
            known.note_deaf(true);
            handle.give_up(failure);
        }
    })
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // An error means that the panel is gone, which is a stop too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn make_folder(folder: &PathBuf) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("can't make the folder {}", folder.display()))
}

/// Where provider accounts are reached, with their keys opened.
#[derive(Debug)]
struct Addresses {
    secret: Option<SecretKey>,
    known: RwLock<HashMap<ProviderAccountId, Endpoint>>,
}

impl Addresses {
    fn new(secret: Option<SecretKey>) -> Self {
        Self { secret, known: RwLock::default() }
    }

    fn note(&self, accounts: &[ProviderAccount]) {
        let Some(secret) = &self.secret else { return };
        for account in accounts {
            match endpoint(secret, account) {
                Ok(endpoint) => {
                    let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                    known.insert(account.id, endpoint);
                }
                Err(why) => {
                    tracing::error!(provider = account.id.0, why, "this provider can't be called");
                }
            }
        }
    }

    fn find(&self, account: ProviderAccountId) -> Option<Endpoint> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&account).cloned()
    }
}

/// How far a provider account may reach.
pub const fn reach(private_address: bool) -> Reach {
    if private_address { Reach::PrivateAllowed } else { Reach::PublicOnly }
}

/// An account's address with its key opened, or why not.
pub fn endpoint(secret: &SecretKey, account: &ProviderAccount) -> Result<Endpoint, String> {
    let key = secret.open(&account.sealed_key, &account.url).map_err(|error| error.to_string())?;
    Endpoint::new(&account.url, key, reach(account.private_address)).map_err(|error| error.to_string())
}
