//! Threads that answer questions, so that no door ever blocks the runtime on a disk.
//!
//! In: a question as a closure over the views. Out: its answer. Each thread has a connection of its own; the
//! queue before them is bounded, and beyond it a door refuses. A question that panics fails alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::limits;
use crate::ports::{Queue, StoreError, Views};

/// Everything that can be asked.
pub trait Reads: Views + Queue {}

impl<T: Views + Queue> Reads for T {}

/// Everything that can be asked of whatever store.
pub type AnyReads = dyn Reads + Send;
/// The same, for one thread to keep.
pub type OwnReads = Box<AnyReads>;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Too many questions wait; nothing was read.
    #[error("too many questions are waiting")]
    Overloaded,
    #[error("the question failed inside the program")]
    Panicked,
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Question = Box<dyn FnOnce(&dyn Reads) + Send>;

/// See the module's head. Cheap to clone; the threads end with the last clone.
#[derive(Clone)]
pub struct Reader {
    questions: SyncSender<Question>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

/// Why the threads could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("starting a reader's thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl Reader {
    /// Starts this many threads, each with its own of what `open` gives.
    pub fn start(
        threads: usize,
        open: impl Fn() -> Result<OwnReads, StoreError>,
    ) -> Result<Self, StartError> {
        let (questions, waiting) = sync_channel::<Question>(limits::READS_WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 1..=threads {
            let reads = open()?;
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new()
                .name(format!("reader {number}"))
                .spawn(move || answer(&*reads, &waiting))?;
        }
        Ok(Self { questions })
    }

    /// A reader of nothing: every question stays without an answer.
    pub fn of_none() -> Self {
        let (questions, _nobody) = sync_channel(0);
        Self { questions }
    }

    /// Asks; waits for the answer without blocking the runtime.
    pub async fn ask<T, F>(&self, question: F) -> Result<T, Unanswered>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Reads) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |reads| {
            // Whoever asked may have gone.
            let _ = answer.send(question(reads));
        });
        match self.questions.try_send(question) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(Unanswered::Overloaded),
            Err(TrySendError::Disconnected(_)) => return Err(Unanswered::Panicked),
        }
        match answered.await {
            Ok(answer) => Ok(answer?),
            Err(_gone) => Err(Unanswered::Panicked),
        }
    }
}

fn answer(reads: &dyn Reads, waiting: &Mutex<Receiver<Question>>) {
    loop {
        // Only a receive happens under the lock: it can't be left half done.
        let question = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(question) = question else { return };
        if catch_unwind(AssertUnwindSafe(|| question(reads))).is_err() {
            tracing::error!("a question panicked; its connection goes on, for it only reads");
        }
    }
}

#[cfg(test)]
mod tests {
    use panelworks_core::ids::CustomerId;

    use super::*;
    use crate::sqlite::{Options, Sqlite};

    fn on_a_runtime<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(test)
    }

    /// Shows A5.
    #[test]
    fn a_question_that_panics_fails_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let opened = Sqlite::open(folder.path(), Options::default()).expect("opens");
        let reader = Reader::start(limits::READERS, || Ok(Box::new(opened.reads.views()?))).expect("starts");
        on_a_runtime(async {
            let panicked = reader.ask(|_| -> Result<(), StoreError> { panic!("planned") }).await;
            assert_eq!(panicked, Err(Unanswered::Panicked));
            for _ in 0..=limits::READERS {
                let account = reader.ask(|reads| reads.account(CustomerId(1))).await;
                assert_eq!(account, Ok(None));
            }
        });
    }

    #[test]
    fn questions_beyond_the_limit_are_refused_and_not_queued() {
        let folder = tempfile::tempdir().expect("a folder");
        let opened = Sqlite::open(folder.path(), Options::default()).expect("opens");
        let reader = Reader::start(limits::READERS, || Ok(Box::new(opened.reads.views()?))).expect("starts");
        on_a_runtime(async {
            let (go, gate) = std::sync::mpsc::channel::<()>();
            let gate = Arc::new(Mutex::new(gate));
            let mut held = Vec::new();
            let most = limits::READS_WAITING + limits::READERS;
            let mut refused = 0;
            for _ in 0..most + 10 {
                let gate = Arc::clone(&gate);
                let mut asked = Box::pin(reader.ask(move |_| {
                    let _ = gate.lock().map(|gate| gate.recv());
                    Ok(())
                }));
                match futures_poll(&mut asked) {
                    Some(Err(Unanswered::Overloaded)) => refused += 1,
                    Some(other) => panic!("answered too early: {other:?}"),
                    None => held.push(asked),
                }
            }
            assert!((10..=10 + limits::READERS).contains(&refused), "{refused} refused");
            drop(go);
            for asked in held {
                assert_eq!(asked.await, Ok(()));
            }
        });
    }

    fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
