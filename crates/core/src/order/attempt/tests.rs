//! What [`super`] promises: every result of sending, every class of refusal, and every verdict.

use super::*;
use crate::catalogue::{Route, Service, ServiceType};
use crate::command::Command;
use crate::ids::{CustomerId, OrderId, ServiceId};
use crate::order::HoldReason;
use crate::testing::{
    Stage, draft, following, leg, not_sent, provider_order, refused, seen, service, unknown,
};

const LINK: &str = "https://example.com/p";

/// An order of 100 for 90,000 micro-units whose service has `legs` providers, at 50,000 each.
struct Scene {
    stage: Stage,
    anna: CustomerId,
    sold: ServiceId,
    accounts: Vec<ProviderAccountId>,
    order: OrderId,
}

fn scene(legs: usize) -> Scene {
    let mut stage = Stage::default();
    let accounts: Vec<ProviderAccountId> = (0..legs).map(|_| stage.provider()).collect();
    let route = Route::Providers(accounts.iter().map(|account| leg(*account, "7")).collect());
    let sold = stage.service(Service { route, ..service(ServiceType::Default) });
    let anna = stage.customer(1_000_000);
    let order = stage.placed(anna, sold, draft(LINK, 100));
    Scene { stage, anna, sold, accounts, order }
}

impl Scene {
    fn states(&self) -> Vec<&AttemptState> {
        self.stage.file(self.order).attempts.iter().map(|attempt| &attempt.state).collect()
    }

    fn status(&self) -> OrderStatus {
        self.stage.order(self.order).status
    }

    fn held_for(&self) -> Option<&HoldReason> {
        self.stage.order(self.order).hold.as_ref().map(|hold| &hold.reason)
    }

    /// The account of the newest attempt, and how long from now it is due.
    fn planned(&self) -> (ProviderAccountId, Span) {
        let attempt = self.stage.file(self.order).attempts.last().expect("an attempt");
        let AttemptState::Planned { due } = attempt.state else { panic!("{attempt:?}") };
        (attempt.account, due.since(self.stage.now))
    }

    fn resolve(&mut self, attempt: AttemptId, verdict: Verdict) -> crate::outcome::Outcome {
        self.stage.run(Command::ResolveAttempt { attempt, verdict })
    }

    fn assert_all_back(&self) {
        assert_eq!(self.status(), OrderStatus::Canceled);
        assert_eq!(self.stage.balance(self.anna), 1_000_000);
    }
}

#[test]
fn an_accepted_order_is_processing_and_its_expected_cost_is_booked() {
    let mut scene = scene(1);
    let attempt = scene.stage.accept(scene.order, "p1");
    assert_eq!(scene.status(), OrderStatus::Processing);
    assert_eq!(scene.stage.attempt(attempt).booked_cost, Amount(50_000));
    assert_eq!(scene.stage.booked(LedgerAccount::Cost(scene.accounts[0])), 50_000);
    assert_eq!(scene.stage.booked(LedgerAccount::Prepaid(scene.accounts[0])), -50_000);
    assert_eq!(scene.stage.balance(scene.anna), 910_000);
}

/// Shows I14.
#[test]
fn what_is_sent_is_what_was_ordered_and_is_claimed_once() {
    let mut scene = scene(1);
    let outgoing = scene.stage.begin(scene.order);
    assert_eq!((outgoing.link.as_deref(), outgoing.quantity), (Some(LINK), 100));
    assert_eq!((outgoing.account, outgoing.service.as_str()), (scene.accounts[0], "7"));
    let again = scene.stage.run(Command::BeginAttempt { attempt: outgoing.attempt });
    assert_eq!(again, Err(Refusal::OutOfTurn("the attempt is not planned")));
    scene.stage.finish(outgoing.attempt, unknown());
    let late = Command::FinishAttempt { attempt: outgoing.attempt, result: refused(RejectionClass::Funds) };
    assert_eq!(scene.stage.run(late), Err(Refusal::OutOfTurn("the attempt is not being sent")));
}

