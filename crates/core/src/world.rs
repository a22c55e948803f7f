//! The working set of a batch: what decisions read, and what they changed.
//!
//! A row is loaded, absent, or not loaded; asking for the last gives a [`Need`], and the batch is decided
//! again once the store has loaded it. So a forgotten read can't look like "unknown order". Changes lie over
//! the loaded rows and are undone per command (a refusal) or all at once (a need, a failed commit).
//! Out: [`Changes`], in key order, for the store to write and for the engine to hear of.

mod changes;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use changes::{Changes, OrderChange, PriceVersion, Transfer};
pub use table::Table;

use crate::catalogue::Service;
use crate::customer::{Account, ApiKey, Customer, KeyHash};
use crate::ids::{
    AttemptId, CancelId, CustomerId, OrderId, ProviderAccountId, ProviderOrderId, RefillId, ServiceId,
    TransferId,
};
use crate::ledger::{Cause, Entry, LedgerAccount};
use crate::limits;
use crate::money::{Amount, Currency};
use crate::operator::{Operator, Staff};
use crate::order::{Order, OrderFile, normalised_target};
use crate::planted::Planted;
use crate::provider::ProviderAccount;

/// One row, or one question to an index, that a decision reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Account(CustomerId),
    Customer(CustomerId),
    ApiKey(KeyHash),
    Service(ServiceId),
    Provider(ProviderAccountId),
    Order(OrderId),
    /// The open guarded order of a customer on one service and link.
    Guard(GuardKey),
    /// The order that an idempotency key made.
    Idempotency(CustomerId, [u8; 16]),
    /// The attempt that owns a provider's order id.
    Claim(ProviderAccountId, ProviderOrderId),
    /// Attempts of unknown outcome, or lately absent, at one account and link.
    Doubts(ProviderAccountId, String),
    /// All operators.
    Staff,
}

/// What the duplicate guard compares: `target` in its normalised form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuardKey {
    pub customer: CustomerId,
    pub service: crate::ids::ServiceId,
    pub target: String,
}

impl GuardKey {
    pub fn new(customer: CustomerId, service: ServiceId, target: &str) -> Self {
        Self { customer, service, target: normalised_target(target) }
    }

    /// The key of an order that takes part in the guard.
    pub fn of(order: &Order) -> Option<Self> {
        if !order.guarded {
            return None;
        }
        order.target().map(|target| Self::new(order.customer, order.service, target))
    }
}

/// The order behind an idempotency key, and the parameters it was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyHit {
    pub order: OrderId,
    pub parameters: [u8; 16],
}

/// Rows to be loaded before the decision can be made. A list, because most are of one or two keys and are joined at
/// once; in order and without repeats only when they are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Need(Vec<Key>);

impl Need {
    pub fn of(key: Key) -> Self {
        Self(vec![key])
    }

    /// Asks for everything that is missing at once, so that a batch is decided again only once for it.
    pub fn together(missing: impl IntoIterator<Item = Option<Self>>) -> Result<(), Self> {
        let mut all = Self::default();
        missing.into_iter().flatten().for_each(|need| all.join(need));
        if all.is_empty() { Ok(()) } else { Err(all) }
    }

    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each once, in key order, which is the order of row locks.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        let mut keys: Vec<&Key> = self.0.iter().collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter()
    }
}

/// The next number of every sequence. Moves only with a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursors {
    pub order: u32,
    pub refill: u32,
    pub cancel: u32,
    pub transfer: u32,
    pub customer: u32,
    pub service: u32,
    pub provider: u32,
    pub entry: u64,
}

