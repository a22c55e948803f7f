//! Orders that rest are kept apart, and are what they were for everybody who asks.

use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, CustomerId, OrderId, ServiceId};
use panelworks_core::limits;
use panelworks_core::order::OrderFile;
use panelworks_core::order::attempt::{AttemptResult, Verdict};
use panelworks_core::outcome::{Done, Refusal};
use panelworks_core::provider::{Observation, SeenStatus};
use panelworks_core::testing::{draft, provider_order, seen};
use panelworks_core::time::Span;

use super::{Asked, Fate, Panel, Subject, link};
use crate::ports::OldOrders;

const KEPT: Span = limits::ARCHIVE_AFTER;

/// A shop with `count` completed orders, each with a refill that was refused, whose time is over.
fn aged<S: Subject>(panel: &mut Panel<'_, S>, count: usize) -> (CustomerId, ServiceId, Vec<OrderId>) {
    let customer = panel.customer(100_000_000);
    let (service, _) = panel.routed();
    let orders: Vec<OrderId> = (0..count)
        .map(|n| {
            let order = panel.place(customer, service, draft(&link(n), 100));
            let attempt = panel.accept(order, &format!("theirs of {n}"));
            panel.observe(attempt, seen(SeenStatus::Completed));
            order
        })
        .collect();
    panel.wait(Span::days(2));
    for order in &orders {
        let Done::RefillRequested { refill } = panel.ok(Command::RequestRefill { customer, order: *order })
        else {
            panic!("not requested")
        };
        let answer = panelworks_core::order::refill::RefillAnswer::Refused;
        panel.ok(Command::AnswerRefill { order: *order, refill, answer });
    }
    panel.wait(KEPT);
    (customer, service, orders)
}

/// Archives all of them.
fn archive<S: Subject>(panel: &mut Panel<'_, S>, orders: &[OrderId]) {
    let command = Command::ArchiveOrders { orders: orders.to_vec(), kept: KEPT };
    let count = u32::try_from(orders.len()).expect("few");
    assert_eq!(panel.ok(command), Done::Archived { orders: count });
}

/// Those that are old and not archived, in steps of `rows`.
fn old<S: Subject>(panel: &mut Panel<'_, S>, rows: usize) -> Vec<OrderId> {
    let before = panel.now.after(Span(-KEPT.0));
    panel.queue(|queue| {
        let (mut found, mut after) = (Vec::new(), OrderId(0));
        loop {
            let OldOrders { orders, next, young } = queue.old_orders(after, before, rows).expect("reads");
            assert!(orders.len() + young <= rows);
            found.extend(orders);
            let Some(next) = next else { return found };
            assert!(next > after);
            after = next;
        }
    })
}

fn files<S: Subject>(panel: &mut Panel<'_, S>, orders: &[OrderId]) -> Vec<OrderFile> {
    orders.iter().map(|order| panel.placed_file(*order)).collect()
}

pub fn old_orders_are_walked_in_bounded_steps<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service, orders) = aged(&mut panel, 9);
    let open = panel.place(customer, service, draft("open", 100));
    for rows in [1, 4, 100] {
        assert_eq!(old(&mut panel, rows), orders);
    }
    let (now, before) = (panel.now, panel.now.after(Span(-KEPT.0)));
    let young = panel.queue(|queue| queue.old_orders(orders[8], before, 10).expect("reads"));
    assert_eq!(young, OldOrders { orders: Vec::new(), next: Some(open), young: 1 });
    archive(&mut panel, &orders[2..5]);
    panel.now = now;
    assert_eq!(old(&mut panel, 2), [&orders[..2], &orders[5..]].concat());
    panel.reopen();
    assert_eq!(old(&mut panel, 100), [&orders[..2], &orders[5..]].concat());
    panel.audit();
}

