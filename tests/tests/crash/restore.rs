//! A backup made while orders were on their way, restored after its panel had sent them: nothing is sent twice.

use std::collections::BTreeSet;
use std::time::Duration;

use panelworks_tests::{Api, Folder, Panel, SimulatorProcess, World, link, run, run_json, until};

/// More than a provider is sent at once, so that some are under way and some still planned.
const ORDERS: u64 = 40;
const LIMIT: Duration = Duration::from_mins(1);
/// Order ids go on at least this far beyond the backup's (invariants.md E7).
const GAP: u64 = 1_000_000;

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Shows E7, E8.
#[tokio::test]
async fn what_was_on_its_way_when_the_backup_was_made_is_not_sent_again() {
    let provider = SimulatorProcess::start(&["--latency-ms", "400"]).await;
    let mut world = World::new()
        .customer("anna", "1000")
        .provider_of(&provider.api_url, &provider.key, "1")
        .start()
        .await;
    let (anna, service) = (world.api("anna"), world.service(1, 1));
    let mut orders = BTreeSet::new();
    for n in 0..ORDERS {
        orders.insert(anna.order(service, &link(&format!("restore-{n}")), 100).await);
    }
    let folder = Folder::new("restore");
    let backup = folder.file("backup.db").display().to_string();
    let output = world.panel.command(&["backup", &backup]);
    assert!(output.status.success(), "{}", said(&output));
    until("all orders at the provider", LIMIT, async || {
        let made = provider.witness().await.orders.len() as u64;
        if made == ORDERS { Ok(()) } else { Err(made) }
    })
    .await;
    world.panel.stop().await;

    // A copy in a folder of its own is no panel: it might be run beside the one it comes from.
    let copied = folder.file("copied");
    std::fs::create_dir(&copied).expect("a folder");
    std::fs::copy(&backup, copied.join("panelworks.db")).expect("copied");
    std::fs::copy(world.panel.data().join("secret.key"), copied.join("secret.key")).expect("copied");
    let refused = run(&["serve", "--port", "0", "--data-dir", &copied.display().to_string()]);
    assert!(refused.status.code() == Some(1) && said(&refused).contains("--claim"), "{}", said(&refused));

    let data = folder.file("data");
    let text = data.display().to_string();
    let output = run(&["restore", &backup, "--data-dir", &text]);
    assert!(output.status.success(), "{}", said(&output));
    std::fs::copy(world.panel.data().join("secret.key"), data.join("secret.key")).expect("copied");
    let held = run_json(&["order", "list-held", "--limit", "100", "--json", "--data-dir", &text]);
    let unknown = held.as_array().map_or(0, Vec::len);
    assert!(unknown > 0, "nothing was on its way: {held}");
    let states = |panel: &Panel| -> Vec<String> {
        let show = |order: &u64| panel.ask(&["order", "show", &order.to_string()]);
        let state = |order| show(order)["attempts"][0]["state"].as_str().unwrap_or_default().to_owned();
        orders.iter().map(state).collect()
    };

    let variables = [("PANELWORKS_PROVIDERS_POLL_S", "1")];
    let mut restored = Panel::serve_in(&variables, &data).await;
    let anna = Api::new(restored.api_url(), world.key("anna"));
    // What is ordered now is sent, so what was doubted had its turn.
    let fresh = anna.order(service, &link("restore-fresh"), 100).await;
    assert!(fresh > orders.last().expect("some") + GAP - 1, "{fresh} may have been given out before");
    anna.ended(fresh, LIMIT).await;
    let states = states(&restored);
    assert!(
        states.iter().all(|state| state.starts_with("unknown") || state.starts_with("accepted")),
        "{states:?}"
    );
    assert_eq!(states.iter().filter(|state| state.starts_with("unknown")).count(), unknown, "{states:?}");
    let witness = provider.witness().await;
    assert_eq!(witness.adds(), ORDERS + 1);
    witness.bought_nothing_twice();
    restored.stop().await;
    restored.books_balance();
}
