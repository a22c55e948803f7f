//! The writer: one batch, one transaction, one synced commit.
//!
//! In: what the executor decided. Out: rows, and the batch's own row with its link. Between batches it keeps
//! accounts and catalogue, the marks and the tip of the stream, all of which follow a commit, never lead it. A handle whose
//! commit failed with an I/O error is never used again (invariants.md A3): the panel restarts and reads what
//! stands.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::thread::JoinHandle;

use panelworks_core::ids::{BatchId, NodeId, OrderId};
use panelworks_core::limits::IDEMPOTENCY_KEPT;
use panelworks_core::time::Timestamp;
use panelworks_core::world::{Changes, Cursors, GuardKey, Need, World};
use rusqlite::{Connection, Result as SqlResult, params};

use super::checkpoint::Checkpoints;
use super::error::{doing, error, kind_of};
use super::files::FileStatements;
use super::load::{Kept, Loader};
use super::marks::{Kind, Marks, Salt};
use super::room::Room;
use super::rows::integer;
use super::schema::{Start, Tip};
use super::tail::Trace;
use super::views::SqliteReads;
use super::{Lock, archive, rebuild, write};
use crate::chain::{self, Link};
use crate::limits;
use crate::ports::{Begun, Books, CommitError, Flush, StoreError, StoreErrorKind};

/// See the module's head.
#[derive(Debug)]
pub struct SqliteBooks {
    connection: Connection,
    checkpoints: Checkpoints,
    files: FileStatements,
    node: NodeId,
    epoch: u32,
    salt: Salt,
    tip: Tip,
    cursors: Cursors,
    open: Option<(BatchId, Timestamp)>,
    /// Orders of the batch under way that were found in the archive.
    archived: BTreeSet<OrderId>,
    /// The failure after which this handle is not to be trusted.
    broken: Option<StoreError>,
    kept: Kept,
    indexes: Indexes,
    marks_in_memory: usize,
    tended: Tended,
    room: Room,
    /// What has to be synced for a commit; None where commits are not synced, as configured.
    log: Option<PathBuf>,
    /// Last, so that the folder is locked until everything else is closed.
    _lock: Lock,
}

/// The indexes in memory, which are built while the panel already answers questions.
#[derive(Debug)]
enum Indexes {
    Building { guards: Built, idempotency: Built },
    Ready(Box<Ready>),
}

#[derive(Debug)]
struct Ready {
    guards: Marks,
    idempotency: Marks,
}

type Built = JoinHandle<SqlResult<Marks>>;

/// When orders were accepted, roughly: the first id drawn after each instant.
#[derive(Debug)]
struct Tended {
    firsts: VecDeque<(Timestamp, OrderId)>,
}

impl SqliteBooks {
    pub(super) fn new(
        connection: Connection,
        start: Start,
        reads: &SqliteReads,
        room: Room,
        checkpoints: Checkpoints,
        log: Option<PathBuf>,
        lock: Lock,
    ) -> Result<Self, StoreError> {
        let spawn = |build: fn(&Connection, Salt) -> SqlResult<Marks>| {
            let connection = reads.connection()?;
            let salt = start.salt;
            std::thread::Builder::new()
                .name("index".to_owned())
                .spawn(move || build(&connection, salt))
                .map_err(|why| error("starting to build an index", why.to_string(), StoreErrorKind::Failed))
        };
        let indexes =
            Indexes::Building { guards: spawn(rebuild::guards)?, idempotency: spawn(rebuild::idempotency)? };
        Ok(Self {
            connection,
            checkpoints,
            files: FileStatements::new(),
            node: start.node,
            epoch: start.epoch,
            salt: start.salt,
            tip: start.tip,
            cursors: start.cursors,
            open: None,
            archived: BTreeSet::new(),
            broken: None,
            kept: Kept::default(),
            indexes,
            marks_in_memory: limits::MARKS_IN_MEMORY,
            tended: Tended { firsts: VecDeque::new() },
            room,
            log,
            _lock: lock,
        })
    }

