//! Laws that one stored state can't show: what a change may do to an order, and what indexes keep unique.
//!
//! In: an order's file before and after one batch; all claims and orders. Out: what is broken, by the names of
//! invariants.md 3.

use std::collections::HashMap;

use crate::audit::Violation;
use crate::ids::{AttemptId, OrderId, ProviderAccountId, ProviderOrderId};
use crate::limits;
use crate::order::attempt::AttemptState;
use crate::order::{Order, OrderFile, OrderStatus};
use crate::time::Timestamp;
use crate::world::GuardKey;

fn broken(law: &'static str, what: String) -> Violation {
    Violation { law, what }
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
    matches!(order.part, crate::order::Part::DripFeed(_))
}

fn attempt_may_follow(old: &AttemptState, new: &AttemptState) -> bool {
    use AttemptState as S;
    if old == new {
        return true;
    }
    match old {
        S::Planned { .. } => matches!(new, S::Sending { .. } | S::NotSent { .. } | S::Voided),
        S::Sending { .. } => {
            matches!(new, S::Accepted { .. } | S::Rejected { .. } | S::NotSent { .. } | S::Unknown { .. })
        }
        S::Unknown { .. } => {
            matches!(new, S::Adopted { .. } | S::Absent { .. } | S::WrittenOff { .. } | S::FoundLate { .. })
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

/// What must be unique: an order at a provider, and an open guarded link.
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
    for file in orders.filter(|file| !file.order.status.has_ended()) {
        let Some(key) = GuardKey::of(&file.order) else { continue };
        if let Some(first) = holders.insert(key, file.order.id) {
            found.push(broken("C4", format!("orders {first} and {} are open on one link", file.order.id)));
        }
    }
    found
}
