//! What the audit of the books reads out of the database, in one snapshot and bounded memory.
//!
//! In: a connection inside a transaction of repeatable reads. Out: rows in the order that [`crate::audit`] asks for,
//! by cursors of the server, a page at a time, and what it finds. Laws and words are there. Whoever writes is neither
//! waited for nor delayed.

use std::cell::RefCell;
use std::collections::HashSet;

use panelworks_core::audit::Violation;
use panelworks_core::ids::{BatchId, CustomerId, NodeId, OrderId, ProviderAccountId};
use panelworks_core::time::Timestamp;
use tokio_postgres::Row;

use super::connection::Connection;
use super::error::Failure;
use super::rows::{self, columns, get, hash, id, natural};
use crate::audit::{Batch, Hung, Known, OrderRow, STRANGE_TRANSFERS, Tables, Walk};
use crate::limits;

type Result<T> = std::result::Result<T, Failure>;

/// A cursor: what opens it, and what asks it for its next page.
#[derive(Clone, Copy)]
struct Cursor {
    open: &'static str,
    next: &'static str,
}

/// A cursor of this name over a query. Its pages are of [`limits::AUDIT_PAGE`] rows.
macro_rules! cursor {
    ($name:literal, $($query:expr),+) => {
        Cursor {
            open: concat!("declare ", $name, " no scroll cursor for ", $($query),+),
            next: concat!("fetch 2000 from ", $name),
        }
    };
}

/// A row without place or link is of no commit of ours: it fits nowhere.
const BATCHES: Cursor = cursor!(
    "batches",
    "select node, epoch, sequence, at, coalesce(place, 0), coalesce(last_entry, 0), coalesce(orders, 0), \
     coalesce(link, cast('00000000-0000-0000-0000-000000000000' as uuid)) from batch order by node, epoch, sequence"
);

/// Sorted by the server: no index by number is kept for this question alone.
const ENTRIES: Cursor = cursor!("entries", "select ", columns!(entry), " from entry order by node, number");

const ACCOUNTS: Cursor = cursor!("accounts", "select ", columns!(account), " from account order by customer");

/// The same, over a table and what of it is in the archive: each side comes in order, and the two are merged. The last
/// column says which side it is.
macro_rules! cursor_over_both {
    ($name:literal, $columns:expr, $more:literal, $table:literal, $order:literal) => {
        cursor!(
            $name,
            "select ",
            $columns,
            $more,
            ", false from ",
            $table,
            " union all select ",
            $columns,
            $more,
            ", true from archived_",
            $table,
            " order by ",
            $order
        )
    };
}

const ORDERS: Cursor =
    cursor_over_both!("orders_by_id", columns!(orders), ", open, guard is null", "orders", "id");

const ATTEMPTS: Cursor =
    cursor_over_both!("attempts", columns!(attempt), ", customer, doubt", "attempt", "order_id, number");

const REFILLS: Cursor =
    cursor_over_both!("refills", columns!(refill), ", customer, open", "refill", "order_id, id");

const CANCELS: Cursor =
    cursor_over_both!("cancels", columns!(cancel), ", customer", "cancel", "order_id, id");

const ARCHIVED: &str = "select cast(coalesce(sum(orders), 0) as bigint) from archive";

/// Of orders and attempts: those of transfers are left out.
const CAUSES: Cursor = cursor!(
    "causes",
    "select ",
    columns!(entry),
    ", customer from entry where cause_kind <> 3 order by cause_id, cause_kind, cause_part, sequence"
);

const KNOWN: [&str; 3] =
    ["select customer from account", "select id from service", "select id from provider"];

const PREPAID: &str = "select account, cast(sum(amount) as bigint) from prepaid group by account";

