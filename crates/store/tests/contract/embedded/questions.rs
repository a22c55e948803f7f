//! What doors ask: each customer sees its own, and what was committed a moment ago.

use panelworks_core::command::Command;
use panelworks_core::ids::{CancelId, CustomerId, OrderId, ProviderAccountId, RefillId};
use panelworks_core::money::Amount;
use panelworks_core::operator::Username;
use panelworks_core::provider::SeenStatus;
use panelworks_core::testing::{draft, place, seen};
use panelworks_store::contract::{Panel, link, open_operator};
use panelworks_store::ports::{Counts, Views as _};

use super::{busy, views};
use crate::subjects::InSqlite;

#[test]
fn orders_come_in_the_order_asked_and_only_to_their_owner() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (customer, service, orders) = busy(&mut panel);
    let stranger = panel.customer(1_000_000);
    let foreign = panel.place(stranger, service, draft("theirs", 100));
    let views = views(panel.subject);
    let asked = [orders[5], OrderId(999_999), orders[0], foreign, orders[5], OrderId(0)];
    let found = views.orders(customer, &asked).expect("reads");
    let ids: Vec<_> = found.iter().map(|order| order.as_ref().map(|order| order.id)).collect();
    assert_eq!(ids, [Some(orders[5]), None, Some(orders[0]), None, Some(orders[5]), None]);
    assert_eq!(found[0].as_ref(), Some(&panel.placed_file(orders[5]).order));
    assert_eq!(views.orders(customer, &[]), Ok(Vec::new()));
}

#[test]
fn any_number_of_ids_can_be_asked_for() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(1_000_000_000);
    let (service, _) = panel.routed();
    let batch: Vec<_> = (0..250).map(|n| place(customer, service, draft(&link(n), 100))).collect();
    assert!(panel.batch(&batch).iter().all(|reply| matches!(reply, Ok(Ok(_)))));
    let views = views(panel.subject);
    for count in [1, 2, 8, 9, 32, 33, 100, 101, 250] {
        let ids: Vec<_> = (1..=count).rev().map(OrderId).collect();
        let found = views.orders(customer, &ids).expect("reads");
        let found: Vec<_> = found.into_iter().flatten().map(|order| order.id).collect();
        assert_eq!(found, ids);
    }
}

#[test]
fn operators_are_found_all_at_once_and_by_name() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    panel.ok(open_operator("anna", None, None));
    panel.ok(open_operator("ben", None, None));
    let views = views(panel.subject);
    let all = views.operators().expect("reads");
    assert_eq!(all.iter().map(|operator| operator.username.as_str()).collect::<Vec<_>>(), ["anna", "ben"]);
    let named = |name| views.operator(&Username::parse(name).expect("a username")).expect("reads");
    assert_eq!(named("Ben").as_ref(), Some(&all[1]));
    assert_eq!(named("cleo"), None);
}

#[test]
fn a_commit_is_seen_by_every_reader_at_once() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (customer, service, _) = busy(&mut panel);
    let readers = [views(panel.subject), views(panel.subject)];
    for n in 0..20 {
        let order = panel.place(customer, service, draft(&link(100 + n), 100));
        let balance = panel.balance(customer);
        for reader in &readers {
            assert!(reader.orders(customer, &[order]).expect("reads")[0].is_some());
            assert_eq!(reader.account(customer).expect("reads").expect("there").balance, Amount(balance));
        }
    }
}

#[test]
fn refills_and_cancels_are_only_for_their_owner() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (customer, _, orders) = busy(&mut panel);
    let stranger = panel.customer(0);
    let views = views(panel.subject);
    let refills = views.refills(customer, &[RefillId(2), RefillId(1)]).expect("reads");
    assert_eq!(refills[0], None);
    assert_eq!(refills[1].as_ref(), panel.placed_file(orders[1]).refills.first());
    let cancels = views.cancels(customer, &[CancelId(1_001), CancelId(1_000), CancelId(1)]).expect("reads");
    assert_eq!(cancels.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(views.refills(stranger, &[RefillId(1)]), Ok(vec![None]));
    assert_eq!(views.cancels(stranger, &[CancelId(1_000)]), Ok(vec![None]));
}

