//! Asking about an unknown outcome with the attempt's own idempotency key, where the provider honours it.
//!
//! The provider answers the same as it did the first time, or takes the order now for the first time: either way
//! there is one order, and its id is known. The one resend that is allowed (`domain.md`, Attempts 6). Never: after
//! the key may have been forgotten, or with another key.

use super::resolve::adopt;
use super::{AttemptState, RESTORED, finish_change, outgoing};
use crate::ids::{AttemptId, ProviderOrderId};
use crate::outcome::{Decision, Done, Refusal};
use crate::time::{Span, Timestamp};
use crate::world::World;

/// Not later than the declared retention less an hour, counted from before the first byte.
pub fn ask_again(world: &mut World, now: Timestamp, id: AttemptId) -> Decision {
    let file = world.order(id.order)?.ok_or(Refusal::UnknownOrder)?;
    let attempt = file.attempt(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    let unknown = matches!(&attempt.state, AttemptState::Unknown { why, .. } if why != RESTORED);
    if !unknown || file.order.status.has_ended() {
        return Err(Refusal::OutOfTurn("the attempt's outcome is not unknown").into());
    }
    let provider = world.provider(attempt.account)?.ok_or(Refusal::UnknownProvider)?;
    let kept = provider.keys_kept_hours.map_or(Span(0), |hours| Span::hours(i64::from(hours) - 1));
    let since = now.since(attempt.planned_at);
    if !provider.enabled || since >= kept || since < Span(0) {
        return Err(Refusal::OutOfTurn("the provider may not know the attempt's key any more").into());
    }
    Ok(Done::Began(Box::new(outgoing(file, attempt))))
}

/// The provider named the order: adopted. A refusal is no command, because who refuses may not have looked the key
/// up first: it proves nothing about what the first asking bought.
pub fn finish_ask(world: &mut World, now: Timestamp, id: AttemptId, order: &ProviderOrderId) -> Decision {
    let mut file = world.order(id.order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let before = file.order.clone();
    let attempt = file.attempt(id.number).ok_or(Refusal::OutOfTurn("no such attempt"))?;
    // Somebody may have decided while the question was under way; an order that exists is evidence all the same.
    let unsettled = matches!(
        attempt.state,
        AttemptState::Unknown { .. } | AttemptState::Absent { .. } | AttemptState::WrittenOff { .. }
    );
    if !unsettled {
        return Err(Refusal::OutOfTurn("the attempt's outcome is known").into());
    }
    adopt(world, now, &mut file, id, order)?;
    let after = file.order.clone();
    world.put_order(file);
    finish_change(world, now, &before, &after, false)?;
    Ok(Done::Noted)
}
