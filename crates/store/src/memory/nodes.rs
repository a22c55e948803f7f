//! Several processes on the same books in memory: who may write, and whose work is whose.
//!
//! What `postgres/node.rs`, `blocks.rs`, `news.rs` and `keeper.rs` do with rows and locks is done here with fields, for
//! the simulation: a start raises its node's epoch, and so does whoever takes its work over; what an older epoch
//! commits is refused, however late it comes. Like a process of its own, each epoch keeps the numbers it goes on from.
//! Books whose nodes were never opened are one process's alone. Rules: invariants.md A11, A12, I18.

use std::collections::{BTreeMap, HashMap};

use panelworks_core::ids::{BatchId, NodeId, OrderId, ProviderAccountId, ProviderOrderId};
use panelworks_core::ledger::Entry;
use panelworks_core::order::OrderFile;
use panelworks_core::planted::{Bug, Planted};
use panelworks_core::time::Timestamp;
use panelworks_core::world::{Changes, Cursors};

use super::Memory;
use crate::chain::{self, Link};
use crate::ports::{Share, StoreError, StoreErrorKind};

/// Ids that a start takes for itself: more than any simulated process draws.
const ID_BLOCK: u32 = 10_000;

/// When the fence is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Begin,
    Commit,
}

/// A batch that its process did not live to see committed.
#[derive(Debug, Clone)]
pub(super) struct Late {
    pub(super) batch: BatchId,
    pub(super) at: Timestamp,
    pub(super) changes: Changes,
    pub(super) cursors: Cursors,
}

/// What a batch of one node has to say to the others, in their order.
#[derive(Debug, Clone)]
pub struct News {
    pub by: NodeId,
    /// Rows as the batch left them. No orders among them.
    pub changes: Changes,
    pub orders: Vec<OrderId>,
}

/// What one node's processes have written, one after another.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    /// Raised by every start and every taking over; zero where nobody watches it.
    epoch: u32,
    worked_by: NodeId,
    pub(super) link: Link,
    pub(super) entries: Vec<Entry>,
}

/// See the module's head.
#[derive(Debug, Clone, Default)]
pub(super) struct Nodes {
    streams: BTreeMap<NodeId, Stream>,
    /// Where each start goes on, as that process knows it.
    numbers: HashMap<(NodeId, u32), Cursors>,
    /// The node that accepted an order, where there are several.
    accepted_by: HashMap<OrderId, NodeId>,
    /// Who asks now.
    asks: Option<NodeId>,
    news: Vec<News>,
    pub(super) late: Vec<Late>,
    /// Batches that were committed in an epoch that was over (I18).
    stale: Vec<BatchId>,
    planted: Planted,
}

impl Nodes {
    pub(super) fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.streams.values()
    }

    fn epoch(&self, node: NodeId) -> u32 {
        self.streams.get(&node).map_or(0, |stream| stream.epoch)
    }

    fn are_several(&self) -> bool {
        self.streams.len() > 1
    }

    pub(super) fn fence(&self, batch: BatchId, moment: Moment) -> Result<(), StoreError> {
        let current = self.epoch(batch.node);
        let unseen = match moment {
            Moment::Begin => self.planted.has(Bug::NoFence),
            Moment::Commit => self.planted.has(Bug::NoFence) || self.planted.has(Bug::FenceBeforeCommit),
        };
        if current == 0 || current == batch.epoch || unseen {
            return Ok(());
        }
        let why = format!("epoch {} of node {} is over: it is at {current}", batch.epoch, batch.node);
        Err(StoreError { doing: "writing to memory", why, kind: StoreErrorKind::Fatal })
    }

    /// The numbers as the process of this batch knows them; of what there are few, as they are committed.
    pub(super) fn cursors(&self, batch: BatchId, shared: Cursors) -> Cursors {
        self.numbers.get(&(batch.node, batch.epoch)).map_or(shared, |own| Cursors {
            customer: shared.customer,
            service: shared.service,
            provider: shared.provider,
            ..*own
        })
    }

    /// Writes a batch to its node's stream, and says where the shared numbers stand then.
    pub(super) fn append(
        &mut self,
        batch: BatchId,
        at: Timestamp,
        changes: &Changes,
        shared: Cursors,
        cursors: Cursors,
    ) -> Cursors {
        if self.epoch(batch.node) > batch.epoch {
            self.stale.push(batch);
        }
        let (several, watched) = (self.are_several(), self.epoch(batch.node) > 0);
        let stream = self.streams.entry(batch.node).or_insert_with(|| Stream::new(batch.node));
        stream.link = chain::link(&stream.link, batch, at, &changes.entries);
        stream.entries.extend(changes.entries.iter().copied());
        if watched {
            let new = changes.orders.iter().filter(|change| change.before.is_none());
            self.accepted_by.extend(new.map(|change| (change.after.order.id, batch.node)));
        }
        if several {
            self.tell_others(batch.node, changes);
        }
        match self.numbers.get_mut(&(batch.node, batch.epoch)) {
            Some(own) => {
                *own = cursors;
                let Cursors { customer, service, provider, .. } = cursors;
                Cursors { customer, service, provider, ..shared }
            }
            None => cursors,
        }
    }

    fn tell_others(&mut self, by: NodeId, changes: &Changes) {
        let rows = Changes {
            accounts: changes.accounts.clone(),
            services: changes.services.clone(),
            providers: changes.providers.clone(),
            ..Changes::default()
        };
        let orders = changes.orders.iter().map(|change| change.after.order.id).collect();
        self.news.push(News { by, changes: rows, orders });
    }

    /// The node that works on an order.
    fn worker(&self, order: OrderId) -> Option<NodeId> {
        let accepted_by = self.accepted_by.get(&order).or_else(|| self.streams.keys().next())?;
        self.streams.get(accepted_by).map(|stream| stream.worked_by)
    }

    /// Whether whoever asks works on the order.
    pub(super) fn are_ours(&self, order: OrderId) -> bool {
        !self.are_several() || self.asks.is_none() || self.worker(order) == self.asks
    }

    pub(super) fn is_of(&self, order: OrderId, share: &Share) -> bool {
        match share {
            Share::Everybody => true,
            Share::Own => self.are_ours(order),
            Share::Of(nodes) => {
                let first = self.streams.keys().next();
                let accepted_by = self.accepted_by.get(&order).or(first);
                accepted_by.is_some_and(|node| nodes.contains(node))
            }
        }
    }
}