#[test]
fn counts_are_those_of_the_rows() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let empty = views(panel.subject).counts().expect("counts");
    assert_eq!(empty, Counts::default());
    busy(&mut panel);
    let hand = super::by_hand(panel.subject);
    let count = |table: &str| -> u64 {
        let counted: i64 =
            hand.query_row(&format!("select count(*) from {table}"), [], |row| row.get(0)).expect("counted");
        u64::try_from(counted).expect("not negative")
    };
    let expected = Counts {
        orders: count("orders"),
        open_orders: count("orders where status <= 3"),
        held_orders: count("orders where hold_at is not null"),
        entries: count("entry"),
        customers: count("customer"),
        services: count("service"),
        batches: count("batch"),
    };
    assert_eq!(views(panel.subject).counts(), Ok(expected));
}

#[test]
fn what_is_prepaid_follows_every_cost() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (customer, service, _) = busy(&mut panel);
    let account = ProviderAccountId(1);
    let before = views(panel.subject).prepaid(account).expect("reads");
    let order = panel.place(customer, service, draft("cost", 100));
    panel.accept(order, "cost");
    // 0.50 per 1,000, 100 of them.
    assert_eq!(views(panel.subject).prepaid(account), Ok(Amount(before.0 - 50_000)));
    assert_eq!(views(panel.subject).prepaid(ProviderAccountId(9)), Ok(Amount(0)));
}

#[test]
fn held_orders_are_listed_by_cursor() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(100_000_000);
    let manual =
        panel.service(panelworks_core::testing::service(panelworks_core::catalogue::ServiceType::Default));
    let orders: Vec<_> = (0..9).map(|n| panel.place(customer, manual, draft(&link(n), 100))).collect();
    panel.ok(Command::RequestCancel { customer, order: orders[4] });
    let views = views(panel.subject);
    let page = |after, limit| -> Vec<OrderId> {
        views.held(after, limit).expect("reads").iter().map(|file| file.order.id).collect()
    };
    assert_eq!(page(OrderId(0), 3), orders[..3]);
    assert_eq!(page(orders[2], 100), [&orders[3..4], &orders[5..]].concat());
    assert_eq!(page(orders[8], 3), []);
}

#[test]
fn lists_of_the_shop_come_whole_and_in_order() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (customer, service, orders) = busy(&mut panel);
    let second = panel.customer(3);
    panel.ok(panelworks_store::contract::credit(customer, -7));
    let views = views(panel.subject);
    assert_eq!(
        views.services().expect("reads").iter().map(|service| service.id).collect::<Vec<_>>(),
        [service]
    );
    assert_eq!(views.prices().expect("reads").len(), 1);
    assert_eq!(views.providers().expect("reads")[0].sealed_key, [0, 1, 255]);
    let customers = views.customers(CustomerId(0), 10).expect("reads");
    assert_eq!(customers.iter().map(|(customer, _)| customer.id).collect::<Vec<_>>(), [customer, second]);
    assert_eq!(views.customers(customer, 10).expect("reads").len(), 1);
    let amounts: Vec<_> =
        views.transfers(customer, 10).expect("reads").iter().map(|row| row.amount.0).collect();
    assert_eq!(amounts, [-7, 100_000_000], "newest first");
    assert_eq!(views.transfers(customer, 1).expect("reads").len(), 1);
    assert_eq!(views.file(orders[0]).expect("reads"), panel.file(orders[0]));
    let attempt = panel.accept(orders[9], "late");
    panel.observe(attempt, seen(SeenStatus::Completed));
    assert_eq!(views.file(orders[9]).expect("reads"), panel.file(orders[9]));
}
