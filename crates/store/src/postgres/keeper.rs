//! What a node does beside its batches, on a thread and a connection of its own: a sign of life when no batch gives
//! one, a look at the other nodes' signs, and idempotency keys swept when their day is over.
//!
//! In: the node and its epoch. Out: a lease that does not run out as long as the process runs; the work of nodes that
//! have fallen silent, taken over by one statement of which one node alone is the winner. It ends with the books. It
//! decides nothing: once the epoch is over it changes nothing any more, and says so. Rules: invariants.md A11-A13.

use std::collections::{BTreeSet, HashMap};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Options;
use super::connection::Connection;
use super::error::{Failure, error};
use super::node;
use super::rows::get;
use super::ties::{Ties, node_id};
use super::values::{eight, four};
use crate::limits;
use crate::neighbours::Word;
use crate::ports::{StoreError, StoreErrorKind};

/// When the node last gave a sign of life, by this machine's monotonic clock.
#[derive(Debug)]
pub(super) struct Lease(Mutex<Instant>);

impl Lease {
    pub(super) fn renewed_now() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(super) fn renewed(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn is_due(&self, after: Duration) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= after
    }
}

/// Some rows at a time, oldest first, by the index `idempotency_age`. The day is counted by the clock of the database
/// and an hour is added: a decision that still honours a key finds it.
pub(super) const SWEEP: &str = "delete from idempotency using (select customer, key from idempotency \
       where accepted_at < cast(extract(epoch from now()) * 1000 as bigint) - $1 order by accepted_at limit $2) as old \
     where idempotency.customer = old.customer and idempotency.key = old.key";

/// Every node, and whether it gave a sign of life within `$1` milliseconds of a lease of `$2`.
pub(super) const LOOK: &str = "select id, epoch, cast(extract(epoch from lease_until) * 1000 as bigint), \
       holder is not null, worked_by, \
       holder is not null and lease_until > now() + (cast($2 as bigint) - cast($1 as bigint)) * interval '1 millisecond' \
     from node order by id";

/// Takes the work of a node that has not moved since it was looked at, if it ever had any, and of those whose work it
/// did. Its epoch ends, so that nothing of it is committed afterwards, and its name is nobody's: whoever comes back by
/// it gets another number. Of two that try at once the second finds the row changed.
pub(super) const TAKE_OVER: &str = "with ours as materialized (select id from node where id = $1 and epoch = $2 for share), \
     fallen as (update node set epoch = node.epoch + 1, holder = null, worked_by = ours.id from ours \
       where node.id = $3 and node.epoch = $4 and node.worked_by = node.id and node.id <> ours.id \
         and cast(extract(epoch from node.lease_until) * 1000 as bigint) = $5 \
         and (exists (select 1 from node as left_behind where left_behind.worked_by = $3 and left_behind.id <> $3) \
           or coalesce((select orders from batch where batch.node = $3 and batch.place is not null \
             order by batch.epoch desc, batch.sequence desc limit 1), 0) > 0) \
       returning node.id), \
     followers as (update node set worked_by = $1 from fallen \
       where node.worked_by = fallen.id and node.id <> fallen.id returning node.id) \
     select id from fallen union all select id from followers";

/// See the module's head.
#[derive(Debug)]
pub(super) struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(options: Options, ties: Arc<Ties>, lease: Arc<Lease>) -> Result<Self, StoreError> {
        let failed = |why: String| error("starting the keeper", why, StoreErrorKind::Failed);
        let (stop, stopped) = channel::<()>();
        let silence = options.silence;
        let connection = Connection::new(options).map_err(|failure| failure.doing("starting the keeper"))?;
        let every = limits::LOOKED_ROUND.min(silence / 2);
        let mut round = Round {
            connection,
            ties,
            lease,
            silence,
            seen: HashMap::new(),
            swept: Instant::now(),
            over: false,
        };
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
                round.make();
            }
        });
        Ok(Self { stop: Some(stop), thread: Some(thread.map_err(|why| failed(why.to_string()))?) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("the keeper had panicked");
        }
    }
}

/// Another node as it was when it was seen to move last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    epoch: i32,
    /// By the clock of the database, in milliseconds: only compared, never counted with.
    lease: i64,
}

struct Round {
    connection: Connection,
    ties: Arc<Ties>,
    lease: Arc<Lease>,
    silence: Duration,
    /// And since when, by our own monotonic clock, without a break.
    seen: HashMap<i32, (Seen, Instant)>,
    swept: Instant,
    over: bool,
}

