//! Laws that one stored state can't show: what a command and a change may do to an order, what indexes keep
//! unique, and how far apart runs are made.
//!
//! In: an order's file before and after one batch; all claims and orders. Out: what is broken, by the names of
//! invariants.md 3.

use std::collections::{BTreeMap, HashMap};

use crate::audit::Violation;
use crate::command::Command;
use crate::ids::{AttemptId, CustomerId, OrderId, ProviderAccountId, ProviderOrderId};
use crate::limits;
use crate::order::attempt::{AttemptResult, AttemptState, RESTORED, may_have_spent};
use crate::order::{Order, OrderFile, OrderStatus, Part};
use crate::provider::SeenStatus;
use crate::time::{Span, Timestamp};
use crate::world::GuardKey;

fn broken(law: &'static str, what: String) -> Violation {
    Violation { law, what }
}

/// Whether `command` may have done to its order what it did.
pub fn of_command(command: &Command, before: &OrderFile, after: &OrderFile) -> Vec<Violation> {
    let (old, new) = (&before.order, &after.order);
    let refunded = new.sums.refunded > old.sums.refunded;
    let wrong = match command {
        Command::Observe { seen, .. } => match &seen.status {
            Some(SeenStatus::Canceled) => None,
            Some(SeenStatus::Partial) if seen.remains.within(old.quantity).is_some() => None,
            _other_word => refunded.then_some("a refund without a believable end"),
        },
        Command::RequestCancel { .. } => {
            (refunded && may_have_spent(before)).then_some("a refund for asking to cancel")
        }
        Command::FinishAttempt { attempt, result: AttemptResult::Unknown { .. } } => {
            let state = after.attempt(attempt.number).map(|attempt| &attempt.state);
            (!matches!(state, Some(AttemptState::Unknown { .. }))).then_some("an unknown outcome is settled")
        }
        _every_other_command => None,
    };
    wrong.map(|what| broken("I8", format!("order {}: {what}", new.id))).into_iter().collect()
}

/// What a batch at `now` may not do to an order.
pub fn of_change(now: Timestamp, before: &OrderFile, after: &OrderFile) -> Vec<Violation> {
    let mut found = Vec::new();
    let (old, new) = (&before.order, &after.order);
    if !may_follow(now, old, new) {
        found.push(broken("I9", format!("order {} went from {:?} to {:?}", new.id, old.status, new.status)));
    }
    if old.status.has_ended() && old.ended_at != new.ended_at {
        found.push(broken("I9", format!("order {} ended twice", new.id)));
    }
    let fixed = |order: &Order| {
        (order.customer, order.service, order.quantity, order.rate, order.currency, order.accepted_at)
    };
    if fixed(old) != fixed(new) {
        found.push(broken("I7", format!("order {} was sold as something else", new.id)));
    }
    if new.sums.refunded < old.sums.refunded {
        found.push(broken("I8", format!("order {} claws back a refund", new.id)));
    }
    for attempt in &before.attempts {
        match after.attempt(attempt.number) {
            Some(next) if attempt_may_follow(&attempt.state, &next.state) => {}
            next => found.push(broken(
                "I14",
                format!("attempt {}/{} went from {:?} to {next:?}", new.id, attempt.number, attempt.state),
            )),
        }
    }
    found
}

/// Moves only go forward; an end changes only by a correction within its window.
fn may_follow(now: Timestamp, old: &Order, new: &Order) -> bool {
    if old.status == new.status {
        let more = new.status == OrderStatus::Partial && new.remains > old.remains;
        return !old.status.has_ended() || new.remains == old.remains || more;
    }
    let in_time = old.ended_at.is_some_and(|at| now.since(at) <= limits::CORRECTION_WINDOW);
    match (old.status, new.status) {
        (OrderStatus::Pending, _) => true,
        (OrderStatus::Processing, next) => next != OrderStatus::Pending,
        (OrderStatus::InProgress, next) => next.has_ended(),
        (OrderStatus::Completed, OrderStatus::Partial | OrderStatus::Canceled)
        | (OrderStatus::Partial, OrderStatus::Canceled) => in_time || is_parent(new),
        (OrderStatus::Completed | OrderStatus::Partial | OrderStatus::Canceled | OrderStatus::Expired, _) => {
            false
        }
    }
}

