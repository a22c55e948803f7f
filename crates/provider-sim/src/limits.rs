//! The simulated provider's limits: unit and reason of each.

/// Ids answered in one call (`api-v2.md`, rule 9).
pub const IDS_PER_CALL: usize = 100;
/// Runs of one drip-feed (`api-v2.md` §4).
pub const RUNS: u64 = 1_000;
/// Units of one order, all runs together: above it no panel of the field sells (`domain.md`, Money).
pub const QUANTITY: u64 = 1_000_000_000;
/// Minutes between the runs of a drip-feed: 30 days; keeps every time of a drip-feed far inside 64 bits.
pub const INTERVAL_MIN: u64 = 43_200;
/// Minutes a subscription may wait after a post (`api-v2.md` §4).
pub const DELAY_MIN: u64 = 1_440;
/// New or old posts one subscription may name: more is a mistake, not an order.
pub const POSTS: u64 = 10_000;
/// Bytes of a link or username; longer ones are a bad link (`api-v2.md` §12 asks for at least 2048).
pub const LINK_BYTES: usize = 4_096;
/// First id of a cancel request: 1 must never be an id (`api-v2.md` §10, 10).
pub const FIRST_CANCEL: u64 = 1_000;
/// Milliseconds between completion, or the last refill, and the next: 24 hours of the provider's own world.
pub const REFILL_REST_MS: i64 = 86_400_000;
/// Milliseconds after completion in which a refill is still given: 90 days, never shortened by the speed, so
/// that a demonstration's past can be refilled by a fast provider.
pub const GUARANTEE_MS: i64 = 90 * 86_400_000;
/// Milliseconds without a post after which a subscription expires: 30 days of the provider's own world.
pub const SUBSCRIPTION_REST_MS: i64 = 30 * 86_400_000;
/// Shortest and longest time between two posts of a subscription's account, in minutes of that world.
pub const POST_GAP_MIN: (u64, u64) = (120, 600);
/// Shortest and longest time a refill takes, in minutes of that world.
pub const REFILL_MIN: (u64, u64) = (60, 360);
/// Shortest and longest time a cancel takes to be carried out, in minutes of that world.
pub const CANCEL_MIN: (u64, u64) = (10, 60);
/// Refills of 1000 that are rejected.
pub const REFILL_REJECTED_PERMILLE: u16 = 80;
/// Ids an order may leave free before it for the provider's other customers, whatever is configured.
pub const ID_GAP: u64 = 10_000;
/// Arrivals the witness keeps in memory, newest last; its counters are exact without them.
pub const ARRIVALS_KEPT: usize = 100_000;
/// Orders encoded at a time for the witness page, so that a million never stand in memory or under the lock.
pub const WITNESS_PAGE: usize = 5_000;
/// Bytes of a request body the server reads; comment lists need room (`api-v2.md` §12: at least 1 MiB).
pub const BODY_BYTES: usize = 4 * 1024 * 1024;
