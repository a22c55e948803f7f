//! What a store must be able to do: [`Books`] writes batches, [`Queue`] finds the work, [`Views`] answers questions.
//!
//! Written once here, kept by `contract.rs` for every adapter. Synchronous and object-safe: the executor calls
//! [`Books`] on its own thread, [`crate::reader::Reader`] calls [`Views`] on its threads.

use panelworks_core::audit::Violation;
use panelworks_core::catalogue::Service;
use panelworks_core::customer::{Account, ApiKey, Customer};
use panelworks_core::ids::{BatchId, CancelId, CustomerId, NodeId, OrderId, ProviderAccountId, RefillId};
use panelworks_core::operator::{Operator, Username};
use panelworks_core::order::{Cancel, Order, OrderFile, Refill};
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::Timestamp;
use panelworks_core::world::{Changes, Cursors, Need, PriceVersion, Transfer, World};

/// A transaction that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// The batch id is new: decide and commit within this transaction.
    Fresh,
    /// The batch stands already: an earlier commit of unknown fate had happened.
    AlreadyCommitted,
}

/// What went wrong with the store, and what was being done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {why}")]
pub struct StoreError {
    pub doing: &'static str,
    pub why: String,
    pub kind: StoreErrorKind,
}

/// What a caller may do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The disk is full: outcomes may still fit, new work is refused until there is room.
    Full,
    /// Serialization failure, deadlock, lock time-out: decide again.
    Again,
    /// The store can't be reached: new work is refused until it can, outcomes wait.
    Away,
    /// This connection can't be trusted any more, or the epoch is no longer ours: stop.
    Fatal,
    /// Anything else: this batch failed, nothing was written.
    Failed,
}

/// A commit that did not say yes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    #[error("not committed: {0}")]
    NotCommitted(StoreError),
    /// It may or may not stand; only [`Books::begin`] with the same id can tell.
    #[error("unknown whether committed: {0}")]
    Unknown(StoreError),
}

/// Writing. One batch at a time: `begin`, any number of `load`s, then `commit` or `rollback`.
pub trait Books: Send {
    /// The next numbers, by the last commit this node made or found.
    fn cursors(&self) -> Cursors;

    /// Opens the transaction; its first statement writes the batch's own row. [`CommitError::Unknown`]: the batch was
    /// found, and whether it will stay is not certain yet.
    fn begin(&mut self, batch: BatchId, at: Timestamp) -> Result<Begun, CommitError>;

    /// Loads every key of `need` into the world, absent rows as absent, in key order.
    fn load(&mut self, need: &Need, world: &mut World) -> Result<(), StoreError>;

    /// Writes the changes and commits: durably, unless [`Books::part_flush`] was called.
    fn commit(&mut self, changes: &Changes, cursors: Cursors) -> Result<(), CommitError>;

    /// Ends the transaction without a trace.
    fn rollback(&mut self);

    /// After a commit of unknown fate, or when the store was away: a connection on which [`Books::begin`] can ask. Does
    /// not wait: [`StoreErrorKind::Away`] is *not yet*, to be asked again; [`StoreErrorKind::Fatal`] ends the executor.
    fn reconnect(&mut self) -> Result<(), StoreError>;

    /// Whether new work may be taken; outcomes of work under way are taken in any case (invariants.md A4).
    fn takes_new_work(&mut self) -> bool;

    /// Parts the writing of a commit from making it durable, where a store can: from now on whoever asked must call
    /// the flush after a commit, and let nobody hear of that commit before. None: commits are durable by themselves.
    fn part_flush(&mut self) -> Result<Option<Flush>, StoreError>;

    /// Orders of the last commit that another node works on: they are its engine's business.
    fn elsewhere(&self, changes: &Changes) -> Vec<OrderId> {
        let _ = changes;
        Vec::new()
    }

    /// Whoever follows the books here has heard of every commit so far.
    fn told(&mut self) {}
}

/// Makes everything committed so far durable; what is committed meanwhile may be included or not. After an error
/// nothing is known of what is durable, and it must not be called again (invariants.md A3).
pub type Flush = Box<dyn FnMut() -> Result<(), StoreError> + Send>;

/// So that a program can choose the store when it starts.
impl<B: Books + ?Sized> Books for Box<B> {
    fn cursors(&self) -> Cursors {
        (**self).cursors()
    }

    fn begin(&mut self, batch: BatchId, at: Timestamp) -> Result<Begun, CommitError> {
        (**self).begin(batch, at)
    }

    fn load(&mut self, need: &Need, world: &mut World) -> Result<(), StoreError> {
        (**self).load(need, world)
    }