#[test]
fn an_attempt_is_not_begun_before_it_is_due() {
    let mut scene = scene(1);
    scene.stage.send(scene.order, not_sent());
    let attempt = scene.stage.last_attempt(scene.order);
    assert!(scene.stage.run(Command::BeginAttempt { attempt }).is_err());
}

#[test]
fn what_was_not_sent_waits_longer_each_time_and_then_tries_the_other_leg() {
    let mut scene = scene(2);
    let mut waits = Vec::new();
    for _ in 0..4 {
        scene.stage.send(scene.order, not_sent());
        waits.push(scene.planned());
    }
    let (first, second) = (scene.accounts[0], scene.accounts[1]);
    let seconds: Vec<i64> = waits.iter().map(|(_, wait)| wait.0 / 1000).collect();
    assert_eq!(seconds, [5, 10, 20, 40]);
    let accounts: Vec<ProviderAccountId> = waits.iter().map(|(account, _)| *account).collect();
    assert_eq!(accounts, [first, first, second, second]);
    assert!(matches!(scene.held_for(), Some(HoldReason::NotSent { .. })));
    for _ in 0..12 {
        scene.stage.send(scene.order, not_sent());
    }
    assert_eq!(scene.planned().1, limits::RETRY_WAIT_MAX);
}

#[test]
fn a_provider_that_is_switched_off_is_sent_nothing_and_the_order_says_why() {
    let mut scene = scene(1);
    let mut account = scene.stage.providers[&scene.accounts[0]].clone();
    account.enabled = false;
    scene.stage.run(Command::PutProvider { account: Box::new(account) }).expect("off");
    let attempt = scene.stage.last_attempt(scene.order);
    assert_eq!(scene.stage.run(Command::BeginAttempt { attempt }), Ok(Done::Noted));
    assert!(matches!(scene.states()[..], [AttemptState::NotSent { .. }, AttemptState::Planned { .. }]));
    assert!(matches!(scene.held_for(), Some(HoldReason::NotSent { .. })));
}

/// Shows B12.
#[test]
fn nothing_is_bought_for_more_than_it_was_sold_for() {
    let mut scene = scene(2);
    let dear = |micros| crate::money::Rate::from_micros(micros).expect("a rate");
    let reprice = |service: &mut Service, leg: usize, micros| {
        let Route::Providers(legs) = &mut service.route else { panic!("a route") };
        legs[leg].rate = dear(micros);
    };
    // Sold at 0.90; the first leg asks one micro-unit more now, the second as much.
    scene.stage.change(scene.sold, |service| {
        reprice(service, 0, 900_001);
        reprice(service, 1, 900_000);
    });
    let attempt = scene.stage.last_attempt(scene.order);
    assert_eq!(scene.stage.run(Command::BeginAttempt { attempt }), Ok(Done::Noted));
    let (expected_cost, charge) = (Amount(90_001), Amount(90_000));
    assert_eq!(scene.held_for(), Some(&HoldReason::PriceAboveCharge { expected_cost, charge }));
    assert_eq!(scene.planned(), (scene.accounts[1], Span(0)));
    scene.stage.accept(scene.order, "p1");
    assert_eq!(scene.status(), OrderStatus::Processing);
}

/// Shows B12.
#[test]
fn a_loss_at_every_leg_waits_for_a_better_price_and_ends_with_the_hold() {
    let mut scene = scene(1);
    scene.stage.change(scene.sold, |service| {
        let Route::Providers(legs) = &mut service.route else { panic!("a route") };
        legs[0].rate = crate::money::Rate::from_micros(2_000_000).expect("a rate");
    });
    let attempt = scene.stage.last_attempt(scene.order);
    assert_eq!(scene.stage.run(Command::BeginAttempt { attempt }), Ok(Done::Noted));
    assert_eq!(scene.planned(), (scene.accounts[0], Span::seconds(5)));
    scene.stage.wait(limits::HOLD_LIMIT);
    scene.stage.run(Command::ExpireHold { order: scene.order }).expect("run out");
    scene.assert_all_back();
}

#[test]
fn what_is_given_away_is_sent_all_the_same() {
    let mut scene = scene(1);
    scene.stage.change(scene.sold, |service| {
        service.rate = crate::money::Rate::from_micros(0).expect("a rate");
    });
    let free = scene.stage.placed(scene.anna, scene.sold, draft("other", 100));
    scene.stage.accept(free, "p1");
}

