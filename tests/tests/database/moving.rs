//! A panel whose books move to a database and back, with orders on their way: each goes on to its end, nothing is
//! bought twice, and what was left behind starts no more (`invariants.md` E8).

use std::process::Output;
use std::time::Duration;

use panelworks_tests::{
    Cluster, Panel, SimulatorProcess, World, link, on_postgres, panelworks, run_in, skipped, until,
};
use serde_json::Value;

use crate::is_left_out;

/// More than the provider is sent at once: some are planned, some under way, some delivered.
const ORDERS: u64 = 40;
const LIMIT: Duration = Duration::from_mins(1);

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Orders so many; `name` makes their links its own.
async fn order_some(world: &World, name: &str) -> Vec<u64> {
    let (anna, service) = (world.api("anna"), world.service(1, 1));
    let mut orders = Vec::new();
    for n in 0..ORDERS {
        orders.push(anna.order(service, &link(&format!("{name}-{n}")), 100).await);
    }
    orders
}

/// Under a key, so that asking again is the same order.
async fn order_under_a_key(world: &World, name: &str) -> u64 {
    let fields = [
        ("link", format!("https://example.com/{name}")),
        ("quantity", "100".to_owned()),
        ("request_id", name.to_owned()),
    ];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    world.api("anna").add(world.service(1, 1), &fields).await
}

/// Moves the books of the stopped panel; what the command printed.
fn moved(panel: &Panel, database: &[(String, String)], to: &str) -> Value {
    let data = panel.data().display().to_string();
    let output = run_in(database, &["migrate-store", "--to", to, "--json", "--data-dir", &data]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains(Cluster::password()), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{why}: {}", said(&output)))
}

fn rows(moved: &Value, table: &str) -> u64 {
    let tables = moved["tables"].as_array().expect("tables");
    let found = tables.iter().find(|row| row["table"] == table).expect("the table");
    found["rows"].as_u64().expect("a number")
}

/// Shows E8.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_move_to_a_database_and_back_with_orders_on_their_way() {
    if is_left_out("a move to PostgreSQL and back") {
        return;
    }
    if on_postgres() {
        return skipped("a move from the embedded store", "this run keeps all books in PostgreSQL");
    }
    let cluster = Cluster::start(&[]);
    let database = cluster.variables();
    let provider = SimulatorProcess::start(&["--latency-ms", "200"]).await;
    let mut world = World::new()
        .customer("anna", "1000")
        .provider_of(&provider.api_url, &provider.key, "1")
        .start()
        .await;
    let mut orders = order_some(&world, "in the folder").await;
    let keyed = order_under_a_key(&world, "kept").await;
    orders.push(keyed);

    let data = world.panel.data().display().to_string();
    let refused = run_in(&database, &["migrate-store", "--to", "postgres", "--data-dir", &data]);
    assert!(refused.status.code() == Some(1) && said(&refused).contains("in use"), "{}", said(&refused));
    world.panel.stop().await;
    let refused = world.panel.command(&["migrate-store", "--to", "postgres"]);
    assert!(refused.status.code() == Some(2) && said(&refused).contains("[database]"), "{}", said(&refused));
    let there = moved(&world.panel, &database, "postgres");
    assert_eq!((rows(&there, "orders"), rows(&there, "customer")), (ORDERS + 1, 1), "{there}");
    let refused = world.panel.command(&["check"]);
    assert!(
        refused.status.code() == Some(1) && said(&refused).contains("were moved to"),
        "{}",
        said(&refused)
    );

    world.panel.keep_books_at(&database);
    world.panel.start().await;
    assert_eq!(order_under_a_key(&world, "kept").await, keyed, "its key is remembered");
    orders.extend(order_some(&world, "in the database").await);
    world.panel.stop().await;
    world.panel.books_balance();
    let back = moved(&world.panel, &database, "embedded");
    assert_eq!(rows(&back, "orders"), 2 * ORDERS + 1, "{back}");
    let refused = world.panel.command(&["check"]);
    assert!(
        refused.status.code() == Some(1) && said(&refused).contains("were moved to"),
        "{}",
        said(&refused)
    );

    world.panel.keep_books_at(&[]);
    world.panel.start().await;
    assert_eq!(order_under_a_key(&world, "kept").await, keyed, "its key is remembered");
    orders.extend(order_some(&world, "in the folder again").await);
    let ids: std::collections::BTreeSet<u64> = orders.iter().copied().collect();
    assert_eq!(ids.len(), orders.len(), "no id was given twice");
    until("every order's end", LIMIT, async || {
        let mut open = Vec::new();
        for some in orders.chunks(100) {
            let statuses = world.api("anna").statuses(some).await;
            let is_open = |id: &&u64| statuses[id.to_string()]["status"] != "Completed";
            open.extend(some.iter().filter(is_open).copied());
        }
        let held = world.panel.ask(&["order", "list-held", "--limit", "1000"]);
        if open.len() <= held.as_array().map_or(0, Vec::len) { Ok(()) } else { Err(open) }
    })
    .await;
    provider.witness().await.bought_nothing_twice();
    world.panel.books_balance();
    let ended = world.panel.stop().await;
    assert!(ended.status.success(), "{}", ended.said);
}

#[tokio::test]
async fn a_move_whose_database_dies_half_way_leaves_the_books_where_they_were() {
    if is_left_out("a move that is interrupted") || on_postgres() {
        return;
    }
    let mut cluster = Cluster::start(&[]);
    let database = cluster.variables();
    let mut panel = Panel::demo(&["--past"]).await;
    panel.stop().await;
    let data = panel.data().display().to_string();
    let words = ["migrate-store", "--to", "postgres", "--data-dir", &data];
    let mut command = std::process::Command::new(panelworks());
    command.args(words).envs(database.iter().map(|(name, value)| (name, value)));
    let child = command.stderr(std::process::Stdio::piped()).spawn().expect("runs");
    let working = "select count(*) from pg_stat_activity where usename = 'panel' and state <> 'idle'";
    until("the move to be under way", LIMIT, async || {
        if cluster.sql(working) == "0" { Err("not yet") } else { Ok(()) }
    })
    .await;
    cluster.stop_at_once();
    let output = child.wait_with_output().expect("it ends");
    cluster.start_again();
    // On a quick machine it was done before.
    if !output.status.success() {
        let tables = format!("select count(*) from pg_tables where schemaname = '{}'", database[1].1);
        assert_eq!(cluster.sql(&tables), "0", "a half is none");
        panel.books_balance();
        let there = moved(&panel, &database, "postgres");
        assert!(rows(&there, "orders") > 100, "{there}");
    }
    panel.keep_books_at(&database);
    panel.books_balance();
}
