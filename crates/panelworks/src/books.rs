//! Where the books are kept: the one place in the program that knows which store it is.
//!
//! In: the configuration. Out: [`Opened`], whose books, questions and numbers are the same whichever store stands
//! behind them; and what only one store can do (a backup as a file, a look at every page of it) as questions that
//! each store answers in its own words. Never: a rule of the business, SQL. Rules: architecture.md, "only the program
//! knows which store it is".

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use panelworks_core::ids::NodeId;
use panelworks_store::ports::{Books, StoreError, StoreErrorKind};
use panelworks_store::reader::OwnReads;
use panelworks_store::sqlite::{self, OpenError, Options, Sqlite, SqliteReads};
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
}

/// Open books. Nobody else can open them as long as `books` lives.
pub struct Opened {
    pub books: Box<dyn Books>,
    pub reads: Reads,
    pub node: NodeId,
    /// Raised by this very opening.
    pub epoch: u32,
    /// A copy of other books, or restored ones.
    pub is_copy: bool,
}

/// Opens the books, and makes them where there are none.
pub fn open(config: &Config, opening: Opening) -> anyhow::Result<Opened> {
    let Opening { durability, claim, order_floor, on_damage } = opening;
    let options = Options { durability, claim, order_floor, on_damage, ..Options::default() };
    let opened = Sqlite::open(&config.data_dir, options)?;
    Ok(Opened {
        books: Box::new(opened.books),
        reads: Reads::Embedded(opened.reads),
        node: opened.node,
        epoch: opened.epoch,
        is_copy: opened.is_copy,
    })
}

/// Whether a panel has kept its books there.
pub fn are_there(config: &Config) -> bool {
    config.data_dir.join(FILES[0]).exists()
}

/// Whether the books could not be opened because another process has them open.
pub fn are_in_use(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<OpenError>(), Some(OpenError::Locked(_)))
}

/// Whether the books could not be opened because their database is away: it may come back by itself.
pub fn are_away(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<OpenError>(),
        Some(OpenError::Store(StoreError { kind: StoreErrorKind::Again | StoreErrorKind::Away, .. }))
    )
}

/// Removes books that were promised to nobody yet: those of a demo's first start that did not come to its end.
pub fn remove(config: &Config) -> anyhow::Result<()> {
    for name in FILES {
        match fs::remove_file(config.data_dir.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => other.with_context(|| format!("can't remove {name}"))?,
        }
    }
    Ok(())
}

/// Puts a backup in the place of books, of which there are none yet.
pub fn put_in_place(backup: &Path, folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
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
}

impl Reads {
    /// A reader for one thread.
    pub fn views(&self) -> Result<OwnReads, StoreError> {
        match self {
            Self::Embedded(reads) => Ok(Box::new(reads.views()?)),
        }
    }

    /// Writes a whole, audited copy to the file `to`. Takes as long as reading and writing everything twice.
    pub fn back_up(&self, to: &Path) -> Result<(), Refused> {
        match self {
            Self::Embedded(reads) => reads.backup(to).map_err(Refused::by),
        }
    }

    /// What is wrong below the rows; nothing where the store looks after that by itself.
    pub fn damage(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Embedded(reads) => sqlite::integrity(reads),
        }
    }
}
