//! The executor's thread, its two lanes, and the handle that others hold.
//!
//! Outcomes of money already spent are never refused and go first: they are bounded by the calls under way.
//! New work is refused when too much waits, or when one customer takes more than its share of the queue.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use panelworks_core::command::Command;
use panelworks_core::ids::CustomerId;
use panelworks_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::{Executor, Follower, Reply, Stopped, Undecided};
use crate::limits;
use crate::ports::Books;

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
    lane: Lane,
    command: Command,
    reply: oneshot::Sender<Reply>,
}

#[derive(Debug, Default)]
struct Waiting {
    outcomes: VecDeque<Queued>,
    new_work: VecDeque<Queued>,
    per_customer: HashMap<CustomerId, usize>,
    /// The executor waits to be woken. While it works it finds by itself what has come meanwhile, and a wake-up
    /// would cost every submitter a system call.
    asleep: bool,
    stopping: bool,
    stopped: bool,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic while it is held is in a push or a pop of plain values: the queue is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
        executor: Executor<B>,
        clock: impl Fn() -> Timestamp + Send + 'static,
        follower: Follower,
    ) -> std::io::Result<(Self, JoinHandle<Result<(), Stopped>>)> {
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new().name("executor".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            let courier = Courier::engage();
            move || work(executor, &shared, &courier, clock, follower)
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
            Lane::Customer(customer) => {
                *waiting.per_customer.entry(customer).or_default() += 1;
                waiting.new_work.push_back(queued);
            }
            Lane::Panel => waiting.new_work.push_back(queued),
        }
        let asleep = std::mem::take(&mut waiting.asleep);
        drop(waiting);
        if asleep {
            self.shared.arrived.notify_one();
        }
        receiver
    }

    /// Commands that wait now, on both lanes.
    pub fn waiting(&self) -> usize {
        let waiting = self.shared.lock();
        waiting.outcomes.len() + waiting.new_work.len()
    }

    /// Takes no new work, finishes what waits, and lets the thread end.
    pub fn stop(&self) {
        self.shared.lock().stopping = true;
        self.shared.arrived.notify_all();
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
        Lane::Customer(_) | Lane::Panel if waiting.new_work.len() >= limits::QUEUE_COMMANDS => {
            Some(Undecided::Overloaded)
        }
        Lane::Customer(customer) => {
            let own = waiting.per_customer.get(&customer).copied().unwrap_or(0);
            (own >= limits::QUEUE_PER_CUSTOMER).then_some(Undecided::Overloaded)
        }
        Lane::Outcome | Lane::Panel => None,
    }
}

fn work<B: Books>(
    mut executor: Executor<B>,
    shared: &Shared,
    courier: &Courier,
    clock: impl Fn() -> Timestamp,
    mut follower: Follower,
) -> Result<(), Stopped> {
    let abort = AbortOnPanic;
    while let Some(batch) = next_batch(shared) {
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
                for ran in all {
                    if let Some(committed) = ran.committed {
                        follower(&Arc::new(committed));
                    }
                    let to = replies.drain(..ran.replies.len().min(replies.len()));
                    courier.carry(to.zip(ran.replies).collect());
                }
            }
            Err(stopped) => {
                tracing::error!(error = %stopped, "the executor stops; restart the panel to find out what stands");
                close(shared, replies);
                std::mem::forget(abort);
                return Err(stopped);
            }
        }
    }
    close(shared, VecDeque::new());
    std::mem::forget(abort);
    Ok(())
}

/// The replies of a batch, each with the one who waits for it.
type Letters = Vec<(oneshot::Sender<Reply>, Reply)>;

/// Brings replies to a runtime. From this thread each of them would wake it by a system call of its own; a task on it
/// that is given all replies of a batch is woken once.
struct Courier(Option<mpsc::UnboundedSender<Letters>>);

impl Courier {
    /// A task on the runtime that this is called on; without one, replies go out from the executor's thread.
    fn engage() -> Self {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return Self(None) };
        let (sender, mut received) = mpsc::unbounded_channel();
        runtime.spawn(async move {
            while let Some(letters) = received.recv().await {
                hand_over(letters);
            }
        });
        Self(Some(sender))
    }

    fn carry(&self, letters: Letters) {
        let refused = match &self.0 {
            Some(task) => task.send(letters).err().map(|mpsc::error::SendError(letters)| letters),
            None => Some(letters),
        };
        // Without its runtime nobody may be waiting any more; whoever does is still told.
        refused.into_iter().for_each(hand_over);
    }
}

fn hand_over(letters: Letters) {
    for (to, reply) in letters {
        // A submitter that has gone away is not told; its command stands.
        let _ = to.send(reply);
    }
}

/// A panic in the executor ends the process: what is on disk is whole, what is in memory may not be.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        std::process::abort();
    }
}

/// Waits for work; None when stopping and nothing waits.
fn next_batch(shared: &Shared) -> Option<Vec<Queued>> {
    // Whoever was just answered may have more to say: where all processors are busy, doors come first.
    std::thread::yield_now();
    let mut waiting = shared.lock();
    while waiting.outcomes.is_empty() && waiting.new_work.is_empty() {
        if waiting.stopping {
            return None;
        }
        waiting.asleep = true;
        waiting = shared.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
    }
    waiting.asleep = false;
    let mut batch =
        Vec::with_capacity(limits::BATCH_COMMANDS.min(waiting.outcomes.len() + waiting.new_work.len()));
    while batch.len() < limits::BATCH_COMMANDS {
        let Some(queued) = waiting.outcomes.pop_front().or_else(|| waiting.new_work.pop_front()) else {
            break;
        };
        if let Lane::Customer(customer) = queued.lane {
            let left = waiting.per_customer.get_mut(&customer).map(|own| {
                *own -= 1;
                *own
            });
            if left == Some(0) {
                waiting.per_customer.remove(&customer);
            }
        }
        batch.push(queued);
    }
    Some(batch)
}

fn admit(batch: Vec<Queued>, takes_new_work: bool) -> (Vec<Queued>, Vec<Queued>) {
    batch.into_iter().partition(|queued| takes_new_work || queued.lane == Lane::Outcome)
}

fn close(shared: &Shared, under_way: VecDeque<oneshot::Sender<Reply>>) {
    for reply in under_way {
        let _ = reply.send(Err(Undecided::Unknown));
    }
    let mut waiting = shared.lock();
    waiting.stopped = true;
    let Waiting { outcomes, new_work, .. } = &mut *waiting;
    for queued in outcomes.drain(..).chain(new_work.drain(..)) {
        let _ = queued.reply.send(Err(Undecided::Stopping));
    }
}