/// Shows B1, I14, I17.
#[test]
fn an_unknown_outcome_holds_the_order_and_is_never_sent_again() {
    let mut scene = scene(2);
    scene.stage.send(scene.order, unknown());
    assert!(matches!(scene.states()[..], [AttemptState::Unknown { .. }]));
    assert_eq!(scene.status(), OrderStatus::Pending);
    assert!(matches!(scene.held_for(), Some(HoldReason::UnknownOutcome { .. })));
    scene.stage.wait(Span::days(9));
    let expired = scene.stage.run(Command::ExpireHold { order: scene.order });
    assert_eq!(expired, Err(Refusal::OutOfTurn("the hold has not run out")));
}

/// Shows B2, I16.
#[test]
fn an_id_that_belongs_to_another_attempt_leaves_the_outcome_unknown() {
    let mut scene = scene(1);
    scene.stage.accept(scene.order, "p1");
    let second = scene.stage.placed(scene.anna, scene.sold, draft("other", 100));
    let attempt = scene.stage.accept(second, "p1");
    assert!(matches!(scene.stage.attempt(attempt).state, AttemptState::Unknown { .. }));
    assert_eq!(scene.stage.booked(LedgerAccount::Cost(scene.accounts[0])), 50_000);
}

#[test]
fn a_service_that_is_gone_goes_to_the_next_leg_at_once_and_at_the_last_everything_comes_back() {
    for class in [RejectionClass::Service, RejectionClass::Input { reroutable: true }] {
        let mut scene = scene(2);
        scene.stage.send(scene.order, refused(class));
        assert_eq!(scene.planned(), (scene.accounts[1], Span(0)));
        scene.stage.send(scene.order, refused(class));
        scene.assert_all_back();
        assert_eq!(scene.stage.order(scene.order).hold, None);
    }
}

#[test]
fn an_order_no_provider_can_read_ends_without_asking_another() {
    let mut scene = scene(2);
    scene.stage.send(scene.order, refused(RejectionClass::Input { reroutable: false }));
    scene.assert_all_back();
}

/// Shows B13.
#[test]
fn empty_funds_and_refused_keys_go_to_the_next_leg_and_then_wait() {
    for class in [RejectionClass::Funds, RejectionClass::Auth] {
        let mut scene = scene(2);
        scene.stage.send(scene.order, refused(class));
        assert_eq!(scene.planned(), (scene.accounts[1], Span(0)));
        scene.stage.send(scene.order, refused(class));
        assert_eq!(scene.planned(), (scene.accounts[0], Span::seconds(10)));
        assert_eq!(scene.status(), OrderStatus::Pending);
    }
}

#[test]
fn a_leg_that_only_said_not_now_is_asked_again_before_the_order_ends() {
    let mut scene = scene(2);
    scene.stage.send(scene.order, refused(RejectionClass::Funds));
    scene.stage.send(scene.order, refused(RejectionClass::Service));
    assert_eq!(scene.planned(), (scene.accounts[0], Span::seconds(10)));
    scene.stage.send(scene.order, refused(RejectionClass::Service));
    scene.assert_all_back();
}

#[test]
fn limits_troubles_and_active_links_wait_at_the_same_leg() {
    for class in [RejectionClass::Limit, RejectionClass::Temporary, RejectionClass::Duplicate] {
        let mut scene = scene(2);
        scene.stage.send(scene.order, refused(class));
        assert_eq!(scene.planned(), (scene.accounts[0], Span::seconds(5)));
        assert!(matches!(scene.held_for(), Some(HoldReason::Refused { .. })));
    }
}

#[test]
fn a_text_nobody_knows_holds_for_a_person_who_may_send_again_or_give_back() {
    let mut scene = scene(2);
    let attempt = scene.stage.send(scene.order, refused(RejectionClass::Unrecognised));
    assert!(matches!(scene.states()[..], [AttemptState::Rejected { .. }]));
    scene.resolve(attempt, Verdict::Absent).expect("sent again");
    assert_eq!(scene.planned(), (scene.accounts[0], Span(0)));
    let attempt = scene.stage.send(scene.order, refused(RejectionClass::Unrecognised));
    scene.resolve(attempt, Verdict::WriteOff).expect("given back");
    scene.assert_all_back();
    assert_eq!(scene.stage.booked(LedgerAccount::Disputed(scene.accounts[0])), 0);
}

