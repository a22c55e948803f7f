//! From the list of services to the end of an order, and its last micro-unit.

use std::collections::BTreeMap;
use std::time::Duration;

use panelworks_tests::{
    ENDS, ONE_CALL_TYPES, Panel, charge_is_right, full_charge, link, micros, parameters, quantity_charged,
    until,
};
use serde_json::Value;

const ORDERS_END: Duration = Duration::from_secs(90);

/// An order that was placed, with what it must cost.
struct Placed {
    order: u64,
    link: String,
    full: i128,
    quantity: i128,
}

async fn services_by_id(panel: &Panel) -> BTreeMap<u64, Value> {
    let rows = panel.customer(0).services().await;
    rows.into_iter().map(|row| (row["service"].as_u64().expect("ids are ints"), row)).collect()
}

async fn place(panel: &Panel, services: &BTreeMap<u64, Value>, word: &str, service: u64) -> Placed {
    let link = link(word);
    let mut fields = parameters(word);
    fields.push(("link", &link));
    let order = panel.customer(0).add(service, &fields).await;
    let quantity = quantity_charged(word);
    Placed { order, link: link.clone(), full: full_charge(&services[&service], quantity), quantity }
}

async fn all_ended(panel: &Panel, placed: &[Placed]) -> BTreeMap<u64, Value> {
    let customer = panel.customer(0);
    let ids: Vec<u64> = placed.iter().map(|placed| placed.order).collect();
    until("the end of all orders", ORDERS_END, async || {
        let mut ends = BTreeMap::new();
        for some in ids.chunks(100) {
            let statuses = customer.statuses(some).await;
            for id in some {
                ends.insert(*id, statuses[id.to_string()].clone());
            }
        }
        let open =
            ends.values().find(|status| !ENDS.contains(&status["status"].as_str().unwrap_or_default()));
        open.map_or(Ok(ends.clone()), |open| Err(open.clone()))
    })
    .await
}

/// Statuses, charges, refunds, the balance, the provider's own log and the audit tell the same story.
async fn it_all_adds_up(panel: &Panel, before: i128, placed: &[Placed]) -> BTreeMap<String, usize> {
    let ends = all_ended(panel, placed).await;
    let mut words: BTreeMap<String, usize> = BTreeMap::new();
    let mut charged = 0;
    for placed in placed {
        let status = &ends[&placed.order];
        charge_is_right(status, placed.full, placed.quantity);
        charged += micros(&status["charge"]);
        *words.entry(status["status"].as_str().expect("a word").to_owned()).or_default() += 1;
    }
    assert_eq!(
        panel.customer(0).balance().await,
        before - charged,
        "the balance is what the orders left of it"
    );
    let witness = panel.witness().await;
    for placed in placed {
        assert_eq!(witness.orders_for(&placed.link), 1, "{} at the provider", placed.link);
    }
    panel.books_balance();
    words
}

#[tokio::test]
async fn every_type_is_ordered_delivered_and_charged_exactly() {
    let panel = Panel::demo(&[]).await;
    let services = services_by_id(&panel).await;
    assert!(services.len() >= 40, "{}", services.len());
    let before = panel.customer(0).balance().await;
    assert!(before >= 10_000_000_000, "{before}");
    let mut placed = Vec::new();
    for word in ONE_CALL_TYPES {
        let one = place(&panel, &services, word, panel.service(word)).await;
        let status = panel.customer(0).status(one.order).await;
        let ended = ENDS.contains(&status["status"].as_str().unwrap_or_default());
        assert!(ended || micros(&status["charge"]) == one.full, "{word}: {status}, for {}", one.full);
        placed.push(one);
    }
    it_all_adds_up(&panel, before, &placed).await;
}

#[tokio::test]
async fn a_service_without_links_is_ordered_without_one() {
    let panel = Panel::demo(&[]).await;
    let order = panel.customer(0).add(panel.service("no link"), &[("quantity", "100")]).await;
    panel.customer(0).ended(order, ORDERS_END).await;
    panel.books_balance();
}

#[tokio::test]
async fn partial_and_canceled_orders_give_back_exactly_what_was_not_delivered() {
    let panel = Panel::demo(&[]).await;
    let services = services_by_id(&panel).await;
    let shaky =
        services.iter().find(|(_, row)| row["name"].as_str().is_some_and(|name| name.contains("Economy")));
    let service = *shaky.expect("the catalogue has a service that is often cut short").0;
    let before = panel.customer(0).balance().await;
    let mut placed = Vec::new();
    for _ in 0..60 {
        placed.push(place(&panel, &services, "Default", service).await);
    }
    let words = it_all_adds_up(&panel, before, &placed).await;
    for end in ENDS {
        assert!(words.contains_key(end), "none of 60 ended {end}: {words:?}");
    }
}

#[tokio::test]
async fn an_order_that_was_not_sent_yet_is_cancelled_at_once_and_refunded_whole() {
    let panel = Panel::demo(&[]).await;
    let customer = panel.customer(0);
    let service = panel.service("cancelable");
    // Nobody delivers it, so it waits.
    panel.ask(&["service", "set", &service.to_string(), "--manual"]);
    let before = customer.balance().await;
    let order = customer.order(service, &link("cancelled"), 100).await;
    assert!(customer.balance().await < before);
    let row = customer.call(&[("action", "cancel"), ("orders", &order.to_string())]).await[0].clone();
    let cancel = row["cancel"].as_u64().unwrap_or_else(|| panic!("taken: {row}"));
    assert!(cancel >= 1_000, "{row}");
    let state = customer.call(&[("action", "cancel_status"), ("cancel", &cancel.to_string())]).await;
    assert_eq!(state["status"], "Completed");
    assert_eq!(customer.status(order).await["status"], "Canceled");
    assert_eq!(customer.balance().await, before);
    panel.books_balance();
}

#[tokio::test]
async fn a_cancel_under_way_gives_money_back_only_for_what_the_provider_did_not_deliver() {
    // Slow enough that the cancel arrives in the midst.
    let panel = Panel::demo(&["--speed", "1200"]).await;
    let services = services_by_id(&panel).await;
    let customer = panel.customer(0);
    let before = customer.balance().await;
    let placed = place(&panel, &services, "Default", panel.service("cancelable")).await;
    until("the order to run", ORDERS_END, async || {
        let status = customer.status(placed.order).await;
        if status["status"] == "In progress" { Ok(()) } else { Err(status) }
    })
    .await;
    let row = customer.call(&[("action", "cancel"), ("orders", &placed.order.to_string())]).await[0].clone();
    assert!(row["cancel"].is_u64(), "{row}");
    assert_eq!(customer.balance().await, before - placed.full, "a request moves no money");
    it_all_adds_up(&panel, before, &[placed]).await;
}
