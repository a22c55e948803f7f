//! What doors and people ask: each customer sees its own, and what was committed a moment ago.

use std::sync::atomic::{AtomicBool, Ordering};

use panelworks_core::command::Command;
use panelworks_core::ids::{CancelId, CustomerId, OrderId, ProviderAccountId, RefillId, ServiceId};
use panelworks_core::money::Amount;
use panelworks_core::operator::Username;
use panelworks_core::provider::SeenStatus;
use panelworks_core::testing::{draft, place, seen};
use panelworks_core::time::Span;

use super::{Panel, Subject, credit, link, open_operator};
use crate::ports::Counts;
use crate::reader::OwnReads;

/// An adapter that answers questions, and whose rows can be edited behind its back.
pub trait Asked: Subject {
    /// A reader with a connection of its own.
    fn reads(&self) -> OwnReads;

    /// Runs `sql` as somebody who edits the tables by hand, with no foreign key in his way. The rows it changed.
    fn by_hand(&self, sql: &str) -> u64;

    /// One number, asked by hand.
    fn number(&self, sql: &str) -> u64;
}

/// Makes a test of every case: `views_contract!(InSqlite::new());`. As with `store_contract!`, the subject may be one
/// that is missing on this machine.
#[macro_export]
macro_rules! views_contract {
    (where_possible $subject:expr) => {
        $crate::views_contract! { @cases [where_possible] $subject }
    };
    ($subject:expr) => {
        $crate::views_contract! { @cases [always] $subject }
    };
    (@cases [$when:ident] $subject:expr) => {
        $crate::store_contract! { @each [$when] $subject,
            // questions
            orders_come_in_the_order_asked_and_only_to_their_owner
            any_number_of_ids_can_be_asked_for
            numbers_that_no_row_can_have_are_unknown
            operators_are_found_all_at_once_and_by_name
            a_commit_is_seen_by_every_reader_at_once
            refills_and_cancels_are_only_for_their_owner
            counts_are_those_of_the_rows
            what_is_prepaid_follows_every_cost
            held_orders_are_listed_by_cursor
            lists_of_the_shop_come_whole_and_in_order
            // the audit
            an_audit_tells_how_far_it_is
            an_audit_while_orders_are_placed_finds_nothing
            a_balance_edited_by_hand_is_found
            an_entry_edited_by_hand_breaks_its_batch
            an_entry_moved_to_another_account_breaks_its_batch
            a_deleted_entry_is_missed
            the_last_entry_of_all_is_missed_as_well
            the_last_batch_of_all_leaves_entries_of_no_batch
            a_deleted_batch_is_missed
            a_batch_with_another_time_is_found
            a_batch_that_claims_more_entries_is_found
            a_charge_edited_by_hand_is_found
            a_refund_written_into_an_order_is_found
            a_deleted_order_leaves_rows_that_are_found
            two_orders_that_changed_places_are_found
            an_ended_order_reopened_by_hand_is_found
            remains_beyond_the_quantity_are_found
            an_order_of_an_unknown_service_is_found
            a_cost_edited_by_hand_is_found
            a_providers_balance_edited_by_hand_is_found
            // the archive
            an_archived_order_is_its_owner_s_to_read
            the_archive_is_audited_like_the_rest
            a_part_of_an_archived_order_left_behind_is_found
            a_deleted_transfer_is_missed
            a_transfer_with_another_amount_is_found
        }
    };
}

/// Some orders in every stage, a refill and a cancel.
pub fn busy<S: Subject>(panel: &mut Panel<'_, S>) -> (CustomerId, ServiceId, Vec<OrderId>) {
    let customer = panel.customer(100_000_000);
    let (service, account) = panel.routed();
    panel.ok(Command::FundProvider { account, amount: Amount(5_000_000), note: "first".to_owned() });
    let orders: Vec<_> = (0..12).map(|n| panel.place(customer, service, draft(&link(n), 100))).collect();
    for order in &orders[..8] {
        let attempt = panel.accept(*order, &format!("at north {order}"));
        if order.0 % 2 == 0 {
            panel.observe(attempt, seen(SeenStatus::Completed));
        }
    }
    panel.ok(Command::RequestCancel { customer, order: orders[0] });
    panel.ok(Command::RequestCancel { customer, order: orders[11] });
    panel.wait(Span::days(2));
    panel.ok(Command::RequestRefill { customer, order: orders[1] });
    (customer, service, orders)
}

