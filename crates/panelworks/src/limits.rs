//! Every bound of the program itself, with its unit and the reason for it. What configuration can change is said so.

use std::time::Duration;

use panelworks_core::time::Span;

/// Lines of the log that may wait for a slow disk; more are dropped and counted (invariants.md A16). Some 4 MiB.
pub const LOG_LINES: usize = 16_384;
/// Between two looks at whether the log file was moved away by a rotation.
pub const LOG_REOPEN: Duration = Duration::from_secs(1);
/// Bytes of a configuration file; ours has 6 KiB with all its comments.
pub const CONFIG_BYTES: u64 = 256 * 1024;
/// Characters of a panel's name: it stands in titles.
pub const NAME_CHARS: usize = 60;
/// Characters of a text shown to customers while the panel is closed.
pub const NOTICE_CHARS: usize = 300;
/// Bytes of one line on the control socket: an import's answer with thousands of services fits.
pub const CONTROL_LINE_BYTES: u64 = 16 * 1024 * 1024;
/// How long a command waits for the running panel to begin to answer.
pub const CONTROL_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes read of a line with a password: more than any that may be chosen.
pub const PASSWORD_LINE_BYTES: u64 = 4 * 1024;
/// Commands on the control socket served at once.
pub const CONTROL_CONNECTIONS: usize = 16;
/// Services imported from one provider at once (invariants.md §9: lists of 20,000 rows are seen).
pub const IMPORT_SERVICES: usize = 50_000;
/// Commands of an import that wait for the executor at once; below a customer's share of its queue.
pub const IMPORT_UNDER_WAY: usize = 256;
/// Requests in flight at once at a provider that nobody said otherwise of (invariants.md B14).
pub const PROVIDER_CONNECTIONS: u16 = 8;
/// Connections to PostgreSQL that answer questions: each is a thread that mostly waits for the network. A setting.
pub const DATABASE_READERS: usize = 4;
/// Bytes of a file with the database's password.
pub const PASSWORD_BYTES: usize = 4_096;
/// A start that takes longer than this begins to answer while it goes on: `/readyz` says what is waited for.
pub const OPENING_QUIET: Duration = Duration::from_millis(500);
/// Between two tries to open books whose database is away: the first pause, doubled up to the last (invariants.md A6:
/// at work within 5 seconds after it is back).
pub const AWAY_PAUSE_FIRST: Duration = Duration::from_millis(100);
pub const AWAY_PAUSE_MOST: Duration = Duration::from_secs(2);
/// Between two lines of the log about the same absence.
pub const AWAY_SAID_EVERY: Duration = Duration::from_secs(30);
/// Rows of a list that are read at once.
pub const LIST_ROWS: usize = 1_000;

/// Between an order's acceptance upstream and the first question. A setting.
pub const POLL: Span = Span::seconds(15);
/// The same in the demo, where hours of delivery are seconds.
pub const DEMO_POLL: Span = Span::seconds(2);
/// Orders of the demo's customers live this many times faster than real ones. A flag.
pub const DEMO_SPEED: u32 = 600;
/// The demo's first choice of a port, and how many after it are tried.
pub const DEMO_PORT: u16 = 8080;
pub const DEMO_PORTS_TRIED: u16 = 20;
/// What the demo adds to the simulated provider's rates, in percent.
pub const DEMO_MARKUP_PERCENT: i64 = 40;
/// What each of the demo's customers is given, in micro-units: twice what scripts may count on.
pub const DEMO_BALANCE_MICROS: i64 = 25_000_000_000;
/// What the demo's provider account is funded with, in micro-units: as much as the simulator opens its books with.
pub const DEMO_PREPAID_MICROS: i64 = 1_000_000_000_000;

/// Free space below which `doctor` warns, in bytes (invariants.md 7.4: refuse new work at 64 MiB).
pub const FREE_SPACE_WARN: u64 = 1024 * 1024 * 1024;
/// A sync that takes longer is worth a word.
pub const SYNC_WARN: Duration = Duration::from_millis(20);
/// Clocks further off than this are reported: providers' dates and ours are compared by people.
pub const CLOCK_EARLIEST_MS: i64 = 1_767_225_600_000;
/// How long the last words of a stopping panel may take beyond the engine's own bound.
pub const STOP_EXTRA: Duration = Duration::from_secs(10);
/// Below this, in micro-units, a customer of the demo is filled up at its start.
pub const DEMO_BALANCE_LEAST_MICROS: i64 = 20_000_000_000;
/// Requests in flight at once at the demo's provider.
pub const DEMO_CONNECTIONS: u16 = 16;
/// Orders of the past that are looked through for refillable ones, and how many of those are named.
pub const DEMO_PAST_ROWS: usize = 2_000;
pub const DEMO_REFILLABLE: usize = 500;
/// Order ids that a restored panel leaves out: more than any panel gives out between two backups (invariants.md E7).
pub const RESTORE_ID_GAP: u32 = 1_000_000;
/// Hours for which the simulated provider of the demo honours idempotency keys; it never forgets any.
pub const DEMO_KEYS_KEPT_HOURS: u16 = 24;
