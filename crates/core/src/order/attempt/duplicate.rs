//! "Active order with this link": what it says about other attempts at the same account and link.
//!
//! Rule: `domain.md`, Attempts 4; invariants.md 2.0. The refusal is evidence that an attempt of unknown outcome,
//! or one taken for absent within [`limits::DUPLICATE_EVIDENCE`] while its order is open, was accepted after all:
//! that one is (again) unknown, and both orders are held. It clears nothing, and nothing is sent again.

use super::{AttemptState, Purpose};
use crate::ids::AttemptId;
use crate::limits;
use crate::order::observe::hold;
use crate::order::{HoldReason, OrderFile};
use crate::outcome::{Refusal, Stop};
use crate::time::Timestamp;
use crate::world::{Need, World};

/// Makes every attempt in doubt beside `refused`, which is one of `file`, unknown again. True when there is any.
pub(super) fn raise_doubts(
    world: &mut World,
    now: Timestamp,
    file: &mut OrderFile,
    refused: AttemptId,
) -> Result<bool, Stop> {
    let Some(link) = file.order.target().map(str::to_owned) else { return Ok(false) };
    let account = file.attempt(refused.number).ok_or(Refusal::OutOfTurn("no such attempt"))?.account;
    // The latest first: of two that were taken for absent only one comes back, for no two may be live at once.
    let mut found = false;
    for number in (1..refused.number).rev() {
        found |= file.attempt(number).is_some_and(|attempt| attempt.account == account)
            && doubt_again(file, number, now);
    }
    let others = world.attempts_in_doubt(account, &link)?;
    let others: Vec<AttemptId> = others.into_iter().filter(|other| other.order != refused.order).collect();
    Need::together(others.iter().map(|other| world.order(other.order).err()))?;
    for other in others.into_iter().rev() {
        let Some(mut doubted) = world.order(other.order)?.cloned() else { continue };
        if doubt_again(&mut doubted, other.number, now) {
            found = true;
            world.put_order(doubted);
        }
    }
    Ok(found)
}

/// Whether attempt `number` is in doubt; an absent one becomes unknown, and what was planned in its place is voided.
fn doubt_again(file: &mut OrderFile, number: u16, now: Timestamp) -> bool {
    let Some(attempt) = file.attempt(number) else { return false };
    match attempt.state {
        AttemptState::Unknown { .. } => return true,
        AttemptState::Absent { since } => {
            let purpose = attempt.purpose;
            if now.since(since) > limits::DUPLICATE_EVIDENCE || !may_be_reopened(file, number, purpose) {
                return false;
            }
        }
        AttemptState::Planned { .. }
        | AttemptState::Sending { .. }
        | AttemptState::Accepted { .. }
        | AttemptState::Rejected { .. }
        | AttemptState::NotSent { .. }
        | AttemptState::Adopted { .. }
        | AttemptState::WrittenOff { .. }
        | AttemptState::FoundLate { .. }
        | AttemptState::Voided => return false,
    }
    let why = "after it was taken for absent, the provider spoke of an active order with this link";
    reopen(file, number, AttemptState::Unknown { since: now, why: why.to_owned() });
    hold(file, HoldReason::UnknownOutcome { why: why.to_owned() }, now);
    true
}

/// `absent → unknown` only while the order is open and no other attempt of the purpose may have spent: no later
/// one, and no earlier one that came back first.
pub(super) fn may_be_reopened(file: &OrderFile, number: u16, purpose: Purpose) -> bool {
    let is_other = |other: &super::Attempt| other.number != number && other.purpose == purpose;
    let spent = file.attempts.iter().any(|other| is_other(other) && other.state.is_live());
    !spent && !file.order.status.has_ended()
}

/// Gives an attempt taken for absent another state; a later one of its purpose that is planned is voided.
pub(super) fn reopen(file: &mut OrderFile, number: u16, state: AttemptState) {
    let Some(attempt) = file.attempt_mut(number) else { return };
    attempt.state = state;
    let purpose = attempt.purpose;
    for later in file.attempts.iter_mut().filter(|later| later.number > number && later.purpose == purpose) {
        if matches!(later.state, AttemptState::Planned { .. }) {
            later.state = AttemptState::Voided;
        }
    }
}
