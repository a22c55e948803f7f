//! What customers and their programs do: order, order again, cancel, ask for a refill, and hear or not hear of it.

use panelworks_core::command::Command;
use panelworks_core::ids::{CustomerId, OrderId, ServiceId};
use panelworks_core::order::draft::{Draft, Extra, Given};
use panelworks_core::order::{IdempotencyMark, Lines, OrderFile, OrderStatus};
use panelworks_core::outcome::{Done, Refusal};
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::executor::{Reply, Undecided};
use rand::RngExt;

use crate::run::Sim;
use crate::shop;

/// A key as its customer wrote it, and what it was sent with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) number: u64,
    pub(crate) parameters: u64,
}

impl Key {
    fn mark(self) -> IdempotencyMark {
        IdempotencyMark {
            key: u128::from(self.number).to_be_bytes(),
            parameters: u128::from(self.parameters).to_be_bytes(),
        }
    }
}

/// An `add` as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    customer: CustomerId,
    key: Option<Key>,
    service: ServiceId,
    command: Command,
    since: Timestamp,
}

impl Sim {
    /// Up to a dozen orders in one batch, often of one customer: races for the same balance.
    pub(crate) fn customers_order(&mut self) {
        let count = [1, 1, 2, 5, 12][self.rng.random_range(0..5)];
        let one = self.rng.random_bool(0.5).then(|| self.customer());
        let mut asked = Vec::new();
        for _ in 0..count {
            let customer = one.unwrap_or_else(|| self.customer());
            let order = self.order(customer);
            asked.push(order);
        }
        let commands: Vec<Command> = asked.iter().map(|one| one.command.clone()).collect();
        let books = self.panel.books();
        let faulty = books.late() > 0 || books.faults.iter().any(Option::is_some);
        let replies = self.panel.submit(&commands, &mut self.outside);
        self.say(|| format!("ordered: {replies:?}"));
        for (asked, reply) in asked.iter().zip(&replies) {
            self.only_the_poisoned_fails(asked.customer, reply, faulty);
            self.told(asked, reply);
        }
        self.retries.extend(asked);
    }

    /// A batch has no common fate: a command that can't be committed hurts only itself.
    fn only_the_poisoned_fails(&mut self, customer: CustomerId, reply: &Reply, faulty: bool) {
        let poisoned = self.panel.books().poisoned;
        let hurt = matches!(reply, Err(Undecided::NotCommitted(_)));
        if hurt && !faulty && poisoned != Some(customer) {
            self.promised.broken.push(format!("customer {customer} suffers for {poisoned:?}: {reply:?}"));
        }
    }

    fn told(&mut self, asked: &Asked, reply: &Reply) {
        let Asked { customer, key, .. } = asked;
        match reply {
            Ok(Ok(Done::Placed { order, .. })) => {
                if let Some(key) = key {
                    self.promised.answered(*customer, *key, *order);
                }
                // One answer in twelve is lost on its way to the customer.
                if self.rng.random_ratio(1, 12) {
                    self.fire("C4 an answer lost on its way to the customer");
                    self.promised.in_the_dark += 1;
                } else {
                    self.promised.acknowledged.insert(*order, *customer);
                }
            }
            Ok(Ok(done)) => self.promised.broken.push(format!("an order was answered {done:?}")),
            Ok(Err(Refusal::IdempotencyMismatch)) => {
                if let Some(key) = key {
                    self.promised.refused_as_other(*customer, *key);
                }
            }
            Err(Undecided::Unknown) => self.promised.in_the_dark += 1,
            Ok(Err(_)) | Err(_) => {}
        }
    }

    fn order(&mut self, customer: CustomerId) -> Asked {
        let service = ServiceId(self.rng.random_range(1..=shop::SERVICES));
        let link = format!("https://example.com/{}", self.rng.random_range(0..40));
        // Few ask for much: what is above the balance tries the arithmetic, not the purse.
        let most = if self.rng.random_ratio(1, 12) { 1_000_000_000 } else { 1_500 };
        let mut draft = Draft {
            link: Given::Is(link),
            quantity: Given::Is(self.rng.random_range(0..most)),
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
            let newest = self.keys.entry(customer).or_default();
            *newest += 1;
            Key { number: *newest, parameters: u64::from(customer.0) << 32 | *newest }
        });
        let mark = key.map(Key::mark);
        let command = Command::PlaceOrder { customer, service: Some(service), draft, mark, max_charge: None };
        Asked { customer, key, service, command, since: self.panel.now() }
    }

    /// One of the adds that may be sent again. A key is remembered for a day; a program that asks again later
    /// orders anew.
    fn earlier(&mut self) -> Option<Asked> {
        let now = self.panel.now();
        self.retries.retain(|asked| now.since(asked.since) < Span::hours(24));
        // Often what no guard of the link would refuse a second time: there only its key can tell.
        if self.rng.random_bool(0.5) {
            let telling = |asked: &&Asked| asked.key.is_some() && asked.service == shop::UNGUARDED;
            if let Some(asked) = self.retries.iter().rev().find(telling) {
                return Some(asked.clone());
            }
        }
        let place = self.rng.random_range(0..self.retries.len().max(1));
        self.retries.get(place).cloned()
    }

    /// A customer's program that heard nothing asks again, with the same key if it had one.
    pub(crate) fn retry(&mut self) {
        let Some(asked) = self.earlier() else { return };
        let name = if asked.key.is_some() { "C4 retried with its key" } else { "C4 retried without a key" };
        self.fire(name);
        let reply = self.submit(asked.command.clone());
        self.say(|| format!("retried {:?} of customer {}: {reply:?}", asked.key, asked.customer));
        self.told(&asked, &reply);
    }

    /// A program with a mistake sends an old key with another order.
    pub(crate) fn ask_otherwise(&mut self) {
        let Some(mut asked) = self.earlier().filter(|asked| asked.key.is_some()) else { return };
        let Command::PlaceOrder { draft, mark, .. } = &mut asked.command else { return };
        draft.quantity = Given::Is(self.rng.random_range(1..1_500));
        asked.key = asked.key.map(|key| Key { parameters: !key.parameters, ..key });
        *mark = asked.key.map(Key::mark);
        self.fire("C4 an old key with another order");
        let reply = self.submit(asked.command.clone());
        self.say(|| format!("sent {:?} of customer {} otherwise: {reply:?}", asked.key, asked.customer));
        self.told(&asked, &reply);
    }

    pub(crate) fn cancel(&mut self) {
        let Some((order, customer)) = self.some_order() else { return };
        self.cancel_of(order, customer);
    }

    pub(crate) fn cancel_of(&mut self, order: OrderId, customer: CustomerId) {
        let reply = self.submit(Command::RequestCancel { customer, order });
        self.say(|| format!("cancel {order}: {reply:?}"));
    }

    pub(crate) fn refill(&mut self) {
        let now = self.panel.now();
        // Mostly where it is allowed: completed, a day ago.
        let old = |file: &&OrderFile| {
            file.order.status == OrderStatus::Completed
                && file.order.ended_at.is_some_and(|at| now.since(at) >= Span::hours(24))
                && file.refills.is_empty()
        };
        let due = self.panel.books().orders().find(old).map(|file| (file.order.id, file.order.customer));
        let any = self.some_order();
        let Some((order, customer)) = due.or(any) else { return };
        let reply = self.submit(Command::RequestRefill { customer, order });
        self.say(|| format!("refill {order}: {reply:?}"));
    }
}
