//! Between `core` and `wire`, towards providers: neither knows the other.
//!
//! [`encode`] writes an attempt as a call, [`classify`] reads what became of it, [`translate`] turns what a status
//! answer said into an observation.

pub mod classify;
pub mod encode;
pub mod translate;