impl Nodes {
    /// Whether a batch under way, whose process is gone, holds a row that this one writes: until it has come to its end,
    /// nobody else changes it. It ends when its epoch does.
    pub(super) fn is_locked(&self, changes: &Changes) -> bool {
        let alive = |late: &&Late| self.epoch(late.batch.node) == late.batch.epoch;
        self.late.iter().filter(alive).any(|late| share_a_row(&late.changes, changes))
    }
}

fn share_a_row(one: &Changes, other: &Changes) -> bool {
    fn meet<T, K: PartialEq>(one: &[T], other: &[T], key: impl Fn(&T) -> K) -> bool {
        one.iter().any(|row| other.iter().any(|theirs| key(row) == key(theirs)))
    }
    let claims = |changes: &Changes| -> Vec<(ProviderAccountId, ProviderOrderId)> {
        let attempts = changes.orders.iter().flat_map(|change| &change.after.attempts);
        attempts
            .filter_map(|attempt| Some((attempt.account, attempt.state.provider_order()?.clone())))
            .collect()
    };
    meet(&one.accounts, &other.accounts, |row| row.customer)
        || meet(&one.customers, &other.customers, |row| row.id)
        || meet(&one.services, &other.services, |row| row.id)
        || meet(&one.providers, &other.providers, |row| row.id)
        || meet(&one.orders, &other.orders, |row| row.after.order.id)
        || meet(&claims(one), &claims(other), Clone::clone)
}

impl Stream {
    const fn new(node: NodeId) -> Self {
        Self { epoch: 0, worked_by: node, link: chain::GENESIS, entries: Vec::new() }
    }
}

impl Memory {
    /// For the simulation of bugs 10 and 11: the fence is not asked, or not by the commit.
    pub const fn plant(&mut self, planted: Planted) {
        self.nodes.planted = planted;
    }

    /// A start of a node: nothing of its earlier epochs is committed any more, and its work is its own again. Gives
    /// the epoch that its batches must carry.
    pub fn open_node(&mut self, node: NodeId) -> u32 {
        let stream = self.nodes.streams.entry(node).or_insert_with(|| Stream::new(node));
        stream.epoch += 1;
        stream.worked_by = node;
        let entry = stream.entries.last().map_or(1, |entry| entry.number + 1);
        let epoch = stream.epoch;
        self.nodes.numbers.insert((node, epoch), Cursors { entry, ..self.cursors });
        let Cursors { order, refill, cancel, transfer, .. } = &mut self.cursors;
        for next in [order, refill, cancel, transfer] {
            *next += ID_BLOCK;
        }
        epoch
    }

    /// Who asks from now on: the answers of [`crate::ports::Queue`] are about its share.
    pub const fn asked_by(&mut self, node: NodeId) {
        self.nodes.asks = Some(node);
    }

    /// Whether the node works for itself: it was never taken over, or it was opened since.
    pub fn is_own_master(&self, node: NodeId) -> bool {
        self.nodes.streams.get(&node).is_some_and(|stream| stream.worked_by == node)
    }

    /// Whether a process of this epoch may write.
    pub fn is_current(&self, node: NodeId, epoch: u32) -> bool {
        self.nodes.epoch(node) == epoch
    }

    /// Takes the work of a node that has fallen silent, and of those whose work it did: from now on they are `heir`'s.
    pub fn take_over(&mut self, heir: NodeId, fallen: NodeId) -> Vec<NodeId> {
        if !self.is_own_master(heir) || !self.is_own_master(fallen) || heir == fallen {
            return Vec::new();
        }
        let mut inherited = Vec::new();
        for (node, stream) in &mut self.nodes.streams {
            if *node == fallen {
                stream.epoch += 1;
            }
            if stream.worked_by == fallen {
                stream.worked_by = heir;
                inherited.push(*node);
            }
        }
        inherited
    }

