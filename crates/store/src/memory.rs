//! The books in memory: for the simulation and the contract. Durable only as long as the value lives.
//!
//! It keeps every row, answers as the SQL adapters do, and fails on demand: a commit that did not happen, one
//! whose answer is lost although it stands, one whose answer is lost and that does not stand, one that comes long
//! after its process has ended. Several nodes may share it (`memory/nodes.rs`).

mod nodes;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use panelworks_core::audit::{Audit, Violation};
use panelworks_core::catalogue::Service;
use panelworks_core::customer::{Account, ApiKey, Customer, KeyHash};
use panelworks_core::ids::{
    AttemptId, BatchId, CustomerId, OperatorId, OrderId, ProviderAccountId, ProviderOrderId, ServiceId,
};
use panelworks_core::ledger::{Cause, Entry};
use panelworks_core::limits::{DUPLICATE_EVIDENCE, IDEMPOTENCY_KEPT};
use panelworks_core::operator::Operator;
use panelworks_core::order::{AttemptState, OrderFile};
use panelworks_core::planted::Bug;
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::Timestamp;
use panelworks_core::world::{
    Changes, Cursors, GuardKey, IdempotencyHit, Key, Need, PriceVersion, Transfer, World,
};

pub use self::nodes::News;
use self::nodes::{Late, Moment, Nodes};
use crate::chain::{self, Link};
use crate::ports::{Begun, Books, CommitError, Flush, OldOrders, Queue, Share, StoreError, StoreErrorKind};

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// It fails for certain.
    Refused,
    /// It stands, and the answer is lost.
    LostAnswer,
    /// It does not stand, and nobody can tell.
    LostCommit,
    /// A serialization failure: decide again.
    Again,
    /// There is no room for it.
    Full,
    /// The sync behind it failed: nobody may go on with this file (invariants.md A3). It stands, or does not.
    SyncFailed { stands: bool },
    /// Its process is gone while it is under way: it comes when [`Memory::deliver_late`] lets it.
    Late,
}

/// Everything that is stored.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    cursors: Cursors,
    accounts: BTreeMap<CustomerId, Account>,
    customers: BTreeMap<CustomerId, Customer>,
    api_keys: HashMap<KeyHash, ApiKey>,
    services: BTreeMap<ServiceId, Service>,
    prices: Vec<PriceVersion>,
    providers: BTreeMap<ProviderAccountId, ProviderAccount>,
    transfers: Vec<Transfer>,
    orders: BTreeMap<OrderId, OrderFile>,
    archived: BTreeSet<OrderId>,
    guards: HashMap<GuardKey, OrderId>,
    idempotency: HashMap<(CustomerId, [u8; 16]), (IdempotencyHit, Timestamp)>,
    claims: HashMap<(ProviderAccountId, ProviderOrderId), AttemptId>,
    doubts: HashMap<(ProviderAccountId, String), Vec<AttemptId>>,
    operators: BTreeMap<OperatorId, Operator>,
    batches: HashSet<BatchId>,
    nodes: Nodes,
    open: Option<(BatchId, Timestamp)>,
    /// The process that asks can't ask any more.
    cut_off: bool,
    /// Faults of the coming commits, first first.
    pub faults: VecDeque<Option<CommitFault>>,
    /// Every version of an order that a commit replaced, since they were last taken; none unless they are kept.
    past: Option<Vec<(Timestamp, OrderFile)>>,
    /// While it is full, only outcomes of work under way are taken (invariants.md A4).
    pub full: bool,
    /// Whatever changes this customer's account can't be committed.
    pub poisoned: Option<CustomerId>,
}

impl Memory {
    pub fn orders(&self) -> impl Iterator<Item = &OrderFile> {
        self.orders.values()
    }

    pub fn order(&self, id: OrderId) -> Option<&OrderFile> {
        self.orders.get(&id)
    }

    pub fn is_archived(&self, id: OrderId) -> bool {
        self.archived.contains(&id)
    }

    pub fn account(&self, id: CustomerId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    pub fn providers(&self) -> impl Iterator<Item = &ProviderAccount> {
        self.providers.values()
    }

    pub fn prices(&self) -> &[PriceVersion] {
        &self.prices
    }

    /// Node by node, each in the order of its numbers.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.nodes.streams().flat_map(|stream| &stream.entries)
    }

