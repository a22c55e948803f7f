//! The archive: tables beside those that are worked on, for orders that rest (`core/order/archive.rs`).
//!
//! In: ids, inside a batch's transaction. Out: an order with all that hangs on it in the other place, and nowhere else.
//! Some five trees are touched for an order, at the old end of each: tens of microseconds. Never: an entry of the ledger
//! moved, a rule.

use panelworks_core::ids::OrderId;
use rusqlite::{Connection, Result, params};

use super::rows::{ATTEMPT_COLUMNS, CANCEL_COLUMNS, ORDER_COLUMNS, REFILL_COLUMNS};
use super::schema::NODE;

/// Where an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Among those that are worked on, or were lately.
    Present,
    Archive,
}

impl Place {
    /// What stands before the names of its tables.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Present => "",
            Self::Archive => "archived_",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Present => Self::Archive,
            Self::Archive => Self::Present,
        }
    }
}

const COUNT: &str = "update node set archived = archived + ?2 where id = ?1";

/// Orders that rest.
pub(super) fn put(connection: &Connection, orders: &[OrderId]) -> Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    let moved = transfer(connection, orders, Place::Present)?;
    connection.prepare_cached(COUNT)?.execute(params![NODE.0, moved]).map(drop)
}

/// Orders that change after all.
pub(super) fn bring_back(connection: &Connection, orders: &[OrderId]) -> Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    let moved = transfer(connection, orders, Place::Archive)?;
    connection.prepare_cached(COUNT)?.execute(params![NODE.0, -moved]).map(drop)
}

/// Gives how many orders there were.
fn transfer(connection: &Connection, orders: &[OrderId], from: Place) -> Result<i64> {
    let statements = transfers(from);
    let mut moved = 0;
    for order in orders {
        for (place, statement) in statements.iter().enumerate() {
            let rows = connection.prepare_cached(statement)?.execute([order.0])?;
            if place == 0 {
                moved += i64::try_from(rows).unwrap_or(0);
            }
        }
    }
    Ok(moved)
}

/// First the order's own row; what refers to another row comes after it and goes before it.
pub(super) fn transfers(from: Place) -> [String; 8] {
    let (source, target) = (from.prefix(), from.other().prefix());
    let copy = |table: &str, columns: &str, key: &str| {
        format!(
            "insert into {target}{table} ({columns}) select {columns} from {source}{table} where {key} = ?1"
        )
    };
    let delete = |table: &str, key: &str| format!("delete from {source}{table} where {key} = ?1");
    [
        copy("orders", ORDER_COLUMNS, "id"),
        copy("attempt", ATTEMPT_COLUMNS, "order_id"),
        copy("refill", REFILL_COLUMNS, "order_id"),
        copy("cancel", CANCEL_COLUMNS, "order_id"),
        delete("refill", "order_id"),
        delete("cancel", "order_id"),
        delete("attempt", "order_id"),
        delete("orders", "id"),
    ]
}
