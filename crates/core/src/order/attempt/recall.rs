//! Recalls: cancels that the panel itself asks of a provider, where no order here stands behind the provider's any
//! more: it was found late, or its subscription has ended.
//!
//! In: an attempt that has an order at its provider; the answers to the asking; what that order is seen to do. Out:
//! when to ask, and whether it is still followed. Nothing here moves money: costs follow observations, and the
//! customer's order stays as it is. Rules: `domain.md`, Attempts (`found_late`) and Subscription.

use serde::{Deserialize, Serialize};

use super::{AttemptState, Purpose};
use crate::ids::AttemptId;
use crate::order::OrderFile;
use crate::order::cancel::{CancelAnswer, unclear_wait};
use crate::order::subscription::{Subscription, SubscriptionState};
use crate::outcome::{Decision, Done, Refusal, Stop};
use crate::provider::SeenStatus;
use crate::time::Timestamp;
use crate::world::World;

/// How far a recall is. An attempt without one has none, or its order at the provider has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recall {
    /// To be asked, not before `due`; `tries` gave no clear answer yet.
    Asking { due: Timestamp, tries: u16 },
    /// Taken, refused, or never possible: the order there is followed until it has ended.
    Followed,
}

/// From now on the order at the provider is one that nobody here wants. Asked to stop, unless its service there is
/// known to take no cancels.
pub fn begin(world: &World, now: Timestamp, file: &mut OrderFile, number: u16) -> Result<(), Stop> {
    let service = world.service(file.order.service)?.ok_or(Refusal::UnknownService)?;
    let attempt = file.attempt_mut(number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    let is_leg =
        |leg: &&crate::catalogue::Leg| leg.account == attempt.account && leg.service == attempt.service;
    let takes_cancels = service.route.legs().iter().find(is_leg).is_none_or(|leg| leg.cancel);
    attempt.recall =
        Some(if takes_cancels { Recall::Asking { due: now, tries: 0 } } else { Recall::Followed });
    Ok(())
}

/// At the end of a subscription by time: the segment that its provider still watches for a post.
pub fn begin_of_segment(
    world: &World,
    now: Timestamp,
    file: &mut OrderFile,
    ended: &Subscription,
) -> Result<(), Stop> {
    // In a pause the last segment has made its one post.
    if !matches!(ended.state, SubscriptionState::Active { .. }) {
        return Ok(());
    }
    let waits = Purpose::Segment(ended.segments);
    let at_provider = file.attempts.iter().find(|attempt| {
        let there = matches!(attempt.state, AttemptState::Accepted { .. } | AttemptState::Adopted { .. });
        attempt.purpose == waits && there
    });
    match at_provider.map(|attempt| attempt.number) {
        Some(number) => begin(world, now, file, number),
        None => Ok(()),
    }
}

/// The provider's answer to the asking.
pub fn answer_recall(world: &mut World, now: Timestamp, id: AttemptId, answer: &CancelAnswer) -> Decision {
    let mut file = world.order(id.order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let attempt = file.attempt_mut(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    let Some(Recall::Asking { tries, .. }) = attempt.recall else {
        return Err(Refusal::OutOfTurn("no cancel of that attempt is being asked").into());
    };
    attempt.recall = Some(match answer {
        CancelAnswer::Taken { .. } | CancelAnswer::Refused => Recall::Followed,
        CancelAnswer::Unclear => {
            let tries = tries.saturating_add(1);
            Recall::Asking { due: now.after(unclear_wait(tries)), tries }
        }
    });
    world.put_order(file);
    Ok(Done::Noted)
}

/// What the provider says of the order there: once it has ended, there is nothing to follow.
pub fn follow(file: &mut OrderFile, number: u16, seen: Option<&SeenStatus>) {
    let ended = match seen {
        Some(
            SeenStatus::Completed
            | SeenStatus::Partial
            | SeenStatus::Canceled
            | SeenStatus::Expired
            | SeenStatus::Failed(_),
        ) => true,
        Some(
            SeenStatus::Pending | SeenStatus::Processing | SeenStatus::InProgress | SeenStatus::Unknown(_),
        )
        | None => false,
    };
    if let Some(attempt) = file.attempt_mut(number).filter(|_| ended) {
        attempt.recall = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Leg, Route, Service, ServiceType};
    use crate::command::Command;
    use crate::ids::{CustomerId, OrderId};
    use crate::ledger::LedgerAccount;
    use crate::order::OrderStatus;
    use crate::order::attempt::{AttemptResult, Verdict};
    use crate::provider::{Observation, SeenCharge};
    use crate::testing::{Stage, draft, following, leg, provider_order, seen, service, unknown};
    use crate::time::Span;

    /// Written off, paid back, and found at the provider after all. 100 units for 90,000; there for 50,000.
    fn found_late(cancel: bool) -> (Stage, CustomerId, AttemptId) {
        let mut stage = Stage::default();
        let account = stage.provider();
        let route = Route::Providers(vec![Leg { cancel, ..leg(account, "7") }]);
        let sold = stage.service(Service { route, ..service(ServiceType::Default) });
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, draft("https://example.com/p", 100));
        let attempt = stage.send(order, unknown());
        for verdict in [Verdict::WriteOff, Verdict::Adopt { order: provider_order("late") }] {
            stage.run(Command::ResolveAttempt { attempt, verdict }).expect("resolved");
        }
        (stage, anna, attempt)
    }

    /// Passed on, and its provider waits for the first post.
    fn watched() -> (Stage, CustomerId, OrderId) {
        let mut stage = Stage::default();
        let account = stage.provider();
        let route = Route::Providers(vec![leg(account, "5")]);
        let sold = stage.service(Service { route, ..service(ServiceType::Subscriptions) });
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, following("anna", 100, 100, None));
        (stage, anna, order)
    }

    fn recall(stage: &Stage, attempt: AttemptId) -> Option<Recall> {
        stage.attempt(attempt).recall
    }

    fn answer(stage: &mut Stage, attempt: AttemptId, answer: CancelAnswer) {
        stage.run(Command::AnswerRecall { attempt, answer }).expect("answered");
    }

    fn costing(status: SeenStatus, micros: i64) -> Observation {
        Observation { charge: SeenCharge::Micros(micros), ..seen(status) }
    }

    #[test]
    fn what_is_found_late_is_asked_to_stop_and_what_the_provider_gives_back_is_booked() {
        let (mut stage, anna, attempt) = found_late(true);
        assert_eq!(recall(&stage, attempt), Some(Recall::Asking { due: stage.now, tries: 0 }));
        assert_eq!(stage.booked(LedgerAccount::Disputed(stage.attempt(attempt).account)), 50_000);
        answer(&mut stage, attempt, CancelAnswer::Taken { provider_cancel: None });
        assert_eq!(recall(&stage, attempt), Some(Recall::Followed));
        let entries = stage.entries.len();
        stage.observe(attempt, costing(SeenStatus::InProgress, 50_000));
        assert_eq!((recall(&stage, attempt), stage.entries.len()), (Some(Recall::Followed), entries));

        stage.observe(attempt, costing(SeenStatus::Canceled, 0));
        assert_eq!(recall(&stage, attempt), None);
        assert_eq!(stage.booked(LedgerAccount::Disputed(stage.attempt(attempt).account)), 0);
        assert_eq!(
            (stage.order(attempt.order).status, stage.balance(anna)),
            (OrderStatus::Canceled, 1_000_000)
        );
        assert!(stage.file(attempt.order).cancels.is_empty(), "the customer asked for nothing");
    }

    #[test]
    fn an_unclear_answer_is_asked_again_later_and_a_refusal_never() {
        let (mut stage, _, attempt) = found_late(true);
        answer(&mut stage, attempt, CancelAnswer::Unclear);
        let due = stage.now.after(Span::seconds(20));
        assert_eq!(recall(&stage, attempt), Some(Recall::Asking { due, tries: 1 }));
        answer(&mut stage, attempt, CancelAnswer::Refused);
        assert_eq!(recall(&stage, attempt), Some(Recall::Followed));
        let late = Command::AnswerRecall { attempt, answer: CancelAnswer::Refused };
        assert_eq!(stage.run(late), Err(Refusal::OutOfTurn("no cancel of that attempt is being asked")));
    }

    #[test]
    fn where_the_service_takes_no_cancels_the_order_is_only_followed() {
        let (mut stage, _, attempt) = found_late(false);
        assert_eq!(recall(&stage, attempt), Some(Recall::Followed));
        stage.observe(attempt, seen(SeenStatus::Completed));
        assert_eq!(recall(&stage, attempt), None);
    }

    #[test]
    fn a_subscription_that_runs_out_recalls_what_its_provider_still_watches_for() {
        let (mut stage, anna, order) = watched();
        let attempt = stage.accept(order, "s1");
        stage.wait(Span::days(30));
        stage.run(Command::TendSubscription { subscription: order }).expect("tended");
        assert_eq!((stage.order(order).status, stage.balance(anna)), (OrderStatus::Expired, 1_000_000));
        assert_eq!(recall(&stage, attempt), Some(Recall::Asking { due: stage.now, tries: 0 }));
        answer(&mut stage, attempt, CancelAnswer::Taken { provider_cancel: None });
        stage.observe(attempt, costing(SeenStatus::Canceled, 0));
        assert_eq!((recall(&stage, attempt), stage.balance(anna)), (None, 1_000_000));
        assert_eq!(stage.attempt(attempt).booked_cost.0, 0);
    }

    #[test]
    fn a_segment_that_is_taken_after_its_subscription_ended_is_recalled() {
        let (mut stage, anna, order) = watched();
        let attempt = stage.begin(order).attempt;
        stage.wait(Span::days(30));
        stage.run(Command::TendSubscription { subscription: order }).expect("tended");
        assert_eq!(recall(&stage, attempt), None);
        stage.finish(attempt, AttemptResult::Accepted { order: provider_order("s1") });
        assert!(matches!(recall(&stage, attempt), Some(Recall::Asking { .. })));
        assert_eq!(stage.balance(anna), 1_000_000);
    }

    #[test]
    fn a_subscription_that_its_provider_ended_has_nothing_to_recall() {
        let (mut stage, anna, order) = watched();
        let attempt = stage.accept(order, "s1");
        stage.cancel(anna, order).expect("asked");
        stage.observe(attempt, seen(SeenStatus::Canceled));
        assert!(stage.order(order).status.has_ended());
        assert_eq!(recall(&stage, attempt), None);
    }

    #[test]
    fn a_post_that_is_made_when_it_is_too_late_costs_the_operator_and_not_the_customer() {
        let (mut stage, anna, order) = watched();
        let attempt = stage.accept(order, "s1");
        stage.wait(Span::days(30));
        stage.run(Command::TendSubscription { subscription: order }).expect("tended");
        stage.observe(attempt, costing(SeenStatus::Completed, 50_000));
        assert_eq!((recall(&stage, attempt), stage.balance(anna)), (None, 1_000_000));
        assert_eq!(stage.booked(LedgerAccount::Cost(stage.attempt(attempt).account)), 50_000);
    }
}