#[test]
fn a_route_that_lost_its_legs_waits_for_a_person() {
    let mut scene = scene(1);
    scene.stage.change(scene.sold, |service| service.route = Route::Manual);
    scene.stage.send(scene.order, refused(RejectionClass::Service));
    assert_eq!(scene.held_for(), Some(&HoldReason::Manual));
}

#[test]
fn a_hold_that_outlives_its_limit_gives_everything_back() {
    let mut scene = scene(1);
    scene.stage.send(scene.order, refused(RejectionClass::Funds));
    scene.stage.wait(limits::HOLD_LIMIT);
    scene.stage.run(Command::ExpireHold { order: scene.order }).expect("run out");
    scene.assert_all_back();
    assert_eq!(scene.states().last(), Some(&&AttemptState::Voided));
}

#[test]
fn a_hold_runs_from_when_the_order_stopped_not_from_the_last_refusal() {
    let mut scene = scene(1);
    let began = scene.stage.now;
    scene.stage.send(scene.order, refused(RejectionClass::Limit));
    scene.stage.send(scene.order, refused(RejectionClass::Temporary));
    assert_eq!(scene.stage.order(scene.order).hold.as_ref().map(|hold| hold.since), Some(began));
    scene.stage.now = began.after(Span(limits::HOLD_LIMIT.0 - 1));
    assert!(scene.stage.run(Command::ExpireHold { order: scene.order }).is_err());
}

#[test]
fn an_adopted_order_goes_on_as_an_accepted_one() {
    let mut scene = scene(1);
    let attempt = scene.stage.send(scene.order, unknown());
    scene.resolve(attempt, Verdict::Adopt { order: provider_order("p9") }).expect("adopted");
    assert_eq!((scene.status(), scene.held_for()), (OrderStatus::Processing, None));
    scene.stage.observe(attempt, seen(crate::provider::SeenStatus::Completed));
    assert_eq!(scene.status(), OrderStatus::Completed);
}

#[test]
fn an_order_of_another_attempt_can_not_be_adopted() {
    let mut scene = scene(1);
    scene.stage.accept(scene.order, "p1");
    let second = scene.stage.placed(scene.anna, scene.sold, draft("other", 100));
    let attempt = scene.stage.send(second, unknown());
    let adopted = scene.resolve(attempt, Verdict::Adopt { order: provider_order("p1") });
    assert_eq!(adopted, Err(Refusal::OutOfTurn("that order belongs to another attempt")));
}

#[test]
fn an_absent_attempt_is_sent_again_at_once_and_its_hold_runs_anew() {
    let mut scene = scene(1);
    let attempt = scene.stage.send(scene.order, unknown());
    scene.stage.wait(Span::days(4));
    scene.resolve(attempt, Verdict::Absent).expect("absent");
    assert!(matches!(scene.states()[..], [AttemptState::Absent { .. }, AttemptState::Planned { .. }]));
    assert!(scene.stage.run(Command::ExpireHold { order: scene.order }).is_err());
    scene.stage.accept(scene.order, "p2");
    assert_eq!(scene.stage.booked(LedgerAccount::Cost(scene.accounts[0])), 50_000);
}

/// Shows I17.
#[test]
fn a_write_off_gives_the_customer_everything_and_disputes_the_possible_cost() {
    let mut scene = scene(1);
    let attempt = scene.stage.send(scene.order, unknown());
    scene.resolve(attempt, Verdict::WriteOff).expect("written off");
    scene.assert_all_back();
    assert_eq!(scene.stage.booked(LedgerAccount::Disputed(scene.accounts[0])), 50_000);
    assert_eq!(scene.stage.booked(LedgerAccount::Cost(scene.accounts[0])), 0);
}

