//! Backups under load, what they are checked for, and what a copy says of itself.

use panelworks_core::command::Command;
use panelworks_core::limits::ARCHIVE_AFTER;
use panelworks_core::outcome::Done;
use panelworks_core::testing::draft;
use panelworks_store::contract::{Panel, link};
use panelworks_store::ports::Views as _;
use panelworks_store::sqlite::{BackupError, Options, Sqlite, integrity};

use super::{busy, by_hand, views, violations};
use crate::subjects::InSqlite;

/// Shows E6.
#[test]
fn a_backup_under_way_with_writes_is_whole_and_opens() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (customer, service, orders) = busy(&mut panel);
    let target = tempfile::tempdir().expect("a folder");
    let file = target.path().join("panelworks.db");
    let backup = std::thread::spawn({
        let (reads, file) = (panel.subject.reads().clone(), file.clone());
        move || reads.backup(&file)
    });
    for n in 0..100 {
        panel.place(customer, service, draft(&link(1_000 + n), 100));
    }
    backup.join().expect("no panic").expect("backed up");
    let opened = Sqlite::open(target.path(), Options::default()).expect("opens");
    assert!(opened.is_copy, "a restored backup must not act as the panel it came from");
    let copy = opened.reads.views().expect("opens");
    for order in orders {
        assert_eq!(
            copy.file(order).expect("reads"),
            panel.file(order),
            "acknowledged before the backup began"
        );
    }
    assert_eq!(copy.audit(&mut |_, _| ()).expect("audits"), []);
}

/// Shows E6.
#[test]
fn a_backup_holds_the_archive_too() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (customer, _, orders) = busy(&mut panel);
    panel.wait(ARCHIVE_AFTER);
    let archive = Command::ArchiveOrders { orders: orders.clone(), kept: ARCHIVE_AFTER };
    let Done::Archived { orders: archived } = panel.ok(archive) else { panic!("not archived") };
    assert!(archived > 0);
    let before = views(panel.subject).orders(customer, &orders).expect("reads");
    let target = tempfile::tempdir().expect("a folder");
    panel.subject.reads().backup(&target.path().join("panelworks.db")).expect("backed up");
    let copy = Sqlite::open(target.path(), Options::default()).expect("opens").reads.views().expect("opens");
    assert_eq!(copy.orders(customer, &orders).expect("reads"), before);
    assert_eq!(copy.counts().expect("counts").archived_orders, u64::from(archived));
    assert_eq!(copy.audit(&mut |_, _| ()).expect("audits"), []);
}

/// Shows E8.
#[test]
fn a_copy_stays_a_copy_until_it_is_claimed() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    busy(&mut panel);
    let target = tempfile::tempdir().expect("a folder");
    panel.subject.reads().backup(&target.path().join("panelworks.db")).expect("backed up");
    let open = |options| Sqlite::open(target.path(), options).expect("opens").is_copy;
    assert!(open(Options::default()));
    assert!(open(Options::default()), "asking twice claims nothing");
    assert!(!open(Options { claim: true, ..Options::default() }));
    assert!(!open(Options::default()));
}

#[test]
fn a_backup_never_writes_over_anything() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    busy(&mut panel);
    let target = panel.subject.folder.path().join("precious");
    std::fs::write(&target, "mine").expect("written");
    let refused = panel.subject.reads().backup(&target);
    assert!(matches!(refused, Err(BackupError::Exists(_))), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&target).expect("there"), "mine");
}

/// Shows E6.
#[test]
fn a_backup_of_broken_books_says_so() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    busy(&mut panel);
    by_hand(panel.subject).execute("update account set balance = balance + 1", []).expect("edited");
    let target = tempfile::tempdir().expect("a folder");
    let refused = panel.subject.reads().backup(&target.path().join("copy"));
    assert!(
        matches!(&refused, Err(BackupError::Unsound { violations, .. }) if violations[0].law == "I2"),
        "{refused:?}"
    );
}

#[test]
fn a_whole_file_has_integrity_and_a_lost_reference_is_found() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (_, _, orders) = busy(&mut panel);
    assert_eq!(integrity(panel.subject.reads()), Ok(Vec::new()));
    let hand = by_hand(panel.subject);
    hand.pragma_update(None, "foreign_keys", false).expect("set");
    hand.execute("delete from orders where id = ?1", [orders[1].0]).expect("deleted");
    let problems = integrity(panel.subject.reads()).expect("reads");
    assert!(problems.iter().any(|line| line.contains("refill")), "{problems:?}");
    assert_eq!(views(panel.subject).file(orders[1]), Ok(None));
    let lost = format!("attempt of order {}, which does not exist", orders[1]);
    assert!(
        violations(panel.subject).iter().any(|line| line.contains(&lost)),
        "the audit looks where no key does"
    );
}
