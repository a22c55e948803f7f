//! Every bound of the engine, with its unit and the reason for it.

use std::time::Duration;

use panelworks_core::time::Span;

/// Ids in one status question (`api-v2.md`, rule 9).
pub const BATCH_IDS: usize = 100;
/// Status questions under way at one provider: more would only fill its queue.
pub const POLLS_UNDER_WAY: u16 = 2;
/// Refill and cancel calls under way at one provider.
pub const CHORES_UNDER_WAY: u16 = 2;
/// An open order is asked again after this share of its age, as a divisor: 4 %, inside performance.md P9's 5 %.
pub const POLL_AGE_DIVISOR: i64 = 25;
/// The longest wait between two questions about an open order.
pub const POLL_WAIT_MAX: Span = Span::hours(1);
/// Ended orders are asked again this long after their end (`domain.md`, Corrections).
pub const RECHECKS: [Span; 4] = [Span::hours(1), Span::hours(24), Span::hours(72), Span::days(7)];
/// Between two walks over ended orders.
pub const RECHECK_EVERY: Span = Span::minutes(30);
/// Rows of one step of such a walk.
pub const RECHECK_ROWS: usize = 2_000;
/// Open orders read in one step at a start.
pub const START_ROWS: usize = 5_000;
/// The least between two looks at a subscription by the clock; a credit of its customer is a look as well.
pub const TEND_EVERY: Span = Span::minutes(5);
/// After a subscription's date: its provider knows the date too, and a last post may still be reported.
pub const TEND_GRACE: Span = Span::hours(1);
/// Between two questions about a refill or cancel request that a provider took.
pub const CHORE_POLL: Span = Span::minutes(5);
/// Before a command that found no room is submitted again.
pub const SUBMIT_AGAIN: Span = Span::seconds(1);
/// After a refusal for funds or key, the next attempt at this provider (invariants.md B13: at most one a minute).
pub const PAUSE_AFTER_REFUSAL: Span = Span::minutes(1);
/// Failures in a row that open a provider's circuit.
pub const FAILURES_TO_OPEN: u32 = 5;
/// Unknown outcomes at one provider that open its circuit: stop spending while blind (invariants.md 2.0).
pub const UNKNOWNS_TO_OPEN: u32 = 5;
/// With an open circuit one attempt is let through this often (invariants.md B3).
pub const PROBE_EVERY: Span = Span::seconds(10);
/// The longest a provider's `Retry-After` is believed (invariants.md B3).
pub const RETRY_AFTER_MAX: Span = Span::minutes(10);
/// Between two askings about an unknown outcome at a provider that honours idempotency keys.
pub const ASK_AGAIN_EVERY: Span = Span::minutes(1);
/// From a lost answer to the first asking: what was slow may still be under way there.
pub const ASK_AGAIN_FIRST: Span = Span::seconds(10);
/// Tries to find work in a store that is away, one a second, of which the log is told of the first: a minute.
pub const TRIES_BETWEEN_LINES: u32 = 60;
/// Orders in one command to archive: a few milliseconds of the executor.
pub const ARCHIVED_ORDERS: usize = 64;
/// After such a command nothing is moved for this many times as long as it took: a fifth of the executor at the most.
pub const ARCHIVE_REST: u32 = 4;
/// Rows of one look for old orders.
pub const OLD_ROWS: usize = 2_000;
/// Between two such looks.
pub const LOOK_REST: Duration = Duration::from_millis(20);
/// Orders in a row that are too young, after which a walk for old ones believes that none follow: ids rise with time, but
/// nodes draw them in blocks of 20,000, and a clock may have been wrong for a while.
pub const YOUNG_ROWS: usize = 100_000;
/// Between two walks for old orders: the limit is in days.
pub const RETENTION_EVERY: Duration = Duration::from_hours(1);
/// After a walk that was cut off: the disk was full, the database away.
pub const RETENTION_AGAIN: Duration = Duration::from_mins(1);
/// From the wish to claim an attempt to its first byte. Less than the silence after which another node takes over what
/// this one has claimed (`panelworks_store::limits::SILENCE`), so that whoever looks for its outcome then can trust that
/// it will not be sent any more.
pub const SENT_WITHIN: Span = Span::seconds(5);

const _: () = assert!(SENT_WITHIN.0.cast_unsigned() < 1_000 * panelworks_store::limits::SILENCE.as_secs());
