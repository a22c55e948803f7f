//! The panel over HTTP and the command line: what customers and operators do, right and wrong.
//!
//! Each test has a panel of its own with a provider behind it, and asserts on answers and on the books. Kill -9, two
//! panels in a row, misbehaving providers and other languages' clients are test programs of their own.

mod bad_input;
mod command_line;
mod foreign;
mod journey;
mod kept;
mod operation;
mod operators;
mod payloads;
mod pollution;
mod race;
mod restart;
mod slow;
mod transport;
