//! Every bound of the core, with its unit and the reason for it.

use std::ops::RangeInclusive;

use crate::time::Span;

/// Own maximums and quantities end here (`domain.md`, Money).
pub const QUANTITY_MAX: u64 = 1_000_000_000;
/// Highest rate, in micro-units: with [`QUANTITY_MAX`] a charge still fits an `i64` a thousand times over (invariants.md C2).
pub const RATE_MAX_MICROS: i64 = 1_000_000_000_000;
/// A credit may not take a balance above this, in micro-units: refunds are never refused, so there must be room
/// for them far below the end of an `i64`.
pub const BALANCE_MAX_MICROS: i64 = 100_000_000_000_000_000;
/// Runs of one drip-feed (`api-v2.md` §4).
pub const RUNS_MAX: u64 = 1_000;
/// Minutes between two runs: one year.
pub const INTERVAL_MAX_MIN: u64 = 525_600;
/// Minutes a subscription may wait after a post (`api-v2.md` §4: any integer 0-1440).
pub const DELAY_MAX_MIN: u64 = 1_440;
/// Posts one subscription may ask for.
pub const POSTS_MAX: u64 = 100_000;
/// Bytes of a link; the contract asks for at least 2048 (`api-v2.md` §12).
pub const LINK_BYTES: usize = 4_096;
/// Bytes of any other single text of an order.
pub const TEXT_BYTES: usize = 1_024;
/// Lines of a list; the body's limit ends it earlier for long lines.
pub const LINES_MAX: usize = 100_000;
/// Bytes of a provider's order, refill or cancel id (`api-v2.md` §12).
pub const PROVIDER_ORDER_ID_BYTES: usize = 128;
/// Characters kept of a provider's text (invariants.md B21).
pub const PROVIDER_TEXT_CHARS: usize = 500;
/// Order ids stay below 2³¹ for clients with 32-bit integers.
pub const ORDER_ID_MAX: u32 = i32::MAX as u32;
/// First cancel request id (`api-v2.md` §10, 10).
pub const CANCEL_ID_FIRST: u32 = 1_000;
/// Characters of an operator's username: typed by hand, printed in lists.
pub const USERNAME_CHARS: RangeInclusive<usize> = 3..=32;
/// Bytes of a password's hash in the PHC string format; ours has 97.
pub const PASSWORD_HASH_BYTES: usize = 256;
/// Operators of one panel: a decision over one reads all.
pub const OPERATORS_MAX: usize = 1_000;
/// How long an accepted idempotency key is remembered (`domain.md`, Orders).
pub const IDEMPOTENCY_KEPT: Span = Span::hours(24);
/// A later report may still lower what was delivered within this span of the end (`domain.md`, Corrections).
pub const CORRECTION_WINDOW: Span = Span::days(30);
/// From completion, or the last refill, to the next refill.
pub const REFILL_COOL_DOWN: Span = Span::hours(24);
/// A subscription without a post for this long ends.
pub const SUBSCRIPTION_SILENCE: Span = Span::days(30);
/// A hold ends as `Canceled` after this, unless the service says otherwise.
pub const HOLD_LIMIT: Span = Span::hours(72);
/// A reported cost above this multiple of the expected one is reported, not booked (`domain.md`, Attempts 9).
pub const COST_SANITY_MULTIPLE: i64 = 3;
/// First wait after an attempt that was not sent or was told to come later; doubles up to [`RETRY_WAIT_MAX`].
pub const RETRY_WAIT_FIRST: Span = Span::seconds(5);
pub const RETRY_WAIT_MAX: Span = Span::minutes(15);
/// Times one leg is tried before another that may take the order gets its turn.
pub const TRIES_PER_LEG: usize = 3;
/// A dead-end attempt younger than this still counts when a provider says "active order with this link".
pub const DUPLICATE_EVIDENCE: Span = Span::days(7);
/// No order goes to the archive sooner after its end: a day beyond the longest time within which an ended one may still
/// move by itself ([`CORRECTION_WINDOW`]), and far beyond what idempotency keys and doubts need.
pub const ARCHIVE_AFTER: Span = Span::days(31);
/// Orders that one command to archive looks at beside those it names, the posts of subscriptions: a few milliseconds. A
/// subscription with more stays, which costs one row.
pub const ARCHIVE_RELATIVES: usize = 200;

const _: () = assert!(
    ARCHIVE_AFTER.0 > CORRECTION_WINDOW.0
        && ARCHIVE_AFTER.0 > IDEMPOTENCY_KEPT.0
        && ARCHIVE_AFTER.0 > DUPLICATE_EVIDENCE.0
        && ARCHIVE_AFTER.0 > REFILL_COOL_DOWN.0,
    "an archived order has outlived every window"
);
