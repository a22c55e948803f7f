//! What runs by itself: sending orders to providers, following them, making what falls due.
//!
//! The [`Engine`] is a state machine without I/O: [`Engine::next`] says what to submit, to ask and when to wake;
//! [`Engine::heard`], [`Engine::decided`], [`Engine::answered`] and [`Engine::found`] tell it what happened. It
//! holds no truth: everything it knows it was told by commits, or found in the store at a start. Two drivers turn
//! its wishes into deeds: [`drive::live`] with HTTP and a clock, [`drive::simulated`] with neither.
//!
//! Never: a rule of the business (that is `core`'s), a write past the executor, a resend of an unknown outcome.

pub mod agenda;
mod calls;
mod chores;
mod dispatch;
pub mod drive;
mod engine;
mod health;
pub mod limits;
mod poll;
pub mod provider;
pub mod restored;
pub mod retention;
mod track;

pub use engine::{Act, Calls, Claim, Engine, Found, Next, Pace, Ticket};
