//! The executor's thread on a store: two lanes, bounded queues, replies after commits.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use panelworks_core::command::Command;
use panelworks_core::customer::Standing;
use panelworks_core::ids::CustomerId;
use panelworks_core::outcome::Done;
use panelworks_core::testing::{draft, place};

use super::{Fate, Panel, Subject, credit, link};
use crate::executor::{Committed, Handle, Lane, Reply, Stopped, Undecided};
use crate::limits;

/// A running executor that waits before each batch until it is let go.
struct Running {
    handle: Handle,
    thread: JoinHandle<Result<(), Stopped>>,
    go: Sender<()>,
    told: Receiver<Arc<Committed>>,
}

fn start<S: Subject>(panel: &mut Panel<'_, S>) -> Running {
    let (go, gate) = channel();
    let (tell, told) = channel();
    let now = panel.now;
    let gate = Mutex::new(gate);
    let clock = move || {
        // The clock is asked once per batch. A gate that is gone holds nobody.
        let _ = gate.lock().map(|gate: std::sync::MutexGuard<'_, Receiver<()>>| gate.recv());
        now
    };
    let follower = Box::new(move |committed: &Arc<Committed>| {
        let _ = tell.send(Arc::clone(committed));
    });
    let (handle, thread) = Handle::start(panel.take_executor(), clock, follower).expect("a thread");
    Running { handle, thread, go, told }
}

impl Running {
    /// Lets everything go, and ends.
    fn finish(self) -> Vec<Arc<Committed>> {
        self.handle.stop();
        drop(self.go);
        self.thread.join().expect("no panic").expect("not stopped");
        self.told.try_iter().collect()
    }
}

fn reply(receiver: tokio::sync::oneshot::Receiver<Reply>) -> Reply {
    receiver.blocking_recv().expect("every command has a reply")
}

/// Shows I12.
pub fn replies_leave_after_their_commit_was_told<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    let running = start(&mut panel);
    let waiting = running.handle.submit(Lane::Customer(customer), place(customer, service, draft("a", 100)));
    running.go.send(()).expect("runs");
    let Ok(Ok(Done::Placed { order, .. })) = reply(waiting) else { panic!("not placed") };
    let committed = running.told.try_recv().expect("told before the reply");
    assert!(committed.changes.orders.iter().any(|change| change.after.order.id == order));
    assert!(running.finish().is_empty());
}

pub fn outcomes_go_before_new_work<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let running = start(&mut panel);
    let held = running.handle.submit(Lane::Panel, credit(customer, 1));
    while running.handle.waiting() > 0 {
        std::thread::yield_now();
    }
    let standing = |standing| Command::SetStanding { customer, standing };
    let new_work = running.handle.submit(Lane::Panel, standing(Standing::Active));
    let outcome = running.handle.submit(Lane::Outcome, standing(Standing::Frozen));
    let told = running.finish();
    assert!([held, new_work, outcome].into_iter().all(|receiver| reply(receiver).is_ok()));
    let last = told.last().and_then(|committed| committed.changes.accounts.first()).expect("an account");
    assert_eq!(last.standing, Standing::Active, "the outcome came first, the new work after it");
}

/// Shows A7.
pub fn new_work_is_refused_when_too_much_waits<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let running = start(&mut panel);
    let held = running.handle.submit(Lane::Panel, credit(customer, 1));
    while running.handle.waiting() > 0 {
        std::thread::yield_now();
    }
    let full: Vec<_> = (0..limits::QUEUE_COMMANDS)
        .map(|_| running.handle.submit(Lane::Panel, credit(customer, 1)))
        .collect();
    let refused = running.handle.submit(Lane::Panel, credit(customer, 1));
    assert_eq!(reply(refused), Err(Undecided::Overloaded), "at once, while the executor stands");
    let outcome = running.handle.submit(Lane::Outcome, credit(customer, 1));
    running.finish();
    assert!(full.into_iter().chain([held, outcome]).all(|receiver| matches!(reply(receiver), Ok(Ok(_)))));
}

/// Shows C28.
pub fn one_customer_has_an_eighth_of_the_queue<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (hog, other) = (panel.customer(1), panel.customer(1));
    let running = start(&mut panel);
    let held = running.handle.submit(Lane::Panel, credit(hog, 1));
    while running.handle.waiting() > 0 {
        std::thread::yield_now();
    }
    let submit = |customer: CustomerId| running.handle.submit(Lane::Customer(customer), credit(customer, 1));
    let own: Vec<_> = (0..limits::QUEUE_PER_CUSTOMER).map(|_| submit(hog)).collect();
    assert_eq!(reply(submit(hog)), Err(Undecided::Overloaded));
    let others = submit(other);
    running.finish();
    assert!(own.into_iter().chain([held, others]).all(|receiver| reply(receiver).is_ok()));
}

