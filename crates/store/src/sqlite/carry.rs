//! An embedded store's folder while its books are carried away, or others come: what both have in common.
//!
//! In: a folder that no panel has open. Out: the books in it as a [`Place`], and how one gets to know them. Reading
//! stands in `carry/departing.rs`, writing in `carry/arriving.rs`. Books that come are written to a file of another
//! name, which no start looks for. Rules: `crate::carry`; invariants.md E8.

mod arriving;
mod departing;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use panelworks_core::audit::Violation;
use rusqlite::{Connection, params};

use super::error::{doing, error};
use super::files::FileStatements;
use super::schema::{self, NODE};
use super::views::SqliteViews;
use super::{FILE, Lock, OpenError, Options, audit, configure, lock, place};
use crate::carry::{Place, Standing, Stream, TALLIES, Tally, joined};
use crate::ports::{CommitError, StoreError, StoreErrorKind};

/// See the module's head. The folder is locked as long as it lives.
#[derive(Debug)]
pub struct SqliteCarrier {
    folder: PathBuf,
    shown: String,
    /// The books that are there.
    books: Option<SqliteViews>,
    /// The books that come.
    coming: Option<SqliteViews>,
    /// To be made when all rows are there.
    indexes: Vec<String>,
    _lock: Lock,
}

impl SqliteCarrier {
    /// Opens what is there, and makes nothing but the folder.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let io = |doing, path: &Path| {
            let path = path.to_owned();
            move |why| OpenError::Io { doing, path, why }
        };
        fs::create_dir_all(folder).map_err(io("making", folder))?;
        let lock = lock(folder)?;
        let file = folder.join(FILE);
        let has_books = fs::metadata(&file).is_ok_and(|found| found.len() > 0);
        let books = has_books.then(|| open(&file)).transpose()?;
        let shown = fs::canonicalize(folder).map_err(io("looking at", folder))?.display().to_string();
        Ok(Self { folder: folder.to_owned(), shown, books, coming: None, indexes: Vec::new(), _lock: lock })
    }

    fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// The books that are carried: those that come, where there are any.
    fn in_hand(&self) -> Result<&Connection, StoreError> {
        let views = self.coming.as_ref().or(self.books.as_ref());
        views.map(|views| &views.connection).ok_or_else(nothing_there)
    }

    fn there(&self) -> Result<&SqliteViews, StoreError> {
        self.books.as_ref().ok_or_else(nothing_there)
    }

    fn set_moved_to(&self, to: Option<&str>) -> Result<(), CommitError> {
        let books = self.there().map_err(CommitError::NotCommitted)?;
        let marked =
            books.connection.execute("update node set moved_to = ?2 where id = ?1", params![NODE.0, to]);
        marked.map(drop).map_err(|failure| CommitError::NotCommitted(doing("marking the books")(failure)))
    }
}

fn nothing_there() -> StoreError {
    error("reading the books", "there are none", StoreErrorKind::Failed)
}

fn open(file: &Path) -> Result<SqliteViews, OpenError> {
    let mut connection = Connection::open(file).map_err(doing("opening the file"))?;
    configure(&connection, Options::default()).map_err(doing("configuring the connection"))?;
    schema::prepare(&mut connection, file)?;
    Ok(SqliteViews { connection, files: FileStatements::new() })
}

fn standing(connection: &Connection, place: &str) -> rusqlite::Result<Standing> {
    let (ledger, epoch, floor, known, moved_to) = connection.query_row(
        "select ledger, epoch, order_floor, place, moved_to from node where id = ?1",
        [NODE.0],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?, row.get(4)?)),
    )?;
    let tip = schema::tip(connection)?;
    let stream = Stream { node: NODE, epoch, place: tip.place, orders: tip.orders, link: tip.link };
    Ok(Standing {
        ledger,
        streams: (tip.place > 0).then_some(stream).into_iter().collect(),
        cursors: schema::cursors(connection, floor, tip)?,
        is_copy: !known.is_empty() && known != place,
        moved_to,
    })
}

impl Place for SqliteCarrier {
    fn shown(&self) -> &str {
        &self.shown
    }

    fn standing(&mut self) -> Result<Option<Standing>, StoreError> {
        const WHAT: &str = "looking where the books stand";
        let Some(books) = &self.books else { return Ok(None) };
        let place =
            place(&self.file()).map_err(|why| error(WHAT, why.to_string(), StoreErrorKind::Failed))?;
        standing(&books.connection, &place).map(Some).map_err(doing(WHAT))
    }

    fn audit(&mut self, hear: &mut dyn FnMut(u64, u64)) -> Result<Vec<Violation>, StoreError> {
        audit::audit(self.in_hand()?, hear).map_err(doing("auditing the books"))
    }

    fn tally(&mut self) -> Result<Vec<Tally>, StoreError> {
        let connection = self.in_hand()?;
        let tally = |table, sql| -> rusqlite::Result<Tally> {
            let mut statement = connection.prepare(sql)?;
            let parts =
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
            Ok(joined(table, parts.collect::<rusqlite::Result<_>>()?))
        };
        let all = TALLIES.iter().map(|question| tally(question.table, question.sql));
        all.collect::<rusqlite::Result<_>>().map_err(doing("counting the books"))
    }

    fn mark(&mut self, moved_to: &str) -> Result<(), CommitError> {
        self.set_moved_to(Some(moved_to))
    }

    fn unmark(&mut self) -> Result<(), CommitError> {
        self.set_moved_to(None)
    }
}

/// A failure of the file system, before anything was put in its place.
fn not_committed(doing: &'static str) -> impl Fn(io::Error) -> CommitError {
    move |why| CommitError::NotCommitted(error(doing, why.to_string(), StoreErrorKind::Failed))
}
