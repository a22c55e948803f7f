//! Promises about news and syncs, on books in memory whose flush waits for the test's word.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use panelworks_core::command::Command;
use panelworks_core::customer::Switches;
use panelworks_core::ids::{BatchId, NodeId};
use panelworks_core::money::{Amount, Currency};
use panelworks_core::planted::Planted;
use panelworks_core::time::Timestamp;
use panelworks_core::world::{Changes, Cursors, Need, World};
use tokio::sync::oneshot;

use crate::executor::{Committed, Executor, Handle, Lane, Reply, Stopped, Undecided};
use crate::memory::Memory;
use crate::ports::{Begun, Books, CommitError, Flush, StoreError, StoreErrorKind};

type Word = Result<(), StoreError>;

/// Books in memory that say when they commit, and whose flush waits for a word.
struct Parted {
    memory: Memory,
    commits: Sender<usize>,
    words: Option<Receiver<Word>>,
}

impl Books for Parted {
    fn cursors(&self) -> Cursors {
        self.memory.cursors()
    }

    fn begin(&mut self, batch: BatchId, at: Timestamp) -> Result<Begun, CommitError> {
        self.memory.begin(batch, at)
    }

    fn load(&mut self, need: &Need, world: &mut World) -> Result<(), StoreError> {
        self.memory.load(need, world)
    }

    fn commit(&mut self, changes: &Changes, cursors: Cursors) -> Result<(), CommitError> {
        self.memory.commit(changes, cursors)?;
        self.commits.send(changes.customers.len()).expect("the test listens");
        Ok(())
    }

    fn rollback(&mut self) {
        self.memory.rollback();
    }

    fn reconnect(&mut self) -> Result<(), StoreError> {
        self.memory.reconnect()
    }

    fn takes_new_work(&mut self) -> bool {
        self.memory.takes_new_work()
    }

    fn part_flush(&mut self) -> Result<Option<Flush>, StoreError> {
        let words = self.words.take().expect("parted once");
        Ok(Some(Box::new(move || words.recv().expect("the test gives a word for each flush"))))
    }
}

struct Running {
    handle: Handle,
    thread: JoinHandle<Result<(), Stopped>>,
    /// How many customers each commit opened.
    commits: Receiver<usize>,
    word: Sender<Word>,
    told: Arc<Mutex<Vec<Arc<Committed>>>>,
}

fn start() -> Running {
    let (commit, commits) = channel();
    let (word, words) = channel();
    let books = Parted { memory: Memory::default(), commits: commit, words: Some(words) };
    let executor = Executor::new(books, NodeId(1), 1, Planted::default());
    let told = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&told);
    let follower = Box::new(move |committed: &Arc<Committed>| {
        ears.lock().expect("not poisoned").push(Arc::clone(committed));
    });
    let (handle, thread) = Handle::start(executor, || Timestamp(0), follower).expect("threads");
    Running { handle, thread, commits, word, told }
}

impl Running {
    fn open_customer(&self) -> oneshot::Receiver<Reply> {
        let command = Command::OpenCustomer {
            name: "Anna".to_owned(),
            currency: Currency::new("USD").expect("a currency"),
            credit_limit: Amount::ZERO,
            switches: Switches::default(),
            key: None,
        };
        self.handle.submit(Lane::Panel, command)
    }

    fn told(&self) -> usize {
        self.told.lock().expect("not poisoned").len()
    }
}

fn lost() -> StoreError {
    StoreError { doing: "syncing", why: "planned".to_owned(), kind: StoreErrorKind::Fatal }
}

/// Shows A2, I12.
#[test]
fn nobody_hears_of_a_commit_before_it_is_flushed() {
    let running = start();
    let mut reply = running.open_customer();
    assert_eq!(running.commits.recv(), Ok(1));
    assert!(reply.try_recv().is_err());
    assert_eq!(running.told(), 0);
    running.word.send(Ok(())).expect("waits");
    assert!(matches!(reply.blocking_recv(), Ok(Ok(Ok(_)))));
    assert_eq!(running.told(), 1);
    running.handle.stop();
    assert_eq!(running.thread.join().expect("no panic"), Ok(()));
}

