//! The provider's books: orders, refills, cancels and one customer's balance.
//!
//! In: facts (`Event`), and the time. Out: what stands, read through `books/view.rs`. Facts are applied one
//! after another and nothing else changes the books; what time brings by itself (the end of an order and its
//! refund, the next run of a drip-feed, the next post of a subscription) lies in a heap of due times and is
//! carried out by `advance`, at the moment it was due and not at the moment somebody asked. So the books at a
//! time depend only on the facts before it. Never here: the wire, its texts, and whether an order is allowed.
//! Rules: `domain.md`, Orders, Drip-feed, Subscription, Refills, Cancels; each order keeps
//! `charge = ceil(charge × delivered / quantity)` at its end and the rest goes back.

mod order;
mod view;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use order::{DripState, Over, SubscriptionState};
pub(crate) use order::{Order, Part};
pub(crate) use view::{CancelWord, RefillWord};
pub use view::{Child, View, Word};

use crate::delivery::{Plan, RefillPlan};
use crate::draw::{Draw, Purpose};
use crate::event::{Detail, Event, Opening, Placed};
use crate::limits;
use crate::money::{per_thousand, share_up};

/// A refill that was taken; its id is its place from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refill {
    pub(crate) at: i64,
    pub(crate) plan: RefillPlan,
}

/// A cancel that was taken; its id is its place from 1000.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cancel {
    pub(crate) order: u64,
    pub(crate) due: Option<i64>,
}

/// Something time will bring. Ordered by time, then by order, so that ties have one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: i64,
    order: u64,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// A plain order, run or post ends.
    End,
    /// A cancelled drip-feed or subscription stops.
    Stop,
    /// A subscription expires.
    Expire,
    /// This run of a drip-feed, from 1, is made.
    Run(u32),
    /// This post of a subscription, from 1, appears.
    Post(u32),
}

/// See the module.
#[derive(Debug)]
pub struct Books {
    opening: Opening,
    next_order: u64,
    orders: Vec<Order>,
    refills: Vec<Refill>,
    cancels: Vec<Cancel>,
    last_refill: HashMap<u64, usize>,
    cancel_of: HashMap<u64, usize>,
    by_key: HashMap<Box<str>, (u64, u64)>,
    /// The latest order per service and link, kept only for a provider that minds duplicates.
    by_link: Option<HashMap<(u32, Box<str>), u64>>,
    balance: i64,
    due: BinaryHeap<Reverse<Due>>,
    now: i64,
}

impl Books {
    /// Empty books.
    pub(crate) fn open(opening: Opening) -> Books {
        Books {
            opening,
            next_order: opening.first_order.max(1),
            orders: Vec::new(),
            refills: Vec::new(),
            cancels: Vec::new(),
            last_refill: HashMap::new(),
            cancel_of: HashMap::new(),
            by_key: HashMap::new(),
            by_link: None,
            balance: opening.balance_micros,
            due: BinaryHeap::new(),
            now: i64::MIN,
        }
    }

    /// Writes one fact into the books.
    pub(crate) fn apply(&mut self, event: Event) {
        match event {
            Event::Opened(_) | Event::Refused(_) => {}
            Event::Placed(placed) => self.place(placed),
            Event::PostSkipped { order, at } => {
                let seed = self.opening.seed;
                if let Some(Part::Subscription(state)) = self.find_mut(order).map(|order| &mut order.part) {
                    state.seen += 1;
                    state.paused = true;
                    let next = state.next_post(seed, order, at);
                    self.wait_for(next, order, What::Post);
                }
            }
            Event::Starved { order, at: _ } => self.stop(order, true),
            Event::RefillTaken { refill: _, order, at, plan } => {
                self.last_refill.insert(order, self.refills.len());
                self.refills.push(Refill { at, plan });
            }
            Event::CancelTaken { cancel: _, order, at: _, due } => self.take_cancel(order, due),
            Event::ToppedUp { at: _, micros } => self.balance = self.balance.saturating_add(micros),
        }
    }

    /// Lets time pass up to `now` (never backwards) and returns the facts it brought.
    pub(crate) fn advance(&mut self, now: i64) -> Vec<Event> {
        self.now = self.now.max(now);
        let mut made = Vec::new();
        while let Some(&Reverse(due)) = self.due.peek() {
            if due.at > self.now {
                break;
            }
            self.due.pop();
            if let Some(event) = self.carry_out(due) {
                self.apply(event.clone());
                made.push(event);
            }
        }
        made
    }

    /// The id the next order gets. Ids that a neighbour took in between answer as unknown for ever.
    pub(crate) fn next_order(&self) -> u64 {
        let widest = self.opening.id_gap.min(limits::ID_GAP);
        let gap = if widest == 0 || self.orders.is_empty() {
            0
        } else {
            Draw::of(self.opening.seed, Purpose::Gap, self.next_order).between(0, widest)
        };
        self.next_order + gap
    }

    /// The seed of everything drawn.
    pub(crate) fn seed(&self) -> u64 {
        self.opening.seed
    }

