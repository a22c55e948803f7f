//! The end of the books, checked at every start before anything is written: is it what was committed?
//!
//! In: a connection to books that stood still. Out: what is wrong with the last batches: their links of the chain,
//! their entries, the orders those are about, the balances they left behind. Bounded in batches, entries, orders and
//! time, so that a start stays a start (performance.md, P12); the audit looks at everything (`audit.rs`). So that
//! this need not read the whole ledger, a batch's row names the causes of its entries and carries a digest of the
//! balances after it ([`Trace`]). Rule: invariants.md A15. Never: a repair, a write.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use panelworks_core::audit::{Audit, Violation};
use panelworks_core::customer::Account;
use panelworks_core::ids::{AttemptId, BatchId, CustomerId, NodeId, OrderId};
use panelworks_core::ledger::{Cause, Entry, LedgerAccount, cause_code};
use panelworks_core::money::Amount;
use panelworks_core::time::Timestamp;
use panelworks_core::world::Changes;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};
use sha2::{Digest as _, Sha256};

use super::files::FileStatements;
use super::rows::{self, ENTRY_COLUMNS, integer, natural};
use super::schema::NODE;
use super::views::whole;
use crate::chain::{self, Link};
use crate::limits;

/// Set in the first id of a range of transfers; the ids of orders and transfers lie below it.
const TRANSFERS: u32 = 1 << 31;

/// What a batch's row says about its entries beside their link.
#[derive(Debug)]
pub(super) struct Trace {
    /// Ranges of the ids of their causes, eight bytes each: first and last.
    pub(super) causes: Vec<u8>,
    /// Of the number of orders, and of every customer that the entries touch, with the balance after the batch.
    pub(super) balances: [u8; 16],
}

impl Trace {
    pub(super) fn of(changes: &Changes, orders: u64) -> Self {
        let touched = customers(&changes.entries);
        let after = changes.accounts.iter().filter(|account| touched.contains(&account.customer));
        Self { causes: causes(&changes.entries), balances: digest(orders, after) }
    }

    /// Of a batch of the past, by its entries. `accounts` has every customer whom they touch, with the balance before
    /// it, and is brought up to the one after it.
    pub(super) fn replayed(
        entries: &[Entry],
        orders: u64,
        accounts: &mut BTreeMap<CustomerId, Account>,
    ) -> Self {
        move_balances(accounts, entries, 1);
        let after = customers(entries);
        let after = after.iter().filter_map(|id| accounts.get(id));
        Self { causes: causes(entries), balances: digest(orders, after) }
    }
}

/// Posts the entries to the accounts among them, `sign` times: 1, or -1 for the way back.
fn move_balances(accounts: &mut BTreeMap<CustomerId, Account>, entries: &[Entry], sign: i64) {
    for entry in entries {
        let by = entry.amount.0.wrapping_mul(sign);
        for (account, by) in [(entry.from, by.wrapping_neg()), (entry.to, by)] {
            if let Some(account) = account.customer().and_then(|id| accounts.get_mut(&id)) {
                account.balance = Amount(account.balance.0.wrapping_add(by));
            }
        }
    }
}

fn causes(entries: &[Entry]) -> Vec<u8> {
    let ids: BTreeSet<u32> = entries.iter().map(|entry| place(entry.cause)).collect();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for id in ids {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(id) => *last = id,
            _apart => ranges.push((id, id)),
        }
    }
    ranges.iter().flat_map(|(first, last)| [first.to_be_bytes(), last.to_be_bytes()]).flatten().collect()
}

fn place(cause: Cause) -> u32 {
    let (_, id, _) = cause_code(cause);
    match cause {
        Cause::Order(_) | Cause::Attempt(_) => id,
        Cause::Transfer(_) => id | TRANSFERS,
    }
}

pub(super) fn customers(entries: &[Entry]) -> BTreeSet<CustomerId> {
    let both = entries.iter().flat_map(|entry| [entry.from, entry.to]);
    both.filter_map(LedgerAccount::customer).collect()
}

