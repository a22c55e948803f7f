//! What goes on when a service is switched off or a setting changes (`invariants.md` E2, E13).

use std::time::Duration;

use panelworks_tests::{SimulatorProcess, World, link, until};

const LIMIT: Duration = Duration::from_mins(1);
/// Orders that are open when their service is switched off.
const OPEN: usize = 100;

/// Shows E2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_of_a_service_that_is_switched_off_go_on_to_their_end() {
    let provider = SimulatorProcess::start(&[]).await;
    let world = World::new()
        .customer("anna", "1000")
        .provider_of(&provider.api_url, &provider.key, "1")
        .start()
        .await;
    let (anna, service) = (world.api("anna"), world.service(1, 1));
    let mut orders = Vec::new();
    for _ in 0..OPEN {
        orders.push(anna.order(service, &link("removed"), 100).await);
    }
    world.panel.ask(&["service", "set", &service.to_string(), "--disable"]);
    let customer = world.panel.ask(&["customer", "list"])[0]["customer"].to_string();
    world.panel.ask(&["customer", "suspend", &customer]);
    let ended = |order: &u64| {
        let status = world.order(*order)["status"].as_str().unwrap_or_default().to_lowercase();
        ["completed", "partial", "canceled"].contains(&status.as_str())
    };
    for order in &orders {
        until(&format!("the end of order {order}"), LIMIT, async || {
            if ended(order) { Ok(()) } else { Err(world.order(*order)) }
        })
        .await;
    }
    assert_eq!(provider.witness().await.orders.len(), OPEN);
    world.panel.books_balance();
}

/// Shows E13.
#[tokio::test]
async fn another_currency_in_the_configuration_changes_no_account_that_has_one() {
    let mut world = World::new().customer("anna", "12.5").start().await;
    world.panel.stop().await;
    world.panel.set("PANEL_CURRENCY", "EUR");
    world.panel.start().await;
    let anna = panelworks_tests::Api::new(world.panel.api_url(), world.key("anna"));
    let said = anna.call(&[("action", "balance")]).await;
    assert_eq!((said["balance"].as_str(), said["currency"].as_str()), (Some("12.50"), Some("USD")), "{said}");
    let new = world.panel.ask(&["customer", "add", "emil", "--balance", "3"]);
    let emil = panelworks_tests::Api::new(world.panel.api_url(), new["api_key"].as_str().expect("a key"));
    assert_eq!(emil.call(&[("action", "balance")]).await["currency"], "EUR");
    world.panel.books_balance();
}
