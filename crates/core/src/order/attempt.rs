//! Attempts: how money is spent upstream, at most once for each purpose.
//!
//! States: `planned → sending → accepted | rejected | not_sent | unknown`, `unknown → adopted | absent |
//! written_off`, `planned → voided`. `sending` is committed before the first byte leaves and never goes back
//! to planned. A new attempt exists only if all earlier ones of its purpose are rejected, not sent, absent or
//! voided. Rules: `domain.md`, Attempts; invariants.md 2.0. Never: a resend of an unknown outcome.

mod finish;

pub use finish::{RESTARTED, finish_attempt};

use serde::{Deserialize, Serialize};

use crate::catalogue::Leg;
use crate::command::{Decision, Done, Refusal, Stop};
use crate::ids::{AttemptId, OrderId, ProviderAccountId, ProviderOrderId};
use crate::ledger::{Cause, LedgerAccount};
use crate::limits;
use crate::money::{Amount, Currency, Quantity, RatePer};
use crate::order::observe::tell_parent;
use crate::order::settle::{End, settle};
use crate::order::{HoldReason, OrderFile, OrderKind, OrderStatus, Part, PostsAsked, dripfeed};
use crate::provider::RejectionClass;
use crate::time::{Span, Timestamp};
use crate::world::World;

/// One try to place something at one provider account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// From 1.
    pub number: u16,
    pub purpose: Purpose,
    pub account: ProviderAccountId,
    /// The provider's id of the service.
    pub service: String,
    /// By the provider's last known rate, when it was planned.
    pub expected_cost: Amount,
    /// Currency of both costs: the provider account's, known once it is sent.
    pub currency: Currency,
    pub booked_cost: Amount,
    /// Entries written with this attempt as their cause.
    pub entries: u32,
    pub state: AttemptState,
    pub planned_at: Timestamp,
}

/// What an attempt is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// The order itself.
    Order,
    /// One post of a passed-on subscription.
    Segment(u32),
    /// A post that the provider made within a segment: followed here, paid for there.
    Mirrored,
}

/// See the module's head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptState {
    Planned {
        due: Timestamp,
    },
    Sending {
        since: Timestamp,
    },
    Accepted {
        order: ProviderOrderId,
    },
    Rejected {
        class: RejectionClass,
        text: String,
    },
    NotSent {
        why: String,
    },
    Unknown {
        since: Timestamp,
        why: String,
    },
    /// Found by evidence, or by an operator's word.
    Adopted {
        order: ProviderOrderId,
    },
    Absent {
        since: Timestamp,
    },
    WrittenOff {
        since: Timestamp,
    },
    /// Planned, and no longer wanted before it was sent.
    Voided,
}

impl AttemptState {
    /// May have spent, or may still spend, at the provider.
    pub const fn is_live(&self) -> bool {
        match self {
            Self::Sending { .. } | Self::Accepted { .. } | Self::Unknown { .. } | Self::Adopted { .. } => {
                true
            }
            Self::Planned { .. }
            | Self::Rejected { .. }
            | Self::NotSent { .. }
            | Self::Absent { .. }
            | Self::WrittenOff { .. }
            | Self::Voided => false,
        }
    }

    pub const fn provider_order(&self) -> Option<&ProviderOrderId> {
        match self {
            Self::Accepted { order } | Self::Adopted { order } => Some(order),
            Self::Planned { .. }
            | Self::Sending { .. }
            | Self::Rejected { .. }
            | Self::NotSent { .. }
            | Self::Unknown { .. }
            | Self::Absent { .. }
            | Self::WrittenOff { .. }
            | Self::Voided => None,
        }
    }
}

/// How the exchange with the provider went (`domain.md`, Attempts 2 and 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptResult {
    Accepted { order: ProviderOrderId },
    Rejected { class: RejectionClass, text: String },
    NotSent { why: String },
    Unknown { why: String },
}

/// Everything a driver needs to send an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub attempt: AttemptId,
    pub account: ProviderAccountId,
    pub service: String,
    pub kind: OrderKind,
    pub link: Option<String>,
    pub quantity: Quantity,
}

/// A person's decision over an unknown outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The provider made this order for it.
    Adopt { order: ProviderOrderId },
    /// The provider made nothing: send again.
    Absent,
    /// Nobody knows: give the customer the money back, and book the possible cost as disputed.
    WriteOff,
}