/// Shows E14.
pub fn an_archived_order_is_what_it_was<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (.., orders) = aged(&mut panel, 5);
    let before = files(&mut panel, &orders);
    assert!(before.iter().all(|file| file.refills.len() == 1), "with all that hangs on it");
    archive(&mut panel, &orders[..4]);
    assert_eq!(files(&mut panel, &orders), before);
    assert_eq!(panel.queue(|queue| queue.files(&orders).expect("reads")), before);
    panel.audit();
    panel.reopen();
    assert_eq!(files(&mut panel, &orders), before);
    let none = Command::ArchiveOrders { orders: orders[..4].to_vec(), kept: Span::days(400) };
    assert_eq!(panel.ok(none), Done::Archived { orders: 0 });
    panel.ok(Command::ArchiveOrders { orders: orders.clone(), kept: KEPT });
    assert_eq!(files(&mut panel, &orders), before);
    assert_eq!(old(&mut panel, 100), []);
    panel.audit();
}

pub fn an_archived_order_answers_commands_as_before<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, _, orders) = aged(&mut panel, 2);
    let stranger = panel.customer(1);
    let asked = |order, customer| {
        [Command::RequestRefill { customer, order }, Command::RequestCancel { customer, order }]
    };
    archive(&mut panel, &orders[..1]);
    for (archived, present) in asked(orders[0], customer).into_iter().zip(asked(orders[1], customer)) {
        assert_eq!(panel.refused(archived), panel.refused(present));
    }
    for command in asked(orders[0], stranger) {
        assert_eq!(panel.refused(command), Refusal::UnknownOrder);
    }
}

pub fn a_change_brings_an_order_back_from_the_archive<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (.., orders) = aged(&mut panel, 3);
    archive(&mut panel, &orders);
    let counted = Observation { start_count: Some(42), ..seen(SeenStatus::Completed) };
    panel.observe(AttemptId { order: orders[1], number: 1 }, counted.clone());
    assert_eq!(panel.placed_file(orders[1]).order.start_count, Some(42));
    assert_eq!(old(&mut panel, 100), [orders[1]]);
    panel.audit();
    panel.reopen();
    assert_eq!(panel.placed_file(orders[1]).refills.len(), 1);
    archive(&mut panel, &[orders[1]]);
    assert_eq!(old(&mut panel, 100), []);
    // Within one batch: what is changed too stays, whichever came first.
    panel.observe(AttemptId { order: orders[2], number: 1 }, counted.clone());
    let again = Observation { start_count: Some(43), ..counted };
    panel.batch(&[
        Command::ArchiveOrders { orders: orders.clone(), kept: KEPT },
        Command::Observe { attempt: AttemptId { order: orders[2], number: 1 }, seen: again },
    ]);
    assert_eq!(old(&mut panel, 100), [orders[2]]);
    panel.audit();
}

pub fn numbers_are_not_given_again_while_their_orders_are_archived<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service, orders) = aged(&mut panel, 4);
    let cursors = panel.cursors();
    archive(&mut panel, &orders);
    panel.reopen();
    assert_eq!(panel.cursors(), cursors);
    assert_eq!(panel.place(customer, service, draft("next", 100)), OrderId(orders[3].0 + 1));
}

/// Shows I16.
pub fn a_provider_s_order_stays_its_attempt_s_in_the_archive<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service, orders) = aged(&mut panel, 2);
    archive(&mut panel, &orders);
    let order = panel.place(customer, service, draft("next", 100));
    let attempt = panel.send(order, panelworks_core::testing::unknown());
    let adopt = |theirs: &str| {
        let order = provider_order(theirs);
        Command::ResolveAttempt { attempt, verdict: Verdict::Adopt { order } }
    };
    assert!(matches!(panel.refused(adopt("theirs of 1")), Refusal::OutOfTurn(_)));
    panel.ok(adopt("theirs of 2"));
    // A provider that gives a number twice: the second is not believed.
    let another = panel.place(customer, service, draft("another", 100));
    panel.send(another, AttemptResult::Accepted { order: provider_order("theirs of 0") });
    let told = panel.placed_file(another).attempts[0].state.provider_order().cloned();
    assert_eq!(told, None);
    panel.audit();
}