/// In order of the customers.
fn digest<'a>(orders: u64, accounts: impl Iterator<Item = &'a Account>) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(orders.to_be_bytes());
    for account in accounts {
        hash.update(account.customer.0.to_be_bytes());
        hash.update(account.currency.as_str());
        hash.update(account.balance.0.to_be_bytes());
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}

/// How much is looked at.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    batches: usize,
    entries: usize,
    orders: usize,
    time: Duration,
}

const BOUNDS: Bounds = Bounds {
    batches: limits::TAIL_BATCHES,
    entries: limits::TAIL_ENTRIES,
    orders: limits::TAIL_ORDERS,
    time: limits::TAIL_TIME,
};

/// A batch's row.
struct Batch {
    id: BatchId,
    at: Timestamp,
    place: u64,
    last_entry: u64,
    link: Link,
    causes: Vec<u8>,
    balances: [u8; 16],
    orders: u64,
}

/// Of every node there may seem to be: a row of another one was changed. A scan of the primary key from its end.
const BATCHES: &str = "select epoch, sequence, at, place, last_entry, link, causes, balances, orders, node from batch \
     order by node desc, epoch desc, sequence desc limit ?1";

fn batch(row: &Row<'_>) -> Result<Batch> {
    Ok(Batch {
        id: BatchId { node: NodeId(row.get(9)?), epoch: row.get(0)?, sequence: natural(row, 1)? },
        at: Timestamp(row.get(2)?),
        place: natural(row, 3)?,
        last_entry: natural(row, 4)?,
        link: row.get(5)?,
        causes: row.get(6)?,
        balances: row.get(7)?,
        orders: natural(row, 8)?,
    })
}

/// By primary key: all entries of a range of causes, then those of one batch.
pub(super) fn entries_of_causes() -> String {
    format!(
        "select {ENTRY_COLUMNS} from entry where cause_id between ?1 and ?2 and number between ?3 and ?4 and (cause_kind = 3) = ?5"
    )
}

pub(super) fn entries_of_order() -> String {
    format!(
        "select {ENTRY_COLUMNS} from entry where cause_id = ?1 and cause_kind in (1, 2) \
         order by cause_id, cause_kind, cause_part, sequence"
    )
}

const ACCOUNT: &str =
    "select customer, currency, balance, credit_limit, standing from account where customer = ?1";

/// The violations at the end of the books; none is a sound end.
pub(super) fn violations(connection: &Connection) -> Result<Vec<Violation>> {
    check(connection, BOUNDS)
}

fn check(connection: &Connection, bounds: Bounds) -> Result<Vec<Violation>> {
    let mut tail = Tail {
        connection,
        bounds,
        began: Instant::now(),
        balances: BTreeMap::new(),
        orders: BTreeSet::new(),
        entries: 0,
        found: Vec::new(),
    };
    tail.batches()?;
    tail.orders()?;
    Ok(tail.found)
}

/// A walk from the last batch backward.
struct Tail<'a> {
    connection: &'a Connection,
    bounds: Bounds,
    began: Instant,
    /// Balances as they were after the batch that is looked at.
    balances: BTreeMap<CustomerId, Account>,
    orders: BTreeSet<OrderId>,
    entries: usize,
    found: Vec<Violation>,
}

