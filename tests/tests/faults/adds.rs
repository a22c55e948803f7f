//! Answers to `add` that are none: what may have been bought is never bought again by itself, and what was clearly
//! refused costs nobody anything.

use std::net::TcpListener;
use std::time::Duration;

use panelworks_tests::{Simulator, World, link, micros, until};

use crate::crowd::{Crowd, SURE, faulty};

const SOON: Duration = Duration::from_mins(1);
/// A panel waits half a minute for an answer to `add`.
const DEADLINE: Duration = Duration::from_secs(50);

/// Each leaves open whether the order was made.
const UNCLEAR: [&str; 20] = [
    "accepted-then-hang",
    "accepted-then-close",
    "accepted-then-half",
    "accepted-then-502",
    "accepted-then-504",
    "accepted-then-html",
    "accepted-then-empty",
    "refused-then-hang",
    "refused-then-close",
    "refused-then-half",
    "refused-then-502",
    "refused-then-504",
    "refused-then-html",
    "refused-then-empty",
    "error-500",
    "internal-error-after",
    "id-as-float",
    "error-and-order",
    "error-as-object",
    "connection-refused",
];

/// Whether the provider had made an order, and tells so in a way that is understood after all.
fn is_clear(fault: &str) -> bool {
    ["id-as-float", "error-as-object"].contains(&fault)
}

/// Shows B1, B3, B4, B5, I14, I17.
#[tokio::test]
async fn an_unclear_answer_is_never_bought_again_and_never_refunded_by_itself() {
    let providers =
        UNCLEAR.iter().map(|fault| ((*fault).to_owned(), faulty(&[&format!("{fault}@add=1000")])));
    let crowd = Crowd::gather(SURE, providers.collect()).await;
    let before = crowd.anna().balance().await;
    let mut orders = Vec::new();
    for member in &crowd.members {
        orders.push((member, crowd.order(member, 100).await));
    }
    let mut debited = 0;
    for (member, order) in &orders {
        let state = until(&format!("the outcome of {}", member.name), SOON, async || {
            let state = crowd.attempt(*order);
            let open = state.starts_with("planned") || state.starts_with("sending");
            if open { Err(state) } else { Ok(state) }
        })
        .await;
        let known = state.starts_with("accepted") && is_clear(&member.name);
        assert!(state.starts_with("unknown") || known, "{}: {state}", member.name);
        let full = member.full_charge(100);
        let status = crowd.anna().status(*order).await;
        assert_eq!(micros(&status["charge"]), full, "{}: {status}", member.name);
        assert!(known || status["status"] == "Pending", "{}: {status}", member.name);
        debited += full;
    }
    assert_eq!(crowd.anna().balance().await, before - debited, "nobody was refunded");
    for (member, _) in &orders {
        let witness = member.simulator.witness().await;
        assert!(witness.adds() <= 1, "{}: asked {} times", member.name, witness.adds());
        witness.bought_nothing_twice();
    }
    let held = crowd.world.panel.ask(&["order", "list-held", "--limit", "100"]);
    let unknown = orders.iter().filter(|(_, order)| crowd.attempt(*order).starts_with("unknown")).count();
    assert_eq!(held.as_array().map(Vec::len), Some(unknown), "each of them waits for the operator: {held}");
    crowd.world.panel.books_balance();
}

/// Shows B1, I17.
#[tokio::test]
async fn an_order_of_unknown_outcome_is_settled_by_the_operator_and_by_nobody_else() {
    let crowd =
        Crowd::gather(SURE, vec![("settled".to_owned(), faulty(&["accepted-then-html@add=1000"]))]).await;
    let member = &crowd.members[0];
    let before = crowd.anna().balance().await;
    let unknown = async |order: u64| {
        until("an unknown outcome", SOON, async || {
            let state = crowd.attempt(order);
            if state.starts_with("unknown") { Ok(()) } else { Err(state) }
        })
        .await;
    };
    let (adopted, dropped) = (crowd.order(member, 100).await, crowd.order(member, 100).await);
    unknown(adopted).await;
    unknown(dropped).await;
    let witness = member.simulator.witness().await;
    let made = witness.orders.first().expect("the provider made it").order.to_string();
    let panel = &crowd.world.panel;
    panel.ask(&["order", "resolve", &adopted.to_string(), "--adopt", &made]);
    let end = crowd.anna().ended(adopted, SOON).await;
    assert_eq!(
        (end["status"].as_str(), micros(&end["charge"])),
        (Some("Completed"), member.full_charge(100))
    );
    panel.ask(&["order", "resolve", &dropped.to_string(), "--write-off"]);
    let end = crowd.anna().ended(dropped, SOON).await;
    assert_eq!((end["status"].as_str(), micros(&end["charge"])), (Some("Canceled"), 0));
    assert_eq!(crowd.anna().balance().await, before - member.full_charge(100));
    assert_eq!(member.simulator.witness().await.adds(), 2);
    panel.books_balance();
}

