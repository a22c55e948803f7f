//! The work there is at a start: this node's open orders, open refills, recalls, and what ended lately.
//!
//! In: whose work, and where to go on. Out: whole files in order of their ids, in steps of a size the caller chooses. A
//! node works on what it has accepted, and on what the nodes have whose work it took over.

use panelworks_core::ids::OrderId;
use panelworks_core::order::OrderFile;
use panelworks_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::archive;
use super::connection::{Connection, Step};
use super::error::Failure;
use super::files::{self, Files};
use super::reads::PostgresViews;
use super::rows::{get, id};
use super::values::four;
use crate::ports::{OldOrders, Queue, Share, StoreError};

/// All parts come in order of their ids out of their partial indexes, and are merged.
pub(super) const OPEN: &str = "(select id from orders where open and node = $1 and id > $2 order by id limit $3) \
     union \
     (select refill.order_id from refill join orders on orders.id = refill.order_id and orders.node = $1 \
       where refill.open and refill.order_id > $2 order by refill.order_id limit $3) \
     union \
     (select attempt.order_id from attempt join orders on orders.id = attempt.order_id and orders.node = $1 \
       where attempt.recall is not null and attempt.order_id > $2 order by attempt.order_id limit $3) \
     order by 1 limit $3";

/// By primary key, a bounded number of rows.
pub(super) const FROM_ID: &str = "select id, not open and ended_at >= $3 and node = any($4) from orders where id > $1 order by id limit $2";

/// The same, of those that ended before `$3`, and whether they were accepted later than that.
pub(super) const OLD: &str = "select id, not open and ended_at < $3 and node = any($4), accepted_at >= $3 from orders \
     where id > $1 order by id limit $2";

const NODES: &str = "select id from node order by id";

fn numbers(rows: &[Row]) -> Result<Vec<i32>, Failure> {
    rows.iter().map(|row| get(row, 0)).collect()
}

/// Whole files of `ids`, wherever they are, in order of their ids; what is not there is left out. Inside a snapshot, in
/// which nothing is between two places.
pub(super) fn read_files(connection: &mut Connection, ids: &[i32]) -> Result<Vec<OrderFile>, Failure> {
    let mut found = Files::default();
    read_of(connection, ids, files::OF_PRESENT, &mut found)?;
    let missing = found.missing(ids);
    read_of(connection, &missing, files::OF_ARCHIVE, &mut found)?;
    Ok(found.into_files().collect())
}

fn read_of(
    connection: &mut Connection,
    ids: &[i32],
    of: [&'static str; 4],
    found: &mut Files,
) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let params: [&(dyn ToSql + Sync); 1] = [&ids];
    let answers = connection.fly(&of.map(|sql| Step::new(sql, &params))).map_err(|fallen| fallen.failure)?;
    let [orders, attempts, refills, cancels] = answers.as_slice() else {
        return Err(Failure::value("an answer is missing"));
    };
    found.orders(&orders.rows)?;
    found.attempts(&attempts.rows)?;
    found.refills(&refills.rows)?;
    found.cancels(&cancels.rows)
}

pub(super) fn whole(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Ids from outside may be beyond what a column holds: nothing comes after them.
pub(super) fn after(id: OrderId) -> i32 {
    i32::try_from(id.0).unwrap_or(i32::MAX)
}

impl Queue for PostgresViews {
    fn open_files(&self, share: &Share, start: OrderId, limit: usize) -> Result<Vec<OrderFile>, StoreError> {
        self.snapshot("reading open orders", |connection| {
            let streams = match share {
                Share::Own => self.ties.streams(),
                Share::Of(nodes) => nodes.iter().map(|node| four(node.0)).collect::<Result<_, _>>()?,
                Share::Everybody => numbers(&connection.ask(NODES, &[])?.rows)?,
            };
            let mut ids: Vec<i32> = Vec::new();
            for stream in streams {
                let found = connection.ask(OPEN, &[&stream, &after(start), &whole(limit)])?;
                ids.extend(numbers(&found.rows)?);
            }
            ids.sort_unstable();
            ids.truncate(limit);
            read_files(connection, &ids)
        })
    }

    fn files(&self, ids: &[OrderId]) -> Result<Vec<OrderFile>, StoreError> {
        let ids: Vec<i32> = ids.iter().filter_map(|id| i32::try_from(id.0).ok()).collect();
        self.snapshot("reading orders", |connection| read_files(connection, &ids))
    }

    fn ended_files(
        &self,
        start: OrderId,
        since: Timestamp,
        rows: usize,
    ) -> Result<(Vec<OrderFile>, Option<OrderId>), StoreError> {
        self.snapshot("reading ended orders", |connection| {
            let found =
                connection.ask(FROM_ID, &[&after(start), &whole(rows), &since.0, &self.ties.streams()])?;
            let next = found.rows.last().map(|row| id(row, 0).map(OrderId)).transpose()?;
            let mut ids: Vec<i32> = Vec::new();
            for row in &found.rows {
                if get(row, 1)? {
                    ids.push(get(row, 0)?);
                }
            }
            Ok((read_files(connection, &ids)?, next))
        })
    }

    fn old_orders(&self, start: OrderId, before: Timestamp, rows: usize) -> Result<OldOrders, StoreError> {
        self.snapshot("reading old orders", |connection| {
            if !archive::is_found_by_all(connection)? {
                return Ok(OldOrders::default());
            }
            let found =
                connection.ask(OLD, &[&after(start), &whole(rows), &before.0, &self.ties.streams()])?;
            let mut old = OldOrders::default();
            for row in &found.rows {
                let order = OrderId(id(row, 0)?);
                old.next = Some(order);
                old.young += usize::from(get::<bool>(row, 2)?);
                if get(row, 1)? {
                    old.orders.push(order);
                }
            }
            Ok(old)
        })
    }
}
