//! One seed: a shop, its customers, an operator, a store that fails, crashes, and time.
//!
//! In: the seed, perhaps a planted bug. Out: what was broken first, what was fired, and the hash the books ended with.
//! What is done stands in `customers.rs`, `operator.rs` and `trouble.rs`, how it ends in `ending.rs`, what must hold
//! in `checks.rs`.

use std::collections::BTreeMap;

use panelworks_core::command::Command;
use panelworks_core::ids::{CustomerId, OrderId};
use panelworks_core::order::attempt::AttemptState;
use panelworks_core::planted::{Bug, Planted};
use panelworks_core::time::{Span, Timestamp};
use panelworks_engine::Pace;
use panelworks_store::executor::Reply;
use panelworks_store::memory::Memory;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::checks::{self, Promised};
use crate::customers::Asked;
use crate::house::House;
use crate::outside::Outside;
use crate::report::SEEDS_FOR_AN_OBVIOUS_ONE;
use crate::shop;

const BEGINNING: Timestamp = Timestamp(1_790_000_000_000);
/// Between two looks at what only indexes can break: such a look costs as much as a step.
const INDEXES_EVERY: usize = 8;

/// Processes of a seed, each as likely as the others.
const NODES: [u16; 10] = [1, 1, 1, 1, 1, 1, 2, 2, 2, 3];

/// What one seed came to.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) violations: Vec<String>,
    pub(crate) fired: BTreeMap<&'static str, u64>,
    /// States that were reached, of orders, attempts and holds.
    pub(crate) reached: BTreeMap<&'static str, u64>,
    pub(crate) hash: u64,
    pub(crate) batches: u64,
    pub(crate) commands: u64,
    pub(crate) orders: u64,
    pub(crate) unknowns: u64,
    /// What happened, if it was to be told.
    pub(crate) told: Vec<String>,
}

/// One sort of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Order,
    Retry,
    OtherParameters,
    Cancel,
    Refill,
    Operate,
    Post,
    StoreFault,
    Disk,
    Poison,
    Crash,
    Node,
    Clock,
    Backup,
    Provider,
    Time,
}

/// How often each is taken. A seed leaves some of them out, so that what others would hide is seen.
const ACTS: [(Act, u32); 16] = [
    (Act::Order, 34),
    (Act::Retry, 6),
    (Act::OtherParameters, 2),
    (Act::Cancel, 8),
    (Act::Refill, 4),
    (Act::Operate, 14),
    (Act::Post, 2),
    (Act::StoreFault, 6),
    (Act::Disk, 1),
    (Act::Poison, 1),
    (Act::Crash, 4),
    (Act::Node, 4),
    (Act::Clock, 1),
    (Act::Backup, 2),
    (Act::Provider, 2),
    (Act::Time, 16),
];

pub(crate) struct Sim {
    pub(crate) panel: House,
    pub(crate) outside: Outside,
    pub(crate) promised: Promised,
    pub(crate) rng: StdRng,
    /// Adds whose customer may try again.
    pub(crate) retries: Vec<Asked>,
    /// The newest key of each customer; two customers may well use the same.
    pub(crate) keys: BTreeMap<CustomerId, u64>,
    /// A copy of the books, made while everything went on.
    pub(crate) backup: Option<Memory>,
    acts: Vec<(Act, u32)>,
    told: Option<Vec<String>>,
    pub(crate) fired: BTreeMap<&'static str, u64>,
    reached: BTreeMap<&'static str, u64>,
}

/// Runs a seed to its end, or to its first violation. `tell`: say what happens.
pub(crate) fn run(seed: u64, bug: Option<Bug>, tell: bool) -> Run {
    let mut sim = Sim::open(seed, bug, tell);
    let steps = match sim.rng.random_range(0..20) {
        0..14 => sim.rng.random_range(20..60),
        14..19 => sim.rng.random_range(60..150),
        _large => sim.rng.random_range(150..400),
    };
    let mut violations = Vec::new();
    for step in 0..steps {
        sim.step();
        violations = sim.check(step % INDEXES_EVERY == 0);
        if !violations.is_empty() {
            break;
        }
    }
    if violations.is_empty() {
        violations = sim.finish().err().unwrap_or_default();
    }
    sim.report(violations)
}

impl Sim {
    fn open(seed: u64, bug: Option<Bug>, tell: bool) -> Self {
        let planted = bug.map_or_else(Planted::default, Planted::only);
        let pace = Pace { poll_first: Span::minutes(1), ..Pace::default() };
        let mut rng = StdRng::seed_from_u64(seed);
        let nodes = NODES[rng.random_range(0..NODES.len())];
        let mut sim = Self {
            panel: House::open(seed, nodes, BEGINNING, &pace, planted),
            outside: Outside::new(seed),
            promised: Promised::default(),
            retries: Vec::new(),
            keys: BTreeMap::new(),
            backup: None,
            acts: draw_acts(seed, &mut rng),
            rng,
            told: tell.then(Vec::new),
            fired: BTreeMap::new(),
            reached: BTreeMap::new(),
        };
        sim.outside.told = tell.then(Vec::new);
        let hold_hours = [2, 12, 72][sim.rng.random_range(0..3)];
        for command in shop::opening(seed, Span::hours(hold_hours)) {
            let reply = sim.submit(command);
            shop::must(&reply);
        }
        sim
    }

