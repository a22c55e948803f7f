//! Statuses that are wrong, late or missing: money follows only what makes sense.

use std::time::Duration;

use panelworks_tests::{charge_is_right, micros, until};
use serde_json::Value;

use crate::crowd::{Crowd, SHAKY, SURE, faulty};

/// Orders at each provider: of a dozen some are cut short and some are cancelled.
const ORDERS: usize = 12;
const QUANTITY: i128 = 100;
const LIMIT: Duration = Duration::from_secs(90);

/// Orders at everybody, in the sequence of members.
async fn order_everywhere(crowd: &Crowd) -> Vec<Vec<u64>> {
    let mut orders = Vec::new();
    for member in &crowd.members {
        let mut here = Vec::new();
        for _ in 0..ORDERS {
            here.push(crowd.order(member, 100).await);
        }
        orders.push(here);
    }
    orders
}

fn word(status: &Value) -> &str {
    status["status"].as_str().unwrap_or_default()
}

/// Waits until every order of a provider has ended or is held.
async fn settled(crowd: &Crowd, name: &str, orders: &[u64]) -> Vec<Value> {
    until(&format!("the orders of {name}"), LIMIT, async || {
        let statuses = crowd.anna().statuses(orders).await;
        let held = crowd.world.panel.ask(&["order", "list-held", "--limit", "1000"]);
        let held: Vec<u64> =
            held.as_array().expect("rows").iter().filter_map(|row| row["order"].as_u64()).collect();
        let open = orders.iter().find(|order| {
            let over = ["Completed", "Partial", "Canceled"].contains(&word(&statuses[order.to_string()]));
            !over && !held.contains(*order)
        });
        match open {
            Some(open) => Err(format!("{open}: {}", statuses[open.to_string()])),
            None => Ok(orders.iter().map(|order| statuses[order.to_string()].clone()).collect()),
        }
    })
    .await
}

/// Shows B6, I8.
#[tokio::test]
async fn a_partial_whose_remains_make_no_sense_moves_no_money() {
    let senseless = [
        "remains-missing",
        "remains-null",
        "remains-empty",
        "remains-negative",
        "remains-above-quantity",
        "remains-decimal",
    ];
    let providers = senseless.iter().map(|fault| ((*fault).to_owned(), faulty(&[&format!("{fault}=1000")])));
    let crowd = Crowd::gather(SHAKY, providers.collect()).await;
    let before = crowd.anna().balance().await;
    let orders = order_everywhere(&crowd).await;
    let (mut charged, mut held) = (0, 0);
    for (member, orders) in crowd.members.iter().zip(&orders) {
        let full = member.full_charge(QUANTITY);
        for status in settled(&crowd, &member.name, orders).await {
            let charge = micros(&status["charge"]);
            match word(&status) {
                "Canceled" => assert_eq!(charge, 0, "{}: {status}", member.name),
                "Partial" => panic!("{}: {status}", member.name),
                _ => assert_eq!(charge, full, "{}: {status}", member.name),
            }
            held += usize::from(word(&status) == "In progress");
            charged += charge;
        }
    }
    assert!(held >= senseless.len(), "{held} orders came back Partial without sense");
    assert_eq!(crowd.anna().balance().await, before - charged);
    crowd.world.panel.books_balance();
}

/// Shows B5, B9, B19.
#[tokio::test]
async fn odd_words_charges_and_batches_change_nothing_about_what_is_owed() {
    let odd = [
        "odd-words=1000",
        "charge-comma=1000",
        "charge-negative=1000",
        "charge-tenfold=1000",
        "other-currency=1000",
        "status-backwards=500",
        "ids-missing=500",
        "ids-extra=1000",
        "ids-foreign=1000",
        "batch-error=500",
        "batch-list=500",
    ];
    let broken = [
        "accepted-then-html@status=400",
        "accepted-then-empty@status=400",
        "accepted-then-half@status=400",
        "accepted-then-502@status=400",
        "accepted-then-close@status=400",
        "accepted-then-hang@status=200",
        "error-500@status=400",
        "error-200@status=400",
        "429@status=300",
    ];
    let providers = odd.iter().chain(&broken).map(|fault| ((*fault).to_owned(), faulty(&[fault])));
    let crowd = Crowd::gather(SHAKY, providers.collect()).await;
    let before = crowd.anna().balance().await;
    let orders = order_everywhere(&crowd).await;
    let mut charged = 0;
    for (member, orders) in crowd.members.iter().zip(&orders) {
        let full = member.full_charge(QUANTITY);
        for status in settled(&crowd, &member.name, orders).await {
            assert!(
                ["Completed", "Partial", "Canceled"].contains(&word(&status)),
                "{}: {status}",
                member.name
            );
            charge_is_right(&status, full, QUANTITY);
            charged += micros(&status["charge"]);
        }
        member.simulator.witness().await.bought_nothing_twice();
    }
    assert_eq!(crowd.anna().balance().await, before - charged);
    crowd.world.panel.books_balance();
}

/// Shows B7, B8, I8.
#[tokio::test]
async fn a_partial_that_wanders_is_refunded_no_more_than_once_and_never_clawed_back() {
    let crowd = Crowd::gather(SHAKY, vec![("wanders".to_owned(), faulty(&["partial-wanders=1000"]))]).await;
    let before = crowd.anna().balance().await;
    let orders = order_everywhere(&crowd).await;
    let full = crowd.members[0].full_charge(QUANTITY);
    let mut charged = 0;
    for status in settled(&crowd, "wanders", &orders[0]).await {
        let charge = micros(&status["charge"]);
        assert!((0..=full).contains(&charge), "{status}");
        charged += charge;
    }
    assert_eq!(crowd.anna().balance().await, before - charged);
    crowd.world.panel.books_balance();
}

/// Shows B20.
#[tokio::test]
async fn a_cancel_that_is_taken_and_never_carried_out_gives_nothing_back() {
    let mut idle = faulty(&["cancel-idle=1000"]);
    idle.provider.speed = panelworks_provider_sim::Speed(600.try_into().expect("not zero"));
    let crowd = Crowd::gather(SURE, vec![("idle".to_owned(), idle)]).await;
    let order = crowd.order(&crowd.members[0], 100).await;
    let running = |status: &Value| word(status) == "In progress";
    until("it to run", LIMIT, async || {
        let status = crowd.anna().status(order).await;
        if running(&status) { Ok(()) } else { Err(status) }
    })
    .await;
    let taken = crowd.anna().call(&[("action", "cancel"), ("order", &order.to_string())]).await;
    let cancel = taken["cancel"].to_string();
    let full = crowd.members[0].full_charge(QUANTITY);
    assert_eq!(micros(&crowd.anna().status(order).await["charge"]), full);
    let end = crowd.anna().ended(order, LIMIT).await;
    assert_eq!((word(&end), micros(&end["charge"])), ("Completed", full));
    let state = crowd.anna().call(&[("action", "cancel_status"), ("cancel", &cancel)]).await;
    assert_eq!(state["status"], "Rejected");
    crowd.world.panel.books_balance();
}