    /// In memory at most so many marks of each index.
    pub(super) fn keeping(self, marks_in_memory: usize) -> Self {
        Self { marks_in_memory, ..self }
    }

    /// The last link of the chain.
    pub const fn link(&self) -> Link {
        self.tip.link
    }

    /// Waits for the indexes, the first time.
    fn wait_for_indexes(&mut self) -> Result<(), StoreError> {
        if let Indexes::Ready(_) = &self.indexes {
            return Ok(());
        }
        let empty = Ready { guards: Marks::empty(Kind::Guard), idempotency: Marks::empty(Kind::Idempotency) };
        let before = std::mem::replace(&mut self.indexes, Indexes::Ready(Box::new(empty)));
        if let Indexes::Building { guards, idempotency } = before {
            let most = self.marks_in_memory;
            let ready = Ready {
                guards: built(guards)?.keeping(most),
                idempotency: built(idempotency)?.keeping(most),
            };
            self.indexes = Indexes::Ready(Box::new(ready));
        }
        Ok(())
    }

    fn write(
        &mut self,
        batch: BatchId,
        at: Timestamp,
        changes: &Changes,
        cursors: Cursors,
    ) -> Result<Tip, StoreError> {
        self.write_rows(changes).map_err(doing("writing a batch"))?;
        let new_orders = changes.orders.iter().filter(|change| change.before.is_none()).count() as u64;
        let tip = Tip {
            link: chain::link(&self.tip.link, batch, at, &changes.entries),
            place: self.tip.place + 1,
            last_entry: cursors.entry - 1,
            orders: self.tip.orders + new_orders,
        };
        let trace = Trace::of(changes, tip.orders);
        self.connection
            .prepare_cached(INSERT_BATCH)
            .and_then(|mut insert| {
                insert.execute(params![
                    batch.node.0,
                    batch.epoch,
                    integer(batch.sequence),
                    at.0,
                    integer(tip.place),
                    integer(tip.last_entry),
                    integer(tip.orders),
                    tip.link,
                    trace.causes,
                    trace.balances
                ])
            })
            .map_err(doing("writing the batch's own row"))?;
        if let Indexes::Ready(ready) = &mut self.indexes {
            for marks in [&mut ready.guards, &mut ready.idempotency] {
                marks.write_some(&self.connection).map_err(doing("writing a part of an index"))?;
            }
        }
        Ok(tip)
    }

    fn write_rows(&self, changes: &Changes) -> SqlResult<()> {
        let changed = changes.orders.iter().map(|change| change.after.order.id);
        let back: Vec<OrderId> = if self.archived.is_empty() {
            Vec::new()
        } else {
            changed.filter(|id| self.archived.contains(id)).collect()
        };
        archive::bring_back(&self.connection, &back)?;
        write::write(&self.connection, changes)?;
        archive::put(&self.connection, &changes.archived)
    }

    /// Brings what is kept in memory up to the commit. It can't fail any more: what can't be tidied now is later.
    fn follow(&mut self, at: Timestamp, changes: &Changes, cursors: Cursors, tip: Tip) {
        self.tip = tip;
        self.cursors = cursors;
        self.kept.follow(changes);
        let Indexes::Ready(ready) = &mut self.indexes else { return };
        let Ready { guards, idempotency } = &mut **ready;
        for change in &changes.orders {
            let order = &change.after.order;
            let was_open = change.before.as_ref().is_some_and(|before| !before.order.status.has_ended());
            let is_open = !order.status.has_ended();
            if was_open != is_open
                && let Some(key) = GuardKey::of(order)
            {
                let fingerprint = self.salt.of_guard(&key);
                if is_open {
                    guards.insert(fingerprint, order.id);
                } else {
                    guards.remove(fingerprint, order.id);
                }
            }
            if let (None, Some(mark)) = (&change.before, order.mark) {
                idempotency.insert(self.salt.of_idempotency(order.customer, &mark.key), order.id);
            }
        }
        let tidied = self.tended.tend(&self.connection, at, OrderId(cursors.order), guards, idempotency);
        let moved = guards.committed(&self.connection).and_then(|()| idempotency.committed(&self.connection));
        if let Err(error) = tidied.and(moved) {
            tracing::warn!(%error, "an index in memory was not tidied this time");
        }
    }

