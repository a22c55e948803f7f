//! What [`super`] promises.

use super::*;
use crate::catalogue::{Leg, Route, ServiceType, Takes};
use crate::command::Command;
use crate::customer::Standing;
use crate::ids::{CustomerId, ServiceId};
use crate::order::attempt::AttemptResult;
use crate::order::cancel::CancelAnswer;
use crate::order::draft::Given;
use crate::provider::RejectionClass;
use crate::testing::{Stage, following, leg, refused, seen, service, unknown};
use crate::time::Date;

/// Followed by an operator's detector: 100 to 200 of each post, at 0.90 per thousand; 180,000 are prepaid.
fn detected(micros: i64, posts: Option<u64>) -> (Stage, CustomerId, ServiceId, OrderId) {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Subscriptions));
    let anna = stage.customer(micros);
    let order = stage.placed(anna, sold, following("anna", 100, 200, posts));
    (stage, anna, sold, order)
}

/// Passed on to a provider, 100 of each post.
fn passed_on(posts: Option<u64>) -> (Stage, CustomerId, OrderId) {
    let mut stage = Stage::default();
    let account = stage.provider();
    let route = Route::Providers(vec![leg(account, "5")]);
    let sold = stage.service(Service { route, ..service(ServiceType::Subscriptions) });
    let anna = stage.customer(1_000_000);
    let order = stage.placed(anna, sold, following("anna", 100, 100, posts));
    (stage, anna, order)
}

fn subscription(stage: &Stage, order: OrderId) -> Subscription {
    let Part::Subscription(subscription) = &stage.order(order).part else { panic!("no subscription") };
    subscription.clone()
}

fn report(stage: &mut Stage, order: OrderId) -> crate::outcome::Outcome {
    stage.run(Command::ReportPost { subscription: order, link: "https://example.com/p/1".to_owned() })
}

fn tend(stage: &mut Stage, order: OrderId) {
    stage.run(Command::TendSubscription { subscription: order }).expect("tended");
}

fn posted(id: &str) -> Observation {
    Observation { orders: vec![id.to_owned()], ..seen(SeenStatus::InProgress) }
}

/// Shows C23.
#[test]
fn one_post_is_prepaid_at_its_highest_cost() {
    let (stage, anna, _, order) = detected(1_000_000, None);
    assert_eq!(stage.balance(anna), 820_000);
    assert_eq!((stage.order(order).charge, stage.order(order).quantity), (Amount(180_000), 0));
    assert_eq!(stage.order(order).status, OrderStatus::InProgress);
}

#[test]
fn a_balance_below_one_post_is_refused() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Subscriptions));
    let anna = stage.customer(179_999);
    let placed = stage.place(anna, sold, following("anna", 100, 200, None));
    assert_eq!(placed, Err(Refusal::NotEnoughFunds));
}

#[test]
fn a_reported_post_is_an_order_of_its_real_quantity_and_the_rest_comes_back() {
    let (mut stage, anna, _, order) = detected(1_000_000, None);
    let drawn = subscription(&stage, order).drawn;
    assert!((100..=200).contains(&drawn));
    report(&mut stage, order).expect("a post");

    let post = stage.order(subscription(&stage, order).made[0]).clone();
    let charge = i64::try_from(drawn).expect("small") * 900;
    assert_eq!((post.quantity, post.charge, post.sums.debited), (drawn, Amount(charge), Amount::ZERO));
    assert_eq!(post.link.as_deref(), Some("https://example.com/p/1"));
    // Returned is no refund, and the next post is prepaid in the same commit.
    let sums = stage.order(order).sums;
    assert_eq!((sums.returned, sums.refunded), (Amount(180_000 - charge), Amount::ZERO));
    assert_eq!(stage.order(order).charge, Amount(charge + 180_000));
    assert_eq!(stage.balance(anna), 1_000_000 - charge - 180_000);
}

/// Shows C22.
#[test]
fn a_post_keeps_the_price_it_was_prepaid_at_and_the_next_has_the_price_of_its_day() {
    let (mut stage, _, sold, order) = detected(1_000_000, None);
    stage.change(sold, |service| service.rate = Rate::from_micros(1_800_000).expect("a rate"));
    report(&mut stage, order).expect("a post");
    let post = stage.order(subscription(&stage, order).made[0]).clone();
    assert_eq!((post.rate.micros(), post.price_version), (900_000, 1));
    let SubscriptionState::Active { prepaid, price_version, .. } = subscription(&stage, order).state else {
        panic!("not active")
    };
    assert_eq!((prepaid, price_version), (Amount(360_000), 2));
}

