//! What must not happen twice is remembered as long as it must be, and no longer.

use panelworks_core::catalogue::ServiceType;
use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, CustomerId, OrderId, ProviderAccountId, ServiceId};
use panelworks_core::limits::{DUPLICATE_EVIDENCE, IDEMPOTENCY_KEPT};
use panelworks_core::order::attempt::{AttemptResult, AttemptState, Verdict};
use panelworks_core::outcome::{Done, Refusal};
use panelworks_core::provider::SeenStatus;
use panelworks_core::testing::{draft, following, place, provider_order, seen, service, unknown};
use panelworks_core::time::Span;
use panelworks_core::world::Key;

use super::{Panel, Subject, keyed};

fn scene<S: Subject>(panel: &mut Panel<'_, S>) -> (CustomerId, ServiceId) {
    let customer = panel.customer(100_000_000);
    let (service, _) = panel.routed();
    (customer, service)
}

fn replay_of(done: Done) -> OrderId {
    match done {
        Done::Placed { order, replayed: true } => order,
        other => panic!("not replayed: {other:?}"),
    }
}

/// Shows C4, I13.
pub fn an_idempotency_key_answers_the_same_order<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service) = scene(&mut panel);
    let again = || keyed(customer, service, draft("a", 100), 1, 1);
    let replies = panel.batch(&[again(), again()]);
    let [Ok(Ok(Done::Placed { order, replayed: false })), Ok(Ok(second))] = &replies[..] else {
        panic!("{replies:?}")
    };
    assert_eq!(replay_of(second.clone()), *order, "within the batch");
    assert_eq!(replay_of(panel.ok(again())), *order, "in a later one");
    panel.audit();
}

/// Shows C4, I13.
pub fn an_idempotency_key_with_other_parameters_is_refused<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service) = scene(&mut panel);
    panel.ok(keyed(customer, service, draft("a", 100), 1, 1));
    assert_eq!(panel.refused(keyed(customer, service, draft("b", 100), 1, 2)), Refusal::IdempotencyMismatch);
}

/// Shows C4.
pub fn an_idempotency_key_belongs_to_its_customer<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service) = scene(&mut panel);
    let other = panel.customer(1_000_000);
    let first = super::placed(panel.ok(keyed(customer, service, draft("a", 100), 1, 1)));
    let second = super::placed(panel.ok(keyed(other, service, draft("a", 100), 1, 1)));
    assert_ne!(first, second);
    assert_eq!(replay_of(panel.ok(keyed(customer, service, draft("a", 100), 1, 1))), first);
    assert_eq!(replay_of(panel.ok(keyed(other, service, draft("a", 100), 1, 1))), second);
}

pub fn an_idempotency_key_is_known_after_a_start<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service) = scene(&mut panel);
    let order = super::placed(panel.ok(keyed(customer, service, draft("a", 100), 1, 1)));
    panel.place(customer, service, draft("without a key", 100));
    panel.wait(Span::hours(23));
    panel.reopen();
    assert_eq!(replay_of(panel.ok(keyed(customer, service, draft("a", 100), 1, 1))), order);
    panel.reopen();
    assert_eq!(panel.refused(keyed(customer, service, draft("b", 100), 1, 2)), Refusal::IdempotencyMismatch);
}

pub fn an_idempotency_key_is_forgotten_after_a_day<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service) = scene(&mut panel);
    let order = super::placed(panel.ok(keyed(customer, service, draft("a", 100), 1, 1)));
    panel.wait(IDEMPOTENCY_KEPT);
    assert_eq!(
        replay_of(panel.ok(keyed(customer, service, draft("a", 100), 1, 1))),
        order,
        "to the last moment"
    );
    panel.wait(Span(1));
    let next = super::placed(panel.ok(keyed(customer, service, draft("b", 100), 1, 2)));
    assert_eq!(
        replay_of(panel.ok(keyed(customer, service, draft("b", 100), 1, 2))),
        next,
        "the younger one counts"
    );
    panel.reopen();
    assert_eq!(replay_of(panel.ok(keyed(customer, service, draft("b", 100), 1, 2))), next);
}

pub fn an_idempotency_key_outlives_its_order<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service) = scene(&mut panel);
    let order = super::placed(panel.ok(keyed(customer, service, draft("a", 100), 1, 1)));
    panel.ok(Command::RequestCancel { customer, order });
    assert_eq!(replay_of(panel.ok(keyed(customer, service, draft("a", 100), 1, 1))), order);
    panel.reopen();
    assert_eq!(replay_of(panel.ok(keyed(customer, service, draft("a", 100), 1, 1))), order);
}

pub fn a_refused_order_leaves_its_key_free<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service) = scene(&mut panel);
    assert_eq!(panel.refused(keyed(customer, service, draft("a", 1), 1, 1)), Refusal::BelowMinimum(10));
    super::placed(panel.ok(keyed(customer, service, draft("a", 100), 1, 2)));
}

pub fn an_open_order_guards_its_link<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service) = scene(&mut panel);
    panel.place(customer, service, draft("https://www.example.com/a/", 100));
    let again = place(customer, service, draft("HTTPS://example.com/a#top", 100));
    assert_eq!(panel.refused(again), Refusal::ActiveOrderOnLink);
    panel.place(customer, service, draft("https://example.com/A", 100));
}

pub fn a_guard_is_known_after_a_start<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service) = scene(&mut panel);
    let orders: Vec<_> =
        (0..50).map(|n| panel.place(customer, service, draft(&super::link(n), 100))).collect();
    panel.ok(Command::RequestCancel { customer, order: orders[7] });
    panel.wait(Span::days(40));
    panel.reopen();
    for n in 0..50 {
        let reply = panel.reply(place(customer, service, draft(&super::link(n), 100)));
        let expected = if n == 7 {
            reply.as_ref().is_ok_and(Result::is_ok)
        } else {
            reply == Ok(Err(Refusal::ActiveOrderOnLink))
        };
        assert!(expected, "link {n}: {reply:?}");
    }
}

