//! Refills: asked for within the guarantee, forwarded to the provider that delivered, followed to their end.
//!
//! A refill moves no customer's money. Rules: `domain.md`, Refills; `api-v2.md` §6 and §9.

use serde::{Deserialize, Serialize};

use crate::command::{Decision, Done, Refusal};
use crate::ids::{CustomerId, OrderId, RefillId};
use crate::limits;
use crate::order::{OrderStatus, Part};
use crate::time::{Span, Timestamp};
use crate::world::World;

/// One request to refill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refill {
    pub id: RefillId,
    pub state: RefillState,
    pub requested_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Times the provider was asked, without a clear answer yet.
    pub tries: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefillState {
    /// To be asked upstream, not before `due`. Without a provider it waits for an operator.
    Pending {
        due: Timestamp,
    },
    /// The provider took it; its id, if it gave one.
    Taken {
        provider_refill: Option<String>,
        running: bool,
    },
    Completed,
    Rejected,
    Error,
}

impl RefillState {
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Pending { .. } | Self::Taken { .. } => true,
            Self::Completed | Self::Rejected | Self::Error => false,
        }
    }
}

/// What the provider answered to the forwarded request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefillAnswer {
    Taken {
        provider_refill: Option<String>,
    },
    /// One of ours is open there already: the same as taken, without an id.
    AlreadyOpen,
    Refused,
    Unclear,
}

/// What the provider says of a refill it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefillSeen {
    Waiting,
    Running,
    Completed,
    Rejected,
    Error,
}

/// A request by the order's owner.
pub fn request_refill(world: &mut World, now: Timestamp, customer: CustomerId, id: OrderId) -> Decision {
    let mut file =
        world.order(id)?.filter(|file| file.order.customer == customer).ok_or(Refusal::UnknownOrder)?.clone();
    if matches!(file.order.part, Part::DripFeed(_) | Part::Subscription(_)) {
        return Err(Refusal::RefillUnavailable.into());
    }
    let service = world.service(file.order.service)?.ok_or(Refusal::UnknownService)?;
    let terms = service.refill.ok_or(Refusal::RefillDisabled)?;
    let delivered = match file.order.status {
        OrderStatus::Completed => true,
        OrderStatus::Partial => terms.partial,
        OrderStatus::Pending
        | OrderStatus::Processing
        | OrderStatus::InProgress
        | OrderStatus::Canceled
        | OrderStatus::Expired => false,
    };
    if !delivered {
        return Err(Refusal::OrderNotCompleted.into());
    }
    if file.refills.iter().any(|refill| refill.state.is_open()) {
        return Err(Refusal::RefillOpen.into());
    }
    let completed_at = file.order.ended_at.unwrap_or(file.order.accepted_at);
    let last = file
        .refills
        .iter()
        .filter_map(|refill| refill.ended_at)
        .max()
        .map_or(completed_at, |at| at.max(completed_at));
    if now.since(last) < limits::REFILL_COOL_DOWN {
        return Err(Refusal::RefillTooEarly.into());
    }
    if terms.days.is_some_and(|days| now.since(completed_at) > Span::days(i64::from(days))) {
        return Err(Refusal::RefillUnavailable.into());
    }
    let refill = world.next_refill().ok_or(Refusal::IdsExhausted)?;
    file.refills.push(Refill {
        id: refill,
        state: RefillState::Pending { due: now },
        requested_at: now,
        ended_at: None,
        tries: 0,
    });
    world.put_order(file);
    Ok(Done::RefillRequested { refill })
}

/// The provider's answer to the forwarded request.
pub fn answer_refill(
    world: &mut World,
    now: Timestamp,
    order: OrderId,
    id: RefillId,
    answer: &RefillAnswer,
) -> Decision {
    change(world, order, id, |refill| match answer {
        RefillAnswer::Taken { provider_refill } => {
            refill.state = RefillState::Taken { provider_refill: provider_refill.clone(), running: false };
        }
        RefillAnswer::AlreadyOpen => {
            refill.state = RefillState::Taken { provider_refill: None, running: false }
        }
        RefillAnswer::Refused => end(refill, RefillState::Rejected, now),
        RefillAnswer::Unclear => {
            refill.tries = refill.tries.saturating_add(1);
            refill.state = RefillState::Pending { due: now.after(Span::seconds(10 << refill.tries.min(8))) };
        }
    })
}

/// What the provider says of a refill it took.
pub fn observe_refill(
    world: &mut World,
    now: Timestamp,
    order: OrderId,
    id: RefillId,
    seen: RefillSeen,
) -> Decision {
    change(world, order, id, |refill| match seen {
        RefillSeen::Waiting => {}
        RefillSeen::Running => {
            if let RefillState::Taken { running, .. } = &mut refill.state {
                *running = true;
            }
        }
        RefillSeen::Completed => end(refill, RefillState::Completed, now),
        RefillSeen::Rejected => end(refill, RefillState::Rejected, now),
        RefillSeen::Error => end(refill, RefillState::Error, now),
    })
}

fn end(refill: &mut Refill, state: RefillState, now: Timestamp) {
    refill.state = state;
    refill.ended_at = Some(now);
}

fn change(world: &mut World, order: OrderId, id: RefillId, act: impl FnOnce(&mut Refill)) -> Decision {
    let mut file = world.order(order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let refill = file.refills.iter_mut().find(|refill| refill.id == id && refill.state.is_open());
    let refill = refill.ok_or(Refusal::OutOfTurn("the refill is not open"))?;
    let before = refill.clone();
    act(refill);
    if *refill != before {
        world.put_order(file);
    }
    Ok(Done::Noted)
}