    /// From now on every version of an order that is replaced waits to be taken.
    pub fn keep_past(&mut self) {
        self.past = Some(Vec::new());
    }

    /// The versions that were replaced since the last call, oldest first, each with the time of its replacement.
    pub fn take_past(&mut self) -> Vec<(Timestamp, OrderFile)> {
        self.past.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Which attempt owns which order of a provider.
    pub fn claims(&self) -> impl Iterator<Item = ((ProviderAccountId, ProviderOrderId), AttemptId)> {
        self.claims.iter().map(|((account, order), owner)| ((*account, order.clone()), *owner))
    }

    /// What a restore does to a copy: ids go on beyond any that were given out since.
    pub fn raise_order_floor(&mut self, floor: u32) {
        self.cursors.order = self.cursors.order.max(floor);
    }

    /// The end of the first node's chain.
    pub fn link(&self) -> Link {
        self.links().next().unwrap_or(chain::GENESIS)
    }

    /// The ends of all chains, node by node.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        self.nodes.streams().map(|stream| stream.link)
    }

    /// The laws of the books over everything.
    pub fn audit(&self) -> Vec<Violation> {
        let mut audit = Audit::default();
        let mut by_order: Vec<(OrderId, Entry)> = Vec::new();
        for stream in self.nodes.streams() {
            audit.next_stream();
            for entry in &stream.entries {
                audit.entry(entry);
                match entry.cause {
                    Cause::Order(order) | Cause::Attempt(AttemptId { order, .. }) => {
                        by_order.push((order, *entry));
                    }
                    Cause::Transfer(_) => {}
                }
            }
        }
        by_order.sort_by_key(|(order, entry)| (*order, entry.cause, entry.sequence));
        let mut entries = Vec::new();
        for account in self.accounts.values() {
            audit.account(account);
        }
        for file in self.orders.values() {
            let from = by_order.partition_point(|(order, _)| *order < file.order.id);
            let own = by_order[from..].iter().take_while(|(order, _)| *order == file.order.id);
            entries.clear();
            entries.extend(own.map(|(_, entry)| *entry));
            audit.order(file, &entries);
        }
        audit.finish()
    }

    fn load_key(&self, key: &Key, now: Timestamp, world: &mut World) {
        match key {
            Key::Account(id) => world.accounts.load(*id, self.accounts.get(id).copied()),
            Key::Customer(id) => world.customers.load(*id, self.customers.get(id).cloned()),
            Key::ApiKey(hash) => world.api_keys.load(*hash, self.api_keys.get(hash).cloned()),
            Key::Service(id) => world.services.load(*id, self.services.get(id).cloned().map(Arc::new)),
            Key::Provider(id) => world.providers.load(*id, self.providers.get(id).cloned()),
            Key::Order(id) => world.orders.load(*id, self.orders.get(id).cloned().map(Box::new)),
            Key::Guard(guard) => world.guards.load(guard.clone(), self.guards.get(guard).copied()),
            Key::Idempotency(customer, hash) => {
                let hit = if world.planted.has(Bug::KeyOfAnyCustomer) {
                    let theirs = self.idempotency.iter().filter(|((_, key), _)| key == hash);
                    theirs.min_by_key(|((owner, _), _)| *owner).map(|(_, hit)| hit)
                } else {
                    self.idempotency.get(&(*customer, *hash))
                };
                let fresh = hit.filter(|(_, at)| now.since(*at) <= IDEMPOTENCY_KEPT).map(|(hit, _)| *hit);
                world.idempotency.load((*customer, *hash), fresh);
            }
            Key::Claim(account, order) => {
                let claim = (*account, order.clone());
                let owner = self.claims.get(&claim).copied();
                world.claims.load(claim, owner);
            }
            Key::Doubts(account, link) => {
                let place = (*account, link.clone());
                let doubts = self
                    .doubts
                    .get(&place)
                    .map(|all| all.iter().copied().filter(|id| self.in_doubt(*id, now)).collect::<Vec<_>>());
                world.doubts.load(place, doubts.filter(|all| !all.is_empty()));
            }
            Key::Staff => world.staff.load((), Some(self.operators.values().cloned().collect())),
        }
    }

