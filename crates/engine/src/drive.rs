//! The two drivers: they do what the engine wants, and decide nothing.

mod claims;
pub mod live;
pub mod simulated;
