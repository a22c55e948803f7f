//! `sending → accepted | rejected | not_sent | unknown`, and what each means for the order.
//!
//! Rules: `domain.md`, Attempts 2 to 5 and 7. A rejection is classed by its text: some stop the provider and
//! wait, some go on to the next leg, some end the order, and what no row knows waits for a person. An order
//! that has ended meanwhile only has its attempt written down. Never: a second attempt beside a live one.

use super::duplicate::raise_doubts;
use super::{
    Attempt, AttemptResult, AttemptState, Purpose, end_refused, finish_change, may_have_spent, plan,
    plan_again, recall, retry_wait, take_provider_order,
};
use crate::catalogue::{Leg, Takes};
use crate::ids::{AttemptId, ProviderOrderId};
use crate::limits;
use crate::order::observe::hold;
use crate::order::{HoldReason, OrderFile, Part, cancel, wait_for_a_person};
use crate::outcome::{Decision, Done, Refusal, Stop};
use crate::planted::Bug;
use crate::provider::RejectionClass;
use crate::time::Timestamp;
use crate::world::World;

/// The reason given when a `sending` attempt is found after a restart.
pub const RESTARTED: &str = "the panel stopped while it was being sent";
/// The reason given with every attempt that books restored from a backup can't vouch for.
pub const RESTORED: &str = "the books were restored from a backup: it may have been sent since";

/// What comes next for an order whose attempt spent nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A leg that has not refused it, at once; one that only said "not now" after a wait; none left: the end.
    OtherLeg,
    /// A leg that was not tried, at once; else one of those that said "not now", after a wait.
    OtherLegOrWait,
    /// This leg again after a wait.
    Wait,
    /// This leg again after a wait, and another one when it keeps failing.
    Failover,
    /// Canceled, everything back.
    End,
    /// A person looks at it.
    Hold,
}

