//! Attempts: how money is spent upstream, at most once for each purpose.
//!
//! States: `planned → sending → accepted | rejected | not_sent | unknown`, `unknown → adopted | absent |
//! written_off`, `absent → unknown` by later evidence, `absent | written_off → found_late`, `planned → voided`.
//! `sending` is committed before the first byte leaves and never goes back to planned. A new attempt exists
//! only if all earlier ones of its purpose are rejected, not sent, absent or voided. Rules: `domain.md`,
//! Attempts; invariants.md 2.0. Never: a resend of an unknown outcome.

mod ask_again;
mod doubt;
mod duplicate;
mod finish;
mod price;
pub mod recall;
mod resolve;
#[cfg(test)]
mod tests;

pub use ask_again::{ask_again, finish_ask};
pub(super) use doubt::doubt_segment;
pub use doubt::{doubt_attempt, doubt_posts};
pub use finish::{RESTARTED, RESTORED, finish_attempt};
pub use recall::{Recall, answer_recall};
pub use resolve::{expire_hold, resolve_attempt};

use serde::{Deserialize, Serialize};

use crate::catalogue::Leg;
use crate::ids::{AttemptId, ProviderAccountId, ProviderOrderId};
use crate::ledger::{Cause, LedgerAccount};
use crate::limits;
use crate::money::{Amount, Currency, Quantity};
use crate::order::observe::tell_parent;
use crate::order::settle::{End, settle};
use crate::order::{HoldReason, OrderFile, OrderKind, OrderStatus, Part, PostsAsked, dripfeed, subscription};
use crate::outcome::{Decision, Done, Refusal, Stop};
use crate::planted::Bug;
use crate::provider::RejectionClass;
use crate::time::{Span, Timestamp};
use crate::world::{Need, World};

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
    /// Asked back from the provider by the panel itself.
    pub recall: Option<Recall>,
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
    /// Found at the provider after it was taken for absent or written off: its cost is disputed, a cancel is
    /// asked there, and the customer's order stays as it is.
    FoundLate {
        order: ProviderOrderId,
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
            | Self::FoundLate { .. }
            | Self::Voided => false,
        }
    }

    pub const fn is_planned(&self) -> bool {
        matches!(self, Self::Planned { .. })
    }

    /// May stand behind a provider's "active order with this link"; `open`: whether its order is. How long ago
    /// an absent one was so is not asked here.
    pub const fn is_in_doubt(&self, open: bool) -> bool {
        match self {
            Self::Unknown { .. } => true,
            Self::Absent { .. } => open,
            Self::Planned { .. }
            | Self::Sending { .. }
            | Self::Accepted { .. }
            | Self::Rejected { .. }
            | Self::NotSent { .. }
            | Self::Adopted { .. }
            | Self::WrittenOff { .. }
            | Self::FoundLate { .. }
            | Self::Voided => false,
        }
    }

    pub const fn provider_order(&self) -> Option<&ProviderOrderId> {
        match self {
            Self::Accepted { order } | Self::Adopted { order } | Self::FoundLate { order } => Some(order),
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

/// A person's decision over an attempt: over an unknown outcome, a refusal that holds its order, or one found late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The provider made this order for it.
    Adopt { order: ProviderOrderId },
    /// The provider made nothing: send again. Also releases an order that is held after a refusal.
    Absent,
    /// Give the customer the money back; what an unknown outcome may have cost is booked as disputed.
    WriteOff,
}

/// Adds a planned attempt at `leg`. The caller has made sure that its purpose has none alive.
pub fn plan(file: &mut OrderFile, purpose: Purpose, leg: &Leg, due: Timestamp) {
    let quantity = purpose_quantity(file, purpose);
    let per = file.order.kind.service_type().rate_per();
    file.attempts.push(Attempt {
        number: next_number(file),
        purpose,
        account: leg.account,
        service: leg.service.clone(),
        expected_cost: leg.rate.charge(per, quantity).unwrap_or(Amount::ZERO),
        currency: file.order.currency,
        booked_cost: Amount::ZERO,
        entries: 0,
        state: AttemptState::Planned { due },
        planned_at: due,
        recall: None,
    });
}

fn next_number(file: &OrderFile) -> u16 {
    u16::try_from(file.attempts.len() + 1).unwrap_or(u16::MAX)
}

/// The same once more: only after an attempt that spent nothing.
fn plan_again(file: &mut OrderFile, spent: &Attempt, due: Timestamp) {
    file.attempts.push(Attempt {
        number: next_number(file),
        booked_cost: Amount::ZERO,
        entries: 0,
        state: AttemptState::Planned { due },
        planned_at: due,
        ..spent.clone()
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

/// `planned → sending`: the claim. Its commit comes before the first byte. [`Done::Noted`] instead of
/// [`Done::Began`]: it must not be sent, and what follows from that is written down.
pub fn begin_attempt(world: &mut World, now: Timestamp, id: AttemptId) -> Decision {
    let mut file = world.order(id.order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let (order_open, sold) = (!file.order.status.has_ended(), file.order.service);
    let attempt = file.attempt_mut(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    let AttemptState::Planned { due } = attempt.state else {
        return Err(Refusal::OutOfTurn("the attempt is not planned").into());
    };
    if !order_open {
        return Err(Refusal::OutOfTurn("the order has ended").into());
    }
    if due > now {
        return Err(Refusal::NotDue(due).into());
    }
    Need::together([world.provider(attempt.account).err(), world.service(sold).err()])?;
    let provider = world.provider(attempt.account)?.ok_or(Refusal::UnknownProvider)?;
    let (enabled, currency) = (provider.enabled, provider.currency);
    if !enabled {
        let why = "the provider is switched off".to_owned();
        return finish::keep_unsent(world, now, file, id, HoldReason::NotSent { why });
    }
    let attempt = attempt.clone();
    if let Some(loss) = price::loss(world, &file, &attempt, currency)? {
        return finish::keep_unsent(world, now, file, id, loss);
    }
    let outgoing = outgoing(&file, &attempt);
    if world.planted.has(Bug::PriceAtDispatch) {
        file.order.rate = world.service(sold)?.map_or(file.order.rate, |service| service.rate);
        let per = file.order.kind.service_type().rate_per();
        file.order.charge = file.order.rate.charge(per, file.order.quantity).unwrap_or(file.order.charge);
    }
    if let Some(attempt) = file.attempt_mut(id.number) {
        attempt.currency = currency;
        attempt.state = AttemptState::Sending { since: now };
    }
    world.put_order(file);
    Ok(Done::Began(Box::new(outgoing)))
}

/// What is sent for an attempt; the same each time.
fn outgoing(file: &OrderFile, attempt: &Attempt) -> Outgoing {
    Outgoing {
        attempt: AttemptId { order: file.order.id, number: attempt.number },
        account: attempt.account,
        service: attempt.service.clone(),
        kind: outgoing_kind(file, attempt.purpose),
        link: file.order.link.clone(),
        quantity: purpose_quantity(file, attempt.purpose),
    }
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
    book(world, attempt, id, attempt.expected_cost)?;
    if file.order.status == OrderStatus::Pending {
        file.order.status = match file.order.part {
            Part::Subscription(_) => OrderStatus::InProgress,
            Part::Whole | Part::DripFeed(_) | Part::Run { .. } | Part::Post { .. } => OrderStatus::Processing,
        };
    }
    file.order.hold = None;
    Ok(())
}

/// Whether anything may have been spent upstream, or may still be, for what the order waits for now: segments of
/// posts that were made long ago don't count.
pub fn may_have_spent(file: &OrderFile) -> bool {
    file.attempts.iter().any(|attempt| attempt.state.is_live() && is_awaited(file, attempt.purpose))
}

fn is_awaited(file: &OrderFile, purpose: Purpose) -> bool {
    match (purpose, &file.order.part) {
        (Purpose::Segment(number), Part::Subscription(subscription)) => number == subscription.segments,
        (Purpose::Segment(_) | Purpose::Order | Purpose::Mirrored, _) => true,
    }
}

/// Planned attempts will not be sent.
pub fn void_planned(file: &mut OrderFile) {
    for attempt in &mut file.attempts {
        if matches!(attempt.state, AttemptState::Planned { .. }) {
            attempt.state = AttemptState::Voided;
        }
    }
}

/// Books the difference between `total` and what is booked: at the provider's cost, or as disputed where the
/// customer's order does not stand behind it any more.
pub fn book(world: &mut World, attempt: &mut Attempt, id: AttemptId, total: Amount) -> Result<(), Stop> {
    let prepaid = LedgerAccount::Prepaid(attempt.account);
    let spent = match attempt.state {
        AttemptState::WrittenOff { .. } | AttemptState::FoundLate { .. } => {
            LedgerAccount::Disputed(attempt.account)
        }
        AttemptState::Planned { .. }
        | AttemptState::Sending { .. }
        | AttemptState::Accepted { .. }
        | AttemptState::Rejected { .. }
        | AttemptState::NotSent { .. }
        | AttemptState::Unknown { .. }
        | AttemptState::Adopted { .. }
        | AttemptState::Absent { .. }
        | AttemptState::Voided => LedgerAccount::Cost(attempt.account),
    };
    let (from, to, amount) = if total >= attempt.booked_cost {
        (prepaid, spent, total.above(attempt.booked_cost))
    } else {
        (spent, prepaid, attempt.booked_cost.above(total))
    };
    attempt.entries = world.post(Cause::Attempt(id), attempt.entries, from, to, amount, attempt.currency)?;
    attempt.booked_cost = total;
    Ok(())
}

/// Ends an order that no provider takes: everything goes back. Why it ended stays to be read in its attempts.
pub fn end_refused(world: &mut World, now: Timestamp, file: &mut OrderFile) -> Result<(), Stop> {
    void_planned(file);
    if matches!(file.order.part, Part::Subscription(_)) {
        return subscription::end_cancelled(world, now, file);
    }
    settle(world, now, file, End::Canceled)
}

/// After a change that was no observation: a run tells its drip-feed; one that nobody takes stops it.
fn finish_change(
    world: &mut World,
    now: Timestamp,
    before: &crate::order::Order,
    after: &crate::order::Order,
    by_refusal: bool,
) -> Result<(), Stop> {
    tell_parent(world, now, before, after)?;
    let ended = !before.status.has_ended() && after.status == OrderStatus::Canceled;
    match after.part {
        Part::Run { parent, .. } if ended && by_refusal => dripfeed::stop(world, now, parent),
        Part::Whole | Part::DripFeed(_) | Part::Subscription(_) | Part::Run { .. } | Part::Post { .. } => {
            Ok(())
        }
    }
}
