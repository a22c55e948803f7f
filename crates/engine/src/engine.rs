//! The engine's state, and the four ways it hears of the world.
//!
//! See the crate's head. Each concern has its own room: `track` turns an order's file into what is due,
//! `dispatch` sends attempts, `poll` asks for statuses, `chores` forwards refills and cancels.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use panelworks_client::{ClientCall, Exchanged, Failure};
use panelworks_core::command::Command;
use panelworks_core::ids::{
    AttemptId, CancelId, CustomerId, NodeId, OrderId, ProviderAccountId, RefillId, ServiceId,
};
use panelworks_core::order::OrderFile;
use panelworks_core::outcome::Done;
use panelworks_core::planted::Planted;
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::{Span, Timestamp};
use panelworks_core::world::Changes;
use panelworks_store::executor::{Lane as Priority, Reply, Undecided};
use panelworks_store::ports::Share;

use crate::agenda::Agenda;
pub use crate::calls::{Calls, Claim};
use crate::chores::Chore;
use crate::dispatch::Lane;
use crate::limits;

/// Names a wish of the engine, so that its answer finds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What the engine wants done.
#[derive(Debug)]
pub enum Act {
    /// Decide and commit; the reply goes to [`Engine::decided`].
    Submit { ticket: Ticket, priority: Priority, command: Command },
    /// Send to the provider account; what came back goes to [`Engine::answered`].
    Ask { ticket: Ticket, account: ProviderAccountId, call: ClientCall, kind: Calls },
    /// Read open orders of this share after this id; they go to [`Engine::found`].
    ReadOpen { share: Share, after: OrderId },
    /// Read these orders as they are now, likewise.
    ReadOrders(Vec<OrderId>),
    /// Read ended orders likewise.
    ReadEnded { after: OrderId, since: Timestamp },
}

/// What to do now, and when to come back at the latest.
#[derive(Debug, Default)]
pub struct Next {
    pub acts: Vec<Act>,
    pub wake: Option<Timestamp>,
}

/// Rows that the engine had asked for.
#[derive(Debug)]
pub enum Found {
    /// `more`: there are further open orders of this share.
    Open {
        share: Share,
        files: Vec<OrderFile>,
        more: bool,
    },
    Ended {
        files: Vec<OrderFile>,
        next: Option<OrderId>,
    },
    /// What is not there is left out.
    Orders {
        asked: Vec<OrderId>,
        files: Vec<OrderFile>,
    },
}

/// How fast things are asked, and who we are to providers.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Between an order's acceptance upstream and the first question, and the shortest wait between two.
    pub poll_first: Span,
    /// Between two questions about a refill or a cancel.
    pub chore_poll: Span,
    /// Before every attempt's token: makes it unique among the panels that share a provider account.
    pub token_prefix: String,
}

impl Default for Pace {
    fn default() -> Self {
        Self { poll_first: Span::seconds(15), chore_poll: limits::CHORE_POLL, token_prefix: String::new() }
    }
}

/// What falls due by the clock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Due {
    Begin(AttemptId),
    AskAgain(AttemptId),
    Run(OrderId),
    Tend(OrderId),
    HoldEnd(OrderId),
    Refill(OrderId, RefillId),
    Cancel(OrderId, CancelId),
    Recall(AttemptId),
    /// An outcome that found no room in the books.
    Resubmit(u64),
    /// The walk over ended orders.
    Recheck,
}

/// What a ticket is waiting for.
#[derive(Debug)]
pub(crate) enum Waiting {
    Begin {
        attempt: AttemptId,
        account: ProviderAccountId,
        asked: Timestamp,
    },
    Add {
        attempt: AttemptId,
        account: ProviderAccountId,
    },
    /// The right to ask about an unknown outcome, then the answer to that.
    AskAgain(AttemptId, Timestamp),
    AddAgain(AttemptId),
    Status {
        account: ProviderAccountId,
        asked: Vec<AttemptId>,
        ids: Vec<String>,
    },
    Chore {
        account: ProviderAccountId,
        chore: Chore,
    },
    /// An outcome: submitted until it is decided.
    Outcome(Command),
    /// A command of the clock: if it is not taken, the clock tries again.
    Clock(Due),
}

