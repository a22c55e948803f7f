//! Several nodes on one database: what they race for, and what an epoch that is over can't do any more.

use panelworks_core::command::Command;
use panelworks_core::ids::{BatchId, NodeId, OrderId};
use panelworks_core::limits::IDEMPOTENCY_KEPT;
use panelworks_core::outcome::{Done, Refusal};
use panelworks_core::testing::{draft, place};
use panelworks_core::time::Span;
use panelworks_core::world::{Key, Need, World};
use panelworks_store::contract::{Panel, credit, keyed, link, placed};
use panelworks_store::executor::Reply;
use panelworks_store::ports::{Begun, Books as _, StoreErrorKind};

use super::{ByHand, two};
use crate::subjects::InPostgres;

/// 0.90 per 1,000: an order of 100.
const CHARGE: i64 = 90_000;

/// Both at once, each batch after batch, until the rounds are over.
fn race(
    one: &mut Panel<'_, InPostgres>,
    other: &mut Panel<'_, InPostgres>,
    batches: impl Fn(NodeId, usize) -> Vec<Command> + Sync,
    rounds: usize,
) -> Vec<Reply> {
    let lead = |panel: &mut Panel<'_, InPostgres>| -> Vec<Reply> {
        let (node, now) = (panel.node, panel.now);
        let run = |round| panel.executor().run(now, &batches(node, round)).expect("goes on");
        (0..rounds).flat_map(run).flat_map(|ran| ran.replies).collect()
    };
    std::thread::scope(|threads| {
        let first = threads.spawn(|| lead(one));
        let mut replies = lead(other);
        replies.extend(first.join().expect("no panic"));
        replies
    })
}

fn taken(replies: &[Reply]) -> Vec<OrderId> {
    let order = |reply: &Reply| match reply {
        Ok(Ok(Done::Placed { order, .. })) => Some(*order),
        _refused => None,
    };
    replies.iter().filter_map(order).collect()
}

/// Shows A9, C1.
#[test]
fn an_account_is_not_drained_by_two_nodes_at_once() {
    two(|one, other| {
        let customer = one.customer(20 * CHARGE + CHARGE / 2);
        let (service, _) = one.routed();
        let orders = |node: NodeId, round: usize| {
            let link = |n| link(10_000 * usize::from(node.0) + 100 * round + n);
            (0..3).map(|n| place(customer, service, draft(&link(n), 100))).collect()
        };
        let replies = race(one, other, orders, 15);
        assert!(
            replies.iter().all(|reply| matches!(reply, Ok(Ok(_) | Err(Refusal::NotEnoughFunds)))),
            "{replies:#?}"
        );
        let mut orders = taken(&replies);
        assert_eq!(orders.len(), 20);
        orders.sort_unstable();
        orders.dedup();
        assert_eq!(orders.len(), 20, "no number was given twice");
        assert_eq!(one.balance(customer), CHARGE / 2);
        one.audit();
    });
}

/// Shows A11, C4, I13.
#[test]
fn two_nodes_make_one_order_of_one_idempotency_key() {
    two(|one, other| {
        let customer = one.customer(100_000_000);
        let (service, _) = one.routed();
        let same = |_, round: usize| {
            vec![keyed(customer, service, draft(&link(round), 100), u8::try_from(round).expect("few"), 1)]
        };
        let mut orders = taken(&race(one, other, same, 30));
        assert_eq!(orders.len(), 60, "both are answered");
        orders.sort_unstable();
        orders.dedup();
        assert_eq!(orders.len(), 30, "with the same order");
        assert_eq!(one.balance(customer), 100_000_000 - 30 * CHARGE);
        one.audit();
    });
}

#[test]
fn two_nodes_take_one_order_for_one_link() {
    two(|one, other| {
        let customer = one.customer(100_000_000);
        let (service, _) = one.routed();
        let same = |_, round: usize| vec![place(customer, service, draft(&link(round), 100))];
        let replies = race(one, other, same, 30);
        let refused = replies.iter().filter(|reply| **reply == Ok(Err(Refusal::ActiveOrderOnLink))).count();
        assert_eq!((taken(&replies).len(), refused), (30, 30));
        one.audit();
    });
}

