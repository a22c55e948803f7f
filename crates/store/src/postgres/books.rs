//! The writer: one batch, one transaction, a few flights of statements.
//!
//! In: what the executor decided. Out: rows, and the batch's own row with its link. The batch's row is the first
//! statement and checks in the same breath that the node's epoch is still ours (invariants.md A11, A12); the write-set
//! and the commit leave together. Between batches it keeps the end of its stream and its numbers, which follow a
//! commit, never lead it; after a commit of unknown fate both are read again, after the batch's row has settled it.
//! Rules: architecture.md, The executor 4 and The store; invariants.md A6-A9, 7.8.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use panelworks_core::ids::{BatchId, OrderId};
use panelworks_core::time::Timestamp;
use panelworks_core::world::{Changes, Cursors, Key, Need, World};
use tokio_postgres::types::ToSql;

use super::behind;
use super::blocks::Blocks;
use super::connection::{Answer, Connection, Fallen, Step};
use super::error::{Failure, doing, error};
use super::keeper::{Keeper, Lease};
use super::listener::channel;
use super::load::{self, Catalogue, Read};
use super::news::News;
use super::node::{self, Standing, Taken, Tip};
use super::promise::Server;
use super::rows::get;
use super::ties::Ties;
use super::values::{Hash, eight, four};
use super::write::{Write, Writes};
use crate::chain::{self, Link};
use crate::limits;
use crate::ports::{Begun, Books, CommitError, Flush, StoreError, StoreErrorKind};

/// Waits for whatever an older start has under way, then fails for every epoch but the node's own.
pub(super) const OPEN_BATCH: &str = "with ours as materialized (select id from node where id = $1 and epoch = $2 for share), \
     made as (insert into batch (node, epoch, sequence, at) \
       select id, $2, cast($3 as bigint), cast($4 as bigint) from ours on conflict do nothing returning node) \
     select (select count(*) from ours), (select count(*) from made)";

/// The same, and a sign of life: under load nobody else gives one.
pub(super) const OPEN_BATCH_AND_RENEW: &str = "with ours as (update node set lease_until = now() + cast($5 as bigint) * interval '1 millisecond' \
       where id = $1 and epoch = $2 returning id), \
     made as (insert into batch (node, epoch, sequence, at) \
       select id, $2, cast($3 as bigint), cast($4 as bigint) from ours on conflict do nothing returning node) \
     select (select count(*) from ours), (select count(*) from made)";

pub(super) const CLOSE_BATCH: &str = "update batch set place = $4, last_entry = $5, orders = $6, link = $7, news = $8 \
     where node = $1 and epoch = $2 and sequence = $3";

/// Heard by the other nodes when the batch is committed.
const WAKE: &str = "select pg_notify($1, '')";

/// See the module's head.
#[derive(Debug)]
pub struct PostgresBooks {
    connection: Connection,
    taken: Taken,
    tip: Tip,
    cursors: Cursors,
    blocks: Blocks,
    catalogue: Catalogue,
    open: Option<Open>,
    doubts: Doubts,
    /// Of the last commit: orders that another node had accepted, and which.
    strangers: HashMap<OrderId, i32>,
    ties: Arc<Ties>,
    /// The failure after which nothing is written any more.
    over: Option<StoreError>,
    lease: Arc<Lease>,
    _keeper: Keeper,
}

/// The transaction under way.
#[derive(Debug)]
struct Open {
    batch: BatchId,
    at: Timestamp,
    keys: BTreeSet<Key>,
    read: Read,
}

/// What is not to be relied on at the next beginning.
#[derive(Debug, Default)]
struct Doubts {
    /// A commit has no answer: the stream may have moved.
    commit: bool,
    /// The connection is new: its server may not have all that the one before acknowledged.
    server: bool,
    /// Another node may have opened customers, services, providers.
    few: bool,
    /// More ids than usual are wanted: a batch drew beyond its blocks.
    ids: u32,
    /// What a batch had read when it was sent back: all of it is locked at once when it comes again, in the order of
    /// keys, so that the same two batches can't embrace twice.
    read: Option<(BatchId, BTreeSet<Key>)>,
    /// Batches in a row that were sent back.
    again: u32,
}