/// Shows C23.
#[test]
fn without_money_for_the_next_post_it_pauses_and_a_credit_that_covers_it_ends_the_pause() {
    let (mut stage, anna, _, order) = detected(200_000, None);
    report(&mut stage, order).expect("a post");
    assert_eq!(subscription(&stage, order).state, SubscriptionState::PausedForFunds);
    let skipped = report(&mut stage, order);
    assert_eq!(skipped, Err(Refusal::OutOfTurn("the subscription is not active")));
    tend(&mut stage, order);
    assert_eq!(subscription(&stage, order).state, SubscriptionState::PausedForFunds);

    stage.credit(anna, 180_000);
    tend(&mut stage, order);
    assert!(matches!(subscription(&stage, order).state, SubscriptionState::Active { .. }));
    assert_eq!(subscription(&stage, order).made.len(), 1);
}

#[test]
fn a_frozen_account_prepays_nothing() {
    let (mut stage, anna, _, order) = detected(1_000_000, None);
    stage.run(Command::SetStanding { customer: anna, standing: Standing::Frozen }).expect("frozen");
    report(&mut stage, order).expect("the prepaid post");
    assert_eq!(subscription(&stage, order).state, SubscriptionState::PausedForFunds);
}

#[test]
fn it_is_completed_when_its_posts_are_reached() {
    let (mut stage, anna, _, order) = detected(1_000_000, Some(2));
    report(&mut stage, order).expect("a post");
    report(&mut stage, order).expect("a post");
    assert_eq!(stage.order(order).status, OrderStatus::Completed);
    let charges: i64 = subscription(&stage, order).made.iter().map(|post| stage.order(*post).charge.0).sum();
    assert_eq!(stage.order(order).charge, Amount(charges));
    assert_eq!(stage.balance(anna), 1_000_000 - charges);
}

#[test]
fn a_post_is_settled_from_the_subscriptions_money() {
    let (mut stage, anna, _, order) = detected(1_000_000, Some(1));
    report(&mut stage, order).expect("a post");
    let post = subscription(&stage, order).made[0];
    let charge = stage.order(post).charge;
    let by_hand = AttemptId::by_hand(post);
    stage.observe(by_hand, seen(SeenStatus::Canceled));
    assert_eq!(stage.balance(anna), 1_000_000);
    assert_eq!((stage.order(order).sums.refunded, stage.order(post).sums.refunded), (charge, charge));
    assert_eq!(stage.order(order).net_charge(), Amount::ZERO);
}

#[test]
fn it_expires_at_the_end_of_its_day_and_what_is_prepaid_comes_back() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Subscriptions));
    let anna = stage.customer(1_000_000);
    let mut draft = following("anna", 100, 200, None);
    // The stage begins on 14 November 2023.
    let day = Date::new(2023, 11, 15).expect("a day");
    draft.extra.as_mut().expect("fields").expiry = Given::Is(day);
    let order = stage.placed(anna, sold, draft);
    stage.now = Timestamp(day.end().0 - 1);
    tend(&mut stage, order);
    assert!(!stage.order(order).status.has_ended());
    stage.now = day.end();
    tend(&mut stage, order);
    assert_eq!(stage.order(order).status, OrderStatus::Expired);
    assert_eq!(stage.balance(anna), 1_000_000);
    assert_eq!(stage.order(order).charge, Amount::ZERO);
}

#[test]
fn it_expires_after_thirty_days_without_a_post() {
    let (mut stage, anna, _, order) = detected(1_000_000, None);
    stage.wait(Span::days(29));
    report(&mut stage, order).expect("a post");
    stage.wait(Span::days(29));
    tend(&mut stage, order);
    assert!(!stage.order(order).status.has_ended());
    stage.wait(Span::days(1));
    tend(&mut stage, order);
    assert_eq!(stage.order(order).status, OrderStatus::Expired);
    let post = stage.order(subscription(&stage, order).made[0]).charge.0;
    assert_eq!(stage.balance(anna), 1_000_000 - post);
}

#[test]
fn cancelled_without_posts_it_is_canceled_and_with_posts_it_expires() {
    let (mut stage, anna, _, order) = detected(1_000_000, None);
    stage.cancel(anna, order).expect("cancelled");
    assert_eq!((stage.order(order).status, stage.balance(anna)), (OrderStatus::Canceled, 1_000_000));

    let (mut stage, anna, _, order) = detected(1_000_000, None);
    report(&mut stage, order).expect("a post");
    stage.cancel(anna, order).expect("cancelled");
    assert_eq!(stage.order(order).status, OrderStatus::Expired);
    let post = subscription(&stage, order).made[0];
    assert!(!stage.order(post).status.has_ended(), "posts that were made go on");
}

