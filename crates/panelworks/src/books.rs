//! Where the books are kept: the one place in the program that knows which store it is.
//!
//! In: the configuration. Out: [`Opened`], whose books, questions and numbers are the same whichever store stands
//! behind them; and what only one store can do (a backup as a file, a look at every page of it) as questions that
//! each store answers in its own words. Never: a rule of the business, SQL. Rules: architecture.md, "only the program
//! knows which store it is".

mod database;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context;
use panelworks_core::ids::NodeId;
use panelworks_store::neighbours::Neighbours;
use panelworks_store::ports::{Books, StoreError, StoreErrorKind};
use panelworks_store::postgres::{PostgresCarrier, PostgresReads, Promise, Server, Side};
use panelworks_store::reader::OwnReads;
use panelworks_store::sqlite::{self, OpenError, Options, Sqlite, SqliteCarrier, SqliteReads};
pub use panelworks_store::sqlite::{Durability, OnDamage};

use crate::config::Config;
use crate::control::request::Refused;

/// The embedded store's files in the data folder.
const FILES: [&str; 3] = ["panelworks.db", "panelworks.db-wal", "panelworks.db-shm"];

/// How the books are opened, whichever store keeps them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opening {
    pub durability: Durability,
    /// Take copied or restored books for the ledger itself from now on (invariants.md E7, E8).
    pub claim: bool,
    /// Order ids below are never drawn: beyond what a restored backup's panel may have given out since.
    pub order_floor: Option<u32>,
    pub on_damage: OnDamage,
    /// Even where a database was found to have lost what it had acknowledged: whoever says so settles that.
    pub after_loss: bool,
}

/// Open books. Nobody else can open them as long as `books` lives.
pub struct Opened {
    pub books: Box<dyn Books>,
    pub reads: Reads,
    /// None where nobody else can write to these books.
    pub neighbours: Option<Box<dyn Neighbours>>,
    pub node: NodeId,
    /// Raised by this very opening.
    pub epoch: u32,
    /// A copy of other books, or restored ones.
    pub is_copy: bool,
    /// Over the data folder, where the store does not lock it by itself.
    pub lock: Option<Lock>,
}

/// A data folder is one process's as long as this lives; the kernel lets go of it when the process ends.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    fn over(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("lock");
        let open = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = open.with_context(|| format!("can't write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked(folder.to_owned()).into()),
            Err(TryLockError::Error(why)) => {
                Err(why).with_context(|| format!("can't lock {}", path.display()))
            }
        }
    }
}

impl Drop for Lock {
    /// Closing alone would not do while a child of this process, just forked, still has the file open.
    fn drop(&mut self) {
        // At the latest it ends with the process.
        let _ = self.0.unlock();
    }
}

/// Opens the books, and makes them where there are none. Blocks.
pub fn open(config: &Config, opening: Opening) -> anyhow::Result<Opened> {
    match &config.database.url {
        None => open_embedded(config, opening),
        Some(url) => database::open(config, url, opening),
    }
}

fn open_embedded(config: &Config, opening: Opening) -> anyhow::Result<Opened> {
    let Opening { durability, claim, order_floor, on_damage, after_loss: _ } = opening;
    let options = Options { durability, claim, order_floor, on_damage, ..Options::default() };
    let opened = Sqlite::open(&config.data_dir, options)?;
    tracing::info!(folder = %config.data_dir.display(), epoch = opened.epoch, "the books are open");
    Ok(Opened {
        books: Box::new(opened.books),
        reads: Reads::Embedded(opened.reads),
        neighbours: None,
        node: opened.node,
        epoch: opened.epoch,
        is_copy: opened.is_copy,
        lock: None,
    })
}

/// Both places that a configuration names, for a move between them: first the folder, which is locked, then the
/// database, where `side` says on which side of the move it stands. Blocks.
pub fn carriers(config: &Config, side: Side) -> anyhow::Result<(SqliteCarrier, PostgresCarrier)> {
    let Some(url) = &config.database.url else {
        return Err(NotHere(format!(
            "a move needs both places: the folder is {}; name the database with url under [database], or with \
             PANELWORKS_DATABASE_URL",
            config.data_dir.display()
        ))
        .into());
    };
    let embedded = SqliteCarrier::open(&config.data_dir)?;
    Ok((embedded, database::carrier(config, url, side)?))
}

/// Whether there are books of a panel already. Blocks.
pub fn are_there(config: &Config) -> anyhow::Result<bool> {
    match &config.database.url {
        None => Ok(config.data_dir.join(FILES[0]).exists()),
        Some(url) => database::holds_anything(config, url),
    }
}

