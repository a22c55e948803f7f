//! The work there is at a start: open orders, open refills, recalls, and what ended lately.
//!
//! In: where to go on. Out: whole files in order of their ids, in steps of a size the caller chooses.

use panelworks_core::ids::OrderId;
use panelworks_core::order::OrderFile;
use panelworks_core::time::Timestamp;
use rusqlite::{Result as SqlResult, params};

use super::error::doing;
use super::views::{SqliteViews, whole};
use crate::ports::{OldOrders, Queue, Share, StoreError};

/// All parts come in order of their ids out of their partial indexes, and are merged.
pub(super) const OPEN: &str = "select id from orders indexed by open_orders where status <= 3 and id > ?1 \
     union select order_id from refill indexed by open_refill where state <= 3 and order_id > ?1 \
     union select order_id from attempt indexed by open_recall where recall is not null and order_id > ?1 order by 1 limit ?2";

/// By primary key, a bounded number of rows.
pub(super) const FROM_ID: &str =
    "select id, status, ended_at, accepted_at from orders where id > ?1 order by id limit ?2";

/// Statuses above it have ended.
const LAST_OPEN: i64 = 3;

impl Queue for SqliteViews {
    fn open_files(&self, _all: &Share, after: OrderId, limit: usize) -> Result<Vec<OrderFile>, StoreError> {
        let _snapshot = self.snapshot()?;
        let open = || -> SqlResult<Vec<OrderFile>> {
            let mut statement = self.connection.prepare_cached(OPEN)?;
            let ids = statement.query_map(params![after.0, whole(limit)], |row| row.get(0).map(OrderId))?;
            self.read_files(&ids.collect::<SqlResult<Vec<_>>>()?)
        };
        open().map_err(doing("reading open orders"))
    }

    fn files(&self, ids: &[OrderId]) -> Result<Vec<OrderFile>, StoreError> {
        let _snapshot = self.snapshot()?;
        self.read_files(ids).map_err(doing("reading orders"))
    }

    fn ended_files(
        &self,
        after: OrderId,
        since: Timestamp,
        rows: usize,
    ) -> Result<(Vec<OrderFile>, Option<OrderId>), StoreError> {
        let _snapshot = self.snapshot()?;
        let ended = || -> SqlResult<(Vec<OrderFile>, Option<OrderId>)> {
            let mut statement = self.connection.prepare_cached(FROM_ID)?;
            let mut found = statement.query(params![after.0, whole(rows)])?;
            let (mut ids, mut next) = (Vec::new(), None);
            while let Some(row) = found.next()? {
                let id = OrderId(row.get(0)?);
                next = Some(id);
                if row.get::<_, i64>(1)? > LAST_OPEN && row.get::<_, i64>(2)? >= since.0 {
                    ids.push(id);
                }
            }
            Ok((self.read_files(&ids)?, next))
        };
        ended().map_err(doing("reading ended orders"))
    }

    fn old_orders(&self, after: OrderId, before: Timestamp, rows: usize) -> Result<OldOrders, StoreError> {
        let old = || -> SqlResult<OldOrders> {
            let mut statement = self.connection.prepare_cached(FROM_ID)?;
            let mut found = statement.query(params![after.0, whole(rows)])?;
            let mut old = OldOrders::default();
            while let Some(row) = found.next()? {
                let id = OrderId(row.get(0)?);
                old.next = Some(id);
                if row.get::<_, i64>(3)? >= before.0 {
                    old.young += 1;
                } else if row.get::<_, i64>(1)? > LAST_OPEN && row.get::<_, i64>(2)? < before.0 {
                    old.orders.push(id);
                }
            }
            Ok(old)
        };
        old().map_err(doing("reading old orders"))
    }
}
