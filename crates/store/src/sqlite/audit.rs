//! The laws of the books over everything that is stored, in one snapshot and bounded memory.
//!
//! In: a connection inside a read transaction. Out: every violation, the broken link of the chain with its
//! batch. Entries are read twice: by number for the chain, by cause beside the orders they belong to; the rest
//! streams in order of the orders' ids. Rules: `panelworks_core::audit`; invariants.md 3, E5.

use std::collections::{BTreeMap, HashSet};

use panelworks_core::audit::{Audit, Violation};
use panelworks_core::ids::{BatchId, NodeId, OrderId, ProviderAccountId};
use panelworks_core::ledger::{Cause, Entry, LedgerAccount};
use panelworks_core::order::OrderFile;
use panelworks_core::time::Timestamp;
use rusqlite::{Connection, Result, Row, Rows};

use super::rows::{
    self, ATTEMPT_COLUMNS, CANCEL_COLUMNS, ENTRY_COLUMNS, ORDER_COLUMNS, REFILL_COLUMNS, natural,
};
use super::schema::tip;
use super::tail;
use crate::chain::{self, Link};
use crate::limits;

/// See the module's head.
pub(super) fn audit(connection: &Connection, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Violation>> {
    let ids = |statement: &str| -> Result<HashSet<u32>> {
        connection.prepare(statement)?.query_map([], |row| row.get(0))?.collect()
    };
    let mut walk = Walk {
        audit: Audit::default(),
        found: Vec::new(),
        prepaid: BTreeMap::new(),
        customers: ids("select customer from account")?,
        services: ids("select id from service")?,
        providers: ids("select id from provider")?,
    };
    walk.chain(connection)?;
    walk.accounts(connection)?;
    walk.transfers(connection)?;
    walk.orders(connection, progress)?;
    walk.prepaid(connection)?;
    let Walk { audit, mut found, .. } = walk;
    found.extend(audit.finish());
    // What a start would refuse is named here too.
    let tail = tail::violations(connection)?;
    let news: Vec<Violation> = tail.into_iter().filter(|violation| !found.contains(violation)).collect();
    found.extend(news);
    found.truncate(limits::VIOLATIONS);
    Ok(found)
}

struct Walk {
    audit: Audit,
    found: Vec<Violation>,
    prepaid: BTreeMap<ProviderAccountId, i128>,
    customers: HashSet<u32>,
    services: HashSet<u32>,
    providers: HashSet<u32>,
}

/// A batch's row.
struct Batch {
    id: BatchId,
    at: Timestamp,
    place: u64,
    last_entry: u64,
    link: Link,
}

fn batch(row: &Row<'_>) -> Result<Batch> {
    Ok(Batch {
        id: BatchId { node: NodeId(row.get(0)?), epoch: row.get(1)?, sequence: natural(row, 2)? },
        at: Timestamp(row.get(3)?),
        place: natural(row, 4)?,
        last_entry: natural(row, 5)?,
        link: row.get(6)?,
    })
}

impl Walk {
    fn broken(&mut self, law: &'static str, what: String) {
        if self.found.len() < limits::VIOLATIONS {
            self.found.push(Violation { law, what });
        }
    }

    /// Every entry in order of its number, every batch over its entries.
    fn chain(&mut self, connection: &Connection) -> Result<()> {
        let mut batches = connection
            .prepare("select node, epoch, sequence, at, place, last_entry, link from batch order by node, epoch, sequence")?;
        let mut batches = batches.query([])?;
        let mut entries =
            connection.prepare(&format!("select {ENTRY_COLUMNS} from entry order by number"))?;
        let mut entries = entries.query([])?;
        let mut next = self.next_entry(&mut entries)?;
        let (mut link, mut place, mut ended) = (chain::GENESIS, 0, 0);
        let mut own = Vec::new();
        while let Some(row) = batches.next()? {
            let batch = batch(row)?;
            own.clear();
            while let Some(entry) = next.filter(|entry| entry.number <= batch.last_entry) {
                own.push(entry);
                next = self.next_entry(&mut entries)?;
            }
            let name = format!("batch {}/{}/{}", batch.id.node, batch.id.epoch, batch.id.sequence);
            place += 1;
            if batch.place != place {
                self.broken("I4", format!("{name} stands at place {}, where {place} belongs", batch.place));
                place = batch.place;
            }
            let last = own.last().map_or(ended, |last| last.number);
            if last != batch.last_entry {
                self.broken("I4", format!("{name} ends with entry {}, which is missing", batch.last_entry));
            }
            if chain::link(&link, batch.id, batch.at, &own) != batch.link {
                self.broken(
                    "I4",
                    format!("{name} was changed, or an entry of it was: its link does not fit"),
                );
            }
            (link, ended) = (batch.link, batch.last_entry);
        }
        while let Some(entry) = next {
            self.broken("I4", format!("entry {} belongs to no batch", entry.number));
            next = self.next_entry(&mut entries)?;
        }
        Ok(())
    }

    fn next_entry(&mut self, entries: &mut Rows<'_>) -> Result<Option<Entry>> {
        let entry = entries.next()?.map(rows::entry).transpose()?;
        if let Some(entry) = &entry {
            self.audit.entry(entry);
            for (account, by) in [(entry.from, -entry.amount.0), (entry.to, entry.amount.0)] {
                if let LedgerAccount::Prepaid(account) = account {
                    *self.prepaid.entry(account).or_default() += i128::from(by);
                }
            }
        }
        Ok(entry)
    }

    fn accounts(&mut self, connection: &Connection) -> Result<()> {
        let mut accounts = connection.prepare(
            "select customer, currency, balance, credit_limit, standing from account order by customer",
        )?;
        let mut accounts = accounts.query([])?;
        while let Some(row) = accounts.next()? {
            self.audit.account(&rows::account(row)?);
        }
        Ok(())
    }

    /// A transfer is exactly one entry of its amount.
    fn transfers(&mut self, connection: &Connection) -> Result<()> {
        let mut strange = connection.prepare(
            "select transfer.id, 'has no entry of its amount' from transfer left join entry \
               on cause_id = transfer.id and cause_kind = 3 and cause_part = 0 and entry.sequence = 0 \
             where entry.amount is not abs(transfer.amount) or entry.currency is not transfer.currency \
               or case when transfer.amount > 0 then entry.to_kind is not transfer.to_kind or entry.to_id is not transfer.to_id \
                  else entry.from_kind is not transfer.to_kind or entry.from_id is not transfer.to_id end \
             union all select cause_id, 'has an entry, and does not exist' from entry \
             where cause_kind = 3 and not exists (select 1 from transfer where transfer.id = cause_id)",
        )?;
        let mut strange = strange.query([])?;
        while let Some(row) = strange.next()? {
            let (id, what): (i64, String) = (row.get(0)?, row.get(1)?);
            self.broken("I5", format!("transfer {id} {what}"));
        }
        Ok(())
    }

    /// Orders by id, each with what hangs on it and its entries.
    fn orders(&mut self, connection: &Connection, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let all = tip(connection)?.orders;
        let mut orders = connection.prepare(&format!("select {ORDER_COLUMNS} from orders order by id"))?;
        let mut orders = orders.query([])?;
        let query = |columns: &str, table: &str, order: &str| {
            connection.prepare(&format!("select {columns} from {table} order by {order}"))
        };
        let mut attempts = query(ATTEMPT_COLUMNS, "attempt", "order_id, number")?;
        let mut attempts = Beside::new("attempt", attempts.query([])?, rows::attempt)?;
        let mut refills = query(REFILL_COLUMNS, "refill", "order_id, id")?;
        let mut refills = Beside::new("refill", refills.query([])?, rows::refill)?;
        let mut cancels = query(CANCEL_COLUMNS, "cancel", "order_id, id")?;
        let mut cancels = Beside::new("cancel", cancels.query([])?, rows::cancel)?;
        let mut entries = query(ENTRY_COLUMNS, "entry", "cause_id, cause_kind, cause_part, sequence")?;
        let mut entries = Beside::new("entry", entries.query([])?, entry_of_order)?;
        let mut done = 0;
        while let Some(row) = orders.next()? {
            let (order, has_requests) = rows::order(row)?;
            let id = order.id;
            let mut file = OrderFile::new(order);
            file.attempts = attempts.of(id, self)?;
            file.refills = refills.of(id, self)?;
            file.cancels = cancels.of(id, self)?;
            if has_requests == (file.refills.is_empty() && file.cancels.is_empty()) {
                self.broken("I5", format!("order {id} does not know whether it has refills or cancels"));
            }
            self.references(&file);
            let own = entries.of(id, self)?;
            self.audit.order(&file, &own);
            done += 1;
            if done % limits::AUDIT_PROGRESS == 0 {
                progress(done, all);
            }
        }
        let end = OrderId(u32::MAX);
        attempts.of(end, self)?;
        refills.of(end, self)?;
        cancels.of(end, self)?;
        entries.of(end, self)?;
        if done != all {
            self.broken("I4", format!("there are {done} orders, the last batch counted {all}"));
        }
        progress(done, all);
        Ok(())
    }

    /// What no foreign key guards.
    fn references(&mut self, file: &OrderFile) {
        let order = &file.order;
        if !self.customers.contains(&order.customer.0) {
            let customer = order.customer;
            self.broken("I1", format!("order {} is of customer {customer}, who does not exist", order.id));
        }
        if !self.services.contains(&order.service.0) {
            self.broken(
                "I7",
                format!("order {} is of service {}, which does not exist", order.id, order.service),
            );
        }
        for attempt in &file.attempts {
            if !self.providers.contains(&attempt.account.0) {
                let account = attempt.account;
                self.broken(
                    "I19",
                    format!("order {} was tried at account {account}, which does not exist", order.id),
                );
            }
        }
    }

    fn prepaid(&mut self, connection: &Connection) -> Result<()> {
        let mut stored = connection.prepare("select account, amount from prepaid order by account")?;
        let mut stored = stored.query([])?;
        let mut summed = std::mem::take(&mut self.prepaid);
        while let Some(row) = stored.next()? {
            let (account, amount) = (ProviderAccountId(row.get(0)?), row.get::<_, i64>(1)?);
            let sum = summed.remove(&account).unwrap_or(0);
            if sum != i128::from(amount) {
                self.broken("I2", format!("provider account {account} says {amount} prepaid micro-units, its postings sum to {sum}"));
            }
        }
        for (account, sum) in summed.into_iter().filter(|(_, sum)| *sum != 0) {
            self.broken(
                "I2",
                format!("provider account {account} has no balance, its postings sum to {sum}"),
            );
        }
        Ok(())
    }
}

/// Entries of transfers have no order: they pass.
fn entry_of_order(row: &Row<'_>) -> Result<(OrderId, Entry)> {
    let entry = rows::entry(row)?;
    Ok((OrderId(row.get(0)?), entry))
}

/// Rows that lie beside the orders, in order of the order's id.
struct Beside<'a, T> {
    what: &'static str,
    rows: Rows<'a>,
    read: fn(&Row<'_>) -> Result<(OrderId, T)>,
    next: Option<(OrderId, T)>,
}

/// Whether a row without an order may be.
trait Hangs {
    fn needs_order(&self) -> bool;
}

impl Hangs for panelworks_core::order::Attempt {
    fn needs_order(&self) -> bool {
        true
    }
}

impl Hangs for panelworks_core::order::Refill {
    fn needs_order(&self) -> bool {
        true
    }
}

impl Hangs for panelworks_core::order::Cancel {
    fn needs_order(&self) -> bool {
        true
    }
}

impl Hangs for Entry {
    fn needs_order(&self) -> bool {
        match self.cause {
            Cause::Order(_) | Cause::Attempt(_) => true,
            Cause::Transfer(_) => false,
        }
    }
}

impl<'a, T: Hangs> Beside<'a, T> {
    fn new(what: &'static str, rows: Rows<'a>, read: fn(&Row<'_>) -> Result<(OrderId, T)>) -> Result<Self> {
        let mut beside = Self { what, rows, read, next: None };
        beside.step()?;
        Ok(beside)
    }

    fn step(&mut self) -> Result<Option<(OrderId, T)>> {
        let next = self.rows.next()?.map(self.read).transpose()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    /// The rows of order `id`. What comes before it belongs to no order.
    fn of(&mut self, id: OrderId, walk: &mut Walk) -> Result<Vec<T>> {
        let mut own = Vec::new();
        while self.next.as_ref().is_some_and(|(order, _)| *order <= id) {
            let Some((order, row)) = self.step()? else { break };
            if !row.needs_order() {
                continue;
            }
            if order == id {
                own.push(row);
            } else {
                walk.broken(
                    "I5",
                    format!("there is an {} of order {order}, which does not exist", self.what),
                );
            }
        }
        Ok(own)
    }
}