/// See the module's head.
#[derive(Debug)]
pub struct Engine {
    pub(crate) pace: Pace,
    pub(crate) lanes: BTreeMap<ProviderAccountId, Lane>,
    pub(crate) agenda: Agenda<Due>,
    pub(crate) hold_limits: HashMap<ServiceId, Span>,
    /// What an agenda entry of a refill or cancel stands for.
    pub(crate) chores: HashMap<Due, (ProviderAccountId, Chore)>,
    pub(crate) waiting: HashMap<Ticket, Waiting>,
    pub(crate) resubmit: HashMap<u64, Command>,
    pub(crate) outbox: Vec<Act>,
    /// Subscriptions that wait for a credit, by who pays.
    pub(crate) paused: HashMap<CustomerId, BTreeSet<OrderId>>,
    /// Orders heard of while the open ones are still being read: what was read of them is older.
    pub(crate) heard: Option<HashSet<OrderId>>,
    /// Walks over open orders under way: the start's, and one for each node whose work was taken over.
    walks: usize,
    /// Orders that another node has changed and that are being read; true: changed here meanwhile, to be read again.
    reading: HashMap<OrderId, bool>,
    pub(crate) recheck: Recheck,
    pub(crate) planted: Planted,
    tickets: u64,
    /// When it was asked last.
    last: Timestamp,
    started: bool,
    stopping: bool,
}

/// The walk over ended orders: from when to when it looks, and how far it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recheck {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

