//! The executor's thread, its two lanes, and the handle that others hold.
//!
//! Outcomes of money already spent are never refused and go first: they are bounded by the calls under way.
//! New work is taken in turns, one command of each customer ([`turns`](super::turns)). It is refused when too much
//! waits, or has waited for a while ([`shedding`](super::shedding)), or when one customer takes more than its share of
//! the queue.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use panelworks_core::command::Command;
use panelworks_core::ids::CustomerId;
use panelworks_core::time::Timestamp;
use tokio::sync::oneshot;

use super::herald::{Announcer, Courier, Herald, News};
use super::shedding::Shedding;
use super::turns::{Asker, Turns};
use super::{Executor, Follower, Ran, Reply, Stopped, Undecided};
use crate::limits;
use crate::ports::{Books, StoreError, StoreErrorKind};

/// Which lane a command waits on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// What became of work under way: never refused.
    Outcome,
    /// New work of a customer: refused when too much waits.
    Customer(CustomerId),
    /// New work of an operator or of the panel itself.
    Panel,
}

/// Why a command was not even queued.
pub type Overload = Undecided;

/// A command that waits, and where its reply goes.
#[derive(Debug)]
pub struct Queued {
    pub(super) lane: Lane,
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Reply>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a state of its own: asleep, away, stopping, stopped"
)]
#[derive(Debug, Default)]
struct Waiting {
    outcomes: VecDeque<Queued>,
    new_work: Turns,
    shedding: Shedding,
    /// The executor waits for [`Waiting::enough`]. While it works it finds by itself what has come meanwhile, and a
    /// wake-up would cost every submitter a system call.
    asleep: bool,
    /// Commands of the batches that are written and not yet durable.
    flushing: usize,
    /// The store can't be reached: new work is refused, outcomes wait.
    away: bool,
    stopping: bool,
    stopped: bool,
    /// Why nothing can be made durable any more.
    failure: Option<StoreError>,
}

impl Waiting {
    fn len(&self) -> usize {
        self.outcomes.len() + self.new_work.len()
    }

    /// How many commands make a batch now. While one is flushed the next is worth beginning only when it is as large:
    /// smaller ones would cost more than the flush does.
    fn enough(&self) -> usize {
        self.flushing.clamp(1, limits::BATCH_COMMANDS)
    }

    /// Whether the executor is to be woken now: once.
    fn wakes(&mut self) -> bool {
        let wakes = self.asleep && self.len() >= self.enough();
        self.asleep &= !wakes;
        wakes
    }
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic while it is held is in a push or a pop of plain values: the queue is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch of so many commands is written and not yet durable.
    pub(super) fn flush_begins(&self, commands: usize) {
        self.lock().flushing += commands;
    }

    /// The oldest of them is durable.
    pub(super) fn flush_ends(&self, commands: usize) {
        let mut waiting = self.lock();
        waiting.flushing -= commands;
        let wake = waiting.wakes();
        drop(waiting);
        if wake {
            self.arrived.notify_one();
        }
    }

    /// Nothing can be made durable any more: the executor stops.
    pub(super) fn fail(&self, failure: StoreError) {
        self.lock().failure = Some(failure);
        self.arrived.notify_all();
    }

    /// Why the herald is gone.
    pub(super) fn failure(&self) -> StoreError {
        self.lock().failure.clone().unwrap_or_else(|| StoreError {
            doing: "telling of a batch",
            why: "its thread is gone".to_owned(),
            kind: StoreErrorKind::Fatal,
        })
    }
}

