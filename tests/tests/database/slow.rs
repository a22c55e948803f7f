//! A database that takes a second over every commit: batches grow, nothing else does (`invariants.md` A7).

use std::time::{Duration, Instant};

use panelworks_tests::{Cluster, Load, Panel, SimulatorProcess, until};

use crate::is_left_out;

/// All of them wait in the same batch.
const CUSTOMERS: usize = 150;
/// How long it is slow.
const SLOW: Duration = Duration::from_secs(10);
/// What the panel may take more meanwhile, in KiB.
const MEMORY: u64 = 64 * 1024;
const LIMIT: Duration = Duration::from_mins(1);

/// What a process holds in memory, in KiB.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|size| size.parse().ok()).expect("a number")
}

/// Shows A7, I12, I24.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_takes_a_second_to_commit_costs_time_and_nothing_else() {
    if is_left_out("a slow database") {
        return;
    }
    let cluster = Cluster::start(&[]);
    let variables = cluster.variables();
    let schema = variables[1].1.clone();
    let provider = SimulatorProcess::start(&[]).await;
    let flags = ["--provider-url", provider.api_url.as_str(), "--provider-key", provider.key.as_str()];
    let mut panel = Panel::demo_with(&flags, &variables).await;
    let load = Load::start("slow", CUSTOMERS, panel.service("Default"));
    load.is_at(Some(panel.customer(0)));
    until("orders", LIMIT, async || {
        let taken = load.acknowledged();
        if taken > 2 * CUSTOMERS { Ok(()) } else { Err(taken) }
    })
    .await;

    let process = panel.process().id();
    let (had, before) = (memory(process), load.acknowledged());
    cluster.sql(&format!(
        "create function {schema}.linger() returns trigger language plpgsql as $$ begin perform pg_sleep(1); \
         return null; end $$; create constraint trigger linger after update on {schema}.batch \
         deferrable initially deferred for each row execute function {schema}.linger()"
    ));
    let begun = Instant::now();
    until(
        "the end of the slowness",
        LIMIT,
        async || {
            if begun.elapsed() >= SLOW { Ok(()) } else { Err("not yet") }
        },
    )
    .await;
    let (taken, more) = (load.acknowledged() - before, memory(process).saturating_sub(had));
    eprintln!("{taken} orders in {:?}, {more} KiB more", begun.elapsed());
    // One order after another would be ten; each batch takes all that wait. Every second one is the engine's.
    assert!(taken >= 3 * CUSTOMERS, "{taken} orders");
    assert!(more <= MEMORY, "{more} KiB more");

    cluster.sql(&format!("drop trigger linger on {schema}.batch"));
    let (back, before) = (Instant::now(), load.acknowledged());
    until("orders as before", LIMIT, async || {
        let taken = load.acknowledged() - before;
        if taken > 4 * CUSTOMERS { Ok(()) } else { Err(taken) }
    })
    .await;
    assert!(back.elapsed() < Duration::from_secs(10), "it took {:?}", back.elapsed());
    let known = load.stop().await;
    assert!(known.contradictions.is_empty() && known.refused.is_empty(), "{:?}", known.refused);
    let ids: Vec<u64> = known.acknowledged.values().copied().collect();
    for some in ids.chunks(100) {
        let statuses = panel.customer(0).statuses(some).await;
        let lost = some.iter().find(|id| !statuses[id.to_string()]["status"].is_string());
        assert!(lost.is_none(), "order {lost:?} was acknowledged and is lost");
    }
    provider.witness().await.bought_nothing_twice();
    let ended = panel.stop().await;
    assert!(ended.status.success(), "{}", ended.said);
    panel.books_balance();
}
