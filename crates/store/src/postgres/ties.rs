//! What the threads of one node have in common: whose work it does, and what is to be told.
//!
//! Shared by the writer, the keeper, the listener and the readers of an opening. Locks are held for a few instructions,
//! but for one: while rows are told that another node has changed, no commit of this node that changes such rows may
//! begin, so that nobody hears of the older ones last.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use panelworks_core::ids::NodeId;
use tokio::sync::Notify;

use super::node::Taken;
use crate::neighbours::{Standing, Word};

/// See the module's head.
#[derive(Debug)]
pub(super) struct Ties {
    pub(super) taken: Taken,
    /// The nodes whose orders this one works on.
    streams: RwLock<BTreeSet<i32>>,
    own: Mutex<Own>,
    /// Rung by a notification, by a word of the keeper, by the end.
    pub(super) bell: Arc<Notify>,
    words: Mutex<Vec<Word>>,
    standing: Mutex<Standing>,
    /// Somebody listens: then this node takes over work.
    pub(super) listens: AtomicBool,
    /// The server takes notifications.
    pub(super) notifies: AtomicBool,
}

/// This node's own commits of rows that others must hear of.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// One may be under way, or is not told yet.
    under_way: bool,
    told: u64,
}

impl Own {
    /// What was read since `before` is not older than anything told here.
    pub(super) fn is_quiet_since(&self, before: Option<u64>) -> bool {
        !self.under_way && before == Some(self.told)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is a single assignment: what a panic leaves behind is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ties {
    pub(super) fn new(taken: Taken, streams: BTreeSet<i32>) -> Self {
        let standing = Standing { node: taken.node, live: 1, streams: streams.len().max(1), taken_over: 0 };
        Self {
            taken,
            streams: RwLock::new(streams),
            own: Mutex::default(),
            bell: Arc::default(),
            words: Mutex::default(),
            standing: Mutex::new(standing),
            listens: AtomicBool::new(false),
            notifies: AtomicBool::new(false),
        }
    }

    pub(super) fn works_on(&self, stream: i32) -> bool {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).contains(&stream)
    }

    pub(super) fn streams(&self) -> Vec<i32> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    pub(super) fn work_on(&self, streams: BTreeSet<i32>) {
        *self.streams.write().unwrap_or_else(PoisonError::into_inner) = streams;
    }

    /// A commit of rows that others must hear of begins.
    pub(super) fn commits(&self) {
        lock(&self.own).under_way = true;
    }

    /// Everything committed so far has been told here.
    pub(super) fn told(&self) {
        let mut own = lock(&self.own);
        if std::mem::take(&mut own.under_way) {
            own.told += 1;
        }
    }

    /// To be asked before rows are read; None while an own commit of such rows is under way.
    pub(super) fn before_reading(&self) -> Option<u64> {
        let own = lock(&self.own);
        (!own.under_way).then_some(own.told)
    }

    /// Keeps own commits of such rows from beginning.
    pub(super) fn hold(&self) -> MutexGuard<'_, Own> {
        lock(&self.own)
    }

    /// Has the listener tell this.
    pub(super) fn say(&self, word: Word) {
        lock(&self.words).push(word);
        self.bell.notify_one();
    }

    pub(super) fn take_words(&self) -> Vec<Word> {
        std::mem::take(&mut lock(&self.words))
    }

    pub(super) fn standing(&self) -> Standing {
        *lock(&self.standing)
    }

    pub(super) fn note_standing(&self, live: usize, streams: usize) {
        let mut standing = lock(&self.standing);
        (standing.live, standing.streams) = (live, streams);
    }

    pub(super) fn note_taken_over(&self, nodes: u64) {
        lock(&self.standing).taken_over += nodes;
    }

    pub(super) fn is_listening(&self) -> bool {
        self.listens.load(Ordering::Relaxed)
    }
}

/// A number out of the table of nodes.
pub(super) fn node_id(number: i32) -> Option<NodeId> {
    u16::try_from(number).ok().map(NodeId)
}