    /// Every node that ever wrote.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.streams.keys().copied()
    }

    /// The node that works on an order now.
    pub fn worker(&self, order: OrderId) -> Option<NodeId> {
        self.nodes.worker(order)
    }

    /// What nodes have to say to each other since this was called last.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.nodes.news)
    }

    /// Batches under way whose processes are gone come to their end: committed, or refused because their epoch is over.
    /// How many of them stand.
    pub fn deliver_late(&mut self) -> usize {
        let mut stand = 0;
        for Late { batch, at, changes, cursors } in std::mem::take(&mut self.nodes.late) {
            if self.nodes.fence(batch, Moment::Commit).is_ok() {
                self.apply(batch, at, &changes, cursors);
                stand += 1;
            }
        }
        stand
    }

    /// Batches that are still under way though their processes are gone.
    pub const fn late(&self) -> usize {
        self.nodes.late.len()
    }

    /// What they would make: orders as they would be.
    pub fn late_orders(&self) -> impl Iterator<Item = &OrderFile> {
        let changes = self.nodes.late.iter().flat_map(|late| &late.changes.orders);
        changes.filter(|change| change.before.is_none()).map(|change| &*change.after)
    }

    /// Batches that were committed in an epoch that was over: there must be none (I18).
    pub fn stale_batches(&self) -> &[BatchId] {
        &self.nodes.stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::CommitFault;
    use crate::ports::{Begun, Books as _, CommitError};

    const ONE: NodeId = NodeId(1);
    const TWO: NodeId = NodeId(2);
    const NOON: Timestamp = Timestamp(1_000);

    fn batch(node: NodeId, epoch: u32, sequence: u64) -> BatchId {
        BatchId { node, epoch, sequence }
    }

    fn is_over(begun: &Result<Begun, CommitError>) -> bool {
        matches!(begun, Err(CommitError::NotCommitted(error)) if error.kind == StoreErrorKind::Fatal)
    }

    #[test]
    fn an_epoch_that_is_over_writes_nothing_any_more() {
        let mut books = Memory::default();
        let first = books.open_node(ONE);
        assert_eq!(books.begin(batch(ONE, first, 1), NOON), Ok(Begun::Fresh));
        books.rollback();
        let second = books.open_node(ONE);
        assert!(is_over(&books.begin(batch(ONE, first, 2), NOON)));
        assert_eq!(books.begin(batch(ONE, second, 1), NOON), Ok(Begun::Fresh));
    }

    #[test]
    fn a_commit_that_comes_after_its_node_was_taken_over_is_refused() {
        let mut books = Memory::default();
        let (first, _) = (books.open_node(ONE), books.open_node(TWO));
        books.faults.push_back(Some(CommitFault::Late));
        books.begin(batch(ONE, first, 1), NOON).expect("begun");
        let cursors = books.cursors();
        assert!(matches!(books.commit(&Changes::default(), cursors), Err(CommitError::Unknown(_))));
        assert_eq!(books.reconnect().map_err(|error| error.kind), Err(StoreErrorKind::Fatal));
        assert_eq!(books.take_over(TWO, ONE), [ONE]);
        assert_eq!((books.late(), books.deliver_late(), books.late()), (1, 0, 0));
        assert_eq!(books.stale_batches(), []);
    }

    #[test]
    fn a_commit_that_comes_while_its_node_is_nobody_elses_stands() {
        let mut books = Memory::default();
        let first = books.open_node(ONE);
        books.faults.push_back(Some(CommitFault::Late));
        books.begin(batch(ONE, first, 1), NOON).expect("begun");
        let cursors = books.cursors();
        books.commit(&Changes::default(), cursors).expect_err("under way");
        assert_eq!(books.deliver_late(), 1);
        assert_eq!(books.begin(batch(ONE, first, 1), NOON), Ok(Begun::AlreadyCommitted));
    }

    #[test]
    fn no_two_starts_draw_the_same_ids() {
        let mut books = Memory::default();
        let mut drawn = Vec::new();
        for node in [ONE, TWO, ONE] {
            let epoch = books.open_node(node);
            books.begin(batch(node, epoch, 1), NOON).expect("begun");
            drawn.push(books.cursors().order);
            books.rollback();
        }
        drawn.dedup();
        assert_eq!(drawn.len(), 3);
    }

    #[test]
    fn what_a_fallen_node_worked_on_goes_with_it() {
        let mut books = Memory::default();
        let three = NodeId(3);
        for node in [ONE, TWO, three] {
            books.open_node(node);
        }
        assert_eq!(books.take_over(TWO, ONE), [ONE]);
        assert_eq!(books.take_over(three, TWO), [ONE, TWO]);
        assert_eq!(books.take_over(ONE, three), [], "who was taken over takes nothing");
        assert!(!books.is_own_master(ONE));
    }
}
