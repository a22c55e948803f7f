//! A batch stands whole or not at all, is told once, and has no common fate.

use panelworks_core::command::Command;
use panelworks_core::ids::BatchId;
use panelworks_core::outcome::{Done, Refusal};
use panelworks_core::testing::{draft, place};
use panelworks_core::world::{Key, Need, World};

use super::{Fate, Panel, Subject, credit, link, open_customer, placed};
use crate::chain::GENESIS;
use crate::executor::Undecided;
use crate::limits;
use crate::ports::{Begun, Books};

/// 0.90 per 1,000: an order of 100.
pub(super) const CHARGE: i64 = 90_000;

/// Shows A1, I12.
pub fn what_was_acknowledged_is_there_after_a_start_without_a_close<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    let orders: Vec<_> = (0..7).map(|n| panel.place(customer, service, draft(&link(n), 100))).collect();
    let before: Vec<_> = orders.iter().map(|order| panel.file(*order)).collect();
    panel.reopen();
    let after: Vec<_> = orders.iter().map(|order| panel.file(*order)).collect();
    assert_eq!(before, after);
    assert!(after.iter().all(Option::is_some));
    assert_eq!(panel.balance(customer), 1_000_000 - 7 * CHARGE);
    panel.audit();
}

pub fn a_refusal_changes_nothing<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(CHARGE - 1);
    let (service, _) = panel.routed();
    let (cursors, chain) = (panel.cursors(), panel.link());
    assert_eq!(panel.refused(place(customer, service, draft("a", 100))), Refusal::NotEnoughFunds);
    assert_eq!((panel.cursors(), panel.link()), (cursors, chain));
    assert_eq!(panel.balance(customer), CHARGE - 1);
}

pub fn a_batch_without_changes_leaves_no_trace<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(0);
    let chain = panel.link();
    let ran = panel.run_all(&[credit(customer, -1)]);
    assert!(ran.iter().all(|ran| ran.committed.is_none()));
    assert_eq!(panel.link(), chain);
    panel.audit();
}

pub fn a_rollback_leaves_no_trace<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(5);
    let batch = BatchId { node: panel.node, epoch: panel.epoch, sequence: 1_000 };
    let now = panel.now;
    let books = panel.books();
    assert_eq!(books.begin(batch, now), Ok(Begun::Fresh));
    let mut world = World::new(books.cursors());
    books.load(&Need::of(Key::Account(customer)), &mut world).expect("loads");
    books.rollback();
    assert_eq!(books.begin(batch, now), Ok(Begun::Fresh), "the batch id is still free");
    books.rollback();
    assert_eq!(panel.balance(customer), 5);
}

pub fn a_commit_that_fails_for_certain_changes_nothing<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    let (cursors, chain) = (panel.cursors(), panel.link());
    panel.fates([Fate::Refused]);
    let reply = panel.reply(place(customer, service, draft("a", 100)));
    assert!(matches!(reply, Err(Undecided::NotCommitted(_))), "{reply:?}");
    assert_eq!((panel.cursors(), panel.link()), (cursors, chain));
    assert_eq!(panel.balance(customer), 1_000_000);
    // And the link is not guarded by an order that never was.
    panel.place(customer, service, draft("a", 100));
    panel.audit();
}

/// Shows A9.
pub fn a_serialization_failure_is_decided_again<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    panel.fates([Fate::Again, Fate::Again]);
    let order = panel.place(customer, service, draft("a", 100));
    assert!(panel.file(order).is_some());
    assert_eq!(panel.balance(customer), 1_000_000 - CHARGE);
    panel.audit();
}

pub fn a_batch_that_never_commits_is_given_up<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    panel.fates([Fate::Again; limits::COMMIT_TRIES]);
    let reply = panel.reply(credit(customer, 1));
    assert!(matches!(reply, Err(Undecided::NotCommitted(_))), "{reply:?}");
    assert_eq!(panel.balance(customer), 1_000_000);
}

/// Shows A8.
pub fn a_lost_answer_is_settled_by_the_batch_that_stands<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    panel.fates([Fate::LostAnswer]);
    let orders = panel.batch(&[
        place(customer, service, draft("a", 100)),
        place(customer, service, draft("a", 100)),
        place(customer, service, draft("b", 100)),
    ]);
    let placed: Vec<bool> = orders.iter().map(|reply| matches!(reply, Ok(Ok(Done::Placed { .. })))).collect();
    assert_eq!(placed, [true, false, true], "the replies are those that were decided: {orders:?}");
    assert_eq!(panel.balance(customer), 1_000_000 - 2 * CHARGE);
    panel.audit();
}

/// Shows A8.
pub fn a_lost_commit_is_decided_again_in_the_same_batch<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    let next = panel.cursors().order;
    panel.fates([Fate::LostCommit]);
    let order = panel.place(customer, service, draft("a", 100));
    assert_eq!(order.0, next, "a number that was never committed is drawn again");
    assert_eq!(panel.balance(customer), 1_000_000 - CHARGE);
    panel.audit();
}