/// See the module's head.
pub(super) fn audit(
    connection: &mut Connection,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<Violation>> {
    let [customers, services, providers] = KNOWN.map(|sql| ids(connection, sql));
    let mut walk = Walk::new(Known { customers: customers?, services: services?, providers: providers? });
    let shared = RefCell::new(connection);
    walk.chains(Pages::open(&shared, BATCHES, batch)?, Pages::open(&shared, ENTRIES, rows::entry)?)?;
    for account in Pages::open(&shared, ACCOUNTS, rows::account)? {
        walk.account(&account?);
    }
    let archived = shared.borrow_mut().ask(ARCHIVED, &[])?;
    let archived = archived.rows.first().map_or(Ok(0), |row| natural(row, 0))?;
    walk.orders(orders(&shared, archived)?, progress)?;
    let connection = shared.into_inner();
    let most = i64::try_from(limits::VIOLATIONS).unwrap_or(i64::MAX);
    for row in connection.ask_patiently(STRANGE_TRANSFERS, &[&most])?.rows {
        walk.strange_transfer(get::<i32>(&row, 0)?.into(), get(&row, 1)?);
    }
    let prepaid = connection.ask(PREPAID, &[])?;
    walk.prepaid(
        prepaid.rows.iter().map(|row| -> Result<_> {
            Ok((ProviderAccountId(id(row, 0)?), i128::from(get::<i64>(row, 1)?)))
        }),
    )?;
    Ok(walk.finish())
}

/// All ids of a table of which there are few, or whose ids fit into memory.
fn ids(connection: &mut Connection, sql: &'static str) -> Result<HashSet<u32>> {
    connection.ask_patiently(sql, &[])?.rows.iter().map(|row| id(row, 0)).collect()
}

pub(super) fn batch(row: &Row) -> Result<Batch> {
    Ok(Batch {
        id: BatchId { node: NodeId(id(row, 0)?), epoch: id(row, 1)?, sequence: natural(row, 2)? },
        at: Timestamp(get(row, 3)?),
        place: natural(row, 4)?,
        last_entry: natural(row, 5)?,
        orders: natural(row, 6)?,
        link: hash(row, 7)?,
    })
}

fn orders<'s>(shared: &'s Shared<'_>, archived: u64) -> Result<Tables<'s, Failure>> {
    Ok(Tables {
        orders: Box::new(Pages::open(shared, ORDERS, order)?),
        attempts: Box::new(Pages::open(shared, ATTEMPTS, |row| {
            let (order, attempt) = rows::attempt(row)?;
            let is_right = get::<bool>(row, 16)? == attempt.state.is_in_doubt(true);
            hung(row, (15, Some(17)), (order, attempt), is_right)
        })?),
        refills: Box::new(Pages::open(shared, REFILLS, |row| {
            let (order, refill) = rows::refill(row)?;
            let is_right = get::<bool>(row, 9)? == refill.state.is_open();
            hung(row, (8, Some(10)), (order, refill), is_right)
        })?),
        cancels: Box::new(Pages::open(shared, CANCELS, |row| {
            hung(row, (8, Some(9)), rows::cancel(row)?, true)
        })?),
        entries: Box::new(Pages::open(shared, CAUSES, |row| {
            let (_, entry) = rows::entry(row)?;
            hung(row, (12, None), (OrderId(id(row, 0)?), entry), true)
        })?),
        archived,
    })
}

/// What an index asks for is what the row says.
fn order(row: &Row) -> Result<OrderRow> {
    let order = rows::order(row)?;
    let (open, without_guard): (bool, bool) = (get(row, 29)?, get(row, 30)?);
    let contradiction = if open == order.status.has_ended() {
        Some("is in the wrong index: open or not, its status says otherwise")
    } else if open && without_guard && order.guarded && order.target().is_some() {
        Some("is guarded, and has nothing that guards it")
    } else {
        None
    };
    Ok(OrderRow { order, archived: get(row, 31)?, has_requests: None, contradiction })
}

/// With the columns that say whose it is, and whether it is in the archive.
fn hung<T>(
    row: &Row,
    (customer, archived): (usize, Option<usize>),
    (order, value): (OrderId, T),
    is_right: bool,
) -> Result<Hung<T>> {
    let archived = archived.map(|column| get(row, column)).transpose()?;
    let contradiction = (!is_right).then_some("is in the wrong index: its state says otherwise");
    let customer = Some(CustomerId(id(row, customer)?));
    Ok(Hung { order, archived, customer, row: value, contradiction })
}

/// Several cursors of one connection, read by turns.
type Shared<'c> = RefCell<&'c mut Connection>;

/// The rows of a cursor.
struct Pages<'s, 'c, T> {
    shared: &'s Shared<'c>,
    cursor: Cursor,
    page: std::vec::IntoIter<Row>,
    is_last: bool,
    read: fn(&Row) -> Result<T>,
}

impl<'s, 'c, T> Pages<'s, 'c, T> {
    /// The first page may have to wait until the server has sorted all rows.
    fn open(shared: &'s Shared<'c>, cursor: Cursor, read: fn(&Row) -> Result<T>) -> Result<Self> {
        let mut connection = shared.borrow_mut();
        connection.ask(cursor.open, &[])?;
        let first = connection.ask_patiently(cursor.next, &[])?.rows;
        let is_last = first.len() < limits::AUDIT_PAGE;
        Ok(Self { shared, cursor, page: first.into_iter(), is_last, read })
    }

    fn turn(&mut self) -> Result<()> {
        let page = self.shared.borrow_mut().ask(self.cursor.next, &[])?.rows;
        self.is_last = page.len() < limits::AUDIT_PAGE;
        self.page = page.into_iter();
        Ok(())
    }
}

impl<T> Iterator for Pages<'_, '_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if self.page.len() == 0
            && !self.is_last
            && let Err(failure) = self.turn()
        {
            self.is_last = true;
            return Some(Err(failure));
        }
        self.page.next().map(|row| (self.read)(&row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cursor_asks_for_pages_of_the_size_that_is_expected() {
        for cursor in [BATCHES, ENTRIES, ACCOUNTS, ORDERS, ATTEMPTS, REFILLS, CANCELS, CAUSES] {
            let page = format!("fetch {} from ", limits::AUDIT_PAGE);
            let name = cursor.next.strip_prefix(&page).expect(cursor.next);
            assert!(cursor.open.starts_with(&format!("declare {name} no scroll cursor for select ")));
        }
    }
}
