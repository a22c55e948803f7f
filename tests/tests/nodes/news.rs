//! What is changed on one node is known on the other, and what one accepts the other carries out (`invariants.md` C30).

use std::time::Instant;

use panelworks_tests::{Api, error_of, link, until};
use serde_json::Value;

use crate::{KNOWN_EVERYWHERE, LIMIT, Nodes, is_left_out};

/// The provider's service that takes hours and can be cancelled.
const CANCELABLE: u64 = 4;

async fn balance(api: &Api) -> Value {
    api.call(&[("action", "balance")]).await
}

/// Waits until a customer is told this, and says how long it took.
async fn soon(api: &Api, error: &str) {
    let begun = Instant::now();
    until(&format!("the answer {error:?}"), LIMIT, async || {
        let said = balance(api).await;
        if error_of(&said) == error { Ok(()) } else { Err(said) }
    })
    .await;
    let took = begun.elapsed();
    eprintln!("{error:?} on the other node after {took:?}");
    assert!(took <= KNOWN_EVERYWHERE, "{took:?}");
}

/// Shows C30, I12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_customers_and_services_changed_on_one_node_are_so_on_the_other_within_a_second() {
    if is_left_out("news between nodes") {
        return;
    }
    let nodes = Nodes::start(2, &[]).await;
    let said = nodes.panel(0).ask(&["customer", "add", "ben", "--balance", "5", "--unlimited"]);
    let (ben, key) = (said["customer"].to_string(), said["api_key"].as_str().expect("a key").to_owned());
    let elsewhere = nodes.customer(1, &key);
    soon(&elsewhere, "").await;
    nodes.panel(0).ask(&["customer", "suspend", &ben]);
    soon(&elsewhere, "Your account has been suspended").await;
    nodes.panel(0).ask(&["customer", "resume", &ben]);
    soon(&elsewhere, "").await;
    nodes.panel(0).ask(&["customer", "rotate-key", &ben]);
    soon(&elsewhere, "Invalid API key").await;

    let service = nodes.service().await;
    nodes.panel(1).ask(&["service", "set", &service.to_string(), "--disable"]);
    let begun = Instant::now();
    let anna = nodes.anna(0);
    until("the service to vanish", LIMIT, async || {
        let sold = anna.services().await;
        let is_sold =
            sold.iter().any(|row| row["service"].to_string().trim_matches('"') == service.to_string());
        if is_sold { Err(sold.len()) } else { Ok(()) }
    })
    .await;
    assert!(begun.elapsed() <= KNOWN_EVERYWHERE, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_accepted_on_one_node_reaches_the_provider_through_the_one_that_works_on_the_order() {
    if is_left_out("a cancel through another node") {
        return;
    }
    // An hour in six seconds: so slow that the order does not end by itself before its cancel does.
    let nodes = Nodes::start(2, &["--speed", "600"]).await;
    let service = nodes.world.service(1, CANCELABLE);
    let link = link("cancel");
    let order = nodes.anna(0).order(service, &link, 1_000).await;
    until("the provider to have it", LIMIT, async || {
        match nodes.provider.witness().await.orders_for(&link) {
            0 => Err(()),
            _ => Ok(()),
        }
    })
    .await;
    let cancels = [("action", "cancel"), ("orders", &*order.to_string())];
    let said = nodes.anna(1).call(&cancels).await;
    let begun = Instant::now();
    assert!(said[0]["cancel"].is_u64(), "{said}");
    until("the cancel at the provider", LIMIT, async || {
        let witness = nodes.provider.witness().await;
        if witness.requests.get("cancel").is_some_and(|count| *count > 0) {
            Ok(())
        } else {
            Err(witness.requests)
        }
    })
    .await;
    eprintln!("the cancel was at the provider after {:?}", begun.elapsed());
    let ended = nodes.anna(1).ended(order, LIMIT).await;
    assert!(matches!(ended["status"].as_str(), Some("Canceled" | "Partial")), "{ended}");
    assert_eq!(nodes.provider.witness().await.requests["cancel"], 1, "one node asked, once");
    nodes.panel(0).books_balance();
}