/// Shows B2, I16.
#[tokio::test]
async fn the_same_id_for_two_orders_belongs_to_the_first_alone() {
    let crowd = Crowd::gather(SURE, vec![("repeated".to_owned(), faulty(&["repeated-id@add=1000"]))]).await;
    let member = &crowd.members[0];
    let first = crowd.order(member, 100).await;
    crowd.anna().ended(first, SOON).await;
    let second = crowd.order(member, 100).await;
    until("the alarm", SOON, async || {
        let state = crowd.attempt(second);
        if state.starts_with("unknown") { Ok(()) } else { Err(state) }
    })
    .await;
    assert_eq!(crowd.anna().status(second).await["status"], "Pending");
    assert_eq!(member.simulator.witness().await.adds(), 2);
    crowd.world.panel.books_balance();
}

/// Shows B3, B13.
#[tokio::test]
async fn a_clear_refusal_costs_nobody_anything() {
    let providers = ["error-400", "not-enough-funds", "429", "429-retry-after", "error-401", "error-200"];
    let told = providers.iter().map(|fault| ((*fault).to_owned(), faulty(&[&format!("{fault}@add=1000")])));
    let crowd = Crowd::gather(SURE, told.collect()).await;
    let before = crowd.anna().balance().await;
    let mut waiting = 0;
    for member in &crowd.members {
        let order = crowd.order(member, 100).await;
        let sheet = until(&format!("the refusal by {}", member.name), SOON, async || {
            let sheet = crowd.world.order(order);
            if sheet["attempts"][0]["state"].as_str().is_some_and(|state| state.starts_with("rejected")) {
                Ok(sheet)
            } else {
                Err(sheet)
            }
        })
        .await;
        // A bad link is bad everywhere; funds, keys, floods and maintenance pass.
        let ends = member.name == "error-400";
        let status = crowd.anna().status(order).await;
        assert_eq!(status["status"] == "Canceled", ends, "{}: {status} {sheet}", member.name);
        waiting += if ends { 0 } else { member.full_charge(100) };
        assert!(member.simulator.witness().await.orders.is_empty(), "{}", member.name);
    }
    assert_eq!(crowd.anna().balance().await, before - waiting);
    crowd.world.panel.books_balance();
}

#[tokio::test]
async fn a_provider_that_can_t_be_reached_is_tried_again_and_gets_the_order_once() {
    let simulator = Simulator::start(Simulator::options());
    let world =
        World::new().customer("anna", "100").provider_of(&simulator.url(), &simulator.key, "1").start().await;
    let address = simulator.address;
    drop(simulator);
    until("a closed port", SOON, async || {
        let closed = tokio::net::TcpStream::connect(address).await.is_err();
        if closed { Ok(()) } else { Err("it listens") }
    })
    .await;
    let link = link("unreachable");
    let order = world.api("anna").order(world.service(1, SURE), &link, 100).await;
    until("an attempt that was not sent", SOON, async || {
        let sheet = world.order(order);
        if sheet["attempts"].to_string().contains("not sent") { Ok(()) } else { Err(sheet) }
    })
    .await;
    assert_eq!(world.api("anna").status(order).await["status"], "Pending");
    let back =
        Simulator::on(TcpListener::bind(address).expect("the port is free again"), Simulator::options());
    let end = world.api("anna").ended(order, SOON).await;
    assert_eq!(end["status"], "Completed", "{end}");
    assert_eq!(back.witness().await.orders_for(&link), 1);
    world.panel.books_balance();
}

/// Shows B1, I14.
#[tokio::test]
async fn a_provider_that_says_nothing_for_a_minute_is_given_up_and_not_asked_again() {
    let mut silent = faulty(&["accepted-then-hang@add=1000"]);
    silent.hang_ms = 60_000;
    let crowd = Crowd::gather(SURE, vec![("silent".to_owned(), silent)]).await;
    let order = crowd.order(&crowd.members[0], 100).await;
    until("the deadline", DEADLINE, async || {
        let state = crowd.attempt(order);
        if state.starts_with("unknown") { Ok(()) } else { Err(state) }
    })
    .await;
    let witness = crowd.members[0].simulator.witness().await;
    assert_eq!((witness.adds(), witness.orders.len()), (1, 1));
    let status = crowd.anna().status(order).await;
    assert_eq!(
        (status["status"].as_str(), micros(&status["charge"])),
        (Some("Pending"), crowd.members[0].full_charge(100))
    );
    crowd.world.panel.books_balance();
}