#[test]
fn passed_on_it_asks_for_one_post_of_the_drawn_quantity() {
    let (mut stage, _, order) = passed_on(None);
    let outgoing = stage.begin(order);
    let OrderKind::Subscriptions(asked) = outgoing.kind else { panic!("{outgoing:?}") };
    assert_eq!((asked.min, asked.max, asked.posts), (100, 100, Some(1)));
    assert_eq!(outgoing.quantity, 100);
}

#[test]
fn each_post_the_provider_names_is_followed_and_the_next_segment_is_asked() {
    let (mut stage, anna, order) = passed_on(Some(2));
    let first = stage.accept(order, "s1");
    stage.observe(first, posted("p1"));
    stage.observe(first, posted("p1"));
    assert_eq!(subscription(&stage, order).made.len(), 1, "told twice, made once");
    let post = subscription(&stage, order).made[0];
    stage.observe(AttemptId { order: post, number: 1 }, crate::testing::seen_left(SeenStatus::Partial, 40));
    assert_eq!(
        (stage.order(post).status, stage.order(post).sums.refunded),
        (OrderStatus::Partial, Amount(36_000))
    );

    let second = stage.accept(order, "s2");
    stage.observe(second, seen(SeenStatus::Completed));
    assert_eq!(stage.order(order).status, OrderStatus::Completed);
    let last = subscription(&stage, order).made[1];
    assert_eq!(
        stage.order(last).status,
        OrderStatus::Completed,
        "an unnamed post is settled with its segment"
    );
    assert_eq!(stage.balance(anna), 1_000_000 - 90_000 - 54_000);
}

#[test]
fn a_segment_paused_for_funds_still_books_what_it_cost() {
    let (mut stage, anna, order) = passed_on(None);
    stage.credit(anna, -900_000);
    let first = stage.accept(order, "s1");
    stage.observe(first, posted("p1"));
    assert_eq!(subscription(&stage, order).state, SubscriptionState::PausedForFunds);
    let dearer = Observation { charge: crate::provider::SeenCharge::Micros(60_000), ..posted("p1") };
    stage.observe(first, dearer);
    assert_eq!(stage.attempt(first).booked_cost, Amount(60_000));
}

#[test]
fn a_completed_segment_without_a_post_costs_the_customer_nothing() {
    let (mut stage, anna, order) = passed_on(None);
    let first = stage.accept(order, "s1");
    stage.observe(first, Observation { posts: Some(0), ..seen(SeenStatus::Completed) });
    assert_eq!((stage.order(order).status, stage.balance(anna)), (OrderStatus::Expired, 1_000_000));
}

#[test]
fn a_post_under_an_id_that_is_somebody_elses_is_held_and_not_charged() {
    let (mut stage, _, order) = passed_on(None);
    let first = stage.accept(order, "s1");
    stage.observe(first, posted("s1"));
    assert!(subscription(&stage, order).made.is_empty());
    assert!(matches!(
        stage.order(order).hold.as_ref().map(|hold| &hold.reason),
        Some(HoldReason::Failed { .. })
    ));
}

#[test]
fn a_cancel_of_a_segment_under_way_waits_for_the_provider() {
    let (mut stage, anna, order) = passed_on(None);
    let first = stage.accept(order, "s1");
    let cancel = stage.cancel(anna, order).expect("asked");
    assert!(!stage.order(order).status.has_ended());
    let answer = CancelAnswer::Taken { provider_cancel: None };
    stage.run(Command::AnswerCancel { order, cancel, answer }).expect("taken");
    assert_eq!(stage.balance(anna), 910_000, "taken moves nothing");
    stage.observe(first, seen(SeenStatus::Canceled));
    assert_eq!((stage.order(order).status, stage.balance(anna)), (OrderStatus::Canceled, 1_000_000));
}

#[test]
fn a_cancel_while_the_segment_is_unknown_is_carried_out_when_it_is_absent() {
    let (mut stage, anna, order) = passed_on(None);
    let first = stage.accept(order, "s1");
    stage.observe(first, posted("p1"));
    let second = stage.send(order, unknown());
    stage.cancel(anna, order).expect("asked");
    assert!(!stage.order(order).status.has_ended());
    stage
        .run(Command::ResolveAttempt { attempt: second, verdict: attempt::Verdict::Absent })
        .expect("absent");
    assert_eq!(stage.order(order).status, OrderStatus::Expired);
    assert_eq!(stage.balance(anna), 910_000, "the post that was made stays charged");
}

#[test]
fn a_segment_written_off_ends_it_and_leaves_its_posts_alone() {
    let (mut stage, anna, order) = passed_on(None);
    let first = stage.accept(order, "s1");
    stage.observe(first, posted("p1"));
    let second = stage.send(order, unknown());
    let verdict = attempt::Verdict::WriteOff;
    stage.run(Command::ResolveAttempt { attempt: second, verdict }).expect("written off");
    assert_eq!((stage.order(order).status, stage.balance(anna)), (OrderStatus::Expired, 910_000));
}

