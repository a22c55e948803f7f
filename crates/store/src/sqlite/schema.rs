//! The file's schema and its node: made once, checked and brought up to date at every start, the epoch raised in a
//! commit of its own.
//!
//! In: a connection to a file that is locked for this process. Out: tables of the version this program knows, or words
//! for whoever starts another one's program on them. A step is one transaction, and only adds.

use std::path::Path;

use panelworks_core::ids::NodeId;
use panelworks_core::world::Cursors;
use rusqlite::{Connection, OptionalExtension, Result, TransactionBehavior, params};

use super::error::doing;
use super::marks::Salt;
use super::rows::natural;
use super::{OpenError, Options};
use crate::chain::{self, Link};

/// Raised with every change of the schema: by the steps below.
pub(super) const VERSION: i64 = 5;
/// "PNLW": tells our files from those of other programs.
const APPLICATION: i64 = 0x504e_4c57;
/// What makes the oldest version that is carried on, and what each later one adds.
const STEPS: [(i64, &str); 2] =
    [(4, include_str!("../schema/panelworks.sql")), (5, include_str!("../schema/archive.sql"))];
const _: () = assert!(STEPS[STEPS.len() - 1].0 == VERSION, "every version has its step");
/// The node of an embedded store: there is only one.
pub(super) const NODE: NodeId = NodeId(1);

/// What a start found and raised.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) node: NodeId,
    pub(super) epoch: u32,
    pub(super) is_copy: bool,
    pub(super) salt: Salt,
    pub(super) tip: Tip,
    pub(super) cursors: Cursors,
}

/// The end of the node's stream of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tip {
    pub(super) link: Link,
    pub(super) place: u64,
    pub(super) last_entry: u64,
    pub(super) orders: u64,
}

/// Makes the schema in an empty file, and brings an older one up; refuses one that is newer, too old, or not ours.
pub(super) fn prepare(connection: &mut Connection, file: &Path) -> Result<(), OpenError> {
    let asked = |name| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(doing("reading the file's header"))
    };
    let (version, application) = (asked("user_version")?, asked("application_id")?);
    let tables: i64 = connection
        .query_row("select count(*) from sqlite_schema", [], |row| row.get(0))
        .map_err(doing("reading the schema"))?;
    if version > VERSION && application == APPLICATION {
        return Err(OpenError::TooNew { file: file.to_owned(), found: version, known: VERSION });
    }
    if application == APPLICATION && version == VERSION {
        return Ok(());
    }
    if version >= STEPS[0].0 && application == APPLICATION {
        return upgrade(connection, version).map_err(|error| doing("changing the schema")(error).into());
    }
    if application == APPLICATION {
        return Err(OpenError::TooOld { file: file.to_owned(), found: version, known: VERSION });
    }
    if tables > 0 || application != 0 || version != 0 {
        return Err(OpenError::NotOurs(file.to_owned()));
    }
    make(connection).map_err(|error| doing("making the schema")(error).into())
}

pub(super) fn make(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    STEPS.iter().try_for_each(|(_, step)| transaction.execute_batch(step))?;
    transaction.execute(
        "insert into node (id, epoch, order_floor, ledger, salt, place) values (?1, 0, 1, randomblob(16), randomblob(16), '')",
        [NODE.0],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn upgrade(connection: &mut Connection, from: i64) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    for (version, step) in STEPS.iter().filter(|(version, _)| *version > from) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        tracing::info!(version = *version, "the schema of the books was brought up to date");
    }
    transaction.commit()
}

/// Raises the epoch, and finds where the last one ended.
pub(super) fn start(connection: &mut Connection, place: &str, options: Options) -> Result<Start> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known: String =
        transaction.query_row("select place from node where id = ?1", [NODE.0], |row| row.get(0))?;
    let is_copy = !known.is_empty() && known != place && !options.claim;
    transaction.execute(
        "update node set epoch = epoch + 1, order_floor = max(order_floor, ?2), place = ?3 where id = ?1",
        params![NODE.0, options.order_floor.unwrap_or(1), if is_copy { known.as_str() } else { place }],
    )?;
    let (epoch, floor, salt) = transaction.query_row(
        "select epoch, order_floor, salt from node where id = ?1",
        [NODE.0],
        |row| Ok((row.get(0)?, row.get(1)?, Salt(row.get(2)?))),
    )?;
    let tip = tip(&transaction)?;
    let cursors = cursors(&transaction, floor, tip)?;
    transaction.commit()?;
    Ok(Start { node: NODE, epoch, is_copy, salt, tip, cursors })
}

/// Orders in the archive, by the count that goes with every move.
pub(super) fn archived(connection: &Connection) -> Result<u64> {
    let mut statement = connection.prepare_cached("select archived from node where id = ?1")?;
    statement.query_row([NODE.0], |row| natural(row, 0))
}

/// Where the books were carried to.
pub(super) fn moved_to(connection: &Connection) -> Result<Option<String>> {
    connection.query_row("select moved_to from node where id = ?1", [NODE.0], |row| row.get(0))
}

pub(super) const LAST_BATCH: &str = "select link, place, last_entry, orders from batch where node = ?1 order by epoch desc, sequence desc limit 1";

pub(super) fn tip(connection: &Connection) -> Result<Tip> {
    let last = connection.prepare_cached(LAST_BATCH)?.query_row([NODE.0], |row| {
        Ok(Tip {
            link: row.get(0)?,
            place: natural(row, 1)?,
            last_entry: natural(row, 2)?,
            orders: natural(row, 3)?,
        })
    });
    Ok(last.optional()?.unwrap_or(Tip { link: chain::GENESIS, place: 0, last_entry: 0, orders: 0 }))
}

/// Rows are never deleted, at most they go to the archive: the next number follows the highest there is.
pub(super) fn cursors(connection: &Connection, floor: u32, tip: Tip) -> Result<Cursors> {
    let after = |table: &str, first: u32| -> Result<u32> {
        let highest: Option<u32> =
            connection.query_row(&format!("select max(id) from {table}"), [], |row| row.get(0))?;
        Ok(highest.map_or(first, |id| id.saturating_add(1)).max(first))
    };
    let after_both = |table: &str, first| -> Result<u32> {
        Ok(after(table, first)?.max(after(&format!("archived_{table}"), first)?))
    };
    let first = Cursors::default();
    Ok(Cursors {
        order: after_both("orders", floor.max(first.order))?,
        refill: after_both("refill", first.refill)?,
        cancel: after_both("cancel", first.cancel)?,
        transfer: after("transfer", first.transfer)?,
        customer: after("customer", first.customer)?,
        service: after("service", first.service)?,
        provider: after("provider", first.provider)?,
        entry: tip.last_entry + 1,
    })
}
