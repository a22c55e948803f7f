//! The archive: tables beside those that are worked on, for orders that rest (`core/order/archive.rs`).
//!
//! In: ids, inside a batch's transaction, which holds the locks of the orders' rows. Out: statements that take an order
//! with all that hangs on it to the other place, where nothing else is left of it. A node works on the orders that it
//! accepted, or took over, and so it is the only one that moves them; all find them in both places. Never: an entry of
//! the ledger moved, a rule.

use panelworks_core::ids::{NodeId, OrderId};
use panelworks_core::world::Changes;
use tokio_postgres::types::ToSql;

use super::connection::{Connection, Step};
use super::error::Failure;
use super::rows::{columns, get, id};
use super::values::{eight, four};
use super::write::Write;
use super::{files, load};

/// Copies the rows of the orders `$1` from one table to another, and deletes them there: both see the same rows, because
/// whoever changes any of them has to lock the order's first.
macro_rules! transfer {
    ($from:literal, $to:literal, $key:literal) => {
        [
            concat!("insert into ", $to, " select * from ", $from, " where ", $key, " = any($1)"),
            concat!("delete from ", $from, " where ", $key, " = any($1)"),
        ]
    };
}

pub(super) const PUT: [[&str; 2]; 4] = [
    transfer!("orders", "archived_orders", "id"),
    transfer!("attempt", "archived_attempt", "order_id"),
    transfer!("refill", "archived_refill", "order_id"),
    transfer!("cancel", "archived_cancel", "order_id"),
];

pub(super) const TAKE: [[&str; 2]; 4] = [
    transfer!("archived_orders", "orders", "id"),
    transfer!("archived_attempt", "attempt", "order_id"),
    transfer!("archived_refill", "refill", "order_id"),
    transfer!("archived_cancel", "cancel", "order_id"),
];

/// The node has a row of its own since it started.
pub(super) const COUNT: &str = "insert into archive (node, epoch, orders) values ($1, 0, $2) \
     on conflict (node) do update set orders = archive.orders + excluded.orders";

/// From now on the node finds orders in the archive.
pub(super) const FINDS: &str = "insert into archive (node, epoch, orders) values ($1, $2, 0) \
     on conflict (node) do update set epoch = excluded.epoch";

/// Nodes that may be alive and would not. One that was silent for a day is not believed to come back as it was.
const STRANGERS: &str = "select count(*) from node where holder is not null and lease_until > now() - interval '1 day' \
       and not exists (select 1 from archive where archive.node = node.id and archive.epoch = node.epoch)";

/// Locked until the transaction ends, as those that are worked on. The last column is the node that accepted the order.
pub(super) const LOCKED_ORDERS: &str = concat!(
    "select ",
    columns!(orders),
    ", node from archived_orders where id = any($1) order by id for no key update"
);

pub(super) const ORDERS: &str =
    concat!("select ", columns!(orders), " from archived_orders where id = any($1)");

pub(super) const ATTEMPTS: &str = concat!(
    "select ",
    columns!(attempt),
    " from archived_attempt where order_id = any($1) order by order_id, number"
);

pub(super) const REFILLS: &str = concat!(
    "select ",
    columns!(refill),
    " from archived_refill where order_id = any($1) order by order_id, id"
);

pub(super) const CANCELS: &str = concat!(
    "select ",
    columns!(cancel),
    " from archived_cancel where order_id = any($1) order by order_id, id"
);

/// Whether every node that may be alive finds orders there. None that does not can start any more: the schema is newer
/// than it knows.
pub(super) fn is_found_by_all(connection: &mut Connection) -> Result<bool, Failure> {
    let rows = connection.ask(STRANGERS, &[])?.rows;
    let strangers: i64 = rows.first().map_or(Ok(0), |row| get(row, 0))?;
    Ok(strangers == 0)
}

/// Looks in the archive for orders that are not where they are worked on; and there once more, because another node
/// may have brought one back between the two looks. Nearly always there is nothing to look for.
pub(super) fn load(
    connection: &mut Connection,
    asked: &[i32],
    own: i32,
    read: &mut load::Read,
    found: &mut files::Files,
) -> Result<(), Failure> {
    let missing = found.missing(asked);
    if missing.is_empty() {
        return Ok(());
    }
    let params: [&(dyn ToSql + Sync); 1] = [&missing];
    let [_, attempts, refills, cancels] = files::OF_PRESENT;
    let [_, old_attempts, old_refills, old_cancels] = files::OF_ARCHIVE;
    let steps = [
        LOCKED_ORDERS,
        files::LOCKED_ORDERS,
        old_attempts,
        attempts,
        old_refills,
        refills,
        old_cancels,
        cancels,
    ]
    .map(|sql| Step::new(sql, &params));
    let answers = connection.fly(&steps).map_err(|fallen| fallen.failure)?;
    for (place, answer) in answers.iter().enumerate() {
        let rows = &answer.rows;
        match place {
            0 | 1 => {
                found.orders(rows)?;
                load::note_strangers(rows, own, read)?;
                if place == 0 {
                    let ids = rows.iter().map(|row| id(row, 0).map(OrderId));
                    read.archived.extend(ids.collect::<Result<Vec<_>, Failure>>()?);
                }
            }
            2 | 3 => found.attempts(rows)?,
            4 | 5 => found.refills(rows)?,
            _ => found.cancels(rows)?,
        }
    }
    Ok(())
}

/// Orders of a batch that change their place.
#[derive(Debug, Default)]
pub(super) struct Moves {
    node: i32,
    /// They rested, and change after all.
    back: Vec<i32>,
    away: Vec<i32>,
    /// By how many the archive grows.
    by: i64,
}

impl Moves {
    pub(super) fn of(changes: &Changes, node: NodeId, read: &load::Read) -> Result<Self, Failure> {
        if changes.archived.is_empty() && read.archived.is_empty() {
            return Ok(Self::default());
        }
        let changed = changes.orders.iter().map(|change| change.after.order.id);
        let back = columns_of(changed.filter(|id| read.archived.contains(id)))?;
        let away = columns_of(changes.archived.iter().copied().filter(|id| !read.archived.contains(id)))?;
        let by = eight(away.len())? - eight(back.len())?;
        Ok(Self { node: four(node.0)?, back, away, by })
    }

    /// Before anything of them is changed.
    pub(super) fn back<'w>(&'w self, to: &mut Vec<Write<'w>>) {
        if !self.back.is_empty() {
            to.extend(TAKE.into_iter().flatten().map(|sql| Write {
                sql,
                params: vec![&self.back],
                rows: None,
            }));
        }
    }

    /// After everything else.
    pub(super) fn away<'w>(&'w self, to: &mut Vec<Write<'w>>) {
        if !self.away.is_empty() {
            to.extend(PUT.into_iter().flatten().map(|sql| Write {
                sql,
                params: vec![&self.away],
                rows: None,
            }));
        }
        if self.by != 0 {
            to.push(Write { sql: COUNT, params: vec![&self.node, &self.by], rows: None });
        }
    }
}

fn columns_of(ids: impl Iterator<Item = OrderId>) -> Result<Vec<i32>, Failure> {
    ids.map(|id| four(id.0)).collect()
}
