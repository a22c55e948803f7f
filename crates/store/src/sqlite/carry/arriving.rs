//! Books that come to an embedded store: into a file of another name, until they are whole.
//!
//! In: what the other store has, in order of keys. Out: the file in its place, synced, and a file that was there
//! before put aside under a name of its own. While it is filled it is not synced and has no journal: whoever is
//! interrupted begins anew. The digests of balances that a start compares are computed by going through the ledger
//! once. Never: an existing file overwritten.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use panelworks_core::customer::Account;
use panelworks_core::ids::{CustomerId, OrderId};
use panelworks_core::ledger::Entry;
use panelworks_core::money::Amount;
use panelworks_core::world::Changes;
use rusqlite::{Connection, OptionalExtension as _, Result, Statement, params};

use super::super::books::INSERT_BATCH;
use super::super::error::{doing, error};
use super::super::files::FileStatements;
use super::super::room::private;
use super::super::rows::{self, ENTRY_COLUMNS, integer};
use super::super::schema::{self, NODE};
use super::super::tail::{self, Trace};
use super::super::views::SqliteViews;
use super::super::{FILE, archive, backup, load, steady, write};
use super::{SqliteCarrier, not_committed};
use crate::carry::{Arriving, Batch, NextBatches, Standing};
use crate::limits;
use crate::ports::{CommitError, StoreError, StoreErrorKind};

/// No start looks for it.
const COMING: &str = "panelworks.db.coming";
/// What was there before.
const BEFORE: &str = "panelworks.db.moved";

/// Those of refills and cancels are needed meanwhile, and short: whatever goes to the archive is found by them.
const INDEXES: &str = "select name, sql from sqlite_schema where type = 'index' and sql is not null \
     and tbl_name not in ('refill', 'cancel')";

const ARRIVE: &str = "update node set epoch = ?2, order_floor = ?3, ledger = ?4 where id = ?1";

impl SqliteCarrier {
    /// The connection to the books that come.
    fn coming(&self) -> Result<&Connection, StoreError> {
        let none = || error("writing the books", "none were begun", StoreErrorKind::Failed);
        self.coming.as_ref().map(|views| &views.connection).ok_or_else(none)
    }

    fn coming_file(&self) -> PathBuf {
        self.folder.join(COMING)
    }

    fn make(&mut self, standing: &Standing) -> Result<(), StoreError> {
        const WHAT: &str = "making the file of the books that come";
        let file = self.coming_file();
        private(&file).map_err(|why| error(WHAT, why.to_string(), StoreErrorKind::Failed))?;
        let made = || -> Result<Connection> {
            let mut connection = Connection::open(&file)?;
            steady(&connection)?;
            connection.pragma_update(None, "journal_mode", "off")?;
            connection.pragma_update(None, "synchronous", "off")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "cache_size", -limits::WRITER_CACHE_KIB)?;
            schema::make(&mut connection)?;
            let epoch = standing.streams.first().map_or(0, |stream| stream.epoch);
            let node = params![NODE.0, epoch, standing.cursors.order, standing.ledger];
            connection.execute(ARRIVE, node)?;
            Ok(connection)
        };
        let connection = made().map_err(doing(WHAT))?;
        self.coming = Some(SqliteViews { connection, files: FileStatements::new() });
        Ok(())
    }
}

impl Arriving for SqliteCarrier {
    /// One writer, one stream.
    fn objection(&self, standing: &Standing) -> Option<String> {
        let nodes: Vec<String> = standing.streams.iter().map(|stream| stream.node.to_string()).collect();
        (nodes != [NODE.to_string()]).then(|| {
            format!(
                "nodes {} have written these books, each a chain of its own, and the embedded store holds the chain of \
                 node {NODE} alone. They stay in PostgreSQL",
                nodes.join(", ")
            )
        })
    }

    fn sets_aside(&self) -> bool {
        true
    }

    fn begin(&mut self, standing: &Standing) -> Result<(), StoreError> {
        self.make(standing)?;
        let connection = self.coming()?;
        let begin = || -> Result<Vec<String>> {
            let indexes = drop_indexes(connection)?;
            connection.execute_batch("begin immediate")?;
            Ok(indexes)
        };
        self.indexes = begin().map_err(doing("beginning to write the books"))?;
        Ok(())
    }

    fn put(&mut self, changes: &Changes) -> Result<(), StoreError> {
        write::write(self.coming()?, changes).map_err(doing("writing the books"))
    }

    /// By way of the tables of orders that are worked on: pages of the file that this empties are filled by those that
    /// follow.
    fn put_archived(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let orders: Vec<OrderId> = changes.orders.iter().map(|change| change.after.order.id).collect();
        let connection = self.coming()?;
        let put = write::write(connection, changes).and_then(|()| archive::put(connection, &orders));
        put.map_err(doing("writing the archive"))
    }

