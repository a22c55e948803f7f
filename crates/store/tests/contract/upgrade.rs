//! Books of every version before this one are brought up to date with everything in them, and go on; and while a node of
//! the version before is alive, nothing is hidden from it.

use std::process::Command as Process;

use panelworks_core::command::Command;
use panelworks_core::ids::OrderId;
use panelworks_core::limits::ARCHIVE_AFTER;
use panelworks_core::outcome::Done;
use panelworks_core::provider::SeenStatus;
use panelworks_core::testing::{draft, seen};
use panelworks_core::time::Span;
use panelworks_store::contract::{Panel, Subject, busy, link};
use panelworks_store::ports::{OldOrders, Views as _};
use panelworks_store::sqlite::{Options, Sqlite};

use crate::carry::dump;
use crate::shared::{ByHand, two};
use crate::subjects::{InPostgres, InSqlite};

/// The tables of version 4 of a file, and of version 1 of a schema, which all later steps add to.
const FILE_VERSION_4: &str = include_str!("../../src/schema/panelworks.sql");

/// Writes the same rows into a file of version 4, as that version made it.
fn as_version_4(subject: &InSqlite) {
    let path = subject.folder.path().join("panelworks.db");
    let older = subject.folder.path().join("older.db");
    let hand = rusqlite::Connection::open(&older).expect("opens");
    hand.execute_batch(FILE_VERSION_4).expect("made");
    hand.execute("attach database ?1 as newer", [path.to_str()]).expect("attached");
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = hand.prepare(sql).expect(sql);
        let rows = statement.query_map([], |row| row.get(0)).expect(sql);
        rows.collect::<Result<_, _>>().expect(sql)
    };
    hand.pragma_update(None, "foreign_keys", false).expect("set");
    for table in texts("select name from main.sqlite_schema where type = 'table'") {
        let columns = texts(&format!("select name from pragma_table_info('{table}', 'main')")).join(", ");
        let copy = format!("insert into main.{table} ({columns}) select {columns} from newer.{table}");
        hand.execute(&copy, []).expect(&copy);
    }
    let application: i64 =
        hand.pragma_query_value(Some("newer"), "application_id", |row| row.get(0)).expect("a number");
    hand.pragma_update(Some("main"), "application_id", application).expect("set");
    hand.pragma_update(Some("main"), "user_version", 4).expect("set");
    hand.execute_batch("detach database newer").expect("detached");
    drop(hand);
    for file in ["panelworks.db-wal", "panelworks.db-shm"] {
        let _ = std::fs::remove_file(subject.folder.path().join(file));
    }
    std::fs::rename(older, path).expect("put in its place");
}

/// Takes away what the second step has added.
fn as_version_1(subject: &InPostgres) {
    ByHand::at(subject).run(
        "drop table archived_orders, archived_attempt, archived_refill, archived_cancel, archive; \
         delete from schema_version where version > 1",
    );
}

/// Sells on, and archives what was there before.
fn goes_on<S: Subject>(panel: &mut Panel<'_, S>) {
    let customer = panel.customer(100_000_000);
    let (service, _) = panel.routed();
    let order = panel.place(customer, service, draft(&link(900), 100));
    let attempt = panel.accept(order, "at the end");
    panel.observe(attempt, seen(SeenStatus::Completed));
    panel.wait(ARCHIVE_AFTER);
    let orders = (1..=order.0).map(OrderId).collect();
    let Done::Archived { orders } = panel.ok(Command::ArchiveOrders { orders, kept: ARCHIVE_AFTER }) else {
        panic!("not archived")
    };
    assert!(orders > 1, "{orders}");
    assert_eq!(panel.placed_file(order).order.id, order);
    panel.audit();
}

