//! The one writer: takes what waits, decides it in sequence, commits it as one durable transaction, then replies.
//!
//! In: commands on two lanes. Out: for each its outcome, after the commit that holds it. While one batch
//! commits the next gathers, so a slow disk makes larger batches, not longer queues. No state is kept between
//! batches. Rules: architecture.md, The executor; invariants.md A3, A4, A7, A8, A9. Never: a reply before its
//! commit, a rule of its own.

mod herald;
mod queue;
mod shedding;
mod turns;

use std::sync::Arc;

pub use queue::{Handle, Lane, Overload, Queued};

use panelworks_core::command::{Command, decide};
use panelworks_core::draws::Draws;
use panelworks_core::ids::{BatchId, NodeId, OrderId};
use panelworks_core::outcome::Outcome;
use panelworks_core::planted::{Bug, Planted};
use panelworks_core::time::Timestamp;
use panelworks_core::world::{Changes, Need, World};

use crate::limits;
use crate::ports::{Begun, Books, CommitError, StoreError, StoreErrorKind};

/// Why there is no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// Refused before anything was decided; nothing was taken.
    #[error("too much is waiting")]
    Overloaded,
    #[error("there is no room on the disk for new work")]
    NoRoom,
    /// Refused before anything was decided; worth another try in some seconds.
    #[error("the database can't be reached")]
    Away,
    /// Nothing was written.
    #[error("{0}")]
    NotCommitted(StoreError),
    /// The panel stopped while the commit was under way: it may stand.
    #[error("the panel stopped during the commit")]
    Unknown,
    #[error("the panel is stopping")]
    Stopping,
}

/// What a submitter gets.
pub type Reply = Result<Outcome, Undecided>;

/// A batch that stands, as it is told to whoever follows the books.
#[derive(Debug)]
pub struct Committed {
    pub batch: BatchId,
    pub at: Timestamp,
    pub changes: Changes,
    /// Of its orders those that another node works on.
    pub elsewhere: Vec<OrderId>,
}

/// A batch's replies, in the order of its commands.
#[derive(Debug)]
pub struct Ran {
    pub replies: Vec<Reply>,
    /// None when nothing was changed.
    pub committed: Option<Committed>,
}

impl Ran {
    /// Whether its commands were refused because the store can't be reached.
    fn found_the_store_away(&self) -> bool {
        let is_away = |reply: &Reply| matches!(reply, Err(Undecided::NotCommitted(error)) if error.kind == StoreErrorKind::Away);
        self.replies.iter().any(is_away)
    }
}

/// The executor can't go on: acknowledged work is safe, what was under way is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the executor stopped: {0}")]
pub struct Stopped(pub StoreError);

/// What is done while the store is away and somebody must know what became of a commit: waits a little, and says
/// whether to ask again.
type StandBy = Box<dyn FnMut(&StoreError) -> bool + Send>;

/// See the module's head. This is the part without a thread; [`Handle`] runs it on one.
pub struct Executor<B> {
    books: B,
    node: NodeId,
    epoch: u32,
    sequence: u64,
    planted: Planted,
    stand_by: StandBy,
}

impl<B: std::fmt::Debug> std::fmt::Debug for Executor<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { books, node, epoch, sequence, planted, stand_by: _ } = self;
        let mut shown = f.debug_struct("Executor");
        shown.field("books", books).field("node", node).field("epoch", epoch);
        shown.field("sequence", sequence).field("planted", planted).finish_non_exhaustive()
    }
}

impl<B: Books> Executor<B> {
    /// `epoch` was raised by the store when it was opened for this start.
    pub fn new(books: B, node: NodeId, epoch: u32, planted: Planted) -> Self {
        Self { books, node, epoch, sequence: 0, planted, stand_by: Box::new(|_| false) }
    }

    pub const fn planted(&self) -> Planted {
        self.planted
    }

    pub const fn books(&self) -> &B {
        &self.books
    }

    pub fn into_books(self) -> B {
        self.books
    }

    pub const fn books_mut(&mut self) -> &mut B {
        &mut self.books
    }

    /// Decides and commits one batch. A batch has no common fate: if it can't be committed, its commands are
    /// tried one by one, so that a poisonous one hurts only itself. A store that is away has refused them all.
    pub fn run(&mut self, now: Timestamp, commands: &[Command]) -> Result<Vec<Ran>, Stopped> {
        match self.run_together(now, commands) {
            Ok(ran) => Ok(vec![ran]),
            Err(failure) if failure.kind == StoreErrorKind::Fatal => Err(Stopped(failure)),
            Err(failure) if commands.len() == 1 || failure.kind == StoreErrorKind::Away => {
                let replies =
                    commands.iter().map(|_| Err(Undecided::NotCommitted(failure.clone()))).collect();
                Ok(vec![Ran { replies, committed: None }])
            }
            Err(_) => {
                let mut all = Vec::with_capacity(commands.len());
                for command in commands {
                    all.extend(self.run(now, std::slice::from_ref(command))?);
                }
                Ok(all)
            }
        }
    }

