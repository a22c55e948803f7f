//! Whole order files, read from four tables: for decisions, for the engine's start, for operators.
//!
//! In: ids in ascending order. Out: files as they were committed. An order without refills and cancels, which
//! its row knows, costs two look-ups by primary key.

use panelworks_core::ids::OrderId;
use panelworks_core::order::OrderFile;
use rusqlite::{Connection, OptionalExtension, Result};

use super::rows::{self, ATTEMPT_COLUMNS, CANCEL_COLUMNS, ORDER_COLUMNS, REFILL_COLUMNS};

pub(super) fn order_by_id() -> String {
    format!("select {ORDER_COLUMNS} from orders where id = ?1")
}

pub(super) fn attempts_of_order() -> String {
    format!("select {ATTEMPT_COLUMNS} from attempt where order_id = ?1 order by number")
}

pub(super) fn refills_of_order() -> String {
    format!("select {REFILL_COLUMNS} from refill where order_id = ?1 order by id")
}

pub(super) fn cancels_of_order() -> String {
    format!("select {CANCEL_COLUMNS} from cancel where order_id = ?1 order by id")
}

/// The texts of the four statements, made once per connection.
#[derive(Debug)]
pub(super) struct FileStatements {
    order: String,
    attempts: String,
    refills: String,
    cancels: String,
}

impl FileStatements {
    pub(super) fn new() -> Self {
        Self {
            order: order_by_id(),
            attempts: attempts_of_order(),
            refills: refills_of_order(),
            cancels: cancels_of_order(),
        }
    }

    pub(super) fn read(&self, connection: &Connection, id: OrderId) -> Result<Option<OrderFile>> {
        let order = connection.prepare_cached(&self.order)?.query_row([id.0], rows::order).optional()?;
        let Some((order, has_requests)) = order else { return Ok(None) };
        let mut file = OrderFile::new(order);
        {
            let mut attempts = connection.prepare_cached(&self.attempts)?;
            let mut found = attempts.query([id.0])?;
            while let Some(row) = found.next()? {
                file.attempts.push(rows::attempt(row)?.1);
            }
        }
        if has_requests {
            let mut refills = connection.prepare_cached(&self.refills)?;
            file.refills =
                refills.query_map([id.0], |row| Ok(rows::refill(row)?.1))?.collect::<Result<_>>()?;
            let mut cancels = connection.prepare_cached(&self.cancels)?;
            file.cancels =
                cancels.query_map([id.0], |row| Ok(rows::cancel(row)?.1))?.collect::<Result<_>>()?;
        }
        Ok(Some(file))
    }
}