impl Default for Cursors {
    fn default() -> Self {
        Self {
            order: 1,
            refill: 1,
            cancel: limits::CANCEL_ID_FIRST,
            transfer: 1,
            customer: 1,
            service: 1,
            provider: 1,
            entry: 1,
        }
    }
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct World {
    pub cursors: Cursors,
    pub accounts: Table<CustomerId, Account>,
    pub customers: Table<CustomerId, Customer>,
    pub api_keys: Table<KeyHash, ApiKey>,
    /// Shared: a decision keeps its service while it changes the world.
    pub services: Table<ServiceId, Arc<Service>>,
    pub providers: Table<ProviderAccountId, ProviderAccount>,
    /// Boxed: files are large, and tables move what they hold.
    pub orders: Table<OrderId, Box<OrderFile>>,
    pub guards: Table<GuardKey, OrderId>,
    pub idempotency: Table<(CustomerId, [u8; 16]), IdempotencyHit>,
    pub claims: Table<(ProviderAccountId, ProviderOrderId), AttemptId>,
    pub doubts: Table<(ProviderAccountId, String), Vec<AttemptId>>,
    /// All operators as one row: a decision over one reads the others.
    pub staff: Table<(), Staff>,
    prices: Vec<PriceVersion>,
    transfers: Vec<Transfer>,
    entries: Vec<Entry>,
    archived: Vec<OrderId>,
    /// Cursors as the batch began with them.
    first: Cursors,
    pub planted: Planted,
}

/// A place to undo to.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    cursors: Cursors,
    tables: [usize; 11],
    prices: usize,
    transfers: usize,
    entries: usize,
    archived: usize,
}

impl World {
    pub fn new(cursors: Cursors) -> Self {
        Self { cursors, first: cursors, ..Self::default() }
    }

    pub fn account(&self, id: CustomerId) -> Result<Option<&Account>, Need> {
        self.accounts.get(&id).ok_or_else(|| Need::of(Key::Account(id)))
    }

    pub fn customer(&self, id: CustomerId) -> Result<Option<&Customer>, Need> {
        self.customers.get(&id).ok_or_else(|| Need::of(Key::Customer(id)))
    }

    pub fn api_key(&self, hash: KeyHash) -> Result<Option<&ApiKey>, Need> {
        self.api_keys.get(&hash).ok_or_else(|| Need::of(Key::ApiKey(hash)))
    }

    pub fn service(&self, id: ServiceId) -> Result<Option<&Arc<Service>>, Need> {
        self.services.get(&id).ok_or_else(|| Need::of(Key::Service(id)))
    }

    pub fn provider(&self, id: ProviderAccountId) -> Result<Option<&ProviderAccount>, Need> {
        self.providers.get(&id).ok_or_else(|| Need::of(Key::Provider(id)))
    }

    pub fn order(&self, id: OrderId) -> Result<Option<&OrderFile>, Need> {
        let file = self.orders.get(&id).ok_or_else(|| Need::of(Key::Order(id)))?;
        Ok(file.map(Box::as_ref))
    }

    pub fn guard(&self, key: &GuardKey) -> Result<Option<OrderId>, Need> {
        self.guards.get(key).map(Option::<&OrderId>::copied).ok_or_else(|| Need::of(Key::Guard(key.clone())))
    }

    pub fn idempotency(&self, customer: CustomerId, key: [u8; 16]) -> Result<Option<IdempotencyHit>, Need> {
        let hit = self.idempotency.get(&(customer, key));
        hit.map(Option::<&IdempotencyHit>::copied).ok_or_else(|| Need::of(Key::Idempotency(customer, key)))
    }

    pub fn claim(
        &self,
        account: ProviderAccountId,
        order: &ProviderOrderId,
    ) -> Result<Option<AttemptId>, Need> {
        let claim = self.claims.get(&(account, order.clone()));
        claim.map(Option::<&AttemptId>::copied).ok_or_else(|| Need::of(Key::Claim(account, order.clone())))
    }

    pub fn doubts(&self, account: ProviderAccountId, link: &str) -> Result<Option<&Vec<AttemptId>>, Need> {
        let doubts = self.doubts.get(&(account, link.to_owned()));
        doubts.ok_or_else(|| Need::of(Key::Doubts(account, link.to_owned())))
    }