    /// What is left of the customer's money.
    pub fn balance_micros(&self) -> i64 {
        self.balance
    }

    /// The latest moment the books have seen.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The orders in the sequence of their ids.
    pub(crate) fn orders(&self) -> &[Order] {
        &self.orders
    }

    pub(crate) fn find(&self, id: u64) -> Option<&Order> {
        let place = self.orders.binary_search_by_key(&id, |order| order.id).ok()?;
        self.orders.get(place)
    }

    /// The order an idempotency key was used for, and the hash of what came with it.
    pub(crate) fn order_of_key(&self, key: &str) -> Option<(u64, u64)> {
        self.by_key.get(key).copied()
    }

    /// From now on the books know which link has an order of which service.
    pub(crate) fn mind_links(&mut self) {
        if self.by_link.is_none() {
            let own = self.orders.iter().filter(|order| order.parent().is_none() && !order.link.is_empty());
            self.by_link = Some(own.map(|order| ((order.service, order.link.clone()), order.id)).collect());
        }
    }

    /// An order of this service on this link that has not ended, if links are minded.
    pub(crate) fn open_on(&self, service: u32, link: &str) -> Option<u64> {
        let id = *self.by_link.as_ref()?.get(&(service, Box::from(link)))?;
        (!self.view(self.find(id)?).is_over()).then_some(id)
    }

    pub(crate) fn refill(&self, id: u64) -> Option<&Refill> {
        self.refills.get(usize::try_from(id.checked_sub(1)?).ok()?)
    }

    pub(crate) fn last_refill_of(&self, order: u64) -> Option<&Refill> {
        self.refills.get(*self.last_refill.get(&order)?)
    }

    pub(crate) fn next_refill(&self) -> u64 {
        self.refills.len() as u64 + 1
    }

    pub(crate) fn cancel(&self, id: u64) -> Option<&Cancel> {
        self.cancels.get(usize::try_from(id.checked_sub(limits::FIRST_CANCEL)?).ok()?)
    }

    pub(crate) fn is_cancel_taken(&self, order: u64) -> bool {
        self.cancel_of.contains_key(&order)
    }

    pub(crate) fn next_cancel(&self) -> u64 {
        self.cancels.len() as u64 + limits::FIRST_CANCEL
    }

    fn find_mut(&mut self, id: u64) -> Option<&mut Order> {
        let place = self.orders.binary_search_by_key(&id, |order| order.id).ok()?;
        self.orders.get_mut(place)
    }

    fn wait_for(&mut self, next: Option<(i64, u32)>, order: u64, what: fn(u32) -> What) {
        if let Some((at, number)) = next {
            self.due.push(Reverse(Due { at, order, what: what(number) }));
        }
    }

    fn place(&mut self, placed: Placed) {
        let Placed { id, at, service, link, quantity, charge, key, detail } = placed;
        debug_assert!(id >= self.next_order, "ids ascend");
        self.next_order = id + 1;
        let link = link.into_boxed_str();
        if let Some(key) = key {
            self.by_key.insert(key.key.into_boxed_str(), (id, key.print));
        }
        let part = self.begin(id, at, charge, &detail);
        if let (Some(by_link), None) = (&mut self.by_link, part.parent()) {
            by_link.insert((service, link.clone()), id);
        }
        self.orders.push(Order { id, service, placed_at: at, link, quantity, charge, refunded: 0, part });
    }

    /// Takes the charge from whom it comes, and writes down what time will bring.
    fn begin(&mut self, id: u64, at: i64, charge: i64, detail: &Detail) -> Part {
        match *detail {
            Detail::Single(plan) => {
                self.balance -= charge;
                self.delivered_once(id, plan, None)
            }
            Detail::Run { parent, plan } => {
                if let Some(Part::DripFeed(state)) = self.find_mut(parent).map(|order| &mut order.part) {
                    state.made.push(id);
                    let next = state.next_run(at);
                    self.wait_for(next, parent, What::Run);
                }
                self.delivered_once(id, plan, Some(parent))
            }
            Detail::Post { parent, plan } => {
                self.balance -= charge;
                let seed = self.opening.seed;
                if let Some(order) = self.find_mut(parent) {
                    order.charge = order.charge.saturating_add(charge);
                    if let Part::Subscription(state) = &mut order.part {
                        state.post_made(id, at);
                        let next = state.next_post(seed, parent, at);
                        self.wait_for(next, parent, What::Post);
                    }
                }
                self.delivered_once(id, plan, Some(parent))
            }
            Detail::DripFeed(terms) => {
                self.balance -= charge;
                self.due.push(Reverse(Due { at, order: id, what: What::Run(1) }));
                Part::DripFeed(Box::new(DripState { terms, made: Vec::new(), stopped: false }))
            }
            Detail::Subscription(terms) => {
                let state = SubscriptionState::new(terms, at);
                let first = state.next_post(self.opening.seed, id, at);
                self.wait_for(first, id, What::Post);
                if let Some(at) = terms.expires_at {
                    self.due.push(Reverse(Due { at, order: id, what: What::Expire }));
                }
                Part::Subscription(Box::new(state))
            }
        }
    }

