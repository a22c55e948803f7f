//! The laws of the books over everything that is stored: the walk that every adapter's audit takes.
//!
//! In: rows as they stream out of one snapshot, each kind in the order named beside it. Out: every violation, the
//! broken link of a chain with its batch. It keeps balances, ids of customers, services and providers, and one order
//! at a time: memory does not grow with the orders. Entries are read twice: by node and number for the chains, by
//! cause beside the orders they belong to. Rules: `panelworks_core::audit`; invariants.md 3, E5.

use std::collections::{BTreeMap, HashSet};

use panelworks_core::audit::{Audit, Violation};
use panelworks_core::customer::Account;
use panelworks_core::ids::{BatchId, CustomerId, NodeId, OrderId, ProviderAccountId};
use panelworks_core::ledger::{Entry, LedgerAccount};
use panelworks_core::order::{Attempt, Cancel, Order, OrderFile, Refill};
use panelworks_core::time::Timestamp;

use crate::chain::{self, Forge, Link};
use crate::limits;

/// Rows on their way; each may fail to be read.
pub(crate) type Rows<'a, T, E> = Box<dyn Iterator<Item = Result<T, E>> + 'a>;

/// Ids that orders and attempts may name.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) customers: HashSet<u32>,
    pub(crate) services: HashSet<u32>,
    pub(crate) providers: HashSet<u32>,
}

/// A batch's row.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    pub id: BatchId,
    pub at: Timestamp,
    /// In the node's stream, from 1.
    pub place: u64,
    pub last_entry: u64,
    /// Orders that the node had taken since this batch.
    pub orders: u64,
    pub link: Link,
}

/// An order's row.
#[derive(Debug)]
pub(crate) struct OrderRow {
    pub(crate) order: Order,
    pub(crate) archived: bool,
    /// Whether it says that refills or cancels hang on it, in a store that notes it.
    pub(crate) has_requests: Option<bool>,
    /// What of the row contradicts itself.
    pub(crate) contradiction: Option<&'static str>,
}

/// A row that hangs on an order.
#[derive(Debug)]
pub(crate) struct Hung<T> {
    pub(crate) order: OrderId,
    /// Whether it is in the archive; None for what never goes there.
    pub(crate) archived: Option<bool>,
    /// Whose it says it is, in a store that repeats it.
    pub(crate) customer: Option<CustomerId>,
    pub(crate) row: T,
    /// What of the row contradicts itself.
    pub(crate) contradiction: Option<&'static str>,
}

/// Orders by id, those in the archive among the others, and what hangs on them by the order's id: attempts by number, refills and cancels by id, entries of
/// orders and attempts by kind of cause, part and sequence.
pub(crate) struct Tables<'a, E> {
    pub(crate) orders: Rows<'a, OrderRow, E>,
    pub(crate) attempts: Rows<'a, Hung<Attempt>, E>,
    pub(crate) refills: Rows<'a, Hung<Refill>, E>,
    pub(crate) cancels: Rows<'a, Hung<Cancel>, E>,
    pub(crate) entries: Rows<'a, Hung<Entry>, E>,
    /// Orders in the archive, as it is counted there.
    pub(crate) archived: u64,
}

/// Transfers that are not exactly one entry of their amount: id, and what is wrong; as many as $1. Both dialects
/// understand it.
pub(crate) const STRANGE_TRANSFERS: &str = "select transfer.id, 'has no entry of its amount' from transfer left join entry \
       on cause_id = transfer.id and cause_kind = 3 and cause_part = 0 and entry.sequence = 0 \
     where entry.amount is distinct from abs(transfer.amount) or entry.currency is distinct from transfer.currency \
       or case when transfer.amount > 0 \
            then entry.to_kind is distinct from transfer.to_kind or entry.to_id is distinct from transfer.to_id \
            else entry.from_kind is distinct from transfer.to_kind or entry.from_id is distinct from transfer.to_id end \
     union all select cause_id, 'has an entry, and does not exist' from entry \
     where cause_kind = 3 and not exists (select 1 from transfer where transfer.id = cause_id) limit $1";

/// See the module's head. First [`Walk::chains`], then the rest in any order.
#[derive(Debug)]
pub(crate) struct Walk {
    audit: Audit,
    found: Vec<Violation>,
    prepaid: BTreeMap<ProviderAccountId, i128>,
    known: Known,
    /// Orders that the last batches of all nodes counted.
    orders: u64,
}

impl Walk {
    pub(crate) fn new(known: Known) -> Self {
        Self { audit: Audit::default(), found: Vec::new(), prepaid: BTreeMap::new(), known, orders: 0 }
    }

    fn broken(&mut self, law: &'static str, what: String) {
        if self.found.len() < limits::VIOLATIONS {
            self.found.push(Violation { law, what });
        }
    }

