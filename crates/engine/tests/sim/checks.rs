//! The laws, checked from outside after each step: the books' own audit, the laws of change, what was acknowledged,
//! and what the providers' witness saw (invariants.md 3).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use panelworks_core::ids::{CustomerId, OrderId, ServiceId};
use panelworks_core::money::Rate;
use panelworks_core::order::attempt::{AttemptState, Purpose};
use panelworks_core::order::{CancelState, HoldReason, OrderFile, OrderStatus, Part, RefillState};
use panelworks_core::testing::laws;
use panelworks_core::time::Timestamp;
use panelworks_store::memory::Memory;

use crate::customers::Key;
use crate::edges;
use crate::outside::{Outside, Purchase};

/// What customers were told, and what they tried.
#[derive(Debug, Default)]
pub(crate) struct Promised {
    pub(crate) acknowledged: BTreeMap<OrderId, CustomerId>,
    /// What each key made, and with which parameters.
    by_key: HashMap<(CustomerId, u64), (OrderId, u64)>,
    /// Orders whose reply said that nobody knows, or never reached its customer.
    pub(crate) in_the_dark: u64,
    /// Orders that a person has had a word on.
    pub(crate) by_hand: BTreeSet<OrderId>,
    /// Orders that stood after a backup that was restored since: their ids are spent.
    lost: BTreeSet<OrderId>,
    pub(crate) broken: Vec<String>,
}

impl Promised {
    /// An `add` with a key was answered with an order.
    pub(crate) fn answered(&mut self, customer: CustomerId, key: Key, order: OrderId) {
        let first = *self.by_key.entry((customer, key.number)).or_insert((order, key.parameters));
        if first != (order, key.parameters) {
            self.broken.push(format!(
                "I13: {key:?} of customer {customer} made order {} with {}, and now {order}",
                first.0, first.1
            ));
        }
    }

    /// An `add` was refused because its key had been used with other parameters.
    pub(crate) fn refused_as_other(&mut self, customer: CustomerId, key: Key) {
        if self.by_key.get(&(customer, key.number)).is_some_and(|(_, first)| *first == key.parameters) {
            self.broken.push(format!("I13: {key:?} of customer {customer} was refused as used for another"));
        }
    }

    /// All that happened after the backup is forgotten, but its ids must not come back.
    pub(crate) fn restored(&mut self, kept: &BTreeSet<OrderId>, before: impl Iterator<Item = OrderId>) {
        self.lost.extend(before.filter(|id| !kept.contains(id)));
        self.acknowledged.retain(|id, _| kept.contains(id));
        self.by_key.retain(|_, (id, _)| kept.contains(id));
    }
}

/// After each step. `past`: every version of an order that the step replaced, oldest first.
pub(crate) fn step(
    books: &Memory,
    past: &[(Timestamp, OrderFile)],
    outside: &mut Outside,
    promised: &mut Promised,
    reached: &mut edges::Counts,
) -> Vec<String> {
    let mut found: Vec<String> = books.audit().into_iter().map(|violation| violation.to_string()).collect();
    found.append(&mut promised.broken);
    found.extend(
        books
            .stale_batches()
            .first()
            .map(|batch| format!("I18: {batch:?} was committed after its epoch was over")),
    );
    changes(books, past, reached, &mut found);
    acknowledged(books, promised, &mut found);
    arrivals(books, outside, &mut found);
    prices(books, &mut found);
    found
}

/// What only a look at everything shows: uniqueness, and the distance of runs (A13).
pub(crate) fn indexes(books: &Memory) -> Vec<String> {
    let mut found = laws::of_indexes(books.claims(), books.orders());
    found.extend(laws::of_runs(&books.orders().map(|file| (file.order.id, file.clone())).collect()));
    found.into_iter().map(|violation| violation.to_string()).collect()
}

/// Each change against the version before it.
fn changes(
    books: &Memory,
    past: &[(Timestamp, OrderFile)],
    reached: &mut edges::Counts,
    found: &mut Vec<String>,
) {
    let mut newer: HashMap<OrderId, &OrderFile> = HashMap::new();
    for (at, before) in past.iter().rev() {
        let id = before.order.id;
        let Some(after) = newer.insert(id, before).or_else(|| books.order(id)) else { continue };
        edges::count(before, after, reached);
        found.extend(laws::of_change(*at, before, after).into_iter().map(|violation| violation.to_string()));
    }
}

