//! More idempotency keys than are kept in memory: the older go into the file, and none is forgotten before its time.

use panelworks_core::command::Command;
use panelworks_core::ids::{CustomerId, OrderId, ServiceId};
use panelworks_core::order::IdempotencyMark;
use panelworks_core::outcome::{Done, Refusal};
use panelworks_core::testing::draft;
use panelworks_core::time::Span;
use panelworks_store::contract::{Panel, link};
use panelworks_store::sqlite::{Durability, Options};

use super::by_hand;
use crate::subjects::InSqlite;

const IN_MEMORY: u32 = 200;
const ORDERS: u32 = 900;
/// Between two orders: the last is placed 22.5 hours after the first.
const APART: Span = Span::seconds(90);

fn keyed(customer: CustomerId, service: ServiceId, key: u32, parameters: u8) -> Command {
    let mut mark = IdempotencyMark { key: [7; 16], parameters: [parameters; 16] };
    mark.key[..4].copy_from_slice(&key.to_be_bytes());
    let draft = draft(&link(10 * key as usize + usize::from(parameters)), 100);
    Command::PlaceOrder { customer, service: Some(service), draft, mark: Some(mark), max_charge: None }
}

#[test]
fn keys_beyond_the_memory_are_remembered_for_a_day_and_after_a_start() {
    let mut subject = InSqlite::new();
    subject.options = Options {
        durability: Durability::Lazy,
        marks_in_memory: Some(IN_MEMORY as usize),
        ..Options::default()
    };
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(1_000_000_000);
    let (service, _) = panel.routed();
    let mut orders: Vec<OrderId> = Vec::new();
    for key in 0..ORDERS {
        let Done::Placed { order, replayed: false } = panel.ok(keyed(customer, service, key, 1)) else {
            panic!("key {key} was known")
        };
        orders.push(order);
        panel.wait(APART);
    }
    let spilled = |panel: &Panel<'_, InSqlite>| -> u32 {
        let count = "select count(*) from spilled where kind = 2";
        by_hand(panel.subject).query_row(count, [], |row| row.get(0)).expect("counted")
    };
    assert!(spilled(&panel) >= ORDERS - 2 * IN_MEMORY, "only {} left the memory", spilled(&panel));
    let all_known = |panel: &mut Panel<'_, InSqlite>| {
        for (key, order) in (0..).zip(&orders) {
            let again = panel.ok(keyed(customer, service, key, 1));
            assert_eq!(again, Done::Placed { order: *order, replayed: true }, "key {key}");
            let other = panel.refused(keyed(customer, service, key, 2));
            assert_eq!(other, Refusal::IdempotencyMismatch, "key {key}");
        }
    };
    all_known(&mut panel);
    panel.reopen();
    all_known(&mut panel);

    // The first is a day old now, and the others are younger.
    panel.wait(Span(Span::hours(24).0 - i64::from(ORDERS) * APART.0 + 1));
    assert!(matches!(panel.ok(keyed(customer, service, 0, 2)), Done::Placed { replayed: false, .. }));
    for key in (1..ORDERS).step_by(50) {
        assert!(
            matches!(panel.ok(keyed(customer, service, key, 1)), Done::Placed { replayed: true, .. }),
            "{key}"
        );
    }
    panel.wait(Span::hours(24));
    panel.ok(keyed(customer, service, ORDERS, 1));
    panel.reopen();
    assert!(matches!(panel.ok(keyed(customer, service, 5, 2)), Done::Placed { replayed: false, .. }));
    panel.audit();
}
