//! The embedded store: one SQLite file in a folder of its own, locked for one process.
//!
//! In: a folder. Out: [`SqliteBooks`] for the executor's thread, [`SqliteReads`] for everybody who asks, and the
//! node's new epoch, raised in a commit of its own. Acknowledged means durable: write-ahead log, every commit
//! synced before it is told; weaker only by [`Options`], and then the log says so. Rules: architecture.md, The store;
//! invariants.md A1-A4, A8, A15, E5-E8. Begin with `schema/panelworks.sql`.

mod archive;
mod audit;
mod backup;
mod books;
mod carry;
mod checkpoint;
mod error;
mod files;
mod load;
mod marks;
mod operators;
mod queue;
mod rebuild;
mod room;
mod rows;
mod schema;
mod statements;
mod tail;
mod views;
mod write;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use panelworks_core::ids::NodeId;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

pub use backup::{BackupError, integrity};
pub use books::SqliteBooks;
pub use carry::SqliteCarrier;
pub use statements::hot_statements;
pub use views::{SqliteReads, SqliteViews};

use crate::limits;
use crate::ports::{StoreError, StoreErrorKind};

/// How an embedded store is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    pub durability: Durability,
    /// Take a copied or restored folder for the ledger itself from now on. Without it, [`Opened::is_copy`] says
    /// that it is one, and whoever opened it must not talk to providers (invariants.md E7, E8).
    pub claim: bool,
    /// Order ids below are never drawn: beyond what a restored backup's panel may have given out since.
    pub order_floor: Option<u32>,
    pub on_damage: OnDamage,
    /// Bounds the file, in pages of 4 KiB: for tests of a full disk.
    pub max_pages: Option<u32>,
    /// Bounds the part of each index that is kept in memory, in marks: for tests of what happens beyond it.
    pub marks_in_memory: Option<usize>,
}

/// What happens when the end of the books is not what was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDamage {
    /// Nothing starts on them.
    #[default]
    Refuse,
    /// They are opened all the same, by whoever looks for what is wrong.
    Open,
}

/// What an acknowledgement promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Survives power loss.
    #[default]
    Synced,
    /// Survives a crash of the program; power loss may take the last commits. Only for trials.
    Lazy,
}

/// An open store. The folder stays locked as long as `books` lives.
#[derive(Debug)]
pub struct Opened {
    pub books: SqliteBooks,
    pub reads: SqliteReads,
    pub node: NodeId,
    /// Raised by this very opening.
    pub epoch: u32,
    /// The file is not the one this ledger was last opened in: a copy, or a restored backup.
    pub is_copy: bool,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{} is in use by another panelworks; stop that one first", .0.display())]
    Locked(PathBuf),
    #[error("{file} was written by a newer panelworks (schema {found}, this one knows {known}); install that version or newer", file = .file.display())]
    TooNew { file: PathBuf, found: i64, known: i64 },
    /// From a time when no schema was carried over yet.
    #[error("{file} was written by a panelworks from before the first release (schema {found}, this one knows {known}), and can't be taken over; begin with a new data folder", file = .file.display())]
    TooOld { file: PathBuf, found: i64, known: i64 },
    #[error("{} is a database of another program", .0.display())]
    NotOurs(PathBuf),
    #[error(
        "the books in {} were moved to {to}. Name that place in the configuration; or, if nothing was done there yet, \
         take the move back with `panelworks migrate-store --undo`",
        .file.display()
    )]
    Moved { file: PathBuf, to: String },
    #[error("{doing} {}: {why}", .path.display())]
    Io { doing: &'static str, path: PathBuf, why: io::Error },
    #[error(
        "the books in {} are damaged: {what}. Nothing was started. Keep a copy of the folder, see with `panelworks \
         check` how far it goes, and restore the last backup with `panelworks restore`",
        .file.display()
    )]
    Damaged { file: PathBuf, what: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The embedded store's front door.
#[derive(Debug)]
pub struct Sqlite;

impl Sqlite {
    /// Opens the store in `folder`, and makes it when there is none.
    pub fn open(folder: &Path, options: Options) -> Result<Opened, OpenError> {
        let io = |doing, path: &Path| {
            let path = path.to_owned();
            move |why| OpenError::Io { doing, path, why }
        };
        fs::create_dir_all(folder).map_err(io("making", folder))?;
        let lock = lock(folder)?;
        let file = folder.join(FILE);
        // Made here for its mode: the log and its index inherit it.
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&file)
            .map_err(io("making", &file))?;
        let room = room::Room::open(folder).map_err(io("looking at", folder))?;
        let mut connection = Connection::open(&file).map_err(error::doing("opening the file"))?;
        configure(&connection, options).map_err(error::doing("configuring the connection"))?;
        schema::prepare(&mut connection, &file)?;
        if let Some(to) = schema::moved_to(&connection).map_err(error::doing("reading the node"))? {
            return Err(OpenError::Moved { file, to });
        }
        if options.on_damage == OnDamage::Refuse {
            refuse_damage(&connection, &file)?;
        }
        let place = place(&file).map_err(io("looking at", &file))?;
        let start = schema::start(&mut connection, &place, options)
            .map_err(error::doing("raising the epoch of the node"))?;
        let checkpoints = checkpoint::Checkpoints::start(&mut connection, &file, room.reserve_bytes())
            .map_err(error::doing("starting the checkpoints"))?;
        let reads = SqliteReads::new(&file);
        let is_copy = start.is_copy;
        let (node, epoch) = (start.node, start.epoch);
        let log = match options.durability {
            Durability::Synced => Some(folder.join(LOG)),
            Durability::Lazy => None,
        };
        let books = SqliteBooks::new(connection, start, &reads, room, checkpoints, log, lock)?
            .keeping(options.marks_in_memory.unwrap_or(limits::MARKS_IN_MEMORY));
        Ok(Opened { books, reads, node, epoch, is_copy })
    }
}