/// I12: what was acknowledged is there; and nothing is there that nobody asked for.
fn acknowledged(books: &Memory, promised: &Promised, found: &mut Vec<String>) {
    for (order, customer) in &promised.acknowledged {
        if books.order(*order).is_none_or(|file| file.order.customer != *customer) {
            found.push(format!("I12: order {order} was acknowledged to customer {customer}, who has it not"));
        }
    }
    let asked_for = |file: &&OrderFile| {
        file.order.part.parent().is_none() && !promised.acknowledged.contains_key(&file.order.id)
    };
    let strangers = books.orders().filter(asked_for).count() as u64;
    if strangers > promised.in_the_dark {
        found.push(format!(
            "I13: {strangers} orders stand that nobody was told of, {} replies were unclear",
            promised.in_the_dark
        ));
    }
    let again = books.orders().find(|file| promised.lost.contains(&file.order.id));
    found.extend(again.map(|file| format!("E7: order id {} was given out twice", file.order.id)));
}

/// I15: no `add` arrives before its `sending` is durable; I14: none arrives twice; G4: nothing is bought twice,
/// whatever was answered.
fn arrivals(books: &Memory, outside: &mut Outside, found: &mut Vec<String>) {
    let Outside { arrived, unchecked, known, bought, mistaken, honours_keys, .. } = outside;
    for arrived in &mut arrived[*unchecked..] {
        let id = arrived.attempt;
        let file = books.order(id.order);
        let attempt = file.and_then(|file| file.attempt(id.number));
        let state = attempt.map(|attempt| &attempt.state);
        if matches!(state, None | Some(AttemptState::Planned { .. } | AttemptState::Voided)) {
            found.push(format!("I15: attempt {id} arrived at its provider, and stands as {state:?}"));
        }
        if !known.insert(id) && !*honours_keys {
            found.push(format!("I14: attempt {id} arrived twice"));
        }
        let purchase = file.zip(attempt).map(|(file, attempt)| Purchase::of(file, attempt.purpose));
        arrived.bought_for = purchase;
        if let (Some(purchase), Some(_)) = (purchase, arrived.made) {
            let times = bought.entry(purchase).or_default();
            *times += 1;
            if *times > 1 && !mistaken.contains(&purchase.order) {
                found.push(format!("G4: {purchase:?} was bought {times} times, now by attempt {id}"));
            }
        }
    }
    outside.unchecked = outside.arrived.len();
}

/// C22: every order stands at a price that its service has had.
fn prices(books: &Memory, found: &mut Vec<String>) {
    let versions: HashMap<(ServiceId, u32), Rate> =
        books.prices().iter().map(|price| ((price.service, price.version), price.rate)).collect();
    for file in books.orders() {
        let order = &file.order;
        if versions.get(&(order.service, order.price_version)) != Some(&order.rate) {
            found.push(format!(
                "C22: order {} stands at {:?}, version {} of its price",
                order.id, order.rate, order.price_version
            ));
        }
    }
}

/// When all faults are over and time has passed: what ended, ended by a word that was said.
pub(crate) fn in_the_end(books: &Memory, outside: &Outside, promised: &Promised) -> Vec<String> {
    let by_provider = books.orders().filter(|file| !promised.by_hand.contains(&file.order.id));
    by_provider.filter_map(|file| ended_as_said(file, outside)).collect()
}

/// An order that ended by its provider's word ended by a word the provider really said.
fn ended_as_said(file: &OrderFile, outside: &Outside) -> Option<String> {
    let order = &file.order;
    let (account, id) = file.attempts.iter().find_map(|attempt| match &attempt.state {
        AttemptState::Accepted { order } | AttemptState::Adopted { order } => {
            (attempt.purpose == Purpose::Order).then(|| (attempt.account, order.as_str().to_owned()))
        }
        _no_order_there => None,
    })?;
    let said = outside.said.get(&(account, id));
    let partials = said.map_or(&[][..], |said| &said.partial_remains);
    let (completed, canceled) = said.map_or((false, false), |said| (said.completed, said.canceled));
    let believed = match order.status {
        OrderStatus::Completed => completed,
        OrderStatus::Canceled => canceled,
        OrderStatus::Partial => partials.contains(&i128::from(order.remains)),
        OrderStatus::Pending | OrderStatus::Processing | OrderStatus::InProgress | OrderStatus::Expired => {
            true
        }
    };
    (!believed).then(|| {
        format!(
            "I9: order {} is {:?} with {} left; its provider said {said:?}",
            order.id, order.status, order.remains
        )
    })
}