/// See the module's head.
pub fn finish_attempt(world: &mut World, now: Timestamp, id: AttemptId, result: &AttemptResult) -> Decision {
    let mut file = world.order(id.order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let attempt = file.attempt(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?.clone();
    if !matches!(attempt.state, AttemptState::Sending { .. }) {
        return Err(Refusal::OutOfTurn("the attempt is not being sent").into());
    }
    let (before, cancelled) = (file.order.clone(), file.asked_to_cancel());
    match result {
        AttemptResult::Accepted { order } => accept(world, now, &mut file, &attempt, id, order)?,
        AttemptResult::Unknown { why } if planted_resend(world, why) => {
            set_state(&mut file, id, AttemptState::Absent { since: now });
            plan_again(&mut file, &attempt, now);
        }
        AttemptResult::Unknown { why } => become_unknown(&mut file, id, now, why),
        AttemptResult::NotSent { why } => not_sent(world, now, &mut file, id, why)?,
        AttemptResult::Rejected { class, text } => reject(world, now, &mut file, id, *class, text)?,
    }
    let after = file.order.clone();
    world.put_order(file);
    finish_change(world, now, &before, &after, !cancelled)?;
    Ok(Done::Noted)
}

/// A planned attempt that our own policy keeps from being sent. At a loss another leg may be cheaper, at once.
pub(super) fn keep_unsent(
    world: &mut World,
    now: Timestamp,
    mut file: OrderFile,
    id: AttemptId,
    reason: HoldReason,
) -> Decision {
    let (before, cancelled) = (file.order.clone(), file.asked_to_cancel());
    let (why, next) = match &reason {
        HoldReason::PriceAboveCharge { .. } => {
            ("the provider's rate is above the order's", Next::OtherLegOrWait)
        }
        HoldReason::NotSent { why } => (why.as_str(), Next::Failover),
        HoldReason::Manual
        | HoldReason::Refused { .. }
        | HoldReason::UnknownOutcome { .. }
        | HoldReason::PartialWithoutRemains { .. }
        | HoldReason::PartialPackage
        | HoldReason::Failed { .. } => {
            return Err(Refusal::OutOfTurn("that is no reason to keep an attempt back").into());
        }
    };
    set_state(&mut file, id, AttemptState::NotSent { why: why.to_owned() });
    hold(&mut file, reason, now);
    go_on(world, now, &mut file, id, next)?;
    let after = file.order.clone();
    world.put_order(file);
    finish_change(world, now, &before, &after, !cancelled)?;
    Ok(Done::Noted)
}

/// Bugs 1 and 5 of the list: an outcome nobody knows, or an attempt found half-sent after a restart, is sent again.
fn planted_resend(world: &World, why: &str) -> bool {
    let after_restart = world.planted.has(Bug::SendingToPlanned) && why == RESTARTED;
    after_restart || world.planted.has(Bug::RetryAfterTimeout)
}

fn accept(
    world: &mut World,
    now: Timestamp,
    file: &mut OrderFile,
    attempt: &Attempt,
    id: AttemptId,
    order: &ProviderOrderId,
) -> Result<(), Stop> {
    if world.claim(attempt.account, order)?.is_some() {
        let why = format!("the provider named order {order}, which belongs to another attempt");
        become_unknown(file, id, now, &why);
        return Ok(());
    }
    take_provider_order(world, file, id, AttemptState::Accepted { order: order.clone() })?;
    if file.order.status.has_ended() { recall::begin(world, now, file, id.number) } else { Ok(()) }
}

pub(super) fn become_unknown(file: &mut OrderFile, id: AttemptId, now: Timestamp, why: &str) {
    set_state(file, id, AttemptState::Unknown { since: now, why: why.to_owned() });
    if !file.order.status.has_ended() {
        hold(file, HoldReason::UnknownOutcome { why: why.to_owned() }, now);
    }
}

fn not_sent(
    world: &mut World,
    now: Timestamp,
    file: &mut OrderFile,
    id: AttemptId,
    why: &str,
) -> Result<(), Stop> {
    set_state(file, id, AttemptState::NotSent { why: why.to_owned() });
    if file.order.status.has_ended() {
        return Ok(());
    }
    hold(file, HoldReason::NotSent { why: why.to_owned() }, now);
    go_on(world, now, file, id, Next::Failover)
}

fn reject(
    world: &mut World,
    now: Timestamp,
    file: &mut OrderFile,
    id: AttemptId,
    class: RejectionClass,
    text: &str,
) -> Result<(), Stop> {
    set_state(file, id, AttemptState::Rejected { class, text: text.to_owned() });
    if file.order.status.has_ended() {
        return Ok(());
    }
    hold(file, HoldReason::Refused { class, text: text.to_owned() }, now);
    let held = class == RejectionClass::Duplicate && raise_doubts(world, now, file, id)?;
    go_on(world, now, file, id, if held { Next::Hold } else { after_rejection(class) })
}

const fn after_rejection(class: RejectionClass) -> Next {
    match class {
        RejectionClass::Funds | RejectionClass::Auth => Next::OtherLegOrWait,
        RejectionClass::Service | RejectionClass::Input { reroutable: true } => Next::OtherLeg,
        RejectionClass::Input { reroutable: false } => Next::End,
        RejectionClass::Duplicate | RejectionClass::Limit | RejectionClass::Temporary => Next::Wait,
        RejectionClass::Unrecognised => Next::Hold,
    }
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
    id: AttemptId,
    next: Next,
) -> Result<(), Stop> {
    if may_have_spent(file) {
        return Ok(());
    }
    if file.asked_to_cancel() {
        // The customer asked to stop while it was being sent; nothing was taken upstream, so it stops here.
        return cancel::carry_out(world, now, file);
    }
    let spent = file.attempt(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?.clone();
    let service = world.service(file.order.service)?.ok_or(Refusal::UnknownService)?;
    let usable = |leg: &&Leg| takes(leg, file, spent.purpose);
    let legs: Vec<Leg> = service.route.legs().iter().filter(usable).cloned().collect();
    if legs.is_empty() && !matches!(next, Next::End | Next::Hold) {
        wait_for_a_person(file, now);
        return Ok(());
    }
    let later = now.after(retry_wait(file));
    let fresh = legs.iter().find(|leg| opinion(file, &spent, leg) == Opinion::None);
    let patient = || calmest(file, &spent, &legs);
    let same = legs.iter().find(|leg| is_leg_of(leg, &spent));
    let chosen = match next {
        Next::Hold => return Ok(()),
        Next::End => None,
        Next::OtherLeg | Next::OtherLegOrWait => {
            fresh.map(|leg| (leg, now)).or_else(|| Some((patient()?, later)))
        }
        Next::Wait => same.or_else(patient).map(|leg| (leg, later)),
        Next::Failover => patient().map(|leg| (leg, later)),
    };
    match chosen {
        Some((leg, due)) => {
            plan(file, spent.purpose, leg, due);
            Ok(())
        }
        None => end_refused(world, now, file),
    }
}

/// Segments go only where they can be cancelled, and reported posts only to legs for posts.
fn takes(leg: &Leg, file: &OrderFile, purpose: Purpose) -> bool {
    match (purpose, &file.order.part) {
        (Purpose::Segment(_), _) => leg.takes == Takes::Orders && leg.cancel,
        (Purpose::Order | Purpose::Mirrored, Part::Post { .. }) => leg.takes == Takes::Posts,
        (
            Purpose::Order | Purpose::Mirrored,
            Part::Whole | Part::DripFeed(_) | Part::Subscription(_) | Part::Run { .. },
        ) => leg.takes == Takes::Orders,
    }
}

/// What a leg has said so far to this purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Opinion {
    None,
    NotNow,
    /// Its service is gone, or can't take this order.
    Never,
}

fn opinion(file: &OrderFile, spent: &Attempt, leg: &Leg) -> Opinion {
    tries(file, spent, leg).map(|attempt| opinion_of(&attempt.state)).max().unwrap_or(Opinion::None)
}

const fn opinion_of(state: &AttemptState) -> Opinion {
    match state {
        AttemptState::Rejected { class: RejectionClass::Service | RejectionClass::Input { .. }, .. } => {
            Opinion::Never
        }
        AttemptState::Rejected { .. } | AttemptState::NotSent { .. } => Opinion::NotNow,
        AttemptState::Planned { .. }
        | AttemptState::Sending { .. }
        | AttemptState::Accepted { .. }
        | AttemptState::Unknown { .. }
        | AttemptState::Adopted { .. }
        | AttemptState::Absent { .. }
        | AttemptState::WrittenOff { .. }
        | AttemptState::FoundLate { .. }
        | AttemptState::Voided => Opinion::None,
    }
}

/// Of the legs that may still take it the one tried least, in steps of [`limits::TRIES_PER_LEG`]; the first of equals.
fn calmest<'a>(file: &OrderFile, spent: &Attempt, legs: &'a [Leg]) -> Option<&'a Leg> {
    let willing = legs.iter().filter(|leg| opinion(file, spent, leg) != Opinion::Never);
    willing.min_by_key(|leg| tries(file, spent, leg).count() / limits::TRIES_PER_LEG)
}

fn tries<'a>(file: &'a OrderFile, spent: &Attempt, leg: &Leg) -> impl Iterator<Item = &'a Attempt> {
    let purpose = spent.purpose;
    let (account, service) = (leg.account, leg.service.clone());
    file.attempts.iter().filter(move |attempt| {
        attempt.purpose == purpose && attempt.account == account && attempt.service == service
    })
}

fn is_leg_of(leg: &Leg, attempt: &Attempt) -> bool {
    leg.account == attempt.account && leg.service == attempt.service
}
