//! Every bound of the store, with its unit and the reason for it.

use std::time::Duration;

/// Commands in one batch: large enough that a slow sync is shared by many, small enough to decide in
/// milliseconds (performance.md, What follows 1 and 7).
pub const BATCH_COMMANDS: usize = 512;
/// New work that may wait; beyond it doors refuse before anything was decided (invariants.md A7).
pub const QUEUE_COMMANDS: usize = 8_192;
/// One customer's share of the waiting new work: an eighth (architecture.md, The executor 5).
pub const QUEUE_PER_CUSTOMER: usize = QUEUE_COMMANDS / 8;
/// Times a batch is decided again because a decision needed further rows. Each round loads at least one row of a
/// bounded set; more than this is a decision that asks in a circle.
pub const DECISION_ROUNDS: usize = 24;
/// Times a batch is tried again after serialization failures.
pub const COMMIT_TRIES: usize = 10;
/// Threads that answer questions.
pub const READERS: usize = 2;
/// Questions that may wait for a reader.
pub const READS_WAITING: usize = 4_096;
/// Between two looks at whether a full disk has room again.
pub const ROOM_CHECK: Duration = Duration::from_secs(1);
