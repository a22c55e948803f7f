//! Books that leave a schema, a page at a time.
//!
//! In: where to go on. Out: values of the core, by primary key, all out of the snapshot that the transaction took.

use std::sync::Arc;

use panelworks_core::ids::{BatchId, CustomerId, OrderId, TransferId};
use panelworks_core::ledger::Entry;
use panelworks_core::world::Changes;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::error::{Failure, doing};
use super::super::queue::{after as after_order, read_files, whole};
use super::super::rows::{self, columns, details, get, known};
use super::super::values::{eight, four};
use super::super::{audit, views};
use super::PostgresCarrier;
use crate::carry::{Batch, Causes, Departing, Filed};
use crate::ports::StoreError;

const TRANSFERS: &str =
    "select id, to_kind, to_id, amount, currency, at, note from transfer where id > $1 order by id limit $2";

/// Both sides come in order of their keys, and are merged.
const ORDERS: &str = "select id, false from orders where id > $1 \
     union all select id, true from archived_orders where id > $1 order by id limit $2";

const BATCHES: &str = "select node, epoch, sequence, at, place, last_entry, orders, link from batch \
     where (node, epoch, sequence) > ($1, $2, $3) order by node, epoch, sequence limit $4";

const ENTRIES_OF_ORDERS: &str = concat!(
    "select ",
    columns!(entry),
    " from entry where cause_id between $1 and $2 and cause_kind <> 3 \
     order by cause_id, cause_kind, cause_part, sequence"
);

const ENTRIES_OF_TRANSFERS: &str = concat!(
    "select ",
    columns!(entry),
    " from entry where cause_id between $1 and $2 and cause_kind = 3 \
     order by cause_id, cause_kind, cause_part, sequence"
);

impl PostgresCarrier {
    fn rows<T>(
        &mut self,
        what: &'static str,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
        read: impl Fn(&Row) -> Result<T, Failure>,
    ) -> Result<Vec<T>, StoreError> {
        let asked = self.connection.ask_patiently(sql, params);
        asked.and_then(|answer| answer.rows.iter().map(read).collect()).map_err(doing(what))
    }
}

impl Departing for PostgresCarrier {
    fn settings(&mut self) -> Result<Changes, StoreError> {
        Ok(Changes {
            providers: self.rows("reading providers", views::PROVIDERS, &[], |row| rows::provider(row, 0))?,
            services: self
                .rows("reading services", views::SERVICES, &[], |row| rows::service(row, 0).map(Arc::new))?,
            prices: self.rows("reading prices", views::PRICES, &[], views::price)?,
            operators: self.rows("reading operators", views::OPERATORS, &[], rows::operator)?,
            api_keys: self.rows("reading API keys", views::API_KEYS, &[], rows::api_key)?,
            ..Changes::default()
        })
    }

    fn customers(&mut self, after: CustomerId, limit: usize) -> Result<Changes, StoreError> {
        const WHAT: &str = "reading customers";
        let after = four(after.0).map_err(doing(WHAT))?;
        let read = |row: &Row| Ok((known(row, 5, details(row, 5)?)?, rows::account(row)?));
        let found = self.rows(WHAT, views::CUSTOMERS, &[&after, &whole(limit)], read)?;
        let (customers, accounts) = found.into_iter().unzip();
        Ok(Changes { customers, accounts, ..Changes::default() })
    }

    fn transfers(&mut self, after: TransferId, limit: usize) -> Result<Changes, StoreError> {
        const WHAT: &str = "reading transfers";
        let after = four(after.0).map_err(doing(WHAT))?;
        let transfers = self.rows(WHAT, TRANSFERS, &[&after, &whole(limit)], views::transfer)?;
        Ok(Changes { transfers, ..Changes::default() })
    }

    fn files(&mut self, after: OrderId, limit: usize) -> Result<Vec<Filed>, StoreError> {
        const WHAT: &str = "reading orders";
        let read = |row: &Row| Ok((get(row, 0)?, get(row, 1)?));
        let page: Vec<(i32, bool)> = self.rows(WHAT, ORDERS, &[&after_order(after), &whole(limit)], read)?;
        let (ids, places): (Vec<i32>, Vec<bool>) = page.into_iter().unzip();
        let files = read_files(&mut self.connection, &ids).map_err(doing(WHAT))?;
        Ok(files.into_iter().zip(places).map(|(file, archived)| Filed { file, archived }).collect())
    }

    fn entries(&mut self, causes: Causes, first: u32, last: u32) -> Result<Vec<Entry>, StoreError> {
        const WHAT: &str = "reading entries";
        let (first, last) = (four(first).map_err(doing(WHAT))?, four(last).map_err(doing(WHAT))?);
        let sql = match causes {
            Causes::OrdersAndAttempts => ENTRIES_OF_ORDERS,
            Causes::Transfers => ENTRIES_OF_TRANSFERS,
        };
        self.rows(WHAT, sql, &[&first, &last], |row| rows::entry(row).map(|(_, entry)| entry))
    }

    fn batches(&mut self, after: Option<BatchId>, limit: usize) -> Result<Vec<Batch>, StoreError> {
        const WHAT: &str = "reading batches";
        let (node, epoch, sequence) =
            after.map_or((0, 0, 0), |after| (after.node.0, after.epoch, after.sequence));
        let last = || Ok((i32::from(node), four(epoch)?, eight(sequence)?));
        let (node, epoch, sequence) = last().map_err(doing(WHAT))?;
        self.rows(WHAT, BATCHES, &[&node, &epoch, &sequence, &whole(limit)], audit::batch)
    }
}
