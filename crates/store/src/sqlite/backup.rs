//! A whole copy while everything goes on, and the proof that it can be trusted.
//!
//! In: where to write it. Out: one file, compact, of one moment between two commits, checked page by page and
//! audited like the original. Never: a target that exists. Rules: invariants.md E6, A15.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use panelworks_core::audit::Violation;
use rusqlite::{Connection, OpenFlags};

use super::audit;
use super::error::doing;
use super::room::private;
use super::views::SqliteReads;
use crate::ports::StoreError;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{} exists; a backup never writes over anything", .0.display())]
    Exists(PathBuf),
    #[error("{doing} {}: {why}", .path.display())]
    Io { doing: &'static str, path: PathBuf, why: io::Error },
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The copy is kept for whoever looks into it.
    #[error("the copy {} is damaged: {}", .path.display(), .problems.join("; "))]
    Damaged { path: PathBuf, problems: Vec<String> },
    #[error("the copy {} breaks {} laws of the books, the first: {}", .path.display(), .violations.len(), .violations.first().map_or_else(String::new, ToString::to_string))]
    Unsound { path: PathBuf, violations: Vec<Violation> },
}

impl SqliteReads {
    /// Writes a copy to `to`, and checks it. Takes as long as reading and writing the file twice.
    pub fn backup(&self, to: &Path) -> Result<(), BackupError> {
        let io = |doing| move |why| BackupError::Io { doing, path: to.to_owned(), why };
        if to.try_exists().map_err(io("looking at"))? {
            return Err(BackupError::Exists(to.to_owned()));
        }
        // Made here for its mode; an empty file is a target that SQLite takes.
        let target = private(to).map_err(io("making"))?;
        let source = self.connection()?;
        let name = to.to_string_lossy();
        source.execute("vacuum into ?1", [&*name]).map_err(doing("writing the backup"))?;
        target.sync_all().map_err(io("syncing"))?;
        drop(target);
        if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(io("syncing the folder of"))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let copy = Connection::open_with_flags(to, flags).map_err(doing("opening the backup"))?;
        let problems = problems(&copy).map_err(doing("checking the backup"))?;
        if !problems.is_empty() {
            return Err(BackupError::Damaged { path: to.to_owned(), problems });
        }
        let violations = audit::audit(&copy, &mut |_, _| ()).map_err(doing("auditing the backup"))?;
        if !violations.is_empty() {
            return Err(BackupError::Unsound { path: to.to_owned(), violations });
        }
        Ok(())
    }
}

/// Checks every page and index of the file; an empty answer is a whole file.
pub fn integrity(reads: &SqliteReads) -> Result<Vec<String>, StoreError> {
    problems(&reads.connection()?).map_err(doing("checking the file"))
}

pub(super) fn problems(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let problems = connection
        .prepare("select integrity_check from pragma_integrity_check union all select 'a reference from ' || \"table\" || ' to ' || parent || ' leads nowhere' from pragma_foreign_key_check")?
        .query_map([], |row| row.get::<_, String>(0))?
        .filter(|line| line.as_ref().map_or(true, |line| line != "ok"))
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(problems)
}
