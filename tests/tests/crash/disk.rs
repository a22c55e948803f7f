//! A full disk: new work is refused in plain words, reading goes on, and work resumes with the first free room
//! (`invariants.md` A4, 7.4).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use panelworks_tests::{Folder, Load, Panel, SimulatorProcess, has, is_root, link, skipped, until};

const DISK: &str = "size=16m";
/// From free room to the first accepted order.
const RESUME_LIMIT: Duration = Duration::from_secs(5);

/// A small disk, gone with the test.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    fn mount(path: &Path) -> Option<Self> {
        std::fs::create_dir_all(path).ok()?;
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(path).status();
        mount.is_ok_and(|status| status.success()).then(|| Self { path: path.to_owned() })
    }

    /// Fills what is left; removing the file makes room again.
    fn fill(&self) -> PathBuf {
        let ballast = self.path.join("ballast");
        let mut file = std::fs::File::create(&ballast).expect("a file of ours");
        for size in [64 * 1024, 4 * 1024, 1] {
            let piece = vec![0x5a; size];
            while file.write_all(&piece).is_ok() {}
        }
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

/// Shows A4, I12, I24.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_new_orders_answers_the_rest_and_recovers_by_itself() {
    const WHAT: &str = "a full disk";
    let folder = Folder::new("small-disk");
    if !is_root() || !has(&["mount", "--version"]) {
        return skipped(WHAT, "only root can mount a small disk");
    }
    let Some(disk) = SmallDisk::mount(&folder.file("disk")) else {
        return skipped(WHAT, "mounting is not allowed here");
    };
    let provider = SimulatorProcess::start(&[]).await;
    let flags =
        ["--provider-url", provider.api_url.as_str(), "--provider-key", provider.key.as_str(), "--verbose"];
    let mut panel = Panel::demo_in(&flags, Some(&disk.path.join("data")), &[]).await;
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
