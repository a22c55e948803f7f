//! The engine under a simulated clock and network, one step after the other: the demo's past, and every
//! simulated fault. The same executor, core and engine as live; the same seed gives the same run.
//!
//! Time moves only in [`Simulated::run_until`], from one event to the next. Never: a thread, a real clock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use panelworks_client::{ClientCall, Exchanged, Failure};
use panelworks_core::command::Command;
use panelworks_core::ids::{NodeId, ProviderAccountId, ServiceId};
use panelworks_core::planted::Planted;
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::executor::{Executor, Lane as Priority, Reply, Undecided};
use panelworks_store::ports::{Books, Queue};

use super::claims::{Claims, too_late};
use crate::engine::{Act, Calls, Engine, Found, Pace, Ticket};
use crate::limits;

/// The world outside: what a provider answers to a call, and after how long.
pub trait Net {
    /// `form`: the body as it would go over HTTP, with a placeholder for the key.
    fn exchange(
        &mut self,
        now: Timestamp,
        account: ProviderAccountId,
        form: &str,
        kind: Calls,
    ) -> (Span, Result<Exchanged, Failure>);
}

/// What happens at a time.
#[derive(Debug)]
enum Event {
    Answered(Ticket, Result<Exchanged, Failure>),
}

/// A process that is stopped in its tracks goes on some time later as if nothing had happened (invariants.md A12).
#[derive(Debug)]
enum Freeze {
    Runs,
    /// It will be frozen between the claim of an attempt and its sending.
    BeforeSending,
    /// It is, with this yet to be done.
    Frozen(Vec<Act>),
}

/// A panel without threads.
#[derive(Debug)]
pub struct Simulated<B> {
    executor: Option<Executor<B>>,
    engine: Engine,
    pace: Pace,
    planted: Planted,
    node: NodeId,
    epoch: u32,
    now: Timestamp,
    /// Calls under way, by when they end; the second number keeps the order of equals.
    events: BinaryHeap<Reverse<(Timestamp, u64)>>,
    answers: BTreeMap<u64, Event>,
    next_event: u64,
    /// Set by a store that can't go on: only a restart helps.
    stopped: bool,
    freeze: Freeze,
    claims: Claims<Timestamp>,
    /// By how much the clock was set since the beginning.
    set: Span,
    batches: u64,
    commands: u64,
    /// What a start would read from the store.
    providers: BTreeMap<ProviderAccountId, ProviderAccount>,
    hold_limits: BTreeMap<ServiceId, Span>,
}

impl<B: Books + Queue> Simulated<B> {
    /// `epoch`: as the store gave it at its opening.
    pub fn new(books: B, node: NodeId, epoch: u32, now: Timestamp, pace: Pace, planted: Planted) -> Self {
        Self {
            executor: Some(Executor::new(books, node, epoch, planted)),
            engine: Engine::new(pace.clone()).with(planted),
            pace,
            planted,
            node,
            epoch,
            now,
            events: BinaryHeap::new(),
            answers: BTreeMap::new(),
            next_event: 0,
            stopped: false,
            freeze: Freeze::Runs,
            claims: Claims::default(),
            set: Span(0),
            batches: 0,
            commands: 0,
            providers: BTreeMap::new(),
            hold_limits: BTreeMap::new(),
        }
    }

    /// Providers and services that the books hold already.
    pub fn know(
        &mut self,
        providers: Vec<ProviderAccount>,
        services: impl IntoIterator<Item = (ServiceId, Span)>,
    ) {
        self.providers.extend(providers.into_iter().map(|provider| (provider.id, provider)));
        self.hold_limits.extend(services);
        self.tell_engine();
    }

    fn tell_engine(&mut self) {
        let providers: Vec<ProviderAccount> = self.providers.values().cloned().collect();
        self.engine.know(&providers, self.hold_limits.iter().map(|(id, limit)| (*id, *limit)));
    }

    pub const fn now(&self) -> Timestamp {
        self.now
    }

    pub const fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// Batches and commands that were run.
    pub const fn counts(&self) -> (u64, u64) {
        (self.batches, self.commands)
    }

    /// Calls to providers that were not answered yet.
    pub fn calls_under_way(&self) -> usize {
        self.answers.len()
    }

    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    #[expect(clippy::missing_panics_doc, reason = "the executor is only away inside start_again()")]
    pub const fn books(&mut self) -> &mut B {
        self.executor.as_mut().expect("put back before start_again() returns").books_mut()
    }

