//! Refill and cancel requests as rows: what their states say, column by column.
//!
//! In: a request and whose it is. Out: one more row of the statement in [`super::statements`] that puts them.

use panelworks_core::order::{Cancel, CancelState, Refill, RefillState};

use super::columns::{Cancels, Refills};
use super::error::Failure;
use super::values::{four, two};
use crate::codes::{cancel_code, refill_code};

impl<'a> Refills<'a> {
    pub(super) fn push(&mut self, order: i32, customer: i32, refill: &'a Refill) -> Result<(), Failure> {
        let (due, provider_refill) = match &refill.state {
            RefillState::Pending { due } => (Some(due.0), None),
            RefillState::Taken { provider_refill, .. } => (None, provider_refill.as_deref()),
            RefillState::Completed | RefillState::Rejected | RefillState::Error => (None, None),
        };
        self.id.push(four(refill.id.0)?);
        self.order_id.push(order);
        self.customer.push(customer);
        self.state.push(two(refill_code(&refill.state))?);
        self.open.push(refill.state.is_open());
        self.due.push(due);
        self.provider_refill.push(provider_refill);
        self.tries.push(i32::from(refill.tries));
        self.requested_at.push(refill.requested_at.0);
        self.ended_at.push(refill.ended_at.map(|at| at.0));
        Ok(())
    }
}

impl<'a> Cancels<'a> {
    pub(super) fn push(&mut self, order: i32, customer: i32, cancel: &'a Cancel) -> Result<(), Failure> {
        let (due, provider_cancel) = match &cancel.state {
            CancelState::Pending { due } => (Some(due.0), None),
            CancelState::Taken { provider_cancel } => (None, provider_cancel.as_deref()),
            CancelState::Completed | CancelState::Rejected => (None, None),
        };
        self.id.push(four(cancel.id.0)?);
        self.order_id.push(order);
        self.customer.push(customer);
        self.state.push(two(cancel_code(&cancel.state))?);
        self.due.push(due);
        self.provider_cancel.push(provider_cancel);
        self.tries.push(i32::from(cancel.tries));
        self.requested_at.push(cancel.requested_at.0);
        self.ended_at.push(cancel.ended_at.map(|at| at.0));
        Ok(())
    }
}