    fn not_committed(&mut self, failure: StoreError) -> CommitError {
        self.rollback();
        if failure.kind == StoreErrorKind::Full {
            self.room.ran_out();
            self.checkpoints.after_commit(&self.connection, true);
        }
        if failure.kind == StoreErrorKind::Fatal {
            self.broken = Some(failure.clone());
        }
        CommitError::NotCommitted(failure)
    }
}

impl Tended {
    /// Forgets what no decision can ask for any more.
    fn tend(
        &mut self,
        connection: &Connection,
        now: Timestamp,
        next: OrderId,
        guards: &mut Marks,
        idempotency: &mut Marks,
    ) -> SqlResult<()> {
        // A clock that went back must not make an order look older than it is.
        let latest = self.firsts.back().map(|(at, _)| *at);
        if latest.is_some_and(|latest| now.since(latest) < limits::MARKS_TENDED) {
            return Ok(());
        }
        self.firsts.push_back((now, next));
        let mut forgotten = None;
        while let Some((at, first)) = self.firsts.front().copied() {
            if now.since(at) <= IDEMPOTENCY_KEPT {
                break;
            }
            forgotten = Some(first);
            self.firsts.pop_front();
        }
        if let Some(first) = forgotten {
            idempotency.forget_below(first);
        }
        if guards.has_runs() {
            let first: Option<u32> =
                connection.prepare_cached(FIRST_OPEN)?.query_row([], |row| row.get(0))?;
            guards.forget_runs_below(first.map_or(next, OrderId));
        }
        Ok(())
    }
}

fn built(index: Built) -> Result<Marks, StoreError> {
    let built =
        index.join().map_err(|_| error("building an index", "its thread panicked", StoreErrorKind::Fatal))?;
    // Without it an order could be taken twice: nothing is written then.
    built.map_err(|failure| StoreError { kind: StoreErrorKind::Fatal, ..doing("building an index")(failure) })
}

/// The batch's id is new under the writer's lock, and nobody else can have written it meanwhile: asking is as
/// good a proof as inserting, and the row is written once, with its link.
pub(super) const IS_NEW: &str = "select node.epoch, exists (select 1 from batch where node = ?1 and epoch = ?2 and sequence = ?3) \
     from node where id = ?1";

pub(super) const INSERT_BATCH: &str = "insert into batch (node, epoch, sequence, at, place, last_entry, orders, link, causes, balances) \
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

pub(super) const FIRST_OPEN: &str = "select min(id) from orders indexed by open_orders where status <= 3";

impl Books for SqliteBooks {
    fn cursors(&self) -> Cursors {
        self.cursors
    }