impl PostgresBooks {
    pub(super) fn new(
        connection: Connection,
        ties: Arc<Ties>,
        standing: Standing,
    ) -> Result<Self, StoreError> {
        let taken = ties.taken;
        let Standing { tip, cursors, blocks } = standing;
        let lease = Arc::new(Lease::renewed_now());
        let keeper = Keeper::start(connection.options().clone(), Arc::clone(&ties), Arc::clone(&lease))?;
        Ok(Self {
            connection,
            taken,
            tip,
            cursors,
            blocks,
            catalogue: Catalogue::default(),
            open: None,
            doubts: Doubts::default(),
            strangers: HashMap::new(),
            ties,
            over: None,
            lease,
            _keeper: keeper,
        })
    }

    /// The last link of the node's chain.
    pub const fn link(&self) -> Link {
        self.tip.link
    }

    /// The server of the present connection; None while the database is away.
    pub fn server(&self) -> Option<&Server> {
        self.connection.server()
    }

    /// A connection, and numbers enough for a batch.
    fn ready(&mut self) -> Result<(), Failure> {
        if !self.connection.is_live() {
            self.connect()?;
        }
        if self.doubts.again > 0 {
            std::thread::sleep(pause(self.doubts.again));
        }
        if self.doubts.commit {
            return Ok(());
        }
        if self.doubts.server {
            let found = node::last(&mut self.connection, self.taken.node)?;
            self.recognise(found)?;
        }
        let wanted = self.doubts.ids.max(limits::ID_HEADROOM);
        self.blocks.refill(&mut self.connection, self.taken.node, &mut self.cursors, wanted)?;
        self.doubts.ids = 0;
        Ok(())
    }

    fn connect(&mut self) -> Result<(), Failure> {
        self.doubts.server = true;
        self.connection.connect()
    }

    /// Nothing is written any more on a server that has lost what we committed.
    fn recognise(&mut self, found: Tip) -> Result<(), Failure> {
        self.doubts.server = false;
        let Some(why) = behind::lost(&self.tip, &found) else { return Ok(()) };
        behind::leave_word(self.connection.options().word_of_loss.as_deref(), &why);
        self.over = Some(error("finding the books again", why.clone(), StoreErrorKind::Fatal));
        Err(Failure::Over(why))
    }

    /// Opens the transaction with the batch's own row.
    fn open(&mut self, batch: BatchId, at: Timestamp) -> Result<(bool, bool), Failure> {
        let (number, epoch) = (four(batch.node.0)?, four(batch.epoch)?);
        let (sequence, lease) = (eight(batch.sequence)?, eight(limits::LEASE.as_millis())?);
        let renews = self.lease.is_due(limits::LEASE_RENEWED / 2);
        let all: [&(dyn ToSql + Sync); 5] = [&number, &epoch, &sequence, &at.0, &lease];
        let step =
            if renews { Step::new(OPEN_BATCH_AND_RENEW, &all) } else { Step::new(OPEN_BATCH, &all[..4]) };
        let mut steps = vec![Step::plain("begin"), step];
        if self.doubts.few {
            steps.push(Step::plain(node::HIGHEST));
        }
        let answers = self.connection.fly(&steps).map_err(|fallen| fallen.failure)?;
        if renews {
            self.lease.renewed();
        }
        if let Some(row) = answers.get(2).and_then(|answer| answer.rows.first()) {
            self.cursors = node::few(row, self.cursors)?;
            self.doubts.few = false;
        }
        let row = answers.get(1).and_then(|answer| answer.rows.first());
        let row = row.ok_or_else(|| Failure::value("the batch's row was not answered"))?;
        Ok((get::<i64>(row, 0)? > 0, get::<i64>(row, 1)? > 0))
    }

