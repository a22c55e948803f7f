//! Cancels and refills through two panels.

use panelworks_tests::{FakeClock, link, skipped, until};
use serde_json::Value;

use crate::row::{END, Row};

/// Slow enough to be caught in the midst, through two panels that ask every second.
const CATCHABLE: u32 = 600;
const FAST: u32 = 20_000;
/// Takes hours; can be refilled and cancelled.
const GRADUAL: u64 = 4;
/// Always completes; can be refilled.
const SURE: u64 = 1;

fn state(said: &Value) -> &str {
    said["status"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_cancel_travels_to_the_provider_and_its_refund_comes_back() {
    let row = Row::start(CATCHABLE, None).await;
    let service = row.service(GRADUAL);
    let mut placed = Vec::new();
    for _ in 0..3 {
        placed.push(row.place(service, 200, &[("link", &link("cancel")), ("quantity", "200")]).await);
    }
    let ids: Vec<String> = placed.iter().map(|placed| placed.order.to_string()).collect();
    until("all to run", END, async || {
        let statuses =
            row.anna().statuses(&placed.iter().map(|placed| placed.order).collect::<Vec<_>>()).await;
        let running = ids.iter().all(|id| state(&statuses[id]) == "In progress");
        if running { Ok(()) } else { Err(statuses) }
    })
    .await;
    let rows = row.anna().call(&[("action", "cancel"), ("orders", &ids.join(","))]).await;
    let cancels: Vec<String> =
        rows.as_array().expect("rows").iter().map(|row| row["cancel"].to_string()).collect();
    let words = row.all_end_alike(&placed).await;
    assert!(!words.contains_key("Completed"), "every cancel came in time: {words:?}");
    until("the end of all cancels", END, async || {
        let states = row.anna().call(&[("action", "cancel"), ("cancels", &cancels.join(","))]).await;
        let done = states.as_array().expect("rows").iter().all(|row| state(row) == "Completed");
        if done { Ok(()) } else { Err(states) }
    })
    .await;
    assert!(row.witness().await.requests.get("cancel").is_some_and(|count| *count > 0));
    row.books_agree(&placed).await;
}

#[tokio::test]
async fn a_refill_travels_to_the_provider_and_its_end_comes_back() {
    let Some(clock) = FakeClock::new() else {
        return skipped("a refill through two panels", "libfaketime is not installed");
    };
    let row = Row::start(FAST, Some(&clock)).await;
    let service = row.service(SURE);
    let mut placed = Vec::new();
    for _ in 0..3 {
        placed.push(row.place(service, 100, &[("link", &link("refill")), ("quantity", "100")]).await);
    }
    row.all_end_alike(&placed).await;
    let refill =
        async |order: u64| row.anna().call(&[("action", "refill"), ("order", &order.to_string())]).await;
    let early = refill(placed[0].order).await;
    assert_eq!(early["error"], "The order was completed or refill was requested less than 24 hours ago");

    clock.put_forward_hours(25);
    let mut refills = Vec::new();
    for placed in &placed {
        let taken = until("the day to be over", END, async || {
            let said = refill(placed.order).await;
            said["refill"].as_str().map(str::to_owned).ok_or(said)
        })
        .await;
        refills.push(taken);
    }
    let before = row.anna().balance().await;
    let ends = until("the end of all refills", END, async || {
        let states = row.anna().call(&[("action", "refill_status"), ("refills", &refills.join(","))]).await;
        let over = states
            .as_array()
            .expect("rows")
            .iter()
            .all(|row| ["Completed", "Rejected"].contains(&state(row)));
        if over { Ok(states.clone()) } else { Err(states) }
    })
    .await;
    assert!(ends.to_string().contains("Completed"), "{ends}");
    let asked = row.witness().await.requests.get("refill").copied().unwrap_or(0);
    assert!(asked >= 3, "each was asked for at the provider: {asked}");
    assert_eq!(row.anna().balance().await, before, "a refill moves no customer's money");
    row.books_agree(&placed).await;
}