/// Shows C28.
pub fn customers_take_turns<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (hog, other) = (panel.customer(1), panel.customer(1));
    let running = start(&mut panel);
    let held = running.handle.submit(Lane::Panel, credit(hog, 1));
    while running.handle.waiting() > 0 {
        std::thread::yield_now();
    }
    let submit = |customer: CustomerId| running.handle.submit(Lane::Customer(customer), credit(customer, 1));
    let many: Vec<_> = (0..=limits::BATCH_COMMANDS).map(|_| submit(hog)).collect();
    let one = submit(other);
    let told = running.finish();
    assert!(many.into_iter().chain([held, one]).all(|receiver| reply(receiver).is_ok()));
    let batches_of_other = told
        .iter()
        .map(|committed| committed.changes.accounts.iter().any(|account| account.customer == other));
    assert_eq!(
        batches_of_other.collect::<Vec<_>>(),
        [false, true, false],
        "in the first batch after it asked"
    );
}

/// Shows A7, I24.
pub fn a_queue_that_stands_is_shed_and_one_that_drains_is_not<S: Subject>(subject: &mut S) {
    const CUSTOMERS: usize = 4;
    let mut panel = Panel::open(subject);
    let customers: Vec<CustomerId> = (0..CUSTOMERS).map(|_| panel.customer(1)).collect();
    let newcomer = panel.customer(1);
    let running = start(&mut panel);
    let submit = |customer: CustomerId| running.handle.submit(Lane::Customer(customer), credit(customer, 1));
    let (mut waiting, mut refused, mut is_shed) = (Vec::new(), 0, false);
    let begun = std::time::Instant::now();
    while !is_shed {
        assert!(begun.elapsed() < limits::BURST_TIME * 40, "nothing was refused");
        // More than ever stands, however much a batch takes away.
        while !is_shed && running.handle.waiting() < 2 * limits::QUEUE_STANDING {
            let mut asked = submit(customers[waiting.len() % CUSTOMERS]);
            is_shed = matches!(asked.try_recv(), Ok(Err(Undecided::Overloaded)));
            refused += usize::from(is_shed);
            if !is_shed {
                waiting.push(asked);
            }
        }
        running.go.send(()).expect("runs");
        while !is_shed && running.handle.waiting() >= 2 * limits::QUEUE_STANDING {
            std::thread::yield_now();
        }
    }
    assert!(begun.elapsed() >= limits::BURST_TIME, "a burst is taken whole");
    let one = submit(newcomer);
    while running.handle.waiting() > limits::QUEUE_STANDING / 2 {
        running.go.send(()).expect("runs");
        std::thread::yield_now();
    }
    running.go.send(()).expect("runs");
    assert!(reply(one).is_ok(), "who has nothing waiting is let in, and is among the first");
    let after = submit(customers[0]);
    running.finish();
    assert!(reply(after).is_ok(), "it is over");
    assert_eq!(refused, 1);
    assert!(waiting.into_iter().all(|receiver| reply(receiver).is_ok()), "whatever was taken is done");
}

/// Shows A4.
pub fn without_room_only_outcomes_are_taken<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    panel.executor().books_mut().has_room = false;
    let running = start(&mut panel);
    let new_work =
        running.handle.submit(Lane::Customer(customer), place(customer, service, draft(&link(1), 100)));
    let outcome = running.handle.submit(Lane::Outcome, credit(customer, 1));
    running.finish();
    assert_eq!(reply(new_work), Err(Undecided::NoRoom));
    assert!(matches!(reply(outcome), Ok(Ok(_))));
}

pub fn stopping_finishes_what_waits<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let running = start(&mut panel);
    let waiting: Vec<_> = (0..100).map(|_| running.handle.submit(Lane::Panel, credit(customer, 1))).collect();
    running.handle.stop();
    let late = running.handle.submit(Lane::Panel, credit(customer, 1));
    assert_eq!(reply(late), Err(Undecided::Stopping));
    running.finish();
    assert!(waiting.into_iter().all(|receiver| matches!(reply(receiver), Ok(Ok(_)))));
}

pub fn a_store_that_fails_for_good_stops_the_executor<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    panel.fates([Fate::Fatal]);
    let running = start(&mut panel);
    let under_way = running.handle.submit(Lane::Panel, credit(customer, 1));
    running.go.send(()).expect("runs");
    assert_eq!(reply(under_way), Err(Undecided::Unknown), "nobody may say that it was not done");
    assert!(running.thread.join().expect("no panic").is_err());
    assert!(!running.handle.is_running());
    let late = running.handle.submit(Lane::Outcome, credit(customer, 1));
    assert_eq!(reply(late), Err(Undecided::Stopping));
}
