//! Archiving: which finished orders rest, so that a store may keep them apart from those that are worked on.
//!
//! In: ids, and how long after its end an order stays among the others. Out: those of them that go. An order that may
//! still move stays without a word: it is asked about again. In the archive an order is what it was: it is found by its
//! id, answers as before, and whatever changes it brings it back. So this is about cost alone, and no other decision
//! knows of it. Rules: issue 4, Retention; the windows of `domain.md` (Corrections, Refills, Attempts 4 and 6, Idempotency
//! key). Never: money, a change of an order.

use crate::ids::OrderId;
use crate::limits;
use crate::money::Amount;
use crate::order::{Attempt, OrderFile, Part, refill};
use crate::outcome::{Decision, Done, Refusal, Stop};
use crate::time::{Span, Timestamp};
use crate::world::{Need, World};

/// Lets those of `ids` go to the archive that have ended at least `kept` ago, and at least [`limits::ARCHIVE_AFTER`].
pub fn archive_orders(world: &mut World, now: Timestamp, ids: &[OrderId], kept: Span) -> Decision {
    all_loaded(world, ids)?;
    let mut relatives = limits::ARCHIVE_RELATIVES;
    let mut resting = Vec::new();
    for id in ids {
        let Some(file) = world.order(*id)? else { continue };
        if has_ended_for(file, now, kept.max(limits::ARCHIVE_AFTER)) && is_settled(file) {
            let family = family(file);
            // The rest of a large family's turn comes with another command.
            if family.len() <= relatives {
                relatives -= family.len();
                resting.push((*id, family));
            }
        }
    }
    let related: Vec<OrderId> = resting.iter().flat_map(|(_, family)| family).copied().collect();
    all_loaded(world, &related)?;
    let mut orders = 0;
    for (id, family) in resting {
        if family_has_ended(world, &family)? && !may_be_refilled(world, now, id)? {
            world.archive(id);
            orders += 1;
        }
    }
    Ok(Done::Archived { orders })
}

/// Asked for together, so that a batch is decided again only once for all of them.
fn all_loaded(world: &World, ids: &[OrderId]) -> Result<(), Need> {
    Need::together(ids.iter().map(|id| world.order(*id).err()))
}

fn has_ended_for(file: &OrderFile, now: Timestamp, span: Span) -> bool {
    let ended_at = file.order.ended_at.filter(|_| file.order.status.has_ended());
    ended_at.is_some_and(|at| now.since(at) >= span)
}

/// Nothing of it is asked for, waited for, or owed.
fn is_settled(file: &OrderFile) -> bool {
    let waits = |attempt: &Attempt| {
        let state = &attempt.state;
        state.is_planned()
            || attempt.recall.is_some()
            || (state.is_live() && state.provider_order().is_none())
    };
    // The money of runs and posts is their parent's.
    let is_paid_out = || file.order.sums.in_flight() == Some(Amount::ZERO);
    let is_all_over = match &file.order.part {
        Part::Whole | Part::Subscription(_) => is_paid_out(),
        Part::DripFeed(drip) => drip.made.len() as u64 <= u64::from(drip.ended) && is_paid_out(),
        Part::Run { .. } | Part::Post { .. } => true,
    };
    is_all_over
        && file.order.hold.is_none()
        && !file.asked_to_cancel()
        && !file.attempts.iter().any(waits)
        && !file.refills.iter().any(|refill| refill.state.is_open())
}

/// The orders that must have ended too. A drip-feed counts its runs itself.
fn family(file: &OrderFile) -> Vec<OrderId> {
    match &file.order.part {
        Part::Whole | Part::DripFeed(_) => Vec::new(),
        Part::Run { parent, .. } | Part::Post { parent, .. } => vec![*parent],
        Part::Subscription(subscription) => subscription.made.clone(),
    }
}