#[test]
fn what_is_found_after_a_write_off_stays_disputed_and_changes_no_order() {
    let mut scene = scene(1);
    let attempt = scene.stage.send(scene.order, unknown());
    scene.resolve(attempt, Verdict::WriteOff).expect("written off");
    scene.resolve(attempt, Verdict::Adopt { order: provider_order("p3") }).expect("found late");
    assert!(matches!(scene.states()[..], [AttemptState::FoundLate { .. }]));
    assert_eq!(scene.stage.booked(LedgerAccount::Disputed(scene.accounts[0])), 50_000);
    // The provider gives it back.
    let back = crate::provider::Observation {
        charge: crate::provider::SeenCharge::Micros(0),
        ..seen(crate::provider::SeenStatus::Canceled)
    };
    scene.stage.observe(attempt, back);
    assert_eq!(scene.stage.booked(LedgerAccount::Prepaid(scene.accounts[0])), 0);
    scene.assert_all_back();
}

#[test]
fn what_is_found_when_another_was_sent_in_its_place_is_disputed_beside_it() {
    let mut scene = scene(1);
    let attempt = scene.stage.send(scene.order, unknown());
    scene.resolve(attempt, Verdict::Absent).expect("absent");
    scene.stage.accept(scene.order, "p2");
    scene.resolve(attempt, Verdict::Adopt { order: provider_order("p1") }).expect("found late");
    assert!(matches!(scene.states()[..], [AttemptState::FoundLate { .. }, AttemptState::Accepted { .. }]));
    assert_eq!(scene.stage.booked(LedgerAccount::Disputed(scene.accounts[0])), 50_000);
    assert_eq!(scene.stage.booked(LedgerAccount::Cost(scene.accounts[0])), 50_000);
}

#[test]
fn an_absent_attempt_that_is_found_before_the_next_left_is_adopted() {
    let mut scene = scene(1);
    let attempt = scene.stage.send(scene.order, unknown());
    scene.resolve(attempt, Verdict::Absent).expect("absent");
    scene.resolve(attempt, Verdict::Adopt { order: provider_order("p1") }).expect("adopted");
    assert!(matches!(scene.states()[..], [AttemptState::Adopted { .. }, AttemptState::Voided]));
    assert_eq!(scene.status(), OrderStatus::Processing);
}

#[test]
fn an_active_link_makes_the_orders_own_absent_attempt_unknown_again() {
    let mut scene = scene(1);
    let attempt = scene.stage.send(scene.order, unknown());
    scene.resolve(attempt, Verdict::Absent).expect("absent");
    scene.stage.send(scene.order, refused(RejectionClass::Duplicate));
    assert!(matches!(scene.states()[..], [AttemptState::Unknown { .. }, AttemptState::Rejected { .. }]));
    assert!(matches!(scene.held_for(), Some(HoldReason::UnknownOutcome { .. })));
    scene.resolve(attempt, Verdict::Adopt { order: provider_order("p1") }).expect("adopted");
    assert_eq!(scene.status(), OrderStatus::Processing);
}

#[test]
fn an_active_link_while_another_orders_attempt_is_unknown_holds_both() {
    let mut scene = scene(2);
    scene.stage.send(scene.order, unknown());
    let ben = scene.stage.customer(1_000_000);
    let second = scene.stage.placed(ben, scene.sold, draft(LINK, 100));
    let refused_one = scene.stage.send(second, refused(RejectionClass::Duplicate));
    assert!(matches!(scene.states()[..], [AttemptState::Unknown { .. }]));
    assert_eq!(scene.stage.file(second).attempts.len(), 1, "neither waits to be sent again, nor re-routed");
    assert!(scene.stage.order(second).hold.is_some());
    // A person may send the second again once the first is settled.
    scene.resolve(refused_one, Verdict::Absent).expect("released");
    scene.stage.accept(second, "p2");
}

#[test]
fn an_active_link_makes_another_orders_absent_attempt_unknown_and_voids_what_was_planned_for_it() {
    let mut scene = scene(1);
    let attempt = scene.stage.send(scene.order, unknown());
    let ben = scene.stage.customer(1_000_000);
    let second = scene.stage.placed(ben, scene.sold, draft(LINK, 100));
    scene.resolve(attempt, Verdict::Absent).expect("absent");
    scene.stage.send(second, refused(RejectionClass::Duplicate));
    assert!(matches!(scene.states()[..], [AttemptState::Unknown { .. }, AttemptState::Voided]));
    assert!(matches!(scene.held_for(), Some(HoldReason::UnknownOutcome { .. })));
}