    fn delivered_once(&mut self, id: u64, plan: Plan, parent: Option<u64>) -> Part {
        self.due.push(Reverse(Due { at: plan.ends_at, order: id, what: What::End }));
        Part::Single { plan, stop: None, parent, settled: false }
    }

    fn take_cancel(&mut self, id: u64, due: Option<i64>) {
        self.cancel_of.insert(id, self.cancels.len());
        self.cancels.push(Cancel { order: id, due });
        let (Some(at), Some(order)) = (due, self.find_mut(id)) else { return };
        let what = match &mut order.part {
            Part::Single { stop, .. } => {
                *stop = Some(at);
                What::End
            }
            Part::DripFeed(_) | Part::Subscription(_) => What::Stop,
        };
        self.due.push(Reverse(Due { at, order: id, what }));
    }

    /// Does what fell due. A due time that something else has overtaken finds nothing to do.
    fn carry_out(&mut self, due: Due) -> Option<Event> {
        match due.what {
            What::End => {
                self.settle(due.order, due.at);
                None
            }
            What::Stop | What::Expire => {
                self.stop(due.order, due.what == What::Expire);
                None
            }
            What::Run(number) => self.make_run(due.order, number, due.at),
            What::Post(number) => self.make_post(due.order, number, due.at),
        }
    }

    /// Gives back what an ended order did not deliver, once.
    fn settle(&mut self, id: u64, at: i64) {
        let Some(order) = self.find_mut(id) else { return };
        let Part::Single { plan, stop, parent, settled } = &mut order.part else { return };
        if *settled || plan.end(*stop) > at {
            return;
        }
        *settled = true;
        let delivered = plan.progress(order.quantity, *stop, at).delivered;
        let back = order.charge - share_up(order.charge, delivered, order.quantity);
        let parent = *parent;
        order.refunded = back;
        self.balance = self.balance.saturating_add(back);
        if let Some(parent) = parent.and_then(|parent| self.find_mut(parent)) {
            parent.refunded = parent.refunded.saturating_add(back);
        }
    }

    fn stop(&mut self, id: u64, expired: bool) {
        let Some(order) = self.find_mut(id) else { return };
        match &mut order.part {
            Part::Single { .. } => {}
            Part::DripFeed(state) => {
                if state.stopped || state.is_all_made() {
                    return;
                }
                state.stopped = true;
                let made = state.made.len() as u64;
                let back = order.charge - share_up(order.charge, made, state.terms.runs.into());
                order.refunded = order.refunded.saturating_add(back);
                self.balance = self.balance.saturating_add(back);
            }
            Part::Subscription(state) => state.end(if expired { Over::Expired } else { Over::Stopped }),
        }
    }

    fn make_run(&self, id: u64, number: u32, at: i64) -> Option<Event> {
        let parent = self.find(id)?;
        let Part::DripFeed(state) = &parent.part else { return None };
        let made = u32::try_from(state.made.len()).ok()?;
        if state.stopped || made >= state.terms.runs || made + 1 != number {
            return None;
        }
        let share = |runs: u32| share_up(parent.charge, runs.into(), state.terms.runs.into());
        let new = self.next_order();
        let mut draw = Draw::of(self.opening.seed, Purpose::Plan, new);
        let terms = &state.terms;
        let plan = Plan::draw(&mut draw, &terms.profile, terms.each, false, terms.speed, at);
        Some(Event::Placed(Placed {
            id: new,
            at,
            service: parent.service,
            link: parent.link.to_string(),
            quantity: terms.each,
            charge: share(number) - if number == 1 { 0 } else { share(number - 1) },
            key: None,
            detail: Detail::Run { parent: id, plan },
        }))
    }

    fn make_post(&self, id: u64, number: u32, at: i64) -> Option<Event> {
        let (seed, balance, new) = (self.opening.seed, self.balance, self.next_order());
        let parent = self.find(id)?;
        let Part::Subscription(state) = &parent.part else { return None };
        if state.over.is_some() || state.seen + 1 != number {
            return None;
        }
        let terms = state.terms;
        let quantity = Draw::of(seed, Purpose::Post, new).between(terms.min, terms.max);
        let charge = per_thousand(terms.rate_micros, quantity).unwrap_or(i64::MAX);
        if charge > balance {
            if at.saturating_sub(state.last_post_at) >= terms.speed.shrink(limits::SUBSCRIPTION_REST_MS) {
                return Some(Event::Starved { order: id, at });
            }
            return Some(Event::PostSkipped { order: id, at });
        }
        let mut draw = Draw::of(seed, Purpose::Plan, new);
        let plan = Plan::draw(&mut draw, &terms.profile, quantity, false, terms.speed, at);
        Some(Event::Placed(Placed {
            id: new,
            at,
            service: parent.service,
            link: parent.link.to_string(),
            quantity,
            charge,
            key: None,
            detail: Detail::Post { parent: id, plan },
        }))
    }
}