    pub fn staff(&self) -> Result<Staff, Need> {
        let staff = self.staff.get(&()).map(Option::<&Staff>::cloned);
        staff.map(Option::unwrap_or_default).ok_or_else(|| Need::of(Key::Staff))
    }

    /// Attempts at one account and link that were unknown or absent when the batch began, or became so in it.
    /// Whether they still are must be read from their files.
    pub fn attempts_in_doubt(
        &self,
        account: ProviderAccountId,
        link: &str,
    ) -> Result<BTreeSet<AttemptId>, Need> {
        let mut found: BTreeSet<AttemptId> =
            self.doubts(account, link)?.into_iter().flatten().copied().collect();
        for file in self.orders.changed().filter(|file| file.order.target() == Some(link)) {
            let here = file.in_doubt().filter(|attempt| attempt.account == account);
            found.extend(here.map(|attempt| AttemptId { order: file.order.id, number: attempt.number }));
        }
        Ok(found)
    }

    /// Writes an order's file, and keeps the guard's index in step within the batch. An order that had ended
    /// before holds no guard: by now another may.
    pub fn put_order(&mut self, file: OrderFile) {
        let before = self.orders.get(&file.order.id).flatten();
        let had_ended = before.is_some_and(|before| before.order.status.has_ended());
        if let Some(key) = GuardKey::of(&file.order).filter(|_| !had_ended) {
            let holder = (!file.order.status.has_ended()).then_some(file.order.id);
            self.guards.set(key, holder);
        }
        self.orders.set(file.order.id, Some(Box::new(file)));
    }

    /// The same for an order that was just accepted, whose `guard` is known already.
    pub fn put_new_order(&mut self, file: OrderFile, guard: Option<GuardKey>) {
        if let Some(key) = guard {
            self.guards.set(key, Some(file.order.id));
        }
        self.orders.set(file.order.id, Some(Box::new(file)));
    }

    /// Appends an entry and moves the customers' balances; an amount of zero moves nothing and is no entry.
    /// Gives the sequence the next entry of this cause will have.
    pub fn post(
        &mut self,
        cause: Cause,
        sequence: u32,
        from: LedgerAccount,
        to: LedgerAccount,
        amount: Amount,
        currency: Currency,
    ) -> Result<u32, Posting> {
        if amount == Amount::ZERO {
            return Ok(sequence);
        }
        if amount.0 < 0 {
            return Err(Posting::OutOfRange);
        }
        self.move_balance(from, Amount(-amount.0))?;
        self.move_balance(to, amount)?;
        let number = self.cursors.entry;
        self.cursors.entry += 1;
        self.entries.push(Entry { number, cause, sequence, from, to, amount, currency });
        Ok(sequence + 1)
    }

    fn move_balance(&mut self, of: LedgerAccount, by: Amount) -> Result<(), Posting> {
        let LedgerAccount::Customer(id) = of else { return Ok(()) };
        let mut account = *self.account(id)?.ok_or(Posting::OutOfRange)?;
        account.balance = account.balance.plus(by).ok_or(Posting::OutOfRange)?;
        self.accounts.set(id, Some(account));
        Ok(())
    }

    pub fn add_price(&mut self, version: PriceVersion) {
        self.prices.push(version);
    }

    pub fn add_transfer(&mut self, transfer: Transfer) {
        self.transfers.push(transfer);
    }

    /// Lets an order go to the archive, unless the batch changes it too.
    pub fn archive(&mut self, order: OrderId) {
        self.archived.push(order);
    }

    /// Draws the next order id; None when the sequence is used up.
    pub fn next_order(&mut self) -> Option<OrderId> {
        let id = Some(self.cursors.order).filter(|id| *id <= limits::ORDER_ID_MAX)?;
        self.cursors.order += 1;
        Some(OrderId(id))
    }

    pub fn next_refill(&mut self) -> Option<RefillId> {
        let id = Some(self.cursors.refill).filter(|id| *id <= limits::ORDER_ID_MAX)?;
        self.cursors.refill += 1;
        Some(RefillId(id))
    }

