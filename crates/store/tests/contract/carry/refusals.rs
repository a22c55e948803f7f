//! What is not carried, and what is not started: each refusal says what to do.

use panelworks_core::testing::draft;
use panelworks_store::carry::{Arriving as _, Carried, CarryError, Departing as _, Place as _};
use panelworks_store::contract::{Panel, busy, link};
use panelworks_store::postgres::{self, PostgresCarrier, Side};
use panelworks_store::sqlite::{OpenError, Options, Sqlite, SqliteCarrier};

use super::{back, folder, folder_of, forget_the_living, schema, take_back, there};
use crate::shared::{ByHand, two};
use crate::subjects::{InPostgres, InSqlite};

#[test]
fn books_that_were_moved_start_no_more_and_say_where_they_are() {
    let (mut embedded, Some(shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    busy(&mut Panel::open(&mut embedded));
    there(&embedded, &shared).expect("carried");
    let refused = Sqlite::open(embedded.folder.path(), Options::default()).expect_err("moved").to_string();
    assert!(refused.contains(&shared.options.schema) && refused.contains("--undo"), "{refused}");
    back(&shared, &embedded).expect("carried back");
    let refused = postgres::Postgres::open(shared.options.clone()).expect_err("moved").to_string();
    assert!(refused.contains(&folder_of(&embedded)) && refused.contains("--undo"), "{refused}");
    let old = embedded.folder.path().join("panelworks.db.moved");
    assert!(old.exists(), "what was there before is put aside, not removed");
    let refused = there(&embedded, &shared).expect_err("old books");
    assert!(matches!(refused, CarryError::OldBooks { .. }), "{refused}");
}

#[test]
fn a_second_move_finds_the_first_one_done() {
    let (mut embedded, Some(shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    busy(&mut Panel::open(&mut embedded));
    there(&embedded, &shared).expect("carried");
    assert_eq!(there(&embedded, &shared).expect("done"), Carried::Before);
    let Some(third) = InPostgres::new() else { return };
    let refused = there(&embedded, &third).expect_err("elsewhere");
    assert!(
        matches!(&refused, CarryError::Elsewhere { to, .. } if to.contains(&shared.options.schema)),
        "{refused}"
    );
}

#[test]
fn a_move_that_was_interrupted_after_the_mark_is_finished_by_the_next_one() {
    let (mut embedded, Some(shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    busy(&mut Panel::open(&mut embedded));
    let to = schema(&shared, Side::Arriving).shown().to_owned();
    folder(&embedded).mark(&to).expect("marked");
    assert!(matches!(there(&embedded, &shared), Ok(Carried::Now(_))));
    forget_the_living(&shared);
    let to = folder(&embedded).shown().to_owned();
    schema(&shared, Side::Departing).mark(&to).expect("marked");
    assert!(matches!(back(&shared, &embedded), Ok(Carried::Now(_))));
    Panel::open(&mut embedded).audit();
}

#[test]
fn a_move_that_is_interrupted_before_its_end_leaves_nothing() {
    let (mut embedded, Some(shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    busy(&mut Panel::open(&mut embedded));
    let (mut from, mut to) = (folder(&embedded), schema(&shared, Side::Arriving));
    let standing = from.standing().expect("reads").expect("there");
    to.begin(&standing).expect("begins");
    to.put(&from.settings().expect("reads")).expect("put");
    drop((from, to));
    let tables = format!("select count(*) from pg_tables where schemaname = '{}'", shared.options.schema);
    assert_eq!(ByHand::at(&shared).number(&tables), 0);
    there(&embedded, &shared).expect("carried at the second try");

    let (mut from, other) = (schema(&shared, Side::Departing), InSqlite::new());
    let mut to = folder(&other);
    let standing = from.standing().expect("reads").expect("there");
    to.begin(&standing).expect("begins");
    drop((from, to));
    assert!(!other.folder.path().join("panelworks.db").exists());
    back(&shared, &other).expect("carried at the second try");
}

#[test]
fn a_place_with_other_books_is_left_alone() {
    let (mut embedded, Some(mut shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    busy(&mut Panel::open(&mut embedded));
    Panel::open(&mut shared).customer(5);
    let refused = there(&embedded, &shared).expect_err("occupied");
    assert!(matches!(refused, CarryError::Occupied(_)), "{refused}");
    let refused = back(&shared, &embedded).expect_err("occupied");
    assert!(matches!(refused, CarryError::Occupied(_)), "{refused}");
    drop(Panel::open(&mut embedded));
    drop(Panel::open(&mut shared));
}

#[test]
fn tables_that_a_start_has_made_and_nobody_has_written_to_are_an_empty_place() {
    let (mut embedded, Some(mut shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    busy(&mut Panel::open(&mut embedded));
    drop(Panel::open(&mut shared));
    there(&embedded, &shared).expect("carried");
    Panel::open(&mut shared).audit();
}

#[test]
fn nothing_is_carried_from_where_nothing_is() {
    let (mut embedded, Some(shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    for _ in 0..2 {
        assert!(matches!(there(&embedded, &shared), Err(CarryError::NoBooks(_))));
        assert!(matches!(back(&shared, &embedded), Err(CarryError::NoBooks(_))));
        // Books in which nothing was ever written are none either.
        drop(Panel::open(&mut embedded));
    }
    let nothing = take_back(&mut folder(&embedded), &mut schema(&shared, Side::Departing));
    assert!(matches!(nothing, Err(CarryError::NotMoved(_))), "{nothing:?}");
}

#[test]
fn books_that_are_in_use_are_refused() {
    let (mut embedded, Some(mut shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    let panel = Panel::open(&mut embedded);
    let refused = SqliteCarrier::open(panel.subject.folder.path()).expect_err("locked");
    assert!(matches!(refused, OpenError::Locked(_)), "{refused}");
    let other = shared.beside("somebody else");
    let panel = Panel::open(&mut shared);
    for side in [Side::Departing, Side::Arriving] {
        let refused = PostgresCarrier::open(other.options.clone(), side, String::new()).expect_err("in use");
        assert!(matches!(refused, postgres::OpenError::InUse { node: 1, .. }), "{refused}");
    }
    drop(panel);
}

#[test]
fn a_panel_that_was_only_frozen_writes_nothing_to_books_that_have_gone() {
    let (embedded, Some(mut shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    let beside = shared.beside("first");
    let mut panel = Panel::open(&mut shared);
    let (customer, service, _) = busy(&mut panel);
    back(&beside, &embedded).expect("carried, by the one who has its name");
    let mut executor = panel.take_executor();
    let command = panelworks_core::testing::place(customer, service, draft(&link(100), 100));
    let stopped = executor.run(panel.now, &[command]).expect_err("its epoch is over");
    assert!(stopped.to_string().contains("is over"), "{stopped}");
}

#[test]
fn books_of_several_nodes_stay_where_they_are() {
    let moved = two(|one, other| {
        let (customer, service, _) = busy(one);
        other.now = one.now;
        other.place(customer, service, draft(&link(200), 100));
        let embedded = InSqlite::new();
        forget_the_living(one.subject);
        back(one.subject, &embedded).expect_err("two streams").to_string()
    });
    let Some(refused) = moved else { return };
    assert!(refused.contains("nodes 1, 2") && refused.contains("PostgreSQL"), "{refused}");
}

#[test]
fn a_copy_that_nobody_has_claimed_is_not_carried() {
    let (mut embedded, Some(shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    busy(&mut Panel::open(&mut embedded));
    let copy = InSqlite::new();
    let file = "panelworks.db";
    std::fs::copy(embedded.folder.path().join(file), copy.folder.path().join(file)).expect("copied");
    let refused = there(&copy, &shared).expect_err("a copy").to_string();
    assert!(refused.contains("--claim"), "{refused}");
}

#[test]
fn unsound_books_are_not_carried() {
    let (mut embedded, Some(shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    busy(&mut Panel::open(&mut embedded));
    let hand = rusqlite::Connection::open(embedded.folder.path().join("panelworks.db")).expect("opens");
    hand.execute("update orders set charge = charge + 1 where id = 1", []).expect("edited");
    drop(hand);
    let refused = there(&embedded, &shared).expect_err("unsound");
    assert!(matches!(refused, CarryError::Unsound { .. }), "{refused}");
    let unmarked = folder(&embedded).standing().expect("reads").expect("there").moved_to;
    assert_eq!(unmarked, None);
}

#[test]
fn a_move_is_not_taken_back_when_the_books_have_gone_on() {
    let (mut embedded, Some(mut shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    let (customer, service, _) = busy(&mut Panel::open(&mut embedded));
    there(&embedded, &shared).expect("carried");
    Panel::open(&mut shared).place(customer, service, draft(&link(300), 100));
    let refused = take_back(&mut folder(&embedded), &mut schema(&shared, Side::Departing));
    assert!(matches!(refused, Err(CarryError::GoneOn { .. })), "{refused:?}");
    Panel::open(&mut shared).place(customer, service, draft(&link(301), 100));
}
