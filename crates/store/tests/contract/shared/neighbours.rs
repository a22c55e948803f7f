//! What nodes hear of each other, and how the work of one that fell silent finds another (invariants.md A11, A12, C30).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use panelworks_core::command::Command;
use panelworks_core::customer::{KeyHash, Standing};
use panelworks_core::ids::{NodeId, OrderId};
use panelworks_core::testing::{draft, place};
use panelworks_core::world::{Changes, Key};
use panelworks_store::contract::{Panel, credit, link};
use panelworks_store::neighbours::{Calls, Neighbours as _, Word};
use panelworks_store::ports::{Share, StoreErrorKind};

use super::{ByHand, two, until};
use crate::subjects::InPostgres;

/// Shorter than a living node's signs of life: so that one is taken for dead which only says nothing for a moment.
const HASTY: Duration = Duration::from_millis(500);

/// All that a node was told.
#[derive(Clone, Default)]
struct Told {
    words: Arc<Mutex<Vec<Word>>>,
    /// How often it was asked for its own calls.
    asked: Arc<AtomicUsize>,
}

impl Told {
    fn by(panel: &mut Panel<'_, InPostgres>) -> Self {
        let told = Self::default();
        let ears = told.clone();
        let neighbours = panel.subject.neighbours.as_mut().expect("open");
        let hear = move |word| ears.words.lock().expect("not poisoned").push(word);
        let asked = Arc::clone(&told.asked);
        let usage = move |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            Calls::new()
        };
        neighbours.listen(Box::new(hear), Box::new(usage)).expect("listens");
        told
    }

    fn words(&self) -> Vec<Word> {
        self.words.lock().expect("not poisoned").clone()
    }

    fn inherited(&self) -> Vec<NodeId> {
        let nodes = |word| if let Word::Inherited(nodes) = word { nodes } else { Vec::new() };
        self.words().into_iter().flat_map(nodes).collect()
    }
}

/// Signs of life for all nodes but the first: or those who are hasty would take each other over.
struct Pulse {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    fn of(hand: ByHand) -> Self {
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(HASTY / 10) == Err(RecvTimeoutError::Timeout) {
                hand.run("update node set lease_until = now() + interval '1 minute' where id > 1");
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.stop = None;
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|ended| ended.is_ok()));
    }
}

fn is_over(word: &Word) -> bool {
    matches!(word, Word::Over(failure) if failure.kind == StoreErrorKind::Fatal)
}

/// What a node decides as the executor does, and whoever follows has heard of it.
fn followed(panel: &mut Panel<'_, InPostgres>, command: Command) {
    panel.ok(command);
    panelworks_store::ports::Books::told(panel.books());
}

fn open_orders(panel: &mut Panel<'_, InPostgres>) -> Vec<OrderId> {
    panel.queue(|queue| {
        let files = queue.open_files(&Share::Own, OrderId(0), 1_000).expect("reads");
        files.iter().map(|file| file.order.id).collect()
    })
}

#[test]
fn what_a_node_changes_is_heard_by_another_once_in_order_and_as_it_stands() {
    two(|one, other| {
        let customer = other.customer(1_000_000);
        let (service, provider) = other.routed();
        let told = Told::by(one);
        let known = |find: &dyn Fn(&Changes) -> bool| {
            told.words().iter().any(|word| matches!(word, Word::Changed(changes) if find(changes)))
        };
        until(|| known(&|changes| changes.services.iter().any(|row| row.id == service)));
        let stop = Command::SetStanding { customer, standing: Standing::Suspended };
        let hash = KeyHash([7; 32]);
        let open = Command::AddKey { customer, hash, label: "k".to_owned(), revoke_others: Vec::new() };
        for (heard, command) in [(1, open), (2, stop)] {
            let before = told.words().len();
            other.ok(command);
            until(|| told.words().len() > before);
            assert_eq!(told.words().len(), before + 1, "change {heard} is told once");
        }
        let words = told.words();
        let [.., Word::Changed(key), Word::Changed(standing)] = words.as_slice() else { panic!("{words:?}") };
        assert_eq!(key.api_keys.iter().map(|key| key.hash).collect::<Vec<_>>(), [hash]);
        assert_eq!(
            standing.accounts.iter().map(|account| account.standing).collect::<Vec<_>>(),
            [Standing::Suspended]
        );
        assert!(known(&|changes| changes
            .providers
            .iter()
            .any(|row| row.id == provider && !row.sealed_key.is_empty())));
        assert!(known(&|changes| changes.customers.iter().any(|row| row.id == customer)));
    });
}