    /// The one writer, for what a start does before the engine runs.
    #[expect(clippy::missing_panics_doc, reason = "the executor is only away inside start_again()")]
    pub const fn executor(&mut self) -> &mut Executor<B> {
        self.executor.as_mut().expect("put back before start_again() returns")
    }

    /// The books, when the simulation is over.
    #[expect(clippy::missing_panics_doc, reason = "the executor is only away inside start_again()")]
    pub fn into_books(self) -> B {
        self.executor.expect("put back before start_again() returns").into_books()
    }

    /// Decides a batch of commands from outside, now, and does what follows at once.
    pub fn submit(&mut self, commands: &[Command], net: &mut impl Net) -> Vec<Reply> {
        let replies = if self.has_room() { self.run_batch(commands) } else { no_room(commands.len()) };
        self.settle(net);
        replies
    }

    /// As the executor's queue asks before each batch (invariants.md A4).
    fn has_room(&mut self) -> bool {
        self.stopped || self.books().takes_new_work()
    }

    /// Lets time pass. Everything due until then happens, each at its time.
    pub fn run_until(&mut self, until: Timestamp, net: &mut impl Net) {
        while let Some(at) = self.next_moment(net).filter(|at| *at <= until) {
            self.come_to(at);
        }
        self.now = self.now.max(until);
    }

    /// Does everything due now, and says when something happens next; None if nothing ever does by itself.
    pub fn next_moment(&mut self, net: &mut impl Net) -> Option<Timestamp> {
        let wake = self.settle(net);
        let event = self.events.peek().map(|Reverse((at, _))| *at).filter(|_| self.is_running());
        [wake, event].into_iter().flatten().min()
    }

    /// Lets the clock go on; nothing that falls due by that is done before [`Simulated::next_moment`] is asked.
    pub fn come_to(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
        if self.is_running() {
            self.arrive();
        }
    }

    const fn is_running(&self) -> bool {
        !self.stopped && !self.is_frozen()
    }

    /// The process is frozen as soon as it has claimed an attempt and not yet sent it.
    pub fn freeze_before_sending(&mut self) {
        self.freeze = Freeze::BeforeSending;
    }

    /// Whatever was planned, it will not be frozen.
    pub fn freeze_no_more(&mut self) {
        if matches!(self.freeze, Freeze::BeforeSending) {
            self.freeze = Freeze::Runs;
        }
    }

    pub const fn is_frozen(&self) -> bool {
        matches!(self.freeze, Freeze::Frozen(_))
    }

    /// The process is not scheduled any more.
    pub fn freeze(&mut self) {
        if !self.is_frozen() {
            self.freeze = Freeze::Frozen(Vec::new());
        }
    }

    /// It goes on where it was, at a later time than it knew.
    pub fn thaw(&mut self, at: Timestamp, net: &mut impl Net) {
        self.now = self.now.max(at);
        if let Freeze::Frozen(acts) = std::mem::replace(&mut self.freeze, Freeze::Runs) {
            self.perform(acts, net);
            self.arrive();
        }
    }

    /// SIGKILL and a new start: what the engine knew and the answers under way are gone; the books stand. `epoch`: as
    /// the store gave it for this start. What the books hold is to be told by [`Simulated::know`] before time passes.
    pub fn start_again(&mut self, at: Timestamp, node: NodeId, epoch: u32) {
        let Some(books) = self.executor.take().map(Executor::into_books) else { return };
        self.now = self.now.max(at);
        (self.node, self.epoch) = (node, epoch);
        self.providers.clear();
        self.hold_limits.clear();
        self.events.clear();
        self.answers.clear();
        self.engine = Engine::new(self.pace.clone()).with(self.planted);
        self.stopped = false;
        self.freeze = Freeze::Runs;
        self.claims = Claims::default();
        self.executor = Some(Executor::new(books, self.node, self.epoch, self.planted));
    }

    /// Somebody sets the wall clock; negative: back. Calls under way don't notice, for they last as long as they last.
    pub fn set_clock(&mut self, by: Span) {
        self.now = self.now.after(by);
        self.set = Span(self.set.0 + by.0);
        let moved = self.events.drain().map(|Reverse((at, number))| Reverse((at.after(by), number)));
        self.events = moved.collect();
    }

    /// A clock that nobody sets.
    const fn ticks(&self) -> Timestamp {
        Timestamp(self.now.0 - self.set.0)
    }

