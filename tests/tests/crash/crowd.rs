//! More connections than the system lets the panel open (`invariants.md` A5): it turns away whom it can't serve, does
//! not spin, and serves those who come later.

use std::time::{Duration, Instant};

use panelworks_tests::{Panel, SimulatorProcess, link, until};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What the process may open, its own files among them.
const FILES: u32 = 64;
const CLIENTS: usize = 500;
/// How long they stay.
const STAY: Duration = Duration::from_secs(3);
/// Of one processor, while all that can be done is to wait.
const SPINNING: f64 = 0.2;

/// Seconds of a processor that a process has used.
fn used(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |place: usize| fields[place].parse::<f64>().expect("a number");
    // User and system time, in hundredths.
    (ticks(11) + ticks(12)) / 100.0
}

/// Shows A5.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panel_without_files_left_waits_and_serves_again() {
    let provider = SimulatorProcess::start(&[]).await;
    let flags = ["--provider-url", provider.api_url.as_str(), "--provider-key", provider.key.as_str()];
    let limited = format!("ulimit -n {FILES}; exec \"$@\"");
    let mut panel = Panel::demo_in(&flags, None, &["sh", "-c", &limited, "sh"]).await;
    let service = panel.service("Default");
    let before = panel.customer(0).order(service, &link("before"), 100).await;
    let mut crowd = JoinSet::new();
    for _ in 0..CLIENTS {
        let address = panel.address();
        crowd.spawn(async move {
            let connected = TcpStream::connect(address).await;
            std::future::pending::<()>().await;
            drop(connected);
        });
    }
    let process = panel.process().id();
    let (begun, had) = (Instant::now(), used(process));
    until(
        "the end of their stay",
        STAY * 2,
        async || {
            if begun.elapsed() >= STAY { Ok(()) } else { Err("not yet") }
        },
    )
    .await;
    let share = (used(process) - had) / begun.elapsed().as_secs_f64();
    assert!(share < SPINNING, "it spins: {share:.2} of a processor");
    assert!(panel.process().ended().is_none(), "it has ended");
    drop(crowd);
    let after = until("an answer afterwards", Duration::from_secs(20), async || {
        let service = service.to_string();
        let fields = [
            ("action", "add"),
            ("service", &*service),
            ("link", "https://example.com/after"),
            ("quantity", "100"),
        ];
        let answer = panel.customer(0).try_call(&fields).await.map_err(|error| error.to_string())?;
        answer.json()["order"].as_u64().ok_or_else(|| answer.text.clone())
    })
    .await;
    for order in [before, after] {
        panel.customer(0).ended(order, Duration::from_mins(1)).await;
    }
    provider.witness().await.bought_nothing_twice();
    let ended = panel.stop().await;
    assert!(ended.status.success(), "{}", ended.said);
    panel.books_balance();
}
