//! Following what a provider says about an order it made for us.
//!
//! In: an observation, read tolerantly. Out: the order moved forward, ended or corrected; costs booked.
//! Every number from outside is bounded by what we know before money follows it (invariants.md B5-B10).
//! Rules: `domain.md`, Orders and Attempts 9. Never: a move backward, a claw-back, a refund on a word nobody knows.

use crate::draws::Draws;
use crate::ids::AttemptId;
use crate::limits;
use crate::money::Amount;
use crate::order::attempt::{AttemptState, Purpose, book, recall};
use crate::order::settle::{End, settle};
use crate::order::{Hold, HoldReason, OrderFile, OrderStatus, Part, dripfeed, subscription};
use crate::outcome::{Decision, Done, Refusal, Stop};
use crate::planted::Bug;
use crate::provider::{Observation, SeenCharge, SeenRemains, SeenStatus};
use crate::time::Timestamp;
use crate::world::World;

/// See the module's head.
pub fn observe(
    world: &mut World,
    now: Timestamp,
    draws: &mut Draws,
    id: AttemptId,
    seen: &Observation,
) -> Decision {
    let mut file = world.order(id.order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let before = file.clone();
    if id.is_by_hand() {
        may_be_moved_by_hand(&file)?;
        follow_order(world, now, &mut file, seen)?;
        return keep(world, now, &before, file);
    }
    let attempt = file.attempt(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    if attempt.state.provider_order().is_none() {
        return Err(Refusal::OutOfTurn("the attempt has no order at the provider").into());
    }
    let (purpose, found_late) = (attempt.purpose, matches!(attempt.state, AttemptState::FoundLate { .. }));
    book_cost(world, &mut file, id, seen.charge)?;
    recall::follow(&mut file, id.number, seen.status.as_ref());
    match purpose {
        // Found when the customer's order had gone another way: only its cost is ours.
        _any if found_late => keep(world, now, &before, file),
        Purpose::Order | Purpose::Mirrored => {
            follow_order(world, now, &mut file, seen)?;
            keep(world, now, &before, file)
        }
        Purpose::Segment(number) => {
            subscription::observe_segment(world, now, draws, file, number, seen).map(|()| Done::Noted)
        }
    }
}

fn keep(world: &mut World, now: Timestamp, before: &OrderFile, file: OrderFile) -> Decision {
    if file != *before {
        let after = file.order.clone();
        world.put_order(file);
        tell_parent(world, now, &before.order, &after)?;
    }
    Ok(Done::Noted)
}

/// Operators and outside workers move the orders that no provider has, and those that are held for them; the
/// rules are the same. An outcome nobody knows is resolved as an attempt, first.
fn may_be_moved_by_hand(file: &OrderFile) -> Result<(), Refusal> {
    let own = !matches!(file.order.part, Part::DripFeed(_) | Part::Subscription(_));
    let at_provider = file.attempts.iter().any(|attempt| attempt.state.provider_order().is_some());
    let between = file.attempts.iter().any(|attempt| {
        matches!(
            attempt.state,
            AttemptState::Planned { .. } | AttemptState::Sending { .. } | AttemptState::Unknown { .. }
        )
    });
    if own && !between && (!at_provider || file.order.hold.is_some()) {
        Ok(())
    } else {
        Err(Refusal::OutOfTurn("the order is a provider's to move"))
    }
}

/// A run's change is its drip-feed's change; posts stand for themselves.
pub fn tell_parent(
    world: &mut World,
    now: Timestamp,
    before: &crate::order::Order,
    after: &crate::order::Order,
) -> Result<(), Stop> {
    match after.part {
        Part::Run { parent, .. } => dripfeed::follow_run(world, now, parent, before, after),
        Part::Whole | Part::DripFeed(_) | Part::Subscription(_) | Part::Post { .. } => Ok(()),
    }
}

/// Books the difference between what the provider reports and what is booked, if the report can be believed.
fn book_cost(world: &mut World, file: &mut OrderFile, id: AttemptId, charge: SeenCharge) -> Result<(), Stop> {
    let SeenCharge::Micros(micros) = charge else { return Ok(()) };
    let Some(attempt) = file.attempt_mut(id.number) else { return Ok(()) };
    let sane = micros <= attempt.expected_cost.0.saturating_mul(limits::COST_SANITY_MULTIPLE);
    if micros < 0 || !sane || attempt.purpose == Purpose::Mirrored {
        return Ok(());
    }
    book(world, attempt, id, Amount(micros))
}

fn follow_order(
    world: &mut World,
    now: Timestamp,
    file: &mut OrderFile,
    seen: &Observation,
) -> Result<(), Stop> {
    if world.planted.has(Bug::LeaveTerminal)
        && file.order.status.has_ended()
        && seen.status == Some(SeenStatus::InProgress)
    {
        file.order.status = OrderStatus::InProgress;
        return Ok(());
    }
    if let Some(start_count) = seen.start_count {
        file.order.start_count = Some(start_count);
    }
    let Some(status) = &seen.status else { return Ok(()) };
    if file.order.status.has_ended() {
        return correct(world, now, file, status, seen.remains);
    }
    match status {
        SeenStatus::Pending | SeenStatus::Unknown(_) | SeenStatus::Expired => {
            show_remains(file, seen.remains);
            Ok(())
        }
        SeenStatus::Processing => {
            file.order.status = file.order.status.max(OrderStatus::Processing);
            show_remains(file, seen.remains);
            Ok(())
        }
        SeenStatus::InProgress => {
            file.order.status = OrderStatus::InProgress;
            file.order.hold = None;
            show_remains(file, seen.remains);
            Ok(())
        }
        SeenStatus::Completed => {
            file.order.remains = 0;
            settle(world, now, file, End::Completed)
        }
        SeenStatus::Canceled => cancel(world, now, file, seen.remains),
        SeenStatus::Partial => partial(world, now, file, seen.remains),
        SeenStatus::Failed(text) => {
            hold(file, HoldReason::Failed { text: text.clone() }, now);
            Ok(())
        }
    }
}

/// Everything goes back, whatever was delivered: a remains of nothing would contradict that.
fn cancel(world: &mut World, now: Timestamp, file: &mut OrderFile, seen: SeenRemains) -> Result<(), Stop> {
    let quantity = file.order.quantity;
    file.order.remains = seen.within(quantity).filter(|remains| *remains > 0).unwrap_or(quantity);
    settle(world, now, file, End::Canceled)
}

/// Only a remains that can be true ends the order; nothing is clamped where money follows.
fn partial(world: &mut World, now: Timestamp, file: &mut OrderFile, seen: SeenRemains) -> Result<(), Stop> {
    if file.order.kind.service_type().is_package() {
        file.order.status = OrderStatus::InProgress;
        hold(file, HoldReason::PartialPackage, now);
        return Ok(());
    }
    if let Some(remains) = believable(world, file.order.quantity, seen) {
        file.order.remains = remains;
        return settle(world, now, file, End::Partial { remains });
    }
    file.order.status = OrderStatus::InProgress;
    hold(file, HoldReason::PartialWithoutRemains { remains: seen }, now);
    Ok(())
}

fn believable(world: &World, quantity: u64, seen: SeenRemains) -> Option<u64> {
    match seen {
        SeenRemains::Is(n) if n < 0 && world.planted.has(Bug::NegativeRemains) => Some(quantity),
        SeenRemains::Is(n) if world.planted.has(Bug::RefundWithoutCap) => u64::try_from(n).ok(),
        SeenRemains::Is(_) | SeenRemains::Missing | SeenRemains::Invalid => seen.within(quantity),
    }
}

/// `Completed` or `Partial` may become less, within the window; the refund comes from revenue.
fn correct(
    world: &mut World,
    now: Timestamp,
    file: &mut OrderFile,
    status: &SeenStatus,
    seen: SeenRemains,
) -> Result<(), Stop> {
    let ended_at = file.order.ended_at.unwrap_or(file.order.accepted_at);
    let open_to_correction = matches!(file.order.status, OrderStatus::Completed | OrderStatus::Partial)
        && now.since(ended_at) <= limits::CORRECTION_WINDOW;
    if !open_to_correction {
        return Ok(());
    }
    match status {
        SeenStatus::Canceled => cancel(world, now, file, seen),
        SeenStatus::Partial if !file.order.kind.service_type().is_package() => {
            let remains = believable(world, file.order.quantity, seen);
            match remains
                .filter(|remains| *remains > file.order.remains || world.planted.has(Bug::RefundRepeated))
            {
                Some(remains) => {
                    file.order.remains = remains;
                    settle(world, now, file, End::Partial { remains })
                }
                None => Ok(()),
            }
        }
        SeenStatus::Partial
        | SeenStatus::Pending
        | SeenStatus::Processing
        | SeenStatus::InProgress
        | SeenStatus::Completed
        | SeenStatus::Expired
        | SeenStatus::Failed(_)
        | SeenStatus::Unknown(_) => Ok(()),
    }
}

fn show_remains(file: &mut OrderFile, seen: SeenRemains) {
    if let Some(remains) = seen.shown(file.order.quantity) {
        file.order.remains = remains;
    }
}

/// Keeps the time of the first hold, so that deadlines run from when the order really stopped.
pub fn hold(file: &mut OrderFile, reason: HoldReason, now: Timestamp) {
    let since = file.order.hold.as_ref().map_or(now, |hold| hold.since);
    file.order.hold = Some(Hold { reason, since });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Route, Service, ServiceType};
    use crate::command::Command;
    use crate::ids::{CustomerId, OrderId};
    use crate::testing::{Stage, draft, leg, seen, seen_left, service};
    use crate::time::Span;

    /// 309 units for 278,100 micro-units, accepted upstream; the expected cost is 154,500.
    fn accepted() -> (Stage, CustomerId, AttemptId) {
        let mut stage = Stage::default();
        let (sold, _) = stage.routed();
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, draft("https://example.com/p", 309));
        let attempt = stage.accept(order, "p1");
        (stage, anna, attempt)
    }

    fn status(stage: &Stage, attempt: AttemptId) -> (OrderStatus, u64) {
        let order = stage.order(attempt.order);
        (order.status, order.remains)
    }

    fn refunded(stage: &Stage, attempt: AttemptId) -> i64 {
        stage.order(attempt.order).sums.refunded.0
    }

    #[test]
    fn a_completed_order_earns_its_charge_and_nothing_remains() {
        let (mut stage, anna, attempt) = accepted();
        stage.observe(attempt, seen_left(SeenStatus::InProgress, 120));
        assert_eq!(status(&stage, attempt), (OrderStatus::InProgress, 120));
        stage.observe(attempt, seen_left(SeenStatus::Completed, 120));
        assert_eq!(status(&stage, attempt), (OrderStatus::Completed, 0));
        assert_eq!(stage.booked(crate::ledger::LedgerAccount::Revenue), 278_100);
        assert_eq!(stage.balance(anna), 721_900);
    }

    #[test]
    fn a_partial_keeps_the_delivered_share_rounded_up() {
        let (mut stage, anna, attempt) = accepted();
        stage.observe(attempt, seen_left(SeenStatus::Partial, 157));
        // 152 of 309 delivered: ceil(278,100 × 152 / 309) = 136,800.
        assert_eq!(status(&stage, attempt), (OrderStatus::Partial, 157));
        assert_eq!(stage.order(attempt.order).net_charge(), Amount(136_800));
        assert_eq!(stage.balance(anna), 1_000_000 - 136_800);
    }

    #[test]
    fn a_canceled_order_gives_everything_back_whatever_it_says_is_left() {
        for remains in [0, 100, -5, i64::MAX] {
            let (mut stage, anna, attempt) = accepted();
            stage.observe(attempt, seen_left(SeenStatus::Canceled, remains));
            let left = if remains == 100 { 100 } else { 309 };
            assert_eq!(status(&stage, attempt), (OrderStatus::Canceled, left));
            assert_eq!(stage.balance(anna), 1_000_000);
        }
    }

    /// Shows B6.
    #[test]
    fn a_partial_without_a_believable_remains_is_held_until_one_comes() {
        let bad = [SeenRemains::Missing, SeenRemains::Invalid, SeenRemains::Is(-1), SeenRemains::Is(310)];
        for remains in bad {
            let (mut stage, _, attempt) = accepted();
            stage.observe(attempt, Observation { remains, ..seen(SeenStatus::Partial) });
            assert_eq!(stage.order(attempt.order).status, OrderStatus::InProgress);
            let hold = stage.order(attempt.order).hold.clone().expect("held");
            assert_eq!(hold.reason, HoldReason::PartialWithoutRemains { remains });
            assert_eq!(refunded(&stage, attempt), 0);
            stage.observe(attempt, seen_left(SeenStatus::Partial, 309));
            assert_eq!(status(&stage, attempt), (OrderStatus::Partial, 309));
            assert_eq!(refunded(&stage, attempt), 278_100);
        }
    }

    #[test]
    fn a_person_may_say_what_is_left_of_a_held_partial_but_not_move_what_a_provider_moves() {
        let (mut stage, _, attempt) = accepted();
        let by_hand = AttemptId::by_hand(attempt.order);
        let word = || Command::Observe { attempt: by_hand, seen: seen_left(SeenStatus::Partial, 9) };
        assert!(stage.run(word()).is_err());
        stage.observe(attempt, seen(SeenStatus::Partial));
        stage.run(word()).expect("the person's word");
        assert_eq!(status(&stage, attempt), (OrderStatus::Partial, 9));
    }

    #[test]
    fn a_manual_order_is_moved_by_hand_under_the_same_rules() {
        let mut stage = Stage::default();
        let sold = stage.service(service(ServiceType::Default));
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, draft("anna", 100));
        let by_hand = AttemptId::by_hand(order);
        stage.observe(by_hand, seen(SeenStatus::Processing));
        assert_eq!(stage.order(order).status, OrderStatus::Processing);
        stage.observe(by_hand, seen_left(SeenStatus::InProgress, 60));
        stage.observe(by_hand, seen_left(SeenStatus::Partial, 25));
        assert_eq!(
            (stage.order(order).status, stage.balance(anna)),
            (OrderStatus::Partial, 1_000_000 - 67_500)
        );
    }

    #[test]
    fn an_order_that_waits_to_be_sent_is_not_moved_by_hand() {
        let mut stage = Stage::default();
        let (sold, _) = stage.routed();
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, draft("anna", 100));
        let word = Command::Observe { attempt: AttemptId::by_hand(order), seen: seen(SeenStatus::Completed) };
        assert!(stage.run(word).is_err());
    }

    #[test]
    fn a_partial_of_a_package_moves_no_money_by_itself() {
        let mut stage = Stage::default();
        let account = stage.provider();
        let route = Route::Providers(vec![leg(account, "9")]);
        let sold = stage.service(Service { route, ..service(ServiceType::Package) });
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, draft("https://example.com/p", 1));
        let attempt = stage.accept(order, "p1");
        stage.observe(attempt, seen_left(SeenStatus::Partial, 1));
        let hold = stage.order(order).hold.clone().expect("held");
        assert_eq!(
            (stage.order(order).status, hold.reason),
            (OrderStatus::InProgress, HoldReason::PartialPackage)
        );
        assert_eq!(stage.balance(anna), 100_000);
    }

    /// Shows B7, I9.
    #[test]
    fn backward_and_unknown_words_change_nothing() {
        let (mut stage, anna, attempt) = accepted();
        stage.observe(attempt, seen_left(SeenStatus::InProgress, 100));
        let words =
            [SeenStatus::Pending, SeenStatus::Processing, SeenStatus::Unknown("Refunding".to_owned())];
        for word in words {
            stage.observe(attempt, seen(word));
            assert_eq!(status(&stage, attempt), (OrderStatus::InProgress, 100));
        }
        stage.observe(attempt, seen(SeenStatus::Failed("Fail".to_owned())));
        assert!(matches!(
            stage.order(attempt.order).hold.as_ref().map(|hold| &hold.reason),
            Some(HoldReason::Failed { .. })
        ));
        assert_eq!(stage.balance(anna), 721_900);
    }

    /// Shows B6, I10.
    #[test]
    fn what_is_shown_as_left_is_clamped_and_the_start_count_is_only_shown() {
        let (mut stage, _, attempt) = accepted();
        for (said, shown) in [(-7, 0), (i64::MAX, 309), (200, 200)] {
            stage.observe(attempt, seen_left(SeenStatus::InProgress, said));
            assert_eq!(stage.order(attempt.order).remains, shown);
        }
        stage.observe(attempt, Observation { start_count: Some(i64::MIN), ..Observation::default() });
        assert_eq!(stage.order(attempt.order).start_count, Some(i64::MIN));
    }

    /// Shows B8, I8.
    #[test]
    fn corrections_follow_the_largest_remains_in_any_order_and_never_claw_back() {
        for said in [[100, 200, 157], [200, 100, 157], [157, 157, 200]] {
            let (mut stage, anna, attempt) = accepted();
            stage.observe(attempt, seen(SeenStatus::Completed));
            for remains in said {
                stage.observe(attempt, seen_left(SeenStatus::Partial, remains));
            }
            stage.observe(attempt, seen(SeenStatus::Completed));
            stage.observe(attempt, seen_left(SeenStatus::InProgress, 10));
            // 109 of 309 delivered: ceil(278,100 × 109 / 309) = 98,100.
            assert_eq!(status(&stage, attempt), (OrderStatus::Partial, 200));
            assert_eq!(stage.balance(anna), 1_000_000 - 98_100);
            assert_eq!(stage.booked(crate::ledger::LedgerAccount::Revenue), 98_100);
        }
    }

    #[test]
    fn a_completed_or_partial_order_may_still_be_canceled_within_thirty_days() {
        let (mut stage, anna, attempt) = accepted();
        stage.observe(attempt, seen_left(SeenStatus::Partial, 157));
        stage.wait(limits::CORRECTION_WINDOW);
        stage.observe(attempt, seen(SeenStatus::Canceled));
        assert_eq!(status(&stage, attempt), (OrderStatus::Canceled, 309));
        assert_eq!(stage.balance(anna), 1_000_000);
        stage.observe(attempt, seen(SeenStatus::Completed));
        assert_eq!(stage.balance(anna), 1_000_000);
    }

    /// Shows B7, I9.
    #[test]
    fn after_thirty_days_an_end_is_final() {
        let (mut stage, anna, attempt) = accepted();
        stage.observe(attempt, seen(SeenStatus::Completed));
        stage.wait(Span(limits::CORRECTION_WINDOW.0 + 1));
        stage.observe(attempt, seen(SeenStatus::Canceled));
        stage.observe(attempt, seen_left(SeenStatus::Partial, 309));
        assert_eq!(status(&stage, attempt), (OrderStatus::Completed, 0));
        assert_eq!(stage.balance(anna), 721_900);
    }

    fn cost(stage: &mut Stage, attempt: AttemptId, charge: SeenCharge) -> i64 {
        stage.observe(attempt, Observation { charge, ..Observation::default() });
        stage.attempt(attempt).booked_cost.0
    }

    /// Shows B9, B10, I19.
    #[test]
    fn a_reported_cost_is_booked_as_the_difference_and_absurd_ones_are_not() {
        let (mut stage, _, attempt) = accepted();
        assert_eq!(cost(&mut stage, attempt, SeenCharge::Micros(160_000)), 160_000);
        assert_eq!(cost(&mut stage, attempt, SeenCharge::Micros(100_000)), 100_000);
        for absurd in [SeenCharge::Micros(-1), SeenCharge::Micros(463_501), SeenCharge::Micros(i64::MAX)] {
            assert_eq!(cost(&mut stage, attempt, absurd), 100_000);
        }
        assert_eq!(cost(&mut stage, attempt, SeenCharge::Unusable), 100_000);
        assert_eq!(cost(&mut stage, attempt, SeenCharge::Micros(463_500)), 463_500);
    }

    #[test]
    fn an_attempt_without_an_order_at_the_provider_can_not_be_observed() {
        let mut stage = Stage::default();
        let (sold, _) = stage.routed();
        let anna = stage.customer(1_000_000);
        let order: OrderId = stage.placed(anna, sold, draft("anna", 100));
        let attempt = stage.last_attempt(order);
        let observed = stage.run(Command::Observe { attempt, seen: seen(SeenStatus::Completed) });
        assert_eq!(observed, Err(Refusal::OutOfTurn("the attempt has no order at the provider")));
    }

    #[test]
    fn a_correction_does_not_free_the_link_that_a_later_order_holds() {
        let mut stage = Stage::default();
        let (sold, _) = stage.routed();
        stage.change(sold, |service| service.guarded = true);
        let anna = stage.customer(1_000_000);
        let first = stage.placed(anna, sold, draft("anna", 100));
        let attempt = stage.accept(first, "p1");
        stage.observe(attempt, seen(SeenStatus::Completed));
        stage.placed(anna, sold, draft("anna", 100));
        let outcomes = stage.run_batch(&[
            Command::Observe { attempt, seen: seen_left(SeenStatus::Partial, 10) },
            crate::testing::place(anna, sold, draft("anna", 100)),
        ]);
        assert_eq!(outcomes[1], Err(Refusal::ActiveOrderOnLink));
    }
}