    fn begin(&mut self, batch: BatchId, at: Timestamp) -> Result<Begun, CommitError> {
        if let Some(failure) = &self.broken {
            return Err(CommitError::NotCommitted(StoreError {
                kind: StoreErrorKind::Fatal,
                ..failure.clone()
            }));
        }
        self.wait_for_indexes().map_err(|failure| self.not_committed(failure))?;
        let asked = self.connection.prepare_cached("begin immediate").and_then(|mut begin| {
            begin.execute([])?;
            let mut is_new = self.connection.prepare_cached(IS_NEW)?;
            is_new.query_row(params![batch.node.0, batch.epoch, integer(batch.sequence)], |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, bool>(1)?))
            })
        });
        let (epoch, exists) =
            asked.map_err(|failure| self.not_committed(doing("beginning a batch")(failure)))?;
        if batch.node != self.node || batch.epoch != epoch || epoch != self.epoch {
            let why = format!("epoch {} of node {} is over: it is at {epoch}", batch.epoch, batch.node);
            return Err(self.not_committed(error("beginning a batch", why, StoreErrorKind::Fatal)));
        }
        self.open = Some((batch, at));
        self.archived.clear();
        Ok(if exists { Begun::AlreadyCommitted } else { Begun::Fresh })
    }

    fn load(&mut self, need: &Need, world: &mut World) -> Result<(), StoreError> {
        let now = self.open.map_or(Timestamp(0), |(_, at)| at);
        let Indexes::Ready(ready) = &self.indexes else {
            return Err(error("loading", "no batch is open", StoreErrorKind::Failed));
        };
        let mut loader = Loader {
            connection: &self.connection,
            files: &self.files,
            kept: &mut self.kept,
            guards: &ready.guards,
            idempotency: &ready.idempotency,
            archived: &mut self.archived,
            salt: self.salt,
            now,
        };
        for key in need.keys() {
            loader.load(key, world).map_err(doing("loading what a batch reads"))?;
        }
        Ok(())
    }

    fn commit(&mut self, changes: &Changes, cursors: Cursors) -> Result<(), CommitError> {
        let Some((batch, at)) = self.open.take() else {
            let failure = error("committing", "no batch is open", StoreErrorKind::Failed);
            return Err(CommitError::NotCommitted(failure));
        };
        let tip = match self.write(batch, at, changes, cursors) {
            Ok(tip) => tip,
            Err(failure) => return Err(self.not_committed(failure)),
        };
        let committed = self.connection.prepare_cached("commit").and_then(|mut commit| commit.execute([]));
        if let Err(failure) = committed {
            return match kind_of(&failure) {
                // Without its last page in the log a transaction is none; and a busy file was not touched.
                StoreErrorKind::Full | StoreErrorKind::Again => {
                    Err(self.not_committed(doing("committing a batch")(failure)))
                }
                StoreErrorKind::Away | StoreErrorKind::Fatal | StoreErrorKind::Failed => {
                    let failure = doing("committing a batch")(failure);
                    self.broken = Some(failure.clone());
                    self.rollback();
                    Err(CommitError::Unknown(failure))
                }
            };
        }
        self.follow(at, changes, cursors, tip);
        self.checkpoints.after_commit(&self.connection, self.room.is_short());
        Ok(())
    }

    fn rollback(&mut self) {
        self.open = None;
        if self.connection.is_autocommit() {
            return;
        }
        let rolled_back = self.connection.prepare_cached("rollback").and_then(|mut back| back.execute([]));
        if let Err(failure) = rolled_back {
            tracing::error!(error = %failure, "a transaction could not be rolled back");
            self.broken.get_or_insert_with(|| doing("rolling a batch back")(failure));
        }
    }

    /// A handle that failed once may call pages written that are not: only a new start reads what stands.
    fn reconnect(&mut self) -> Result<(), StoreError> {
        let why = self.broken.as_ref().map_or_else(|| "nothing failed".to_owned(), ToString::to_string);
        Err(error("settling a commit of unknown fate", why, StoreErrorKind::Fatal))
    }

    fn takes_new_work(&mut self) -> bool {
        self.room.takes_new_work()
    }

    /// A commit then only writes to the log, which a descriptor of its own syncs. Weaker it is not: the log is read
    /// to its last whole commit after a power cut, checkpoints sync it before they copy, and nobody is told before
    /// the flush.
    fn part_flush(&mut self) -> Result<Option<Flush>, StoreError> {
        let Some(log) = &self.log else { return Ok(None) };
        let failed = |doing| move |why: io::Error| error(doing, why.to_string(), StoreErrorKind::Fatal);
        let log = File::open(log).map_err(failed("opening the log"))?;
        let parted = self.connection.pragma_update(None, "synchronous", "normal");
        parted.map_err(doing("parting commits from their sync"))?;
        Ok(Some(Box::new(move || log.sync_data().map_err(failed("syncing the log")))))
    }
}