    /// Unknown; or lately absent while its order is open.
    fn in_doubt(&self, id: AttemptId, now: Timestamp) -> bool {
        let Some(file) = self.orders.get(&id.order) else { return false };
        match file.attempt(id.number).map(|attempt| &attempt.state) {
            Some(AttemptState::Unknown { .. }) => true,
            Some(AttemptState::Absent { since }) => {
                !file.order.status.has_ended() && now.since(*since) <= DUPLICATE_EVIDENCE
            }
            _other_state => false,
        }
    }

    fn apply(&mut self, batch: BatchId, at: Timestamp, changes: &Changes, cursors: Cursors) {
        self.batches.insert(batch);
        self.cursors = self.nodes.append(batch, at, changes, self.cursors, cursors);
        self.accounts.extend(changes.accounts.iter().map(|row| (row.customer, *row)));
        self.customers.extend(changes.customers.iter().map(|row| (row.id, row.clone())));
        self.api_keys.extend(changes.api_keys.iter().map(|row| (row.hash, row.clone())));
        self.services.extend(changes.services.iter().map(|row| (row.id, Service::clone(row))));
        self.prices.extend(changes.prices.iter().copied());
        self.providers.extend(changes.providers.iter().map(|row| (row.id, row.clone())));
        self.transfers.extend(changes.transfers.iter().cloned());
        self.operators.extend(changes.operators.iter().map(|row| (row.id, row.clone())));
        for change in &changes.orders {
            self.archived.remove(&change.after.order.id);
            self.apply_order(at, &change.after);
        }
        self.archived.extend(&changes.archived);
    }

    /// By id, after `after`: those that are worked on, or were lately.
    fn present(&self, after: OrderId) -> impl Iterator<Item = &OrderFile> {
        let later = self.orders.range(OrderId(after.0.saturating_add(1))..);
        later.filter(|(id, _)| !self.archived.contains(id)).map(|(_, file)| file)
    }

    fn apply_order(&mut self, at: Timestamp, file: &OrderFile) {
        let order = &file.order;
        if let Some(guard) = GuardKey::of(order) {
            if !order.status.has_ended() {
                self.guards.insert(guard, order.id);
            } else if self.guards.get(&guard) == Some(&order.id) {
                self.guards.remove(&guard);
            }
        }
        if let Some(mark) = order.mark {
            let hit = IdempotencyHit { order: order.id, parameters: mark.parameters };
            self.idempotency.insert((order.customer, mark.key), (hit, order.accepted_at));
        }
        for attempt in &file.attempts {
            let id = AttemptId { order: order.id, number: attempt.number };
            if let Some(provider_order) = attempt.state.provider_order() {
                self.claims.insert((attempt.account, provider_order.clone()), id);
            }
            if let (AttemptState::Unknown { .. }, Some(link)) = (&attempt.state, order.target()) {
                let doubts = self.doubts.entry((attempt.account, link.to_owned())).or_default();
                if !doubts.contains(&id) {
                    doubts.push(id);
                }
            }
        }
        let before = self.orders.insert(order.id, file.clone());
        if let (Some(past), Some(before)) = (&mut self.past, before) {
            past.push((at, before));
        }
    }
}

impl Books for Memory {
    fn cursors(&self) -> Cursors {
        self.open.map_or(self.cursors, |(batch, _)| self.nodes.cursors(batch, self.cursors))
    }

    fn begin(&mut self, batch: BatchId, at: Timestamp) -> Result<Begun, CommitError> {
        self.nodes.fence(batch, Moment::Begin).map_err(CommitError::NotCommitted)?;
        self.open = Some((batch, at));
        Ok(if self.batches.contains(&batch) { Begun::AlreadyCommitted } else { Begun::Fresh })
    }

    fn load(&mut self, need: &Need, world: &mut World) -> Result<(), StoreError> {
        let now = self.open.map_or(Timestamp(0), |(_, at)| at);
        for key in need.keys() {
            self.load_key(key, now, world);
        }
        Ok(())
    }