    fn run_together(&mut self, now: Timestamp, commands: &[Command]) -> Result<Ran, StoreError> {
        self.sequence += 1;
        let batch = BatchId { node: self.node, epoch: self.epoch, sequence: self.sequence };
        let mut has_begun = false;
        for _ in 0..limits::COMMIT_TRIES {
            if !std::mem::take(&mut has_begun) {
                match self.books.begin(batch, now) {
                    Ok(Begun::Fresh) => {}
                    Ok(Begun::AlreadyCommitted) => {
                        self.books.rollback();
                        return Err(fatal("the batch stands, and was not decided here"));
                    }
                    Err(CommitError::NotCommitted(error)) if error.kind == StoreErrorKind::Again => continue,
                    Err(CommitError::NotCommitted(error) | CommitError::Unknown(error)) => return Err(error),
                }
            }
            let (outcomes, world) = match decide_batch(&mut self.books, batch, now, commands, self.planted) {
                Ok(decided) => decided,
                Err(error) => {
                    self.books.rollback();
                    if error.kind == StoreErrorKind::Again {
                        continue;
                    }
                    return Err(error);
                }
            };
            let (changes, cursors) = world.into_changes();
            if changes.is_empty() {
                self.books.rollback();
                return Ok(ran(batch, now, outcomes, changes, Vec::new()));
            }
            match self.books.commit(&changes, cursors) {
                Ok(()) => {
                    let elsewhere = self.books.elsewhere(&changes);
                    return Ok(ran(batch, now, outcomes, changes, elsewhere));
                }
                Err(_) if self.acknowledges_anyway(commands) => {
                    return Ok(ran(batch, now, outcomes, Changes::default(), Vec::new()));
                }
                Err(CommitError::NotCommitted(error)) if error.kind == StoreErrorKind::Again => {}
                Err(CommitError::NotCommitted(error)) => return Err(error),
                Err(CommitError::Unknown(_)) if self.planted.has(Bug::AckUnknownCommit) => {
                    self.books.reconnect()?;
                    return Ok(ran(batch, now, outcomes, Changes::default(), Vec::new()));
                }
                Err(CommitError::Unknown(_)) if self.planted.has(Bug::RetryUnknownCommit) => {
                    self.books.reconnect()?;
                    return self.run_together(now, commands);
                }
                Err(CommitError::Unknown(_)) => match self.settle(batch, now)? {
                    // What it decided are the replies.
                    Begun::AlreadyCommitted => {
                        self.books.rollback();
                        let elsewhere = self.books.elsewhere(&changes);
                        return Ok(ran(batch, now, outcomes, changes, elsewhere));
                    }
                    // It is not there and will not come: it is decided again in the transaction that proved it.
                    Begun::Fresh => has_begun = true,
                },
            }
        }
        if has_begun {
            self.books.rollback();
        }
        Err(StoreError {
            doing: "committing a batch",
            why: "it was tried too often".to_owned(),
            kind: StoreErrorKind::Failed,
        })
    }

    /// Begins the same batch until the store says whether it stands. Until then nobody may be told anything, and
    /// nothing else may be written: however often that fails, it is no answer.
    fn settle(&mut self, batch: BatchId, now: Timestamp) -> Result<Begun, StoreError> {
        loop {
            let asked = match self.books.reconnect() {
                Ok(()) => self.books.begin(batch, now),
                Err(error) => Err(CommitError::Unknown(error)),
            };
            match asked {
                Ok(begun) => return Ok(begun),
                Err(CommitError::NotCommitted(error) | CommitError::Unknown(error)) => {
                    if error.kind == StoreErrorKind::Fatal {
                        return Err(error);
                    }
                    if !(self.stand_by)(&error) {
                        return Err(fatal("the fate of a commit is still unknown"));
                    }
                }
            }
        }
    }

    /// Planted bugs: replies that no commit stands behind.
    fn acknowledges_anyway(&self, commands: &[Command]) -> bool {
        let only_sends = || commands.iter().all(|command| matches!(command, Command::BeginAttempt { .. }));
        self.planted.has(Bug::AckBeforeCommit) || (self.planted.has(Bug::SendBeforeSending) && only_sends())
    }
}

fn ran(
    batch: BatchId,
    at: Timestamp,
    outcomes: Vec<Outcome>,
    changes: Changes,
    elsewhere: Vec<OrderId>,
) -> Ran {
    let committed = (!changes.is_empty()).then_some(Committed { batch, at, changes, elsewhere });
    Ran { replies: outcomes.into_iter().map(Ok).collect(), committed }
}

fn fatal(why: &str) -> StoreError {
    StoreError { doing: "settling a commit", why: why.to_owned(), kind: StoreErrorKind::Fatal }
}

/// Decides every command in order, each seeing what those before it did. When rows are missing, the rest is
/// run only to gather what else is missing; then everything is undone, loaded, and decided again.
pub fn decide_batch(
    books: &mut impl Books,
    batch: BatchId,
    now: Timestamp,
    commands: &[Command],
    planted: Planted,
) -> Result<(Vec<Outcome>, World), StoreError> {
    let mut world = World::new(books.cursors());
    world.planted = planted;
    for _ in 0..limits::DECISION_ROUNDS {
        let mut need = Need::default();
        let mut outcomes = Vec::with_capacity(commands.len());
        for (place, command) in commands.iter().enumerate() {
            match decide(&mut world, now, &mut Draws::new(batch, place), command) {
                Ok(outcome) => outcomes.push(outcome),
                Err(missing) => need.join(missing),
            }
        }
        if need.is_empty() {
            return Ok((outcomes, world));
        }
        world.undo_all();
        books.load(&need, &mut world)?;
    }
    Err(StoreError {
        doing: "deciding a batch",
        why: "a decision keeps asking for rows".to_owned(),
        kind: StoreErrorKind::Failed,
    })
}

/// What follows the books: called on the executor's thread after each commit, before the replies leave.
pub type Follower = Box<dyn FnMut(&Arc<Committed>) + Send>;
