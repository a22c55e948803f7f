//! `sending → accepted | rejected | not_sent | unknown`, and what each means for the order.
//!
//! Rules: `domain.md`, Attempts 2 to 5 and 7. A rejection is classed by its text: some stop the provider and
//! wait, some go on to the next leg, some end the order, and what no row knows waits for a person.

use super::{
    Attempt, AttemptResult, AttemptState, Purpose, end_refused, finish_change, plan, retry_wait,
    take_provider_order, void_planned,
};
use crate::catalogue::Leg;
use crate::command::{Decision, Done, Refusal, Stop};
use crate::ids::{AttemptId, ProviderOrderId};
use crate::order::observe::hold;
use crate::order::settle::{End, settle};
use crate::order::{HoldReason, OrderFile};
use crate::planted::Bug;
use crate::provider::RejectionClass;
use crate::time::Timestamp;
use crate::world::World;

/// What comes next for an order whose attempt spent nothing.
enum Next {
    /// The next leg that has not refused it, at once; none left: the end.
    OtherLeg,
    /// The next leg, or this one again after a wait.
    OtherLegOrWait,
    /// This leg again after a wait.
    Wait,
    /// Canceled, everything back.
    End,
    /// A person looks at it.
    Hold,
}

/// See the module's head.
pub fn finish_attempt(world: &mut World, now: Timestamp, id: AttemptId, result: &AttemptResult) -> Decision {
    let mut file = world.order(id.order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let before = file.order.clone();
    let attempt = file.attempt(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?.clone();
    if !matches!(attempt.state, AttemptState::Sending { .. }) {
        return Err(Refusal::OutOfTurn("the attempt is not being sent").into());
    }
    match result {
        AttemptResult::Accepted { order } => accept(world, now, &mut file, &attempt, id, order)?,
        AttemptResult::Unknown { why }
            if world.planted.has(Bug::RetryAfterTimeout)
                || world.planted.has(Bug::SendingToPlanned) && why == RESTARTED =>
        {
            set_state(&mut file, id, AttemptState::Absent { since: now });
            let leg = Leg {
                account: attempt.account,
                service: attempt.service,
                rate: crate::money::Rate::from_micros(0).ok_or(Refusal::AmountOutOfRange)?,
                cancel: true,
            };
            plan(&mut file, attempt.purpose, &leg, now);
        }
        AttemptResult::Unknown { why } => become_unknown(&mut file, id, now, why),
        AttemptResult::NotSent { why } => {
            set_state(&mut file, id, AttemptState::NotSent { why: why.clone() });
            hold(&mut file, HoldReason::NotSent { why: why.clone() }, now);
            go_on(world, now, &mut file, &attempt, Next::Wait)?;
        }
        AttemptResult::Rejected { class: RejectionClass::Duplicate, text }
            if in_doubt(world, &file, &attempt, id)? =>
        {
            // "Active order with this link" while another try at the same place is in doubt is evidence that the
            // other one was taken; it proves nothing about this one, and neither is sent again.
            set_state(
                &mut file,
                id,
                AttemptState::Rejected { class: RejectionClass::Duplicate, text: text.clone() },
            );
            hold(
                &mut file,
                HoldReason::Refused { class: RejectionClass::Duplicate, text: text.clone() },
                now,
            );
            go_on(world, now, &mut file, &attempt, Next::Wait)?;
        }
        AttemptResult::Rejected { class, text } => {
            set_state(&mut file, id, AttemptState::Rejected { class: *class, text: text.clone() });
            hold(&mut file, HoldReason::Refused { class: *class, text: text.clone() }, now);
            go_on(world, now, &mut file, &attempt, after_rejection(*class))?;
        }
    }
    let after = file.order.clone();
    world.put_order(file);
    finish_change(world, now, &before, &after)?;
    Ok(Done::Noted)
}

/// The reason given when a `sending` attempt is found after a restart.
pub const RESTARTED: &str = "the panel stopped while it was being sent";

const fn after_rejection(class: RejectionClass) -> Next {
    match class {
        RejectionClass::Funds | RejectionClass::Auth => Next::OtherLegOrWait,
        RejectionClass::Service | RejectionClass::Input { reroutable: true } => Next::OtherLeg,
        RejectionClass::Input { reroutable: false } => Next::End,
        RejectionClass::Duplicate | RejectionClass::Limit | RejectionClass::Temporary => Next::Wait,
        RejectionClass::Unrecognised => Next::Hold,
    }
}

fn accept(
    world: &mut World,
    now: Timestamp,
    file: &mut OrderFile,
    attempt: &Attempt,
    id: AttemptId,
    order: &ProviderOrderId,
) -> Result<(), Stop> {
    if world.claim(attempt.account, order)?.is_some_and(|owner| owner != id) {
        become_unknown(
            file,
            id,
            now,
            &format!("the provider named order {order}, which belongs to another attempt"),
        );
        return Ok(());
    }
    take_provider_order(world, file, id, AttemptState::Accepted { order: order.clone() })
}

fn become_unknown(file: &mut OrderFile, id: AttemptId, now: Timestamp, why: &str) {
    set_state(file, id, AttemptState::Unknown { since: now, why: why.to_owned() });
    hold(file, HoldReason::UnknownOutcome { why: why.to_owned() }, now);
}

/// Another attempt at this account and link, of any order, whose outcome nobody knows.
fn in_doubt(world: &World, file: &OrderFile, attempt: &Attempt, id: AttemptId) -> Result<bool, Stop> {
    let Some(link) = file.order.target() else { return Ok(false) };
    let doubts = world.doubts(attempt.account, link)?;
    Ok(doubts.is_some_and(|attempts| attempts.iter().any(|other| *other != id)))
}

fn set_state(file: &mut OrderFile, id: AttemptId, state: AttemptState) {
    if let Some(attempt) = file.attempt_mut(id.number) {
        attempt.state = state;
    }
}

fn go_on(
    world: &mut World,
    now: Timestamp,
    file: &mut OrderFile,
    spent: &Attempt,
    next: Next,
) -> Result<(), Stop> {
    if file.cancels.iter().any(|cancel| cancel.state.is_open()) {
        // The customer asked to stop while it was being sent; nothing was taken upstream, so it stops here.
        void_planned(file);
        return match spent.purpose {
            Purpose::Segment(_) => crate::order::subscription::end_cancelled(world, now, file),
            Purpose::Order | Purpose::Mirrored => settle(world, now, file, End::Canceled),
        };
    }
    let service = world.service(file.order.service)?.ok_or(Refusal::UnknownService)?;
    let legs = service.route.legs();
    let other = legs.iter().find(|leg| !refused_before(file, leg)).cloned();
    let same = legs.iter().find(|leg| is_leg_of(leg, spent)).or_else(|| legs.first()).cloned();
    let later = now.after(retry_wait(file));
    match (next, other, same) {
        (Next::OtherLeg | Next::OtherLegOrWait, Some(leg), _) => plan(file, spent.purpose, &leg, now),
        (Next::Wait | Next::OtherLegOrWait, _, Some(leg)) => plan(file, spent.purpose, &leg, later),
        (Next::Hold, _, _) => {}
        (Next::End | Next::OtherLeg, _, _) | (Next::Wait | Next::OtherLegOrWait, _, None) => {
            end_refused(world, now, file)?
        }
    }
    Ok(())
}

/// Any earlier attempt at this leg counts, whatever its purpose: a leg that refused once is not asked again
/// for the same order, unless there is no other.
fn refused_before(file: &OrderFile, leg: &Leg) -> bool {
    file.attempts
        .iter()
        .any(|attempt| is_leg_of(leg, attempt) && matches!(attempt.state, AttemptState::Rejected { .. }))
}

fn is_leg_of(leg: &Leg, attempt: &Attempt) -> bool {
    leg.account == attempt.account && leg.service == attempt.service
}
