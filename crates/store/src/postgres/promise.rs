//! What the server on the other side promises, asked on every new connection.
//!
//! In: its settings. Out: a [`Server`], or the doubt for which it is not written to: it is a standby, a primary of
//! the past, or loses acknowledged commits with its power (invariants.md A2, A10, 7.10, 7.13).

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_postgres::Row;

use super::Durability;
use super::error::Failure;
use crate::limits;

/// A server as it was when the connection was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// As PostgreSQL writes it: 150018 is 15.18.
    pub version: u32,
    /// Raised by every promotion of a standby.
    pub timeline: u32,
    pub(super) in_recovery: bool,
    pub promise: Promise,
}

/// What an acknowledged commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// Nothing but a quiet day: power loss or a crash of the machine may take it.
    Nothing,
    /// Power loss of the server. Its loss, or a failover, may take the last ones.
    PowerLoss,
    /// The loss of the server: a standby has confirmed it too.
    ServerLoss,
}

impl Promise {
    /// For people: a line of the health page.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nothing => "commits are not synced: power loss may take acknowledged orders",
            Self::PowerLoss => {
                "commits survive power loss; a failover may lose the last ones (no synchronous standby)"
            }
            Self::ServerLoss => "commits survive the loss of the database server (a standby confirms each)",
        }
    }
}

/// What the connections of one store have learned together of the servers behind its address.
#[derive(Debug, Default)]
pub(super) struct Seen {
    highest: AtomicU32,
    server: Mutex<Option<Server>>,
}

impl Seen {
    /// The highest timeline that any of them has met: a primary of a lower one is of the past.
    pub(super) fn timeline(&self) -> u32 {
        self.highest.load(Ordering::Relaxed)
    }

    /// The server that was met last; None before the first.
    pub(super) fn server(&self) -> Option<Server> {
        self.lock().clone()
    }

