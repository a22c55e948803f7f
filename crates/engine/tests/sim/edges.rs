//! What must happen sometimes: every edge that an order and an attempt may take, and every cause for which money goes
//! back (invariants.md 1.12). A run that never saw one of them has shown nothing about it.

use std::collections::BTreeMap;

use panelworks_core::order::attempt::{Attempt, AttemptState};
use panelworks_core::order::{OrderFile, OrderStatus, Part};

use OrderStatus::{Canceled, Completed, Expired, InProgress, Partial, Pending, Processing};

/// How often each was seen.
pub(crate) type Counts = BTreeMap<&'static str, u64>;

const OF_ORDERS: [(OrderStatus, OrderStatus, &str); 17] = [
    (Pending, Processing, "order: pending to processing"),
    (Pending, InProgress, "order: pending to in progress"),
    (Pending, Completed, "order: pending to completed"),
    (Pending, Partial, "order: pending to partial"),
    (Pending, Canceled, "order: pending to canceled"),
    (Processing, InProgress, "order: processing to in progress"),
    (Processing, Completed, "order: processing to completed"),
    (Processing, Partial, "order: processing to partial"),
    (Processing, Canceled, "order: processing to canceled"),
    (InProgress, Completed, "order: in progress to completed"),
    (InProgress, Partial, "order: in progress to partial"),
    (InProgress, Canceled, "order: in progress to canceled"),
    (InProgress, Expired, "order: in progress to expired"),
    (Completed, Partial, "order: completed corrected to partial"),
    (Completed, Canceled, "order: completed corrected to canceled"),
    (Partial, Canceled, "order: partial corrected to canceled"),
    (Partial, Partial, "order: partial corrected to less"),
];

const OF_ATTEMPTS: [&str; 19] = [
    "attempt: planned to sending",
    "attempt: planned to not sent",
    "attempt: planned to voided",
    "attempt: planned to unknown, after a restore",
    "attempt: sending to accepted",
    "attempt: sending to rejected",
    "attempt: sending to not sent",
    "attempt: sending to unknown",
    "attempt: unknown to adopted",
    "attempt: unknown to absent",
    "attempt: unknown to written off",
    "attempt: unknown to found late",
    "attempt: absent to unknown",
    "attempt: absent to adopted",
    "attempt: absent to found late",
    "attempt: written off to found late",
    "attempt: another after a refusal",
    "attempt: another after not being sent",
    "attempt: another after it was absent",
];

const OF_REFUNDS: [&str; 8] = [
    "refund: never sent",
    "refund: refused by all",
    "refund: written off",
    "refund: canceled by its provider",
    "refund: canceled by hand",
    "refund: partial",
    "refund: corrected",
    "refund: a drip-feed's runs",
];

/// Every one that must be seen.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    OF_ORDERS.iter().map(|(_, _, name)| *name).chain(OF_ATTEMPTS).chain(OF_REFUNDS)
}

/// Counts what one batch did to one order.
pub(crate) fn count(before: &OrderFile, after: &OrderFile, counts: &mut Counts) {
    let mut seen = |name: &'static str| *counts.entry(name).or_default() += 1;
    order(before, after).into_iter().for_each(&mut seen);
    if after.order.sums.refunded > before.order.sums.refunded {
        seen(refund(before, after));
    }
    for (place, new) in after.attempts.iter().enumerate() {
        match before.attempts.get(place) {
            Some(old) if old.state == new.state => {}
            Some(old) => attempt(&old.state, &new.state).into_iter().for_each(&mut seen),
            None => after_what(&after.attempts[..place], new).into_iter().for_each(&mut seen),
        }
    }
}

fn order(before: &OrderFile, after: &OrderFile) -> Option<&'static str> {
    let (old, new) = (before.order.status, after.order.status);
    let corrected = old == Partial && new == Partial && after.order.remains > before.order.remains;
    if old == new && !corrected {
        return None;
    }
    OF_ORDERS.iter().find(|(from, to, _)| (*from, *to) == (old, new)).map(|(_, _, name)| *name)
}

fn attempt(old: &AttemptState, new: &AttemptState) -> Option<&'static str> {
    use AttemptState as S;
    Some(match (old, new) {
        (S::Planned { .. }, S::Sending { .. }) => "attempt: planned to sending",
        (S::Planned { .. }, S::NotSent { .. }) => "attempt: planned to not sent",
        (S::Planned { .. }, S::Voided) => "attempt: planned to voided",
        (S::Planned { .. }, S::Unknown { .. }) => "attempt: planned to unknown, after a restore",
        (S::Sending { .. }, S::Accepted { .. }) => "attempt: sending to accepted",
        (S::Sending { .. }, S::Rejected { .. }) => "attempt: sending to rejected",
        (S::Sending { .. }, S::NotSent { .. }) => "attempt: sending to not sent",
        (S::Sending { .. }, S::Unknown { .. }) => "attempt: sending to unknown",
        (S::Unknown { .. }, S::Adopted { .. }) => "attempt: unknown to adopted",
        (S::Unknown { .. }, S::Absent { .. }) => "attempt: unknown to absent",
        (S::Unknown { .. }, S::WrittenOff { .. }) => "attempt: unknown to written off",
        (S::Unknown { .. }, S::FoundLate { .. }) => "attempt: unknown to found late",
        (S::Absent { .. }, S::Unknown { .. }) => "attempt: absent to unknown",
        (S::Absent { .. }, S::Adopted { .. }) => "attempt: absent to adopted",
        (S::Absent { .. }, S::FoundLate { .. }) => "attempt: absent to found late",
        (S::WrittenOff { .. }, S::FoundLate { .. }) => "attempt: written off to found late",
        // Two steps in one batch, or one that the laws refuse.
        _two_steps => return None,
    })
}

/// What the attempt before a new one of the same purpose came to.
fn after_what(earlier: &[Attempt], new: &Attempt) -> Option<&'static str> {
    let last = earlier.iter().rev().find(|attempt| attempt.purpose == new.purpose)?;
    match last.state {
        AttemptState::Rejected { .. } => Some("attempt: another after a refusal"),
        AttemptState::NotSent { .. } => Some("attempt: another after not being sent"),
        AttemptState::Absent { .. } => Some("attempt: another after it was absent"),
        AttemptState::Planned { .. }
        | AttemptState::Sending { .. }
        | AttemptState::Accepted { .. }
        | AttemptState::Unknown { .. }
        | AttemptState::Adopted { .. }
        | AttemptState::WrittenOff { .. }
        | AttemptState::FoundLate { .. }
        | AttemptState::Voided => None,
    }
}

fn refund(before: &OrderFile, after: &OrderFile) -> &'static str {
    let has = |is: fn(&AttemptState) -> bool| after.attempts.iter().any(|attempt| is(&attempt.state));
    if matches!(after.order.part, Part::DripFeed(_)) {
        "refund: a drip-feed's runs"
    } else if before.order.status.has_ended() {
        "refund: corrected"
    } else if after.order.status == Partial {
        "refund: partial"
    } else if has(|state| state.provider_order().is_some()) {
        "refund: canceled by its provider"
    } else if has(|state| matches!(state, AttemptState::WrittenOff { .. })) {
        "refund: written off"
    } else if has(|state| matches!(state, AttemptState::Rejected { .. })) {
        "refund: refused by all"
    } else if after.attempts.is_empty() {
        "refund: canceled by hand"
    } else {
        "refund: never sent"
    }
}
