//! What the audit of the books reads out of the file, in one snapshot and bounded memory.
//!
//! In: a connection inside a read transaction. Out: rows in the order that [`crate::audit`] asks for, and what it
//! finds. Laws and words are there.

use std::collections::HashSet;

use panelworks_core::audit::Violation;
use panelworks_core::ids::{BatchId, NodeId, OrderId, ProviderAccountId};
use panelworks_core::ledger::Entry;
use panelworks_core::time::Timestamp;
use rusqlite::{Connection, Error, Result, Row, Statement};

use super::rows::{
    self, ATTEMPT_COLUMNS, CANCEL_COLUMNS, ENTRY_COLUMNS, ORDER_COLUMNS, REFILL_COLUMNS, natural,
};
use super::schema::{self, NODE};
use super::tail;
use super::views::whole;
use crate::audit::{Batch, Hung, Known, OrderRow, Rows, STRANGE_TRANSFERS, Tables, Walk};
use crate::limits;

/// See the module's head.
pub(super) fn audit(connection: &Connection, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Violation>> {
    let ids = |statement: &str| -> Result<HashSet<u32>> {
        connection.prepare(statement)?.query_map([], |row| row.get(0))?.collect()
    };
    let mut walk = Walk::new(Known {
        customers: ids("select customer from account")?,
        services: ids("select id from service")?,
        providers: ids("select id from provider")?,
    });
    chains(connection, &mut walk)?;
    accounts(connection, &mut walk)?;
    transfers(connection, &mut walk)?;
    orders(connection, &mut walk, progress)?;
    let mut prepaid = connection.prepare("select account, amount from prepaid")?;
    walk.prepaid(
        prepaid
            .query_map([], |row| Ok((ProviderAccountId(row.get(0)?), i128::from(row.get::<_, i64>(1)?))))?,
    )?;
    let mut found = walk.finish();
    // What a start would refuse is named here too.
    let tail = tail::violations(connection)?;
    let news: Vec<Violation> = tail.into_iter().filter(|violation| !found.contains(violation)).collect();
    found.extend(news);
    found.truncate(limits::VIOLATIONS);
    Ok(found)
}

fn chains(connection: &Connection, walk: &mut Walk) -> Result<()> {
    let mut batches = connection.prepare(
        "select node, epoch, sequence, at, place, last_entry, orders, link from batch order by node, epoch, sequence",
    )?;
    let mut entries = connection.prepare(&format!("select {ENTRY_COLUMNS} from entry order by number"))?;
    let entries = entries.query_map([], |row| Ok((NODE, rows::entry(row)?)))?;
    walk.chains(batches.query_map([], batch)?, entries)
}

pub(super) fn batch(row: &Row<'_>) -> Result<Batch> {
    Ok(Batch {
        id: BatchId { node: NodeId(row.get(0)?), epoch: row.get(1)?, sequence: natural(row, 2)? },
        at: Timestamp(row.get(3)?),
        place: natural(row, 4)?,
        last_entry: natural(row, 5)?,
        orders: natural(row, 6)?,
        link: row.get(7)?,
    })
}

fn accounts(connection: &Connection, walk: &mut Walk) -> Result<()> {
    let mut accounts =
        connection.prepare("select customer, currency, balance, credit_limit, standing from account")?;
    for account in accounts.query_map([], rows::account)? {
        walk.account(&account?);
    }
    Ok(())
}

fn transfers(connection: &Connection, walk: &mut Walk) -> Result<()> {
    let mut strange = connection.prepare(STRANGE_TRANSFERS)?;
    let mut strange = strange.query([whole(limits::VIOLATIONS)])?;
    while let Some(row) = strange.next()? {
        walk.strange_transfer(row.get(0)?, row.get_ref(1)?.as_str()?);
    }
    Ok(())
}

fn orders(connection: &Connection, walk: &mut Walk, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
    // Each side comes in order of its key, and the two are merged: no sorting, however much there is.
    let query = |columns: &str, table: &str, order: &str| {
        connection.prepare(&format!(
            "select {columns}, 0 from {table} union all select {columns}, 1 from archived_{table} order by {order}"
        ))
    };
    let mut orders = query(ORDER_COLUMNS, "orders", "id")?;
    let mut attempts = query(ATTEMPT_COLUMNS, "attempt", "order_id, number")?;
    let mut refills = query(REFILL_COLUMNS, "refill", "order_id, id")?;
    let mut cancels = query(CANCEL_COLUMNS, "cancel", "order_id, id")?;
    let mut entries = connection.prepare(&format!(
        "select {ENTRY_COLUMNS} from entry where cause_kind <> 3 \
         order by cause_id, cause_kind, cause_part, sequence"
    ))?;
    let rows = Tables {
        orders: Box::new(orders.query_map([], order)?),
        attempts: hung(&mut attempts, rows::attempt, 15)?,
        refills: hung(&mut refills, rows::refill, 8)?,
        cancels: hung(&mut cancels, rows::cancel, 8)?,
        entries: Box::new(entries.query_map([], entry_of_order)?),
        archived: schema::archived(connection)?,
    };
    walk.orders(rows, progress)
}

fn order(row: &Row<'_>) -> Result<OrderRow> {
    let (order, has_requests) = rows::order(row)?;
    let archived = row.get(30)?;
    Ok(OrderRow { order, archived, has_requests: Some(has_requests), contradiction: None })
}

/// Of an order or one of its attempts: those of transfers are left out.
fn entry_of_order(row: &Row<'_>) -> Result<Hung<Entry>> {
    let (order, row) = (OrderId(row.get(0)?), rows::entry(row)?);
    Ok(Hung { order, archived: None, customer: None, row, contradiction: None })
}

/// `place` is the column that says whether the row is in the archive.
fn hung<'a, T: 'a>(
    statement: &'a mut Statement<'_>,
    read: fn(&Row<'_>) -> Result<(OrderId, T)>,
    place: usize,
) -> Result<Rows<'a, Hung<T>, Error>> {
    let rows = statement.query_map([], move |row| {
        let archived = row.get(place)?;
        let (order, row) = read(row)?;
        Ok(Hung { order, archived: Some(archived), customer: None, row, contradiction: None })
    })?;
    Ok(Box::new(rows))
}
