//! A queue that somebody else owns.

use panelworks_core::ids::OrderId;
use panelworks_core::order::OrderFile;
use panelworks_core::time::Timestamp;

use crate::ports::{OldOrders, Queue, Share, StoreError};

pub(super) struct Borrowed<'a, Q>(pub(super) &'a Q);

impl<Q: Queue> Queue for Borrowed<'_, Q> {
    fn open_files(&self, share: &Share, after: OrderId, limit: usize) -> Result<Vec<OrderFile>, StoreError> {
        self.0.open_files(share, after, limit)
    }

    fn files(&self, ids: &[OrderId]) -> Result<Vec<OrderFile>, StoreError> {
        self.0.files(ids)
    }

    fn ended_files(
        &self,
        after: OrderId,
        since: Timestamp,
        rows: usize,
    ) -> Result<(Vec<OrderFile>, Option<OrderId>), StoreError> {
        self.0.ended_files(after, since, rows)
    }

    fn old_orders(&self, after: OrderId, before: Timestamp, rows: usize) -> Result<OldOrders, StoreError> {
        self.0.old_orders(after, before, rows)
    }
}