/// Device and inode: a copy has others.
fn place(file: &Path) -> io::Result<String> {
    let found = fs::metadata(file)?;
    Ok(format!("{}:{}", found.dev(), found.ino()))
}

/// Before the first write: what was changed behind our back is not made worse.
fn refuse_damage(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let damaged = |what| OpenError::Damaged { file: file.to_owned(), what };
    match tail::violations(connection) {
        Ok(found) => found.first().map_or(Ok(()), |first| Err(damaged(first.to_string()))),
        Err(error) => match error::kind_of(&error) {
            // A lock of somebody else's, a full disk: not the books' fault.
            StoreErrorKind::Again | StoreErrorKind::Full | StoreErrorKind::Away => {
                Err(error::doing("checking the end of the books")(error).into())
            }
            StoreErrorKind::Fatal | StoreErrorKind::Failed => Err(damaged(error.to_string())),
        },
    }
}

const FILE: &str = "panelworks.db";
/// The write-ahead log; SQLite names it so.
const LOG: &str = "panelworks.db-wal";

/// The folder is ours while this lives; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    /// Closing alone would not do while a child of this process, just forked, still has the file open.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the folder could not be unlocked; it will be when the process ends");
        }
    }
}

fn lock(folder: &Path) -> Result<Lock, OpenError> {
    let path = folder.join("lock");
    let failed = |why| OpenError::Io { doing: "locking", path: path.clone(), why };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(folder.to_owned())),
        Err(TryLockError::Error(why)) => Err(failed(why)),
    }
}

fn configure(connection: &Connection, options: Options) -> rusqlite::Result<()> {
    steady(connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    match options.durability {
        Durability::Synced => connection.pragma_update(None, "synchronous", "full")?,
        Durability::Lazy => {
            tracing::warn!("commits are not synced, as configured: power loss may take acknowledged orders");
            connection.pragma_update(None, "synchronous", "normal")?;
        }
    }
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -limits::WRITER_CACHE_KIB)?;
    if let Some(pages) = options.max_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(())
}

/// What writer and readers share. A statement keeps its plan whatever is bound to it: else one that touches a
/// partial index would be prepared again for every row.
fn steady(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(limits::BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(limits::STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "trusted_schema", false)
}
