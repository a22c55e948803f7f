//! Whatever is edited by hand, the audit finds and names it (invariants.md E5, A15).

use panelworks_store::contract::Panel;

use super::{busy, by_hand, violations};
use crate::subjects::InSqlite;

/// Edits a sound file with `sql`, and tells what the audit says.
fn after(sql: &str) -> Vec<String> {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    busy(&mut panel);
    panel.audit();
    let hand = by_hand(panel.subject);
    hand.pragma_update(None, "foreign_keys", false).expect("set");
    hand.pragma_update(None, "ignore_check_constraints", true).expect("set");
    let changed = hand.execute(sql, []).expect("edited");
    assert!(changed > 0, "{sql} changed nothing");
    violations(panel.subject)
}

fn found(sql: &str, law: &str, word: &str) {
    let said = after(sql);
    assert!(said.iter().any(|line| line.starts_with(law) && line.contains(word)), "{sql}: {said:#?}");
}

#[test]
fn a_balance_edited_by_hand_is_found() {
    found("update account set balance = balance + 1", "I2", "customer 1");
}

#[test]
fn an_entry_edited_by_hand_breaks_its_batch() {
    found("update entry set amount = amount + 1 where number = 5", "I4", "link");
}

#[test]
fn an_entry_moved_to_another_account_breaks_its_batch() {
    found("update entry set to_kind = 5 where number = 5", "I4", "link");
}

#[test]
fn a_deleted_entry_is_missed() {
    found("delete from entry where number = 5", "I4", "entry 6 follows entry 4");
}

#[test]
fn the_last_entry_of_all_is_missed_as_well() {
    found("delete from entry where number = (select max(number) from entry)", "I4", "missing");
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
fn a_deleted_batch_is_missed() {
    found("delete from batch where place = 4", "I4", "place 5, where 4 belongs");
}

#[test]
fn a_batch_with_another_time_is_found() {
    found("update batch set at = at + 1 where place = 4", "I4", "link");
}

#[test]
fn a_broken_link_is_named_once() {
    let said = after("update batch set link = zeroblob(16) where place = 4");
    let links = said.iter().filter(|line| line.starts_with("I4")).count();
    assert_eq!(links, 2, "the batch itself, and the one that follows it: {said:#?}");
}

#[test]
fn a_charge_edited_by_hand_is_found() {
    found("update orders set charge = charge + 1 where id = 12", "I7", "order 12");
}

#[test]
fn a_refund_written_into_an_order_is_found() {
    found("update orders set refunded = 5, in_flight = in_flight - 5 where id = 10", "I6", "order 10");
}

#[test]
fn a_deleted_order_leaves_rows_that_are_found() {
    found("delete from orders where id = 5", "I5", "order 5, which does not exist");
}

#[test]
fn an_ended_order_reopened_by_hand_is_found() {
    found("update orders set status = 3 where id = 2", "I8", "order 2");
}

#[test]
fn remains_beyond_the_quantity_are_found() {
    found("update orders set remains = quantity + 1 where id = 3", "I10", "order 3");
}

#[test]
fn an_order_of_an_unknown_service_is_found() {
    found("update orders set service = 77 where id = 3", "I7", "service 77");
}

#[test]
fn a_cost_edited_by_hand_is_found() {
    found("update attempt set booked_cost = 1 where order_id = 2", "I19", "order 2");
}

#[test]
fn a_second_attempt_beside_a_live_one_is_found() {
    let sql = "insert into attempt select order_id, 2, purpose, account, service, expected_cost, 0, currency, 0, 1, planned_at, planned_at, \
               null, null, null, null from attempt where order_id = 1";
    found(sql, "I14", "order 1");
}

#[test]
fn a_providers_balance_edited_by_hand_is_found() {
    found("update prepaid set amount = amount - 1", "I2", "provider account 1");
}

#[test]
fn a_deleted_transfer_is_missed() {
    found("delete from transfer where id = 1", "I5", "transfer 1");
}

#[test]
fn a_transfer_with_another_amount_is_found() {
    found("update transfer set amount = amount + 1 where id = 1", "I5", "transfer 1");
}

#[test]
fn a_deleted_refill_is_missed() {
    found("delete from refill", "I5", "refills or cancels");
}
