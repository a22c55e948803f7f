//! The two drivers: they do what the engine wants, and decide nothing.

pub mod live;
pub mod simulated;