#[test]
fn a_node_is_not_told_what_it_did_itself_and_orders_are_no_news() {
    two(|one, other| {
        let customer = one.customer(1_000_000);
        let (service, _) = one.routed();
        let told = Told::by(one);
        followed(one, Command::SetStanding { customer, standing: Standing::Suspended });
        followed(one, Command::SetStanding { customer, standing: Standing::Active });
        let hand = ByHand::at(one.subject);
        let news = "select count(*) from batch where news is not null";
        let before = hand.number(news);
        for n in 0..5 {
            other.place(customer, service, draft(&link(n), 100));
        }
        assert_eq!(hand.number(news), before, "an order wakes nobody");
        // What comes afterwards is heard, and nothing came before it.
        other.ok(credit(customer, 1));
        until(|| !told.words().is_empty());
        let words = told.words();
        let [Word::Changed(changes)] = words.as_slice() else { panic!("{words:?}") };
        assert_eq!(changes.accounts.len(), 1);
    });
}

#[test]
fn an_order_that_another_node_changed_is_the_business_of_the_one_that_works_on_it() {
    two(|one, other| {
        let customer = one.customer(1_000_000);
        let (service, _) = one.routed();
        let order = one.place(customer, service, draft("a", 100));
        let told = Told::by(one);
        let now = other.now;
        let ran = other.executor().run(now, &[Command::RequestCancel { customer, order }]).expect("goes on");
        let elsewhere =
            ran.into_iter().filter_map(|ran| ran.committed).flat_map(|committed| committed.elsewhere);
        assert_eq!(elsewhere.collect::<Vec<_>>(), [order]);
        until(|| told.words().contains(&Word::Touched(vec![order])));
        let own = one.place(customer, service, draft("b", 100));
        let now = one.now;
        let ran =
            one.executor().run(now, &[Command::RequestCancel { customer, order: own }]).expect("goes on");
        assert!(
            ran.into_iter().filter_map(|ran| ran.committed).all(|committed| committed.elsewhere.is_empty())
        );
        one.audit();
    });
}

/// Shows A11, A12, I18.
#[test]
fn the_work_of_a_silent_node_goes_to_one_other_and_nothing_of_it_is_committed_afterwards() {
    let Some(mut subject) = InPostgres::new() else { return };
    let (mut second, mut third) = (subject.beside("second"), subject.beside("third"));
    let mut again = subject.beside("first");
    (second.options.silence, third.options.silence) = (HASTY, HASTY);
    let mut silent = Panel::open(&mut subject);
    let customer = silent.customer(1_000_000);
    let (service, _) = silent.routed();
    let order = silent.place(customer, service, draft("a", 100));
    let over = Told::by(&mut silent);
    let (mut one, mut other) = (Panel::open(&mut second), Panel::open(&mut third));
    let _pulse = Pulse::of(ByHand::at(one.subject));
    let (heard, overheard) = (Told::by(&mut one), Told::by(&mut other));
    until(|| [&heard, &overheard].iter().any(|told| told.inherited().contains(&NodeId(1))));
    until(|| over.words().iter().any(is_over));
    let winners = [&heard, &overheard].iter().filter(|told| told.inherited().contains(&NodeId(1))).count();
    assert_eq!(winners, 1);
    let now = silent.now;
    let stopped = silent.executor().run(now, &[credit(customer, 1)]).expect_err("its epoch is over");
    assert_eq!(stopped.0.kind, StoreErrorKind::Fatal);
    let (winner, loser) =
        if heard.inherited().is_empty() { (&mut other, &mut one) } else { (&mut one, &mut other) };
    assert_eq!(open_orders(winner), [order]);
    assert_eq!(open_orders(loser), []);
    drop(silent);
    let mut returned = Panel::open(&mut again);
    assert_eq!(returned.node, NodeId(4), "its stream is somebody else's");
    assert_eq!(open_orders(&mut returned), []);
    let ran = winner.executor().run(now, &[Command::RequestCancel { customer, order }]).expect("goes on");
    assert!(ran.into_iter().filter_map(|ran| ran.committed).all(|committed| committed.elsewhere.is_empty()));
    winner.audit();
}

