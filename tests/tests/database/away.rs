//! The database goes away in the midst of the load: nothing acknowledged is lost, calls are told so at once, and
//! work goes on by itself (`invariants.md` A6, 7.13).

use std::time::{Duration, Instant};

use panelworks_tests::{Cluster, Load, Panel, SimulatorProcess, page, until};

use crate::is_left_out;

const CUSTOMERS: usize = 4;
/// How long the database is away.
const AWAY: Duration = Duration::from_secs(8);
/// From its return to the next accepted order (`invariants.md` A6).
const RECOVERY: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_mins(1);

/// Lets a panel work, has its database do `vanish` and later `return_again`, and holds the books against the answers.
async fn outlives(name: &str, vanish: fn(&mut Cluster), return_again: fn(&mut Cluster)) {
    let mut cluster = Cluster::start(&[]);
    let provider = SimulatorProcess::start(&[]).await;
    let (url, variables) = (provider.api_url.clone(), cluster.variables());
    let flags = ["--provider-url", url.as_str(), "--provider-key", provider.key.as_str()];
    let mut panel = Panel::demo_with(&flags, &variables).await;
    let load = Load::start(name, CUSTOMERS, panel.service("Default"));
    load.is_at(Some(panel.customer(0)));
    until("orders", LIMIT, async || if load.acknowledged() > 50 { Ok(()) } else { Err(load.acknowledged()) })
        .await;

    vanish(&mut cluster);
    let gone = Instant::now();
    let ready = format!("{}/readyz", panel.web_url());
    until("word of the absence", LIMIT, async || {
        let told = page(&ready).await;
        if told.status == 503 { Ok(()) } else { Err(told) }
    })
    .await;
    assert_eq!(page(&format!("{}/healthz", panel.web_url())).await.status, 200);
    until(
        "the end of the absence",
        LIMIT,
        async || {
            if gone.elapsed() >= AWAY { Ok(()) } else { Err("not yet") }
        },
    )
    .await;
    return_again(&mut cluster);
    let (back, before) = (Instant::now(), load.acknowledged());
    until("orders again", LIMIT, async || if load.acknowledged() > before { Ok(()) } else { Err(before) })
        .await;
    until("readiness", LIMIT, async || {
        let told = page(&ready).await;
        if told.status == 200 { Ok(()) } else { Err(told) }
    })
    .await;
    let took = back.elapsed();
    eprintln!("{name}: orders again {took:?} after the database was back, {} refusals", load.refused());
    assert!(took <= RECOVERY, "it took {took:?}");

    let known = load.stop().await;
    assert!(known.contradictions.is_empty(), "{:?}", known.contradictions);
    let clean =
        |text: &str| text == "Service temporarily unavailable" || text.starts_with("Something went wrong");
    assert!(known.refused.keys().all(|text| clean(text)), "{:?}", known.refused);
    let ids: Vec<u64> = known.acknowledged.values().copied().collect();
    for some in ids.chunks(100) {
        let statuses = panel.customer(0).statuses(some).await;
        let lost = some.iter().find(|id| !statuses[id.to_string()]["status"].is_string());
        assert!(lost.is_none(), "order {lost:?} was acknowledged and is lost");
    }
    until("the provider to have every order", LIMIT, async || {
        let witness = provider.witness().await;
        let bought = witness.by_link();
        let missing = known.acknowledged.keys().filter(|link| !bought.contains_key(link.as_str())).count();
        let held = panel.ask(&["order", "list-held", "--limit", "100000"]).as_array().map_or(0, Vec::len);
        if missing <= held { Ok(()) } else { Err((missing, held)) }
    })
    .await;
    provider.witness().await.bought_nothing_twice();
    panel.books_balance();
    let ended = panel.stop().await;
    assert!(ended.status.success(), "{}: {}", ended.status, ended.said);
    assert!(!panel.log().contains(Cluster::password()), "the password is in the log");
    panel.books_balance();
}

/// Shows A6, I12, I24.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_falls_over_and_gets_up_again_loses_nothing() {
    if !is_left_out("a database that falls over") {
        outlives("fallen", Cluster::stop_at_once, Cluster::start_again).await;
    }
}

/// Shows A6, A14, I12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_freezes_and_thaws_loses_nothing() {
    if !is_left_out("a database that freezes") {
        outlives("frozen", |cluster| cluster.freeze(), |cluster| cluster.thaw()).await;
    }
}
