//! Whatever is edited by hand, the audit finds and names it (invariants.md E5, A15).

use super::questions::busy;
use super::{Asked, Panel};

/// Edits sound books with each of `edits`, and tells what the audit says.
pub fn after_edits<S: Asked>(subject: &mut S, edits: &[&str]) -> Vec<String> {
    let mut panel = Panel::open(subject);
    busy(&mut panel);
    let views = panel.subject.reads();
    assert_eq!(views.audit(&mut |_, _| ()), Ok(Vec::new()));
    for sql in edits {
        assert!(panel.subject.by_hand(sql) > 0, "{sql} changed nothing");
    }
    let violations = views.audit(&mut |_, _| ()).expect("audits");
    violations.iter().map(ToString::to_string).collect()
}

/// The audit names `law` and `word` in one line after the edit.
pub fn found_after<S: Asked>(subject: &mut S, sql: &str, law: &str, word: &str) {
    let said = after_edits(subject, &[sql]);
    assert!(names(&said, law, word), "{sql}: {said:#?}");
}

fn names(said: &[String], law: &str, word: &str) -> bool {
    said.iter().any(|line| line.starts_with(law) && line.contains(word))
}

/// Shows E5, I2.
pub fn a_balance_edited_by_hand_is_found<S: Asked>(subject: &mut S) {
    found_after(subject, "update account set balance = balance + 1", "I2", "customer 1");
}

/// Shows E5, I4.
pub fn an_entry_edited_by_hand_breaks_its_batch<S: Asked>(subject: &mut S) {
    found_after(subject, "update entry set amount = amount + 1 where number = 5", "I4", "link");
}

/// Shows E5, I4.
pub fn an_entry_moved_to_another_account_breaks_its_batch<S: Asked>(subject: &mut S) {
    found_after(subject, "update entry set to_kind = 5 where number = 5", "I4", "link");
}

/// Shows E5, I4.
pub fn a_deleted_entry_is_missed<S: Asked>(subject: &mut S) {
    found_after(subject, "delete from entry where number = 5", "I4", "entry 6 follows entry 4");
}

pub fn the_last_entry_of_all_is_missed_as_well<S: Asked>(subject: &mut S) {
    let last = "delete from entry where number = (select max(number) from entry)";
    found_after(subject, last, "I4", "missing");
}

pub fn the_last_batch_of_all_leaves_entries_of_no_batch<S: Asked>(subject: &mut S) {
    let paid = "delete from batch where place >= (select max(place) from batch) - 8";
    found_after(subject, paid, "I4", "belongs to no batch");
}

/// Shows E5, I4.
pub fn a_deleted_batch_is_missed<S: Asked>(subject: &mut S) {
    found_after(subject, "delete from batch where place = 4", "I4", "place 5, where 4 belongs");
}

pub fn a_batch_with_another_time_is_found<S: Asked>(subject: &mut S) {
    found_after(subject, "update batch set at = at + 1 where place = 4", "I4", "link");
}

pub fn a_batch_that_claims_more_entries_is_found<S: Asked>(subject: &mut S) {
    let claims = "update batch set last_entry = 1000000 where place = 8";
    found_after(subject, claims, "I4", "ends with entry 1000000, which is missing");
}

/// Shows E5, I7.
pub fn a_charge_edited_by_hand_is_found<S: Asked>(subject: &mut S) {
    found_after(subject, "update orders set charge = charge + 1 where id = 12", "I7", "order 12");
}

/// Shows E5, I6.
pub fn a_refund_written_into_an_order_is_found<S: Asked>(subject: &mut S) {
    let refund = "update orders set refunded = 5, in_flight = in_flight - 5 where id = 10";
    found_after(subject, refund, "I6", "order 10");
}

/// Shows E5, I5.
pub fn a_deleted_order_leaves_rows_that_are_found<S: Asked>(subject: &mut S) {
    found_after(subject, "delete from orders where id = 5", "I5", "order 5, which does not exist");
}

pub fn two_orders_that_changed_places_are_found<S: Asked>(subject: &mut S) {
    let edits = [
        "update orders set id = 900 where id = 3",
        "update orders set id = 3 where id = 4",
        "update orders set id = 4 where id = 900",
    ];
    let said = after_edits(subject, &edits);
    assert!(names(&said, "I6", "order 3:") && names(&said, "I6", "order 4:"), "{said:#?}");
}

/// Shows E5, I8.
pub fn an_ended_order_reopened_by_hand_is_found<S: Asked>(subject: &mut S) {
    found_after(subject, "update orders set status = 3 where id = 2", "I8", "order 2");
}

/// Shows E5, I10.
pub fn remains_beyond_the_quantity_are_found<S: Asked>(subject: &mut S) {
    found_after(subject, "update orders set remains = quantity + 1 where id = 3", "I10", "order 3");
}

pub fn an_order_of_an_unknown_service_is_found<S: Asked>(subject: &mut S) {
    found_after(subject, "update orders set service = 77 where id = 3", "I7", "service 77");
}

/// Shows E5, I19.
pub fn a_cost_edited_by_hand_is_found<S: Asked>(subject: &mut S) {
    found_after(subject, "update attempt set booked_cost = 1 where order_id = 2", "I19", "order 2");
}

/// Shows E5, I2.
pub fn a_providers_balance_edited_by_hand_is_found<S: Asked>(subject: &mut S) {
    found_after(subject, "update prepaid set amount = amount - 1", "I2", "provider account 1");
}

/// Shows E5, I5.
pub fn a_deleted_transfer_is_missed<S: Asked>(subject: &mut S) {
    found_after(subject, "delete from transfer where id = 1", "I5", "transfer 1");
}

pub fn a_transfer_with_another_amount_is_found<S: Asked>(subject: &mut S) {
    found_after(subject, "update transfer set amount = amount + 1 where id = 1", "I5", "transfer 1");
}