impl Engine {
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            lanes: BTreeMap::new(),
            agenda: Agenda::default(),
            hold_limits: HashMap::new(),
            chores: HashMap::new(),
            waiting: HashMap::new(),
            resubmit: HashMap::new(),
            outbox: Vec::new(),
            paused: HashMap::new(),
            heard: Some(HashSet::new()),
            walks: 1,
            reading: HashMap::new(),
            recheck: Recheck { from: Timestamp(0), until: Timestamp(0) },
            planted: Planted::default(),
            tickets: 0,
            last: Timestamp(i64::MIN),
            started: false,
            stopping: false,
        }
    }

    /// The same with a bug, for the simulation.
    #[must_use]
    pub const fn with(mut self, planted: Planted) -> Self {
        self.planted = planted;
        self
    }

    /// Providers and services as they stand at a start; later changes come by [`Engine::heard`].
    pub fn know(&mut self, providers: &[ProviderAccount], services: impl Iterator<Item = (ServiceId, Span)>) {
        for provider in providers {
            self.know_provider(provider);
        }
        self.hold_limits.extend(services);
    }

    fn know_provider(&mut self, provider: &ProviderAccount) {
        self.lanes.entry(provider.id).or_insert_with(|| Lane::new(provider)).change(provider);
    }

    /// What to do at `now`.
    pub fn next(&mut self, now: Timestamp) -> Next {
        if !self.started {
            self.started = true;
            self.outbox.push(Act::ReadOpen { share: Share::Own, after: OrderId(0) });
            // What ended while the panel was down is asked again as well; asking twice is harmless.
            self.recheck = Recheck { from: now.after(Span(-Span::hours(24).0)), until: now };
            self.agenda.set(Due::Recheck, now.after(Span::minutes(1)));
        }
        if now < self.last {
            self.go_back(self.last.since(now));
        }
        self.last = now;
        while let Some(due) = self.agenda.pop_due(now) {
            self.fire(due, now);
        }
        if !self.stopping {
            self.turn_lanes(now);
        }
        let lanes = self.lanes.values_mut().filter_map(|lane| lane.wake(now)).min();
        let wake = [self.agenda.next_due(), lanes].into_iter().flatten().min();
        Next { acts: std::mem::take(&mut self.outbox), wake }
    }

    /// The clock was set back: who waits for a while since then does not wait longer for that. An attempt that is asked
    /// for too early is told when it is due.
    fn go_back(&mut self, by: Span) {
        self.agenda.bring_forward(by, |due| match due {
            Due::Begin(_) | Due::AskAgain(_) | Due::Resubmit(_) => true,
            Due::Run(_)
            | Due::Tend(_)
            | Due::HoldEnd(_)
            | Due::Refill(..)
            | Due::Cancel(..)
            | Due::Recall(_)
            | Due::Recheck => false,
        });
    }

    fn turn_lanes(&mut self, now: Timestamp) {
        let accounts: Vec<ProviderAccountId> = self.lanes.keys().copied().collect();
        for account in accounts {
            self.dispatch(account, now);
            self.poll(account, now);
            self.do_chores(account);
        }
    }

    /// A batch was committed, here; of its orders another node works on those `elsewhere`.
    pub fn heard(&mut self, now: Timestamp, changes: &Changes, elsewhere: &[OrderId]) {
        for provider in &changes.providers {
            self.know_provider(provider);
        }
        self.hold_limits.extend(changes.services.iter().map(|service| (service.id, service.hold_limit)));
        for account in &changes.accounts {
            for subscription in self.paused.get(&account.customer).into_iter().flatten() {
                self.agenda.set(Due::Tend(*subscription), now);
            }
        }
        for change in &changes.orders {
            let id = change.after.order.id;
            if elsewhere.contains(&id) {
                continue;
            }
            if let Some(heard) = &mut self.heard {
                heard.insert(id);
            }
            if let Some(changed) = self.reading.get_mut(&id) {
                *changed = true;
            }
            self.track(&change.after, now);
        }
    }

    /// Another node has changed orders that are worked on here.
    pub fn touched(&mut self, orders: &[OrderId]) {
        let mut unread = Vec::new();
        for id in orders {
            match self.reading.entry(*id) {
                Entry::Occupied(mut changed) => *changed.get_mut() = true,
                Entry::Vacant(place) => {
                    place.insert(false);
                    unread.push(*id);
                }
            }
        }
        self.read_orders(unread);
    }

    fn read_orders(&mut self, orders: Vec<OrderId>) {
        if !orders.is_empty() {
            self.outbox.push(Act::ReadOrders(orders));
        }
    }

    /// What these nodes have accepted is this engine's work from now on.
    pub fn inherited(&mut self, nodes: Vec<NodeId>) {
        self.heard.get_or_insert_default();
        self.walks += 1;
        self.outbox.push(Act::ReadOpen { share: Share::Of(nodes), after: OrderId(0) });
    }

    /// Rows that were asked for.
    pub fn found(&mut self, now: Timestamp, found: Found) {
        match found {
            Found::Open { share, files, more } => {
                let last = files.last().map(|file| file.order.id);
                for file in &files {
                    let newer = self.heard.as_ref().is_some_and(|heard| heard.contains(&file.order.id));
                    self.own_up(file);
                    if !newer {
                        self.track(file, now);
                    }
                }
                match last.filter(|_| more) {
                    Some(after) => self.outbox.push(Act::ReadOpen { share, after }),
                    None => self.end_walk(),
                }
            }
            Found::Orders { asked, files } => self.read_again(now, &asked, &files),
            Found::Ended { files, next } => self.recheck_found(now, &files, next),
        }
    }

    fn end_walk(&mut self) {
        self.walks = self.walks.saturating_sub(1);
        if self.walks == 0 {
            self.heard = None;
        }
    }

    /// What was changed here while it was read may be newer than what was read, or older: it is read again.
    fn read_again(&mut self, now: Timestamp, asked: &[OrderId], files: &[OrderFile]) {
        let changed: Vec<OrderId> =
            asked.iter().filter(|id| self.reading.remove(id) == Some(true)).copied().collect();
        for file in files.iter().filter(|file| !changed.contains(&file.order.id)) {
            self.track(file, now);
        }
        self.reading.extend(changed.iter().map(|id| (*id, false)));
        self.read_orders(changed);
    }

    /// The reply to a command.
    pub fn decided(&mut self, now: Timestamp, ticket: Ticket, reply: Reply) {
        let Some(waiting) = self.waiting.remove(&ticket) else { return };
        match waiting {
            Waiting::Begin { attempt, account, asked } => {
                self.begun(now, (attempt, account), Claim { ticket, asked }, reply);
            }
            Waiting::Outcome(command) => self.recorded(now, command, reply),
            Waiting::Clock(due) => {
                if let Err(undecided) = reply {
                    tracing::warn!(?due, %undecided, "not decided; it is tried again");
                    self.agenda.set(due, now.after(limits::SUBMIT_AGAIN));
                }
            }
            Waiting::AskAgain(attempt, asked) => {
                self.may_ask_again(attempt, Claim { ticket, asked }, reply);
            }
            Waiting::Add { .. } | Waiting::AddAgain(_) | Waiting::Status { .. } | Waiting::Chore { .. } => {}
        }
    }

    /// What came back from a provider, or that nothing did.
    pub fn answered(&mut self, now: Timestamp, ticket: Ticket, exchange: &Result<Exchanged, Failure>) {
        let Some(waiting) = self.waiting.remove(&ticket) else { return };
        match waiting {
            Waiting::Add { attempt, account } => self.add_answered(now, attempt, account, exchange),
            Waiting::AddAgain(attempt) => self.asked_again(attempt, exchange),
            Waiting::Status { account, asked, ids } => {
                self.status_answered(now, account, &asked, &ids, exchange);
            }
            Waiting::Chore { account, chore } => self.chore_answered(now, account, chore, exchange),
            Waiting::Begin { .. } | Waiting::AskAgain(..) | Waiting::Outcome(_) | Waiting::Clock(_) => {}
        }
    }

    /// Why attempts are held back, by account: for a person.
    pub fn holding_back(&self) -> impl Iterator<Item = (ProviderAccountId, String)> + '_ {
        self.lanes.iter().filter_map(|(id, lane)| lane.health.why().map(|why| (*id, why)))
    }

    /// Attempts that wait to be sent, and orders that are followed: for metrics.
    pub fn load(&self) -> (usize, usize) {
        let lanes = self.lanes.values();
        lanes.fold((0, 0), |(ready, followed), lane| {
            (ready + lane.ready.len(), followed + lane.followed.len())
        })
    }

    /// Claims no further attempts and makes nothing new; what is under way goes on.
    pub fn stop_sending(&mut self) {
        self.stopping = true;
    }

    /// Whether nothing that may have spent money is under way.
    pub fn is_idle(&self) -> bool {
        let spends = |waiting: &Waiting| match waiting {
            Waiting::Begin { .. } | Waiting::Add { .. } | Waiting::AddAgain(_) | Waiting::Outcome(_) => true,
            Waiting::AskAgain(..) | Waiting::Status { .. } | Waiting::Chore { .. } | Waiting::Clock(_) => {
                false
            }
        };
        self.resubmit.is_empty() && !self.waiting.values().any(spends)
    }

    fn fire(&mut self, due: Due, now: Timestamp) {
        match due.clone() {
            Due::Begin(attempt) => self.make_ready(attempt),
            Due::AskAgain(attempt) => {
                self.agenda.set(due, now.after(limits::ASK_AGAIN_EVERY));
                let waiting = Waiting::AskAgain(attempt, now);
                self.submit(Priority::Panel, Command::AskAgain { attempt }, waiting);
            }
            Due::Run(parent) => {
                self.submit(Priority::Panel, Command::MakeRun { parent }, Waiting::Clock(due));
            }
            Due::Tend(subscription) => {
                self.agenda.set(due.clone(), now.after(limits::TEND_EVERY));
                self.submit(Priority::Panel, Command::TendSubscription { subscription }, Waiting::Clock(due));
            }
            Due::HoldEnd(order) => {
                self.submit(Priority::Panel, Command::ExpireHold { order }, Waiting::Clock(due));
            }
            Due::Refill(..) | Due::Cancel(..) | Due::Recall(_) => self.chore_due(&due),
            Due::Resubmit(number) => {
                if let Some(command) = self.resubmit.remove(&number) {
                    self.outcome(command);
                }
            }
            Due::Recheck => self.begin_recheck(now),
        }
    }

    pub(crate) fn submit(&mut self, priority: Priority, command: Command, waiting: Waiting) {
        let ticket = self.ticket(waiting);
        self.outbox.push(Act::Submit { ticket, priority, command });
    }

    /// Submits what became of something; it is kept until the books have it.
    pub(crate) fn outcome(&mut self, command: Command) {
        self.submit(Priority::Outcome, command.clone(), Waiting::Outcome(command));
    }

    pub(crate) fn ticket(&mut self, waiting: Waiting) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.waiting.insert(ticket, waiting);
        ticket
    }

    fn recorded(&mut self, now: Timestamp, command: Command, reply: Reply) {
        match reply {
            // The store may still have it; after the restart that follows, the attempt is unknown.
            Ok(Ok(Done::Noted)) | Err(Undecided::Unknown | Undecided::Stopping) => {}
            Ok(Ok(done)) => tracing::debug!(?done, "an outcome was answered with more than a nod"),
            Ok(Err(refusal)) => tracing::debug!(%refusal, ?command, "an outcome came too late"),
            Err(
                undecided @ (Undecided::Overloaded
                | Undecided::NoRoom
                | Undecided::Away
                | Undecided::NotCommitted(_)),
            ) => {
                tracing::warn!(%undecided, ?command, "an outcome was not recorded; it is submitted again");
                self.tickets += 1;
                self.resubmit.insert(self.tickets, command);
                self.agenda.set(Due::Resubmit(self.tickets), now.after(limits::SUBMIT_AGAIN));
            }
        }
    }
}
