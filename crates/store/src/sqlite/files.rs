//! Whole order files, read from four tables: for decisions, for the engine's start, for operators.
//!
//! In: ids in ascending order. Out: files as they were committed. An order without refills and cancels, which
//! its row knows, costs two look-ups by primary key; one that rests in the archive a third.

use panelworks_core::ids::OrderId;
use panelworks_core::order::OrderFile;
use rusqlite::{Connection, OptionalExtension, Result};

use super::archive::Place;
use super::rows::{self, ATTEMPT_COLUMNS, CANCEL_COLUMNS, ORDER_COLUMNS, REFILL_COLUMNS};

pub(super) fn order_by_id(place: Place) -> String {
    format!("select {ORDER_COLUMNS} from {}orders where id = ?1", place.prefix())
}

pub(super) fn attempts_of_order(place: Place) -> String {
    format!("select {ATTEMPT_COLUMNS} from {}attempt where order_id = ?1 order by number", place.prefix())
}

pub(super) fn refills_of_order(place: Place) -> String {
    format!("select {REFILL_COLUMNS} from {}refill where order_id = ?1 order by id", place.prefix())
}

pub(super) fn cancels_of_order(place: Place) -> String {
    format!("select {CANCEL_COLUMNS} from {}cancel where order_id = ?1 order by id", place.prefix())
}

/// The texts of the statements, made once per connection.
#[derive(Debug)]
pub(super) struct FileStatements {
    present: OfPlace,
    archive: OfPlace,
}

#[derive(Debug)]
struct OfPlace {
    order: String,
    attempts: String,
    refills: String,
    cancels: String,
}

impl FileStatements {
    pub(super) fn new() -> Self {
        Self { present: OfPlace::new(Place::Present), archive: OfPlace::new(Place::Archive) }
    }

    /// Wherever it is.
    pub(super) fn read(&self, connection: &Connection, id: OrderId) -> Result<Option<OrderFile>> {
        Ok(self.find(connection, id)?.map(|(file, _)| file))
    }

    pub(super) fn find(&self, connection: &Connection, id: OrderId) -> Result<Option<(OrderFile, Place)>> {
        if let Some(file) = self.present.read(connection, id)? {
            return Ok(Some((file, Place::Present)));
        }
        Ok(self.archive.read(connection, id)?.map(|file| (file, Place::Archive)))
    }
}

impl OfPlace {
    fn new(place: Place) -> Self {
        Self {
            order: order_by_id(place),
            attempts: attempts_of_order(place),
            refills: refills_of_order(place),
            cancels: cancels_of_order(place),
        }
    }

    fn read(&self, connection: &Connection, id: OrderId) -> Result<Option<OrderFile>> {
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
