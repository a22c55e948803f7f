//! Promises of the embedded store alone: its lock, its file, its epochs, its plans, its copies, a full disk.

mod books;
mod copies;
mod damage;
mod plans;
mod room;
mod spill;

use panelworks_store::contract::{Asked, busy};
use panelworks_store::ports::Views as _;
use panelworks_store::reader::OwnReads;
use panelworks_store::sqlite::SqliteViews;

use crate::subjects::InSqlite;

impl Asked for InSqlite {
    fn reads(&self) -> OwnReads {
        Box::new(views(self))
    }

    fn by_hand(&self, sql: &str) -> u64 {
        let hand = by_hand(self);
        hand.pragma_update(None, "foreign_keys", false).expect("set");
        hand.pragma_update(None, "ignore_check_constraints", true).expect("set");
        hand.execute(sql, []).unwrap_or_else(|why| panic!("{sql}: {why}")) as u64
    }

    fn number(&self, sql: &str) -> u64 {
        let number: i64 = by_hand(self).query_row(sql, [], |row| row.get(0)).expect("a number");
        u64::try_from(number).expect("not negative")
    }
}

/// A connection of somebody who edits the file by hand.
fn by_hand(subject: &InSqlite) -> rusqlite::Connection {
    rusqlite::Connection::open(subject.folder.path().join("panelworks.db")).expect("opens")
}

fn views(subject: &InSqlite) -> SqliteViews {
    subject.reads().views().expect("opens")
}

fn violations(subject: &InSqlite) -> Vec<String> {
    let violations = views(subject).audit(&mut |_, _| ()).expect("audits");
    violations.iter().map(ToString::to_string).collect()
}
