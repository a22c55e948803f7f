//! A node that is frozen for longer than the others wait, and wakes (`invariants.md` A11, A12).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use panelworks_tests::{Load, until};

use crate::{LIMIT, Nodes, is_left_out, metric, settled};

const CUSTOMERS: usize = 4;
/// From its last sign of life to the work of its orders by another.
const TAKEN_OVER: Duration = Duration::from_secs(20);

/// Shows A11, A12, I14, I18.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_wakes_after_its_work_went_to_another_does_nothing_more() {
    if is_left_out("a node that is frozen") {
        return;
    }
    let mut nodes = Nodes::start(2, &["--latency-ms", "20"]).await;
    let service = nodes.service().await;
    let loads = [0, 1].map(|place| {
        let load = Load::start(&format!("frozen-{place}"), CUSTOMERS, service);
        load.is_at(Some(nodes.anna(place)));
        load
    });
    until("orders on both nodes", LIMIT, async || {
        let taken = loads.each_ref().map(Load::acknowledged);
        if taken.iter().all(|taken| *taken > 100) { Ok(()) } else { Err(taken) }
    })
    .await;
    nodes.world.panel.process().freeze();
    let frozen = Instant::now();
    until("the other to take over", LIMIT, async || {
        match metric(nodes.panel(1), "nodes_taken_over_total").await {
            0 => Err(frozen.elapsed()),
            _ => Ok(()),
        }
    })
    .await;
    let took = frozen.elapsed();
    eprintln!("the work of the frozen node was taken over {took:?} after its last sign of life");
    assert!(took <= TAKEN_OVER, "it took {took:?}");
    nodes.world.panel.process().thaw();
    // What it had in hand it may not finish; it says so, or ends.
    let ended = nodes.world.panel.ended().await;
    assert!(!ended.status.success(), "it went on: {}", ended.said);
    loads[0].is_at(Some(nodes.anna(1)));

    let mut acknowledged: BTreeMap<String, u64> = BTreeMap::new();
    for load in loads {
        let known = load.stop().await;
        assert!(known.contradictions.is_empty(), "{:?}", known.contradictions);
        acknowledged.extend(known.acknowledged);
    }
    let orders: Vec<u64> = acknowledged.values().copied().collect();
    let survivor = nodes.panel(1);
    let ended = settled(survivor, &nodes.anna(1), &orders).await;
    eprintln!("{} orders acknowledged, {} with an unknown outcome", orders.len(), orders.len() - ended);
    assert!(ended > orders.len() * 9 / 10, "{ended} of {}", orders.len());
    nodes.provider.witness().await.bought_nothing_twice();
    survivor.books_balance();
}
