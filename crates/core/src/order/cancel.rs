//! Cancel requests: asked, forwarded, and carried out only when the provider shows it.
//!
//! What was not yet sent stops at once, with everything back; what was sent is asked upstream, and money moves
//! only with the order's own end (invariants.md B20). Rules: `domain.md`, Cancels; `api-v2.md` §7.

use serde::{Deserialize, Serialize};

use crate::command::{CancelKind, Decision, Done, Refusal, Stop};
use crate::ids::{CancelId, CustomerId, OrderId};
use crate::order::attempt::{self, AttemptState};
use crate::order::settle::{End, settle};
use crate::order::{OrderFile, OrderStatus, Part, dripfeed, observe, subscription};
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

/// *Not yet sent*: no attempt in sending, unknown, accepted or adopted, and nobody at work on it by hand. Then it
/// ends here, and at once.
pub fn stop_if_not_sent(world: &mut World, now: Timestamp, file: &mut OrderFile) -> Result<(), Stop> {
    if attempt::may_have_spent(file) || file.order.status != OrderStatus::Pending {
        return Ok(());
    }
    carry_out(world, now, file)
}

/// Ends an order whose cancel nothing stands in the way of: what was planned is voided, everything goes back.
pub fn carry_out(world: &mut World, now: Timestamp, file: &mut OrderFile) -> Result<(), Stop> {
    attempt::void_planned(file);
    if matches!(file.order.part, Part::Subscription(_)) {
        return subscription::end_cancelled(world, now, file);
    }
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
    let taken =
        |state: &AttemptState| matches!(state, AttemptState::Accepted { .. } | AttemptState::Adopted { .. });
    let under_way = file.attempts.iter().any(|attempt| taken(&attempt.state)) || is_worked_on_by_hand(&file);
    let cancel = pending(&mut file, id)?;
    if !under_way {
        return Err(Refusal::OutOfTurn("nobody works on the order yet").into());
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

/// Moved on by a person, without a provider: that person answers for a cancel too.
fn is_worked_on_by_hand(file: &OrderFile) -> bool {
    file.order.status != OrderStatus::Pending && !attempt::may_have_spent(file)
}

fn pending(file: &mut OrderFile, id: CancelId) -> Result<&mut Cancel, Refusal> {
    let cancel = file.cancels.iter_mut().find(|cancel| cancel.id == id);
    cancel.filter(|cancel| cancel.state.is_open()).ok_or(Refusal::OutOfTurn("the cancel request is not open"))
}
