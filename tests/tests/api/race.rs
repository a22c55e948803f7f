//! Many at once: one balance, one idempotency key, one link (`invariants.md` C1, C4).

use std::sync::Arc;
use std::time::Duration;

use panelworks_tests::{Api, Panel, error_of, full_charge, link, raw, until};
use panelworks_wire::decimal;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

const CONNECTIONS: usize = 64;
const ADDS: usize = 1_000;
const AFFORDABLE: usize = 100;
const REPEATS: usize = 5;

async fn one_order_costs(panel: &Panel, service: u64) -> i128 {
    let rows = panel.customer(0).services().await;
    let row = rows.iter().find(|row| row["service"] == service).expect("it is sold");
    full_charge(row, 100)
}

/// Runs all calls, so many at a time; their answers.
async fn at_once(connections: usize, calls: Vec<(Api, Vec<(String, String)>)>) -> Vec<Value> {
    let places = Arc::new(Semaphore::new(connections));
    let tasks: Vec<_> = calls
        .into_iter()
        .map(|(api, fields)| {
            let places = Arc::clone(&places);
            tokio::spawn(async move {
                let _place = places.acquire().await.expect("nobody closes it");
                let fields: Vec<(&str, &str)> =
                    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                api.call(&fields).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("no call panics"));
    }
    answers
}

fn add(service: u64, link: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let service = service.to_string();
    let fields = [("action", "add"), ("service", service.as_str()), ("link", link), ("quantity", "100")];
    fields.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Shows C1, I3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_for_a_hundred_orders_buys_a_hundred_however_many_run_at_once() {
    let panel = Panel::demo(&[]).await;
    let service = panel.service("Default");
    let balance = decimal::format(one_order_costs(&panel, service).await * AFFORDABLE as i128);
    for repeat in 0..REPEATS {
        let name = format!("racer {repeat}");
        let said = panel.ask(&["customer", "add", &name, "--balance", &balance, "--unlimited"]);
        let racer = Api::new(panel.api_url(), said["api_key"].as_str().unwrap_or_else(|| panic!("{said}")));
        let calls = (0..ADDS).map(|_| (racer.clone(), add(service, &link("race"), &[]))).collect();
        let answers = at_once(CONNECTIONS, calls).await;
        let accepted = answers.iter().filter(|said| said["order"].is_u64()).count();
        let refused = answers.iter().filter(|said| error_of(said) == "Not enough funds on balance").count();
        let odd = answers
            .iter()
            .find(|said| !said["order"].is_u64() && error_of(said) != "Not enough funds on balance");
        assert_eq!((accepted, refused), (AFFORDABLE, ADDS - AFFORDABLE), "repeat {repeat}: {odd:?}");
        // A cancelled order may have come back meanwhile; never is it below zero.
        assert!(racer.balance().await >= 0);
    }
    panel.books_balance();
    panel.witness().await.bought_nothing_twice();
}

/// Shows C4, I13.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_idempotency_key_buys_once_however_many_send_it_at_once() {
    let panel = Panel::demo(&[]).await;
    let customer = panel.customer(0);
    let (service, where_to) = (panel.service("Default"), link("keyed"));
    let calls = (0..32).map(|_| (customer.clone(), add(service, &where_to, &[("request_id", "one intent")])));
    let answers = at_once(32, calls.collect()).await;
    assert!(answers[0]["order"].is_u64(), "{:?}", answers[0]);
    assert!(answers.iter().all(|said| *said == answers[0]), "{answers:?}");

    let other = add(service, &where_to, &[("request_id", "one intent"), ("quantity", "200")]);
    let said = at_once(1, vec![(customer.clone(), other)]).await;
    assert_eq!(said[0], json!({"error": "Idempotency key was used with other parameters"}));

    // Somebody else's key of the same letters is another key.
    let said =
        at_once(1, vec![(panel.customer(1), add(service, &where_to, &[("request_id", "one intent")]))]).await;
    assert!(said[0]["order"].is_u64() && said[0] != answers[0], "{said:?}");
    panel.books_balance();
}

/// Shows C4.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_link_has_one_open_order_however_many_ask_at_once() {
    // As slow as real: the first is open until the end of the test.
    let panel = Panel::demo(&["--speed", "1"]).await;
    let customer = panel.customer(0);
    let where_to = link("guarded");
    let calls = (0..32).map(|_| (customer.clone(), add(panel.service("Default"), &where_to, &[]))).collect();
    let answers = at_once(32, calls).await;
    let active = "You have active order with this link. Please wait until order being completed.";
    assert_eq!(answers.iter().filter(|said| said["order"].is_u64()).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|said| error_of(said) == active).count(), 31, "{answers:?}");
}

/// Shows C4, I13.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_lost_its_answer_asks_again_and_has_ordered_once() {
    const INTENTS: usize = 50;
    let mut panel = Panel::demo(&[]).await;
    let (service, customer) = (panel.service("Default"), panel.customer(0));
    let intents: Vec<String> = (0..INTENTS).map(|_| link("lost")).collect();
    for intent in &intents {
        // Sent whole, and gone before the answer.
        let mut form = form_urlencoded::Serializer::new(format!("key={}", customer.key()));
        let body = form.extend_pairs(add(service, intent, &[("request_id", intent)])).finish();
        let mut stream = TcpStream::connect(panel.address()).await.expect("the panel listens");
        stream
            .write_all(&raw::post("application/x-www-form-urlencoded", body.as_bytes()))
            .await
            .expect("sent");
    }
    let retry = async |customer: &Api| {
        let calls =
            intents.iter().map(|intent| (customer.clone(), add(service, intent, &[("request_id", intent)])));
        at_once(8, calls.collect()).await
    };
    let answers = retry(&customer).await;
    assert!(answers.iter().all(|said| said["order"].is_u64()), "{answers:?}");
    assert_eq!(retry(&customer).await, answers);
    // The promise outlives the process.
    panel.kill();
    panel.start().await;
    assert_eq!(retry(&panel.customer(0)).await, answers);
    until("all orders at the provider", Duration::from_mins(1), async || {
        let witness = panel.witness().await;
        let bought = witness.by_link();
        let missing = intents.iter().filter(|intent| !bought.contains_key(intent.as_str())).count();
        if missing == 0 { Ok(()) } else { Err(missing) }
    })
    .await;
    panel.witness().await.bought_nothing_twice();
    panel.books_balance();
}
