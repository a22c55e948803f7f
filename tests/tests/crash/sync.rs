//! A disk whose sync fails: nobody is told yes, nothing is tried on that file again, and the next start finds all that
//! was acknowledged (`invariants.md` A3).

use std::time::Duration;

use panelworks_tests::{Load, Panel, SimulatorProcess, has, skipped, until};

/// Which sync of a thread fails: from one of the first after a start to one in full load.
const FAILS: [u32; 5] = [6, 11, 19, 32, 50];
const CUSTOMERS: usize = 4;
/// From a start to the failing sync and the end.
const END_LIMIT: Duration = Duration::from_mins(1);

/// Shows A3, I12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_fails_ends_the_panel_and_nothing_it_acknowledged_is_missing() {
    if !has(&["strace", "-o", "/dev/null", "true"]) {
        return skipped("a sync that fails", "strace is missing or not allowed");
    }
    let provider = SimulatorProcess::start(&[]).await;
    let flags = ["--provider-url", provider.api_url.as_str(), "--provider-key", provider.key.as_str()];
    let mut panel = Panel::demo(&flags).await;
    let load = Load::start("sync", CUSTOMERS, panel.service("Default"));
    for fails in FAILS {
        panel.stop().await;
        let inject = format!("inject=fdatasync,fsync:error=EIO:when={fails}");
        panel.run_through(&[
            "strace",
            "-f",
            "-qq",
            "--seccomp-bpf",
            "-e",
            "trace=fdatasync,fsync",
            "-e",
            &inject,
            "-o",
            "/dev/null",
        ]);
        panel.start().await;
        load.is_at(Some(panel.customer(0)));
        let process = panel.process();
        until("the end of a panel that can't sync", END_LIMIT, async || process.ended().ok_or("it runs"))
            .await;
        load.is_at(None);
        let ended = panel.ended().await;
        assert!(!ended.status.success(), "sync {fails} failed, and it ended well: {}", ended.said);
        panel.books_balance();
        panel.run_through(&[]);
        panel.start().await;
    }
    load.is_at(Some(panel.customer(0)));
    let known = load.stop().await;
    assert!(known.acknowledged.len() > FAILS.len(), "{}", known.acknowledged.len());
    assert!(known.contradictions.is_empty(), "{:?}", known.contradictions);
    let ids: Vec<u64> = known.acknowledged.values().copied().collect();
    for some in ids.chunks(100) {
        let statuses = panel.customer(0).statuses(some).await;
        let lost = some.iter().find(|id| !statuses[id.to_string()]["status"].is_string());
        assert!(lost.is_none(), "order {lost:?} was acknowledged and is lost");
    }
    eprintln!("{} syncs failed, {} orders acknowledged, none lost", FAILS.len(), ids.len());
    provider.witness().await.bought_nothing_twice();
    panel.books_balance();
}