#[test]
fn a_node_that_left_nothing_to_do_is_nobodys_and_the_next_start_takes_its_number() {
    let Some(mut subject) = InPostgres::new() else { return };
    let (mut second, mut third) = (subject.beside("second"), subject.beside("third"));
    second.options.silence = HASTY;
    let hand = ByHand::at(&subject);
    let mut idle = Panel::open(&mut subject);
    let customer = idle.customer(1_000_000);
    let (service, _) = idle.routed();
    let mut one = Panel::open(&mut second);
    let heard = Told::by(&mut one);
    // It has taken no order: nobody needs its work.
    drop(idle);
    until(|| {
        hand.number(
            "select cast(extract(epoch from now() - lease_until) as bigint) + 30 from node where id = 1",
        ) > 3
    });
    assert_eq!(hand.number("select count(*) from node where holder is null"), 0);
    let mut idle = Panel::open(&mut subject);
    assert_eq!(idle.node, NodeId(1));
    let order = idle.place(customer, service, draft("a", 100));
    let link = idle.link();
    drop(idle);
    until(|| heard.inherited() == [NodeId(1)]);
    one.ok(Command::RequestCancel { customer, order });
    drop(one);
    let mut heir = Panel::open(&mut third);
    assert_eq!((heir.node, heir.link()), (NodeId(1), link), "its chain goes on");
    heir.place(customer, service, draft("b", 100));
    heir.audit();
}

#[test]
fn a_node_reads_by_itself_what_it_decides_whatever_it_was_told() {
    two(|one, other| {
        let customer = one.customer(1_000_000);
        let (service, _) = one.routed();
        other.ok(Command::SetStanding { customer, standing: Standing::Suspended });
        // Nobody listens on this node, and still nothing is decided by an old row.
        let refused = one.refused(place(customer, service, draft("a", 100)));
        assert_eq!(refused, panelworks_core::outcome::Refusal::AccountSuspended);
        assert!(one.load(Key::Service(service)).services.get(&service).is_some());
    });
}

#[test]
fn calls_that_one_node_let_through_are_counted_once_on_the_other() {
    two(|one, other| {
        let told = Told::by(one);
        // Asked a second time, it has looked at the others once: what they tell from now on is new.
        until(|| told.asked.load(Ordering::Relaxed) > 1);
        let mut rounds = vec![vec![(5, 1)], vec![], vec![(9, 2)], vec![], vec![(9, 3), (u64::MAX, 1)]];
        let usage = move |_| rounds.pop().unwrap_or_default();
        let neighbours = other.subject.neighbours.as_mut().expect("open");
        neighbours.listen(Box::new(|_| ()), Box::new(usage)).expect("listens");
        let counted = || {
            let calls = |word| if let Word::Called(calls) = word { calls } else { Calls::new() };
            told.words().into_iter().flat_map(calls).collect::<Calls>()
        };
        // Each look finds the rounds before it too.
        until(|| counted().contains(&(5, 1)));
        assert_eq!(counted(), [(9, 3), (u64::MAX, 1), (9, 2), (5, 1)]);
    });
}
