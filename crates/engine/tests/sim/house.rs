//! The processes of a simulated panel on one set of books: one in most seeds, two or three in others.
//!
//! One of them at a time has the books in its hands, as one of several commits at a time. A process is killed and started
//! again, stops when its store can't go on, or is frozen and goes on where it was. Who gives no sign of life for ten
//! seconds is taken over by another; who comes back after that is a node with another number (invariants.md A11, A12).

mod mishaps;

use std::collections::BTreeMap;
use std::mem;
use std::rc::Rc;

use panelworks_core::command::Command;
use panelworks_core::ids::NodeId;
use panelworks_core::planted::{Bug, Planted};
use panelworks_core::time::{Span, Timestamp};
use panelworks_engine::Pace;
use panelworks_engine::drive::simulated::Simulated;
use panelworks_store::executor::{Executor, Reply, Undecided};
use panelworks_store::limits::SILENCE;
use panelworks_store::memory::{Memory, News};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::outside::Outside;

/// A node hears within so long that its epoch is over, if no commit told it before.
const NOTICED_WITHIN: Span = Span::seconds(3);

/// What can be fired here.
pub(crate) const KINDS: [&str; 6] = [
    "A11 a silent node's work taken over",
    "A12 a node frozen between a claim and its sending",
    "A12 a frozen node replaced by a start of its name",
    "A12 a node woke up after its epoch was over",
    "A12 a commit came after its process was gone",
    "A12 a commit came after its epoch was over",
];

/// How a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Runs,
    Frozen {
        since: Timestamp,
        until: Timestamp,
    },
    Down {
        since: Timestamp,
        until: Timestamp,
    },
    /// Another has taken its place for good.
    Gone,
}

/// When a process does something by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    /// To be asked.
    Unknown,
    At(Timestamp),
    Never,
}

#[derive(Debug)]
struct Process {
    panel: Simulated<Memory>,
    node: NodeId,
    epoch: u32,
    life: Life,
    /// A start of its name has taken its place: when it ends, nobody starts it again.
    is_replaced: bool,
    /// It was told that its epoch is over.
    over_at: Option<Timestamp>,
    inbox: Vec<Rc<News>>,
    wake: Wake,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Late,
    Start(usize),
    Thaw(usize),
    TakeOver(usize),
    Over(usize),
    Turn(usize),
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct House {
    processes: Vec<Process>,
    /// Who has the books in its hands.
    holder: usize,
    now: Timestamp,
    pace: Pace,
    planted: Planted,
    rng: StdRng,
    /// When batches under way come to their end though their processes are gone.
    late_at: Option<Timestamp>,
    /// Batches and commands of processes that are no more.
    past: (u64, u64),
    pub(crate) fired: BTreeMap<&'static str, u64>,
}

impl House {
    pub(crate) fn open(seed: u64, nodes: u16, now: Timestamp, pace: &Pace, planted: Planted) -> Self {
        let mut books = Memory::default();
        books.keep_past();
        books.plant(planted);
        let epochs: Vec<(NodeId, u32)> =
            (1..=nodes).map(NodeId).map(|node| (node, books.open_node(node))).collect();
        let mut house = Self {
            processes: Vec::new(),
            holder: 0,
            now,
            pace: pace.clone(),
            planted,
            rng: StdRng::seed_from_u64(seed ^ 0x0068_6f75_7365),
            late_at: None,
            past: (0, 0),
            fired: BTreeMap::new(),
        };
        for (node, epoch) in epochs {
            let process = house.process(mem::take(&mut books), node, epoch);
            house.processes.push(process);
        }
        house
    }

