//! Cancel requests: asked, forwarded, and carried out only when the provider shows it.
//!
//! What was not yet sent stops at once, with everything back; what was sent is asked upstream, and money moves
//! only with the order's own end (invariants.md B20). Rules: `domain.md`, Cancels; `api-v2.md` §7.

use serde::{Deserialize, Serialize};

use crate::command::{CancelKind, Decision, Done, Refusal, Stop};
use crate::ids::{CancelId, CustomerId, OrderId};
use crate::order::attempt::{self, AttemptState};
use crate::order::settle::{End, settle};
use crate::order::{OrderFile, Part, dripfeed, observe, subscription};
use crate::planted::Bug;
use crate::time::{Span, Timestamp};
use crate::world::World;

/// One request to cancel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    pub id: CancelId,
    pub state: CancelState,
    pub requested_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Times the provider was asked, without a clear answer yet.
    pub tries: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelState {
    /// To be asked upstream, not before `due`; waits as well while nobody knows whether the order was taken.
    Pending {
        due: Timestamp,
    },
    /// The provider took the request; its id, if it gave one.
    Taken {
        provider_cancel: Option<String>,
    },
    Completed,
    Rejected,
}

impl CancelState {
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Pending { .. } | Self::Taken { .. } => true,
            Self::Completed | Self::Rejected => false,
        }
    }
}

/// What the provider answered to a forwarded request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelAnswer {
    /// Taken now or earlier.
    Taken {
        provider_cancel: Option<String>,
    },
    Refused,
    /// Ask again later: no answer, or one that says later. Asking twice is harmless.
    Unclear,
}

/// A request by the order's owner. Order of refusals: `api-v2.md` §9.
pub fn request_cancel(world: &mut World, now: Timestamp, customer: CustomerId, id: OrderId) -> Decision {
    let mut file =
        world.order(id)?.filter(|file| file.order.customer == customer).ok_or(Refusal::UnknownOrder)?.clone();
    let kind = kind_of(&file);
    if file.cancels.iter().any(|cancel| cancel.state != CancelState::Rejected) {
        return Err(Refusal::CancelRepeated.into());
    }
    let service = world.service(file.order.service)?.ok_or(Refusal::UnknownService)?;
    if !service.cancel || file.order.status.has_ended() {
        return Err(Refusal::CancelUnavailable.into());
    }
    let cancel = open_request(world, now, &mut file)?;
    if world.planted.has(Bug::RefundOnCancelRequest) {
        settle(world, now, &mut file, End::Canceled)?;
    }
    match file.order.part {
        Part::Whole | Part::Run { .. } | Part::Post { .. } => {
            let before = world.order(id)?.ok_or(Refusal::UnknownOrder)?.order.clone();
            stop_if_not_sent(world, now, &mut file)?;
            let after = file.order.clone();
            world.put_order(file);
            observe::tell_parent(world, now, &before, &after)?;
        }
        Part::DripFeed(_) => {
            world.put_order(file);
            dripfeed::cancel(world, now, id)?;
        }
        Part::Subscription(_) => {
            subscription::cancel(world, now, &mut file)?;
            world.put_order(file);
        }
    }
    Ok(Done::CancelRequested { cancel, kind })
}

pub const fn kind_of(file: &OrderFile) -> CancelKind {
    match file.order.part {
        Part::Whole | Part::Run { .. } | Part::Post { .. } => CancelKind::Order,
        Part::DripFeed(_) => CancelKind::DripFeed,
        Part::Subscription(_) => CancelKind::Subscription,
    }
}

/// Writes the request down as `Pending`.
pub fn open_request(world: &mut World, now: Timestamp, file: &mut OrderFile) -> Result<CancelId, Stop> {
    let id = world.next_cancel().ok_or(Refusal::IdsExhausted)?;
    file.cancels.push(Cancel {
        id,
        state: CancelState::Pending { due: now },
        requested_at: now,
        ended_at: None,
        tries: 0,
    });
    Ok(id)
}

/// *Not yet sent*: no attempt in sending, unknown, accepted or adopted. Then it ends here, and at once.
pub fn stop_if_not_sent(world: &mut World, now: Timestamp, file: &mut OrderFile) -> Result<(), Stop> {
    let sent = file.attempts.iter().any(|attempt| attempt.state.is_live());
    if sent || file.order.status.has_ended() {
        return Ok(());
    }
    attempt::void_planned(file);
    settle(world, now, file, End::Canceled)
}

/// The provider's answer to the forwarded request.
pub fn answer_cancel(
    world: &mut World,
    now: Timestamp,
    order: OrderId,
    id: CancelId,
    answer: &CancelAnswer,
) -> Decision {
    let mut file = world.order(order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let sent = file
        .attempts
        .iter()
        .any(|attempt| matches!(attempt.state, AttemptState::Accepted { .. } | AttemptState::Adopted { .. }));
    let cancel = pending(&mut file, id)?;
    if !sent {
        return Err(Refusal::OutOfTurn("the order is not at a provider").into());
    }
    match answer {
        CancelAnswer::Taken { provider_cancel } => {
            cancel.state = CancelState::Taken { provider_cancel: provider_cancel.clone() };
        }
        CancelAnswer::Refused => {
            cancel.state = CancelState::Rejected;
            cancel.ended_at = Some(now);
        }
        CancelAnswer::Unclear => {
            cancel.tries = cancel.tries.saturating_add(1);
            let wait = Span::seconds(10 << cancel.tries.min(8));
            cancel.state = CancelState::Pending { due: now.after(wait) };
        }
    }
    world.put_order(file);
    Ok(Done::Noted)
}

/// The provider's word on a request it had taken. `Completed` moves nothing: the order's own status will.
pub fn observe_cancel(
    world: &mut World,
    now: Timestamp,
    order: OrderId,
    id: CancelId,
    rejected: bool,
) -> Decision {
    let mut file = world.order(order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let cancel = pending(&mut file, id)?;
    if rejected {
        cancel.state = CancelState::Rejected;
        cancel.ended_at = Some(now);
        world.put_order(file);
    }
    Ok(Done::Noted)
}

fn pending(file: &mut OrderFile, id: CancelId) -> Result<&mut Cancel, Refusal> {
    let cancel = file.cancels.iter_mut().find(|cancel| cancel.id == id);
    cancel.filter(|cancel| cancel.state.is_open()).ok_or(Refusal::OutOfTurn("the cancel request is not open"))
}