/// Shows A9.
#[test]
fn nobody_sees_that_two_nodes_met_over_the_same_rows() {
    two(|one, other| {
        let customers: Vec<_> = (0..4).map(|_| one.customer(1_000_000_000)).collect();
        let (service, _) = one.routed();
        let orders: Vec<_> =
            customers.iter().map(|customer| one.place(*customer, service, draft("first", 100))).collect();
        // Orders before accounts on one node, accounts before orders on the other: they embrace.
        let batches = |node: NodeId, round: usize| {
            let cancel = |n: usize| Command::RequestCancel { customer: customers[n], order: orders[n] };
            let turn = (round + usize::from(node.0)) % 4;
            let link = link(10_000 * usize::from(node.0) + round);
            let mut batch = vec![cancel(turn), place(customers[3 - turn], service, draft(&link, 100))];
            batch.extend(customers.iter().map(|customer| credit(*customer, 1)));
            if node.0.is_multiple_of(2) {
                batch.reverse();
            }
            batch
        };
        let replies = race(one, other, batches, 40);
        assert!(replies.iter().all(Result::is_ok), "{replies:#?}");
        one.audit();
    });
}

#[test]
fn customers_and_services_of_two_nodes_have_numbers_of_their_own() {
    two(|one, other| {
        let opened = |panel: &mut Panel<'_, InPostgres>| (panel.customer(1), panel.routed().0);
        let all = [opened(one), opened(other), opened(one), opened(other)];
        for (customer, service) in all {
            assert_eq!(all.iter().filter(|other| other.0 == customer).count(), 1);
            assert_eq!(all.iter().filter(|other| other.1 == service).count(), 1);
            // And each node sees what the other did.
            assert_eq!((one.balance(customer), other.balance(customer)), (1, 1));
        }
        one.audit();
    });
}

#[test]
fn a_node_decides_by_what_another_has_just_changed() {
    two(|one, other| {
        let customer = one.customer(1_000_000);
        let (service, _) = one.routed();
        one.place(customer, service, draft("a", 100));
        let known = other.load(Key::Service(service)).services.get(&service).expect("loaded").cloned();
        let mut changed = std::sync::Arc::unwrap_or_clone(known.expect("there"));
        changed.enabled = false;
        other.ok(Command::PutService { service: Box::new(changed) });
        assert_eq!(one.refused(place(customer, service, draft("b", 100))), Refusal::UnknownService);
    });
}

/// Shows A12, I18.
#[test]
fn an_epoch_that_is_over_commits_nothing() {
    let Some(mut subject) = InPostgres::new() else { return };
    let mut again = subject.beside("first");
    let mut old = Panel::open(&mut subject);
    let customer = old.customer(5);
    let mut new = Panel::open(&mut again);
    assert_eq!((new.node, new.epoch), (old.node, old.epoch + 1), "the same name finds the same node");
    let now = old.now;
    let stopped = old.executor().run(now, &[credit(customer, 1)]).expect_err("over");
    assert_eq!(stopped.0.kind, StoreErrorKind::Fatal);
    assert_eq!(new.balance(customer), 5);
    new.ok(credit(customer, 2));
    assert_eq!(new.balance(customer), 7);
    new.audit();
}