    /// Reads the stream's end and the numbers again, once it is known which commit was the last.
    fn settle(&mut self) -> Result<(), Failure> {
        let Standing { tip, cursors, blocks } = node::standing(&mut self.connection, self.taken.node, None)?;
        self.recognise(tip)?;
        (self.tip, self.cursors, self.blocks) = (tip, cursors, blocks);
        self.doubts.commit = false;
        Ok(())
    }

    /// The batch stands on this server. Whether a standby has it too is proved by a commit behind it.
    fn confirm(&mut self) -> Result<(), Failure> {
        let (number, epoch) = (four(self.taken.node.0)?, four(self.taken.epoch)?);
        let lease = eight(limits::LEASE.as_millis())?;
        self.connection.ask(node::RENEW, &[&number, &epoch, &lease])?;
        match self.connection.warnings().pop() {
            Some(warning) => Err(Failure::Lost(warning)),
            None => self.settle(),
        }
    }

    fn not_committed(&mut self, failure: Failure, what: &'static str) -> CommitError {
        CommitError::NotCommitted(self.failed(failure, what))
    }

    /// Ends the transaction, and says what may be done. Nothing was committed. A connection that can be had again at
    /// once is no reason to refuse anything: the batch is decided again on it.
    fn failed(&mut self, failure: Failure, what: &'static str) -> StoreError {
        self.doubts.few |= failure.is_taken_key();
        let lost = matches!(failure, Failure::Lost(_));
        let mut failure = failure.doing(what);
        if lost && self.connect().is_ok() {
            tracing::warn!(%failure, "the connection to the database was lost; there is another one");
            failure.kind = StoreErrorKind::Again;
        }
        if failure.kind == StoreErrorKind::Again {
            self.doubts.again = self.doubts.again.saturating_add(1);
            self.doubts.read = self.open.take().map(|open| (open.batch, open.keys));
        }
        self.rollback();
        failure
    }

    /// Whether this commit has a yes that means what it says.
    fn committed(&mut self, answers: Result<Vec<Answer>, Fallen>, commit: usize) -> Result<(), CommitError> {
        const WHAT: &str = "committing a batch";
        let unknown = match answers {
            Ok(_) => match self.connection.warnings().pop() {
                // "Canceling the wait for synchronous replication": a yes that a failover takes back.
                Some(warning) => Failure::Lost(warning),
                None => return Ok(()),
            },
            // Its transaction is aborted, and the commit behind it committed nothing.
            Err(Fallen { step, failure: failure @ (Failure::Refused { .. } | Failure::Value(_)) })
                if step < commit || refused_for_certain(&failure) =>
            {
                return Err(self.not_committed(failure, WHAT));
            }
            Err(Fallen { failure, .. }) => failure,
        };
        self.connection.close();
        self.open = None;
        self.doubts.commit = true;
        Err(CommitError::Unknown(unknown.doing(WHAT)))
    }

    fn next_tip(&self, batch: BatchId, at: Timestamp, changes: &Changes, cursors: Cursors) -> Tip {
        let new_orders = changes.orders.iter().filter(|change| change.before.is_none()).count() as u64;
        Tip {
            link: chain::link(&self.tip.link, batch, at, &changes.entries),
            place: self.tip.place + 1,
            last_entry: cursors.entry - 1,
            orders: self.tip.orders + new_orders,
        }
    }

