//! Stopped and started again: nothing accepted is lost, nothing is forgotten (`invariants.md` A1).

use std::time::Duration;

use panelworks_tests::{Panel, link, raw, until};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const ORDERS_END: Duration = Duration::from_mins(1);

fn without_addresses(ready: &Value) -> Value {
    let mut ready = ready.clone();
    for name in ["api_url", "web_url", "pid", "refillable_orders"] {
        ready[name] = Value::Null;
    }
    ready["provider"]["api_url"] = Value::Null;
    ready["provider"]["witness_url"] = Value::Null;
    ready
}

#[tokio::test]
async fn a_demo_started_again_goes_on_with_its_keys_data_and_orders() {
    let mut panel = Panel::demo(&[]).await;
    let first = without_addresses(panel.ready());
    let done = panel.customer(0).order(panel.service("Default"), &link("before"), 100).await;
    let end = panel.customer(0).ended(done, ORDERS_END).await;
    let open = panel.customer(0).order(panel.service("Default"), &link("between"), 100).await;
    let balance = panel.customer(0).balance().await;

    let ended = panel.stop().await;
    assert!(ended.status.success(), "{}: {}", ended.status, ended.said);
    panel.books_balance();
    panel.start().await;

    assert_eq!(without_addresses(panel.ready()), first, "keys, services and folders are the same");
    assert_eq!(panel.customer(0).status(done).await, end);
    panel.customer(0).ended(open, ORDERS_END).await;
    assert!(panel.customer(0).balance().await >= balance);
    panel.witness().await.bought_nothing_twice();
    panel.books_balance();
}

#[tokio::test]
async fn a_panel_told_to_stop_answers_what_it_has_accepted() {
    let mut panel = Panel::demo(&[]).await;
    let (customer, where_to) = (panel.customer(0), link("stopping"));
    let body = format!(
        "key={}&action=add&service={}&quantity=100&link={where_to}",
        customer.key(),
        panel.service("Default")
    );
    let request = raw::post("application/x-www-form-urlencoded", body.as_bytes());
    let (begun, late) = request.split_at(request.len() - 10);
    let mut stream = TcpStream::connect(panel.address()).await.expect("the panel listens");
    stream.write_all(begun).await.expect("sent");
    // The panel has this request in hand before it is told to stop: it has answered one that came later.
    customer.balance().await;

    panel.process().terminate();
    until("the end of listening", Duration::from_secs(10), async || {
        if TcpStream::connect(panel.address()).await.is_err() { Ok(()) } else { Err("it listens") }
    })
    .await;
    stream.write_all(late).await.expect("the panel still reads");
    let answer = raw::rest(&mut stream).await;
    let said: Value =
        serde_json::from_str(raw::body(&answer)).unwrap_or_else(|error| panic!("{error}: {answer}"));
    let order = said["order"].as_u64().unwrap_or_else(|| panic!("{said}"));

    let ended = panel.ended().await;
    assert!(ended.status.success(), "{}: {}", ended.status, ended.said);
    panel.start().await;
    panel.customer(0).ended(order, ORDERS_END).await;
    assert_eq!(panel.witness().await.orders_for(&where_to), 1);
}

/// Shows E8.
#[tokio::test]
async fn two_panels_never_share_a_folder() {
    let panel = Panel::demo(&[]).await;
    let data = panel.data().display().to_string();
    let output = panelworks_tests::run(&["demo", "--no-past", "--port", "0", "--data-dir", &data]);
    assert!(!output.status.success(), "the second one must not start");
    panel.customer(0).balance().await;
}