pub fn a_guard_ends_with_its_order<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service) = scene(&mut panel);
    let order = panel.place(customer, service, draft("a", 100));
    let attempt = panel.accept(order, "1");
    panel.observe(attempt, seen(SeenStatus::InProgress));
    assert_eq!(panel.refused(place(customer, service, draft("a", 100))), Refusal::ActiveOrderOnLink);
    panel.observe(attempt, seen(SeenStatus::Completed));
    let second = panel.place(customer, service, draft("a", 100));
    panel.reopen();
    assert_eq!(panel.refused(place(customer, service, draft("a", 100))), Refusal::ActiveOrderOnLink);
    panel.ok(Command::RequestCancel { customer, order: second });
    panel.place(customer, service, draft("a", 100));
    panel.audit();
}

pub fn a_guard_is_for_one_customer_and_one_service<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, sold) = scene(&mut panel);
    let other = panel.customer(1_000_000);
    let unguarded = panel.service(service(ServiceType::Default));
    panel.place(customer, sold, draft("a", 100));
    panel.place(other, sold, draft("a", 100));
    panel.place(customer, unguarded, draft("a", 100));
    panel.place(customer, unguarded, draft("a", 100));
}

pub fn a_username_is_guarded_like_a_link<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(100_000_000);
    let sold = panelworks_core::catalogue::Service { guarded: true, ..service(ServiceType::Subscriptions) };
    let sold = panel.service(sold);
    panel.place(customer, sold, following("anna", 10, 20, Some(3)));
    panel.reopen();
    let again = place(customer, sold, following("anna", 10, 20, Some(3)));
    assert_eq!(panel.refused(again), Refusal::ActiveOrderOnLink);
    panel.place(customer, sold, following("ben", 10, 20, Some(3)));
}

/// Shows B2, I16.
pub fn an_order_at_a_provider_belongs_to_one_attempt<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(100_000_000);
    let (service, account) = panel.routed();
    let (elsewhere, other_account) = panel.routed();
    let first = panel.place(customer, service, draft("a", 100));
    let owner = panel.accept(first, "77");
    panel.reopen();
    let claim = |panel: &mut Panel<'_, S>, account: ProviderAccountId| {
        let id = provider_order("77");
        let world = panel.load(Key::Claim(account, id.clone()));
        world.claims.get(&(account, id)).expect("loaded").copied()
    };
    assert_eq!(claim(&mut panel, account), Some(owner));
    assert_eq!(claim(&mut panel, other_account), None);
    let second = panel.place(customer, service, draft("b", 100));
    panel.accept(second, "77");
    let state = panel.placed_file(second).attempts[0].state.clone();
    assert!(matches!(state, AttemptState::Unknown { .. }), "the second claim is not believed: {state:?}");
    let third = panel.place(customer, elsewhere, draft("c", 100));
    panel.accept(third, "77");
    assert!(
        panel.placed_file(third).attempts[0].state.provider_order().is_some(),
        "another account, another order"
    );
    panel.audit();
}

fn doubts<S: Subject>(panel: &mut Panel<'_, S>, account: ProviderAccountId, link: &str) -> Vec<AttemptId> {
    let world = panel.load(Key::Doubts(account, link.to_owned()));
    world.doubts.get(&(account, link.to_owned())).expect("loaded").cloned().unwrap_or_default()
}

pub fn doubts_are_found_by_account_and_link<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (ann, ben) = (panel.customer(100_000_000), panel.customer(100_000_000));
    let (service, account) = panel.routed();
    let (_, other_account) = panel.routed();
    let orders = [ann, ben].map(|customer| panel.place(customer, service, draft("a", 100)));
    let calm = panel.place(ann, service, draft("b", 100));
    let expected = orders.map(|order| panel.send(order, unknown()));
    panel.accept(calm, "1");
    panel.reopen();
    assert_eq!(doubts(&mut panel, account, "a"), expected);
    assert_eq!(doubts(&mut panel, account, "b"), []);
    assert_eq!(doubts(&mut panel, other_account, "a"), []);
    let adopted = Verdict::Adopt { order: provider_order("2") };
    panel.ok(Command::ResolveAttempt { attempt: expected[0], verdict: adopted });
    assert_eq!(doubts(&mut panel, account, "a"), [expected[1]]);
}

pub fn an_absent_attempt_is_a_doubt_for_a_week_while_its_order_is_open<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(100_000_000);
    let (service, account) = panel.routed();
    let order = panel.place(customer, service, draft("a", 100));
    let attempt = panel.send(order, unknown());
    panel.ok(Command::ResolveAttempt { attempt, verdict: Verdict::Absent });
    assert_eq!(doubts(&mut panel, account, "a"), [attempt]);
    panel.wait(DUPLICATE_EVIDENCE);
    panel.reopen();
    assert_eq!(doubts(&mut panel, account, "a"), [attempt]);
    panel.wait(Span(1));
    assert_eq!(doubts(&mut panel, account, "a"), []);
    let other = panel.place(customer, service, draft("b", 100));
    let attempt = panel.send(other, unknown());
    panel.ok(Command::ResolveAttempt { attempt, verdict: Verdict::Absent });
    panel.send(other, AttemptResult::Accepted { order: provider_order("5") });
    let last = AttemptId { order: other, number: 2 };
    panel.observe(last, seen(SeenStatus::Completed));
    assert_eq!(doubts(&mut panel, account, "b"), [], "its order has ended");
}