/// A drip-feed follows its runs, whose own windows may still be open.
const fn is_parent(order: &Order) -> bool {
    matches!(order.part, Part::DripFeed(_))
}

fn attempt_may_follow(old: &AttemptState, new: &AttemptState) -> bool {
    use AttemptState as S;
    if old == new {
        return true;
    }
    match old {
        S::Planned { .. } => {
            matches!(new, S::Sending { .. } | S::NotSent { .. } | S::Voided) || is_doubted(new)
        }
        S::Sending { .. } => {
            matches!(new, S::Accepted { .. } | S::Rejected { .. } | S::NotSent { .. } | S::Unknown { .. })
        }
        S::Unknown { .. } => {
            matches!(new, S::Adopted { .. } | S::Absent { .. } | S::WrittenOff { .. } | S::FoundLate { .. })
                || is_doubted(new)
        }
        S::Absent { .. } => matches!(new, S::Unknown { .. } | S::Adopted { .. } | S::FoundLate { .. }),
        S::WrittenOff { .. } => matches!(new, S::FoundLate { .. }),
        S::Accepted { .. }
        | S::Rejected { .. }
        | S::NotSent { .. }
        | S::Adopted { .. }
        | S::FoundLate { .. }
        | S::Voided => false,
    }
}

/// What only books restored from a backup may do to an attempt that was never sent by them.
fn is_doubted(state: &AttemptState) -> bool {
    matches!(state, AttemptState::Unknown { why, .. } if why == RESTORED)
}

/// What must be unique: an order at a provider, an open guarded link, and the order of an idempotency key.
pub fn of_indexes<'a>(
    claims: impl Iterator<Item = ((ProviderAccountId, ProviderOrderId), AttemptId)>,
    orders: impl Iterator<Item = &'a OrderFile>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut owners: HashMap<(ProviderAccountId, ProviderOrderId), AttemptId> = HashMap::new();
    for (claim, owner) in claims {
        if let Some(first) = owners.insert(claim, owner) {
            found.push(broken("I16", format!("attempts {first} and {owner} share a provider's order")));
        }
    }
    let mut holders: HashMap<GuardKey, OrderId> = HashMap::new();
    let mut marks: HashMap<(CustomerId, [u8; 16]), &Order> = HashMap::new();
    for file in orders {
        if let Some(mark) = file.order.mark
            && let Some(first) = marks.insert((file.order.customer, mark.key), &file.order)
            && file.order.accepted_at.since(first.accepted_at) <= limits::IDEMPOTENCY_KEPT
        {
            found.push(broken("I13", format!("orders {} and {} share a key", first.id, file.order.id)));
        }
        if file.order.status.has_ended() {
            continue;
        }
        let Some(key) = GuardKey::of(&file.order) else { continue };
        if let Some(first) = holders.insert(key, file.order.id) {
            found.push(broken("C4", format!("orders {first} and {} are open on one link", file.order.id)));
        }
    }
    found
}

/// Runs of one drip-feed are made at least its interval apart.
pub fn of_runs(orders: &BTreeMap<OrderId, OrderFile>) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in orders.values() {
        let Part::DripFeed(drip) = &file.order.part else { continue };
        let made: Vec<Timestamp> = drip.made.iter().map(|run| orders[run].order.accepted_at).collect();
        let interval = Span::minutes(i64::from(drip.interval_min));
        if made.windows(2).any(|two| two[1].since(two[0]) < interval) {
            found.push(broken("C23", format!("runs of order {} come in a burst", file.order.id)));
        }
    }
    found
}