    /// Answers that have come.
    fn arrive(&mut self) {
        while self.events.peek().is_some_and(|Reverse((at, _))| *at <= self.now) {
            let Some(Reverse((_, number))) = self.events.pop() else { return };
            match self.answers.remove(&number) {
                Some(Event::Answered(ticket, answer)) => self.engine.answered(self.now, ticket, &answer),
                None => {}
            }
        }
    }

    /// Turns the engine until it wants nothing more at this instant, and says when it wants to be asked again.
    fn settle(&mut self, net: &mut impl Net) -> Option<Timestamp> {
        while self.is_running() {
            let next = self.engine.next(self.now);
            if !self.perform(next.acts, net) {
                return next.wake;
            }
        }
        None
    }

    /// True when anything was done.
    fn perform(&mut self, acts: Vec<Act>, net: &mut impl Net) -> bool {
        let sends = |act: &Act| matches!(act, Act::Ask { kind: Calls::Add(_), .. });
        if matches!(self.freeze, Freeze::BeforeSending) && acts.iter().any(sends) {
            self.freeze = Freeze::Frozen(acts);
            return true;
        }
        let mut tickets = Vec::new();
        let mut commands = Vec::new();
        let any = !acts.is_empty();
        let room = acts.is_empty() || self.has_room();
        for act in acts {
            match act {
                Act::Submit { ticket, priority, command } => {
                    if room || priority == Priority::Outcome {
                        self.claims.asked(ticket, &command, self.ticks());
                        tickets.push(ticket);
                        commands.push(command);
                    } else {
                        self.engine.decided(self.now, ticket, Err(Undecided::NoRoom));
                    }
                }
                Act::Ask { ticket, account, call, kind } => self.ask(ticket, account, &call, kind, net),
                Act::ReadOpen { share, after } => {
                    let files =
                        self.books().open_files(&share, after, limits::START_ROWS).unwrap_or_default();
                    let more = files.len() >= limits::START_ROWS;
                    self.engine.found(self.now, Found::Open { share, files, more });
                }
                Act::ReadOrders(ids) => {
                    let files = self.books().files(&ids).unwrap_or_default();
                    self.engine.found(self.now, Found::Orders { asked: ids, files });
                }
                Act::ReadEnded { after, since } => {
                    let (files, next) =
                        self.books().ended_files(after, since, limits::RECHECK_ROWS).unwrap_or_default();
                    self.engine.found(self.now, Found::Ended { files, next });
                }
            }
        }
        if !commands.is_empty() {
            let replies = self.run_batch(&commands);
            for (ticket, reply) in tickets.into_iter().zip(replies) {
                self.claims.decided(ticket, &reply);
                self.engine.decided(self.now, ticket, reply);
            }
        }
        any
    }

    fn ask(
        &mut self,
        ticket: Ticket,
        account: ProviderAccountId,
        call: &ClientCall,
        kind: Calls,
        net: &mut impl Net,
    ) {
        let since = self.claims.take(kind).map(|asked| self.ticks().since(asked));
        let (latency, answer) = match too_late(kind, since, self.now) {
            Some(failure) => (Span(0), Err(failure)),
            None => net.exchange(self.now, account, &call.to_form("key"), kind),
        };
        self.next_event += 1;
        self.events.push(Reverse((self.now.after(Span(latency.0.max(1))), self.next_event)));
        self.answers.insert(self.next_event, Event::Answered(ticket, answer));
    }

    fn run_batch(&mut self, commands: &[Command]) -> Vec<Reply> {
        let Some(executor) = self.executor.as_mut().filter(|_| !self.stopped) else {
            return commands.iter().map(|_| Err(Undecided::Stopping)).collect();
        };
        self.batches += 1;
        self.commands += commands.len() as u64;
        let Ok(all) = executor.run(self.now, commands) else {
            self.stopped = true;
            return commands.iter().map(|_| Err(Undecided::Unknown)).collect();
        };
        let mut replies = Vec::with_capacity(commands.len());
        for ran in all {
            if let Some(committed) = &ran.committed {
                let changes = &committed.changes;
                self.providers.extend(changes.providers.iter().map(|row| (row.id, row.clone())));
                self.hold_limits.extend(changes.services.iter().map(|row| (row.id, row.hold_limit)));
                self.engine.heard(self.now, &committed.changes, &committed.elsewhere);
            }
            replies.extend(ran.replies);
        }
        replies
    }
}

fn no_room(commands: usize) -> Vec<Reply> {
    (0..commands).map(|_| Err(Undecided::NoRoom)).collect()
}