    fn put_batches(&mut self, next: &mut NextBatches<'_>) -> Result<(), StoreError> {
        const WHAT: &str = "writing batches";
        let connection = self.coming()?;
        let mut insert = connection.prepare(INSERT_BATCH).map_err(doing(WHAT))?;
        let by_number = format!("select {ENTRY_COLUMNS} from entry order by number");
        let mut by_number = connection.prepare(&by_number).map_err(doing(WHAT))?;
        let entries = by_number.query_map([], rows::entry).map_err(doing(WHAT))?;
        let mut replay = Replay { connection, accounts: BTreeMap::new(), entries, next: None };
        loop {
            let page = next()?;
            if page.is_empty() {
                return Ok(());
            }
            for batch in &page {
                let put = replay.trace(batch).and_then(|trace| put_batch(&mut insert, batch, &trace));
                put.map_err(doing(WHAT))?;
            }
        }
    }

    fn complete(&mut self) -> Result<(), StoreError> {
        const WHAT: &str = "completing the books";
        let connection = self.coming()?;
        let complete = || -> Result<Vec<String>> {
            self.indexes.iter().try_for_each(|index| connection.execute_batch(index))?;
            connection.execute_batch("commit")?;
            backup::problems(connection)
        };
        let problems = complete().map_err(doing(WHAT))?;
        match problems.first() {
            None => Ok(()),
            Some(first) => Err(error(WHAT, first.clone(), StoreErrorKind::Failed)),
        }
    }

    fn stay(&mut self) -> Result<(), CommitError> {
        const WHAT: &str = "putting the books in their place";
        if let Some(coming) = self.coming.take() {
            let closed = coming.connection.close().map_err(|(_, failure)| doing(WHAT)(failure));
            closed.map_err(CommitError::NotCommitted)?;
        }
        let coming = self.coming_file();
        File::open(&coming).and_then(|file| file.sync_all()).map_err(not_committed(WHAT))?;
        if let Some(books) = self.books.take() {
            let closed = books.connection.close().map_err(|(_, failure)| doing(WHAT)(failure));
            closed.map_err(CommitError::NotCommitted)?;
            set_aside(&self.folder).map_err(not_committed(WHAT))?;
        }
        fs::rename(&coming, self.file()).map_err(not_committed(WHAT))?;
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|why| CommitError::Unknown(error(WHAT, why.to_string(), StoreErrorKind::Failed)))
    }
}

fn put_batch(insert: &mut Statement<'_>, batch: &Batch, trace: &Trace) -> Result<()> {
    let row = params![
        batch.id.node.0,
        batch.id.epoch,
        integer(batch.id.sequence),
        batch.at.0,
        integer(batch.place),
        integer(batch.last_entry),
        integer(batch.orders),
        batch.link,
        trace.causes,
        trace.balances
    ];
    insert.execute(row).map(drop)
}

/// A walk over the ledger in order of its numbers, with the balances as they were at each batch.
struct Replay<'c, I> {
    connection: &'c Connection,
    accounts: BTreeMap<CustomerId, Account>,
    entries: I,
    /// The first entry of a later batch.
    next: Option<Entry>,
}

impl<I: Iterator<Item = Result<Entry>>> Replay<'_, I> {
    fn trace(&mut self, batch: &Batch) -> Result<Trace> {
        let mut own: Vec<Entry> = Vec::new();
        loop {
            let next =
                self.next.take().map_or_else(|| self.entries.next().transpose(), |next| Ok(Some(next)))?;
            match next {
                Some(entry) if entry.number <= batch.last_entry => own.push(entry),
                later => {
                    self.next = later;
                    break;
                }
            }
        }
        self.know(&own)?;
        Ok(Trace::replayed(&own, batch.orders, &mut self.accounts))
    }

    /// Accounts that are met for the first time had nothing before.
    fn know(&mut self, entries: &[Entry]) -> Result<()> {
        for customer in tail::customers(entries) {
            if self.accounts.contains_key(&customer) {
                continue;
            }
            let mut statement = self.connection.prepare_cached(load::ACCOUNT)?;
            if let Some(account) = statement.query_row([customer.0], rows::account).optional()? {
                self.accounts.insert(customer, Account { balance: Amount::ZERO, ..account });
            }
        }
        Ok(())
    }
}

/// Rows in order of their keys come faster without. Gives how to make them again.
fn drop_indexes(connection: &Connection) -> Result<Vec<String>> {
    let mut indexes = connection.prepare(INDEXES)?;
    let indexes = indexes.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let indexes = indexes.collect::<Result<Vec<(String, String)>>>()?;
    for (name, _) in &indexes {
        connection.execute_batch(&format!("drop index {name}"))?;
    }
    Ok(indexes.into_iter().map(|(_, sql)| sql).collect())
}

/// Under the first name that is free.
fn set_aside(folder: &Path) -> io::Result<()> {
    let mut aside = BEFORE.to_owned();
    let mut number = 1;
    while folder.join(&aside).try_exists()? {
        number += 1;
        aside = format!("{BEFORE}-{number}");
    }
    // Mostly nothing of its log is left once it is closed. What is left goes with it: the file that takes its place must
    // not meet it.
    for log in ["-wal", "-shm"] {
        match fs::rename(folder.join(format!("{FILE}{log}")), folder.join(format!("{aside}{log}"))) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            renamed => renamed?,
        }
    }
    fs::rename(folder.join(FILE), folder.join(aside))
}
