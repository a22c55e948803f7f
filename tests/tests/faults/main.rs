//! Providers that misbehave over real HTTP: nothing is bought twice, nobody is refunded wrongly (`invariants.md` B).
//!
//! One panel, and a provider of its own for each way to misbehave. What an answer means is decided by `domain.md`,
//! Attempts 2 and 3, and Orders, Partial.

mod adds;
mod beside;
mod crowd;
mod dialects;
mod statuses;