#[test]
fn a_start_waits_for_what_the_epoch_before_has_under_way() {
    let Some(mut subject) = InPostgres::new() else { return };
    let mut again = subject.beside("first");
    let hand = ByHand::at(&subject);
    let mut old = Panel::open(&mut subject);
    let customer = old.customer(5);
    let (batch, now) = (BatchId { node: old.node, epoch: old.epoch, sequence: 1_000 }, old.now);
    assert_eq!(old.books().begin(batch, now), Ok(Begun::Fresh));
    std::thread::scope(|threads| {
        let start = threads.spawn(|| {
            let mut new = Panel::open(&mut again);
            new.balance(customer)
        });
        let waits = format!(
            "select count(*) from pg_stat_activity where application_name = '{}' and wait_event_type = 'Lock'",
            old.subject.options.schema
        );
        super::until(|| hand.number(&waits) > 0);
        let books = old.books();
        let mut world = World::new(books.cursors());
        books.load(&Need::of(Key::Account(customer)), &mut world).expect("still ours");
        let mut account = *world.accounts.get(&customer).expect("loaded").expect("there");
        account.credit_limit.0 += 1;
        world.accounts.set(customer, Some(account));
        let (changes, cursors) = world.into_changes();
        books.commit(&changes, cursors).expect("commits before the epoch ends");
        assert_eq!(start.join().expect("no panic"), 5);
    });
    assert_eq!(hand.number("select credit_limit from account"), 1);
}

/// Shows A11, A12, I18.
#[test]
fn only_a_node_whose_lease_has_run_out_is_taken_by_another_name() {
    let Some(mut subject) = InPostgres::new() else { return };
    let (mut second, mut third) = (subject.beside("second"), subject.beside("third"));
    let hand = ByHand::at(&subject);
    let mut one = Panel::open(&mut subject);
    let customer = one.customer(5);
    let (service, _) = one.routed();
    let link = one.link();
    assert_eq!(Panel::open(&mut second).node, NodeId(2), "the first one lives");
    hand.run("update node set lease_until = now() - interval '1 second' where id = 1");
    let mut heir = Panel::open(&mut third);
    assert_eq!((heir.node, heir.epoch, heir.link()), (NodeId(1), 2, link), "stream and chain go on");
    let now = one.now;
    assert!(one.executor().run(now, &[credit(customer, 1)]).is_err(), "woken too late");
    heir.ok(credit(customer, 1_000_000));
    heir.place(customer, service, draft("a", 100));
    heir.audit();
}

#[test]
fn a_batch_that_draws_beyond_its_block_gets_another() {
    let Some(mut subject) = InPostgres::new() else { return };
    let hand = ByHand::at(&subject);
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(100_000_000);
    let (service, _) = panel.routed();
    hand.run("update id_block set last_id = 4 where kind = 1");
    panel.reopen();
    let batch: Vec<_> = (0..10).map(|n| place(customer, service, draft(&link(n), 100))).collect();
    let orders = taken(&panel.batch(&batch));
    assert_eq!(orders.len(), 10);
    assert!(orders.is_sorted_by(|one, next| one.0 < next.0), "{orders:?}");
    assert!(hand.number("select count(*) from id_block where kind = 1") >= 1);
    panel.reopen();
    let next = panel.place(customer, service, draft("next", 100));
    assert_eq!(next.0, orders[9].0 + 1, "the block goes on after a start");
    panel.audit();
}

/// Shows E7.
#[test]
fn a_restored_backup_draws_beyond_what_was_given_out() {
    let Some(mut subject) = InPostgres::new() else { return };
    subject.options.order_floor = Some(50_000);
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    let order = panel.place(customer, service, draft("a", 100));
    assert!(order.0 >= 50_000, "{order}");
    panel.reopen();
    assert_eq!(panel.place(customer, service, draft("b", 100)).0, order.0 + 1);
}

#[test]
fn an_idempotency_key_whose_day_is_over_is_given_again() {
    let Some(mut subject) = InPostgres::new() else { return };
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    let first = placed(panel.ok(keyed(customer, service, draft("a", 100), 7, 1)));
    panel.wait(Span(IDEMPOTENCY_KEPT.0 + 1));
    let second = placed(panel.ok(keyed(customer, service, draft("b", 100), 7, 1)));
    assert_ne!(first, second);
    let again = panel.ok(keyed(customer, service, draft("b", 100), 7, 1));
    assert_eq!(again, Done::Placed { order: second, replayed: true });
}
