//! Kill -9 of one node in the midst of the load (`invariants.md` A1, A11).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use panelworks_tests::{Load, until};

use crate::{LIMIT, Nodes, is_left_out, metric, settled};

const CUSTOMERS: usize = 4;
/// From the end of a node to the work of its orders by another: its silence, its last sign of life, a look round.
const TAKEN_OVER: Duration = Duration::from_secs(15);

/// Shows A1, A11, I12, I14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_orders_of_a_killed_node_are_finished_by_another_and_nothing_is_bought_twice() {
    if is_left_out("a node that is killed") {
        return;
    }
    let mut nodes = Nodes::start(2, &["--latency-ms", "20"]).await;
    let service = nodes.service().await;
    let loads = [0, 1].map(|place| {
        let load = Load::start(&format!("node-{place}"), CUSTOMERS, service);
        load.is_at(Some(nodes.anna(place)));
        load
    });
    until("orders on both nodes", LIMIT, async || {
        let taken = loads.each_ref().map(Load::acknowledged);
        if taken.iter().all(|taken| *taken > 100) { Ok(()) } else { Err(taken) }
    })
    .await;
    nodes.world.panel.kill();
    let died = Instant::now();
    // Its customers go on at the other one.
    loads[0].is_at(Some(nodes.anna(1)));
    let survivor = nodes.panel(1);
    let before = loads.each_ref().map(Load::acknowledged);
    until("orders of all customers at the survivor", LIMIT, async || {
        let taken = [0, 1].map(|place| loads[place].acknowledged() - before[place]);
        if taken.iter().all(|taken| *taken > 50) { Ok(()) } else { Err(taken) }
    })
    .await;
    let mut acknowledged: BTreeMap<String, u64> = BTreeMap::new();
    for load in loads {
        let known = load.stop().await;
        assert!(known.contradictions.is_empty(), "{:?}", known.contradictions);
        assert!(known.refused.is_empty(), "{:?}", known.refused);
        acknowledged.extend(known.acknowledged);
    }
    until("the survivor to take over", LIMIT, async || {
        match metric(survivor, "nodes_taken_over_total").await {
            0 => Err(died.elapsed()),
            _ => Ok(()),
        }
    })
    .await;
    let took = died.elapsed();
    eprintln!("the work of the killed node was taken over {took:?} after its end");
    assert!(took <= TAKEN_OVER, "it took {took:?}");

    let orders: Vec<u64> = acknowledged.values().copied().collect();
    let ended = settled(survivor, &nodes.anna(1), &orders).await;
    let held = orders.len() - ended;
    eprintln!("{} orders acknowledged, {held} of them with an unknown outcome", orders.len());
    // At most what was under way at the provider when the node died.
    assert!(ended > orders.len() * 9 / 10, "{ended} of {}", orders.len());
    nodes.provider.witness().await.bought_nothing_twice();
    survivor.books_balance();

    // It comes back, under whatever number, and works.
    nodes.world.panel.start().await;
    let order = nodes.anna(0).order(service, "https://example.com/returned", 100).await;
    nodes.anna(1).ended(order, LIMIT).await;
    nodes.provider.witness().await.bought_nothing_twice();
    nodes.panel(1).books_balance();
}