/// Shows A8.
pub fn a_lost_commit_and_then_a_lost_answer_still_place_once<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    panel.fates([Fate::LostCommit, Fate::Again, Fate::LostCommit, Fate::LostAnswer]);
    panel.place(customer, service, draft("a", 100));
    assert_eq!(panel.balance(customer), 1_000_000 - CHARGE);
    panel.reopen();
    assert_eq!(panel.balance(customer), 1_000_000 - CHARGE);
    panel.audit();
}

pub fn a_committed_batch_says_so_when_it_is_begun_again<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let ran = panel.run_all(&[open_customer("anna")]);
    let batch = ran[0].committed.as_ref().expect("committed").batch;
    let now = panel.now;
    assert_eq!(panel.books().begin(batch, now), Ok(Begun::AlreadyCommitted));
    panel.books().rollback();
}

/// Shows A7.
pub fn a_poisonous_command_hurts_only_itself<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    panel.executor().books_mut().poison = Some("poison".to_owned());
    let replies = panel.batch(&["a", "poison", "b"].map(|link| place(customer, service, draft(link, 100))));
    assert!(matches!(replies[0], Ok(Ok(_))), "{replies:?}");
    assert!(matches!(replies[1], Err(Undecided::NotCommitted(_))), "{replies:?}");
    assert!(matches!(replies[2], Ok(Ok(_))), "{replies:?}");
    assert_eq!(panel.balance(customer), 1_000_000 - 2 * CHARGE);
    panel.audit();
}

pub fn a_batch_of_one_is_the_same_code<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (ann, ben) = (panel.customer(1_000_000), panel.customer(1_000_000));
    let (service, _) = panel.routed();
    let orders =
        |customer| (0..5).map(|n| place(customer, service, draft(&link(n % 4), 100))).collect::<Vec<_>>();
    let together = panel.batch(&orders(ann));
    let alone: Vec<_> = orders(ben).into_iter().map(|order| panel.reply(order)).collect();
    let taken = |replies: &[crate::executor::Reply]| {
        replies.iter().map(|reply| matches!(reply, Ok(Ok(_)))).collect::<Vec<_>>()
    };
    assert_eq!(taken(&together), taken(&alone));
    assert_eq!(taken(&together), [true, true, true, true, false]);
    assert_eq!(panel.balance(ann), panel.balance(ben));
    panel.audit();
}

pub fn a_hot_customer_is_charged_once_for_each_order<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000_000);
    let (service, _) = panel.routed();
    let batch: Vec<_> =
        (0..limits::BATCH_COMMANDS).map(|n| place(customer, service, draft(&link(n), 100))).collect();
    let ran = panel.run_all(&batch);
    assert_eq!(ran.len(), 1, "one batch");
    assert!(ran[0].replies.iter().all(|reply| matches!(reply, Ok(Ok(_)))));
    let charged = i64::try_from(batch.len()).expect("small") * CHARGE;
    assert_eq!(panel.balance(customer), 1_000_000_000 - charged);
    panel.audit();
}

pub fn orders_of_many_customers_in_one_batch_are_charged_each<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customers: Vec<_> = (0..20).map(|_| panel.customer(1_000_000)).collect();
    let (service, _) = panel.routed();
    let batch: Vec<_> =
        customers.iter().rev().map(|customer| place(*customer, service, draft("a", 100))).collect();
    let orders: Vec<_> =
        panel.batch(&batch).into_iter().map(|reply| placed(reply.expect("kept").expect("ok"))).collect();
    for (order, customer) in orders.iter().zip(customers.iter().rev()) {
        assert_eq!(panel.placed_file(*order).order.customer, *customer);
        assert_eq!(panel.balance(*customer), 1_000_000 - CHARGE);
    }
    panel.audit();
}

/// Shows C1, I3.
pub fn an_account_is_never_drained_below_its_limit_by_a_batch<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(10 * CHARGE + CHARGE / 2);
    let (service, _) = panel.routed();
    let batch: Vec<_> = (0..40).map(|n| place(customer, service, draft(&link(n), 100))).collect();
    let taken = panel.batch(&batch).into_iter().filter(|reply| matches!(reply, Ok(Ok(_)))).count();
    assert_eq!(taken, 10);
    assert_eq!(panel.balance(customer), CHARGE / 2);
    panel.audit();
}

/// Shows I4.
pub fn every_batch_moves_the_chain<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let mut links = vec![panel.link()];
    assert_eq!(links, [GENESIS]);
    let customer = panel.customer(0);
    for _ in 0..5 {
        panel.ok(credit(customer, 1));
        links.push(panel.link());
    }
    // A change without an entry is a link as well.
    panel.ok(Command::SetStanding { customer, standing: panelworks_core::customer::Standing::Frozen });
    links.push(panel.link());
    links.sort_unstable();
    links.dedup();
    assert_eq!(links.len(), 7, "no two links are equal");
}

pub fn two_starts_continue_one_chain<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1);
    let chain = panel.link();
    panel.reopen();
    assert_eq!(panel.link(), chain, "a start alone is no batch");
    panel.ok(credit(customer, 1));
    assert_ne!(panel.link(), chain);
    panel.audit();
}
