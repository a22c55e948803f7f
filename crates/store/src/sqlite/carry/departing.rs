//! Books that leave an embedded store, a page at a time.
//!
//! In: where to go on. Out: values of the core, by primary key. The folder is locked, so all pages are of one state.

use panelworks_core::ids::{BatchId, CustomerId, OrderId, TransferId};
use panelworks_core::ledger::Entry;
use panelworks_core::world::{Changes, Transfer};
use rusqlite::{Connection, Result, params};

use super::super::audit;
use super::super::error::doing;
use super::super::rows::{self, ENTRY_COLUMNS, integer};
use super::super::views::{SqliteViews, transfer, whole};
use super::SqliteCarrier;
use crate::carry::{Batch, Causes, Departing, Filed};
use crate::ports::{StoreError, Views as _};

const TRANSFERS: &str =
    "select id, to_kind, to_id, amount, currency, at, note from transfer where id > ?1 order by id limit ?2";

/// Both sides come in order of their keys, and are merged.
const ORDERS: &str = "select id, 0 from orders where id > ?1 \
     union all select id, 1 from archived_orders where id > ?1 order by id limit ?2";

const BATCHES: &str = "select node, epoch, sequence, at, place, last_entry, orders, link from batch \
     where (node, epoch, sequence) > (?1, ?2, ?3) order by node, epoch, sequence limit ?4";

/// By primary key: all entries of a range of causes.
fn entries_of_causes() -> String {
    format!(
        "select {ENTRY_COLUMNS} from entry where cause_id between ?1 and ?2 and (cause_kind = 3) = ?3 \
         order by cause_id, cause_kind, cause_part, sequence"
    )
}

impl Departing for SqliteCarrier {
    fn settings(&mut self) -> Result<Changes, StoreError> {
        let views = self.there()?;
        Ok(Changes {
            providers: views.providers()?,
            services: views.services()?.into_iter().map(Into::into).collect(),
            prices: views.prices()?,
            operators: views.operators()?,
            api_keys: views.api_keys()?,
            ..Changes::default()
        })
    }

    fn customers(&mut self, after: CustomerId, limit: usize) -> Result<Changes, StoreError> {
        let (customers, accounts) = self.there()?.customers(after, limit)?.into_iter().unzip();
        Ok(Changes { customers, accounts, ..Changes::default() })
    }

    fn transfers(&mut self, after: TransferId, limit: usize) -> Result<Changes, StoreError> {
        let transfers =
            transfers(&self.there()?.connection, after, limit).map_err(doing("reading transfers"))?;
        Ok(Changes { transfers, ..Changes::default() })
    }

    fn files(&mut self, after: OrderId, limit: usize) -> Result<Vec<Filed>, StoreError> {
        let views = self.there()?;
        files(views, after, limit).map_err(doing("reading orders"))
    }

    fn entries(&mut self, causes: Causes, first: u32, last: u32) -> Result<Vec<Entry>, StoreError> {
        entries(&self.there()?.connection, causes, first, last).map_err(doing("reading entries"))
    }

    fn batches(&mut self, after: Option<BatchId>, limit: usize) -> Result<Vec<Batch>, StoreError> {
        batches(&self.there()?.connection, after, limit).map_err(doing("reading batches"))
    }
}

fn transfers(connection: &Connection, after: TransferId, limit: usize) -> Result<Vec<Transfer>> {
    let mut statement = connection.prepare_cached(TRANSFERS)?;
    statement.query_map(params![after.0, whole(limit)], transfer)?.collect()
}

fn files(views: &SqliteViews, after: OrderId, limit: usize) -> Result<Vec<Filed>> {
    let mut statement = views.connection.prepare_cached(ORDERS)?;
    let mut rows = statement.query(params![after.0, whole(limit)])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        let archived = row.get(1)?;
        let file = views.files.read(&views.connection, OrderId(row.get(0)?))?;
        files.extend(file.map(|file| Filed { file, archived }));
    }
    Ok(files)
}

fn entries(connection: &Connection, causes: Causes, first: u32, last: u32) -> Result<Vec<Entry>> {
    let mut statement = connection.prepare_cached(&entries_of_causes())?;
    let of_transfers = match causes {
        Causes::Transfers => true,
        Causes::OrdersAndAttempts => false,
    };
    statement.query_map(params![first, last, of_transfers], rows::entry)?.collect()
}

fn batches(connection: &Connection, after: Option<BatchId>, limit: usize) -> Result<Vec<Batch>> {
    let (node, epoch, sequence) =
        after.map_or((0, 0, 0), |after| (after.node.0, after.epoch, integer(after.sequence)));
    let mut statement = connection.prepare_cached(BATCHES)?;
    statement.query_map(params![node, epoch, sequence, whole(limit)], audit::batch)?.collect()
}
