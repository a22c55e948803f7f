//! What PostgreSQL says, or does not say, as what a caller may do about it.
//!
//! In: an SQLSTATE, a dead socket, a deadline that passed. Out: [`StoreError`]. Serialization failures, deadlocks and
//! lock time-outs are decided again, and so is a key that another node has just written; a lost connection is no
//! answer at all, and what that means depends on whether a commit was on its way (invariants.md A6, A8, A9).

use tokio_postgres::error::SqlState;

use crate::ports::{StoreError, StoreErrorKind};

/// Why a flight of statements has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server refused a statement: its transaction is over.
    Refused { state: SqlState, why: String },
    /// The connection is gone: nobody knows what became of what was sent.
    Lost(String),
    /// A value that can't be sent, or that came and can't be read.
    Value(String),
    /// Nothing may be written any more.
    Over(String),
}

impl Failure {
    pub(super) fn value(why: impl Into<String>) -> Self {
        Self::Value(why.into())
    }

    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        if let Some(refused) = error.as_db_error() {
            let state = refused.code().clone();
            let why = words(refused);
            // The server says good-bye: the connection ends with it.
            if ends_connection(&state) { Self::Lost(why) } else { Self::Refused { state, why } }
        } else if error.is_closed()
            || std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
        {
            Self::Lost(chain(error))
        } else {
            Self::Value(chain(error))
        }
    }

    pub(super) fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Refused { state, .. } => kind_of(state),
            Self::Lost(_) => StoreErrorKind::Away,
            Self::Value(_) => StoreErrorKind::Failed,
            Self::Over(_) => StoreErrorKind::Fatal,
        }
    }

    pub(super) fn doing(self, doing: &'static str) -> StoreError {
        let kind = self.kind();
        let why = match self {
            Self::Refused { why, .. } | Self::Lost(why) | Self::Value(why) | Self::Over(why) => why,
        };
        StoreError { doing, why, kind }
    }

    /// Somebody else has written this key meanwhile.
    pub(super) fn is_taken_key(&self) -> bool {
        matches!(self, Self::Refused { state, .. } if *state == SqlState::UNIQUE_VIOLATION)
    }
}

/// Names what was being done.
pub(super) fn doing(what: &'static str) -> impl Fn(Failure) -> StoreError {
    move |failure| failure.doing(what)
}

/// An error of our own making.
pub(super) fn error(doing: &'static str, why: impl Into<String>, kind: StoreErrorKind) -> StoreError {
    StoreError { doing, why: why.into(), kind }
}

fn words(refused: &tokio_postgres::error::DbError) -> String {
    let mut why = format!("{} ({})", refused.message(), refused.code().code());
    for more in [refused.detail(), refused.hint()].into_iter().flatten() {
        why.push_str("; ");
        why.push_str(more);
    }
    why
}

/// The driver's own words are short; what is behind them says more.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_says = cause.to_string();
        if !why.contains(&cause_says) {
            why.push_str(": ");
            why.push_str(&cause_says);
        }
        source = cause.source();
    }
    why
}

fn ends_connection(state: &SqlState) -> bool {
    *state == SqlState::ADMIN_SHUTDOWN
        || *state == SqlState::CRASH_SHUTDOWN
        || *state == SqlState::CANNOT_CONNECT_NOW
        || *state == SqlState::DATABASE_DROPPED
        || *state == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        || *state == SqlState::TOO_MANY_CONNECTIONS
        || state.code().starts_with("08")
}

fn kind_of(state: &SqlState) -> StoreErrorKind {
    let again = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::UNIQUE_VIOLATION,
    ];
    if again.contains(state) {
        StoreErrorKind::Again
    } else if *state == SqlState::DISK_FULL {
        StoreErrorKind::Full
    } else if *state == SqlState::READ_ONLY_SQL_TRANSACTION {
        // A primary that became a standby: another one is, or will be, the primary.
        StoreErrorKind::Away
    } else {
        StoreErrorKind::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(state: SqlState) -> Failure {
        Failure::Refused { state, why: String::new() }
    }

    #[test]
    fn what_two_nodes_do_to_each_other_is_decided_again() {
        for state in [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::UNIQUE_VIOLATION,
        ] {
            assert_eq!(refused(state).kind(), StoreErrorKind::Again);
        }
        assert_eq!(refused(SqlState::CHECK_VIOLATION).kind(), StoreErrorKind::Failed);
        assert_eq!(refused(SqlState::DISK_FULL).kind(), StoreErrorKind::Full);
        assert_eq!(Failure::Lost(String::new()).kind(), StoreErrorKind::Away);
    }

    #[test]
    fn a_server_that_says_good_bye_is_a_lost_connection() {
        for code in ["57P01", "57P02", "57P03", "08006", "08P01", "25P03", "53300"] {
            assert!(ends_connection(&SqlState::from_code(code)), "{code}");
        }
        for code in ["40001", "23505", "57014", "25P02"] {
            assert!(!ends_connection(&SqlState::from_code(code)), "{code}");
        }
    }
}
