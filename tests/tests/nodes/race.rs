//! One balance, three nodes, everybody at once (`invariants.md` C1).

use panelworks_tests::{Api, error_of, full_charge, link};
use tokio::task::JoinSet;

use crate::{Nodes, is_left_out};

const NODES: usize = 3;
/// What the balance is enough for.
const AFFORDABLE: usize = 100;
const ASKED: usize = 1_000;
/// Calls under way at once.
const AT_ONCE: usize = 64;
const QUANTITY: u64 = 1_000;

/// Shows C1, I3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_take_exactly_the_orders_that_one_balance_is_enough_for() {
    if is_left_out("a race over three nodes") {
        return;
    }
    // So slow that nothing comes back meanwhile.
    let nodes = Nodes::start(NODES, &["--speed", "1"]).await;
    let service = nodes.service().await;
    let services = nodes.anna(0).services().await;
    let row = services.iter().find(|row| row["service"].to_string().trim_matches('"') == service.to_string());
    let charge = full_charge(row.expect("it is sold"), QUANTITY.into());
    let all = charge * i128::try_from(AFFORDABLE).expect("few");
    let balance = format!("{}.{:06}", all / 1_000_000, all % 1_000_000);
    let said = nodes.panel(0).ask(&["customer", "add", "racer", "--balance", &balance, "--unlimited"]);
    let key = said["api_key"].as_str().unwrap_or_else(|| panic!("no key: {said}")).to_owned();
    // Known on every node before the race.
    for place in 0..NODES {
        let api = nodes.customer(place, &key);
        panelworks_tests::until("the key on every node", crate::LIMIT, async || {
            let said = api.call(&[("action", "balance")]).await;
            if error_of(&said).is_empty() { Ok(()) } else { Err(said) }
        })
        .await;
    }
    let mut lanes = JoinSet::new();
    for lane in 0..AT_ONCE {
        let api = nodes.customer(lane % NODES, &key);
        let count = ASKED / AT_ONCE + usize::from(lane < ASKED % AT_ONCE);
        lanes.spawn(async move { order(&api, service, count).await });
    }
    let mut accepted: Vec<u64> = lanes.join_all().await.into_iter().flatten().collect();
    assert_eq!(accepted.len(), AFFORDABLE);
    accepted.sort_unstable();
    accepted.dedup();
    assert_eq!(accepted.len(), AFFORDABLE, "no number was given twice");
    for place in 0..NODES {
        assert_eq!(nodes.customer(place, &key).balance().await, 0);
    }
    nodes.panel(1).books_balance();
}

/// The orders that were taken.
async fn order(api: &Api, service: u64, count: usize) -> Vec<u64> {
    let (service, quantity) = (service.to_string(), QUANTITY.to_string());
    let mut taken = Vec::new();
    for _ in 0..count {
        let link = link("race");
        let fields = [("action", "add"), ("service", &service), ("link", &link), ("quantity", &quantity)];
        let said = api.call(&fields).await;
        match said["order"].as_u64() {
            Some(order) => taken.push(order),
            None => assert_eq!(error_of(&said), "Not enough funds on balance"),
        }
    }
    taken
}
