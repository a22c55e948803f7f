//! Following what a provider says about an order it made for us.
//!
//! In: an observation, read tolerantly. Out: the order moved forward, ended or corrected; costs booked.
//! Every number from outside is bounded by what we know before money follows it (invariants.md B5-B10).
//! Rules: `domain.md`, Orders and Attempts 9. Never: a move backward, a claw-back, a refund on a word nobody knows.

use crate::command::{Decision, Done, Refusal, Stop};
use crate::draws::Draws;
use crate::ids::AttemptId;
use crate::limits;
use crate::money::Amount;
use crate::order::attempt::{AttemptState, Purpose, book};
use crate::order::settle::{End, settle};
use crate::order::{Hold, HoldReason, OrderFile, OrderStatus, Part, dripfeed, subscription};
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
