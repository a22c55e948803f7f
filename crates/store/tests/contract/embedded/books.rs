//! Who may write: one process, the newest epoch, a file of ours.

use std::os::unix::fs::PermissionsExt as _;

use panelworks_core::ids::{BatchId, OrderId};
use panelworks_core::testing::draft;
use panelworks_store::contract::{Panel, Subject as _, credit, link};
use panelworks_store::executor::Undecided;
use panelworks_store::ports::{Books as _, CommitError, StoreErrorKind};
use panelworks_store::sqlite::{OpenError, Options, Sqlite};

use super::{busy, by_hand};
use crate::subjects::InSqlite;

/// Shows E8.
#[test]
fn a_second_start_on_the_same_folder_fails_at_once() {
    let mut subject = InSqlite::new();
    let first = subject.open(None);
    let second = Sqlite::open(subject.folder.path(), Options::default());
    assert!(matches!(second, Err(OpenError::Locked(_))), "{second:?}");
    assert_eq!(subject.open(Some(first.books)).epoch, first.epoch + 1, "the refused start raised no epoch");
}

/// Shows I18.
#[test]
fn nothing_of_an_old_epoch_commits_after_a_new_one_began() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(1);
    by_hand(panel.subject).execute("update node set epoch = epoch + 1", []).expect("raised");
    let stopped = {
        let now = panel.now;
        panel.executor().run(now, &[credit(customer, 1)])
    };
    assert!(stopped.is_err(), "{stopped:?}");
    let batch = BatchId { node: panel.node, epoch: panel.epoch, sequence: 99 };
    let now = panel.now;
    let begun = panel.books().begin(batch, now);
    assert!(
        matches!(&begun, Err(CommitError::NotCommitted(failure)) if failure.kind == StoreErrorKind::Fatal),
        "{begun:?}"
    );
    panel.reopen();
    assert_eq!(panel.balance(customer), 1);
}

/// Shows A1.
#[test]
fn what_a_killed_process_left_behind_is_read_whole() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (customer, service, orders) = busy(&mut panel);
    let (link_before, files): (_, Vec<_>) =
        (panel.link(), orders.iter().map(|order| panel.file(*order)).collect());
    // The files as a kill leaves them: the log not copied, nothing closed.
    let dead = tempfile::tempdir().expect("a folder");
    for file in ["panelworks.db", "panelworks.db-wal"] {
        std::fs::copy(panel.subject.folder.path().join(file), dead.path().join(file)).expect("copied");
    }
    let mut subject =
        InSqlite { folder: dead, options: Options { claim: true, ..Options::default() }, reads: None };
    let mut panel = Panel::open(&mut subject);
    assert_eq!(panel.link(), link_before);
    assert_eq!(orders.iter().map(|order| panel.file(*order)).collect::<Vec<_>>(), files);
    panel.place(customer, service, draft(&link(100), 100));
    panel.audit();
}

/// Shows E11.
#[test]
fn a_file_of_a_newer_version_is_refused() {
    let mut subject = InSqlite::new();
    drop(subject.open(None));
    by_hand(&subject).pragma_update(None, "user_version", 99).expect("set");
    let refused = Sqlite::open(subject.folder.path(), Options::default());
    assert!(matches!(refused, Err(OpenError::TooNew { found: 99, .. })), "{refused:?}");
}

#[test]
fn a_file_of_an_older_version_is_refused_in_words_that_help() {
    let mut subject = InSqlite::new();
    drop(subject.open(None));
    by_hand(&subject).pragma_update(None, "user_version", 1).expect("set");
    let refused = Sqlite::open(subject.folder.path(), Options::default()).expect_err("too old");
    assert!(matches!(refused, OpenError::TooOld { found: 1, .. }), "{refused:?}");
    assert!(refused.to_string().contains("new data folder"), "{refused}");
}

#[test]
fn a_file_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = rusqlite::Connection::open(folder.path().join("panelworks.db")).expect("opens");
    other.execute_batch("create table theirs (x)").expect("made");
    drop(other);
    let refused = Sqlite::open(folder.path(), Options::default());
    assert!(matches!(refused, Err(OpenError::NotOurs(_))), "{refused:?}");
}

#[test]
fn nobody_else_can_read_the_files() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    panel.customer(1);
    for file in std::fs::read_dir(panel.subject.folder.path()).expect("lists") {
        let file = file.expect("an entry");
        let mode = file.metadata().expect("known").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
}

#[test]
fn order_numbers_jump_to_the_floor_that_was_asked_for() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (customer, service, _) = busy(&mut panel);
    panel.subject.options.order_floor = Some(1_000_000);
    panel.reopen();
    assert_eq!(panel.place(customer, service, draft("floor", 100)), OrderId(1_000_000));
    panel.subject.options.order_floor = None;
    panel.reopen();
    assert_eq!(panel.place(customer, service, draft("next", 100)), OrderId(1_000_001));
    panel.audit();
}

#[test]
fn a_lock_of_a_shell_delays_a_batch_and_breaks_nothing() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(1);
    let shell = by_hand(panel.subject);
    shell.execute_batch("begin immediate").expect("locked");
    let release = std::thread::spawn(move || {
        shell.execute_batch("rollback").expect("released");
    });
    panel.ok(credit(customer, 1));
    release.join().expect("no panic");
    assert_eq!(panel.balance(customer), 2);
}

/// Shows C20.
#[test]
fn a_row_that_breaks_a_constraint_fails_its_command_alone() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (customer, service, _) = busy(&mut panel);
    // Somebody took the order's place in the ledger: its entry can't be written.
    let next = panel.cursors().order;
    by_hand(panel.subject)
        .execute("insert into entry values (?1, 1, 0, 0, 1000000, 1, 1, 2, 0, 1, 'USD')", [next])
        .expect("written");
    let failed = panel.reply(panelworks_core::testing::place(customer, service, draft("x", 100)));
    assert!(matches!(failed, Err(Undecided::NotCommitted(_))), "{failed:?}");
    panel.ok(credit(customer, 1));
}