impl Round {
    fn make(&mut self) {
        let made = self.renew().and_then(|()| self.look_round()).and_then(|()| self.sweep());
        if let Err(failure) = made {
            match &failure {
                // Who could not look does not know who is silent.
                Failure::Lost(why) => {
                    tracing::debug!(why, "the other nodes were not looked at this time");
                    self.seen.clear();
                }
                Failure::Refused { why, .. } | Failure::Value(why) | Failure::Over(why) => {
                    tracing::warn!(
                        why,
                        "the node's lease, its neighbours or old keys were not tended this time"
                    );
                }
            }
        }
    }

    fn renew(&mut self) -> Result<(), Failure> {
        if !self.connection.is_live() {
            self.seen.clear();
            self.connection.connect()?;
        }
        if self.over || !self.lease.is_due(limits::LEASE_RENEWED) {
            return Ok(());
        }
        let (number, epoch) = (four(self.ties.taken.node.0)?, four(self.ties.taken.epoch)?);
        let until = eight(limits::LEASE.as_millis())?;
        if self.connection.ask_soon(node::RENEW, &[&number, &epoch, &until])?.written == 0 {
            self.over = true;
            let why = format!(
                "epoch {epoch} of node {number} is over: another node or start took it while this one was silent"
            );
            tracing::error!(why, "this node is not alive for the others any more");
            self.ties.say(Word::Over(error("renewing the lease", why, StoreErrorKind::Fatal)));
            return Ok(());
        }
        self.lease.renewed();
        Ok(())
    }

    /// Looks at every node's last sign of life, and takes over the work of those that gave none for too long.
    fn look_round(&mut self) -> Result<(), Failure> {
        if self.over {
            return Ok(());
        }
        let own = four(self.ties.taken.node.0)?;
        let (silence, lease) = (eight(self.silence.as_millis())?, eight(limits::LEASE.as_millis())?);
        let found = self.connection.ask_soon(LOOK, &[&silence, &lease])?;
        let (mut streams, mut live, mut silent) = (BTreeSet::new(), 0, Vec::new());
        for row in &found.rows {
            let (id, seen): (i32, Seen) = (get(row, 0)?, Seen { epoch: get(row, 1)?, lease: get(row, 2)? });
            let (has_holder, worked_by): (bool, i32) = (get(row, 3)?, get(row, 4)?);
            live += usize::from(get::<bool>(row, 5)?);
            if worked_by == own {
                streams.insert(id);
            }
            if has_holder && id != own && self.is_silent(id, seen) {
                silent.push((id, seen));
            }
        }
        self.ties.note_standing(live.max(1), streams.len());
        self.adopt(streams);
        if self.ties.is_listening() {
            for (id, seen) in silent {
                self.take_over(own, id, seen)?;
            }
        }
        Ok(())
    }

    fn is_silent(&mut self, id: i32, now: Seen) -> bool {
        let (last, since) = self.seen.entry(id).or_insert((now, Instant::now()));
        if *last != now {
            (*last, *since) = (now, Instant::now());
        }
        since.elapsed() >= self.silence
    }

    fn take_over(&mut self, own: i32, fallen: i32, seen: Seen) -> Result<(), Failure> {
        let epoch = four(self.ties.taken.epoch)?;
        let found = self.connection.ask(TAKE_OVER, &[&own, &epoch, &fallen, &seen.epoch, &seen.lease])?;
        // Where it left nothing to do, or somebody else was first, it is looked at anew.
        self.seen.remove(&fallen);
        if found.rows.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            node = fallen,
            silent_ms = self.silence.as_millis(),
            "a node gave no sign of life; its work is this node's now"
        );
        let streams = node::streams(&mut self.connection, own)?;
        self.adopt(streams);
        Ok(())
    }

    /// First it is known whose work it is, then that work is read: no change falls between the two. That a taking over
    /// whose answer was lost did succeed is found here by the next look.
    fn adopt(&self, streams: BTreeSet<i32>) {
        let before = self.ties.streams();
        let new: Vec<_> = streams.iter().filter(|id| !before.contains(id)).copied().collect();
        self.ties.work_on(streams);
        if !new.is_empty() {
            tracing::info!(nodes = ?new, "their orders are worked on here from now on");
            self.ties.note_taken_over(new.len() as u64);
            self.ties.say(Word::Inherited(new.into_iter().filter_map(node_id).collect()));
        }
    }

    /// What is seen to only now and then: what the server promises, and old idempotency keys.
    fn sweep(&mut self) -> Result<(), Failure> {
        if self.swept.elapsed() >= limits::SWEPT_EVERY {
            self.swept = Instant::now();
            self.connection.look_again()?;
            let kept = eight(panelworks_core::limits::IDEMPOTENCY_KEPT.0)? + SLACK_MS;
            self.connection.ask(SWEEP, &[&kept, &eight(limits::SWEPT_ROWS)?])?;
        }
        Ok(())
    }
}

/// Clocks of nodes and database may differ so much.
const SLACK_MS: i64 = 60 * 60 * 1_000;
