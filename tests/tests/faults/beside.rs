//! A provider that never answers, beside one that does: it costs the good one nothing (`invariants.md` B14).

use std::time::{Duration, Instant};

use panelworks_tests::{link, until};

use crate::crowd::{Crowd, Member, SURE, faulty};

const ORDERS: u64 = 60;
/// What the good provider's orders may take more.
const LEEWAY: Duration = Duration::from_millis(500);

/// Orders so many of the good provider's service, and waits until it has them.
async fn delivered(crowd: &Crowd, good: &Member, name: &str) -> Duration {
    let before = good.simulator.witness().await.orders.len();
    let begun = Instant::now();
    for _ in 0..ORDERS {
        crowd.anna().order(good.service, &link(name), 100).await;
    }
    until("all orders at the good provider", Duration::from_mins(1), async || {
        let made = good.simulator.witness().await.orders.len() - before;
        if made as u64 == ORDERS { Ok(()) } else { Err(made) }
    })
    .await;
    begun.elapsed()
}

/// Shows B14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_never_answers_costs_another_one_nothing() {
    let mut silent = faulty(&["accepted-then-hang@add=1000", "refused-then-hang@status=1000"]);
    silent.hang_ms = 60_000;
    let good = faulty(&[]);
    let crowd = Crowd::gather(SURE, vec![("silent".to_owned(), silent), ("good".to_owned(), good)]).await;
    let [silent, good] = &crowd.members[..] else { panic!("two") };
    let alone = delivered(&crowd, good, "alone").await;
    for _ in 0..ORDERS {
        crowd.order(silent, 100).await;
    }
    until("the silent one to hold calls", Duration::from_secs(20), async || {
        let adds = silent.simulator.witness().await.adds();
        if adds > 0 { Ok(()) } else { Err(adds) }
    })
    .await;
    let beside = delivered(&crowd, good, "beside").await;
    eprintln!("{ORDERS} orders took {alone:?} alone, and {beside:?} beside a silent provider");
    assert!(beside <= alone * 3 / 2 + LEEWAY, "{beside:?}, and {alone:?} alone");
    crowd.world.panel.books_balance();
}
