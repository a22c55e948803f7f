//! What books restored from a backup can't vouch for: attempts that may have been sent since.
//!
//! In: an attempt that is planned, being sent or of unknown outcome; or a subscription, whose next posts may have been
//! asked for since. Out: of unknown outcome, its order held, for a person to settle with the provider's own list beside
//! him. Rules: invariants.md E7; `domain.md`, Attempts 6. Never: a refund, another attempt.

use super::finish::become_unknown;
use super::{AttemptState, Purpose, RESTORED};
use crate::ids::{AttemptId, OrderId};
use crate::order::{OrderFile, Part, Subscription};
use crate::outcome::{Decision, Done, Refusal, Stop};
use crate::time::Timestamp;
use crate::world::World;

/// One that was unknown before stays so since then; but nobody asks about it with its key any more, because after the
/// backup it may have been found absent and something else have been bought in its place.
pub fn doubt_attempt(world: &mut World, now: Timestamp, id: AttemptId) -> Decision {
    let mut file = world.order(id.order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let attempt = file.attempt_mut(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    let since = match attempt.state {
        AttemptState::Planned { .. } => {
            attempt.currency = world.provider(attempt.account)?.ok_or(Refusal::UnknownProvider)?.currency;
            now
        }
        AttemptState::Sending { .. } => now,
        AttemptState::Unknown { since, .. } => since,
        AttemptState::Accepted { .. }
        | AttemptState::Rejected { .. }
        | AttemptState::NotSent { .. }
        | AttemptState::Adopted { .. }
        | AttemptState::Absent { .. }
        | AttemptState::WrittenOff { .. }
        | AttemptState::FoundLate { .. }
        | AttemptState::Voided => {
            return Err(Refusal::OutOfTurn("nothing of the attempt is open").into());
        }
    };
    become_unknown(&mut file, id, since, RESTORED);
    world.put_order(file);
    Ok(Done::Noted)
}

/// From now on every segment that is planned is of unknown outcome, until a person has found one that was not asked for:
/// then none after it was either.
pub fn doubt_posts(world: &mut World, _now: Timestamp, id: OrderId) -> Decision {
    let mut file = world.order(id)?.ok_or(Refusal::UnknownOrder)?.clone();
    let open = !file.order.status.has_ended();
    let Some(subscription) = subscription(&mut file).filter(|_| open) else {
        return Err(Refusal::OutOfTurn("not an open subscription").into());
    };
    subscription.doubted = true;
    world.put_order(file);
    Ok(Done::Noted)
}

/// The segment that was planned just now, if it may have been asked for already.
pub(in crate::order) fn doubt_segment(
    world: &World,
    now: Timestamp,
    file: &mut OrderFile,
) -> Result<(), Stop> {
    let order = file.order.id;
    if !subscription(file).is_some_and(|subscription| subscription.doubted) {
        return Ok(());
    }
    let Some(attempt) = file.attempts.last_mut().filter(|attempt| attempt.state.is_planned()) else {
        return Ok(());
    };
    attempt.currency = world.provider(attempt.account)?.ok_or(Refusal::UnknownProvider)?.currency;
    let id = AttemptId { order, number: attempt.number };
    become_unknown(file, id, now, RESTORED);
    Ok(())
}

/// A person has found that this attempt was never sent.
pub(super) fn trust_again(file: &mut OrderFile, purpose: Purpose) {
    let Some(subscription) = subscription(file) else { return };
    if purpose == Purpose::Segment(subscription.segments) {
        subscription.doubted = false;
    }
}

fn subscription(file: &mut OrderFile) -> Option<&mut Subscription> {
    match &mut file.order.part {
        Part::Subscription(subscription) => Some(subscription),
        Part::Whole | Part::DripFeed(_) | Part::Run { .. } | Part::Post { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::catalogue::{Route, Service, ServiceType};
    use crate::command::Command;
    use crate::ids::AttemptId;
    use crate::order::OrderStatus;
    use crate::order::attempt::{AttemptState, Verdict};
    use crate::provider::{Observation, SeenStatus};
    use crate::testing::{Stage, draft, following, leg, provider_order, seen, service, unknown};

    fn doubted(stage: &mut Stage, attempt: AttemptId) {
        stage.run(Command::DoubtAttempt { attempt }).expect("doubted");
        let state = &stage.file(attempt.order).attempts[0].state;
        assert!(matches!(state, AttemptState::Unknown { .. }), "{state:?}");
        assert_eq!(stage.order(attempt.order).status, OrderStatus::Pending);
    }

    /// Its provider watches for the first post of several, and the books were restored since.
    fn followed() -> (Stage, AttemptId) {
        let mut stage = Stage::default();
        let account = stage.provider();
        let route = Route::Providers(vec![leg(account, "5")]);
        let sold = stage.service(Service { route, ..service(ServiceType::Subscriptions) });
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, following("anna", 100, 100, None));
        let first = stage.accept(order, "s1");
        stage.run(Command::DoubtPosts { subscription: order }).expect("doubted");
        (stage, first)
    }

    fn post(stage: &mut Stage, segment: AttemptId, id: &str) -> AttemptId {
        let seen = Observation { orders: vec![id.to_owned()], ..seen(SeenStatus::Completed) };
        stage.observe(segment, seen);
        stage.last_attempt(segment.order)
    }

    fn resolve(stage: &mut Stage, attempt: AttemptId, verdict: Verdict) {
        stage.run(Command::ResolveAttempt { attempt, verdict }).expect("resolved");
    }

    /// Shows E7.
    #[test]
    fn the_next_post_of_a_restored_subscription_is_not_asked_for_by_itself() {
        let (mut stage, first) = followed();
        let second = post(&mut stage, first, "p1");
        assert!(matches!(stage.attempt(second).state, AttemptState::Unknown { .. }));
        assert!(stage.run(Command::BeginAttempt { attempt: second }).is_err());
    }

    #[test]
    fn a_segment_that_was_asked_for_since_the_backup_is_followed_and_the_next_is_in_doubt_again() {
        let (mut stage, first) = followed();
        let second = post(&mut stage, first, "p1");
        resolve(&mut stage, second, Verdict::Adopt { order: provider_order("s2") });
        let third = post(&mut stage, second, "p2");
        assert!(matches!(stage.attempt(third).state, AttemptState::Unknown { .. }));
    }

    /// Shows E7.
    #[test]
    fn once_a_segment_was_not_asked_for_the_subscription_goes_on_by_itself() {
        let (mut stage, first) = followed();
        let second = post(&mut stage, first, "p1");
        resolve(&mut stage, second, Verdict::Absent);
        let again = stage.accept(first.order, "s2");
        let third = post(&mut stage, again, "p2");
        assert!(stage.attempt(third).state.is_planned(), "{:?}", stage.attempt(third));
    }

    #[test]
    fn only_an_open_subscription_can_be_in_doubt() {
        let (mut stage, attempt) = placed();
        assert!(stage.run(Command::DoubtPosts { subscription: attempt.order }).is_err());
    }

    fn placed() -> (Stage, AttemptId) {
        let mut stage = Stage::default();
        let (sold, _) = stage.routed();
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, draft("https://example.com/p", 100));
        (stage, AttemptId { order, number: 1 })
    }

    /// Shows E7.
    #[test]
    fn what_was_planned_when_the_backup_was_made_is_not_sent_by_itself() {
        let (mut stage, attempt) = placed();
        doubted(&mut stage, attempt);
        assert!(stage.run(Command::BeginAttempt { attempt }).is_err());
    }

    #[test]
    fn not_even_a_provider_that_is_too_dear_now_makes_another_attempt_of_it() {
        let (mut stage, attempt) = placed();
        let sold = stage.order(attempt.order).service;
        let mut service = stage.services[&sold].clone();
        let Route::Providers(legs) = &service.route else { panic!("no route") };
        let dear = crate::catalogue::Leg {
            rate: crate::money::Rate::from_micros(9_000_000_000).expect("a rate"),
            ..leg(legs[0].account, &legs[0].service)
        };
        service.route = Route::Providers(vec![dear]);
        stage.run(Command::PutService { service: Box::new(service) }).expect("put");
        doubted(&mut stage, attempt);
        assert_eq!(stage.file(attempt.order).attempts.len(), 1);
    }

    #[test]
    fn an_unknown_outcome_is_not_asked_about_with_its_key_any_more() {
        let (mut stage, _) = placed();
        let (anna, sold) =
            (stage.order(crate::ids::OrderId(1)).customer, stage.order(crate::ids::OrderId(1)).service);
        let account = *stage.providers.keys().next().expect("a provider");
        let mut provider = stage.providers[&account].clone();
        provider.keys_kept_hours = Some(24);
        stage.run(Command::PutProvider { account: Box::new(provider) }).expect("put");
        let order = stage.placed(anna, sold, draft("https://example.com/q", 100));
        let attempt = stage.send(order, unknown());
        stage.run(Command::AskAgain { attempt }).expect("may be asked");
        doubted(&mut stage, attempt);
        assert!(stage.run(Command::AskAgain { attempt }).is_err());
    }

    #[test]
    fn what_restored_books_had_planned_is_unknown_even_where_it_could_not_be_sent_now() {
        for enabled in [true, false] {
            let mut stage = Stage::default();
            let (sold, account) = stage.routed();
            let anna = stage.customer(1_000_000);
            let planned = stage.placed(anna, sold, draft("https://example.com/a", 100));
            let sending = stage.placed(anna, sold, draft("https://example.com/b", 100));
            stage.begin(sending);
            let mut provider = stage.providers[&account].clone();
            provider.enabled = enabled;
            stage.run(Command::PutProvider { account: Box::new(provider) }).expect("put");
            for order in [planned, sending] {
                let attempt = stage.last_attempt(order);
                stage.run(Command::DoubtAttempt { attempt }).expect("doubted");
                assert!(matches!(stage.attempt(attempt).state, AttemptState::Unknown { .. }));
                assert_eq!(stage.file(order).attempts.len(), 1, "nothing is planned in its place");
            }
            assert_eq!(stage.balance(anna), 1_000_000 - 2 * 90_000, "nobody is refunded");
        }
    }
}
