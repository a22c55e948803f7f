//! What sort of call a driver is asked to make, and what one that spends money is sent under.
//!
//! Rules: invariants.md A12. Never: a call.

use panelworks_core::time::Timestamp;

use crate::engine::Ticket;

/// What sort of call it is: the driver has a deadline and a size for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// Spends money.
    Add(Claim),
    /// Asks, or asks for something that may be asked twice.
    Question,
}

/// The claim that an attempt is sent under. Long after it was asked for, it is not to be sent any more: who claimed it may
/// have been taken for dead, and its outcome be settled by somebody else (invariants.md A12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The wish that it was asked by: whoever carries out wishes has measured since then, by a clock nobody sets.
    pub ticket: Ticket,
    /// And by the wall's clock, which goes on while a machine sleeps.
    pub asked: Timestamp,
}