/// Shows E9.
#[test]
fn a_file_of_version_4_is_brought_up_to_date_with_every_row_in_it() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    let (.., orders) = busy(&mut panel);
    let files: Vec<_> = orders.iter().map(|order| panel.file(*order)).collect();
    let (link, cursors, now) = (panel.link(), panel.cursors(), panel.now);
    drop(panel);
    let before = dump::of_file(&subject);
    as_version_4(&subject);
    // The file is another one, and the books say so: whoever puts a copy in their place claims them.
    subject.options.claim = true;
    let mut panel = Panel::open(&mut subject);
    dump::assert_same("version 4", &before, &dump::of_file(panel.subject));
    assert_eq!((panel.link(), panel.cursors()), (link, cursors));
    assert_eq!(orders.iter().map(|order| panel.file(*order)).collect::<Vec<_>>(), files);
    panel.now = now;
    goes_on(&mut panel);
    panel.reopen();
    panel.audit();
}

/// Writes to a file, counted from the start, at which a start is killed.
const POINTS: u32 = 30;
const FOLDER: &str = "TEST_UPGRADE_FOLDER";

#[test]
#[ignore = "run by the test below, and killed"]
fn the_start_that_is_killed() {
    let folder = std::env::var(FOLDER).expect("a folder");
    let options = Options { claim: true, ..Options::default() };
    drop(Sqlite::open(std::path::Path::new(&folder), options).expect("opens"));
}

/// Shows E9.
#[test]
fn a_start_that_is_killed_while_it_changes_the_schema_is_made_good_by_the_next() {
    if !Process::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|ended| ended.success()) {
        println!("strace is missing or not allowed: no start was killed");
        return;
    }
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    busy(&mut panel);
    drop(panel);
    let before = dump::of_file(&subject);
    as_version_4(&subject);
    let whole = std::fs::read(subject.folder.path().join("panelworks.db")).expect("the file");
    let mut killed = 0;
    for point in 1..=POINTS {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("panelworks.db"), &whole).expect("written");
        std::fs::hard_link(subject.folder.path().join("reserve"), folder.path().join("reserve"))
            .expect("linked");
        let inject = format!("inject=pwrite64:signal=KILL:when={point}");
        let mut command = Process::new("strace");
        command.args(["-f", "-qq", "-e", "trace=pwrite64", "-e", &inject, "-o", "/dev/null"]);
        command.arg(std::env::current_exe().expect("a test program knows where it is"));
        command
            .args(["upgrade::the_start_that_is_killed", "--exact", "--ignored"])
            .env(FOLDER, folder.path());
        killed += u32::from(!command.output().expect("strace runs").status.success());
        let options = Options { claim: true, ..Options::default() };
        let mut again = InSqlite { folder, options, reads: None };
        let mut panel = Panel::open(&mut again);
        dump::assert_same(&format!("killed at write {point}"), &before, &dump::of_file(panel.subject));
        panel.audit();
    }
    println!("{killed} of {POINTS} starts were killed");
    assert!(killed >= POINTS / 3, "only {killed} starts were killed");
}

/// What a wrong step could do to amounts that stand: take their scale.
const WRONG_STEPS: [&str; 2] =
    ["update entry set amount = max(amount / 1000, 1)", "update account set balance = balance / 1000"];

/// Bug 29 of invariants.md 8, planted: both what these tests compare and the audit see it.
/// Shows E9.
#[test]
fn an_upgrade_that_drops_the_scale_of_old_amounts_is_seen() {
    for wrong in WRONG_STEPS {
        let mut subject = InSqlite::new();
        let mut panel = Panel::open(&mut subject);
        busy(&mut panel);
        drop(panel);
        let before = dump::of_file(&subject);
        as_version_4(&subject);
        subject.options.claim = true;
        drop(Panel::open(&mut subject));
        assert!(dump::of_file(&subject) == before, "the right steps change nothing");
        let path = subject.folder.path().join("panelworks.db");
        rusqlite::Connection::open(&path).expect("opens").execute_batch(wrong).expect(wrong);
        assert!(dump::of_file(&subject) != before, "compared: {wrong}");
        subject.reads = None;
        let refused = match Sqlite::open(subject.folder.path(), subject.options) {
            Ok(opened) => {
                !opened.reads.views().expect("opens").audit(&mut |_, _| ()).expect("audits").is_empty()
            }
            Err(_) => true,
        };
        assert!(refused, "audited: {wrong}");
    }
}