/// Submits commands to the executor's thread. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    /// Starts the thread. `clock` gives the time of each batch; `follower` hears of each commit.
    pub fn start<B: Books + 'static>(
        mut executor: Executor<B>,
        clock: impl Fn() -> Timestamp + Send + 'static,
        follower: Follower,
    ) -> std::io::Result<(Self, JoinHandle<Result<(), Stopped>>)> {
        let shared = Arc::new(Shared::default());
        let flush = executor.books_mut().part_flush().map_err(std::io::Error::other)?;
        let herald = Herald::start(flush, Announcer::new(follower, Courier::engage()), &shared)?;
        let thread = std::thread::Builder::new().name("executor".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || work(executor, &shared, herald, clock)
        })?;
        Ok((Self { shared }, thread))
    }

    /// A handle on nothing: every command is refused as by a panel that stops.
    pub fn of_none() -> Self {
        let handle = Self { shared: Arc::new(Shared::default()) };
        handle.shared.lock().stopped = true;
        handle
    }

    /// Queues a command. The receiver gives its reply after its commit; a refusal by overload comes at once.
    pub fn submit(&self, lane: Lane, command: Command) -> oneshot::Receiver<Reply> {
        let (reply, receiver) = oneshot::channel();
        let mut waiting = self.shared.lock();
        if let Some(refusal) = refuse(&waiting, lane) {
            drop(waiting);
            // The receiver is in our hand: it can't have gone.
            let _ = reply.send(Err(refusal));
            return receiver;
        }
        let queued = Queued { lane, command, reply };
        match lane {
            Lane::Outcome => waiting.outcomes.push_back(queued),
            Lane::Customer(customer) => waiting.new_work.push(Asker::Customer(customer), queued),
            Lane::Panel => waiting.new_work.push(Asker::Panel, queued),
        }
        let wake = waiting.wakes();
        drop(waiting);
        if wake {
            self.shared.arrived.notify_one();
        }
        receiver
    }

    /// Commands that wait now, on both lanes.
    pub fn waiting(&self) -> usize {
        self.shared.lock().len()
    }

    /// Takes no new work, finishes what waits, and lets the thread end.
    pub fn stop(&self) {
        self.shared.lock().stopping = true;
        self.shared.arrived.notify_all();
    }

    /// Takes nothing any more: the books are not this process's to write. What waits is unknown.
    pub fn give_up(&self, failure: StoreError) {
        self.shared.fail(failure);
    }

    /// Whether commands are taken.
    pub fn is_running(&self) -> bool {
        !self.shared.lock().stopped
    }
}

fn refuse(waiting: &Waiting, lane: Lane) -> Option<Overload> {
    if waiting.stopped {
        return Some(Undecided::Stopping);
    }
    match lane {
        Lane::Customer(_) | Lane::Panel if waiting.stopping => Some(Undecided::Stopping),
        Lane::Customer(_) | Lane::Panel if waiting.away => Some(Undecided::Away),
        Lane::Customer(_) | Lane::Panel if waiting.new_work.len() >= limits::QUEUE_COMMANDS => {
            Some(Undecided::Overloaded)
        }
        Lane::Customer(customer) => {
            let own = waiting.new_work.share(Asker::Customer(customer));
            let Waiting { new_work, shedding, .. } = waiting;
            let is_shed = shedding.refuses(own, new_work.len(), new_work.askers());
            (is_shed || own >= limits::QUEUE_PER_CUSTOMER).then_some(Undecided::Overloaded)
        }
        Lane::Outcome | Lane::Panel => None,
    }
}

fn work<B: Books>(
    mut executor: Executor<B>,
    shared: &Arc<Shared>,
    mut herald: Herald,
    clock: impl Fn() -> Timestamp,
) -> Result<(), Stopped> {
    let abort = AbortOnPanic;
    let waiting = Arc::clone(shared);
    executor.stand_by = Box::new(move |error| stand_by(&waiting, error));
    let ended = run_batches(&mut executor, shared, &mut herald, clock);
    if let Err(stopped) = &ended {
        tracing::error!(error = %stopped, "the executor stops; restart the panel to find out what stands");
    }
    herald.finish();
    close(shared);
    std::mem::forget(abort);
    ended
}