/// Every state that a seed can be in; each must be reached by some.
pub(crate) const STATES: [&str; 34] = [
    "order pending",
    "order processing",
    "order in progress",
    "order completed",
    "order partial",
    "order canceled",
    "order expired",
    "a drip-feed",
    "a run",
    "a subscription",
    "a post",
    "attempt planned",
    "attempt sending",
    "attempt accepted",
    "attempt rejected",
    "attempt not sent",
    "attempt unknown",
    "attempt adopted",
    "attempt absent",
    "attempt written off",
    "attempt found late",
    "attempt voided",
    "held by hand",
    "held, not sent",
    "held, refused",
    "held, outcome unknown",
    "held, partial without remains",
    "held, partial package",
    "held, failed",
    "held, price above charge",
    "cancel taken",
    "cancel rejected",
    "refill taken",
    "refill completed",
];

/// What an order and what hangs on it are in now.
pub(crate) fn states(file: &OrderFile) -> impl Iterator<Item = &'static str> {
    let part = match file.order.part {
        Part::Whole => None,
        Part::DripFeed(_) => Some("a drip-feed"),
        Part::Subscription(_) => Some("a subscription"),
        Part::Run { .. } => Some("a run"),
        Part::Post { .. } => Some("a post"),
    };
    let status = match file.order.status {
        OrderStatus::Pending => "order pending",
        OrderStatus::Processing => "order processing",
        OrderStatus::InProgress => "order in progress",
        OrderStatus::Completed => "order completed",
        OrderStatus::Partial => "order partial",
        OrderStatus::Canceled => "order canceled",
        OrderStatus::Expired => "order expired",
    };
    let cancels = file.cancels.iter().filter_map(|cancel| match cancel.state {
        CancelState::Taken { .. } => Some("cancel taken"),
        CancelState::Rejected => Some("cancel rejected"),
        CancelState::Pending { .. } | CancelState::Completed => None,
    });
    let refills = file.refills.iter().filter_map(|refill| match refill.state {
        RefillState::Taken { .. } => Some("refill taken"),
        RefillState::Completed => Some("refill completed"),
        RefillState::Pending { .. } | RefillState::Rejected | RefillState::Error => None,
    });
    let attempts = file.attempts.iter().map(|attempt| of_attempt(&attempt.state));
    let hold = file.order.hold.as_ref().map(|hold| of_hold(&hold.reason));
    std::iter::once(status).chain(part).chain(hold).chain(attempts).chain(cancels).chain(refills)
}

const fn of_attempt(state: &AttemptState) -> &'static str {
    match state {
        AttemptState::Planned { .. } => "attempt planned",
        AttemptState::Sending { .. } => "attempt sending",
        AttemptState::Accepted { .. } => "attempt accepted",
        AttemptState::Rejected { .. } => "attempt rejected",
        AttemptState::NotSent { .. } => "attempt not sent",
        AttemptState::Unknown { .. } => "attempt unknown",
        AttemptState::Adopted { .. } => "attempt adopted",
        AttemptState::Absent { .. } => "attempt absent",
        AttemptState::WrittenOff { .. } => "attempt written off",
        AttemptState::FoundLate { .. } => "attempt found late",
        AttemptState::Voided => "attempt voided",
    }
}

const fn of_hold(reason: &HoldReason) -> &'static str {
    match reason {
        HoldReason::Manual => "held by hand",
        HoldReason::NotSent { .. } => "held, not sent",
        HoldReason::Refused { .. } => "held, refused",
        HoldReason::UnknownOutcome { .. } => "held, outcome unknown",
        HoldReason::PartialWithoutRemains { .. } => "held, partial without remains",
        HoldReason::PartialPackage => "held, partial package",
        HoldReason::Failed { .. } => "held, failed",
        HoldReason::PriceAboveCharge { .. } => "held, price above charge",
    }
}
