//! Orders of every type through two panels, to every end.

use panelworks_tests::{ONE_CALL_TYPES, link, micros, parameters, quantity_charged, until};

use crate::row::{END, Row};

/// How fast the simulator delivers where nothing has to be caught in the midst.
const FAST: u32 = 20_000;
/// A service that always completes, one that is often cut short, and one that may be delivered in runs.
const SURE: u64 = 1;
const SHAKY: u64 = 3;

#[tokio::test]
async fn every_type_travels_through_two_panels_and_is_charged_exactly_at_both() {
    let row = Row::start(FAST, None).await;
    let mut placed = Vec::new();
    let mut links = Vec::new();
    for word in ONE_CALL_TYPES {
        let link = link(word);
        let mut fields = parameters(word);
        fields.push(("link", &link));
        placed.push(row.place(row.service_of(word), quantity_charged(word), &fields).await);
        links.push(link);
    }
    row.all_end_alike(&placed).await;
    let witness = row.witness().await;
    for link in &links {
        assert_eq!(witness.orders_for(link), 1, "{link}");
    }
    row.books_agree(&placed).await;
}

#[tokio::test]
async fn partial_and_canceled_orders_are_refunded_at_both_panels() {
    let row = Row::start(FAST, None).await;
    let service = row.service(SHAKY);
    let mut placed = Vec::new();
    for _ in 0..40 {
        placed.push(row.place(service, 100, &[("link", &link("shaky")), ("quantity", "100")]).await);
    }
    let words = row.all_end_alike(&placed).await;
    for end in ["Completed", "Partial", "Canceled"] {
        assert!(words.contains_key(end), "none of 40 ended {end}: {words:?}");
    }
    row.witness().await.bought_nothing_twice();
    row.books_agree(&placed).await;
}

#[tokio::test]
async fn a_subscription_makes_its_posts_through_two_panels() {
    let row = Row::start(FAST, None).await;
    let before = row.anna().balance().await;
    let order = row.anna().add(row.service_of("Subscriptions"), &parameters("Subscriptions")).await;
    let status = until("two posts", END, async || {
        let status = row.anna().status(order).await;
        if status["status"] == "Completed" { Ok(status) } else { Err(status) }
    })
    .await;
    assert_eq!(status["posts"], "2", "{status}");
    let posts = status["orders"].as_array().unwrap_or_else(|| panic!("{status}")).clone();
    assert_eq!(posts.len(), 2, "{status}");
    let mut charged = 0;
    for post in posts {
        let post = post.as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("{status}"));
        charged += micros(&row.anna().ended(post, END).await["charge"]);
    }
    assert!(charged > 0);
    assert_eq!(row.anna().balance().await, before - charged, "what was prepaid and not used came back");
    row.b.panel.books_balance();
}

#[tokio::test]
async fn a_drip_feed_is_delivered_run_by_run_through_two_panels() {
    let row = Row::start(FAST, None).await;
    let before = row.anna().balance().await;
    let link = link("drip");
    let service = row.service(SURE);
    let fields = [("link", link.as_str()), ("quantity", "100"), ("runs", "2"), ("interval", "1")];
    let placed = row.place(service, 200, &fields).await;
    let charged = micros(&row.anna().status(placed.order).await["charge"]);
    assert_eq!(row.anna().balance().await, before - charged, "all runs are charged at once");
    // The second run is due a minute after the first.
    let status = row.anna().ended(placed.order, 2 * END).await;
    assert_eq!(status["status"], "Completed", "{status}");
    assert_eq!(status["runs"], "2", "{status}");
    assert_eq!(status["orders"].as_array().map(Vec::len), Some(2), "{status}");
    let runs: Vec<_> = row.witness().await.orders.into_iter().filter(|order| order.link == link).collect();
    assert_eq!(runs.iter().map(|run| run.quantity).collect::<Vec<_>>(), [100, 100]);
    assert_eq!(row.anna().balance().await, before - charged);
    row.b.panel.books_balance();
}
