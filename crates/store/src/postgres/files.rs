//! Whole order files, put together from four tables: for decisions, for the engine's start, for operators.
//!
//! In: rows in any order of tables. Out: files in order of their ids, as they were committed.

use std::collections::BTreeMap;

use panelworks_core::ids::OrderId;
use panelworks_core::order::OrderFile;
use tokio_postgres::Row;

use super::archive;
use super::error::Failure;
use super::rows::{self, columns};

type Result<T> = std::result::Result<T, Failure>;

/// Locked in order of their ids until the transaction ends. The last column is the node that accepted the order.
pub(super) const LOCKED_ORDERS: &str = concat!(
    "select ",
    columns!(orders),
    ", node from orders where id = any($1) order by id for no key update"
);

/// Behind the columns of an order in [`LOCKED_ORDERS`].
pub(super) const STREAM: usize = 29;

pub(super) const ORDERS: &str = concat!("select ", columns!(orders), " from orders where id = any($1)");

pub(super) const ATTEMPTS: &str =
    concat!("select ", columns!(attempt), " from attempt where order_id = any($1) order by order_id, number");

pub(super) const REFILLS: &str =
    concat!("select ", columns!(refill), " from refill where order_id = any($1) order by order_id, id");

pub(super) const CANCELS: &str =
    concat!("select ", columns!(cancel), " from cancel where order_id = any($1) order by order_id, id");

/// The statements of a whole file, where it is worked on and in the archive.
pub(super) const OF_PRESENT: [&str; 4] = [ORDERS, ATTEMPTS, REFILLS, CANCELS];
pub(super) const OF_ARCHIVE: [&str; 4] =
    [archive::ORDERS, archive::ATTEMPTS, archive::REFILLS, archive::CANCELS];

/// Files under way. Orders first: what hangs on an order that is not there is left out.
#[derive(Debug, Default)]
pub(super) struct Files(BTreeMap<OrderId, OrderFile>);

impl Files {
    pub(super) fn orders(&mut self, rows: &[Row]) -> Result<()> {
        for row in rows {
            let order = rows::order(row)?;
            self.0.insert(order.id, OrderFile::new(order));
        }
        Ok(())
    }

    pub(super) fn attempts(&mut self, rows: &[Row]) -> Result<()> {
        self.put(rows, rows::attempt, |file, attempt| file.attempts.push(attempt))
    }

    pub(super) fn refills(&mut self, rows: &[Row]) -> Result<()> {
        self.put(rows, rows::refill, |file, refill| file.refills.push(refill))
    }

    pub(super) fn cancels(&mut self, rows: &[Row]) -> Result<()> {
        self.put(rows, rows::cancel, |file, cancel| file.cancels.push(cancel))
    }

    fn put<T>(
        &mut self,
        rows: &[Row],
        read: fn(&Row) -> Result<(OrderId, T)>,
        put: fn(&mut OrderFile, T),
    ) -> Result<()> {
        for row in rows {
            let (order, value) = read(row)?;
            if let Some(file) = self.0.get_mut(&order) {
                put(file, value);
            }
        }
        Ok(())
    }

    /// Those of `ids` that were not among the orders.
    pub(super) fn missing(&self, ids: &[i32]) -> Vec<i32> {
        let is_there = |id: &i32| u32::try_from(*id).is_ok_and(|id| self.0.contains_key(&OrderId(id)));
        ids.iter().copied().filter(|id| !is_there(id)).collect()
    }

    pub(super) fn into_files(self) -> impl Iterator<Item = OrderFile> {
        self.0.into_values()
    }
}
