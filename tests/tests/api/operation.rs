//! What operators and their machines look at: health, metrics, the page, the log.

use std::time::Duration;

use panelworks_tests::{Panel, Simulator, World, link, page, until};

#[tokio::test]
async fn health_readiness_metrics_and_the_page_are_there() {
    let panel = Panel::demo(&[]).await;
    let customer = panel.customer(0);
    let order = customer.order(panel.service("Default"), &link("seen"), 100).await;
    customer.ended(order, Duration::from_mins(1)).await;
    for place in ["/healthz", "/readyz"] {
        assert_eq!(page(&format!("{}{place}", panel.web_url())).await.status, 200, "{place}");
    }
    let metrics = page(&format!("{}/metrics", panel.web_url())).await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.text.contains("action=\"add\""), "{}", metrics.text);
    assert!(!metrics.text.contains(customer.key()), "no key in metrics");
    let home = page(&format!("{}/", panel.web_url())).await;
    assert_eq!(home.status, 200);
    assert!(home.content_type.starts_with("text/html"), "{}", home.content_type);
    assert!(home.text.contains(panel.api_url()), "the page names this panel's own address");
    assert!(!home.text.contains(customer.key()), "the page shows nobody's key");
}

/// Shows C25, I22.
#[tokio::test]
async fn keys_never_reach_the_log_and_one_request_id_leads_through_it() {
    let provider = Simulator::start(Simulator::options());
    let world = World::new()
        .setting("LOG_LEVEL", "trace")
        .setting("LOG_FORMAT", "json")
        .setting("LOG_SUCCESSES", "true")
        .customer("anna", "100")
        .provider_of(&provider.url(), &provider.key, "1")
        .start()
        .await;
    let anna = world.api("anna");
    let body = format!("key={}&action=add&service={}&link=l&quantity=100", anna.key(), world.service(1, 1));
    let request = anna.request().header("x-request-id", "find-me-again").body(body);
    let response =
        request.header("content-type", "application/x-www-form-urlencoded").send().await.expect("answered");
    assert_eq!(response.headers().get("x-request-id").and_then(|id| id.to_str().ok()), Some("find-me-again"));
    until("the order at the provider", Duration::from_secs(20), async || {
        let witness = provider.witness().await;
        if witness.orders.len() == 1 { Ok(()) } else { Err(witness) }
    })
    .await;
    let log = until("the line of the call", Duration::from_secs(5), async || {
        let log = world.panel.log();
        if log.contains("find-me-again") { Ok(log) } else { Err(log.len()) }
    })
    .await;
    for secret in [anna.key(), provider.key.as_str()] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "a key is in the log: {line:?}");
    }
}

/// Shows C28.
#[tokio::test]
async fn a_flood_is_slowed_down_with_clear_answers_and_never_fails_a_status() {
    let world = World::new()
        .setting("HTTP_REQUESTS_PER_MINUTE", "60")
        .setting("HTTP_REQUESTS_BURST", "5")
        .setting("HTTP_STATUS_WAIT_MS", "100")
        .start()
        .await;
    let said = world.panel.ask(&["customer", "add", "eager", "--balance", "10"]);
    let eager = panelworks_tests::Api::new(world.panel.api_url(), said["api_key"].as_str().expect("a key"));
    let mut flooded = 0;
    for _ in 0..20 {
        let answer = eager.try_call(&[("action", "balance")]).await.expect("answered");
        if answer.status != 200 {
            assert_eq!((answer.status, answer.text.as_str()), (429, "{\"error\":\"Too many requests\"}"));
            flooded += 1;
        }
    }
    assert!(flooded > 0, "20 calls at once pass a limit of 5");
    for _ in 0..20 {
        let answer = eager.try_call(&[("action", "status"), ("order", "1")]).await.expect("answered");
        let silent = answer.status == 503 && answer.text.is_empty();
        let answered = answer.status == 200 && answer.text.contains("Incorrect order ID");
        assert!(silent || answered, "{answer:?}");
    }
}