impl Tail<'_> {
    fn broken(&mut self, law: &'static str, what: String) {
        self.found.push(Violation { law, what });
    }

    /// A first look is always finished: a slow disk must not hide the last batch.
    fn is_enough(&self) -> bool {
        self.entries >= self.bounds.entries || self.began.elapsed() >= self.bounds.time
    }

    fn batches(&mut self) -> Result<()> {
        let mut newest_first = self.connection.prepare(BATCHES)?;
        let mut rows = newest_first.query([whole(self.bounds.batches + 1)])?;
        let mut looked_at: Option<Batch> = None;
        let mut seen = 0;
        while let Some(row) = rows.next()? {
            let before = batch(row)?;
            if let Some(batch) = looked_at {
                self.batch(&batch, before.link, before.place, before.last_entry)?;
                if self.is_enough() || !self.found.is_empty() {
                    return Ok(());
                }
            }
            seen += 1;
            looked_at = Some(before);
        }
        match looked_at {
            // The first batch there is; beyond the bound it is only the one before.
            Some(first) if seen <= self.bounds.batches => self.batch(&first, chain::GENESIS, 0, 0),
            Some(_) | None => Ok(()),
        }
    }

    fn batch(&mut self, batch: &Batch, before: Link, place: u64, ended: u64) -> Result<()> {
        let name = format!("batch {}/{}/{}", batch.id.node, batch.id.epoch, batch.id.sequence);
        if batch.id.node != NODE {
            self.broken("I4", format!("{name} is of another node"));
        }
        if batch.place != place + 1 {
            self.broken("I4", format!("{name} stands at place {}, after place {place}", batch.place));
        }
        let mut entries = self.entries_of(&batch.causes, ended + 1, batch.last_entry)?;
        entries.sort_unstable_by_key(|entry| entry.number);
        let dense = entries.iter().map(|entry| entry.number).eq(ended + 1..=batch.last_entry);
        let sound = dense && causes(&entries) == batch.causes;
        if !sound || chain::link(&before, batch.id, batch.at, &entries) != batch.link {
            self.broken("I4", format!("{name} was changed, or an entry of it was: its link does not fit"));
            return Ok(());
        }
        self.balances_after(&name, batch, &entries)?;
        self.entries += entries.len();
        for entry in entries.iter().rev() {
            if let Cause::Order(order) | Cause::Attempt(AttemptId { order, .. }) = entry.cause
                && self.orders.len() < self.bounds.orders
            {
                self.orders.insert(order);
            }
        }
        Ok(())
    }

    fn entries_of(&self, causes: &[u8], first: u64, last: u64) -> Result<Vec<Entry>> {
        let mut found = Vec::new();
        let mut statement = self.connection.prepare_cached(&entries_of_causes())?;
        for range in causes.as_chunks::<8>().0 {
            let [low, high] = [&range[..4], &range[4..]]
                .map(|half| u32::from_be_bytes([half[0], half[1], half[2], half[3]]));
            let bound = params![
                low & !TRANSFERS,
                high & !TRANSFERS,
                integer(first),
                integer(last),
                low & TRANSFERS != 0
            ];
            for entry in statement.query_map(bound, rows::entry)? {
                found.push(entry?);
            }
        }
        Ok(found)
    }

    /// Compares with what the batch left, and goes back to what was before it.
    fn balances_after(&mut self, name: &str, batch: &Batch, entries: &[Entry]) -> Result<()> {
        let touched = customers(entries);
        for customer in &touched {
            if self.balances.contains_key(customer) {
                continue;
            }
            let row =
                self.connection.prepare_cached(ACCOUNT)?.query_row([customer.0], rows::account).optional()?;
            match row {
                Some(account) => {
                    self.balances.insert(*customer, account);
                }
                None => {
                    self.broken("I2", format!("customer {customer} has entries in {name}, and no account"));
                }
            }
        }
        let after = touched.iter().filter_map(|id| self.balances.get(id));
        if digest(batch.orders, after) != batch.balances {
            let whose: Vec<String> = touched.iter().take(5).map(ToString::to_string).collect();
            self.broken(
                "I2",
                format!("the balances that {name} left are others now, of customers {}", whose.join(", ")),
            );
        }
        move_balances(&mut self.balances, entries, -1);
        Ok(())
    }

    /// Every order of the last entries, with all of its own.
    fn orders(&mut self) -> Result<()> {
        let files = FileStatements::new();
        let mut audit = Audit::default();
        let mut statement = self.connection.prepare_cached(&entries_of_order())?;
        for order in std::mem::take(&mut self.orders).into_iter().rev() {
            if self.began.elapsed() >= self.bounds.time {
                break;
            }
            let Some(file) = files.read(self.connection, order)? else {
                self.broken("I5", format!("order {order} has entries, and does not exist"));
                continue;
            };
            let entries = statement.query_map([order.0], rows::entry)?.collect::<Result<Vec<_>>>()?;
            audit.order(&file, &entries);
        }
        self.found.extend(audit.so_far());
        Ok(())
    }
}