    /// Sends the write-set. Where it is not certain that every row is still as it was read, the commit waits for the
    /// answers; everywhere else it leaves with them.
    fn send(
        &mut self,
        batch: BatchId,
        tip: Tip,
        news: Option<&News>,
        writes: &[Write<'_>],
    ) -> Result<(), CommitError> {
        let own = || -> Result<_, Failure> {
            let name = (four(batch.node.0)?, four(batch.epoch)?, eight(batch.sequence)?);
            let news = news.map(News::to_text).transpose()?;
            Ok((name, eight(tip.place)?, eight(tip.last_entry)?, eight(tip.orders)?, Hash(tip.link), news))
        };
        let ((number, epoch, sequence), place, last_entry, orders, link, text) =
            own().map_err(|failure| self.not_committed(failure, "writing the batch's own row"))?;
        let own: [&(dyn ToSql + Sync); 8] =
            [&number, &epoch, &sequence, &place, &last_entry, &orders, &link, &text];
        let channel = channel(&self.connection.options().schema);
        let wake: [&(dyn ToSql + Sync); 1] = [&channel];
        let mut steps: Vec<Step<'_>> =
            writes.iter().map(|write| Step::new(write.sql, &write.params)).collect();
        steps.push(Step::new(CLOSE_BATCH, &own));
        if let Some(news) = news {
            self.ties.commits();
            if news.is_urgent() && self.ties.notifies.load(Ordering::Relaxed) {
                steps.push(Step::new(WAKE, &wake));
            }
        }
        if writes.iter().any(|write| write.rows.is_some()) {
            let answers = self
                .connection
                .fly(&steps)
                .map_err(|fallen| self.not_committed(fallen.failure, "writing a batch"))?;
            let is_short = |(write, answer): (&Write<'_>, &Answer)| {
                write.rows.is_some_and(|rows| rows != answer.written)
            };
            if writes.iter().zip(&answers).any(is_short) {
                let failure = error("writing a batch", "a row has changed meanwhile", StoreErrorKind::Again);
                self.rollback();
                return Err(CommitError::NotCommitted(failure));
            }
            steps.clear();
        }
        steps.push(Step::plain("commit"));
        let answers = self.connection.fly(&steps);
        self.committed(answers, steps.len() - 1)
    }
}

/// What PostgreSQL answers to a commit that it did not make.
fn refused_for_certain(failure: &Failure) -> bool {
    let Failure::Refused { state, .. } = failure else { return false };
    let code = state.code();
    code.starts_with("23") || code == "40001" || code == "40P01"
}

/// Grows with every time that a batch was sent back, and is never the same for two nodes.
fn pause(again: u32) -> Duration {
    let most = Duration::from_millis(1 << again.min(6));
    let draw = std::collections::hash_map::RandomState::new().build_hasher().finish();
    most.mul_f64(f64::from(u16::try_from(draw >> 48).unwrap_or(0)) / f64::from(u16::MAX))
}

impl Books for PostgresBooks {
    fn cursors(&self) -> Cursors {
        self.cursors
    }

    fn begin(&mut self, batch: BatchId, at: Timestamp) -> Result<Begun, CommitError> {
        const WHAT: &str = "beginning a batch";
        self.rollback();
        if let Some(over) = &self.over {
            return Err(CommitError::NotCommitted(over.clone()));
        }
        self.ready().map_err(|failure| self.not_committed(failure, WHAT))?;
        let mut opened = self.open(batch, at);
        if let Err(Failure::Lost(_)) = opened {
            // It may have died long ago, while nothing was to be done.
            self.ready().map_err(|failure| self.not_committed(failure, WHAT))?;
            opened = self.open(batch, at);
        }
        let (ours, made) = opened.map_err(|failure| self.not_committed(failure, WHAT))?;
        if !ours || (batch.node, batch.epoch) != (self.taken.node, self.taken.epoch) {
            self.rollback();
            let why =
                format!("epoch {} of node {} is over: another start took the node", batch.epoch, batch.node);
            let over = error(WHAT, why, StoreErrorKind::Fatal);
            self.over = Some(over.clone());
            return Err(CommitError::NotCommitted(over));
        }
        let in_doubt = self.doubts.commit;
        if !made {
            self.rollback();
            if in_doubt {
                self.confirm()
                    .map_err(|failure| CommitError::Unknown(failure.doing("confirming a commit")))?;
            }
            return Ok(Begun::AlreadyCommitted);
        }
        if in_doubt {
            self.settle().map_err(|failure| self.not_committed(failure, WHAT))?;
        }
        self.open = Some(Open { batch, at, keys: BTreeSet::new(), read: Read::default() });
        Ok(Begun::Fresh)
    }

