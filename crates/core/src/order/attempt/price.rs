//! The price guard: nothing is bought for more than it was sold for.
//!
//! Rule: `domain.md`, Attempts 10; invariants.md B12. Compared per 1,000 (per order for packages), at dispatch, with
//! the provider's last known rate. Not compared: rates in two currencies, a provider's service that is no leg any
//! more, and what is given away at a rate of zero.

use super::{Attempt, purpose_quantity};
use crate::catalogue::Leg;
use crate::money::{Currency, Rate};
use crate::order::subscription::SubscriptionState;
use crate::order::{HoldReason, OrderFile, Part};
use crate::outcome::{Refusal, Stop};
use crate::world::World;

/// Why `attempt` must not be sent, if its provider takes `currency`.
pub(super) fn loss(
    world: &World,
    file: &OrderFile,
    attempt: &Attempt,
    currency: Currency,
) -> Result<Option<HoldReason>, Stop> {
    let service = world.service(file.order.service)?.ok_or(Refusal::UnknownService)?;
    let is_leg = |leg: &&Leg| leg.account == attempt.account && leg.service == attempt.service;
    let Some(leg) = service.route.legs().iter().find(is_leg) else { return Ok(None) };
    let sold_at = sold_at(file);
    let at_a_loss = leg.rate > sold_at && sold_at.micros() > 0;
    if currency != file.order.currency || !at_a_loss {
        return Ok(None);
    }
    let per = file.order.kind.service_type().rate_per();
    let quantity = purpose_quantity(file, attempt.purpose);
    let amount = |rate: Rate| rate.charge(per, quantity).ok_or(Refusal::AmountOutOfRange);
    Ok(Some(HoldReason::PriceAboveCharge { expected_cost: amount(leg.rate)?, charge: amount(sold_at)? }))
}

/// Of a subscription the rate its next post was prepaid at.
fn sold_at(file: &OrderFile) -> Rate {
    match &file.order.part {
        Part::Subscription(subscription) => match subscription.state {
            SubscriptionState::Active { rate, .. } => rate,
            SubscriptionState::PausedForFunds | SubscriptionState::Ended => file.order.rate,
        },
        Part::Whole | Part::DripFeed(_) | Part::Run { .. } | Part::Post { .. } => file.order.rate,
    }
}