    /// Batches by node, epoch and sequence; entries by node and number.
    pub(crate) fn chains<E>(
        &mut self,
        batches: impl Iterator<Item = Result<Batch, E>>,
        entries: impl Iterator<Item = Result<(NodeId, Entry), E>>,
    ) -> Result<(), E> {
        let mut entries = Entries::new(entries, self)?;
        let mut end = End::of(NodeId(0));
        for batch in batches {
            let batch = batch?;
            if batch.id.node != end.node {
                self.orders += end.orders;
                entries.skip_nodes_below(batch.id.node, self)?;
                end = End::of(batch.id.node);
            }
            let mut forge = Forge::after(&end.link, batch.id, batch.at);
            let mut last = end.entry;
            while let Some(entry) = entries.of_batch(&batch, self)? {
                last = entry.number;
                forge.add(&entry);
            }
            end = self.batch(&batch, &end, last, &forge.link());
        }
        self.orders += end.orders;
        while entries.orphan(self)? {}
        Ok(())
    }

    /// A batch that follows `before`, by its entries: the last one's number, and the link over all.
    fn batch(&mut self, batch: &Batch, before: &End, last: u64, link: &Link) -> End {
        let name = || format!("batch {}/{}/{}", batch.id.node, batch.id.epoch, batch.id.sequence);
        let place = before.place + 1;
        if batch.place != place {
            let what = format!("{} stands at place {}, where {place} belongs", name(), batch.place);
            self.broken("I4", what);
        }
        if last != batch.last_entry {
            let what = format!("{} ends with entry {}, which is missing", name(), batch.last_entry);
            self.broken("I4", what);
        }
        if *link != batch.link {
            let what = format!("{} was changed, or an entry of it was: its link does not fit", name());
            self.broken("I4", what);
        }
        let Batch { id, place, last_entry, orders, link, .. } = *batch;
        End { node: id.node, place, entry: last_entry, orders, link }
    }

    /// In any order.
    pub(crate) fn account(&mut self, account: &Account) {
        self.audit.account(account);
    }

    /// One of [`STRANGE_TRANSFERS`].
    pub(crate) fn strange_transfer(&mut self, id: i64, what: &str) {
        self.broken("I5", format!("transfer {id} {what}"));
    }

    /// Orders, each with what hangs on it and its entries. `progress` hears orders done and orders in all.
    pub(crate) fn orders<E>(
        &mut self,
        rows: Tables<'_, E>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), E> {
        let all = self.orders;
        let mut attempts = Beside::new("an attempt", rows.attempts)?;
        let mut refills = Beside::new("a refill", rows.refills)?;
        let mut cancels = Beside::new("a cancel", rows.cancels)?;
        let mut entries = Beside::new("an entry", rows.entries)?;
        let (mut done, mut in_archive) = (0, 0);
        for row in rows.orders {
            let OrderRow { order, archived, has_requests, contradiction } = row?;
            let id = order.id;
            let owner = Owner { id, customer: order.customer, archived };
            in_archive += u64::from(archived);
            if archived && !order.status.has_ended() {
                self.broken("I9", format!("order {id} is open, and in the archive"));
            }
            if let Some(what) = contradiction {
                self.broken("I9", format!("order {id} {what}"));
            }
            let mut file = OrderFile::new(order);
            file.attempts = attempts.of(&owner, self)?;
            file.refills = refills.of(&owner, self)?;
            file.cancels = cancels.of(&owner, self)?;
            if has_requests == Some(file.refills.is_empty() && file.cancels.is_empty()) {
                self.broken("I5", format!("order {id} does not know whether it has refills or cancels"));
            }
            self.references(&file);
            let own = entries.of(&owner, self)?;
            self.audit.order(&file, &own);
            done += 1;
            if done % limits::AUDIT_PROGRESS == 0 {
                progress(done, all);
            }
        }
        attempts.rest(self)?;
        refills.rest(self)?;
        cancels.rest(self)?;
        entries.rest(self)?;
        if done != all {
            self.broken("I4", format!("there are {done} orders, the last batch counted {all}"));
        }
        if in_archive != rows.archived {
            let counted = rows.archived;
            self.broken(
                "I4",
                format!("there are {in_archive} orders in the archive, counted were {counted}"),
            );
        }
        progress(done, all);
        Ok(())
    }

    /// What no foreign key guards.
    fn references(&mut self, file: &OrderFile) {
        let order = &file.order;
        if !self.known.customers.contains(&order.customer.0) {
            let customer = order.customer;
            self.broken("I1", format!("order {} is of customer {customer}, who does not exist", order.id));
        }
        if !self.known.services.contains(&order.service.0) {
            self.broken(
                "I7",
                format!("order {} is of service {}, which does not exist", order.id, order.service),
            );
        }
        for attempt in &file.attempts {
            if !self.known.providers.contains(&attempt.account.0) {
                let account = attempt.account;
                self.broken(
                    "I19",
                    format!("order {} was tried at account {account}, which does not exist", order.id),
                );
            }
        }
    }

