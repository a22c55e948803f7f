//! The rules of the business (`domain.md`), as functions without I/O, clock, randomness or locks.
//!
//! In: a [`command::Command`], the [`world::World`] it names, the time and the draws, all as values.
//! Out: a changed world and a [`outcome::Done`], or a typed [`outcome::Refusal`] that changed nothing.
//! Never: a socket, a file, SQL, a runtime. The server, the demo's past, the simulation, `check` and the
//! tests run these same functions.
//!
//! Where to begin: [`command`] is the table of contents of all writing; each decision about an order has a
//! file of its own under [`order`].

#![deny(clippy::float_arithmetic)]

pub mod audit;
pub mod catalogue;
pub mod command;
pub mod customer;
pub mod draws;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod money;
pub mod operator;
pub mod order;
pub mod outcome;
pub mod planted;
pub mod provider;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod world;
