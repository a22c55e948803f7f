//! Books whose commits fail as planned, around any adapter's.

use std::collections::VecDeque;

use panelworks_core::ids::{BatchId, OrderId};
use panelworks_core::time::Timestamp;
use panelworks_core::world::{Changes, Cursors, Need, World};

use crate::ports::{Begun, Books, CommitError, Flush, StoreError, StoreErrorKind};

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Stands,
    /// It fails for certain.
    Refused,
    /// A serialization failure: decide again.
    Again,
    /// It stands, and the answer is lost.
    LostAnswer,
    /// It does not stand, and nobody can tell.
    LostCommit,
    /// The store can't be trusted any more.
    Fatal,
}

/// See the module's head.
#[derive(Debug)]
pub struct Faulty<B> {
    inner: B,
    /// Of the coming commits; afterwards all stand.
    pub fates: VecDeque<Fate>,
    /// A commit with an order on this link fails.
    pub poison: Option<String>,
    pub has_room: bool,
    /// The last fault was ours, before the store: there is nothing to connect again.
    is_ours: bool,
}

impl<B> Faulty<B> {
    pub const fn new(inner: B) -> Self {
        Self { inner, fates: VecDeque::new(), poison: None, has_room: true, is_ours: false }
    }

    pub const fn inner(&mut self) -> &mut B {
        &mut self.inner
    }

    pub fn into_inner(self) -> B {
        self.inner
    }

    fn is_poisoned(&self, changes: &Changes) -> bool {
        self.poison.as_ref().is_some_and(|poison| {
            changes.orders.iter().any(|change| change.after.order.link.as_ref() == Some(poison))
        })
    }
}

fn planned(kind: StoreErrorKind) -> StoreError {
    StoreError { doing: "committing", why: "a planned fault".to_owned(), kind }
}

impl<B: Books> Books for Faulty<B> {
    fn cursors(&self) -> Cursors {
        self.inner.cursors()
    }

    fn begin(&mut self, batch: BatchId, at: Timestamp) -> Result<Begun, CommitError> {
        self.inner.begin(batch, at)
    }

    fn load(&mut self, need: &Need, world: &mut World) -> Result<(), StoreError> {
        self.inner.load(need, world)
    }

    fn commit(&mut self, changes: &Changes, cursors: Cursors) -> Result<(), CommitError> {
        if self.is_poisoned(changes) {
            self.inner.rollback();
            return Err(CommitError::NotCommitted(planned(StoreErrorKind::Failed)));
        }
        let fate = self.fates.pop_front().unwrap_or(Fate::Stands);
        self.is_ours = fate != Fate::Stands;
        match fate {
            Fate::Stands => self.inner.commit(changes, cursors),
            Fate::Refused => {
                self.inner.rollback();
                Err(CommitError::NotCommitted(planned(StoreErrorKind::Failed)))
            }
            Fate::Again => {
                self.inner.rollback();
                Err(CommitError::NotCommitted(planned(StoreErrorKind::Again)))
            }
            Fate::Fatal => {
                self.inner.rollback();
                Err(CommitError::NotCommitted(planned(StoreErrorKind::Fatal)))
            }
            Fate::LostCommit => {
                self.inner.rollback();
                Err(CommitError::Unknown(planned(StoreErrorKind::Failed)))
            }
            Fate::LostAnswer => {
                self.inner.commit(changes, cursors)?;
                Err(CommitError::Unknown(planned(StoreErrorKind::Failed)))
            }
        }
    }

    fn rollback(&mut self) {
        self.inner.rollback();
    }

    fn reconnect(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.is_ours) { Ok(()) } else { self.inner.reconnect() }
    }

    fn takes_new_work(&mut self) -> bool {
        self.has_room
    }

    fn part_flush(&mut self) -> Result<Option<Flush>, StoreError> {
        self.inner.part_flush()
    }

    fn elsewhere(&self, changes: &Changes) -> Vec<OrderId> {
        self.inner.elsewhere(changes)
    }

    fn told(&mut self) {
        self.inner.told();
    }
}