/// Adds a planned attempt at `leg`. The caller has made sure that its purpose has none alive.
pub fn plan(file: &mut OrderFile, purpose: Purpose, leg: &Leg, due: Timestamp) {
    let quantity = purpose_quantity(file, purpose);
    let per =
        if file.order.kind.service_type().is_package() { RatePer::WholeOrder } else { RatePer::Thousand };
    let number = u16::try_from(file.attempts.len() + 1).unwrap_or(u16::MAX);
    file.attempts.push(Attempt {
        number,
        purpose,
        account: leg.account,
        service: leg.service.clone(),
        expected_cost: leg.rate.charge(per, quantity).unwrap_or(Amount::ZERO),
        currency: file.order.currency,
        booked_cost: Amount::ZERO,
        entries: 0,
        state: AttemptState::Planned { due },
        planned_at: due,
    });
}

/// Of a segment the quantity that was drawn for its post.
fn purpose_quantity(file: &OrderFile, purpose: Purpose) -> Quantity {
    match (purpose, &file.order.part) {
        (Purpose::Segment(_), Part::Subscription(subscription)) => subscription.drawn,
        _whole_order => file.order.quantity,
    }
}

/// Waits double from [`limits::RETRY_WAIT_FIRST`] with every attempt there was.
fn retry_wait(file: &OrderFile) -> Span {
    let doublings = u32::try_from(file.attempts.len().saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let wait = limits::RETRY_WAIT_FIRST.0.saturating_mul(1_i64 << doublings);
    Span(wait.min(limits::RETRY_WAIT_MAX.0))
}

/// `planned → sending`: the claim. Its commit comes before the first byte.
pub fn begin_attempt(world: &mut World, now: Timestamp, id: AttemptId) -> Decision {
    let mut file = world.order(id.order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let order_open = !file.order.status.has_ended();
    let attempt = file.attempt_mut(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    let AttemptState::Planned { due } = attempt.state else {
        return Err(Refusal::OutOfTurn("the attempt is not planned").into());
    };
    if !order_open || due > now {
        return Err(Refusal::OutOfTurn("the order has ended, or the attempt is not due").into());
    }
    let provider = world.provider(attempt.account)?.ok_or(Refusal::UnknownProvider)?;
    if !provider.enabled {
        return Err(Refusal::OutOfTurn("the provider is off").into());
    }
    attempt.currency = provider.currency;
    attempt.state = AttemptState::Sending { since: now };
    let (account, service, purpose) = (attempt.account, attempt.service.clone(), attempt.purpose);
    let outgoing = Outgoing {
        attempt: id,
        account,
        service,
        kind: outgoing_kind(&file, purpose),
        link: file.order.link.clone(),
        quantity: purpose_quantity(&file, purpose),
    };
    world.put_order(file);
    Ok(Done::Began(Box::new(outgoing)))
}

/// A subscription is passed on one post at a time, so that never more than one can be made before we know.
fn outgoing_kind(file: &OrderFile, purpose: Purpose) -> OrderKind {
    match (&file.order.kind, &file.order.part, purpose) {
        (OrderKind::Subscriptions(asked), Part::Subscription(subscription), Purpose::Segment(_)) => {
            OrderKind::Subscriptions(PostsAsked {
                min: subscription.drawn,
                max: subscription.drawn,
                posts: Some(1),
                old_posts: None,
                ..asked.clone()
            })
        }
        (kind, _, _) => kind.clone(),
    }
}

/// Gives an attempt its order at the provider: cost booked, the order on its way.
fn take_provider_order(
    world: &mut World,
    file: &mut OrderFile,
    id: AttemptId,
    state: AttemptState,
) -> Result<(), Stop> {
    let attempt = file.attempt_mut(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    if let Some(order) = state.provider_order() {
        world.claims.set((attempt.account, order.clone()), Some(id));
    }
    attempt.state = state;
    let (prepaid, cost) = (LedgerAccount::Prepaid(attempt.account), LedgerAccount::Cost(attempt.account));
    let expected = attempt.expected_cost;
    attempt.entries =
        world.post(Cause::Attempt(id), attempt.entries, prepaid, cost, expected, attempt.currency)?;
    attempt.booked_cost = expected;
    if file.order.status == OrderStatus::Pending {
        file.order.status = match file.order.part {
            Part::Subscription(_) => OrderStatus::InProgress,
            Part::Whole | Part::DripFeed(_) | Part::Run { .. } | Part::Post { .. } => OrderStatus::Processing,
        };
    }
    file.order.hold = None;
    Ok(())
}

/// A person's word on an attempt of unknown outcome (`domain.md`, Attempts 6).
pub fn resolve_attempt(world: &mut World, now: Timestamp, id: AttemptId, verdict: &Verdict) -> Decision {
    let mut file = world.order(id.order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let before = file.order.clone();
    let attempt = file.attempt_mut(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    if !matches!(attempt.state, AttemptState::Unknown { .. }) || before.status.has_ended() {
        return Err(Refusal::OutOfTurn("the attempt's outcome is not unknown").into());
    }
    match verdict {
        Verdict::Adopt { order } => {
            if world.claim(attempt.account, order)?.is_some() {
                return Err(Refusal::OutOfTurn("that order belongs to another attempt").into());
            }
            take_provider_order(world, &mut file, id, AttemptState::Adopted { order: order.clone() })?;
        }
        Verdict::Absent => {
            attempt.state = AttemptState::Absent { since: now };
            if file.cancels.iter().any(|cancel| cancel.state.is_open()) {
                settle(world, now, &mut file, End::Canceled)?;
            } else {
                plan_again(&mut file, id.number, now);
            }
        }
        Verdict::WriteOff => {
            attempt.state = AttemptState::WrittenOff { since: now };
            let (prepaid, disputed) =
                (LedgerAccount::Prepaid(attempt.account), LedgerAccount::Disputed(attempt.account));
            let expected = attempt.expected_cost;
            attempt.entries = world.post(
                Cause::Attempt(id),
                attempt.entries,
                prepaid,
                disputed,
                expected,
                attempt.currency,
            )?;
            attempt.booked_cost = expected;
            end_refused(world, now, &mut file)?;
        }
    }
    let after = file.order.clone();
    world.put_order(file);
    finish_change(world, now, &before, &after)?;
    Ok(Done::Noted)
}

/// The same leg once more, at once: only after an attempt that is proved to have spent nothing.
fn plan_again(file: &mut OrderFile, number: u16, due: Timestamp) {
    let Some(spent) = file.attempt(number) else { return };
    let again = Attempt {
        number: u16::try_from(file.attempts.len() + 1).unwrap_or(u16::MAX),
        booked_cost: Amount::ZERO,
        entries: 0,
        state: AttemptState::Planned { due },
        planned_at: due,
        ..spent.clone()
    };
    file.attempts.push(again);
}

/// A hold that outlived its limit ends as `Canceled`, but never while money may have been spent upstream.
pub fn expire_hold(world: &mut World, now: Timestamp, id: OrderId) -> Decision {
    let mut file = world.order(id)?.ok_or(Refusal::UnknownOrder)?.clone();
    let before = file.order.clone();
    let limit = world.service(before.service)?.map_or(limits::HOLD_LIMIT, |service| service.hold_limit);
    let Some(hold) = &before.hold else { return Err(Refusal::OutOfTurn("the order is not held").into()) };
    let spent = file.attempts.iter().any(|attempt| attempt.state.is_live());
    if before.status.has_ended()
        || spent
        || hold.reason == HoldReason::Manual
        || now.since(hold.since) < limit
    {
        return Err(Refusal::OutOfTurn("the hold has not run out").into());
    }
    void_planned(&mut file);
    end_refused(world, now, &mut file)?;
    let after = file.order.clone();
    world.put_order(file);
    finish_change(world, now, &before, &after)?;
    Ok(Done::Noted)
}

/// Planned attempts will not be sent.
pub fn void_planned(file: &mut OrderFile) {
    for attempt in &mut file.attempts {
        if matches!(attempt.state, AttemptState::Planned { .. }) {
            attempt.state = AttemptState::Voided;
        }
    }
}

/// Ends an order that no provider takes: everything goes back. Why it ended stays to be read in its attempts.
pub fn end_refused(world: &mut World, now: Timestamp, file: &mut OrderFile) -> Result<(), Stop> {
    if matches!(file.order.part, Part::Subscription(_)) {
        return crate::order::subscription::end(world, now, file, OrderStatus::Canceled);
    }
    settle(world, now, file, End::Canceled)
}

/// After a change that was no observation: a run tells its drip-feed, and one that nobody takes stops it.
pub fn finish_change(
    world: &mut World,
    now: Timestamp,
    before: &crate::order::Order,
    after: &crate::order::Order,
) -> Result<(), Stop> {
    tell_parent(world, now, before, after)?;
    let refused = !before.status.has_ended() && after.status == OrderStatus::Canceled;
    match after.part {
        Part::Run { parent, .. } if refused => dripfeed::stop(world, now, parent),
        Part::Whole | Part::DripFeed(_) | Part::Subscription(_) | Part::Run { .. } | Part::Post { .. } => {
            Ok(())
        }
    }
}
