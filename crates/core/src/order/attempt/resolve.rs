//! A person's word on an attempt, and the end of a hold that nobody resolved.
//!
//! Rules: `domain.md`, Attempts 6 and 7. What was found at the provider is adopted only while the order is open
//! and nothing else was sent in its place; otherwise it is found late. Never: a refund while money may still be
//! spent upstream, unless a person writes it off.

use super::doubt::trust_again;
use super::duplicate::{may_be_reopened, reopen};
use super::{
    AttemptState, Verdict, book, end_refused, finish_change, may_have_spent, plan_again, recall,
    take_provider_order,
};
use crate::ids::{AttemptId, OrderId, ProviderOrderId};
use crate::limits;
use crate::order::{HoldReason, OrderFile, cancel};
use crate::outcome::{Decision, Done, Refusal, Stop};
use crate::time::Timestamp;
use crate::world::World;

/// What stands, as far as a verdict asks.
enum Standing {
    Unknown,
    Absent,
    WrittenOff,
    /// Refused, and its order is held with nothing planned.
    HeldAfterRefusal,
}

/// See the module's head.
pub fn resolve_attempt(world: &mut World, now: Timestamp, id: AttemptId, verdict: &Verdict) -> Decision {
    let mut file = world.order(id.order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let before = file.order.clone();
    let standing = standing(&file, id)?;
    let by_refusal = matches!(standing, Standing::HeldAfterRefusal);
    match (verdict, standing) {
        (Verdict::Adopt { order }, Standing::Unknown | Standing::Absent | Standing::WrittenOff) => {
            adopt(world, now, &mut file, id, order)?;
        }
        (Verdict::Absent, Standing::Unknown) => {
            if let Some(attempt) = file.attempt_mut(id.number) {
                attempt.state = AttemptState::Absent { since: now };
                let purpose = attempt.purpose;
                trust_again(&mut file, purpose);
            }
            send_again(world, now, &mut file, id)?;
        }
        (Verdict::Absent, Standing::HeldAfterRefusal) => send_again(world, now, &mut file, id)?,
        (Verdict::WriteOff, Standing::Unknown) => write_off(world, now, &mut file, id)?,
        (Verdict::WriteOff, Standing::HeldAfterRefusal) => end_refused(world, now, &mut file)?,
        (Verdict::Adopt { .. }, Standing::HeldAfterRefusal)
        | (Verdict::Absent | Verdict::WriteOff, Standing::Absent | Standing::WrittenOff) => {
            return Err(Refusal::OutOfTurn("the attempt's outcome is not unknown").into());
        }
    }
    let after = file.order.clone();
    world.put_order(file);
    finish_change(world, now, &before, &after, by_refusal)?;
    Ok(Done::Noted)
}

fn standing(file: &OrderFile, id: AttemptId) -> Result<Standing, Refusal> {
    let attempt = file.attempt(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    match attempt.state {
        AttemptState::Unknown { .. } => Ok(Standing::Unknown),
        AttemptState::Absent { .. } => Ok(Standing::Absent),
        AttemptState::WrittenOff { .. } => Ok(Standing::WrittenOff),
        AttemptState::Rejected { .. } if held_after(file, id.number) => Ok(Standing::HeldAfterRefusal),
        AttemptState::Planned { .. }
        | AttemptState::Sending { .. }
        | AttemptState::Accepted { .. }
        | AttemptState::Rejected { .. }
        | AttemptState::NotSent { .. }
        | AttemptState::Adopted { .. }
        | AttemptState::FoundLate { .. }
        | AttemptState::Voided => Err(Refusal::OutOfTurn("the attempt's outcome is not unknown")),
    }
}

/// The last word on an order that waits for a person.
fn held_after(file: &OrderFile, number: u16) -> bool {
    let is_last = usize::from(number) == file.attempts.len();
    is_last && !file.order.status.has_ended() && file.order.hold.is_some() && !may_have_spent(file)
}

pub(super) fn adopt(
    world: &mut World,
    now: Timestamp,
    file: &mut OrderFile,
    id: AttemptId,
    order: &ProviderOrderId,
) -> Result<(), Stop> {
    let attempt = file.attempt(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    if world.claim(attempt.account, order)?.is_some() {
        return Err(Refusal::OutOfTurn("that order belongs to another attempt").into());
    }
    let written_off = matches!(attempt.state, AttemptState::WrittenOff { .. });
    if !written_off && may_be_reopened(file, id.number, attempt.purpose) {
        let state = AttemptState::Adopted { order: order.clone() };
        reopen(file, id.number, state.clone());
        return take_provider_order(world, file, id, state);
    }
    let attempt = file.attempt_mut(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    world.claims.set((attempt.account, order.clone()), Some(id));
    attempt.state = AttemptState::FoundLate { order: order.clone() };
    // A write-off has booked it already; nobody asks for it twice.
    let total = attempt.booked_cost.max(attempt.expected_cost);
    book(world, attempt, id, total)?;
    recall::begin(world, now, file, id.number)
}

/// The same leg once more, at once; or the end, where a cancel waited for this word.
fn send_again(world: &mut World, now: Timestamp, file: &mut OrderFile, id: AttemptId) -> Result<(), Stop> {
    let spent = file.attempt(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?.clone();
    if file.order.status.has_ended() || may_have_spent(file) {
        return Ok(());
    }
    if file.asked_to_cancel() {
        return cancel::carry_out(world, now, file);
    }
    // The deadline of a hold runs anew: somebody has looked at it.
    file.order.hold = None;
    plan_again(file, &spent, now);
    Ok(())
}

/// The possible cost becomes disputed; an order that is still open ends with everything back.
fn write_off(world: &mut World, now: Timestamp, file: &mut OrderFile, id: AttemptId) -> Result<(), Stop> {
    let attempt = file.attempt_mut(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    attempt.state = AttemptState::WrittenOff { since: now };
    book(world, attempt, id, attempt.expected_cost)?;
    if file.order.status.has_ended() { Ok(()) } else { end_refused(world, now, file) }
}

/// A hold that outlived its limit ends as `Canceled`, but never while money may have been spent upstream.
pub fn expire_hold(world: &mut World, now: Timestamp, id: OrderId) -> Decision {
    let mut file = world.order(id)?.ok_or(Refusal::UnknownOrder)?.clone();
    let before = file.order.clone();
    let limit = world.service(before.service)?.map_or(limits::HOLD_LIMIT, |service| service.hold_limit);
    let Some(hold) = &before.hold else { return Err(Refusal::OutOfTurn("the order is not held").into()) };
    let spent = may_have_spent(&file);
    let ran_out = now.since(hold.since) >= limit;
    if before.status.has_ended() || spent || hold.reason == HoldReason::Manual || !ran_out {
        return Err(Refusal::OutOfTurn("the hold has not run out").into());
    }
    end_refused(world, now, &mut file)?;
    let after = file.order.clone();
    world.put_order(file);
    finish_change(world, now, &before, &after, true)?;
    Ok(Done::Noted)
}