#[test]
fn an_attempt_long_absent_or_well_replaced_is_no_evidence() {
    // Replaced by one that was accepted: that one is the active order.
    let mut replaced = scene(1);
    let attempt = replaced.stage.send(replaced.order, unknown());
    replaced.resolve(attempt, Verdict::Absent).expect("absent");
    replaced.stage.accept(replaced.order, "p2");
    let second = replaced.stage.placed(replaced.anna, replaced.sold, draft(LINK, 100));
    replaced.stage.send(second, refused(RejectionClass::Duplicate));
    assert_eq!(replaced.stage.file(second).attempts.len(), 2, "it waits to be sent again");
    // Absent for more than seven days.
    let mut old = scene(1);
    let attempt = old.stage.send(old.order, unknown());
    old.resolve(attempt, Verdict::Absent).expect("absent");
    old.stage.wait(Span(limits::DUPLICATE_EVIDENCE.0 + 1));
    old.stage.send(old.order, refused(RejectionClass::Duplicate));
    assert!(matches!(
        old.states()[..],
        [AttemptState::Absent { .. }, AttemptState::Rejected { .. }, AttemptState::Planned { .. }]
    ));
}

#[test]
fn of_two_absent_attempts_only_the_later_comes_back() {
    let mut scene = scene(1);
    for _ in 0..2 {
        let attempt = scene.stage.send(scene.order, unknown());
        scene.resolve(attempt, Verdict::Absent).expect("absent");
    }
    scene.stage.send(scene.order, refused(RejectionClass::Duplicate));
    assert!(matches!(
        scene.states()[..],
        [AttemptState::Absent { .. }, AttemptState::Unknown { .. }, AttemptState::Rejected { .. }]
    ));
}

#[test]
fn of_two_absent_attempts_only_one_is_adopted() {
    let mut scene = scene(1);
    let mut absent = Vec::new();
    for _ in 0..2 {
        let attempt = scene.stage.send(scene.order, unknown());
        scene.resolve(attempt, Verdict::Absent).expect("absent");
        absent.push(attempt);
    }
    for (attempt, order) in absent.into_iter().zip(["p1", "p2"]) {
        scene.resolve(attempt, Verdict::Adopt { order: provider_order(order) }).expect("found");
    }
    assert!(matches!(
        scene.states()[..],
        [AttemptState::Adopted { .. }, AttemptState::FoundLate { .. }, AttemptState::Voided]
    ));
}

#[test]
fn doubts_of_the_same_batch_count() {
    let mut scene = scene(1);
    let first = scene.stage.begin(scene.order).attempt;
    let ben = scene.stage.customer(1_000_000);
    let second = scene.stage.placed(ben, scene.sold, draft(LINK, 100));
    let other = scene.stage.begin(second).attempt;
    scene.stage.run_batch(&[
        Command::FinishAttempt { attempt: first, result: unknown() },
        Command::FinishAttempt { attempt: other, result: refused(RejectionClass::Duplicate) },
    ]);
    assert_eq!(scene.stage.file(second).attempts.len(), 1);
}

#[test]
fn a_segment_goes_only_to_legs_that_take_cancels() {
    let mut stage = Stage::default();
    let (north, south) = (stage.provider(), stage.provider());
    let route =
        Route::Providers(vec![leg(north, "1"), crate::catalogue::Leg { cancel: false, ..leg(south, "2") }]);
    let sold = stage.service(Service { route, ..service(ServiceType::Subscriptions) });
    let anna = stage.customer(1_000_000);
    let order = stage.placed(anna, sold, following("anna", 100, 100, Some(2)));
    stage.send(order, refused(RejectionClass::Service));
    assert_eq!(stage.order(order).status, OrderStatus::Canceled);
    assert_eq!(stage.balance(anna), 1_000_000);
}
