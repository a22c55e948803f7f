//! Every bound of the store, with its unit and the reason for it.

use std::time::Duration;

/// Commands in one batch: large enough that a slow sync is shared by many, small enough to decide in
/// milliseconds (performance.md, What follows 1 and 7).
pub const BATCH_COMMANDS: usize = 512;
/// New work that may wait; beyond it doors refuse before anything was decided (invariants.md A7).
pub const QUEUE_COMMANDS: usize = 8_192;
/// One customer's share of the waiting new work: an eighth (architecture.md, The executor 5).
pub const QUEUE_PER_CUSTOMER: usize = QUEUE_COMMANDS / 8;
/// New work that may wait for longer than a burst lasts: a thousand callers who each wait for an answer (performance.md,
/// What follows 7), which are two batches.
pub const QUEUE_STANDING: usize = 2 * BATCH_COMMANDS;
/// How long more than [`QUEUE_STANDING`] may wait, batch after batch, before new work is refused.
pub const BURST_TIME: Duration = Duration::from_millis(250);
/// Times a batch is decided again because a decision needed further rows. Each round loads at least one row of a
/// bounded set; more than this is a decision that asks in a circle.
pub const DECISION_ROUNDS: usize = 24;
/// Times a batch is tried again after serialization failures.
pub const COMMIT_TRIES: usize = 10;
/// Between two knocks at the door of a store that is away: recovery within 5 s of its return (invariants.md A6).
pub const AWAY_PAUSE: Duration = Duration::from_millis(250);
/// Threads that answer questions of an embedded store: as many as there are cores on a small machine.
pub const READERS: usize = 2;
/// Questions that may wait for a reader.
pub const READS_WAITING: usize = 4_096;
/// Between two looks at whether a full disk has room again.
pub const ROOM_CHECK: Duration = Duration::from_secs(1);

/// The writer's page cache, in KiB (architecture.md, The store: at most 64 MiB).
pub const WRITER_CACHE_KIB: i64 = 48 * 1024;
/// A reader's page cache, in KiB: the kernel's own cache stands behind it.
pub const READER_CACHE_KIB: i64 = 4 * 1024;
/// Prepared statements kept per connection: more than there are different ones.
pub const STATEMENTS: usize = 128;
/// How long a lock of another process (somebody's sqlite3 shell) is waited for.
pub const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Pages of the write-ahead log after which it is copied into the file, on a thread of its own: 16 MiB.
pub const CHECKPOINT_PAGES: usize = 4_096;
/// What a checkpoint may leave for the writer to copy itself between two batches: 1 MiB, about a millisecond.
pub const CHECKPOINT_REST_PAGES: usize = 256;
/// Beyond this the writer copies whatever there is, so that the log stays bounded: 128 MiB.
pub const WAL_PAGES_MAX: usize = 32_768;
/// Marks of an index kept in memory (nine bytes each, in a table of 2²² places): about 38 MiB.
pub const MARKS_IN_MEMORY: usize = 3_600_000;
/// Marks that move into the file with one commit, when there are more: about 2 ms.
pub const SPILL_ROWS: usize = 2_000;
/// Orders in a row that are too old for their idempotency keys to matter, before the walk at a start believes it:
/// a clock that was wrong for a moment must not end it.
pub const STRAY_ORDERS: usize = 10_000;
/// Accounts kept as values between batches, beyond which they are read again: about 8 MiB.
pub const ACCOUNT_ROWS: usize = 100_000;
/// Services and providers kept as values between batches; beyond it they are read again.
pub const CATALOGUE_ROWS: usize = 10_000;
/// Between two looks at what the indexes in memory can forget.
pub const MARKS_TENDED: panelworks_core::time::Span = panelworks_core::time::Span::minutes(10);
/// Written in advance, and deleted when the disk is full, so that outcomes of calls under way still fit
/// (invariants.md A4): twice the write-ahead log, which needs as much to be copied. Smaller on a small disk: see
/// [`RESERVE_SHARE`].
pub const RESERVE_BYTES: u64 = 32 * 1024 * 1024;
/// The reserve is at most this part of the disk.
pub const RESERVE_SHARE: u64 = 16;
/// New work is refused while less than this many reserves are free.
pub const ROOM_RESERVES: u64 = 2;
/// Ids of one `in (…)` question; the contract of `status` ends at 100.
pub const IDS_PER_QUERY: usize = 100;
/// Violations that an audit names; a broken file has more than anybody reads.
pub const VIOLATIONS: usize = 10_000;
/// Batches at the end of the books that are checked at every start (invariants.md A15).
pub const TAIL_BATCHES: usize = 1_024;
/// Entries after which that check has seen enough: about 20 ms.
pub const TAIL_ENTRIES: usize = 4_096;
/// Orders of those entries that are read whole.
pub const TAIL_ORDERS: usize = 1_024;
/// The check goes no further after this, on a slow disk: a start has a second (performance.md, P12).
pub const TAIL_TIME: Duration = Duration::from_millis(250);
/// Orders between two reports of an audit's progress.
pub const AUDIT_PROGRESS: u64 = 10_000;
/// Rows that one fetch of an audit's cursor brings: about a megabyte, in a millisecond or two.
pub const AUDIT_PAGE: usize = 2_000;