/// Shows C8, I21.
pub fn orders_come_in_the_order_asked_and_only_to_their_owner<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service, orders) = busy(&mut panel);
    let stranger = panel.customer(1_000_000);
    let foreign = panel.place(stranger, service, draft("theirs", 100));
    let views = panel.subject.reads();
    let asked = [orders[5], OrderId(999_999), orders[0], foreign, orders[5], OrderId(0)];
    let found = views.orders(customer, &asked).expect("reads");
    let ids: Vec<_> = found.iter().map(|order| order.as_ref().map(|order| order.id)).collect();
    assert_eq!(ids, [Some(orders[5]), None, Some(orders[0]), None, Some(orders[5]), None]);
    assert_eq!(found[0].as_ref(), Some(&panel.placed_file(orders[5]).order));
    assert_eq!(views.orders(customer, &[]), Ok(Vec::new()));
}

pub fn any_number_of_ids_can_be_asked_for<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000_000);
    let (service, _) = panel.routed();
    let batch: Vec<_> = (0..250).map(|n| place(customer, service, draft(&link(n), 100))).collect();
    assert!(panel.batch(&batch).iter().all(|reply| matches!(reply, Ok(Ok(_)))));
    let views = panel.subject.reads();
    for count in [1, 2, 8, 9, 32, 33, 100, 101, 250] {
        let ids: Vec<_> = (1..=count).rev().map(OrderId).collect();
        let found = views.orders(customer, &ids).expect("reads");
        let found: Vec<_> = found.into_iter().flatten().map(|order| order.id).collect();
        assert_eq!(found, ids);
    }
}

pub fn numbers_that_no_row_can_have_are_unknown<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, ..) = busy(&mut panel);
    let views = panel.subject.reads();
    let most = u32::MAX;
    assert_eq!(views.orders(customer, &[OrderId(most), OrderId(0)]), Ok(vec![None, None]));
    assert_eq!(views.orders(CustomerId(most), &[OrderId(1)]), Ok(vec![None]));
    assert_eq!(views.refills(customer, &[RefillId(most)]), Ok(vec![None]));
    assert_eq!(views.cancels(customer, &[CancelId(most)]), Ok(vec![None]));
    assert_eq!(views.account(CustomerId(most)), Ok(None));
    assert_eq!(views.file(OrderId(most)), Ok(None));
    assert_eq!(views.held(OrderId(most), 10), Ok(Vec::new()));
    assert_eq!(views.prepaid(ProviderAccountId(most)), Ok(Amount::ZERO));
    assert_eq!(views.customers(CustomerId(most), usize::MAX), Ok(Vec::new()));
    assert_eq!(views.transfers(CustomerId(most), usize::MAX), Ok(Vec::new()));
}

pub fn operators_are_found_all_at_once_and_by_name<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    panel.ok(open_operator("anna", None, None));
    panel.ok(open_operator("ben", None, None));
    let views = panel.subject.reads();
    let all = views.operators().expect("reads");
    assert_eq!(all.iter().map(|operator| operator.username.as_str()).collect::<Vec<_>>(), ["anna", "ben"]);
    let named = |name| views.operator(&Username::parse(name).expect("a username")).expect("reads");
    assert_eq!(named("Ben").as_ref(), Some(&all[1]));
    assert_eq!(named("cleo"), None);
}

/// Shows I12.
pub fn a_commit_is_seen_by_every_reader_at_once<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service, _) = busy(&mut panel);
    let readers = [panel.subject.reads(), panel.subject.reads()];
    for n in 0..20 {
        let order = panel.place(customer, service, draft(&link(100 + n), 100));
        let balance = panel.balance(customer);
        for reader in &readers {
            assert!(reader.orders(customer, &[order]).expect("reads")[0].is_some());
            assert_eq!(reader.account(customer).expect("reads").expect("there").balance, Amount(balance));
        }
    }
}

/// Shows C8, I21.
pub fn refills_and_cancels_are_only_for_their_owner<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, _, orders) = busy(&mut panel);
    let stranger = panel.customer(0);
    let views = panel.subject.reads();
    let refills = views.refills(customer, &[RefillId(2), RefillId(1)]).expect("reads");
    assert_eq!(refills[0], None);
    assert_eq!(refills[1].as_ref(), panel.placed_file(orders[1]).refills.first());
    let cancels = views.cancels(customer, &[CancelId(1_001), CancelId(1_000), CancelId(1)]).expect("reads");
    assert_eq!(cancels.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(cancels[1].as_ref(), panel.placed_file(orders[0]).cancels.first());
    assert_eq!(views.refills(stranger, &[RefillId(1)]), Ok(vec![None]));
    assert_eq!(views.cancels(stranger, &[CancelId(1_000)]), Ok(vec![None]));
}

pub fn counts_are_those_of_the_rows<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let empty = panel.subject.reads().counts().expect("counts");
    assert_eq!(empty, Counts::default());
    busy(&mut panel);
    let count = |table: &str| panel.subject.number(&format!("select count(*) from {table}"));
    let expected = Counts {
        orders: count("orders"),
        archived_orders: 0,
        open_orders: count("orders where status <= 3"),
        held_orders: count("orders where hold_at is not null"),
        entries: count("entry"),
        customers: count("customer"),
        services: count("service"),
        batches: count("batch"),
    };
    assert!(expected.orders == 12 && expected.batches > 20, "{expected:?}");
    assert_eq!(panel.subject.reads().counts(), Ok(expected));
}

