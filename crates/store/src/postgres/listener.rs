//! What the other nodes did, told here: their news read after a place, and the rows that they name.
//!
//! In: notifications, and a clock for where there are none. Out: [`Word`]s on a thread of its own with a connection of
//! its own. Each node's news are read in the order of its commits, each exactly once: the place moves after the
//! telling. Bounds: [`limits::NEWS_EVERY`] without notifications; [`limits::DEAF_AFTER`] until a connection that has
//! died is noticed, and then it is said. Never: a row older than what this node has committed itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use panelworks_core::world::Changes;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::Options;
use super::connection::{Connection, Step};
use super::error::{Failure, error};
use super::load;
use super::news::News;
use super::paces::Paces;
use super::rows::{self, columns, details, get};
use super::ties::Ties;
use super::values::{eight, four};
use crate::limits;
use crate::neighbours::{Hearer, Look, Neighbours, Usage, Word};
use crate::ports::{StoreError, StoreErrorKind};

/// Every other node's news after the place where we are with it, by the partial index `batch_news`.
pub(super) const NEWS: &str = "select told.node, told.epoch, told.sequence, told.news from node \
     left join unnest(cast($2 as integer[]), cast($3 as integer[]), cast($4 as bigint[])) \
       as heard (node, epoch, sequence) on heard.node = node.id \
     cross join lateral (select batch.node, batch.epoch, batch.sequence, batch.news from batch \
       where batch.node = node.id and batch.news is not null \
         and (batch.epoch, batch.sequence) > (coalesce(heard.epoch, 0), coalesce(heard.sequence, 0)) \
       order by batch.epoch, batch.sequence limit $5) as told \
     where node.id <> $1 order by told.node, told.epoch, told.sequence";

/// Where the other nodes' streams end now.
pub(super) const PLACES: &str = "select node.id, last.epoch, last.sequence from node cross join lateral \
     (select batch.epoch, batch.sequence from batch where batch.node = node.id \
       order by batch.epoch desc, batch.sequence desc limit 1) as last where node.id <> $1";

const ACCOUNTS: &str = concat!("select ", columns!(account), " from account where customer = any($1)");
const SERVICES: &str = "select details from service where id = any($1) order by id";
const PROVIDERS: &str = "select details, sealed_key from provider where id = any($1) order by id";
const OPERATORS: &str = concat!("select ", columns!(operator), " from operator order by id");

/// How far we are with each other node: the epoch and the number of the last batch whose news were told.
pub(super) type Places = BTreeMap<i32, (i32, i64)>;

/// To be read before anything is read that news will change later.
pub(super) fn places(connection: &mut Connection, own: i32) -> Result<Places, Failure> {
    let found = connection.ask(PLACES, &[&own])?;
    found.rows.iter().map(|row| Ok((get(row, 0)?, (get(row, 1)?, get(row, 2)?)))).collect()
}

/// By this name the nodes of a schema wake each other.
pub(super) fn channel(schema: &str) -> String {
    // A schema's name alone may be as long as a channel's may be.
    format!("panelworks_{:016x}", super::schema::lock_key(schema).cast_unsigned())
}

/// The PostgreSQL store's way to hear of its other nodes.
#[derive(Debug)]
pub struct PostgresNeighbours {
    options: Options,
    ties: Arc<Ties>,
    places: Mutex<Places>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PostgresNeighbours {
    pub(super) const fn new(options: Options, ties: Arc<Ties>, places: Places) -> Self {
        Self { options, ties, places: Mutex::new(places), running: None }
    }
}

impl Neighbours for PostgresNeighbours {
    fn listen(&mut self, hearer: Hearer, usage: Usage) -> Result<(), StoreError> {
        const WHAT: &str = "starting the listener";
        let mut connection = Connection::new(self.options.clone()).map_err(|failure| failure.doing(WHAT))?;
        connection.ring(Arc::clone(&self.ties.bell));
        let stop = Arc::new(AtomicBool::new(false));
        let places = std::mem::take(&mut *self.places.lock().unwrap_or_else(PoisonError::into_inner));
        let mut listener = Listener {
            connection,
            ties: Arc::clone(&self.ties),
            places,
            paces: Paces::default(),
            paced_at: Instant::now(),
            hearer,
            usage,
            heard_at: Instant::now(),
            is_deaf: false,
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("listener".to_owned())
            .spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    listener.turn();
                }
            })
            .map_err(|why| error(WHAT, why.to_string(), StoreErrorKind::Failed))?;
        self.ties.listens.store(true, Ordering::Relaxed);
        self.running = Some(Running { stop, thread: Some(thread) });
        Ok(())
    }

    fn look(&self) -> Look {
        let ties = Arc::clone(&self.ties);
        Arc::new(move || ties.standing())
    }
}

impl Drop for PostgresNeighbours {
    fn drop(&mut self) {
        self.ties.listens.store(false, Ordering::Relaxed);
        let Some(Running { stop, thread }) = &mut self.running else { return };
        stop.store(true, Ordering::Relaxed);
        self.ties.bell.notify_one();
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("the listener had panicked");
        }
    }
}

struct Listener {
    connection: Connection,
    ties: Arc<Ties>,
    places: Places,
    paces: Paces,
    paced_at: Instant,
    hearer: Hearer,
    usage: Usage,
    heard_at: Instant,
    is_deaf: bool,
}