    /// What is stored as prepaid at each provider account, in any order.
    pub(crate) fn prepaid<E>(
        &mut self,
        stored: impl Iterator<Item = Result<(ProviderAccountId, i128), E>>,
    ) -> Result<(), E> {
        let mut summed = std::mem::take(&mut self.prepaid);
        for row in stored {
            let (account, amount) = row?;
            let sum = summed.remove(&account).unwrap_or(0);
            if sum != amount {
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

    /// The sums that need everything, and all that was found.
    pub(crate) fn finish(self) -> Vec<Violation> {
        let Self { audit, mut found, .. } = self;
        found.extend(audit.finish());
        found.truncate(limits::VIOLATIONS);
        found
    }
}

/// Where a node's stream stands.
struct End {
    node: NodeId,
    place: u64,
    entry: u64,
    orders: u64,
    link: Link,
}

impl End {
    const fn of(node: NodeId) -> Self {
        Self { node, place: 0, entry: 0, orders: 0, link: chain::GENESIS }
    }
}

/// All entries, one node after another, each in order of its numbers.
struct Entries<I> {
    rows: I,
    next: Option<(NodeId, Entry)>,
}

impl<I, E> Entries<I>
where
    I: Iterator<Item = Result<(NodeId, Entry), E>>,
{
    fn new(rows: I, walk: &mut Walk) -> Result<Self, E> {
        let mut entries = Self { rows, next: None };
        entries.step(walk)?;
        Ok(entries)
    }

    fn step(&mut self, walk: &mut Walk) -> Result<Option<(NodeId, Entry)>, E> {
        let next = self.rows.next().transpose()?;
        if let Some((node, entry)) = &next {
            if self.next.is_some_and(|(before, _)| before != *node) {
                walk.audit.next_stream();
            }
            walk.audit.entry(entry);
            for (account, by) in [(entry.from, -entry.amount.0), (entry.to, entry.amount.0)] {
                if let LedgerAccount::Prepaid(account) = account {
                    *walk.prepaid.entry(account).or_default() += i128::from(by);
                }
            }
        }
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn of_batch(&mut self, batch: &Batch, walk: &mut Walk) -> Result<Option<Entry>, E> {
        let is_own =
            |(node, entry): (NodeId, Entry)| node == batch.id.node && entry.number <= batch.last_entry;
        if !self.next.is_some_and(is_own) {
            return Ok(None);
        }
        Ok(self.step(walk)?.map(|(_, entry)| entry))
    }

    /// What comes before the entries of `node` belongs to no batch.
    fn skip_nodes_below(&mut self, node: NodeId, walk: &mut Walk) -> Result<(), E> {
        while self.next.is_some_and(|(of, _)| of < node) {
            self.orphan(walk)?;
        }
        Ok(())
    }

    fn orphan(&mut self, walk: &mut Walk) -> Result<bool, E> {
        let orphan = self.step(walk)?;
        if let Some((_, entry)) = orphan {
            walk.broken("I4", format!("entry {} belongs to no batch", entry.number));
        }
        Ok(orphan.is_some())
    }
}

/// The order that rows hang on.
struct Owner {
    id: OrderId,
    customer: CustomerId,
    archived: bool,
}

/// Rows that lie beside the orders, in order of the order's id.
struct Beside<'a, T, E> {
    what: &'static str,
    rows: Rows<'a, Hung<T>, E>,
    next: Option<Hung<T>>,
}

impl<'a, T, E> Beside<'a, T, E> {
    fn new(what: &'static str, mut rows: Rows<'a, Hung<T>, E>) -> Result<Self, E> {
        let next = rows.next().transpose()?;
        Ok(Self { what, rows, next })
    }

    fn step(&mut self) -> Result<Option<Hung<T>>, E> {
        let next = self.rows.next().transpose()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    /// The rows of an order. What comes before it belongs to no order.
    fn of(&mut self, owner: &Owner, walk: &mut Walk) -> Result<Vec<T>, E> {
        let Owner { id, customer, archived } = *owner;
        let mut own = Vec::new();
        while self.next.as_ref().is_some_and(|next| next.order <= id) {
            let Some(hung) = self.step()? else { break };
            if hung.order != id {
                self.orphan(&hung, walk);
                continue;
            }
            if hung.customer.is_some_and(|whose| whose != customer) {
                walk.broken("I21", format!("there is {} of order {id} for another customer", self.what));
            }
            if hung.archived.is_some_and(|place| place != archived) {
                walk.broken("I5", format!("{} of order {id} is on the other side of the archive", self.what));
            }
            if let Some(contradiction) = hung.contradiction {
                walk.broken("I9", format!("{} of order {id} {contradiction}", self.what));
            }
            own.push(hung.row);
        }
        Ok(own)
    }

    fn rest(&mut self, walk: &mut Walk) -> Result<(), E> {
        while let Some(hung) = self.step()? {
            self.orphan(&hung, walk);
        }
        Ok(())
    }

    fn orphan(&self, hung: &Hung<T>, walk: &mut Walk) {
        walk.broken("I5", format!("there is {} of order {}, which does not exist", self.what, hung.order));
    }
}