    /// Tells what happens, to whoever replays the seed.
    pub(crate) fn say(&mut self, line: impl FnOnce() -> String) {
        let at = self.panel.now().since(BEGINNING).0;
        if let Some(told) = &mut self.told {
            told.push(format!("{}.{:03} {}", at / 1_000, at.rem_euclid(1_000), line()));
        }
    }

    pub(crate) fn fire(&mut self, name: &'static str) {
        *self.fired.entry(name).or_default() += 1;
    }

    /// One command from outside.
    pub(crate) fn submit(&mut self, command: Command) -> Reply {
        self.panel.submit(&[command], &mut self.outside).remove(0)
    }

    fn step(&mut self) {
        let all: u32 = self.acts.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.rng.random_range(0..all);
        let act = self.acts.iter().find_map(|(act, weight)| match drawn.checked_sub(*weight) {
            Some(rest) => {
                drawn = rest;
                None
            }
            None => Some(*act),
        });
        match act.unwrap_or(Act::Time) {
            Act::Order => self.customers_order(),
            Act::Retry => self.retry(),
            Act::OtherParameters => self.ask_otherwise(),
            Act::Cancel => self.cancel(),
            Act::Refill => self.refill(),
            Act::Operate => self.operate(),
            Act::Post => self.report_post(),
            Act::StoreFault => self.store_fault(),
            Act::Disk => self.fill_disk(),
            Act::Poison => self.poison(),
            Act::Crash => self.crash(),
            Act::Node => self.node_trouble(),
            Act::Clock => self.set_clock(),
            Act::Backup => self.back_up_or_restore(),
            Act::Provider => self.change_provider(),
            Act::Time => self.pass_time(),
        }
    }

    /// The laws, now. `indexes`: also those that only a look at everything can show.
    pub(crate) fn check(&mut self, indexes: bool) -> Vec<String> {
        if let (Some(told), Some(calls)) = (&mut self.told, &mut self.outside.told) {
            told.append(calls);
        }
        let books = self.panel.books();
        let past = books.take_past();
        let mut found = checks::step(books, &past, &mut self.outside, &mut self.promised, &mut self.reached);
        if indexes {
            found.extend(checks::indexes(books));
            for name in books.orders().flat_map(checks::states) {
                *self.reached.entry(name).or_default() += 1;
            }
        }
        if let Some(first) = found.first() {
            let first = first.clone();
            self.say(|| format!("VIOLATION {first}"));
        }
        found
    }

    fn pass_time(&mut self) {
        let span = match self.rng.random_range(0..100) {
            0..60 => Span::minutes(self.rng.random_range(1..30)),
            60..97 => Span::hours(self.rng.random_range(1..12)),
            _long => Span::hours(self.rng.random_range(24..80)),
        };
        self.say(|| format!("{} minutes pass", span.0 / 60_000));
        self.let_pass(span);
    }

    pub(crate) fn let_pass(&mut self, span: Span) {
        self.panel.run_until(self.panel.now().after(span), &mut self.outside);
    }

    pub(crate) fn some_order(&mut self) -> Option<(OrderId, CustomerId)> {
        let count = self.panel.books().orders().count();
        if count == 0 {
            return None;
        }
        let place = self.rng.random_range(0..count);
        self.panel.books().orders().nth(place).map(|file| (file.order.id, file.order.customer))
    }

    pub(crate) fn customer(&mut self) -> CustomerId {
        CustomerId(self.rng.random_range(1..=shop::CUSTOMERS))
    }

    fn report(mut self, violations: Vec<String>) -> Run {
        let (batches, commands) = self.panel.counts();
        let books = self.panel.books();
        let resolved = |state: &AttemptState| {
            matches!(
                state,
                AttemptState::Adopted { .. } | AttemptState::Absent { .. } | AttemptState::WrittenOff { .. }
            )
        };
        let unknowns = books
            .orders()
            .filter(|file| file.attempts.iter().any(|attempt| resolved(&attempt.state)))
            .count() as u64;
        let ends = books.links().map(|link| u64::from_be_bytes(link[..8].try_into().unwrap()));
        let mut hash = ends.fold(0, |hash: u64, end| hash.rotate_left(7) ^ end);
        // The chain covers money; what was said and done beside it is mixed in by its size.
        for size in [batches, commands, self.outside.arrived.len() as u64, self.panel.now().0.cast_unsigned()]
        {
            hash = (hash ^ size).wrapping_mul(0x0100_0000_01b3);
        }
        let orders = self.panel.books().orders().count() as u64;
        let mut fired = std::mem::take(&mut self.outside.fired);
        fired.extend(std::mem::take(&mut self.fired));
        fired.extend(std::mem::take(&mut self.panel.fired));
        let told = self.told.take().unwrap_or_default();
        Run { violations, fired, reached: self.reached, hash, batches, commands, orders, unknowns, told }
    }
}

/// Orders and time are in every seed; of the rest one in four is left out, but by the first few nothing: they must see
/// what is obvious.
fn draw_acts(seed: u64, rng: &mut StdRng) -> Vec<(Act, u32)> {
    let mut kept = Vec::new();
    for (act, weight) in ACTS {
        let whole = seed <= SEEDS_FOR_AN_OBVIOUS_ONE || matches!(act, Act::Order | Act::Time);
        let out = rng.random_ratio(1, 4) && !whole;
        kept.extend((!out).then_some((act, weight)));
    }
    kept
}