    fn commit(&mut self, changes: &Changes, cursors: Cursors) -> Result<(), CommitError> {
        (**self).commit(changes, cursors)
    }

    fn rollback(&mut self) {
        (**self).rollback();
    }

    fn reconnect(&mut self) -> Result<(), StoreError> {
        (**self).reconnect()
    }

    fn takes_new_work(&mut self) -> bool {
        (**self).takes_new_work()
    }

    fn part_flush(&mut self) -> Result<Option<Flush>, StoreError> {
        (**self).part_flush()
    }

    fn elsewhere(&self, changes: &Changes) -> Vec<OrderId> {
        (**self).elsewhere(changes)
    }

    fn told(&mut self) {
        (**self).told();
    }
}

/// Whose work is looked for. A store that is one process's alone has one share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Share {
    /// All that this node works on.
    Own,
    /// What these nodes have accepted.
    Of(Vec<NodeId>),
    Everybody,
}

/// Finding the work at a start; afterwards the engine hears of every commit.
pub trait Queue {
    /// Open orders, and ended ones with an open refill, by id, after `after`.
    fn open_files(&self, share: &Share, after: OrderId, limit: usize) -> Result<Vec<OrderFile>, StoreError>;

    /// Whole files as they are committed now; what is not there is left out.
    fn files(&self, ids: &[OrderId]) -> Result<Vec<OrderFile>, StoreError>;

    /// Own orders that ended at or after `since` and are not in the archive, by id, after `after`. The second value is where to go on;
    /// None at the end. Looks at `rows` rows at the most, so that a large past is walked in small steps.
    fn ended_files(
        &self,
        after: OrderId,
        since: Timestamp,
        rows: usize,
    ) -> Result<(Vec<OrderFile>, Option<OrderId>), StoreError>;

    /// Own orders that ended before `before` and are not in the archive, by id, after `after`. Looks at `rows` rows at
    /// the most. Whether they rest is the core's to say (`order/archive.rs`). None for ever where somebody shares the
    /// books who would not find them in the archive.
    fn old_orders(&self, after: OrderId, before: Timestamp, rows: usize) -> Result<OldOrders, StoreError>;
}

/// One step of a walk over old orders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OldOrders {
    pub orders: Vec<OrderId>,
    /// Where to go on; None at the end.
    pub next: Option<OrderId>,
    /// Rows that were looked at and accepted too late to be old: ids rise with time, by and large.
    pub young: usize,
}

/// Questions of doors and people. Every answer is of committed rows.
pub trait Views {
    fn account(&self, customer: CustomerId) -> Result<Option<Account>, StoreError>;

    /// The customer's own orders among `ids`, in the order asked; a stranger's order is None, as an unknown one.
    fn orders(&self, customer: CustomerId, ids: &[OrderId]) -> Result<Vec<Option<Order>>, StoreError>;
    fn refills(&self, customer: CustomerId, ids: &[RefillId]) -> Result<Vec<Option<Refill>>, StoreError>;
    fn cancels(&self, customer: CustomerId, ids: &[CancelId]) -> Result<Vec<Option<Cancel>>, StoreError>;

    /// For operators: any order, with all that hangs on it.
    fn file(&self, id: OrderId) -> Result<Option<OrderFile>, StoreError>;
    /// For operators: held orders, newest hold last.
    fn held(&self, after: OrderId, limit: usize) -> Result<Vec<OrderFile>, StoreError>;

    fn services(&self) -> Result<Vec<Service>, StoreError>;
    fn prices(&self) -> Result<Vec<PriceVersion>, StoreError>;
    fn providers(&self) -> Result<Vec<ProviderAccount>, StoreError>;
    /// What our books say we have at a provider account.
    fn prepaid(&self, account: ProviderAccountId) -> Result<panelworks_core::money::Amount, StoreError>;
    fn customers(&self, after: CustomerId, limit: usize) -> Result<Vec<(Customer, Account)>, StoreError>;
    fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError>;
    /// In the order of their ids.
    fn operators(&self) -> Result<Vec<Operator>, StoreError>;
    fn operator(&self, username: &Username) -> Result<Option<Operator>, StoreError>;
    fn transfers(&self, customer: CustomerId, limit: usize) -> Result<Vec<Transfer>, StoreError>;
    fn counts(&self) -> Result<Counts, StoreError>;

    /// Audits everything that is stored; `progress` hears orders done and orders in all.
    fn audit(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Violation>, StoreError>;
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Those in the archive too.
    pub orders: u64,
    pub archived_orders: u64,
    pub open_orders: u64,
    pub held_orders: u64,
    pub entries: u64,
    pub customers: u64,
    pub services: u64,
    pub batches: u64,
}
