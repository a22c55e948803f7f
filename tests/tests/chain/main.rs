//! Two panels in a row: a customer orders at B, whose provider is A, whose provider is the simulator.
//!
//! Whatever happens at one end must arrive at the other: status, remains, charge, refunds, refills, cancels.

mod journey;
mod requests;
mod row;
