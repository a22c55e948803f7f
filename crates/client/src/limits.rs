//! Every bound of this crate, with its unit and its reason. None is configurable except the
//! deadline and the body's cap of one exchange, which are its arguments. The rules come from
//! `invariants.md` §2.2 (B3, B4, B14, B15, B18) and `api-v2.md` §12.

use std::time::Duration;

/// Longest answer to any action but `services`: 1 MiB. A hundred statuses take about 15 KiB.
pub const ANSWER_BYTES: usize = panelworks_wire::limits::ANSWER_BYTES;

/// Longest answer to `services`: 32 MiB. 20,000 rows with descriptions stay below it.
pub const CATALOGUE_BYTES: usize = panelworks_wire::limits::SERVICES_BYTES;

/// Most headers in an answer; one more and the answer is refused.
pub const HEADERS: usize = 100;

/// Longest head of an answer in bytes, names and values together. The HTTP library itself stops
/// buffering at about 400 KiB; what arrives between the two is refused here.
pub const HEADER_BYTES: usize = 64 * 1024;

/// Longest time to look a name up, connect and finish the TLS handshake. Shorter than any deadline
/// below, so that a dead host costs little and is known as not sent.
pub const CONNECT: Duration = Duration::from_secs(10);

/// Whole duration of an `add`, `refill` or `cancel`. Panels are told to answer within 10 s; three
/// times that, because giving up early makes an order of unknown fate.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// Whole duration of a read (`status`, `balance`, …): it is asked again anyway.
pub const READ_DEADLINE: Duration = Duration::from_secs(20);

/// Whole duration of `services`: PHP panels build 10,000 rows in tens of seconds.
pub const CATALOGUE_DEADLINE: Duration = Duration::from_mins(1);

/// How long an unused connection is kept. Common servers close theirs after 5 s; a request written
/// to a connection that is being closed has an unknown fate, so we let go first.
pub const POOL_IDLE: Duration = Duration::from_secs(3);

/// Unused connections kept per host: as many as may be busy with one provider at a time.
pub const POOL_PER_HOST: usize = 8;

/// Longest wait we take from a `Retry-After` header; a larger wish is cut to this.
pub const RETRY_AFTER: Duration = Duration::from_mins(10);

/// Longest `why` of a failure, in characters; it ends in logs and on pages.
pub const WHY_CHARS: usize = 200;

/// Keys of fewer bytes are not struck from what a provider says: they might be a word of it.
pub const STRUCK_KEY_BYTES: usize = 12;

/// Most ids in one call, the protocol's own limit.
pub const IDS: usize = panelworks_wire::limits::BATCH_IDS;

/// Ports a provider reached over the internet may have: those on which HTTPS is really offered
/// (443, 8443 and the four more that large proxies serve). Keeps a provider's URL from being
/// aimed at mail servers, databases and the like.
pub const PUBLIC_PORTS: [u16; 6] = [443, 2053, 2083, 2087, 2096, 8443];
