//! The money of an end: what is earned, what goes back, and that it never goes back twice.
//!
//! Rules: `domain.md`, Orders (Partial, Canceled, Corrections) and the ledger's table. A run or post is paid
//! from its parent's money in flight: its entries name it as their cause, and the parent's sums follow.

use crate::ledger::{Cause, LedgerAccount};
use crate::money::{Amount, share};
use crate::order::{CancelState, Order, OrderFile, OrderStatus};
use crate::outcome::{Refusal, Stop};
use crate::planted::Bug;
use crate::time::Timestamp;
use crate::world::World;

/// How an order ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Completed,
    /// `remains` lies within the quantity.
    Partial {
        remains: u64,
    },
    /// A package of which an operator says how much was delivered, in thousandths.
    Share {
        delivered_permille: u16,
    },
    Canceled,
}

impl End {
    pub const fn status(self) -> OrderStatus {
        match self {
            Self::Completed => OrderStatus::Completed,
            Self::Partial { .. } | Self::Share { .. } => OrderStatus::Partial,
            Self::Canceled => OrderStatus::Canceled,
        }
    }
}

/// One way money leaves an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// In flight → revenue.
    Earned,
    /// In flight → customer, for what was not delivered.
    Refunded,
    /// Revenue → customer, after the end.
    Corrected,
    /// In flight → customer: prepaid and not used. Only a subscription.
    Returned,
}

/// Ends an open order, or corrects an ended one: refunds up to what `end` leaves undelivered, and earns the rest.
pub fn settle(world: &mut World, now: Timestamp, file: &mut OrderFile, end: End) -> Result<(), Stop> {
    let was_open = !file.order.status.has_ended();
    let refund = refund_due(world, &file.order, end)?;
    let movement = if was_open { Movement::Refunded } else { Movement::Corrected };
    move_money(world, file, movement, refund)?;
    if was_open {
        let earned = file.order.charge.above(file.order.sums.refunded);
        move_money(world, file, Movement::Earned, earned)?;
        file.order.ended_at = Some(now);
    }
    file.order.status = end.status();
    file.order.hold = None;
    close_cancels(file, end, now);
    Ok(())
}

/// Charge less what was delivered, less what went back before; never below zero.
fn refund_due(world: &World, order: &Order, end: End) -> Result<Amount, Stop> {
    let target = match end {
        End::Completed => Amount::ZERO,
        End::Canceled => order.charge,
        End::Partial { .. } if world.planted.has(Bug::FullRefundOnPartial) => order.charge,
        End::Partial { remains } if world.planted.has(Bug::RefundWithoutCap) => {
            share(order.charge, remains, order.quantity).ok_or(Refusal::AmountOutOfRange)?
        }
        End::Partial { remains } => {
            let delivered = order.quantity.saturating_sub(remains);
            let net = share(order.charge, delivered, order.quantity).ok_or(Refusal::AmountOutOfRange)?;
            order.charge.above(net)
        }
        End::Share { delivered_permille } => {
            let delivered = u64::from(delivered_permille.min(1000));
            order.charge.above(share(order.charge, delivered, 1000).ok_or(Refusal::AmountOutOfRange)?)
        }
    };
    if world.planted.has(Bug::RefundRepeated) {
        return Ok(target);
    }
    Ok(target.above(order.sums.refunded))
}

/// Writes one entry and follows it in the order's sums, and in its parent's.
pub fn move_money(
    world: &mut World,
    file: &mut OrderFile,
    movement: Movement,
    amount: Amount,
) -> Result<(), Stop> {
    if amount == Amount::ZERO {
        return Ok(());
    }
    let order = &mut file.order;
    let customer = LedgerAccount::Customer(order.customer);
    let (from, to) = match movement {
        Movement::Earned => (LedgerAccount::InFlight, LedgerAccount::Revenue),
        Movement::Refunded | Movement::Returned => (LedgerAccount::InFlight, customer),
        Movement::Corrected => (LedgerAccount::Revenue, customer),
    };
    order.sums.entries =
        world.post(Cause::Order(order.id), order.sums.entries, from, to, amount, order.currency)?;
    follow(order, movement, amount)?;
    if let Some(parent) = order.part.parent() {
        let mut parent = world.order(parent)?.ok_or(Refusal::UnknownOrder)?.clone();
        follow(&mut parent.order, movement, amount)?;
        world.put_order(parent);
    }
    Ok(())
}

fn follow(order: &mut Order, movement: Movement, amount: Amount) -> Result<(), Refusal> {
    let add = |sum: Amount| sum.plus(amount).ok_or(Refusal::AmountOutOfRange);
    let sums = &mut order.sums;
    match movement {
        Movement::Earned => sums.recognised = add(sums.recognised)?,
        Movement::Refunded => sums.refunded = add(sums.refunded)?,
        Movement::Returned => sums.returned = add(sums.returned)?,
        Movement::Corrected => {
            sums.refunded = add(sums.refunded)?;
            sums.recognised = sums.recognised.minus(amount).ok_or(Refusal::AmountOutOfRange)?;
        }
    }
    Ok(())
}

/// An order that ended answers its cancel request (`domain.md`, Cancels).
fn close_cancels(file: &mut OrderFile, end: End, now: Timestamp) {
    for cancel in &mut file.cancels {
        if cancel.state.is_open() {
            cancel.ended_at = Some(now);
            cancel.state = match end {
                End::Completed => CancelState::Rejected,
                End::Partial { .. } | End::Share { .. } | End::Canceled => CancelState::Completed,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Service, ServiceType};
    use crate::ids::AttemptId;
    use crate::money::Rate;
    use crate::provider::SeenStatus;
    use crate::testing::{Stage, draft, seen, seen_left, service};

    /// Shows C3, C20.
    #[test]
    fn the_last_micro_unit_is_earned_and_never_refunded() {
        // 11 units at one micro-unit per thousand: the charge is one micro-unit, and one delivered unit keeps it.
        let mut stage = Stage::default();
        let cheap = Service { rate: Rate::from_micros(1).expect("a rate"), ..service(ServiceType::Default) };
        let sold = stage.service(cheap);
        let anna = stage.customer(10);
        let order = stage.placed(anna, sold, draft("anna", 11));
        stage.observe(AttemptId::by_hand(order), seen_left(SeenStatus::Partial, 10));
        assert_eq!(stage.balance(anna), 9);
        stage.observe(AttemptId::by_hand(order), seen_left(SeenStatus::Partial, 11));
        assert_eq!(stage.balance(anna), 10);
    }

    /// Shows I6.
    #[test]
    fn every_end_leaves_nothing_in_flight() {
        for end in
            [seen(SeenStatus::Completed), seen(SeenStatus::Canceled), seen_left(SeenStatus::Partial, 33)]
        {
            let mut stage = Stage::default();
            let sold = stage.service(service(ServiceType::Default));
            let anna = stage.customer(1_000_000);
            let order = stage.placed(anna, sold, draft("anna", 100));
            stage.observe(AttemptId::by_hand(order), end);
            assert_eq!(stage.booked(LedgerAccount::InFlight), 0);
            assert_eq!(stage.order(order).sums.in_flight(), Some(Amount::ZERO));
            assert_eq!(stage.booked(LedgerAccount::Revenue), 1_000_000 - stage.balance(anna));
        }
    }
}