/// Shows E9.
#[test]
fn a_schema_of_version_1_is_brought_up_to_date_with_every_row_in_it() {
    let Some(mut subject) = InPostgres::new() else { return };
    let mut panel = Panel::open(&mut subject);
    let (.., orders) = busy(&mut panel);
    let files: Vec<_> = orders.iter().map(|order| panel.file(*order)).collect();
    let (link, cursors, now) = (panel.link(), panel.cursors(), panel.now);
    drop(panel);
    let before = dump::of_schema(&subject);
    as_version_1(&subject);
    let mut panel = Panel::open(&mut subject);
    dump::assert_same("version 1", &before, &dump::of_schema(panel.subject));
    assert_eq!((panel.link(), panel.cursors()), (link, cursors));
    assert_eq!(orders.iter().map(|order| panel.file(*order)).collect::<Vec<_>>(), files);
    panel.now = now;
    goes_on(&mut panel);
    panel.reopen();
    panel.audit();
}

/// Shows E10.
#[test]
fn no_order_is_archived_while_a_node_lives_that_would_not_find_it_there() {
    two(|one, other| {
        let customer = one.customer(100_000_000);
        let (service, _) = one.routed();
        let order = one.place(customer, service, draft("a", 100));
        one.ok(Command::RequestCancel { customer, order });
        one.wait(ARCHIVE_AFTER);
        let before = one.now.after(Span(1 - ARCHIVE_AFTER.0));
        let look = |panel: &mut Panel<'_, InPostgres>| -> OldOrders {
            panel.queue(|queue| queue.old_orders(OrderId(0), before, 100).expect("reads"))
        };
        assert_eq!(look(one).orders, [order]);
        assert_eq!(look(other).orders, [], "each walks over its own");
        // As it is while a program of the version before has the other node: it has said nothing of the archive.
        let hand = ByHand::at(one.subject);
        hand.run(&format!("update archive set epoch = epoch - 1 where node = {}", other.node));
        assert_eq!(look(one), OldOrders::default());
        hand.run(&format!("update node set holder = null where id = {}", other.node));
        assert_eq!(look(one).orders, [order], "it was taken over");
    });
}

#[test]
fn nodes_that_archive_and_change_the_same_orders_lose_nothing() {
    const ORDERS: usize = 24;
    two(|one, other| {
        let customer = one.customer(100_000_000);
        let (service, _) = one.routed();
        let attempts: Vec<_> = (0..ORDERS)
            .map(|n| {
                let order = one.place(customer, service, draft(&link(n), 100));
                let attempt = one.accept(order, &format!("theirs of {n}"));
                one.observe(attempt, seen(SeenStatus::Completed));
                attempt
            })
            .collect();
        one.wait(ARCHIVE_AFTER);
        let now = one.now;
        let orders: Vec<OrderId> = attempts.iter().map(|attempt| attempt.order).collect();
        std::thread::scope(|threads| {
            let (orders, attempts) = (&orders, &attempts);
            threads.spawn(move || {
                for round in 0..40_usize {
                    let some = orders.iter().copied().skip(round % 5).step_by(2).collect();
                    let command = Command::ArchiveOrders { orders: some, kept: ARCHIVE_AFTER };
                    for ran in one.executor().run(now, &[command]).expect("goes on") {
                        assert!(ran.replies.iter().all(Result::is_ok), "{ran:?}");
                    }
                }
            });
            for round in 0..40_i64 {
                let changes: Vec<Command> = attempts
                    .iter()
                    .skip(usize::try_from(round % 7).expect("small"))
                    .step_by(5)
                    .map(|attempt| Command::Observe {
                        attempt: *attempt,
                        seen: panelworks_core::provider::Observation {
                            start_count: Some(round),
                            ..seen(SeenStatus::Completed)
                        },
                    })
                    .collect();
                for ran in other.executor().run(now, &changes).expect("goes on") {
                    let noted = |reply: &Result<_, _>| matches!(reply, Ok(Ok(Done::Noted)));
                    assert!(ran.replies.iter().all(noted), "none was unknown: {ran:?}");
                }
            }
        });
        for order in &orders {
            assert!(other.placed_file(*order).order.start_count.is_some());
        }
        other.audit();
    });
}
