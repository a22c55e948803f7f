//! Patroni's default, in which no commit waits for a standby: acknowledged orders are lost, which is said beforehand
//! and seen afterwards. Without this test the other one would prove nothing. The panel sees it too: it writes nothing on
//! books that lack what it knows, until a person has settled what nobody can vouch for.

use std::time::Duration;

use panelworks_tests::{Manner, Panel, Patroni, SimulatorProcess, link};

use crate::buyers::Buyers;
use crate::survive::{orders_go_on, promises};
use crate::truth::Truth;
use crate::{ALONE, is_left_out, ttl};

const CUSTOMERS: usize = 4;
/// Acknowledged while nothing reaches the standbys: few, for Patroni promotes none that is a megabyte behind.
const ORDERS_AHEAD: usize = 20;
const LIMIT: Duration = Duration::from_mins(1);
/// The customers' last calls end within this, answered or not.
const LAST_CALLS: Duration = Duration::from_secs(1);

/// Shows A10.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_synchronous_standby_orders_are_lost_which_is_said_before_and_seen_after() {
    if is_left_out("the failover that loses orders") {
        return;
    }
    let _alone = ALONE.lock().await;
    let mut cluster = Patroni::start(Manner { synchronous: false, ttl: ttl() }).await;
    let provider = SimulatorProcess::start(&[]).await;
    let flags = ["--provider-url", provider.api_url.as_str(), "--provider-key", provider.key.as_str()];
    let mut panel = Panel::demo_with(&flags, &cluster.variables()).await;
    promises(&panel, "a failover may lose the last ones").await;
    let examined = panel.command(&["doctor", "--offline"]);
    let said = String::from_utf8_lossy(&examined.stdout).into_owned();
    assert!(said.contains("a failover may lose") && said.contains("synchronous_mode"), "{said}");

    let buyers = Buyers::start("canary", CUSTOMERS, &panel.customer(0), panel.service("Default"));
    orders_go_on(&buyers, ORDERS_AHEAD).await;
    let primary = cluster.primary().expect("the cluster is whole");
    assert_eq!(cluster.hold_replication_back(primary), 2);
    orders_go_on(&buyers, ORDERS_AHEAD).await;
    cluster.kill(primary);
    cluster.moved_from(primary).await;
    let ended = panel.ended().await;
    assert!(!ended.status.success() && ended.said.contains("the database has lost"), "{}", ended.said);
    let known = buyers.stop(LAST_CALLS).await;
    let lost = Truth::of(&cluster).lost(&known);
    eprintln!("{} of {} acknowledged orders were lost", lost.len(), known.acknowledged.len());
    assert!(lost.len() >= ORDERS_AHEAD, "the checker sees only {} lost", lost.len());

    goes_on_after_a_restore(&mut panel, known.acknowledged.values().copied().max().unwrap_or_default()).await;
    provider.witness().await.bought_nothing_twice();
}

/// And not before: what was lost may have been sent.
async fn goes_on_after_a_restore(panel: &mut Panel, highest: u64) {
    let refused = panel.command(&["customer", "list"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("restore --in-place"), "{said}");
    let restored = panel.command(&["restore", "--in-place"]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    panel.start().await;
    let order = panel.customer(0).order(panel.service("Default"), &link("after"), 100).await;
    assert!(order > highest + 500_000, "{order} may have been given out before: {highest}");
    panel.customer(0).ended(order, LIMIT).await;
    panel.books_balance();
    let ended = panel.stop().await;
    assert!(ended.status.success(), "{}: {}", ended.status, ended.said);
}