/// Connecting, authenticating and every flight of statements end after this, by our own clock: a frozen server
/// answers nothing and keeps its connections (invariants.md 7.13).
pub const DATABASE_DEADLINE: Duration = Duration::from_secs(5);
/// Once one primary has answered a connection, the other hosts are given this much more: one of them may be the newer
/// primary, and one that is frozen must not be waited for.
pub const OTHER_HOSTS: Duration = Duration::from_millis(250);
/// Making or changing tables may take longer; nobody waits for an answer then.
pub const SCHEMA_DEADLINE: Duration = Duration::from_mins(10);
/// An audit's first page waits until the server has sorted the ledger; nobody else waits for it.
pub const AUDIT_DEADLINE: Duration = Duration::from_mins(10);
/// A row that another node has locked is waited for so long; then the batch is decided again. Below
/// [`DATABASE_DEADLINE`], or the wait would cost the connection.
pub const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Times an opening is tried while a transaction of the epoch before is under way: longer than
/// [`IDLE_IN_TRANSACTION`], each waiting [`LOCK_WAIT`].
pub const OPEN_TRIES: usize = 10;
/// The server ends a transaction whose client says nothing for so long: a dead node's locks go with it.
pub const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);
/// A silent connection is asked for a sign of life after this, at this interval, so many times.
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
pub const KEEPALIVE_RETRIES: u32 = 3;
/// How long a node is its holder's without a sign of life, by the clock of the database.
pub const LEASE: Duration = Duration::from_secs(30);
/// Between two signs of life: two may be lost before [`SILENCE`] is over.
pub const LEASE_RENEWED: Duration = Duration::from_secs(3);
/// A node that has given no sign of life for so long, while another could look for it without a break, is taken over
/// by that one. Counted by the one who looks: an absence of the database is nobody's silence.
pub const SILENCE: Duration = Duration::from_secs(10);
/// Between two looks of a node at the others.
pub const LOOKED_ROUND: Duration = Duration::from_secs(1);
/// Between two sweeps of old idempotency keys.
pub const SWEPT_EVERY: Duration = Duration::from_secs(5);
/// Nodes without a holder that a start asks whether they left anything to do.
pub const RETIRED_NODES: usize = 16;
/// A question by which a node hears of the others, or says that it lives, ends after this: the next connection may be
/// better, and nobody may know old things for long.
pub const SOON_DEADLINE: Duration = Duration::from_secs(2);
/// Where no notification comes, the news of other nodes are asked for this often: half of the second that a revoked
/// key may still be good for on another node (invariants.md C30).
pub const NEWS_EVERY: Duration = Duration::from_millis(500);
/// Batches with news that are told at once.
pub const NEWS_ROWS: u64 = 1_000;
/// Times that rows of news are read again because this node changed such rows meanwhile, and the pause between two.
pub const NEWS_TRIES: usize = 100;
pub const NEWS_AGAIN: Duration = Duration::from_millis(5);
/// Rounds of customers' calls that a node's row keeps, for those that read late: four seconds.
pub const PACE_ROUNDS: u64 = 8;
/// A node that has heard nothing of the others for so long says so, and its doors close: it may know keys as good
/// that are revoked.
pub const DEAF_AFTER: Duration = Duration::from_secs(3);
/// Ids a node takes at once: at a thousand orders a second one small transaction in twenty seconds.
pub const ID_BLOCK: u32 = 20_000;
/// A further block is taken when fewer are left. A batch rarely draws more than one or two ids per command; one that
/// does is decided again with more.
pub const ID_HEADROOM: u32 = 2_048;
/// Idempotency keys that are swept at once: a few milliseconds, every few seconds.
pub const SWEPT_ROWS: u64 = 5_000;
/// Orders, customers, transfers or batches that are carried to another store at once: a megabyte or two.
pub const CARRY_PAGE: usize = 2_000;
/// A page of rows, an index or a commit on its way into another store may take so long; nobody else waits for it.
pub const CARRY_DEADLINE: Duration = Duration::from_mins(30);
