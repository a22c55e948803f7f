//! Every bound of the doors, with its unit and the reason for it. What `Settings` can change is said so; the rest
//! protects the process and has no knob.

use std::time::Duration;

/// Bytes of a request body; `api-v2.md` §12 demands at least 1 MiB for long comment lists. A setting, up to
/// [`panelworks_wire::limits::REQUEST_BYTES`].
pub const BODY_BYTES: usize = 1024 * 1024;
/// From the end of the headers to the end of the body (invariants.md C26). A setting.
pub const BODY_TIME: Duration = Duration::from_secs(20);
/// Bytes of a too long body that are read and thrown away, so that its sender gets to see the answer instead of a
/// reset connection.
pub const DISCARDED_BYTES: usize = 8 * 1024 * 1024;
/// Bodies above this many bytes share [`LARGE_BODIES`] places: what slow senders can make us hold stays small.
pub const LARGE_BODY_BYTES: usize = 64 * 1024;
/// Large bodies held at once: 64 MiB at the most.
pub const LARGE_BODIES: usize = 64;

/// Calls of one key in a minute, and at once (`api-v2.md` §12). A setting.
pub const REQUESTS_PER_MINUTE: u32 = 600;
pub const REQUESTS_BURST: u32 = 100;
/// Wrong keys from one address in a minute, and at once (invariants.md C6). A setting.
pub const BAD_KEYS_PER_MINUTE: u32 = 20;
pub const BAD_KEYS_BURST: u32 = 20;
/// Addresses whose wrong keys are counted: 4 MiB.
pub const BAD_KEY_ADDRESSES: usize = 65_536;
/// Between two sweeps of addresses that have been quiet.
pub const BAD_KEY_SWEEP: Duration = Duration::from_secs(1);

/// How long a `status` above the pace waits for its turn before it is answered without a body (`api-v2.md` rule
/// 11). A setting.
pub const STATUS_PATIENCE: Duration = Duration::from_secs(2);
/// Calls of `status` that wait for their turn at once.
pub const STATUS_WAITING: usize = 1_024;

/// How long a call above the pace is held before it is told so: a client that calls again at once takes a twentieth of
/// a millisecond of a processor that others need, and so no more than twenty times a second on each connection
/// (invariants.md C28, C6).
pub const FLOOD_PAUSE: Duration = Duration::from_millis(50);
/// Calls that are held so at once; further ones are told at once.
pub const FLOOD_HELD: usize = 1_024;

/// Calls being answered at once; beyond it they are refused before anything was decided (invariants.md A7).
pub const CALLS_UNDER_WAY: usize = 8_192;
/// `Retry-After` of an overloaded panel, in seconds.
pub const OVERLOAD_RETRY_S: u64 = 1;

/// Characters of a request id taken over from the caller.
pub const REQUEST_ID_CHARS: usize = 64;
/// Proxies looked at in `X-Forwarded-For`, from the nearest outwards.
pub const FORWARDED_HOPS: usize = 16;

/// Between two lines of the log about calls that found no answer.
pub const COMPLAINT_PAUSE: Duration = Duration::from_secs(1);
/// A successful call that took longer is logged as a warning.
pub const SLOW_CALL: Duration = Duration::from_secs(2);
/// How long `/readyz` waits for the store.
pub const READY_PATIENCE: Duration = Duration::from_secs(2);
/// The queue is overfull for `/readyz` above this many commands: three quarters of what fits.
pub const READY_QUEUE: usize = panelworks_store::limits::QUEUE_COMMANDS / 4 * 3;
/// Customers read at once when the caches are filled.
pub const CUSTOMERS_READ: usize = 1_000;

/// Connections at once, in all; a further one is answered 503 and closed. A setting.
pub const CONNECTIONS: usize = 4_096;
/// Connections of one address, or of one /64 of IPv6 (invariants.md C26). Loopback and trusted proxies are exempt.
/// A setting.
pub const CONNECTIONS_PER_ADDRESS: usize = 200;
/// From a request's first byte to the end of its headers (invariants.md C26).
pub const HEADER_TIME: Duration = Duration::from_secs(10);
/// A connection without a request under way is closed after this.
pub const IDLE_TIME: Duration = Duration::from_secs(75);
/// A client that takes no byte of its answer for this long is let go.
pub const WRITE_TIME: Duration = Duration::from_secs(30);
/// Between two looks at all connections; the times above are kept to this precision.
pub const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a request line with its headers; above the 16 KiB of invariants.md C26, because clients send orders
/// with their comments in the query of a GET (`api-v2.md` §1).
/// Their number ends at hyper's hundred: a number of our own would cost every request an allocation.
pub const HEADER_BYTES: usize = 64 * 1024;
/// Bytes of a connection's read buffer: how much of a body lies there while the door is still reading.
pub const READ_BUFFER_BYTES: usize = 64 * 1024;
/// After a failed accept (no file descriptors left, say).
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a stopping server waits for the calls it has accepted. A setting.
pub const SHUTDOWN_TIME: Duration = Duration::from_secs(30);

/// Memory, passes and lanes of Argon2id: some 43 ms of a core for each password (invariants.md C15, 7.12).
pub const HASH_MEMORY_KIB: u32 = 19 * 1024;
pub const HASH_PASSES: u32 = 3;
pub const HASH_LANES: u32 = 1;
/// Passwords hashed at once: 38 MiB, and a flood of log-ins leaves a core's worth for orders (invariants.md C15).
pub const HASHES_AT_ONCE: usize = 2;
/// Characters of a password. Below the least every guess is cheap; a good one is of several words; the most bounds
/// what a stranger can make us hash.
pub const PASSPHRASE_CHARS_LEAST: usize = 8;
pub const PASSPHRASE_CHARS_GOOD: usize = 15;
pub const PASSPHRASE_CHARS_MOST: usize = 128;
/// Characters of a password that contains the operator's or the panel's name, besides the name and the digits and signs at the ends.
pub const PASSPHRASE_CHARS_BESIDE_NAMES: usize = 5;

/// Level of the gzip of prepared service lists: they are compressed once and sent many times.
pub const GZIP_LEVEL: u32 = 6;
/// Seconds a browser may keep the answer to a CORS preflight.
pub const PREFLIGHT_SECONDS: &str = "86400";