pub fn what_is_prepaid_follows_every_cost<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service, _) = busy(&mut panel);
    let account = ProviderAccountId(1);
    let views = panel.subject.reads();
    let before = views.prepaid(account).expect("reads");
    let order = panel.place(customer, service, draft("cost", 100));
    panel.accept(order, "cost");
    // 0.50 per 1,000, 100 of them.
    assert_eq!(views.prepaid(account), Ok(Amount(before.0 - 50_000)));
    assert_eq!(views.prepaid(ProviderAccountId(9)), Ok(Amount(0)));
}

pub fn held_orders_are_listed_by_cursor<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(100_000_000);
    let manual =
        panel.service(panelworks_core::testing::service(panelworks_core::catalogue::ServiceType::Default));
    let orders: Vec<_> = (0..9).map(|n| panel.place(customer, manual, draft(&link(n), 100))).collect();
    panel.ok(Command::RequestCancel { customer, order: orders[4] });
    let views = panel.subject.reads();
    let page = |after, limit| -> Vec<OrderId> {
        views.held(after, limit).expect("reads").iter().map(|file| file.order.id).collect()
    };
    assert_eq!(page(OrderId(0), 3), orders[..3]);
    assert_eq!(page(orders[2], 100), [&orders[3..4], &orders[5..]].concat());
    assert_eq!(page(orders[8], 3), []);
    assert_eq!(views.held(OrderId(0), 1).expect("reads"), [panel.placed_file(orders[0])]);
}

pub fn lists_of_the_shop_come_whole_and_in_order<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service, orders) = busy(&mut panel);
    let second = panel.customer(3);
    panel.ok(credit(customer, -7));
    let views = panel.subject.reads();
    assert_eq!(
        views.services().expect("reads").iter().map(|service| service.id).collect::<Vec<_>>(),
        [service]
    );
    let prices = views.prices().expect("reads");
    assert_eq!(prices.iter().map(|price| (price.service, price.version)).collect::<Vec<_>>(), [(service, 1)]);
    assert_eq!(views.providers().expect("reads")[0].sealed_key, [0, 1, 255]);
    assert_eq!(views.api_keys(), Ok(Vec::new()));
    let customers = views.customers(CustomerId(0), 10).expect("reads");
    assert_eq!(customers.iter().map(|(customer, _)| customer.id).collect::<Vec<_>>(), [customer, second]);
    assert_eq!(customers[1].1, panel.account(second));
    assert_eq!(views.customers(customer, 10).expect("reads").len(), 1);
    assert_eq!(views.customers(CustomerId(0), 1).expect("reads").len(), 1);
    let amounts: Vec<_> =
        views.transfers(customer, 10).expect("reads").iter().map(|row| row.amount.0).collect();
    assert_eq!(amounts, [-7, 100_000_000], "newest first");
    assert_eq!(views.transfers(customer, 1).expect("reads").len(), 1);
    assert_eq!(views.file(orders[0]).expect("reads"), panel.file(orders[0]));
    let attempt = panel.accept(orders[9], "late");
    panel.observe(attempt, seen(SeenStatus::Completed));
    assert_eq!(views.file(orders[9]).expect("reads"), panel.file(orders[9]));
}

pub fn an_audit_tells_how_far_it_is<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let views = panel.subject.reads();
    let mut told = Vec::new();
    assert_eq!(views.audit(&mut |done, all| told.push((done, all))), Ok(Vec::new()));
    assert_eq!(told, [(0, 0)]);
    busy(&mut panel);
    told.clear();
    assert_eq!(views.audit(&mut |done, all| told.push((done, all))), Ok(Vec::new()));
    assert_eq!(told.last(), Some(&(12, 12)));
}

/// Shows I2.
pub fn an_audit_while_orders_are_placed_finds_nothing<S: Asked>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let (customer, service, _) = busy(&mut panel);
    let (views, done) = (panel.subject.reads(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let done = &done;
        let auditor = scope.spawn(move || {
            let mut audits = 0;
            while !done.load(Ordering::Relaxed) || audits == 0 {
                assert_eq!(views.audit(&mut |_, _| ()), Ok(Vec::new()));
                audits += 1;
            }
        });
        for n in 0..40 {
            let order = panel.place(customer, service, draft(&link(100 + n), 100));
            panel.accept(order, &format!("at north {order}"));
        }
        done.store(true, Ordering::Relaxed);
        auditor.join().expect("every audit is clean");
    });
}
