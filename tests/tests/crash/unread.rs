//! A log that nobody reads: its pipe is full, and the panel goes on as if it were not (`invariants.md` A16).

use std::time::{Duration, Instant};

use panelworks_tests::{Api, Simulator, World, link};

const ADDS: usize = 300;
/// An answer that waited for the log would not come at all.
const AT_ALL: Duration = Duration::from_secs(5);

/// The time of half of the orders, and of all but one in a hundred.
async fn order_some(anna: &Api, service: u64) -> (Duration, Duration) {
    let mut times = Vec::new();
    for _ in 0..ADDS {
        let begun = Instant::now();
        anna.order(service, &link("unread"), 100).await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    (times[ADDS / 2], times[ADDS - ADDS / 100])
}

/// Shows A16.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_nobody_reads_holds_nobody_up() {
    let provider = Simulator::start(Simulator::options());
    let mut world = World::new()
        .setting("LOG_LEVEL", "trace")
        .setting("LOG_SUCCESSES", "true")
        .customer("anna", "1000")
        .provider_of(&provider.url(), &provider.key, "1")
        .start()
        .await;
    let service = world.service(1, 1);
    let (half, most) = order_some(&world.api("anna"), service).await;

    world.panel.stop().await;
    let pipe = world.panel.data().join("unread").display().to_string();
    // Whoever holds its other end open never reads.
    let unread = format!("mkfifo '{pipe}'; sleep 600 <'{pipe}' & exec \"$@\" >'{pipe}' 2>&1");
    world.panel.run_through(&["sh", "-c", &unread, "sh"]);
    world.panel.start().await;
    let anna = Api::new(world.panel.api_url(), world.key("anna"));
    let (half_unread, most_unread) = order_some(&anna, service).await;
    eprintln!("read: {half:?}, {most:?}; unread: {half_unread:?}, {most_unread:?}");
    assert!(most_unread < AT_ALL, "{most_unread:?}");
    // Twice as slow is what a busy machine makes of the same work.
    assert!(half_unread < 2 * half + Duration::from_millis(2), "{half_unread:?} and before {half:?}");
    let ended = world.panel.stop().await;
    assert!(ended.status.success(), "{}", ended.status);
    world.panel.books_balance();
}
