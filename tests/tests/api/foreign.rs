//! Other customers' ids: every action answers as for an id that nobody has (`invariants.md` C8).

use panelworks_tests::{Api, Panel, error_of, link};
use serde_json::Value;

/// An id that nobody has.
const NOBODYS: u64 = 2_000_000_000;

/// Asserts that `field` = `id` is answered exactly as an unknown id is, the id itself aside.
async fn looks_unknown(stranger: &Api, action: &str, field: &str, id: u64) {
    let ask = async |id: u64| {
        let id = id.to_string();
        let said = stranger.call(&[("action", action), (field, &id)]).await;
        said.to_string().replace(&id, "ID")
    };
    let (foreign, unknown) = (ask(id).await, ask(NOBODYS).await);
    assert_eq!(foreign, unknown, "{action} {field}={id}");
    assert!(unknown.contains("error"), "{action} {field}: {unknown}");
}

fn id_of(said: &Value, field: &str) -> u64 {
    let id = said[field].as_u64().or_else(|| said[field].as_str().and_then(|text| text.parse().ok()));
    id.unwrap_or_else(|| panic!("no {field}: {said}"))
}

/// An order of the past that takes a refill today, and the refill.
async fn refilled(panel: &Panel) -> (u64, u64) {
    let orders = panel.ready()["refillable_orders"].as_array().expect("a list").clone();
    for order in orders {
        let said = panel.customer(0).call(&[("action", "refill"), ("order", &order.to_string())]).await;
        if error_of(&said).is_empty() {
            return (order.as_u64().expect("an id"), id_of(&said, "refill"));
        }
    }
    panic!("none of the orders of the past takes a refill");
}

/// Shows C8, I21.
#[tokio::test]
async fn foreign_ids_answer_as_unknown_ones_for_every_action() {
    let panel = Panel::demo(&["--past", "--speed", "600"]).await;
    assert!(panel.ready()["refillable_orders"].as_array().is_some_and(|orders| orders.len() >= 100));
    let (owner, stranger) = (panel.customer(0), panel.customer(1));
    let (done, refill) = refilled(&panel).await;
    let open = owner.order(panel.service("cancelable"), &link("foreign"), 100).await;

    for order in [done, open] {
        for (action, field) in [
            ("status", "order"),
            ("status", "orders"),
            ("refill", "order"),
            ("refill", "orders"),
            ("cancel", "order"),
            ("cancel", "orders"),
        ] {
            looks_unknown(&stranger, action, field, order).await;
        }
    }
    let status = owner.status(open).await;
    assert!(status["status"] != "Canceled", "a stranger's cancel did something: {status}");

    let said = owner.call(&[("action", "cancel"), ("order", &open.to_string())]).await;
    let cancel = id_of(&said, "cancel");
    for (action, field, id) in [
        ("refill_status", "refill", refill),
        ("refill_status", "refills", refill),
        ("cancel_status", "cancel", cancel),
        ("cancel_status", "cancels", cancel),
        ("cancel", "cancels", cancel),
    ] {
        looks_unknown(&stranger, action, field, id).await;
        let own = owner.call(&[("action", action), (field, &id.to_string())]).await;
        assert!(!own.to_string().contains("error"), "{action} {field}={id} for its owner: {own}");
    }
    panel.books_balance();
}
