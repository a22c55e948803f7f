//! New orders and attempts as nearly all of them are: what follows from other columns is neither sent nor unpacked.
//!
//! In: an order or attempt that a batch has made. Out: whether it is such a one, and its columns for a statement that
//! says the rest itself. Whatever differs in anything goes by the statement that is told every column
//! ([`super::write`]). The arrays are unpacked in the select list, side by side, where a call in `from` would keep all
//! rows in a store of their own first: both together took a fifth off what an order costs the database.

use panelworks_core::ids::OrderId;
use panelworks_core::money::Amount;
use panelworks_core::order::attempt::{AttemptState, Purpose};
use panelworks_core::order::{Attempt, Order, OrderKind, OrderStatus, Part};
use panelworks_core::world::GuardKey;

use super::columns::{FreshAttempts, FreshOrders};
use super::error::Failure;
use super::values::{Hash, eight, four, two};
use crate::codes::kind_code;
use crate::details::mark;

/// Status 1 is pending, part 0 the whole (`codes.rs`).
pub(super) const INSERT_FRESH_ORDERS: &str = "insert into orders (quantity, remains, rate, charge, debited, in_flight, returned, refunded, accepted_at, \
     ended_at, id, customer, service, price_version, kind, guarded, currency, guard, mark, link, entries, status, \
     part, open, node) \
     select quantity, quantity, rate, charge, charge, charge, 0, 0, accepted_at, \
     accepted_at, id, customer, service, price_version, kind, guarded, currency, guard, mark, link, 1, 1, \
     0, true, cast($15 as integer) from (select unnest(cast($1 as bigint[])) as quantity, \
     unnest(cast($2 as bigint[])) as rate, unnest(cast($3 as bigint[])) as charge, \
     unnest(cast($4 as bigint[])) as accepted_at, unnest(cast($5 as integer[])) as id, \
     unnest(cast($6 as integer[])) as customer, unnest(cast($7 as integer[])) as service, \
     unnest(cast($8 as integer[])) as price_version, unnest(cast($9 as smallint[])) as kind, \
     unnest(cast($10 as boolean[])) as guarded, unnest(cast($11 as text[])) as currency, \
     unnest(cast($12 as uuid[])) as guard, unnest(cast($13 as bytea[])) as mark, \
     unnest(cast($14 as text[])) as link) as given";

/// State 1 is planned, purpose 0 the order itself (`codes.rs`).
pub(super) const INSERT_FRESH_ATTEMPTS: &str = "insert into attempt (expected_cost, planned_at, state_at, order_id, customer, account, currency, service, \
     booked_cost, purpose, entries, number, state, doubt) \
     select unnest(cast($1 as bigint[])), unnest(cast($2 as bigint[])), unnest(cast($3 as bigint[])), \
     unnest(cast($4 as integer[])), unnest(cast($5 as integer[])), unnest(cast($6 as integer[])), \
     unnest(cast($7 as text[])), unnest(cast($8 as text[])), 0, 0, 0, 1, 1, false";

impl<'a> FreshOrders<'a> {
    /// Whether the statement says of this order what it is.
    pub(super) fn are_like(order: &Order) -> bool {
        matches!(order.kind, OrderKind::Default | OrderKind::Package)
            && matches!(order.part, Part::Whole)
            && order.status == OrderStatus::Pending
            && order.remains == order.quantity
            && (order.start_count, order.ended_at, &order.hold) == (None, None, &None)
            && order.sums.entries == 1
            && order.sums.debited == order.charge
            && [order.sums.returned, order.sums.refunded, order.sums.recognised] == [Amount::ZERO; 3]
    }

    pub(super) fn push(&mut self, order: &'a Order) -> Result<(), Failure> {
        self.quantity.push(eight(order.quantity)?);
        self.rate.push(order.rate.micros());
        self.charge.push(order.charge.0);
        self.accepted_at.push(order.accepted_at.0);
        self.id.push(four(order.id.0)?);
        self.customer.push(four(order.customer.0)?);
        self.service.push(four(order.service.0)?);
        self.price_version.push(four(order.price_version)?);
        self.kind.push(two(kind_code(order.kind.service_type()))?);
        self.guarded.push(order.guarded);
        self.currency.push(order.currency.as_str());
        self.guard.push(GuardKey::of(order).map(|guard| Hash::of_guard(&guard)));
        self.mark.push(mark(order).map(Vec::from));
        self.link.push(order.link.as_deref());
        Ok(())
    }
}

impl<'a> FreshAttempts<'a> {
    /// Whether the statement says of this attempt what it is.
    pub(super) fn are_like(attempt: &Attempt) -> bool {
        matches!(attempt.state, AttemptState::Planned { .. })
            && attempt.purpose == Purpose::Order
            && (attempt.number, attempt.entries, &attempt.recall) == (1, 0, &None)
            && attempt.booked_cost == Amount::ZERO
    }

    pub(super) fn push(
        &mut self,
        order: OrderId,
        customer: i32,
        attempt: &'a Attempt,
    ) -> Result<(), Failure> {
        let AttemptState::Planned { due } = attempt.state else {
            return Err(Failure::value("an attempt that is not planned is not fresh"));
        };
        self.expected_cost.push(attempt.expected_cost.0);
        self.planned_at.push(attempt.planned_at.0);
        self.state_at.push(due.0);
        self.order_id.push(four(order.0)?);
        self.customer.push(customer);
        self.account.push(four(attempt.account.0)?);
        self.currency.push(attempt.currency.as_str());
        self.service.push(&attempt.service);
        Ok(())
    }
}
