//! A commit that waits for its standby and is cancelled from outside says yes, with a warning (`invariants.md` 7.8). A
//! failover would take it back, so it is no yes for the panel.

use std::time::Duration;

use panelworks_tests::{Cluster, Panel, has_postgres, skipped, until};

use crate::ALONE;
use crate::buyers::Buyers;
use crate::survive::orders_go_on;

const CANCELS: usize = 50;
const FIRST_CANCELS: usize = 5;
const LIMIT: Duration = Duration::from_mins(1);
const CUSTOMERS: usize = 2;

/// Shows A8, A10.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_wait_for_the_standby_is_cancelled_acknowledges_nothing() {
    if !has_postgres() {
        return skipped("a cancelled commit", "PostgreSQL's programs are missing");
    }
    let _alone = ALONE.lock().await;
    let cluster = Cluster::start(&[]);
    let mut panel = Panel::demo_with(&[], &cluster.variables()).await;
    let buyers = Buyers::start("cancelled", CUSTOMERS, &panel.customer(0), panel.service("Default"));
    orders_go_on(&buyers, 10).await;
    wait_for(&cluster, "'ghost'");
    // An answer from before may still be on its way.
    cancel(&cluster, FIRST_CANCELS).await;
    let before = buyers.acknowledged();
    cancel(&cluster, CANCELS).await;
    assert_eq!(buyers.acknowledged(), before, "acknowledged, and no standby has it");

    wait_for(&cluster, "''");
    orders_go_on(&buyers, 10).await;
    let known = buyers.stop(LIMIT).await;
    assert!(known.contradictions.is_empty() && known.unanswered.is_empty(), "{known:?}");
    for (link, id) in &known.acknowledged {
        let ids = cluster.sql(&format!(
            "select string_agg(id::text, ' ') from {}.orders where link = '{link}'",
            schema(&panel)
        ));
        assert_eq!(ids, id.to_string(), "{link}");
    }
    panel.books_balance();
    let ended = panel.stop().await;
    assert!(ended.status.success(), "{}: {}", ended.status, ended.said);
}

fn schema(panel: &Panel) -> &str {
    let found = panel.variables().iter().find(|(name, _)| name == "PANELWORKS_DATABASE_SCHEMA");
    found.map(|(_, schema)| schema.as_str()).expect("a schema of its own")
}

/// Commits wait for a standby of this name from now on.
fn wait_for(cluster: &Cluster, name: &str) {
    cluster.sql(&format!("alter system set synchronous_standby_names = {name}"));
    cluster.sql("select pg_reload_conf()");
}

/// Cancels commits that wait for their standby, so often.
async fn cancel(cluster: &Cluster, times: usize) {
    const CANCEL: &str =
        "select count(pg_cancel_backend(pid)) from pg_stat_activity where wait_event = 'SyncRep'";
    let mut cancels = 0;
    until("cancelled commits", LIMIT, async || {
        cancels += cluster.sql(CANCEL).parse::<usize>().expect("a number");
        if cancels >= times { Ok(()) } else { Err(cancels) }
    })
    .await;
}