#[test]
fn as_much_as_is_being_flushed_is_decided_and_written_meanwhile() {
    let running = start();
    let first = running.open_customer();
    assert_eq!(running.commits.recv(), Ok(1));
    // The first is not flushed, and the second stands already.
    let second = running.open_customer();
    assert_eq!(running.commits.recv(), Ok(1));
    assert_eq!(running.told(), 0);
    running.word.send(Ok(())).expect("waits");
    assert!(matches!(first.blocking_recv(), Ok(Ok(Ok(_)))));
    running.word.send(Ok(())).expect("waits");
    assert!(matches!(second.blocking_recv(), Ok(Ok(Ok(_)))));
    running.handle.stop();
    assert_eq!(running.thread.join().expect("no panic"), Ok(()));
}

#[test]
fn less_than_is_being_flushed_waits_for_the_flush_and_then_goes_at_once() {
    let running = start();
    let one = running.open_customer();
    assert_eq!(running.commits.recv(), Ok(1));
    // Written while the first is flushed, alone; the executor then waits to hand it over.
    let alone = running.open_customer();
    assert_eq!(running.commits.recv(), Ok(1));
    let three: Vec<_> = (0..3).map(|_| running.open_customer()).collect();
    running.word.send(Ok(())).expect("waits");
    assert!(matches!(one.blocking_recv(), Ok(Ok(Ok(_)))));
    // Three are more than the one that is being flushed now.
    assert_eq!(running.commits.recv(), Ok(3));
    running.word.send(Ok(())).expect("waits");
    assert!(matches!(alone.blocking_recv(), Ok(Ok(Ok(_)))));
    // One is less than three: it waits until they are flushed.
    let last = running.open_customer();
    assert!(running.commits.try_recv().is_err());
    running.word.send(Ok(())).expect("waits");
    for reply in three {
        assert!(matches!(reply.blocking_recv(), Ok(Ok(Ok(_)))));
    }
    assert_eq!(running.commits.recv(), Ok(1));
    running.word.send(Ok(())).expect("waits");
    assert!(matches!(last.blocking_recv(), Ok(Ok(Ok(_)))));
    running.handle.stop();
    assert_eq!(running.thread.join().expect("no panic"), Ok(()));
}

/// Shows A3.
#[test]
fn after_a_flush_that_failed_nobody_is_told_and_everything_stops() {
    let running = start();
    let first = running.open_customer();
    assert_eq!(running.commits.recv(), Ok(1));
    let second = running.open_customer();
    assert_eq!(running.commits.recv(), Ok(1));
    running.word.send(Err(lost())).expect("waits");
    assert_eq!(first.blocking_recv(), Ok(Err(Undecided::Unknown)));
    assert_eq!(second.blocking_recv(), Ok(Err(Undecided::Unknown)));
    assert_eq!(running.thread.join().expect("no panic"), Err(Stopped(lost())));
    assert_eq!(running.told.lock().expect("not poisoned").len(), 0);
    assert!(!running.handle.is_running());
    assert_eq!(
        running
            .handle
            .submit(Lane::Outcome, Command::ExpireHold { order: panelworks_core::ids::OrderId(1) })
            .blocking_recv(),
        Ok(Err(Undecided::Stopping))
    );
}

#[test]
fn a_stop_waits_until_everything_written_is_flushed_and_told() {
    let running = start();
    let first = running.open_customer();
    assert_eq!(running.commits.recv(), Ok(1));
    running.handle.stop();
    running.word.send(Ok(())).expect("waits");
    assert_eq!(running.thread.join().expect("no panic"), Ok(()));
    assert!(matches!(first.blocking_recv(), Ok(Ok(Ok(_)))));
    assert_eq!(running.told.lock().expect("not poisoned").len(), 1);
}
