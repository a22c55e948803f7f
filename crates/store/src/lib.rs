//! Where the books are kept: ports, adapters, their contract, and the executor that writes through them.
//!
//! In: commands, and questions. Out: outcomes after their commit, rows as they were committed. This crate is
//! the only one that knows SQL, and it knows no rule: what may change is decided in `panelworks-core`.
//! Begin with [`ports`], then [`executor`].

mod audit;
pub mod carry;
pub mod chain;
mod codes;
#[cfg(feature = "contract")]
pub mod contract;
mod details;
pub mod executor;
pub mod limits;
pub mod memory;
pub mod neighbours;
pub mod ports;
pub mod postgres;
pub mod reader;
pub mod sqlite;