    fn commit(&mut self, changes: &Changes, cursors: Cursors) -> Result<(), CommitError> {
        let error = planned;
        let Some((batch, at)) = self.open.take() else {
            return Err(CommitError::NotCommitted(error(StoreErrorKind::Failed)));
        };
        self.nodes.fence(batch, Moment::Commit).map_err(CommitError::NotCommitted)?;
        if self.nodes.is_locked(changes) {
            return Err(CommitError::NotCommitted(error(StoreErrorKind::Again)));
        }
        let fault = self.faults.pop_front().flatten();
        let poisoned = changes.accounts.iter().any(|account| Some(account.customer) == self.poisoned);
        match fault.or(poisoned.then_some(CommitFault::Refused)) {
            None => {
                self.apply(batch, at, changes, cursors);
                Ok(())
            }
            Some(CommitFault::Refused) => Err(CommitError::NotCommitted(error(StoreErrorKind::Failed))),
            Some(CommitFault::Full) => Err(CommitError::NotCommitted(error(StoreErrorKind::Full))),
            Some(CommitFault::Again) => Err(CommitError::NotCommitted(error(StoreErrorKind::Again))),
            Some(CommitFault::LostCommit) => Err(CommitError::Unknown(error(StoreErrorKind::Failed))),
            Some(CommitFault::LostAnswer) => {
                self.apply(batch, at, changes, cursors);
                Err(CommitError::Unknown(error(StoreErrorKind::Failed)))
            }
            Some(CommitFault::SyncFailed { stands }) => {
                if stands {
                    self.apply(batch, at, changes, cursors);
                }
                self.cut_off = true;
                Err(CommitError::Unknown(error(StoreErrorKind::Failed)))
            }
            Some(CommitFault::Late) => {
                self.nodes.late.push(Late { batch, at, changes: changes.clone(), cursors });
                self.cut_off = true;
                Err(CommitError::Unknown(error(StoreErrorKind::Failed)))
            }
        }
    }

    fn rollback(&mut self) {
        self.open = None;
    }

    fn reconnect(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.cut_off) { Err(planned(StoreErrorKind::Fatal)) } else { Ok(()) }
    }

    fn takes_new_work(&mut self) -> bool {
        !self.full
    }

    fn part_flush(&mut self) -> Result<Option<Flush>, StoreError> {
        Ok(None)
    }

    fn elsewhere(&self, changes: &Changes) -> Vec<OrderId> {
        let ids = changes.orders.iter().map(|change| change.after.order.id);
        ids.filter(|id| !self.nodes.are_ours(*id)).collect()
    }
}

fn planned(kind: StoreErrorKind) -> StoreError {
    StoreError { doing: "committing to memory", why: "a planned fault".to_owned(), kind }
}

impl Queue for Memory {
    fn open_files(&self, share: &Share, after: OrderId, limit: usize) -> Result<Vec<OrderFile>, StoreError> {
        let open = self.present(after).filter(|file| {
            self.nodes.is_of(file.order.id, share)
                && (!file.order.status.has_ended()
                    || file.refills.iter().any(|refill| refill.state.is_open())
                    || file.attempts.iter().any(|attempt| attempt.recall.is_some()))
        });
        Ok(open.take(limit).cloned().collect())
    }

    fn files(&self, ids: &[OrderId]) -> Result<Vec<OrderFile>, StoreError> {
        Ok(ids.iter().filter_map(|id| self.orders.get(id)).cloned().collect())
    }

    fn ended_files(
        &self,
        after: OrderId,
        since: Timestamp,
        rows: usize,
    ) -> Result<(Vec<OrderFile>, Option<OrderId>), StoreError> {
        let rows: Vec<&OrderFile> = self.present(after).take(rows).collect();
        let next = rows.last().map(|file| file.order.id);
        let ended = rows.into_iter().filter(|file| {
            self.nodes.are_ours(file.order.id) && file.order.ended_at.is_some_and(|at| at >= since)
        });
        Ok((ended.cloned().collect(), next))
    }
    fn old_orders(&self, after: OrderId, before: Timestamp, rows: usize) -> Result<OldOrders, StoreError> {
        let rows: Vec<&OrderFile> = self.present(after).take(rows).collect();
        let is_old = |file: &&&OrderFile| file.order.ended_at.is_some_and(|at| at < before);
        Ok(OldOrders {
            orders: rows.iter().filter(is_old).map(|file| file.order.id).collect(),
            next: rows.last().map(|file| file.order.id),
            young: rows.iter().filter(|file| file.order.accepted_at >= before).count(),
        })
    }
}
