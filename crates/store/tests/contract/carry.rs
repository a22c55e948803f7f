//! Books carried between the stores: everything arrives as it was, and nothing starts twice, or on a half.

pub(crate) mod dump;
mod refusals;

use panelworks_core::ids::OrderId;
use panelworks_core::testing::draft;
use panelworks_store::carry::{Carried, CarryError, Step, carry, take_back};
use panelworks_store::contract::{self, Panel, busy, link};
use panelworks_store::postgres::{PostgresCarrier, Side};
use panelworks_store::sqlite::SqliteCarrier;

use crate::shared::ByHand;
use crate::subjects::{InPostgres, InSqlite};

fn folder(subject: &InSqlite) -> SqliteCarrier {
    SqliteCarrier::open(subject.folder.path()).expect("opens")
}

fn schema(subject: &InPostgres, side: Side) -> PostgresCarrier {
    let shown = format!("the schema {}", subject.options.schema);
    PostgresCarrier::open(subject.options.clone(), side, shown).expect("opens")
}

fn there(from: &InSqlite, to: &InPostgres) -> Result<Carried, CarryError> {
    carry(&mut folder(from), &mut schema(to, Side::Arriving), &mut |_, _, _| ())
}

fn back(from: &InPostgres, to: &InSqlite) -> Result<Carried, CarryError> {
    carry(&mut schema(from, Side::Departing), &mut folder(to), &mut |_, _, _| ())
}

/// Nobody is alive on the schema any more: audits of the contract have left a node.
fn forget_the_living(subject: &InPostgres) {
    ByHand::at(subject).run("update node set lease_until = now()");
}

#[test]
fn busy_books_arrive_and_go_on_as_if_nothing_had_happened() {
    let (mut embedded, Some(mut shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    let mut panel = Panel::open(&mut embedded);
    let (customer, service, orders) = busy(&mut panel);
    let before: Vec<_> = orders.iter().map(|order| panel.file(*order)).collect();
    let (link_before, account, now) = (panel.link(), panel.account(customer), panel.now);
    let next = panel.cursors();
    drop(panel);

    assert!(matches!(there(&embedded, &shared), Ok(Carried::Now(_))));
    let mut panel = Panel::open(&mut shared);
    panel.now = now;
    assert_eq!(panel.link(), link_before);
    assert_eq!(panel.account(customer), account);
    assert_eq!(panel.cursors(), next);
    assert_eq!(orders.iter().map(|order| panel.file(*order)).collect::<Vec<_>>(), before);
    let first = panel.place(customer, service, draft(&link(100), 100));
    assert_eq!(first, OrderId(next.order));
    panel.audit();
    let link_before = panel.link();
    drop(panel);

    forget_the_living(&shared);
    assert!(matches!(back(&shared, &embedded), Ok(Carried::Now(_))));
    let mut panel = Panel::open(&mut embedded);
    panel.now = now;
    assert_eq!(panel.link(), link_before);
    assert_eq!(orders.iter().map(|order| panel.file(*order)).collect::<Vec<_>>(), before);
    assert_eq!(panel.place(customer, service, draft(&link(101), 100)), OrderId(first.0 + 1));
    panel.audit();
}

/// Books of every kind of row there is, made by cases of the contract.
macro_rules! of_every_kind {
    ($check:ident) => {
        $check!(every_kind_of_order_survives);
        $check!(every_part_survives);
        $check!(every_hold_survives);
        $check!(every_state_of_an_attempt_survives);
        $check!(many_attempts_come_back_in_their_order);
        $check!(refills_and_cancels_survive_in_every_state);
        $check!(long_and_odd_texts_survive);
        $check!(the_largest_charge_survives);
        $check!(customers_and_keys_survive);
        $check!(services_and_providers_survive_a_change);
        $check!(operators_survive_with_every_change);
        $check!(an_idempotency_key_is_known_after_a_start);
        $check!(a_hot_customer_is_charged_once_for_each_order);
        $check!(an_archived_order_is_what_it_was);
        $check!(a_change_brings_an_order_back_from_the_archive);
    };
}

#[test]
fn every_row_of_a_file_comes_back_byte_for_byte() {
    macro_rules! round_trip {
        ($case:ident) => {
            let (mut embedded, Some(shared)) = (InSqlite::new(), InPostgres::new()) else { return };
            contract::$case(&mut embedded);
            let before = dump::of_file(&embedded);
            there(&embedded, &shared).expect("carried");
            back(&shared, &embedded).expect("carried back");
            dump::assert_same(stringify!($case), &before, &dump::of_file(&embedded));
        };
    }
    of_every_kind!(round_trip);
}

#[test]
fn every_row_of_a_schema_comes_back_byte_for_byte() {
    macro_rules! round_trip {
        ($case:ident) => {
            let (embedded, Some(mut shared)) = (InSqlite::new(), InPostgres::new()) else { return };
            contract::$case(&mut shared);
            forget_the_living(&shared);
            let before = dump::of_schema(&shared);
            back(&shared, &embedded).expect("carried");
            let Some(again) = InPostgres::new() else { return };
            there(&embedded, &again).expect("carried back");
            dump::assert_same(stringify!($case), &before, &dump::of_schema(&again));
        };
    }
    of_every_kind!(round_trip);
}

#[test]
fn ids_that_were_left_out_on_purpose_stay_left_out() {
    let (mut embedded, Some(mut shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    let mut panel = Panel::open(&mut embedded);
    let (customer, service, _) = busy(&mut panel);
    drop(panel);
    embedded.options.order_floor = Some(1_000_000);
    drop(Panel::open(&mut embedded));
    embedded.options.order_floor = None;
    there(&embedded, &shared).expect("carried");
    drop(Panel::open(&mut shared));
    back(&shared, &embedded).expect("carried back");
    let mut panel = Panel::open(&mut embedded);
    assert_eq!(panel.place(customer, service, draft(&link(100), 100)), OrderId(1_000_000));
    panel.audit();
}

#[test]
fn whoever_waits_hears_every_step_to_its_end() {
    let (mut embedded, Some(shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    busy(&mut Panel::open(&mut embedded));
    let mut heard = Vec::new();
    carry(&mut folder(&embedded), &mut schema(&shared, Side::Arriving), &mut |step, done, all| {
        heard.push((step, done, all));
    })
    .expect("carried");
    for step in [Step::Auditing, Step::Copying, Step::AuditingCopy] {
        assert!(heard.contains(&(step, 12, 12)), "{heard:?}");
    }
}

#[test]
fn a_move_is_taken_back_while_nothing_was_done_there() {
    let (mut embedded, Some(mut shared)) = (InSqlite::new(), InPostgres::new()) else { return };
    busy(&mut Panel::open(&mut embedded));
    there(&embedded, &shared).expect("carried");
    drop(Panel::open(&mut shared));
    take_back(&mut folder(&embedded), &mut schema(&shared, Side::Departing)).expect("taken back");
    let mut panel = Panel::open(&mut embedded);
    panel.audit();
    drop(panel);
    let refused = panelworks_store::postgres::Postgres::open(shared.options).expect_err("moved");
    assert!(refused.to_string().contains(&folder_of(&embedded)), "{refused}");
}

fn folder_of(subject: &InSqlite) -> String {
    subject.folder.path().canonicalize().expect("there").display().to_string()
}