impl Listener {
    /// Hears what there is, tells it, and rests until there may be more.
    fn turn(&mut self) {
        let heard = self.hear();
        let rest = if heard.is_ok() { limits::NEWS_EVERY } else { limits::AWAY_PAUSE };
        match heard {
            Ok(()) => {
                self.heard_at = Instant::now();
                if std::mem::take(&mut self.is_deaf) {
                    tracing::info!("the other nodes are heard again");
                    (self.hearer)(Word::Hears);
                }
            }
            Err(failure) => {
                tracing::debug!(?failure, "the other nodes were not heard this time");
                if !self.is_deaf && self.heard_at.elapsed() >= limits::DEAF_AFTER {
                    tracing::warn!(
                        ?failure,
                        "the other nodes are not heard; calls are refused until they are"
                    );
                    self.is_deaf = true;
                    (self.hearer)(Word::Deaf);
                }
            }
        }
        for word in self.ties.take_words() {
            (self.hearer)(word);
        }
        self.connection.rest(&self.ties.bell, rest);
    }

    fn hear(&mut self) -> Result<(), Failure> {
        if !self.connection.is_live() {
            self.connection.connect()?;
            self.listen();
        }
        while let Some((news, places)) = self.next()? {
            self.tell(&news)?;
            self.places.extend(places);
        }
        self.keep_pace()
    }

    /// However often it is woken.
    fn keep_pace(&mut self) -> Result<(), Failure> {
        if self.paced_at.elapsed() < limits::NEWS_EVERY {
            return Ok(());
        }
        self.paced_at = Instant::now();
        let calls = (self.usage)(self.ties.standing().live);
        let heard = self.paces.exchange(&mut self.connection, self.ties.taken, calls)?;
        if !heard.is_empty() {
            (self.hearer)(Word::Called(heard));
        }
        Ok(())
    }

    /// Some servers that speak the protocol know no notifications: then the clock must do.
    fn listen(&mut self) {
        let channel = channel(&self.connection.options().schema);
        let listens = self.connection.run_soon(&format!("listen {channel}"));
        if let Err(why) = &listens {
            tracing::info!(?why, "the server sends no notifications; the other nodes are asked by the clock");
        }
        self.ties.notifies.store(listens.is_ok(), Ordering::Relaxed);
    }

    /// The next news of all nodes, joined, and the places behind them; None where there are none.
    fn next(&mut self) -> Result<Option<(News, Places)>, Failure> {
        let own = four(self.ties.taken.node.0)?;
        let nodes: Vec<i32> = self.places.keys().copied().collect();
        let (epochs, sequences): (Vec<i32>, Vec<i64>) = self.places.values().copied().unzip();
        let limit = eight(limits::NEWS_ROWS)?;
        let params: [&(dyn ToSql + Sync); 5] = [&own, &nodes, &epochs, &sequences, &limit];
        let found = self.connection.ask_soon(NEWS, &params)?;
        let (mut joined, mut places) = (News::default(), Places::new());
        for row in &found.rows {
            joined.join(News::of_text(get(row, 3)?)?);
            places.insert(get(row, 0)?, (get(row, 1)?, get(row, 2)?));
        }
        Ok((!places.is_empty()).then_some((joined, places)))
    }

    /// Tells the rows as they are now. Those that this node changes itself meanwhile are read again: what its own
    /// commit told must not be followed by what was before it.
    fn tell(&mut self, news: &News) -> Result<(), Failure> {
        let touched = news.touched_here(&self.ties);
        if !touched.is_empty() {
            (self.hearer)(Word::Touched(touched));
        }
        for _ in 0..limits::NEWS_TRIES {
            let before = self.ties.before_reading();
            let changes = self.read(news)?;
            let own = self.ties.hold();
            if own.is_quiet_since(before) {
                if !changes.is_empty() {
                    (self.hearer)(Word::Changed(Box::new(changes)));
                }
                return Ok(());
            }
            drop(own);
            self.connection.rest(&self.ties.bell, limits::NEWS_AGAIN);
        }
        Err(Failure::value("this node's own changes never paused"))
    }

    fn read(&mut self, news: &News) -> Result<Changes, Failure> {
        let customers: Vec<i32> = news.customers.iter().chain(&news.richer).copied().collect();
        let keys: Vec<&[u8]> = news.keys.iter().map(|key| key.0.as_slice()).collect();
        let customers: [&(dyn ToSql + Sync); 1] = [&customers];
        let keys: [&(dyn ToSql + Sync); 1] = [&keys];
        let services: [&(dyn ToSql + Sync); 1] = [&news.services];
        let providers: [&(dyn ToSql + Sync); 1] = [&news.providers];
        let mut steps = vec![
            Step::new(ACCOUNTS, &customers),
            Step::new(load::CUSTOMERS, &customers),
            Step::new(load::API_KEYS, &keys),
            Step::new(SERVICES, &services),
            Step::new(PROVIDERS, &providers),
        ];
        if news.staff {
            steps.push(Step::plain(OPERATORS));
        }
        let answers = self.connection.fly_soon(&steps).map_err(|fallen| fallen.failure)?;
        let [accounts, customers, keys, services, providers, staff @ ..] = answers.as_slice() else {
            return Err(Failure::value("an answer is missing"));
        };
        let mut changes = Changes {
            accounts: all(&accounts.rows, rows::account)?,
            api_keys: all(&keys.rows, rows::api_key)?,
            services: all(&services.rows, |row| rows::service(row, 0).map(Arc::new))?,
            providers: all(&providers.rows, |row| rows::provider(row, 0))?,
            ..Changes::default()
        };
        for row in &customers.rows {
            changes.customers.extend(details::<panelworks_core::customer::Customer>(row, 2)?);
        }
        if let [operators] = staff {
            changes.operators = all(&operators.rows, rows::operator)?;
        }
        Ok(changes)
    }
}

fn all<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
    rows.iter().map(read).collect()
}