fn family_has_ended(world: &World, family: &[OrderId]) -> Result<bool, Stop> {
    for id in family {
        if !world.order(*id)?.is_some_and(|file| file.order.status.has_ended()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// By the terms of today, as a request would be judged.
fn may_be_refilled(world: &World, now: Timestamp, id: OrderId) -> Result<bool, Stop> {
    let Some(file) = world.order(id)? else { return Ok(false) };
    let service = world.service(file.order.service)?.ok_or(Refusal::UnknownService)?;
    Ok(service.refill.is_some_and(|terms| refill::is_in_guarantee(&file.order, terms, now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::RefillTerms;
    use crate::command::Command;
    use crate::order::OrderStatus;
    use crate::order::attempt::AttemptResult;
    use crate::provider::{Observation, SeenStatus};
    use crate::testing::{Stage, draft, dripping, provider_order, seen, unknown};

    const KEPT: Span = Span::days(40);

    fn archived(stage: &mut Stage, ids: &[OrderId]) -> u32 {
        let done = stage.run(Command::ArchiveOrders { orders: ids.to_vec(), kept: KEPT });
        let Ok(Done::Archived { orders }) = done else { panic!("{done:?}") };
        orders
    }

    fn completed(stage: &mut Stage) -> OrderId {
        let customer = stage.customer(100_000_000);
        let (service, _) = stage.routed();
        let order = stage.placed(customer, service, draft("https://example.com/a", 100));
        complete(stage, order);
        order
    }

    fn complete(stage: &mut Stage, order: OrderId) {
        let theirs = provider_order(&format!("theirs of {order}"));
        let attempt = stage.send(order, AttemptResult::Accepted { order: theirs });
        let observed = stage.run(Command::Observe { attempt, seen: seen(SeenStatus::Completed) });
        assert_eq!(observed, Ok(Done::Noted));
        assert_eq!(stage.order(order).status, OrderStatus::Completed);
    }

    #[test]
    fn an_order_goes_when_its_time_is_over_and_not_a_moment_earlier() {
        let mut stage = Stage::default();
        let order = completed(&mut stage);
        stage.wait(Span(KEPT.0 - 1));
        assert_eq!(archived(&mut stage, &[order, OrderId(999)]), 0);
        stage.wait(Span(1));
        assert_eq!(archived(&mut stage, &[order]), 1);
    }

    #[test]
    fn no_limit_is_shorter_than_the_windows_in_which_an_ended_order_may_still_move() {
        let mut stage = Stage::default();
        let order = completed(&mut stage);
        stage.wait(limits::CORRECTION_WINDOW);
        let command = Command::ArchiveOrders { orders: vec![order], kept: Span(0) };
        assert_eq!(stage.run(command), Ok(Done::Archived { orders: 0 }));
    }

    #[test]
    fn an_order_stays_while_its_guarantee_lasts() {
        for (days, goes) in [(Some(60), 0), (None, 0), (Some(30), 1)] {
            let mut stage = Stage::default();
            let order = completed(&mut stage);
            let service = stage.order(order).service;
            stage.change(service, |service| service.refill = Some(RefillTerms { days, partial: false }));
            stage.wait(KEPT);
            assert_eq!(archived(&mut stage, &[order]), goes, "{days:?}");
        }
    }

    #[test]
    fn an_order_stays_while_anything_of_it_is_open() {
        let mut stage = Stage::default();
        let customer = stage.customer(100_000_000);
        let (service, _) = stage.routed();
        let open = stage.placed(customer, service, draft("https://example.com/a", 100));
        stage.wait(KEPT);
        assert_eq!(archived(&mut stage, &[open]), 0, "an open order");
        let unknown_outcome = stage.placed(customer, service, draft("https://example.com/b", 100));
        stage.send(unknown_outcome, unknown());
        stage.wait(KEPT);
        assert_eq!(archived(&mut stage, &[unknown_outcome]), 0, "an unknown outcome");
        let order = completed(&mut stage);
        let service = stage.order(order).service;
        stage.change(service, |service| {
            service.refill = Some(RefillTerms { days: Some(30), partial: false });
        });
        stage.wait(Span::days(2));
        let owner = stage.order(order).customer;
        let asked = stage.run(Command::RequestRefill { customer: owner, order });
        assert!(matches!(asked, Ok(Done::RefillRequested { .. })), "{asked:?}");
        stage.wait(KEPT);
        assert_eq!(archived(&mut stage, &[order]), 0, "an open refill");
    }

    #[test]
    fn a_family_goes_only_when_all_of_it_has_ended() {
        let mut stage = Stage::default();
        let customer = stage.customer(100_000_000);
        let (service, _) = stage.routed();
        let parent = stage.placed(customer, service, dripping("https://example.com/a", 100, 2, 60));
        let first = OrderId(parent.0 + 1);
        complete(&mut stage, first);
        stage.wait(KEPT);
        assert_eq!(archived(&mut stage, &[parent, first]), 0, "the drip-feed is open");
        let made = stage.run(Command::MakeRun { parent });
        assert!(made.is_ok(), "{made:?}");
        let second = OrderId(first.0 + 1);
        complete(&mut stage, second);
        stage.wait(KEPT);
        assert_eq!(archived(&mut stage, &[parent, first, second]), 3);
    }

    #[test]
    fn an_order_that_the_same_batch_changes_stays() {
        let mut stage = Stage::default();
        let order = completed(&mut stage);
        stage.wait(KEPT);
        let counted = Observation { start_count: Some(7), ..seen(SeenStatus::Completed) };
        let change = Command::Observe { attempt: stage.last_attempt(order), seen: counted };
        let archive = Command::ArchiveOrders { orders: vec![order], kept: KEPT };
        stage.run_batch(&[archive.clone(), change.clone()]);
        assert!(!stage.is_archived(order));
        assert_eq!(stage.run(archive), Ok(Done::Archived { orders: 1 }));
        assert!(stage.is_archived(order));
        let Command::Observe { attempt, seen } = change else { panic!("it observes") };
        let counted = Command::Observe { attempt, seen: Observation { start_count: Some(8), ..seen } };
        assert_eq!(stage.run(counted), Ok(Done::Noted));
        assert!(!stage.is_archived(order), "a change brings it back");
    }
}
