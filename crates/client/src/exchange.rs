//! What one exchange with a provider ends in: an answer's bytes, or a failure with its phase.
//!
//! In: nothing; these are values. Out: [`Exchanged`] or [`Failure`]. The phase is what money depends
//! on: `NotSent` allows a new attempt, `Sent` makes its fate unknown (`domain.md`, Attempts 2 and 3).
//! Neither type ever holds a key, a URL's query or a request's body.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

/// An answer that arrived whole, whatever its status says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The HTTP status, 200 to 599. Redirects are answers like any other: they are never followed.
    pub status: u16,
    /// The `Retry-After` header, at most [`crate::limits::RETRY_AFTER`]; `None` if absent or unreadable.
    pub retry_after: Option<Duration>,
    /// The body as it came, not decoded and not yet parsed; never longer than the cap asked for. Our own key is struck
    /// where it was repeated.
    pub body: Bytes,
}

/// Why there is no answer, and whether the request may have reached the provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why} ({phase})")]
pub struct Failure {
    /// How far the request came.
    pub phase: Phase,
    /// One short line for a log or an operator, at most [`crate::limits::WHY_CHARS`] characters.
    pub why: String,
}

/// How far a request came before it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Not one byte of the request left: name not found, no route, connection refused or timed out,
    /// TLS failed, or our own policy refused the address.
    NotSent,
    /// At least one byte may have left. The provider may have acted on it.
    Sent,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::NotSent => "not sent",
            Phase::Sent => "sent",
        })
    }
}