pub fn what_is_archived_in_a_batch_that_fails_stays<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (.., orders) = aged(&mut panel, 4);
    let before = files(&mut panel, &orders);
    panel.fates([Fate::Refused]);
    let command = Command::ArchiveOrders { orders: orders.clone(), kept: KEPT };
    assert!(panel.reply(command.clone()).is_err());
    assert_eq!(old(&mut panel, 100), orders);
    panel.fates([Fate::Again, Fate::LostAnswer]);
    assert_eq!(panel.ok(command), Done::Archived { orders: 4 });
    assert_eq!(old(&mut panel, 100), []);
    assert_eq!(files(&mut panel, &orders), before);
    panel.audit();
}

/// Shows C8, I21.
pub fn an_archived_order_is_its_owner_s_to_read<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, _, orders) = aged(&mut panel, 6);
    let stranger = panel.customer(1);
    let views = panel.subject.reads();
    let refills: Vec<_> = files(&mut panel, &orders).iter().map(|file| file.refills[0].id).collect();
    let ask = |whose| {
        let ids = [orders[5], orders[0], OrderId(9_999), orders[3]];
        let answers = views.orders(whose, &ids).expect("reads");
        (answers, views.refills(whose, &refills).expect("reads"))
    };
    let before = ask(customer);
    assert!(before.0[1].is_some() && before.1.iter().all(Option::is_some));
    archive(&mut panel, &orders[..4]);
    assert_eq!(ask(customer), before);
    let (none, no_refills) = ask(stranger);
    assert!(none.iter().all(Option::is_none) && no_refills.iter().all(Option::is_none));
    assert_eq!(views.file(orders[0]).expect("reads"), panel.file(orders[0]));
    let counts = views.counts().expect("counts");
    assert_eq!((counts.orders, counts.archived_orders), (6, 4));
    assert_eq!(panel.subject.number("select count(*) from archived_orders"), 4);
    assert_eq!(panel.subject.number("select count(*) from orders"), 2);
    for table in ["attempt", "refill"] {
        assert_eq!(panel.subject.number(&format!("select count(*) from archived_{table}")), 4);
    }
    let mut told = Vec::new();
    assert_eq!(views.audit(&mut |done, all| told.push((done, all))), Ok(Vec::new()));
    assert_eq!(told.last(), Some(&(6, 6)));
}

/// Whatever is edited in the archive by hand, the audit finds.
pub fn the_archive_is_audited_like_the_rest<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (.., orders) = aged(&mut panel, 3);
    archive(&mut panel, &orders[..2]);
    let views = panel.subject.reads();
    let edits = [
        ("update archived_orders set refunded = 1, in_flight = in_flight - 1 where id = {}", "I6"),
        ("update archived_orders set rate = rate + 1 where id = {}", "I7"),
        ("update archived_orders set remains = quantity + 1 where id = {}", "I10"),
        ("update archived_orders set customer = 77 where id = {}", "I1"),
        ("update archived_attempt set booked_cost = booked_cost + 1 where order_id = {}", "I19"),
        ("delete from archived_attempt where order_id = {}", "attempt 1, which does not exist"),
        ("update archived_refill set order_id = 9999 where order_id = {}", "a refill of order 9999"),
        ("delete from archived_orders where id = {}", "orders, the last batch counted"),
    ];
    assert_eq!(views.audit(&mut |_, _| ()), Ok(Vec::new()));
    for (edit, words) in edits {
        let sql = edit.replace("{}", &orders[0].to_string());
        assert!(panel.subject.by_hand(&sql) > 0, "{sql} changed nothing");
        let said = views.audit(&mut |_, _| ()).expect("audits");
        assert!(said.iter().any(|violation| violation.to_string().contains(words)), "{sql}: {said:#?}");
    }
}

/// Shows E5.
pub fn a_part_of_an_archived_order_left_behind_is_found<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (.., orders) = aged(&mut panel, 2);
    archive(&mut panel, &orders[..1]);
    let [archived, present] = [orders[0], orders[1]];
    let sql = format!("update attempt set order_id = {archived}, number = 2 where order_id = {present}");
    assert_eq!(panel.subject.by_hand(&sql), 1);
    let said = panel.subject.reads().audit(&mut |_, _| ()).expect("audits");
    let found = |word: &str| said.iter().any(|violation| violation.what.contains(word));
    assert!(found("on the other side of the archive"), "{said:#?}");
}
