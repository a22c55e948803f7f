//! A simulated provider: it speaks API v2, keeps its books and a witness log, and misbehaves on demand.
//!
//! Two users. A deterministic simulation calls [`Provider::react`] with a time and a request, and gets back
//! what a caller of that provider would meet: an answer, half of one, silence. The program and its tests run
//! the same provider as a real HTTP server with [`serve`]. Everything it does follows from its seed, its
//! settings and what it was asked; time comes in as a value (only [`serve`] reads a clock), and nothing
//! ticks: deliveries are functions of their plan and the time.
//!
//! A request goes `react` → faults drawn (`fault`) → carried out (`provider`, on top of `books`) → bent
//! (`distort`) → spoken (`dialect`) → broken on its way. Facts (`event`) are the only way the books change,
//! and the lines of the journal (`journal`) from which a killed server comes back. The contract is
//! `api-v2.md`, the list of cruelties `invariants.md` §9.

pub mod action;
pub mod books;
pub mod catalogue;
mod civil;
pub mod delivery;
pub mod dialect;
mod draw;
pub mod event;
pub mod fault;
pub mod journal;
pub mod kept;
pub mod limits;
mod money;
pub mod options;
pub mod provider;
pub mod reply;
pub mod server;
#[cfg(test)]
mod testing;
pub mod witness;

pub use action::Action;
pub use catalogue::{Catalogue, Service};
pub use delivery::{Speed, Stage};
pub use dialect::Dialect;
pub use event::Event;
pub use fault::{AddFault, BatchFault, Break, ErrorStatus, Fault, FaultRate, Faults, RefillFault, RowFault};
pub use kept::KeptProvider;
pub use options::{Settings, SimOptions};
pub use provider::Provider;
pub use reply::{Reaction, Reply};
pub use server::{serve, serve_kept};
pub use witness::WitnessedOrder;