    fn load(&mut self, need: &Need, world: &mut World) -> Result<(), StoreError> {
        const WHAT: &str = "loading what a batch reads";
        let Self { connection, catalogue, open: Some(open), doubts, taken, .. } = self else {
            return Err(error(WHAT, "no batch is open", StoreErrorKind::Failed));
        };
        let mut keys: BTreeSet<Key> = need.keys().cloned().collect();
        if doubts.read.as_ref().is_some_and(|(batch, _)| *batch == open.batch)
            && let Some((_, before)) = doubts.read.take()
        {
            keys.extend(before);
        }
        open.keys.extend(keys.iter().cloned());
        let own = i32::from(taken.node.0);
        let loaded = load::load(connection, &keys, open.at, catalogue, (own, &mut open.read), world);
        loaded.map_err(|failure| self.failed(failure, WHAT))
    }

    fn commit(&mut self, changes: &Changes, cursors: Cursors) -> Result<(), CommitError> {
        let Some(open) = self.open.as_mut() else {
            let failure = error("committing", "no batch is open", StoreErrorKind::Failed);
            return Err(CommitError::NotCommitted(failure));
        };
        let (batch, at, read) = (open.batch, open.at, std::mem::take(&mut open.read));
        if !self.blocks.hold(cursors) {
            self.doubts.ids = drawn(self.cursors, cursors).saturating_add(limits::ID_HEADROOM);
            self.rollback();
            let failure =
                error("committing", "the batch drew more ids than there were", StoreErrorKind::Again);
            return Err(CommitError::NotCommitted(failure));
        }
        let writes = Writes::of(changes, self.taken.node, self.cursors, &read)
            .map_err(|failure| self.not_committed(failure, "writing a batch"))?;
        let news = News::of(changes, &read, &self.ties)
            .map_err(|failure| self.not_committed(failure, "naming what others must hear"))?;
        self.strangers = read.strangers;
        let tip = self.next_tip(batch, at, changes, cursors);
        self.send(batch, tip, news.as_ref(), &writes.statements())?;
        self.open = None;
        (self.tip, self.cursors) = (tip, cursors);
        self.doubts.again = 0;
        self.doubts.read = None;
        Ok(())
    }

    fn rollback(&mut self) {
        if self.open.take().is_none() && !self.connection.is_in_transaction() {
            return;
        }
        if let Err(failure) = self.connection.ask("rollback", &[]) {
            // The server does it by itself when the connection is gone.
            tracing::debug!(?failure, "a transaction was not rolled back by us");
            self.connection.close();
        }
    }

    fn reconnect(&mut self) -> Result<(), StoreError> {
        self.open = None;
        self.connect().map_err(doing("connecting to the database again"))
    }

    fn takes_new_work(&mut self) -> bool {
        true
    }

    fn part_flush(&mut self) -> Result<Option<Flush>, StoreError> {
        Ok(None)
    }

    /// Asked after the commit: what is taken over from now on is read afterwards, and this commit with it.
    fn elsewhere(&self, changes: &Changes) -> Vec<OrderId> {
        if self.strangers.is_empty() {
            return Vec::new();
        }
        let is_elsewhere =
            |id: &OrderId| self.strangers.get(id).is_some_and(|stream| !self.ties.works_on(*stream));
        changes.orders.iter().map(|change| change.after.order.id).filter(is_elsewhere).collect()
    }

    fn told(&mut self) {
        self.ties.told();
    }
}

/// The most ids that one sequence gave.
fn drawn(before: Cursors, after: Cursors) -> u32 {
    let gave = |before: u32, after: u32| after.saturating_sub(before);
    gave(before.order, after.order)
        .max(gave(before.refill, after.refill))
        .max(gave(before.cancel, after.cancel))
        .max(gave(before.transfer, after.transfer))
}
