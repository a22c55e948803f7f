//! Edits by hand that only this store's tables can suffer, and what a start refuses at the end of its books; those
//! that any store's audit finds are in the contract (invariants.md E5, A15).

use panelworks_store::contract::{Panel, after_edits, busy, found_after};

use super::by_hand;
use crate::subjects::InSqlite;
use panelworks_store::sqlite::{OnDamage, OpenError, Options, Sqlite};

fn found(sql: &str, law: &str, word: &str) {
    found_after(&mut InSqlite::new(), sql, law, word);
}

#[test]
fn an_entry_that_was_added_belongs_to_no_batch() {
    found(
        "insert into entry select 999, 3, 0, 0, max(number) + 1, 4, 0, 1, 1, 5, 'USD' from entry",
        "I4",
        "belongs to no batch",
    );
}

#[test]
fn a_broken_link_is_named_once() {
    let said = after_edits(&mut InSqlite::new(), &["update batch set link = zeroblob(16) where place = 4"]);
    let links = said.iter().filter(|line| line.starts_with("I4")).count();
    assert_eq!(links, 2, "the batch itself, and the one that follows it: {said:#?}");
}

#[test]
fn a_second_attempt_beside_a_live_one_is_found() {
    let sql = "insert into attempt select order_id, 2, purpose, account, service, expected_cost, 0, currency, 0, 1, planned_at, planned_at, \
               null, null, null, null from attempt where order_id = 1";
    found(sql, "I14", "order 1");
}

#[test]
fn a_deleted_refill_is_missed() {
    found("delete from refill", "I5", "refills or cancels");
}

/// Closed books with `edit` done to their file by hand.
fn closed(edit: impl FnOnce(&rusqlite::Connection)) -> InSqlite {
    let mut subject = InSqlite::new();
    {
        let mut panel = Panel::open(&mut subject);
        busy(&mut panel);
        panel.reopen();
        panel.customer(5_000_000);
    }
    subject.reads = None;
    let hand = by_hand(&subject);
    hand.pragma_update(None, "foreign_keys", false).expect("set");
    hand.pragma_update(None, "ignore_check_constraints", true).expect("set");
    edit(&hand);
    hand.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).expect("in the file");
    subject
}

/// What a start says, if it refuses.
fn start(subject: &InSqlite) -> Result<(), String> {
    match Sqlite::open(subject.folder.path(), Options::default()) {
        Ok(_) => Ok(()),
        Err(refused @ OpenError::Damaged { .. }) => Err(refused.to_string()),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn sound_books_start_again_and_again() {
    let subject = closed(|_| ());
    for _ in 0..3 {
        assert_eq!(start(&subject), Ok(()));
    }
    let empty = InSqlite::new();
    assert_eq!((start(&empty), start(&empty)), (Ok(()), Ok(())));
}

/// Shows A15, E5.
#[test]
fn whatever_is_edited_at_the_end_of_the_books_keeps_them_from_starting() {
    for (sql, word) in [
        ("update account set balance = balance + 1 where customer = 1", "of customers 1"),
        ("update account set balance = balance - 1 where customer = 2", "of customers 2"),
        ("update entry set amount = amount + 1 where number = 5", "link"),
        ("update entry set to_kind = 5 where number = 5", "link"),
        ("update entry set cause_id = 900 where cause_id = 3", "link"),
        ("delete from entry where number = (select max(number) from entry)", "link"),
        ("delete from batch where place = (select max(place) - 1 from batch)", "place"),
        ("update batch set at = at + 1 where place = 9", "link"),
        ("update batch set balances = zeroblob(16) where last_entry > 0", "balances"),
        ("update batch set causes = zeroblob(0) where last_entry > 0", "link"),
        ("update orders set refunded = refunded + 1, in_flight = in_flight - 1 where id = 3", "order 3"),
        ("update orders set charge = charge + 1 where id = 3", "order 3"),
        ("update orders set status = 6 where id = 3", "order 3"),
        ("update attempt set booked_cost = 1 where order_id = 2", "order 2"),
        ("delete from orders where id = 4", "order 4"),
        ("delete from account where customer = 1", "no account"),
        ("update orders set kind = 99 where id = 4", "kind 99"),
    ] {
        let subject = closed(|hand| assert!(hand.execute(sql, []).expect(sql) > 0, "{sql} changed nothing"));
        let said = start(&subject).expect_err(sql);
        assert!(said.contains(word) && said.contains("panelworks check"), "{sql}: {said}");
        // Whoever looks for the damage finds the same.
        let options = Options { on_damage: OnDamage::Open, ..Options::default() };
        let opened = Sqlite::open(subject.folder.path(), options).expect("opens for the check");
        let audited = opened
            .reads
            .views()
            .and_then(|views| panelworks_store::ports::Views::audit(&views, &mut |_, _| ()));
        assert!(
            audited.is_err() || audited.is_ok_and(|found| !found.is_empty()),
            "{sql}: the check is content"
        );
    }
}

/// Every row of the ledger as text; nothing where it can't be read.
fn ledger(file: &std::path::Path) -> Option<Vec<String>> {
    let hand = rusqlite::Connection::open(file).ok()?;
    let mut rows = Vec::new();
    for (table, columns) in [("batch", "*"), ("entry", "*"), ("account", "customer, currency, balance")] {
        let mut all = hand.prepare(&format!("select {columns} from {table}")).ok()?;
        let width = all.column_count();
        let mut found = all.query([]).ok()?;
        while let Some(row) = found.next().ok()? {
            let value = |place| row.get::<_, rusqlite::types::Value>(place).ok();
            rows.push(format!("{table} {:?}", (0..width).map(value).collect::<Option<Vec<_>>>()?));
        }
    }
    Some(rows)
}

fn first_change(sound: &[String], rows: &[String]) -> Option<String> {
    let differs = (0..sound.len().max(rows.len())).find(|place| sound.get(*place) != rows.get(*place))?;
    Some(format!("{:?} was {:?}", rows.get(differs), sound.get(differs)))
}

/// Shows A15.
#[test]
fn a_flipped_byte_in_the_ledger_keeps_the_books_from_starting_unless_it_changes_nothing() {
    let subject = closed(|_| ());
    let file = subject.folder.path().join("panelworks.db");
    let pages: Vec<u32> = by_hand(&subject)
        .prepare(
            "select pageno from dbstat where name in ('batch', 'entry', 'account') and pagetype = 'leaf'",
        )
        .and_then(|mut all| all.query_map([], |row| row.get(0))?.collect())
        .expect("the pages");
    let whole = std::fs::read(&file).expect("the file");
    let sound = ledger(&file).expect("readable");
    let mut refused = 0;
    for page in pages.into_iter().map(|page| page as usize) {
        for place in ((page - 1) * 4096..page * 4096).step_by(61) {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x11;
            let folder = tempfile::tempdir().expect("a folder");
            let copy = folder.path().join("panelworks.db");
            std::fs::write(&copy, &bytes).expect("written");
            let changed = ledger(&copy).map(|rows| first_change(&sound, &rows));
            let started = Sqlite::open(folder.path(), Options::default());
            assert!(
                changed == Some(None) || started.is_err(),
                "byte {place} of page {page} changes the ledger, and it starts: {changed:?}"
            );
            refused += usize::from(started.is_err());
        }
    }
    assert!(refused > 20, "only {refused} flips mattered");
}
