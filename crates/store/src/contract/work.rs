//! The work there is at a start is found whole, in steps of the size that was asked for.

use panelworks_core::command::Command;
use panelworks_core::ids::OrderId;
use panelworks_core::order::OrderFile;
use panelworks_core::order::attempt::{Recall, Verdict};
use panelworks_core::order::cancel::CancelAnswer;
use panelworks_core::provider::SeenStatus;
use panelworks_core::testing::{draft, provider_order, seen, unknown};
use panelworks_core::time::{Span, Timestamp};

use super::{Panel, Subject, link};
use crate::ports::Share;

fn open_ids<S: Subject>(panel: &mut Panel<'_, S>, step: usize) -> Vec<OrderId> {
    panel.queue(|queue| {
        let (mut found, mut after) = (Vec::new(), OrderId(0));
        loop {
            let page = queue.open_files(&Share::Own, after, step).expect("reads");
            assert!(page.len() <= step);
            let Some(last) = page.last() else { return found };
            after = last.order.id;
            found.extend(page.iter().map(|file| file.order.id));
        }
    })
}

pub fn open_orders_are_found_in_pages<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(100_000_000);
    let (service, _) = panel.routed();
    let mut orders: Vec<_> = (0..30).map(|n| panel.place(customer, service, draft(&link(n), 100))).collect();
    for order in orders.extract_if(.., |order| order.0 % 3 == 0).collect::<Vec<_>>() {
        panel.ok(Command::RequestCancel { customer, order });
    }
    for step in [1, 7, 1_000] {
        assert_eq!(open_ids(&mut panel, step), orders);
    }
    panel.reopen();
    let whole: Vec<OrderFile> = orders.iter().map(|order| panel.placed_file(*order)).collect();
    let found = panel.queue(|queue| queue.open_files(&Share::Own, OrderId(0), 1_000).expect("reads"));
    assert_eq!(found, whole);
}

pub fn an_ended_order_with_an_open_refill_is_work<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(100_000_000);
    let (service, _) = panel.routed();
    let order = panel.place(customer, service, draft("a", 100));
    let attempt = panel.accept(order, "1");
    panel.observe(attempt, seen(SeenStatus::Completed));
    let open = panel.place(customer, service, draft("b", 100));
    assert_eq!(open_ids(&mut panel, 10), [open]);
    panel.wait(Span::days(2));
    panel.ok(Command::RequestRefill { customer, order });
    assert_eq!(open_ids(&mut panel, 10), [order, open]);
    assert_eq!(open_ids(&mut panel, 1), [order, open]);
    panel.reopen();
    let refill = panel.placed_file(order).refills[0].id;
    let seen = panelworks_core::order::refill::RefillSeen::Completed;
    panel.ok(Command::ObserveRefill { order, refill, seen });
    assert_eq!(open_ids(&mut panel, 10), [open]);
}

pub fn an_ended_order_with_a_recall_is_work<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(100_000_000);
    let (service, _) = panel.routed();
    let order = panel.place(customer, service, draft("a", 100));
    let attempt = panel.send(order, unknown());
    panel.ok(Command::ResolveAttempt { attempt, verdict: Verdict::WriteOff });
    let open = panel.place(customer, service, draft("b", 100));
    assert_eq!(open_ids(&mut panel, 10), [open]);
    let late = Verdict::Adopt { order: provider_order("late") };
    panel.ok(Command::ResolveAttempt { attempt, verdict: late });
    panel.ok(Command::AnswerRecall { attempt, answer: CancelAnswer::Unclear });
    assert_eq!(open_ids(&mut panel, 1), [order, open]);
    let due = panel.now.after(Span::seconds(20));
    panel.reopen();
    assert_eq!(panel.placed_file(order).attempts[0].recall, Some(Recall::Asking { due, tries: 1 }));
    panel.ok(Command::AnswerRecall { attempt, answer: CancelAnswer::Refused });
    assert_eq!(open_ids(&mut panel, 10), [order, open]);
    panel.observe(attempt, seen(SeenStatus::Completed));
    assert_eq!(open_ids(&mut panel, 10), [open]);
    panel.audit();
}

pub fn ended_orders_are_walked_in_bounded_steps<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(100_000_000);
    let (service, _) = panel.routed();
    let mut ended = Vec::new();
    for n in 0..20 {
        let order = panel.place(customer, service, draft(&link(n), 100));
        if n % 2 == 0 {
            panel.ok(Command::RequestCancel { customer, order });
            ended.push((panel.now, order));
        }
        panel.wait(Span::hours(1));
    }
    let walk = |panel: &mut Panel<'_, S>, since: Timestamp, rows: usize| {
        panel.queue(|queue| {
            let (mut found, mut after) = (Vec::new(), OrderId(0));
            loop {
                let (files, next) = queue.ended_files(after, since, rows).expect("reads");
                assert!(files.len() <= rows);
                found.extend(files.iter().map(|file| file.order.id));
                let Some(next) = next else { return found };
                assert!(next > after);
                after = next;
            }
        })
    };
    let since = ended[4].0;
    let expected: Vec<_> = ended[4..].iter().map(|(_, order)| *order).collect();
    for rows in [1, 3, 100] {
        assert_eq!(walk(&mut panel, since, rows), expected);
    }
    panel.reopen();
    assert_eq!(walk(&mut panel, Timestamp(0), 7).len(), ended.len());
}
