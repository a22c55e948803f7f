//! Tells of a batch once it is durable: the followers first, then everyone who waits for a reply.
//!
//! In: batches in the order of their commits. Out: a flush for each that changed something, then the news. Where the
//! store's commits are durable by themselves this happens on the executor's thread; where they are not, on a thread
//! of its own, so that the next batch is decided and written while this one is synced: processor and disk work at
//! once, and a slow disk costs latency but not throughput. Never: news of a commit that may still be lost
//! (architecture.md, Principles 4; invariants.md A2, A3).

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::queue::{AbortOnPanic, Shared};
use super::{Committed, Follower, Reply, Stopped, Undecided};
use crate::ports::{Flush, StoreError};

/// The replies of a batch, each with the one who waits for it.
pub(super) type Letters = Vec<(oneshot::Sender<Reply>, Reply)>;

/// What is to be told of a batch.
pub(super) struct News {
    /// None when nothing was changed.
    pub(super) committed: Option<Committed>,
    pub(super) letters: Letters,
}

/// See the module's head.
pub(super) enum Herald {
    /// Commits are durable by themselves.
    Here(Announcer),
    Beside {
        news: SyncSender<News>,
        thread: JoinHandle<()>,
    },
}

impl Herald {
    pub(super) fn start(
        flush: Option<Flush>,
        announcer: Announcer,
        shared: &Arc<Shared>,
    ) -> std::io::Result<Self> {
        let Some(flush) = flush else { return Ok(Self::Here(announcer)) };
        // Handed over, not queued: the executor is never more than one batch ahead of the disk.
        let (news, received) = sync_channel(0);
        let shared = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name("herald".to_owned())
            .spawn(move || announce(flush, announcer, &received, &shared))?;
        Ok(Self::Beside { news, thread })
    }

    /// Hands a batch over. Waits while the one before is flushed.
    pub(super) fn tell(&mut self, news: News, shared: &Shared) -> Result<(), Stopped> {
        match self {
            Self::Here(announcer) => {
                announcer.announce(news);
                Ok(())
            }
            Self::Beside { news: to, thread: _ } => {
                shared.flush_begins(news.letters.len());
                to.send(news).map_err(|std::sync::mpsc::SendError(lost)| {
                    outcome_unknown(lost.letters);
                    Stopped(shared.failure())
                })
            }
        }
    }

    /// Waits until everything handed over is told.
    pub(super) fn finish(self) {
        match self {
            Self::Here(_) => {}
            Self::Beside { news, thread } => {
                drop(news);
                // It aborts the process rather than panics.
                let _ = thread.join();
            }
        }
    }
}

fn announce(mut flush: Flush, mut announcer: Announcer, received: &Receiver<News>, shared: &Shared) {
    let abort = AbortOnPanic;
    while let Ok(news) = received.recv() {
        // What changed nothing was decided on what came before, and that is flushed already.
        let flushed = if news.committed.is_some() { flush() } else { Ok(()) };
        match flushed {
            Ok(()) => {
                shared.flush_ends(news.letters.len());
                announcer.announce(news);
            }
            Err(failure) => {
                fail(failure, news, shared);
                break;
            }
        }
    }
    std::mem::forget(abort);
}

/// A sync that failed once is never tried again: what it lost, nobody knows (invariants.md A3).
fn fail(failure: StoreError, news: News, shared: &Shared) {
    tracing::error!(error = %failure, "a batch could not be made durable");
    shared.fail(failure);
    outcome_unknown(news.letters);
}

fn outcome_unknown(letters: Letters) {
    for (to, _reply) in letters {
        let _ = to.send(Err(Undecided::Unknown));
    }
}

/// Brings the news to those who follow and to those who wait.
pub(super) struct Announcer {
    follower: Follower,
    courier: Courier,
}

impl Announcer {
    pub(super) const fn new(follower: Follower, courier: Courier) -> Self {
        Self { follower, courier }
    }

    fn announce(&mut self, news: News) {
        if let Some(committed) = news.committed {
            (self.follower)(&Arc::new(committed));
        }
        self.courier.carry(news.letters);
    }
}

/// Brings replies to a runtime. From this thread each of them would wake it by a system call of its own; a task on it
/// that is given all replies of a batch is woken once.
pub(super) struct Courier(Option<mpsc::UnboundedSender<Letters>>);

impl Courier {
    /// A task on the runtime that this is called on; without one, replies go out from the thread that has them.
    pub(super) fn engage() -> Self {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return Self(None) };
        let (sender, mut received) = mpsc::unbounded_channel();
        runtime.spawn(async move {
            while let Some(letters) = received.recv().await {
                hand_over(letters);
            }
        });
        Self(Some(sender))
    }

    fn carry(&self, letters: Letters) {
        let refused = match &self.0 {
            Some(task) => task.send(letters).err().map(|mpsc::error::SendError(letters)| letters),
            None => Some(letters),
        };
        // Without its runtime nobody may be waiting any more; whoever does is still told.
        refused.into_iter().for_each(hand_over);
    }
}

fn hand_over(letters: Letters) {
    for (to, reply) in letters {
        // A submitter that has gone away is not told; its command stands.
        let _ = to.send(reply);
    }
}

#[cfg(test)]
mod tests;
