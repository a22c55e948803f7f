//! Numbers are drawn by commits alone, and never twice.

use panelworks_core::catalogue::ServiceType;
use panelworks_core::command::Command;
use panelworks_core::ids::CancelId;
use panelworks_core::outcome::Done;
use panelworks_core::provider::SeenStatus;
use panelworks_core::testing::{draft, dripping, place, seen, service};
use panelworks_core::time::Span;

use super::{Fate, Panel, Subject, credit};

pub fn numbers_go_on_after_a_start<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    let order = panel.place(customer, service, draft("a", 100));
    let attempt = panel.accept(order, "77");
    panel.observe(attempt, seen(SeenStatus::Completed));
    panel.wait(Span::days(2));
    panel.ok(Command::RequestRefill { customer, order });
    let second = panel.place(customer, service, draft("b", 100));
    panel.ok(Command::RequestCancel { customer, order: second });
    let before = panel.cursors();
    panel.reopen();
    assert_eq!(panel.cursors(), before);
    let third = panel.place(customer, service, draft("c", 100));
    assert_eq!(third.0, second.0 + 1);
    panel.audit();
}

pub fn refused_and_failed_batches_draw_no_numbers<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(100_000);
    let (service, _) = panel.routed();
    let next = panel.cursors().order;
    panel.refused(place(customer, service, draft("a", 10_000)));
    panel.fates([Fate::Refused]);
    let _failed = panel.reply(place(customer, service, draft("a", 100)));
    let order = panel.place(customer, service, draft("a", 100));
    assert_eq!(order.0, next);
}

pub fn orders_runs_and_posts_share_one_sequence<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(10_000_000);
    let sold = panel.service(service(ServiceType::Default));
    let parent = panel.place(customer, sold, dripping("a", 100, 3, 10));
    let next = panel.place(customer, sold, draft("b", 100));
    assert_eq!(next.0, parent.0 + 2, "the first run was made with its parent");
    let run = panel.placed_file(panelworks_core::ids::OrderId(parent.0 + 1));
    assert_eq!(run.order.part.parent(), Some(parent));
    panel.audit();
}

pub fn the_first_cancel_is_a_thousand<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(10_000_000);
    let (service, _) = panel.routed();
    panel.reopen();
    let order = panel.place(customer, service, draft("a", 100));
    let Done::CancelRequested { cancel, .. } = panel.ok(Command::RequestCancel { customer, order }) else {
        panic!("not requested")
    };
    assert_eq!(cancel, CancelId(panelworks_core::limits::CANCEL_ID_FIRST));
    panel.ok(credit(customer, 1));
}