#[test]
fn a_segment_that_ends_while_the_answer_is_out_is_not_planned_again() {
    let (mut stage, anna, order) = passed_on(None);
    let outgoing = stage.begin(order);
    stage.wait(Span::days(31));
    tend(&mut stage, order);
    assert_eq!((stage.order(order).status, stage.balance(anna)), (OrderStatus::Expired, 1_000_000));
    stage.finish(outgoing.attempt, refused(RejectionClass::Limit));
    assert_eq!(stage.file(order).attempts.len(), 1);
}

#[test]
fn a_detector_does_not_report_what_the_provider_watches() {
    let (mut stage, _, order) = passed_on(None);
    stage.accept(order, "s1");
    let reported = report(&mut stage, order);
    assert_eq!(reported, Err(Refusal::OutOfTurn("the provider watches for its posts")));
}

/// Found by an operator's detector, each post ordered at a provider an hour after it was seen.
fn delayed() -> (Stage, CustomerId, OrderId) {
    let mut stage = Stage::default();
    let account = stage.provider();
    let route = Route::Providers(vec![Leg { takes: Takes::Posts, ..leg(account, "1") }]);
    let sold = stage.service(Service { route, ..service(ServiceType::Subscriptions) });
    let anna = stage.customer(1_000_000);
    let mut draft = following("anna", 100, 100, None);
    draft.extra.as_mut().expect("fields").delay_min = Given::Is(60);
    let order = stage.placed(anna, sold, draft);
    (stage, anna, order)
}

#[test]
fn a_reported_post_is_sent_when_its_delay_is_over_and_not_before() {
    let (mut stage, anna, order) = delayed();
    report(&mut stage, order).expect("a post");
    assert_eq!(stage.balance(anna), 1_000_000 - 2 * 90_000, "charged at once, and the next one prepaid");
    let post = subscription(&stage, order).made[0];
    let attempt = stage.last_attempt(post);
    let due = stage.now.after(Span::hours(1));
    assert_eq!(stage.attempt(attempt).state, AttemptState::Planned { due });
    stage.now = Timestamp(due.0 - 1);
    assert!(stage.run(Command::BeginAttempt { attempt }).is_err(), "too early");

    stage.now = due;
    let outgoing = stage.begin(post);
    assert_eq!((outgoing.kind, outgoing.quantity, outgoing.service.as_str()), (OrderKind::Default, 100, "1"));
    assert_eq!(outgoing.link.as_deref(), Some("https://example.com/p/1"));
    stage.finish(attempt, AttemptResult::Accepted { order: crate::testing::provider_order("p1") });
    stage.observe(attempt, seen(SeenStatus::Canceled));
    assert_eq!(stage.balance(anna), 1_000_000 - 90_000, "the post's charge comes back");
}

#[test]
fn a_post_that_is_cancelled_before_its_delay_is_over_is_never_sent() {
    let (mut stage, anna, order) = delayed();
    report(&mut stage, order).expect("a post");
    let post = subscription(&stage, order).made[0];
    stage.cancel(anna, post).expect("cancelled");
    assert_eq!(stage.file(post).attempts[0].state, AttemptState::Voided);
    assert_eq!(stage.balance(anna), 1_000_000 - 90_000);
}

#[test]
fn a_post_refused_upstream_is_tried_again_only_where_posts_are_taken() {
    let (mut stage, anna, order) = delayed();
    report(&mut stage, order).expect("a post");
    let post = subscription(&stage, order).made[0];
    stage.send(post, refused(RejectionClass::Limit));
    assert!(stage.attempt(stage.last_attempt(post)).state.is_planned());
    stage.send(post, refused(RejectionClass::Service));
    assert_eq!(stage.order(post).status, OrderStatus::Canceled);
    assert_eq!(stage.balance(anna), 1_000_000 - 90_000);
}

#[test]
fn by_hand_a_reported_post_is_a_persons_from_the_end_of_its_delay() {
    let (mut stage, anna, sold, _) = detected(1_000_000, None);
    let mut draft = following("ben", 100, 100, None);
    draft.extra.as_mut().expect("fields").delay_min = Given::Is(30);
    let order = stage.placed(anna, sold, draft);
    report(&mut stage, order).expect("a post");
    let hold = stage.order(subscription(&stage, order).made[0]).hold.clone().expect("held");
    assert_eq!((hold.reason, hold.since), (HoldReason::Manual, stage.now.after(Span::minutes(30))));
}
