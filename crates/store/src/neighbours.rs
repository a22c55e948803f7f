//! What other nodes on the same books do: the port by which a panel hears of it.
//!
//! In: commits of other nodes, and their silence. Out: [`Word`]s, one after another, on a thread of the store's own.
//! The embedded store has no neighbours. Rules: architecture.md, The store; invariants.md A11, A12, C30. Never: a
//! decision; what is told here only keeps caches and engines true, and every decision reads its rows itself.

use std::sync::Arc;

use panelworks_core::ids::{NodeId, OrderId};
use panelworks_core::world::Changes;

use crate::ports::StoreError;

/// Something that this node did not do and must know.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// Rows that another node has changed, as they stand now. No orders among them.
    Changed(Box<Changes>),
    /// Another node has changed these orders, and this node works on them.
    Touched(Vec<OrderId>),
    /// What these nodes have accepted is this node's work from now on: they have fallen silent.
    Inherited(Vec<NodeId>),
    /// So often other nodes let these keys through, since it was told last.
    Called(Calls),
    /// Nothing was heard for [`crate::limits::DEAF_AFTER`]: what is known may be old.
    Deaf,
    /// Everything is heard again, and all that was missed has been told.
    Hears,
    /// Another node has taken this one for dead: nothing of it is written any more.
    Over(StoreError),
}

/// The first eight bytes of an API key's hash, and how often it was let through.
pub type Calls = Vec<(u64, u32)>;

/// Says how often busy keys were let through here since it was asked last; it is given the number of living nodes.
pub type Usage = Box<dyn FnMut(usize) -> Calls + Send>;

/// Who is told. Called on the store's thread: it must not wait.
pub type Hearer = Box<dyn FnMut(Word) + Send>;

/// How it stands between the nodes, as this one saw it last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub node: NodeId,
    /// Nodes that gave a sign of life lately, this one included.
    pub live: usize,
    /// Nodes whose orders this one works on, itself included.
    pub streams: usize,
    /// Nodes whose work this process has taken over.
    pub taken_over: u64,
}

/// Says how it stands now. Cheap.
pub type Look = Arc<dyn Fn() -> Standing + Send + Sync>;

/// See the module's head. Dropping it ends the telling, and waits for the thread.
pub trait Neighbours: Send + Sync + std::fmt::Debug {
    /// Begins to tell, from where the books stood when they were opened; nothing is left out. A node that listens is
    /// one that works: it takes over what silent nodes leave. To be called once.
    fn listen(&mut self, hearer: Hearer, usage: Usage) -> Result<(), StoreError>;

    /// How it stands; for whoever wants to know later.
    fn look(&self) -> Look;
}
