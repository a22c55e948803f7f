//! How much of a package was delivered, as an operator enters it.
//!
//! A package has no quantity that a `Partial` could be reckoned from, so its `Partial` only holds it (`domain.md`,
//! Orders, Partial). In: the delivered thousandths. Out: the order `Partial` with the rest refunded, rounded in
//! our favour by less than a micro-unit. Entered again with less, within the window of corrections, it gives back
//! more. Never: a claw-back, another type of order.

use crate::ids::OrderId;
use crate::limits;
use crate::order::observe::tell_parent;
use crate::order::settle::{End, settle};
use crate::order::{HoldReason, Order, OrderStatus};
use crate::outcome::{Decision, Done, Refusal};
use crate::time::Timestamp;
use crate::world::World;

/// See the module's head. Nothing delivered is a cancel, everything a completion: both are told by hand as such.
pub fn enter_share(world: &mut World, now: Timestamp, id: OrderId, delivered_permille: u16) -> Decision {
    let mut file = world.order(id)?.ok_or(Refusal::UnknownOrder)?.clone();
    if !(1..1000).contains(&delivered_permille) {
        return Err(Refusal::OutOfTurn("a share is 1 to 999 thousandths").into());
    }
    if !waits_for_a_share(&file.order) && !may_be_corrected(&file.order, now) {
        return Err(Refusal::OutOfTurn("no package that came back partial").into());
    }
    let before = file.order.clone();
    // A quantity of one has no part; what remains of it would make a reseller's script refund the whole.
    file.order.remains = 0;
    settle(world, now, &mut file, End::Share { delivered_permille })?;
    let after = file.order.clone();
    world.put_order(file);
    tell_parent(world, now, &before, &after)?;
    Ok(Done::Noted)
}

fn waits_for_a_share(order: &Order) -> bool {
    let held = order.hold.as_ref().is_some_and(|hold| hold.reason == HoldReason::PartialPackage);
    held && !order.status.has_ended()
}

fn may_be_corrected(order: &Order, now: Timestamp) -> bool {
    order.kind.service_type().is_package()
        && order.status == OrderStatus::Partial
        && order.ended_at.is_some_and(|at| now.since(at) <= limits::CORRECTION_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Route, Service, ServiceType};
    use crate::command::Command;
    use crate::ids::{AttemptId, CustomerId};
    use crate::provider::SeenStatus;
    use crate::testing::{Stage, draft, leg, seen, service};
    use crate::time::Span;

    /// A package for 900,000 micro-units that came back partial.
    fn held() -> (Stage, CustomerId, AttemptId) {
        let mut stage = Stage::default();
        let account = stage.provider();
        let route = Route::Providers(vec![leg(account, "9")]);
        let sold = stage.service(Service { route, ..service(ServiceType::Package) });
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, draft("https://example.com/p", 1));
        let attempt = stage.accept(order, "p1");
        stage.observe(attempt, seen(SeenStatus::Partial));
        (stage, anna, attempt)
    }

    fn enter(stage: &mut Stage, order: OrderId, delivered_permille: u16) -> crate::outcome::Outcome {
        stage.run(Command::EnterShare { order, delivered_permille })
    }

    #[test]
    fn the_share_not_delivered_comes_back() {
        let (mut stage, anna, attempt) = held();
        enter(&mut stage, attempt.order, 333).expect("entered");
        assert_eq!(stage.order(attempt.order).status, OrderStatus::Partial);
        assert_eq!(stage.balance(anna), 1_000_000 - 299_700);
    }

    /// Shows C20, E4.
    #[test]
    fn entered_again_with_less_it_gives_back_more_and_with_more_nothing_is_taken() {
        let (mut stage, anna, attempt) = held();
        for permille in [500, 250, 900] {
            enter(&mut stage, attempt.order, permille).expect("entered");
        }
        assert_eq!(stage.balance(anna), 1_000_000 - 225_000);
        stage.wait(Span(limits::CORRECTION_WINDOW.0 + 1));
        assert!(enter(&mut stage, attempt.order, 100).is_err());
    }

    #[test]
    fn a_provider_may_still_cancel_it_afterwards() {
        let (mut stage, anna, attempt) = held();
        enter(&mut stage, attempt.order, 500).expect("entered");
        stage.observe(attempt, seen(SeenStatus::Canceled));
        assert_eq!(stage.balance(anna), 1_000_000);
    }

    #[test]
    fn only_a_package_that_came_back_partial_has_a_share() {
        let (mut stage, anna, attempt) = held();
        for permille in [0, 1_000, u16::MAX] {
            assert!(enter(&mut stage, attempt.order, permille).is_err());
        }
        let plain = stage.service(service(ServiceType::Default));
        let order = stage.placed(anna, plain, draft("ben", 100));
        stage.observe(AttemptId::by_hand(order), crate::testing::seen_left(SeenStatus::Partial, 50));
        assert!(enter(&mut stage, order, 500).is_err());
    }
}