/// Where they are, in words for a person.
pub fn place(config: &Config) -> String {
    match &config.database.url {
        None => config.data_dir.display().to_string(),
        Some(url) => format!("{url}, schema {}", config.database.schema),
    }
}

/// False where there are surely no books of a panel; whether there are any in a database shows when they are opened.
pub fn may_be_there(config: &Config) -> bool {
    config.database.url.is_some() || config.data_dir.join(FILES[0]).exists()
}

/// Whether the books could not be opened because another process has them open.
pub fn are_in_use(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<OpenError>(), Some(OpenError::Locked(_)))
}

/// Whether the books could not be opened because their store is away: it may come back by itself.
pub fn are_away(error: &anyhow::Error) -> bool {
    let embedded = match error.downcast_ref::<OpenError>() {
        Some(OpenError::Store(error)) => Some(error.kind),
        Some(_) | None => None,
    };
    matches!(
        embedded.or_else(|| database::kind_of(error)),
        Some(StoreErrorKind::Again | StoreErrorKind::Away)
    )
}

/// Removes books that were promised to nobody yet: those of a demo's first start that did not come to its end. In a
/// database nothing is ever removed.
pub fn remove(config: &Config) -> anyhow::Result<()> {
    if config.database.url.is_some() {
        anyhow::ensure!(
            !are_there(config)?,
            "{} holds a demo that was interrupted at its first start; name an empty schema, or drop this one if nobody \
             needs it: drop schema {} cascade",
            place(config),
            config.database.schema
        );
        return Ok(());
    }
    for name in FILES {
        match fs::remove_file(config.data_dir.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => other.with_context(|| format!("can't remove {name}"))?,
        }
    }
    Ok(())
}

/// What a database has lost is settled: the next start is an ordinary one.
pub fn forget_loss(config: &Config) -> std::io::Result<()> {
    database::forget_loss(&config.data_dir)
}

/// What the store that the configuration names can't do, and what to use instead. Exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotHere(pub String);

/// Refuses what only books in a folder can do.
pub fn must_be_files(config: &Config, what: &str) -> Result<(), NotHere> {
    match config.database.url {
        None => Ok(()),
        Some(_) => Err(NotHere(database::instead(what, config))),
    }
}

/// Puts a backup in the place of books, of which there are none yet.
pub fn put_in_place(backup: &Path, folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let to = folder.join(FILES[0]);
    fs::copy(backup, &to).with_context(|| format!("can't copy {} to {}", backup.display(), to.display()))?;
    fs::set_permissions(&to, fs::Permissions::from_mode(0o600))?;
    fs::File::open(&to)?.sync_all()?;
    Ok(fs::File::open(folder)?.sync_all()?)
}

/// Takes books out of use that can't be trusted: nobody starts them by mistake, and nothing is lost.
pub fn put_aside(folder: &Path) -> std::io::Result<()> {
    fs::rename(folder.join(FILES[0]), folder.join("panelworks.db.refused"))
}

/// Makes readers of open books. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Reads {
    Embedded(SqliteReads),
    Postgres(Box<Database>),
}

/// Books in a database.
#[derive(Debug, Clone)]
pub struct Database {
    reads: PostgresReads,
    /// As it was when the books were opened.
    opened: Server,
    /// Host, database and schema.
    pub shown: String,
}

impl Database {
    /// What the present server promises: another one after a failover.
    pub fn promise(&self) -> Promise {
        self.reads.server().map_or(self.opened.promise, |server| server.promise)
    }
}

impl Reads {
    /// A reader for one thread. Blocks.
    pub fn views(&self) -> Result<OwnReads, StoreError> {
        match self {
            Self::Embedded(reads) => Ok(Box::new(reads.views()?)),
            Self::Postgres(database) => Ok(Box::new(database.reads.views()?)),
        }
    }

    /// Writes a whole, audited copy to the file `to`. Takes as long as reading and writing everything twice.
    pub fn back_up(&self, to: &Path) -> Result<(), Refused> {
        match self {
            Self::Embedded(reads) => reads.backup(to).map_err(Refused::by),
            Self::Postgres(database) => Err(Refused(format!(
                "the books are in PostgreSQL ({}): use pg_dump or continuous archiving",
                database.shown
            ))),
        }
    }

    /// What is wrong below the rows; None where that is the database server's business.
    pub fn damage(&self) -> Result<Option<Vec<String>>, StoreError> {
        match self {
            Self::Embedded(reads) => sqlite::integrity(reads).map(Some),
            Self::Postgres(_) => Ok(None),
        }
    }

    /// What an acknowledged order survives now, in words for the health page.
    pub fn promise(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "commits survive power loss (write-ahead log, every commit synced)",
            Self::Postgres(database) => database.promise().words(),
        }
    }
}
