//! One customer who calls as fast as it is answered, beside fifty who don't (`invariants.md` C28, G12).

use std::time::{Duration, Instant};

use panelworks_tests::{Simulator, World};
use tokio::task::JoinSet;

use crate::crowd::{Caller, Times, Whistle, add, alone, open_accounts, until_tick};

const CUSTOMERS: usize = 50;
/// Each of them orders so often: two a second.
const EVERY: Duration = Duration::from_millis(500);
const ORDERS_EACH: u64 = 6;
/// Connections of the hog.
const HOGS: usize = 16;
/// What the hog's own client takes of a machine of two cores, and the clock's grain.
const NOISE: Duration = Duration::from_millis(10);

/// Everybody's orders, each sent when it is due; how long each took from then.
async fn orders(panel: std::net::SocketAddr, service: u64, keys: &[String], round: &str) -> Times {
    let begun = Instant::now() + Duration::from_millis(50);
    let mut customers = JoinSet::new();
    for (number, key) in keys.iter().enumerate() {
        let (key, round) = (key.clone(), round.to_owned());
        let offset = EVERY * u32::try_from(number).expect("few") / u32::try_from(CUSTOMERS).expect("few");
        customers.spawn(async move {
            let mut caller = Caller::connect(panel).await;
            let mut times = Vec::new();
            for tick in 0..ORDERS_EACH {
                let due = until_tick(begun + offset, tick, EVERY).await;
                let (status, said) =
                    caller.call(&add(&key, service, &format!("{round}-{number}-{tick}"))).await;
                times.push((due.elapsed(), status == 200 && said.starts_with("{\"order\":")));
            }
            times
        });
    }
    let all = customers.join_all().await.concat();
    let answered = all.iter().filter(|(_, is_order)| *is_order).count();
    assert_eq!(answered, all.len(), "{round}: every order of a normal customer is taken");
    Times(all.into_iter().map(|(time, _)| time).collect())
}

async fn hog(panel: std::net::SocketAddr, body: impl Fn(u64) -> String, whistle: Whistle) {
    let mut caller = Caller::connect(panel).await;
    while !whistle.is_over() {
        caller.call(&body(whistle.next())).await;
    }
}

/// The p99 of fifty customers without a hog and beside one.
async fn beside(unlimited: bool) -> (Duration, Duration, u64) {
    let simulator = Simulator::start(Simulator::options());
    let world = World::new().provider(&simulator.url(), &simulator.key).start().await;
    let (panel, service) = (world.panel.address(), world.service(1, 1));
    let keys = open_accounts(&world, "normal", CUSTOMERS, false);
    let greedy = open_accounts(&world, "hog", 1, unlimited).remove(0);
    let quiet = orders(panel, service, &keys, "quiet").await.p99();
    let whistle = Whistle::default();
    let mut hogs = JoinSet::new();
    for _ in 0..HOGS {
        let (greedy, whistle) = (greedy.clone(), whistle.clone());
        hogs.spawn(hog(panel, move |number| add(&greedy, service, &format!("hog-{number}")), whistle));
    }
    let loud = orders(panel, service, &keys, "loud").await.p99();
    whistle.blow();
    hogs.join_all().await;
    eprintln!(
        "p99 {quiet:?} without and {loud:?} beside a hog of {} calls (unlimited: {unlimited})",
        whistle.counted()
    );
    world.panel.books_balance();
    (quiet, loud, whistle.counted())
}

/// Shows C28.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hog_within_the_limits_of_requests_is_not_felt_by_fifty_others() {
    let _alone = alone().await;
    let (quiet, loud, calls) = beside(false).await;
    assert!(calls > 1_000, "{calls} calls are no hog");
    assert!(loud <= quiet * 3 / 2 + NOISE, "p99 {loud:?} beside a hog, {quiet:?} without");
}

/// Shows C28.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hog_without_limits_waits_behind_its_own_orders_and_not_others_behind_them() {
    let _alone = alone().await;
    let (quiet, loud, calls) = beside(true).await;
    assert!(calls > 1_000, "{calls} calls are no hog");
    // It takes what is left of the processors, which no queue can give back.
    assert!(loud <= quiet * 3 + 2 * NOISE, "p99 {loud:?} beside a hog without limits, {quiet:?} without");
}
