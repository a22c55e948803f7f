//! One panel as its doors see it: a value, so that a process can hold several and a test can chain three.
//!
//! In: what the program wired together. Out: the ways to ask and to order that every door uses. Never: a static, a
//! rule, SQL, a provider.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use panelworks_core::command::Command;
use panelworks_core::ids::CustomerId;
use panelworks_core::outcome::Outcome;
use panelworks_store::executor::{Committed, Handle, Lane, Reply, Undecided};
use panelworks_store::neighbours::Calls;
use panelworks_store::ports::StoreError;
use panelworks_store::reader::{Reader, Reads, Unanswered};
use panelworks_wire::ErrorText;
use tokio::sync::{Semaphore, oneshot};

use crate::known::{Caller, Known, key_hash};
use crate::limits;
use crate::pace::{BadKeys, Turn};
use crate::request_id::RequestIds;
use crate::settings::Settings;

/// See the module's head. Held in an [`Arc`] by every door.
#[derive(Debug)]
pub struct Panel {
    pub(crate) settings: Settings,
    pub(crate) known: Arc<Known>,
    pub(crate) ids: RequestIds,
    /// Places for bodies above [`limits::LARGE_BODY_BYTES`].
    pub(crate) large_bodies: Semaphore,
    /// Places for calls of `status` that wait for their turn.
    pub(crate) status_waiting: Semaphore,
    /// Places of calls above their pace that are held for a moment.
    flood_held: Semaphore,
    executor: Handle,
    reader: Reader,
    bad_keys: BadKeys,
    started: Instant,
    /// When the log was last told of a call that found no answer, in nanoseconds since the start.
    complained: AtomicU64,
    has_others: AtomicBool,
    /// The books are not open yet.
    waiting: Option<Waiting>,
}

/// What a panel waits for before it can open its books: a few words, which may change meanwhile. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Waiting(Arc<RwLock<String>>);

impl Waiting {
    /// Says what is waited for now.
    pub fn note(&self, why: impl Into<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = why.into();
    }

    pub(crate) fn why(&self) -> String {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Panel {
    /// `known` must be the one that the executor's follower feeds ([`Known::follow`]).
    pub fn new(known: Arc<Known>, executor: Handle, reader: Reader, settings: Settings) -> Self {
        Self {
            known,
            executor,
            reader,
            ids: RequestIds::default(),
            large_bodies: Semaphore::new(limits::LARGE_BODIES),
            status_waiting: Semaphore::new(limits::STATUS_WAITING),
            flood_held: Semaphore::new(limits::FLOOD_HELD),
            bad_keys: BadKeys::new(settings.bad_keys),
            started: Instant::now(),
            complained: AtomicU64::new(0),
            has_others: AtomicBool::new(false),
            settings,
            waiting: None,
        }
    }

    /// A panel without books: it lives, is not ready, and refuses every call before anything is decided.
    pub fn waiting(settings: Settings, waiting: Waiting) -> Self {
        let nothing = Self::new(Arc::default(), Handle::of_none(), Reader::of_none(), settings);
        Self { waiting: Some(waiting), ..nothing }
    }

    /// What is waited for; None once the books are open.
    pub(crate) fn waits_for(&self) -> Option<&Waiting> {
        self.waiting.as_ref()
    }

    /// The same as [`Known::follow`], for whoever holds the panel already.
    pub fn follow(&self, committed: &Committed) {
        self.known.follow(committed);
    }

    /// The customer behind a key.
    pub(crate) fn caller(&self, key: &str) -> Option<Caller> {
        self.known.callers.find(key_hash(key))
    }

    /// Whether a call of this key may go on, and when.
    pub(crate) fn turn(&self, caller: &Caller, patience: Duration) -> Turn {
        if caller.switches.unlimited {
            return Turn::Now;
        }
        caller.bucket.take(self.settings.requests, self.nanos(), patience)
    }

    /// What other nodes must be told of the calls of busy keys, where there are so many nodes. Alone, nothing: and what
    /// was counted until then is nobody's business later.
    pub fn tell_calls(&self, nodes: usize) -> Calls {
        let had_others = self.has_others.swap(nodes > 1, Ordering::Relaxed);
        match (had_others, nodes > 1) {
            (false, false) => Calls::new(),
            (true, true) => self.known.callers.tell_calls(self.settings.requests.untold(nodes)),
            (true, false) | (false, true) => {
                self.known.callers.tell_calls(1);
                Calls::new()
            }
        }
    }

    /// Counts calls that other nodes let through.
    pub fn count_calls(&self, calls: &Calls) {
        self.known.callers.count_calls(calls, self.settings.requests, self.nanos());
    }

    /// Holds a call above the pace for a moment, where there is room to.
    pub(crate) async fn hold_back(&self) {
        if let Ok(_place) = self.flood_held.try_acquire() {
            tokio::time::sleep(limits::FLOOD_PAUSE).await;
        }
    }

    /// Counts a wrong key.
    pub(crate) fn bad_key(&self, from: IpAddr) -> Turn {
        self.bad_keys.note(from, self.nanos())
    }

    /// Whether the log is told of one more call that found no answer: while a database is away there are thousands, and a
    /// line a second says as much.
    pub(crate) fn complains(&self) -> bool {
        let (now, before) = (self.nanos(), self.complained.load(Ordering::Relaxed));
        let is_due =
            before == 0 || Duration::from_nanos(now.saturating_sub(before)) >= limits::COMPLAINT_PAUSE;
        is_due && self.complained.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Asks the store, on one of its threads.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Reads) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Unanswered> {
        self.reader.ask(question).await
    }

    /// Orders something in a customer's name; the ticket gives the outcome after its commit.
    pub(crate) fn order(&self, customer: CustomerId, command: Command) -> Ticket {
        Ticket(self.executor.submit(Lane::Customer(customer), command))
    }

    pub(crate) fn queue(&self) -> usize {
        self.executor.waiting()
    }

    pub(crate) fn executor_runs(&self) -> bool {
        self.executor.is_running()
    }

    /// What the operator says while the whole API is closed.
    pub(crate) fn maintenance(&self) -> Option<ErrorText> {
        self.settings.maintenance.as_deref().map(notice)
    }

    /// What the operator says while no orders are taken.
    pub(crate) fn ordering_off(&self) -> Option<ErrorText> {
        self.settings.ordering_off.as_deref().map(notice)
    }
}

fn notice(text: &str) -> ErrorText {
    match text.trim() {
        "" => ErrorText::TemporarilyUnavailable,
        text => ErrorText::Configured(text.to_owned()),
    }
}

/// A command that was handed in.
#[derive(Debug)]
#[must_use = "what became of the command is told to its ticket"]
pub(crate) struct Ticket(oneshot::Receiver<Reply>);

impl Ticket {
    /// Waits for the commit. A reply that got lost on the way leaves the outcome unknown.
    pub(crate) async fn outcome(self) -> Result<Outcome, Undecided> {
        self.0.await.unwrap_or(Err(Undecided::Unknown))
    }
}