    /// A primary has said this of itself.
    pub(super) fn learn(&self, server: &Server) {
        self.highest.fetch_max(server.timeline, Ordering::Relaxed);
        let Some(before) = self.lock().replace(server.clone()) else { return };
        let (timeline, promise) = (server.timeline, server.promise.words());
        if before.timeline != timeline {
            tracing::warn!(timeline, before = before.timeline, "the database has failed over");
        }
        match before.promise.cmp(&server.promise) {
            std::cmp::Ordering::Less => tracing::info!(promise, "the database promises more than before"),
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => tracing::warn!(promise, "the database promises less than before"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session as the adapter wants it. A transaction of a dead client ends by itself, nobody waits for a lock for
/// ever, and a prepared statement keeps its plan.
pub(super) fn session(schema: &str, for_writing: bool) -> String {
    let plans = if for_writing { STEADY_PLANS } else { "" };
    format!(
        "set search_path to {schema}; set timezone to 'UTC'; set client_min_messages to warning; \
         set default_transaction_isolation to 'read committed'; set statement_timeout to 0; \
         set idle_in_transaction_session_timeout to {idle}; set lock_timeout to {lock}; \
         set plan_cache_mode to force_generic_plan; set jit to off{plans}",
        idle = limits::IDLE_IN_TRANSACTION.as_millis(),
        lock = limits::LOCK_WAIT.as_millis(),
    )
}

/// The writer finds every row by a key. Without this, a plan made for an empty table would read a full one from end to
/// end until somebody has analysed it.
const STEADY_PLANS: &str =
    "; set enable_seqscan to off; set enable_hashjoin to off; set enable_mergejoin to off";

pub(super) const SERVER: &str = "select cast(current_setting('server_version_num') as integer), pg_is_in_recovery(), \
     case when pg_is_in_recovery() then '00000000' else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end, \
     current_setting('fsync') = 'on' and current_setting('full_page_writes') = 'on', \
     current_setting('synchronous_commit'), current_setting('synchronous_standby_names')";

pub(super) fn read(row: &Row) -> Result<Server, Failure> {
    let read = || -> Result<_, tokio_postgres::Error> {
        Ok((
            row.try_get::<_, i32>(0)?,
            row.try_get::<_, bool>(1)?,
            row.try_get::<_, String>(2)?,
            row.try_get::<_, bool>(3)?,
            row.try_get::<_, String>(4)?,
            row.try_get::<_, String>(5)?,
        ))
    };
    let (version, in_recovery, timeline, synced, commit, standbys) =
        read().map_err(|why| Failure::of(&why))?;
    let timeline = u32::from_str_radix(&timeline, 16)
        .map_err(|_| Failure::value(format!("{timeline:?} is no timeline")))?;
    let version = u32::try_from(version).map_err(|_| Failure::value("the server's version is negative"))?;
    Ok(Server { version, timeline, in_recovery, promise: promise(synced, &commit, &standbys) })
}

/// `local` and `off` do not wait for a standby, whatever standbys there are.
fn promise(synced: bool, commit: &str, standbys: &str) -> Promise {
    if !synced || commit == "off" {
        Promise::Nothing
    } else if commit == "local" || standbys.trim().is_empty() {
        Promise::PowerLoss
    } else {
        Promise::ServerLoss
    }
}

/// Why this server is not written to; None where it is.
pub(super) fn doubt(server: &Server, asked: Durability, timeline: u32) -> Option<Failure> {
    if server.in_recovery {
        return Some(Failure::Lost("the server is a standby".to_owned()));
    }
    if server.timeline < timeline {
        return Some(Failure::Lost(format!(
            "the server is a primary of the past: timeline {}, we have seen {timeline}",
            server.timeline
        )));
    }
    let enough = match asked {
        Durability::Synced => server.promise >= Promise::PowerLoss,
        Durability::Lazy => true,
    };
    // No waiting mends that, as it may a failover.
    (!enough).then(|| {
        Failure::value(
            "the server's settings lose acknowledged commits: fsync, full_page_writes and synchronous_commit must be on",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(timeline: u32, promise: Promise) -> Server {
        Server { version: 150_018, timeline, in_recovery: false, promise }
    }

    #[test]
    fn the_promise_is_that_of_the_weakest_setting() {
        assert_eq!(promise(true, "on", ""), Promise::PowerLoss);
        assert_eq!(promise(true, "on", "one"), Promise::ServerLoss);
        assert_eq!(promise(true, "remote_apply", "any 1 (a, b)"), Promise::ServerLoss);
        assert_eq!(promise(true, "local", "one"), Promise::PowerLoss);
        assert_eq!(promise(true, "off", "one"), Promise::Nothing);
        assert_eq!(promise(false, "on", "one"), Promise::Nothing);
    }

    #[test]
    fn a_server_that_forgets_is_not_written_to_unless_that_was_asked_for() {
        assert!(doubt(&server(1, Promise::Nothing), Durability::Synced, 1).is_some());
        assert_eq!(doubt(&server(1, Promise::Nothing), Durability::Lazy, 1), None);
        assert_eq!(doubt(&server(1, Promise::PowerLoss), Durability::Synced, 1), None);
    }

    #[test]
    fn a_standby_and_a_primary_of_the_past_are_not_written_to() {
        assert_eq!(doubt(&server(3, Promise::ServerLoss), Durability::Synced, 3), None);
        assert_eq!(doubt(&server(4, Promise::ServerLoss), Durability::Synced, 3), None);
        assert!(doubt(&server(2, Promise::ServerLoss), Durability::Synced, 3).is_some());
        let standby = Server { in_recovery: true, ..server(3, Promise::ServerLoss) };
        assert!(doubt(&standby, Durability::Lazy, 3).is_some());
    }
    #[test]
    fn what_one_connection_has_met_all_know() {
        let seen = Seen::default();
        assert_eq!((seen.timeline(), seen.server()), (0, None));
        seen.learn(&server(4, Promise::ServerLoss));
        seen.learn(&server(3, Promise::PowerLoss));
        assert_eq!(seen.timeline(), 4);
        assert_eq!(seen.server().map(|server| server.promise), Some(Promise::PowerLoss));
    }
}