fn run_batches<B: Books>(
    executor: &mut Executor<B>,
    shared: &Shared,
    herald: &mut Herald,
    clock: impl Fn() -> Timestamp,
) -> Result<(), Stopped> {
    while let Some(batch) = next_batch(shared)? {
        let (taken, refused) = admit(batch, executor.books_mut().takes_new_work());
        for queued in refused {
            let _ = queued.reply.send(Err(Undecided::NoRoom));
        }
        if taken.is_empty() {
            continue;
        }
        let (commands, mut replies): (Vec<Command>, VecDeque<oneshot::Sender<Reply>>) =
            taken.into_iter().map(|queued| (queued.command, queued.reply)).unzip();
        match executor.run(clock(), &commands) {
            Ok(all) => {
                let is_away = all.iter().any(Ran::found_the_store_away);
                for ran in all {
                    let to = replies.drain(..ran.replies.len().min(replies.len()));
                    let letters = to.zip(ran.replies).collect();
                    herald.tell(News { committed: ran.committed, letters }, shared)?;
                }
                executor.books_mut().told();
                return_to(executor, shared, is_away);
            }
            Err(stopped) => {
                for reply in replies {
                    let _ = reply.send(Err(Undecided::Unknown));
                }
                return Err(stopped);
            }
        }
    }
    Ok(())
}

/// Refuses new work for a moment, because a store that is away answers nobody. Says whether to ask it again.
fn stand_by(shared: &Shared, why: &StoreError) -> bool {
    let mut waiting = shared.lock();
    if !waiting.away {
        tracing::error!(error = %why, "the store is away: new work is refused until it answers");
        waiting.away = true;
    }
    for queued in waiting.new_work.take_all() {
        let _ = queued.reply.send(Err(Undecided::Away));
    }
    if waiting.stopping {
        return false;
    }
    let woken = shared.arrived.wait_timeout(waiting, limits::AWAY_PAUSE);
    let (waiting, _) = woken.unwrap_or_else(PoisonError::into_inner);
    !waiting.stopping
}

/// After a batch: waits until a store that was away is back. Outcomes wait in their lane meanwhile.
fn return_to<B: Books>(executor: &mut Executor<B>, shared: &Shared, is_away: bool) {
    if is_away {
        while let Err(error) = executor.books_mut().reconnect() {
            if error.kind != StoreErrorKind::Away || !stand_by(shared, &error) {
                break;
            }
        }
    }
    let mut waiting = shared.lock();
    if std::mem::take(&mut waiting.away) {
        tracing::info!("the store is back");
    }
}

/// A panic in the executor ends the process: what is on disk is whole, what is in memory may not be.
pub(super) struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        std::process::abort();
    }
}

/// Waits for enough work; None when stopping and nothing waits.
fn next_batch(shared: &Shared) -> Result<Option<Vec<Queued>>, Stopped> {
    // Whoever was just answered may have more to say: where all processors are busy, doors come first.
    std::thread::yield_now();
    let mut waiting = shared.lock();
    loop {
        if let Some(failure) = &waiting.failure {
            return Err(Stopped(failure.clone()));
        }
        if waiting.len() >= waiting.enough() || (waiting.stopping && waiting.len() > 0) {
            break;
        }
        if waiting.stopping {
            return Ok(None);
        }
        waiting.asleep = true;
        waiting = shared.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
    }
    waiting.asleep = false;
    let mut batch = Vec::with_capacity(limits::BATCH_COMMANDS.min(waiting.len()));
    while batch.len() < limits::BATCH_COMMANDS {
        let Some(queued) = waiting.outcomes.pop_front().or_else(|| waiting.new_work.pop()) else {
            break;
        };
        batch.push(queued);
    }
    let left = waiting.new_work.len();
    waiting.shedding.note(left, Instant::now());
    Ok(Some(batch))
}

fn admit(batch: Vec<Queued>, takes_new_work: bool) -> (Vec<Queued>, Vec<Queued>) {
    batch.into_iter().partition(|queued| takes_new_work || queued.lane == Lane::Outcome)
}

fn close(shared: &Shared) {
    let mut waiting = shared.lock();
    waiting.stopped = true;
    let Waiting { outcomes, new_work, .. } = &mut *waiting;
    for queued in outcomes.drain(..).chain(new_work.take_all()) {
        let _ = queued.reply.send(Err(Undecided::Stopping));
    }
}