    fn process(&self, books: Memory, node: NodeId, epoch: u32) -> Process {
        Process {
            panel: Simulated::new(books, node, epoch, self.now, self.pace.clone(), self.planted),
            node,
            epoch,
            life: Life::Runs,
            is_replaced: false,
            over_at: None,
            inbox: Vec::new(),
            wake: Wake::Unknown,
        }
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn books(&mut self) -> &mut Memory {
        self.processes[self.holder].panel.books()
    }

    pub(crate) fn executor(&mut self) -> &mut Executor<Memory> {
        self.processes[self.holder].panel.executor()
    }

    /// Batches and commands that were run.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let all = self.processes.iter().map(|process| process.panel.counts());
        all.fold(self.past, |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// Attempts that wait to be sent on all nodes, and whether nothing that spends money is under way.
    pub(crate) fn load(&mut self) -> (usize, bool) {
        let engines = self.processes.iter_mut().map(|process| process.panel.engine());
        engines.fold((0, true), |(ready, idle), engine| (ready + engine.load().0, idle && engine.is_idle()))
    }

    fn fire(&mut self, name: &'static str) {
        *self.fired.entry(name).or_default() += 1;
    }

    fn hand_to(&mut self, place: usize) -> &mut Simulated<Memory> {
        if place != self.holder {
            let books = mem::take(self.books());
            self.holder = place;
            *self.books() = books;
        }
        let node = self.processes[place].node;
        let panel = &mut self.processes[place].panel;
        panel.books().asked_by(node);
        panel
    }

    fn running(&self) -> Vec<usize> {
        let all = self.processes.iter().enumerate();
        all.filter(|(_, process)| process.life == Life::Runs).map(|(place, _)| place).collect()
    }

    fn some_running(&mut self) -> Option<usize> {
        let running = self.running();
        let place = if running.len() > 1 { self.rng.random_range(0..running.len()) } else { 0 };
        running.get(place).copied()
    }

    /// A batch from outside, to one of those that run. Nobody answers when none does.
    pub(crate) fn submit(&mut self, commands: &[Command], net: &mut Outside) -> Vec<Reply> {
        let Some(place) = self.some_running() else {
            return commands.iter().map(|_| Err(Undecided::Stopping)).collect();
        };
        let now = self.now;
        self.listen(place);
        let panel = self.hand_to(place);
        panel.come_to(now);
        let replies = panel.submit(commands, net);
        self.processes[place].wake = Wake::Unknown;
        self.look_after(place);
        replies
    }

    /// Lets time pass for all.
    pub(crate) fn run_until(&mut self, until: Timestamp, net: &mut Outside) {
        while let Some((at, what)) = self.next(net).filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.happen(what, net);
        }
        self.now = self.now.max(until);
        for place in self.running() {
            let now = self.now;
            self.processes[place].panel.come_to(now);
            self.processes[place].wake = Wake::Unknown;
        }
    }

    fn next(&mut self, net: &mut Outside) -> Option<(Timestamp, Happening)> {
        self.forget_the_gone();
        let mut first = self.late_at.map(|at| (at, Happening::Late));
        let mut earlier = |found: (Timestamp, Happening)| {
            first = Some(first.map_or(found, |first| first.min(found)));
        };
        for place in 0..self.processes.len() {
            match self.processes[place].life {
                Life::Runs => {
                    if let Some(at) = self.processes[place].over_at {
                        earlier((at, Happening::Over(place)));
                    }
                    if let Some(at) = self.wake(place, net) {
                        earlier((at, Happening::Turn(place)));
                    }
                }
                Life::Frozen { since, until } => {
                    earlier((until, Happening::Thaw(place)));
                    self.silence(place, since).into_iter().for_each(&mut earlier);
                }
                Life::Down { since, until } => {
                    earlier((until, Happening::Start(place)));
                    self.silence(place, since).into_iter().for_each(&mut earlier);
                }
                Life::Gone => {}
            }
        }
        first
    }

    /// When a process does something by itself. What is due now it does now.
    fn wake(&mut self, place: usize, net: &mut Outside) -> Option<Timestamp> {
        self.listen(place);
        match self.processes[place].wake {
            Wake::At(at) => return Some(at),
            Wake::Never => return None,
            Wake::Unknown => {}
        }
        let wake = self.hand_to(place).next_moment(net);
        self.processes[place].wake = wake.map_or(Wake::Never, Wake::At);
        self.look_after(place);
        wake.filter(|_| self.processes[place].life == Life::Runs)
    }

    /// When somebody takes over the work of a process that gives no sign of life.
    fn silence(&mut self, place: usize, since: Timestamp) -> Option<(Timestamp, Happening)> {
        let Process { node, is_replaced, .. } = self.processes[place];
        if self.processes.len() == 1
            || is_replaced
            || self.heir().is_none()
            || !self.books().is_own_master(node)
        {
            return None;
        }
        let silence = Span(i64::try_from(SILENCE.as_millis()).unwrap_or(i64::MAX));
        Some((since.after(silence), Happening::TakeOver(place)))
    }

    /// One that runs and is not itself taken for dead.
    fn heir(&mut self) -> Option<usize> {
        let running = self.running();
        running.into_iter().find(|place| {
            let Process { node, epoch, .. } = self.processes[*place];
            self.books().is_current(node, epoch) && self.books().is_own_master(node)
        })
    }

    fn happen(&mut self, what: Happening, net: &mut Outside) {
        let now = self.now;
        match what {
            Happening::Turn(place) => {
                self.processes[place].panel.come_to(now);
                self.processes[place].wake = Wake::Unknown;
            }
            Happening::Late => self.deliver_late(),
            Happening::Start(place) => self.start(place),
            Happening::Thaw(place) => self.thaw(place, net),
            Happening::TakeOver(place) => self.take_over(place),
            Happening::Over(place) => {
                self.processes[place].over_at = None;
                self.put_down(place);
            }
        }
    }

    /// After a process has acted: what the others hear, and how it is itself.
    fn look_after(&mut self, place: usize) {
        self.tell_others();
        let process = &self.processes[place];
        if process.panel.is_frozen() && process.life == Life::Runs {
            let until = self.now.after(Span::seconds(self.rng.random_range(1..1_200)));
            self.processes[place].life = Life::Frozen { since: self.now, until };
            self.fire("A12 a node frozen between a claim and its sending");
        } else if process.panel.is_stopped() && process.life == Life::Runs {
            self.put_down(place);
        }
        if self.late_at.is_none() && self.books().late() > 0 {
            self.late_at = Some(self.now.after(Span::seconds(self.rng.random_range(0..40))));
        }
    }

    fn tell_others(&mut self) {
        for news in self.books().take_news() {
            let news = Rc::new(news);
            for process in self.processes.iter_mut().filter(|process| process.node != news.by) {
                process.inbox.push(Rc::clone(&news));
            }
        }
    }

    /// A process hears what the others did.
    fn listen(&mut self, place: usize) {
        if self.processes[place].inbox.is_empty() {
            return;
        }
        let (now, inbox, node) =
            (self.now, mem::take(&mut self.processes[place].inbox), self.processes[place].node);
        self.processes[place].wake = Wake::Unknown;
        for news in inbox {
            let books = self.books();
            let ours: Vec<_> =
                news.orders.iter().copied().filter(|order| books.worker(*order) == Some(node)).collect();
            let engine = self.processes[place].panel.engine();
            engine.heard(now, &news.changes, &[]);
            engine.touched(&ours);
        }
    }

    /// It has ended; somebody starts it again within seconds, unless another has its place.
    fn put_down(&mut self, place: usize) {
        let until = self.now.after(Span::seconds(self.rng.random_range(1..25)));
        let process = &mut self.processes[place];
        process.life = if process.is_replaced { Life::Gone } else { Life::Down { since: self.now, until } };
    }

    fn forget_the_gone(&mut self) {
        while let Some(place) = self.processes.iter().position(|process| process.life == Life::Gone) {
            if self.holder == place {
                self.hand_to(usize::from(place == 0));
            }
            let gone = self.processes.remove(place).panel.counts();
            self.past = (self.past.0 + gone.0, self.past.1 + gone.1);
            self.holder -= usize::from(self.holder > place);
        }
    }

    fn start(&mut self, place: usize) {
        let now = self.now;
        self.hand_to(place);
        let name = self.processes[place].node;
        let books = self.books();
        let highest = books.nodes().max().map_or(0, |node| node.0);
        let node = if books.is_own_master(name) { name } else { NodeId(highest + 1) };
        let epoch = books.open_node(node);
        let panel = &mut self.processes[place].panel;
        panel.start_again(now, node, epoch);
        panel.books().asked_by(node);
        tell_what_is_sold(panel);
        let process = &mut self.processes[place];
        (process.node, process.epoch, process.life) = (node, epoch, Life::Runs);
        (process.over_at, process.wake) = (None, Wake::Unknown);
        process.inbox.clear();
    }

    fn thaw(&mut self, place: usize, net: &mut Outside) {
        let now = self.now;
        self.processes[place].life = Life::Runs;
        self.processes[place].wake = Wake::Unknown;
        let Process { node, epoch, .. } = self.processes[place];
        if !self.books().is_current(node, epoch) {
            self.fire("A12 a node woke up after its epoch was over");
            let hears = !self.planted.has(Bug::NoFence);
            self.processes[place].over_at = hears.then(|| now.after(NOTICED_WITHIN));
        }
        self.hand_to(place).thaw(now, net);
        self.look_after(place);
    }

    fn take_over(&mut self, place: usize) {
        let Some(heir) = self.heir() else { return };
        let (fallen, by, now) = (self.processes[place].node, self.processes[heir].node, self.now);
        let inherited = self.books().take_over(by, fallen);
        if !inherited.is_empty() {
            self.fire("A11 a silent node's work taken over");
            self.listen(heir);
            let process = &mut self.processes[heir];
            process.panel.come_to(now);
            process.panel.engine().inherited(inherited);
            process.wake = Wake::Unknown;
        }
    }

    fn deliver_late(&mut self) {
        self.late_at = None;
        let late = self.books().late();
        let stand = self.books().deliver_late();
        for _ in 0..stand {
            self.fire("A12 a commit came after its process was gone");
        }
        for _ in stand..late {
            self.fire("A12 a commit came after its epoch was over");
        }
        self.tell_others();
    }
}

fn tell_what_is_sold(panel: &mut Simulated<Memory>) {
    let books = panel.books();
    let providers = books.providers().cloned().collect();
    let limits: Vec<_> = books.services().map(|service| (service.id, service.hold_limit)).collect();
    panel.know(providers, limits);
}
