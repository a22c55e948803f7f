//! Patroni's default, in which no commit waits for a standby: acknowledged orders are lost, which is said beforehand
//! and seen afterwards. Without this test the other one would prove nothing.

use std::time::Duration;

use panelworks_tests::{Manner, Panel, Patroni};

use crate::buyers::Buyers;
use crate::survive::{orders_go_on, promises};
use crate::truth::Truth;
use crate::{ALONE, is_left_out, ttl};

const CUSTOMERS: usize = 4;
/// Acknowledged while nothing reaches the standbys: few, for Patroni promotes none that is a megabyte behind.
const ORDERS_AHEAD: usize = 20;
/// The customers' last calls end within this, answered or not.
const LAST_CALLS: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_synchronous_standby_orders_are_lost_which_is_said_before_and_seen_after() {
    if is_left_out("the failover that loses orders") {
        return;
    }
    let _alone = ALONE.lock().await;
    let mut cluster = Patroni::start(Manner { synchronous: false, ttl: ttl() }).await;
    let mut panel = Panel::demo_with(&[], &cluster.variables()).await;
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
    let known = buyers.stop(LAST_CALLS).await;
    cluster.moved_from(primary).await;

    let lost = Truth::of(&cluster).lost(&known);
    eprintln!("{} of {} acknowledged orders were lost", lost.len(), known.acknowledged.len());
    assert!(lost.len() >= ORDERS_AHEAD, "the checker sees only {} lost", lost.len());
    panel.kill();
}