    pub fn next_cancel(&mut self) -> Option<CancelId> {
        let id = Some(self.cursors.cancel).filter(|id| *id <= limits::ORDER_ID_MAX)?;
        self.cursors.cancel += 1;
        Some(CancelId(id))
    }

    pub fn next_transfer(&mut self) -> Option<TransferId> {
        let id = Some(self.cursors.transfer).filter(|id| *id <= limits::ORDER_ID_MAX)?;
        self.cursors.transfer += 1;
        Some(TransferId(id))
    }

    /// Where the world stands now, for [`World::undo_to`].
    pub fn mark(&self) -> Mark {
        Mark {
            cursors: self.cursors,
            tables: [
                self.accounts.mark(),
                self.customers.mark(),
                self.api_keys.mark(),
                self.services.mark(),
                self.providers.mark(),
                self.orders.mark(),
                self.guards.mark(),
                self.idempotency.mark(),
                self.claims.mark(),
                self.doubts.mark(),
                self.staff.mark(),
            ],
            prices: self.prices.len(),
            transfers: self.transfers.len(),
            entries: self.entries.len(),
            archived: self.archived.len(),
        }
    }

    pub fn undo_to(&mut self, mark: Mark) {
        self.cursors = mark.cursors;
        let [
            accounts,
            customers,
            api_keys,
            services,
            providers,
            orders,
            guards,
            marks,
            claims,
            doubts,
            staff,
        ] = mark.tables;
        self.accounts.undo_to(accounts);
        self.customers.undo_to(customers);
        self.api_keys.undo_to(api_keys);
        self.services.undo_to(services);
        self.providers.undo_to(providers);
        self.orders.undo_to(orders);
        self.guards.undo_to(guards);
        self.idempotency.undo_to(marks);
        self.claims.undo_to(claims);
        self.doubts.undo_to(doubts);
        self.staff.undo_to(staff);
        self.prices.truncate(mark.prices);
        self.transfers.truncate(mark.transfers);
        self.entries.truncate(mark.entries);
        self.archived.truncate(mark.archived);
    }

    /// Forgets every change, drawn ids too; what was loaded stays.
    pub fn undo_all(&mut self) {
        let cursors = self.first;
        self.undo_to(Mark { cursors, tables: [0; 11], prices: 0, transfers: 0, entries: 0, archived: 0 });
    }

    /// The write-set. The world is spent by it.
    pub fn into_changes(self) -> (Changes, Cursors) {
        let orders = self.orders.into_changed_with_before();
        let orders: Vec<OrderChange> =
            orders.filter_map(|(before, after)| Some(OrderChange { before, after: after? })).collect();
        let mut archived = self.archived;
        archived.sort_unstable();
        archived.dedup();
        archived.retain(|id| orders.binary_search_by_key(id, |change| change.after.order.id).is_err());
        let changes = Changes {
            accounts: self.accounts.into_changed().collect(),
            customers: self.customers.into_changed().collect(),
            api_keys: self.api_keys.into_changed().collect(),
            services: self.services.into_changed().collect(),
            prices: self.prices,
            providers: self.providers.into_changed().collect(),
            transfers: self.transfers,
            orders,
            entries: self.entries,
            operators: changed_operators(self.staff),
            archived,
        };
        (changes, self.cursors)
    }
}

fn changed_operators(staff: Table<(), Staff>) -> Vec<Operator> {
    let changed = staff.into_changed_with_before();
    changed
        .filter_map(|(before, after)| Some(after?.into_changed_since(before.as_ref()).collect::<Vec<_>>()))
        .flatten()
        .collect()
}

/// Why an entry could not be written.
#[derive(Debug)]
pub enum Posting {
    Need(Need),
    OutOfRange,
}

impl From<Need> for Posting {
    fn from(need: Need) -> Self {
        Self::Need(need)
    }
}
