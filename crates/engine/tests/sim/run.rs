//! One seed: a shop, its customers, an operator, a store that fails, crashes, and time.

use std::collections::BTreeMap;

use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, CustomerId, NodeId, OrderId, ProviderOrderId, ServiceId};
use panelworks_core::money::Amount;
use panelworks_core::order::attempt::{AttemptState, Verdict};
use panelworks_core::order::draft::{Draft, Extra, Given};
use panelworks_core::order::{IdempotencyMark, Lines};
use panelworks_core::outcome::Done;
use panelworks_core::planted::{Bug, Planted};
use panelworks_core::time::{Span, Timestamp};
use panelworks_engine::Pace;
use panelworks_engine::drive::simulated::Simulated;
use panelworks_store::executor::{Reply, Undecided};
use panelworks_store::memory::{CommitFault, Memory};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::checks::{self, Promised};
use crate::outside::Outside;
use crate::shop;

const STEPS: usize = 120;
const BEGINNING: Timestamp = Timestamp(1_790_000_000_000);

/// What one seed came to.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) violations: Vec<String>,
    pub(crate) fired: BTreeMap<&'static str, u64>,
    pub(crate) hash: u64,
    pub(crate) batches: u64,
    pub(crate) commands: u64,
    pub(crate) orders: u64,
    pub(crate) unknowns: u64,
}

struct Sim {
    panel: Simulated<Memory>,
    outside: Outside,
    promised: Promised,
    rng: StdRng,
    /// Idempotent adds whose customer may try again.
    retries: Vec<(CustomerId, u64, Command, Timestamp)>,
    keys: u64,
    trace: bool,
    fired: BTreeMap<&'static str, u64>,
}

/// Runs a seed to its end, or to its first violation.
pub(crate) fn run(seed: u64, bug: Option<Bug>, trace: bool) -> Run {
    let planted = bug.map_or_else(Planted::default, Planted::only);
    let pace = Pace { poll_first: Span::minutes(1), ..Pace::default() };
    let panel = Simulated::new(Memory::default(), NodeId(1), 1, BEGINNING, pace, planted);
    let (outside, rng) = (Outside::new(seed), StdRng::seed_from_u64(seed));
    let mut sim = Sim {
        panel,
        outside,
        promised: Promised::default(),
        rng,
        retries: Vec::new(),
        keys: 0,
        trace,
        fired: BTreeMap::new(),
    };
    for command in shop::opening(seed) {
        let reply = sim.panel.submit(std::slice::from_ref(&command), &mut sim.outside);
        shop::must(&reply[0]);
    }
    let mut violations = Vec::new();
    for step in 0..STEPS {
        sim.step();
        violations = sim.check();
        if !violations.is_empty() {
            sim.say(&format!("step {step}: {violations:?}"));
            break;
        }
    }
    if violations.is_empty() {
        violations = sim.finish();
    }
    sim.report(violations)
}

impl Sim {
    fn say(&self, line: &str) {
        if self.trace {
            println!("{} {line}", self.panel.now().0 - BEGINNING.0);
        }
    }

    fn fire(&mut self, name: &'static str) {
        *self.fired.entry(name).or_default() += 1;
    }

    fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..35 => self.customers_order(),
            35..42 => self.retry(),
            42..52 => self.cancel(),
            52..58 => self.refill(),
            58..62 => self.credit(),
            62..65 => self.reprice(),
            65..71 => self.store_fault(),
            71..76 => self.crash(),
            76..82 => self.operator(),
            82..85 => self.report_post(),
            _time => self.pass_time(),
        }
    }

    fn check(&mut self) -> Vec<String> {
        checks::step(self.panel.books(), &mut self.outside, &mut self.promised)
    }

    /// Up to a dozen orders in one batch, often of one customer: races for the same balance.
    fn customers_order(&mut self) {
        let count = [1, 1, 2, 5, 12][self.rng.random_range(0..5)];
        let one = self.rng.random_bool(0.5).then(|| self.customer());
        let mut commands = Vec::new();
        let mut keys = Vec::new();
        for _ in 0..count {
            let customer = one.unwrap_or_else(|| self.customer());
            let (command, key) = self.order(customer);
            if let Some(key) = key {
                self.retries.push((customer, key, command.clone(), self.panel.now()));
            }
            keys.push((customer, key));
            commands.push(command);
        }
        let replies = self.panel.submit(&commands, &mut self.outside);
        for ((customer, key), reply) in keys.into_iter().zip(&replies) {
            self.told(customer, key, reply);
        }
        self.say(&format!("order {count}: {replies:?}"));
    }

    fn told(&mut self, customer: CustomerId, key: Option<u64>, reply: &Reply) {
        match reply {
            Ok(Ok(Done::Placed { order, .. })) => {
                self.promised.acknowledged.insert(*order, customer);
                if let Some(key) = key {
                    let first = *self.promised.by_key.entry((customer, key)).or_insert(*order);
                    if first != *order {
                        self.promised.broken.push(format!(
                            "I13: key {key} of customer {customer} made order {first} and order {order}"
                        ));
                    }
                }
            }
            Ok(Ok(done)) => self.promised.broken.push(format!("an order was answered {done:?}")),
            Err(Undecided::Unknown) => self.promised.in_the_dark += 1,
            Ok(Err(_)) | Err(_) => {}
        }
    }

    fn order(&mut self, customer: CustomerId) -> (Command, Option<u64>) {
        let service = ServiceId(self.rng.random_range(1..=6));
        let link = format!("https://example.com/{}", self.rng.random_range(0..40));
        let mut draft = Draft {
            link: Given::Is(link),
            quantity: Given::Is(self.rng.random_range(0..1_500)),
            ..Draft::default()
        };
        let mut extra = Extra::default();
        match service {
            shop::COMMENTS => {
                let lines: Vec<String> =
                    (0..self.rng.random_range(1..40)).map(|n| format!("comment {n}")).collect();
                extra.comments = Given::Is(Lines::from(lines));
            }
            shop::SUBSCRIPTION => {
                extra.username = Given::Is(format!("anna{}", self.rng.random_range(0..20)));
                (extra.min, extra.max) = (Given::Is(10), Given::Is(self.rng.random_range(10..300)));
                extra.posts = Given::Is(self.rng.random_range(0..4));
            }
            shop::DEFAULT | shop::UNGUARDED if self.rng.random_bool(0.3) => {
                draft.quantity = Given::Is(self.rng.random_range(1..300));
                draft.runs = Given::Is(self.rng.random_range(2..6));
                draft.interval_min = Given::Is(self.rng.random_range(1..120));
            }
            _plain => {}
        }
        draft.extra = Some(Box::new(extra));
        let key = self.rng.random_bool(0.5).then(|| {
            self.keys += 1;
            self.keys
        });
        let mark = key.map(|key| IdempotencyMark {
            key: u128::from(key).to_be_bytes(),
            parameters: u128::from(key).to_be_bytes(),
        });
        (Command::PlaceOrder { customer, service: Some(service), draft, mark, max_charge: None }, key)
    }

    /// A customer's program that heard nothing asks again with the same key.
    fn retry(&mut self) {
        // Remembered for a day; a program that asks again later orders anew.
        let now = self.panel.now();
        self.retries.retain(|(_, _, _, since)| now.since(*since) < Span::hours(24));
        if self.retries.is_empty() {
            return;
        }
        self.fire("C4 retried with its key");
        let place = self.rng.random_range(0..self.retries.len());
        let (customer, key, command, _) = self.retries[place].clone();
        let reply = self.panel.submit(&[command], &mut self.outside).remove(0);
        self.told(customer, Some(key), &reply);
        self.say(&format!("retry {key}: {reply:?}"));
    }

    fn some_order(&mut self) -> Option<(OrderId, CustomerId)> {
        let orders: Vec<(OrderId, CustomerId)> =
            self.panel.books().orders().map(|file| (file.order.id, file.order.customer)).collect();
        (!orders.is_empty()).then(|| orders[self.rng.random_range(0..orders.len())])
    }

    fn cancel(&mut self) {
        let Some((order, customer)) = self.some_order() else { return };
        let reply = self.panel.submit(&[Command::RequestCancel { customer, order }], &mut self.outside);
        self.say(&format!("cancel {order}: {reply:?}"));
    }

    fn refill(&mut self) {
        let Some((order, customer)) = self.some_order() else { return };
        let reply = self.panel.submit(&[Command::RequestRefill { customer, order }], &mut self.outside);
        self.say(&format!("refill {order}: {reply:?}"));
    }

    fn credit(&mut self) {
        let amount = Amount(self.rng.random_range(-500_000..2_000_000));
        let customer = self.customer();
        let command = Command::CreditCustomer { customer, amount, note: "simulated".to_owned() };
        self.panel.submit(&[command], &mut self.outside);
    }

    /// Prices change while orders are under way (C22).
    fn reprice(&mut self) {
        let id = ServiceId(self.rng.random_range(1..=6));
        let Some(mut service) = self.panel.books().services().find(|service| service.id == id).cloned()
        else {
            return;
        };
        service.rate =
            panelworks_core::money::Rate::from_micros(self.rng.random_range(0..2_000_000)).unwrap();
        self.fire("C22 repriced");
        self.panel.submit(&[Command::PutService { service: Box::new(service) }], &mut self.outside);
    }

    /// The coming commits fail in one way or another.
    fn store_fault(&mut self) {
        let (name, fault) = [
            ("A4 a commit refused", CommitFault::Refused),
            ("A8 a commit that stands, its answer lost", CommitFault::LostAnswer),
            ("A8 a commit that does not stand, its answer lost", CommitFault::LostCommit),
            ("A9 decide again", CommitFault::Again),
        ][self.rng.random_range(0..4)];
        let wait = self.rng.random_range(0..4);
        let faults = &mut self.panel.books().faults;
        faults.extend(std::iter::repeat_n(None, wait));
        faults.push_back(Some(fault));
        self.fire(name);
    }

    fn crash(&mut self) {
        self.fire("A1 killed and started again");
        self.panel.books().faults.clear();
        // Half of the time somebody notices only hours later (A13: what fell due meanwhile must not burst).
        let down =
            if self.rng.random_bool(0.5) { Span::minutes(self.rng.random_range(1..600)) } else { Span(0) };
        self.panel.restart(down);
        self.say(&format!("killed, and started again after {} minutes", down.0 / 60_000));
        self.panel.run_until(self.panel.now(), &mut self.outside);
    }

    /// An operator who looks at the provider's own pages before deciding over an unknown outcome.
    fn operator(&mut self) {
        let unknown: Vec<AttemptId> = self.unknown();
        if unknown.is_empty() {
            return;
        }
        let attempt = unknown[self.rng.random_range(0..unknown.len())];
        let made = self.outside.made_by(attempt);
        let verdict = match made {
            _ if self.rng.random_ratio(1, 8) => Verdict::WriteOff,
            Some(id) => Verdict::Adopt { order: ProviderOrderId::new(&id.to_string()).unwrap() },
            None => Verdict::Absent,
        };
        self.fire("unknown resolved by a person");
        let reply = self
            .panel
            .submit(&[Command::ResolveAttempt { attempt, verdict: verdict.clone() }], &mut self.outside);
        self.say(&format!("resolve {attempt} {verdict:?}: {reply:?}"));
    }

    fn unknown(&mut self) -> Vec<AttemptId> {
        let books = self.panel.books();
        let files = books.orders();
        let attempts =
            files.flat_map(|file| file.attempts.iter().map(move |attempt| (file.order.id, attempt)));
        let unknown = attempts.filter(|(_, attempt)| matches!(attempt.state, AttemptState::Unknown { .. }));
        unknown.map(|(order, attempt)| AttemptId { order, number: attempt.number }).collect()
    }

    fn report_post(&mut self) {
        let Some((subscription, _)) = self.some_order() else { return };
        let command = Command::ReportPost { subscription, link: "https://example.com/post".to_owned() };
        self.panel.submit(&[command], &mut self.outside);
    }

    fn pass_time(&mut self) {
        let span = match self.rng.random_range(0..10) {
            0..5 => Span::minutes(self.rng.random_range(1..30)),
            5..9 => Span::hours(self.rng.random_range(1..12)),
            _long => Span::days(self.rng.random_range(1..4)),
        };
        let until = self.panel.now().after(span);
        self.say(&format!("{} minutes pass", span.0 / 60_000));
        self.panel.run_until(until, &mut self.outside);
    }

    /// Faults stop, the operator resolves what is unknown, and everything must come to its end.
    fn finish(&mut self) -> Vec<String> {
        self.outside.heal();
        self.panel.books().faults.clear();
        for _ in 0..6 {
            self.panel.run_until(self.panel.now().after(Span::days(1)), &mut self.outside);
            while let Some(attempt) = self.unknown().first().copied() {
                let made = self.outside.made_by(attempt);
                let adopt =
                    made.map(|id| Verdict::Adopt { order: ProviderOrderId::new(&id.to_string()).unwrap() });
                let verdict = adopt.unwrap_or(Verdict::Absent);
                let reply = self
                    .panel
                    .submit(&[Command::ResolveAttempt { attempt, verdict }], &mut self.outside)
                    .remove(0);
                if !matches!(reply, Ok(Ok(_))) {
                    let write_off = Command::ResolveAttempt { attempt, verdict: Verdict::WriteOff };
                    let reply = self.panel.submit(&[write_off], &mut self.outside).remove(0);
                    if !matches!(reply, Ok(Ok(_))) {
                        return vec![format!(
                            "I17: attempt {attempt} is unknown and can't be resolved: {reply:?}"
                        )];
                    }
                }
            }
            let violations = self.check();
            if !violations.is_empty() {
                return violations;
            }
        }
        let now = self.panel.now().0;
        checks::in_the_end(self.panel.books(), &mut self.outside, now)
    }

    fn customer(&mut self) -> CustomerId {
        CustomerId(self.rng.random_range(1..=shop::CUSTOMERS))
    }

    fn report(mut self, violations: Vec<String>) -> Run {
        let (batches, commands) = self.panel.counts();
        let books = self.panel.books();
        let orders = books.orders().count() as u64;
        let unknowns = books
            .orders()
            .filter(|file| {
                file.attempts.iter().any(|attempt| {
                    matches!(
                        attempt.state,
                        AttemptState::Adopted { .. }
                            | AttemptState::Absent { .. }
                            | AttemptState::WrittenOff { .. }
                    )
                })
            })
            .count() as u64;
        let hash = u64::from_be_bytes(books.link()[..8].try_into().unwrap());
        let mut fired = std::mem::take(&mut self.outside.fired);
        fired.extend(std::mem::take(&mut self.fired));
        Run { violations, fired, hash, batches, commands, orders, unknowns }
    }
}
