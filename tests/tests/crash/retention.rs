//! Old orders go to the archive while customers order, and the panel is killed in the middle of it: whoever asks for one
//! gets the same bytes as before (issue 4, Retention).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use panelworks_tests::{Api, FakeClock, Load, SimulatorProcess, World, error_of, link, skipped, until};

/// Enough that a walk over them takes longer than any life below.
const ORDERS: usize = 1_000;
const CUSTOMERS: usize = 8;
/// Beyond every guarantee that ends, and beyond the limit.
const HOURS: u32 = 200 * 24;
/// From readiness to the kill, in milliseconds.
const LIVES_MS: [u64; 6] = [5, 40, 80, 120, 200, 300];
const LIMIT: Duration = Duration::from_mins(1);

/// Places so many orders; their ids.
async fn order(world: &World) -> Vec<u64> {
    let load = Load::start("old", CUSTOMERS, world.service(1, 1));
    load.is_at(Some(world.api("anna")));
    until("the orders", LIMIT, async || {
        let count = load.acknowledged();
        if count >= ORDERS { Ok(()) } else { Err(count) }
    })
    .await;
    let known = load.stop().await;
    assert!(known.refused.is_empty(), "{:?}", known.refused);
    known.acknowledged.values().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

/// What `status` answers about them, byte for byte: all in lists, some alone.
async fn answers(api: &Api, orders: &[u64]) -> Vec<String> {
    let mut all = Vec::new();
    for some in orders.chunks(100) {
        let ids: Vec<String> = some.iter().map(u64::to_string).collect();
        let answer = api.try_call(&[("action", "status"), ("orders", &ids.join(","))]).await;
        all.push(answer.expect("answered").text);
        let answer = api.try_call(&[("action", "status"), ("order", &ids[0])]).await;
        all.push(answer.expect("answered").text);
    }
    all
}

fn archived(world: &World) -> u64 {
    let report = world.panel.ask(&["check"]);
    assert!(report["violations"].as_array().is_some_and(Vec::is_empty), "{report}");
    report["archived"].as_u64().unwrap_or_else(|| panic!("no count: {report}"))
}

/// Shows E14, I12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_go_to_the_archive_under_load_and_kills_answer_byte_for_byte_as_before() {
    let Some(clock) = FakeClock::new() else {
        return skipped("old orders in the archive", "libfaketime is not installed");
    };
    let provider = SimulatorProcess::start(&[]).await;
    let mut world = World::new()
        .setting("RETENTION_ORDERS_DAYS", "31")
        .surrounded_by(&clock.variables())
        .customer("anna", "100000")
        .provider_of(&provider.api_url, &provider.key, "1")
        .start()
        .await;
    let old = order(&world).await;
    let anna = world.api("anna");
    until("the end of all", LIMIT, async || {
        let all = answers(&anna, &old).await.concat();
        let open = ["Pending", "Processing", "In progress"].iter().map(|word| all.matches(word).count());
        let open: usize = open.sum();
        if open == 0 { Ok(()) } else { Err(open) }
    })
    .await;
    let before = answers(&anna, &old).await;
    let shown = world.order(old[0]);
    assert_eq!(archived(&world), 0);
    world.panel.stop().await;

    clock.put_forward_hours(HOURS);
    let load = Load::start("new", CUSTOMERS, world.service(1, 1));
    let mut counts = Vec::new();
    for life in LIVES_MS {
        world.panel.start().await;
        load.is_at(Some(world.api("anna")));
        tokio::time::sleep_until((Instant::now() + Duration::from_millis(life)).into()).await;
        world.panel.kill();
        load.is_at(None);
        counts.push(archived(&world));
    }
    eprintln!("in the archive after each kill: {counts:?}");
    world.panel.start().await;
    load.is_at(Some(world.api("anna")));
    until("the archive", LIMIT, async || {
        let count = archived(&world);
        if count >= old.len() as u64 { Ok(()) } else { Err(count) }
    })
    .await;
    let anna = world.api("anna");
    assert_eq!(answers(&anna, &old).await, before);
    assert_eq!(world.order(old[0]), shown);
    let refill = anna.call(&[("action", "refill"), ("order", &old[0].to_string())]).await;
    assert!(!error_of(&refill).is_empty() && error_of(&refill) != "Incorrect order ID", "{refill}");
    let fresh = anna.order(world.service(1, 1), &link("retention-fresh"), 100).await;
    assert!(fresh > *old.last().expect("some"));

    let known = load.stop().await;
    assert!(known.acknowledged.len() > CUSTOMERS && known.contradictions.is_empty(), "{known:?}");
    assert!(known.refused.is_empty(), "{:?}", known.refused);
    let ended = world.panel.stop().await;
    assert!(ended.status.success(), "{}", ended.status);
    world.panel.books_balance();
    provider.witness().await.bought_nothing_twice();
}
