//! A full disk: new work is refused cleanly, reading goes on, nothing is half written, and it ends by itself.

use std::process::Command as Process;
use std::time::{Duration, Instant};

use panelworks_core::command::Command;
use panelworks_core::ids::AttemptId;
use panelworks_core::order::attempt::AttemptResult;
use panelworks_core::testing::{draft, place, provider_order};
use panelworks_store::contract::{Panel, Subject as _, link};
use panelworks_store::executor::Undecided;
use panelworks_store::ports::{Books as _, StoreErrorKind, Views as _};
use panelworks_store::sqlite::Options;

use super::{by_hand, views};
use crate::subjects::InSqlite;

/// Shows A4.
#[test]
fn a_full_file_refuses_cleanly_and_goes_on_when_there_is_room() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(1_000_000_000_000);
    let (service, _) = panel.routed();
    let first = panel.place(customer, service, draft("first", 100));
    let pages: u32 =
        by_hand(panel.subject).pragma_query_value(None, "page_count", |row| row.get(0)).expect("counted");
    panel.subject.options = Options { max_pages: Some(pages + 4), ..Options::default() };
    panel.reopen();
    let mut taken = 0;
    let full = loop {
        match panel.reply(place(customer, service, draft(&format!("{}/{taken}", "long".repeat(500)), 100))) {
            Ok(Ok(_)) => taken += 1,
            other => break other,
        }
        assert!(taken < 1_000, "the file is never full");
    };
    assert!(
        matches!(&full, Err(Undecided::NotCommitted(why)) if why.kind == StoreErrorKind::Full),
        "{full:?}"
    );
    assert!(!panel.books().takes_new_work());
    assert!(!panel.subject.folder.path().join("reserve").exists(), "the reserve is given up for outcomes");
    assert_eq!(
        panel.balance(customer),
        1_000_000_000_000 - (taken + 1) * 90_000,
        "the failed one took nothing"
    );
    assert!(views(panel.subject).orders(customer, &[first]).expect("reads")[0].is_some());
    panel.audit();
    // An outcome changes rows that have their place already.
    let attempt = AttemptId { order: first, number: 1 };
    panel.ok(Command::BeginAttempt { attempt });
    let result = AttemptResult::Accepted { order: provider_order("1") };
    panel.ok(Command::FinishAttempt { attempt, result });
    panel.subject.options = Options::default();
    panel.reopen();
    assert!(panel.books().takes_new_work(), "a start finds room again");
    assert!(panel.subject.folder.path().join("reserve").exists());
    panel.place(customer, service, draft(&link(5), 100));
    panel.audit();
}

#[test]
fn a_reserve_is_written_in_advance_and_really_there() {
    use std::os::unix::fs::MetadataExt as _;
    let mut subject = InSqlite::new();
    drop(subject.open(None));
    let reserve = std::fs::metadata(subject.folder.path().join("reserve")).expect("there");
    assert!(reserve.len() > 0);
    assert!(reserve.blocks() * 512 >= reserve.len(), "no holes");
}

/// A small disk of its own; None where nobody may mount one.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Process::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self { folder })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Process::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}

/// Shows A4.
#[test]
fn on_a_full_disk_outcomes_are_recorded_and_work_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount("8m") else {
        println!("no disk could be mounted here: only the bounded file was tried");
        return;
    };
    let ballast = disk.folder.path().join("ballast");
    std::fs::write(&ballast, vec![1; 3 * 1024 * 1024]).expect("written");
    let folder = tempfile::Builder::new().tempdir_in(disk.folder.path()).expect("a folder");
    let mut subject = InSqlite { folder, options: Options::default(), reads: None };
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(1_000_000_000_000);
    let (service, _) = panel.routed();
    let sending: Vec<_> = (0..20)
        .map(|n| {
            let attempt =
                AttemptId { order: panel.place(customer, service, draft(&link(n), 100)), number: 1 };
            panel.ok(Command::BeginAttempt { attempt });
            attempt
        })
        .collect();
    let mut taken = 20;
    let failed = loop {
        match panel.reply(place(customer, service, draft(&format!("{}/{taken}", "long".repeat(900)), 100))) {
            Ok(Ok(_)) => taken += 1,
            other => break other,
        }
        assert!(taken < 10_000, "the disk is never full");
    };
    assert!(
        matches!(&failed, Err(Undecided::NotCommitted(why)) if why.kind == StoreErrorKind::Full),
        "{failed:?}"
    );
    assert!(!panel.books().takes_new_work());
    for attempt in sending {
        let order = provider_order(&format!("north {}", attempt.order));
        panel.ok(Command::FinishAttempt { attempt, result: AttemptResult::Accepted { order } });
    }
    assert_eq!(panel.balance(customer), 1_000_000_000_000 - taken * 90_000, "refused work took nothing");
    panel.audit();
    std::fs::remove_file(&ballast).expect("removed");
    let until = Instant::now() + Duration::from_secs(5);
    while !panel.books().takes_new_work() {
        assert!(Instant::now() < until, "there is room again, and nobody noticed");
        std::thread::yield_now();
    }
    panel.place(customer, service, draft(&link(500), 100));
    panel.reopen();
    panel.audit();
}

#[test]
fn the_log_is_used_again_and_stays_bounded_under_load() {
    const BATCHES: usize = 120;
    // Its reserve is 4 MiB, so the log is copied at 512 pages.
    let Some(disk) = SmallDisk::mount("64m") else {
        println!("no disk could be mounted here");
        return;
    };
    let folder = tempfile::Builder::new().tempdir_in(disk.folder.path()).expect("a folder");
    let mut subject = InSqlite { folder, options: Options::default(), reads: None };
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(1_000_000_000_000);
    let (service, _) = panel.routed();
    let log = panel.subject.folder.path().join("panelworks.db-wal");
    let now = panel.now;
    let mut longest = 0;
    for batch in 0..BATCHES {
        let commands: Vec<_> =
            (0..256).map(|n| place(customer, service, draft(&link(batch * 1_000 + n), 100))).collect();
        let ran = panel.executor().run(now, &commands).expect("goes on");
        assert!(ran.iter().flat_map(|ran| &ran.replies).all(|reply| matches!(reply, Ok(Ok(_)))));
        longest = longest.max(std::fs::metadata(&log).expect("there").len());
    }
    // Twenty pages and more with each batch: used once, the log would be 10 MiB long.
    assert!(longest < 6 * 1024 * 1024, "the log grew to {longest} bytes");
    panel.audit();
}
