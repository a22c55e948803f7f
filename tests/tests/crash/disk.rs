//! A full disk: new work is refused in plain words, reading goes on, and work resumes with the first free room
//! (`invariants.md` A4, 7.4).

use std::time::{Duration, Instant};

use panelworks_tests::{Folder, Load, Panel, SimulatorProcess, SmallDisk, link, skipped, until};

const DISK_MIB: u32 = 16;
/// From free room to the first accepted order.
const RESUME_LIMIT: Duration = Duration::from_secs(5);

/// Shows A4, I12, I24.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_new_orders_answers_the_rest_and_recovers_by_itself() {
    const WHAT: &str = "a full disk";
    let folder = Folder::new("small-disk");
    let disk = match SmallDisk::mount(&folder.file("disk"), DISK_MIB) {
        Ok(disk) => disk,
        Err(why) => return skipped(WHAT, why),
    };
    let provider = SimulatorProcess::start(&[]).await;
    let flags =
        ["--provider-url", provider.api_url.as_str(), "--provider-key", provider.key.as_str(), "--verbose"];
    let mut panel = Panel::demo_in(&flags, Some(&disk.file("data")), &[]).await;
    let customer = panel.customer(0);
    let service = panel.service("Default");
    let first = customer.order(service, &link("first"), 100).await;
    customer.ended(first, Duration::from_mins(1)).await;

    let load = Load::start("full", 4, service);
    load.is_at(Some(customer.clone()));
    until("orders", Duration::from_secs(20), async || (load.acknowledged() > 20).then_some(()).ok_or("few"))
        .await;
    let ballast = disk.fill();
    let refused_before = load.refused();
    until("refusals", Duration::from_mins(1), async || {
        (load.refused() > refused_before + 20).then_some(()).ok_or_else(|| load.acknowledged())
    })
    .await;
    assert_eq!(customer.status(first).await["status"].as_str().map(str::is_empty), Some(false));
    customer.balance().await;
    assert!(customer.services().await.len() >= 40);

    std::fs::remove_file(&ballast).expect("a file of ours");
    let (freed, before) = (Instant::now(), load.acknowledged());
    until("orders again", RESUME_LIMIT, async || (load.acknowledged() > before).then_some(()).ok_or("none"))
        .await;
    eprintln!("orders again {:?} after there was room", freed.elapsed());

    let known = load.stop().await;
    let clean = known.refused.keys().all(|text| text == "Service temporarily unavailable");
    assert!(clean, "{:?}", known.refused);
    let ids: Vec<u64> = known.acknowledged.values().copied().collect();
    for some in ids.chunks(100) {
        let statuses = customer.statuses(some).await;
        let lost = some.iter().find(|id| !statuses[id.to_string()]["status"].is_string());
        assert!(lost.is_none(), "order {lost:?} was acknowledged and is lost");
    }
    panel.books_balance();
    let ended = panel.stop().await;
    assert!(ended.status.success(), "{}: {}", ended.status, ended.said);
    panel.books_balance();
    provider.witness().await.bought_nothing_twice();
    drop(panel);
}
