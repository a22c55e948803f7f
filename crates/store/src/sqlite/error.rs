//! What SQLite says, as what a caller may do about it.
//!
//! A full disk is a state to live with; a busy file is tried again; an I/O error or a damaged file ends the
//! writer, because a handle that failed once may lie afterwards (invariants.md A3, A4, A15).

use rusqlite::types::Type;
use rusqlite::{Error, ErrorCode, ffi};

use crate::ports::{StoreError, StoreErrorKind};

/// Names what was being done.
pub(super) fn doing(what: &'static str) -> impl Fn(Error) -> StoreError {
    move |error| StoreError { doing: what, kind: kind_of(&error), why: error.to_string() }
}

/// An error of our own making.
pub(super) fn error(doing: &'static str, why: impl Into<String>, kind: StoreErrorKind) -> StoreError {
    StoreError { doing, why: why.into(), kind }
}

/// A stored value that this program can't read.
pub(super) fn unreadable(column: usize, why: impl Into<String>) -> Error {
    Error::FromSqlConversionFailure(column, Type::Null, why.into().into())
}

/// A value that has no text.
pub(super) fn unwritable(why: serde_json::Error) -> Error {
    Error::ToSqlConversionFailure(why.into())
}

pub(super) fn kind_of(error: &Error) -> StoreErrorKind {
    let Error::SqliteFailure(failure, _) = error else { return StoreErrorKind::Failed };
    // The shared-memory file can't grow: the disk is full, nothing else is wrong.
    if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE {
        return StoreErrorKind::Full;
    }
    match failure.code {
        ErrorCode::DiskFull => StoreErrorKind::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreErrorKind::Again,
        ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::ReadOnly
        | ErrorCode::CannotOpen
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::PermissionDenied => StoreErrorKind::Fatal,
        // `ErrorCode` is not ours and may grow; what is left concerns this statement alone.
        _ => StoreErrorKind::Failed,
    }
}
