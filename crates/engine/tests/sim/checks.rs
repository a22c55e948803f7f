//! The laws, checked from outside after each step: the books' own audit, what was acknowledged, and what the
//! providers' witness saw (invariants.md 3).

use std::collections::{BTreeMap, HashMap};

use panelworks_core::ids::{CustomerId, OrderId};
use panelworks_core::limits::HOLD_LIMIT;
use panelworks_core::order::attempt::{AttemptState, Purpose};
use panelworks_core::order::{HoldReason, OrderFile, OrderStatus, Part};
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::memory::Memory;

use crate::outside::Outside;

/// What customers were told, and what they tried.
#[derive(Debug, Default)]
pub(crate) struct Promised {
    pub(crate) acknowledged: BTreeMap<OrderId, CustomerId>,
    pub(crate) by_key: HashMap<(CustomerId, u64), OrderId>,
    /// Orders whose reply said that nobody knows.
    pub(crate) in_the_dark: u64,
    pub(crate) broken: Vec<String>,
}

/// After each step.
pub(crate) fn step(books: &Memory, outside: &mut Outside, promised: &mut Promised) -> Vec<String> {
    let mut found: Vec<String> = books.audit().into_iter().map(|violation| violation.to_string()).collect();
    found.append(&mut promised.broken);
    acknowledged(books, promised, &mut found);
    arrivals(books, outside, &mut found);
    purchases(books, outside, &mut found);
    runs(books, &mut found);
    found
}

/// I12: what was acknowledged is there; and nothing is there that nobody asked for.
fn acknowledged(books: &Memory, promised: &Promised, found: &mut Vec<String>) {
    for (order, customer) in &promised.acknowledged {
        if books.order(*order).is_none_or(|file| file.order.customer != *customer) {
            found
                .push(format!("I12: order {order} was acknowledged to customer {customer} and is not there"));
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
}

/// I15: no `add` arrives before its `sending` is durable; I14: none arrives twice.
fn arrivals(books: &Memory, outside: &mut Outside, found: &mut Vec<String>) {
    for (place, arrived) in outside.arrived.iter().enumerate().skip(outside.unchecked) {
        let file = books.order(arrived.attempt.order);
        let state = file.and_then(|file| file.attempt(arrived.attempt.number)).map(|attempt| &attempt.state);
        if matches!(state, None | Some(AttemptState::Planned { .. } | AttemptState::Voided)) {
            found.push(format!(
                "I15: attempt {} arrived at its provider, and stands as {state:?}",
                arrived.attempt
            ));
        }
        if !outside.honours_keys
            && outside.arrived[..place].iter().any(|earlier| earlier.attempt == arrived.attempt)
        {
            found.push(format!("I14: attempt {} arrived twice", arrived.attempt));
        }
    }
    outside.unchecked = outside.arrived.len();
}

/// G4: at most one order is bought for each purpose, whatever was answered.
fn purchases(books: &Memory, outside: &Outside, found: &mut Vec<String>) {
    let mut bought: BTreeMap<(OrderId, u32), u32> = BTreeMap::new();
    for arrived in outside.arrived.iter().filter(|arrived| arrived.made.is_some()) {
        let attempt =
            books.order(arrived.attempt.order).and_then(|file| file.attempt(arrived.attempt.number));
        let segment = match attempt.map(|attempt| attempt.purpose) {
            Some(Purpose::Segment(number)) => number,
            Some(Purpose::Order | Purpose::Mirrored) | None => 0,
        };
        *bought.entry((arrived.attempt.order, segment)).or_default() += 1;
    }
    for ((order, segment), times) in bought.into_iter().filter(|(_, times)| *times > 1) {
        found.push(format!("G4: order {order} (segment {segment}) was bought {times} times"));
    }
}

/// Runs of a drip-feed keep their distance, also after a stop.
fn runs(books: &Memory, found: &mut Vec<String>) {
    for file in books.orders() {
        let Part::DripFeed(drip) = &file.order.part else { continue };
        let made: Vec<i64> =
            drip.made.iter().filter_map(|run| books.order(*run)).map(|run| run.order.accepted_at.0).collect();
        let least = i64::from(drip.interval_min) * 60_000;
        if made.windows(2).any(|pair| pair[1] - pair[0] < least) {
            found.push(format!(
                "A13: runs of drip-feed {} came closer than {} minutes: {made:?}",
                file.order.id, drip.interval_min
            ));
        }
    }
}

/// When all faults are over and time has passed: everything that ended there has ended here, the same way.
pub(crate) fn in_the_end(books: &Memory, outside: &mut Outside, now: i64) -> Vec<String> {
    let mut found = Vec::new();
    for file in books.orders() {
        for attempt in &file.attempts {
            let Some(provider_order) = attempt.state.provider_order() else { continue };
            let Ok(id) = provider_order.as_str().parse::<u64>() else { continue };
            let Some(provider) = outside.providers.get_mut(&attempt.account) else { continue };
            let over = provider.order(now, id).is_some_and(|view| view.is_over());
            if over
                && !file.order.status.has_ended()
                && attempt.purpose == Purpose::Order
                && file.order.hold.is_none()
            {
                found.push(format!(
                    "I23: order {} has ended at its provider as {provider_order}, and is {:?} here",
                    file.order.id, file.order.status
                ));
            }
        }
        if let Some(violation) = ended_as_said(file, outside) {
            found.push(violation);
        }
        let waiting = matches!(
            file.attempts.last().map(|attempt| &attempt.state),
            Some(AttemptState::Planned { .. } | AttemptState::Sending { .. })
        );
        if waiting && !file.order.status.has_ended() && !held_for_its_price(file, now) {
            found.push(format!(
                "I23: order {} waits to be sent though its provider is well: {:?}",
                file.order.id,
                file.attempts.last()
            ));
        }
    }
    found
}

/// The price guard holds an order that would cost more than it was sold for, until its hold runs out.
fn held_for_its_price(file: &OrderFile, now: i64) -> bool {
    file.order.hold.as_ref().is_some_and(|hold| {
        let young = Timestamp(now).since(hold.since) <= Span(HOLD_LIMIT.0 + Span::hours(1).0);
        young && matches!(hold.reason, HoldReason::PriceAboveCharge { .. })
    })
}

/// An order that ended by its provider's word ended by a word the provider really said.
fn ended_as_said(file: &OrderFile, outside: &Outside) -> Option<String> {
    let order = &file.order;
    let attempt = file.attempts.iter().find(|attempt| attempt.state.provider_order().is_some())?;
    if matches!(order.part, Part::DripFeed(_) | Part::Subscription(_)) || attempt.purpose != Purpose::Order {
        return None;
    }
    let said = outside.said.get(&(attempt.account, attempt.state.provider_order()?.as_str().to_owned()));
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
