//! Each fault does what it says, and only that.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::*;
use crate::fault::{AddFault, Aimed, BatchFault, Break, FaultRate, RefillFault, RowFault};
use crate::reply::Reaction;
use crate::testing::{ask, form, json, order, post, reply};

const ADD: &str = "add&service=1&link=a&quantity=100";

fn react(provider: &mut Provider, now: i64, call: &str) -> Reaction {
    provider.react(now, &post(&form(call)))
}

/// A provider that misbehaves so from now on, always.
fn always(provider: &mut Provider, fault: Fault) {
    provider.set_faults(Faults::at(fault, 1000));
}

fn row(provider: &mut Provider, now: i64, id: u64) -> Value {
    ask(provider, now, &format!("status&order={id}"))
}

#[test]
fn an_answer_breaks_in_seven_ways_after_the_order_was_created() {
    for kind in [
        Break::Hang,
        Break::Close,
        Break::Half,
        Break::BadGateway,
        Break::GatewayTimeout,
        Break::Html,
        Break::Empty,
    ] {
        let mut provider = provider();
        always(&mut provider, Fault::Accepted(kind));
        let reaction = react(&mut provider, START, ADD);
        match (kind, &reaction) {
            (Break::Hang, Reaction::Hang) | (Break::Close, Reaction::Closed) => {}
            (Break::Half, Reaction::Half(reply)) => assert_eq!(json(reply), json!({"order": 1})),
            (Break::BadGateway, Reaction::Reply(reply)) => assert_eq!(reply.status, 502),
            (Break::GatewayTimeout, Reaction::Reply(reply)) => assert_eq!(reply.status, 504),
            (Break::Html, Reaction::Reply(reply)) => {
                assert_eq!(reply.status, 200);
                assert!(
                    reply.body.starts_with(b"<!DOCTYPE html>") && reply.content_type.starts_with("text/html")
                );
            }
            (Break::Empty, Reaction::Reply(reply)) => assert_eq!((reply.status, reply.body.len()), (200, 0)),
            (kind, other) => panic!("{kind:?} gave {other:?}"),
        }
        assert_eq!(provider.witnessed_orders(0, 10).len(), 1, "{kind:?}");
        always(&mut provider, Fault::Refused(kind));
        let unseen = react(&mut provider, START, ADD);
        assert_eq!(std::mem::discriminant(&unseen), std::mem::discriminant(&reaction));
        assert_eq!(provider.witnessed_orders(0, 10).len(), 1, "refused: {kind:?}");
        assert_eq!(provider.witness().count(Action::Add), 2);
    }
}

#[test]
fn a_plain_refusal_is_not_hidden_by_a_fault_that_follows_acceptance() {
    let mut provider = provider();
    always(&mut provider, Fault::Accepted(Break::Hang));
    let refusal = ask(&mut provider, START, "add&service=1&link=a&quantity=1");
    assert_eq!(refusal, json!({"error": "Quantity less than minimal 50"}));
}

#[test]
fn nothing_arrives_over_a_refused_connection() {
    let mut provider = provider();
    always(&mut provider, Fault::ConnectionRefused);
    assert_eq!(react(&mut provider, START, ADD), Reaction::RefusedConnection);
    assert_eq!(provider.witness().count(Action::Add), 0);
    assert!(provider.witnessed_orders(0, 10).is_empty());
}

#[test]
fn turning_away_has_its_status_and_creates_nothing() {
    for (name, status, retry_after) in [
        ("429", 429, None),
        ("429-retry-after", 429, Some(3)),
        ("error-200", 200, None),
        ("error-400", 400, None),
        ("error-401", 401, None),
        ("error-500", 500, None),
    ] {
        let mut provider = provider();
        always(&mut provider, name.parse().expect("a fault"));
        let reply = reply(&mut provider, START, ADD);
        assert_eq!((reply.status, reply.retry_after_s), (status, retry_after), "{name}");
        assert!(json(&reply)["error"].is_string());
        assert!(provider.witnessed_orders(0, 10).is_empty());
    }
}

#[test]
fn an_error_can_be_an_object() {
    let mut provider = provider();
    always(&mut provider, Fault::ErrorAsObject);
    let answer = ask(&mut provider, START, "status&order=9");
    assert_eq!(answer, json!({"error": {"code": 1, "message": "Incorrect order ID"}}));
}

#[test]
fn an_add_lies_about_its_id() {
    let mut provider = provider();
    let first = order(&mut provider, START, ADD);
    for (name, answer) in [
        ("repeated-id", json!({"order": first})),
        ("id-as-string", json!({"order": "3"})),
        ("id-as-float", json!({"order": 4.0})),
        ("id-huge", json!({"order": 9_223_372_036_854_775_813_u64})),
        ("error-and-order", json!({"order": 6, "error": "Something went wrong, please try again later"})),
        ("internal-error-after", json!({"error": "Something went wrong, please try again later"})),
    ] {
        always(&mut provider, name.parse().expect("a fault"));
        assert_eq!(ask(&mut provider, START, ADD), answer, "{name}");
    }
    assert_eq!(provider.witnessed_orders(0, 100).len(), 7, "each of them was created");
    provider.set_faults(Faults::none());
    assert_eq!(row(&mut provider, START, 9_223_372_036_854_775_813), row(&mut provider, START, 5));
}

#[test]
fn an_add_is_refused_for_funds_or_an_open_order_on_the_link() {
    let mut provider = provider();
    let id = order(&mut provider, START, ADD);
    always(&mut provider, Fault::Add(AddFault::NotEnoughFunds));
    assert_eq!(ask(&mut provider, START, ADD), json!({"error": "Not enough funds on balance"}));
    always(&mut provider, Fault::Add(AddFault::DuplicateLink));
    let refusal = ask(&mut provider, START, ADD);
    let text = "You have active order with this link. Please wait until order being completed.";
    assert_eq!(refusal, json!({ "error": text }));
    order(&mut provider, START, "add&service=1&link=other&quantity=100");
    order(&mut provider, START, "add&service=2&link=a&quantity=100");
    assert!(provider.order(START + DAY, id).expect("known").is_over());
    order(&mut provider, START + DAY, ADD);
    assert_eq!(ask(&mut provider, START + DAY, ADD), json!({ "error": text }));
}

#[test]
fn remains_and_charge_are_bent_and_nothing_else() {
    let mut provider = provider();
    let id = order(&mut provider, START, ADD);
    let honest = row(&mut provider, START, id);
    for fault in Fault::all() {
        let Fault::Row(fault) = fault else { continue };
        always(&mut provider, Fault::Row(fault));
        let bent = row(&mut provider, START, id);
        let remains = bent.get("remains").cloned();
        let remains_number = || remains.as_ref().and_then(|text| text.as_str()?.parse::<i64>().ok());
        match fault {
            RowFault::RemainsMissing => assert_eq!(remains, None),
            RowFault::RemainsNull => assert_eq!(remains, Some(Value::Null)),
            RowFault::RemainsEmpty => assert_eq!(remains, Some(json!(""))),
            RowFault::RemainsNegative => assert!(remains_number() < Some(0)),
            RowFault::RemainsAboveQuantity => assert!(remains_number() > Some(100)),
            RowFault::RemainsDecimal => {
                assert!(remains.expect("there").as_str().expect("text").ends_with(".5"));
            }
            RowFault::ChargeComma => assert_eq!(bent["charge"], "0,09"),
            RowFault::ChargeNegative => assert_eq!(bent["charge"], "-0.09"),
            RowFault::ChargeTenfold => assert_eq!(bent["charge"], "0.90"),
            RowFault::OtherCurrency => {
                assert_eq!((&bent["charge"], &bent["currency"]), (&json!("7.47"), &json!("INR")));
            }
            RowFault::StatusBackwards | RowFault::PartialWanders => {
                assert_eq!(bent, honest, "nothing to go back to");
            }
        }
        assert_eq!(bent["status"], "Pending");
    }
    provider.set_faults(Faults::none());
    assert_eq!(row(&mut provider, START, id), honest, "the books were never bent");
}

#[test]
fn an_ended_order_goes_back_and_a_partial_wanders() {
    let mut provider = provider();
    let ids: Vec<u64> = (0..60)
        .map(|n| order(&mut provider, START, &format!("add&service=3&link=l{n}&quantity=500")))
        .collect();
    let end = START + DAY;
    let partial = ids.iter().find(|id| row(&mut provider, end, **id)["status"] == "Partial").copied();
    let partial = partial.expect("a shaky service stops some midway");
    always(&mut provider, Fault::Row(RowFault::StatusBackwards));
    for _ in 0..20 {
        let word = row(&mut provider, end, partial)["status"].clone();
        assert!(["Pending", "Processing", "In progress"].contains(&word.as_str().unwrap_or("")), "{word}");
    }
    always(&mut provider, Fault::Row(RowFault::PartialWanders));
    let seen: HashSet<String> =
        (0..20).map(|_| row(&mut provider, end, partial)["remains"].to_string()).collect();
    assert!(seen.len() > 5, "{seen:?}");
}

#[test]
fn words_are_spelt_in_other_ways_in_every_kind_of_status() {
    let mut provider = provider();
    let id = order(&mut provider, START, ADD);
    let cancel = ask(&mut provider, START, &format!("cancel&order={id}"))["cancel"].clone();
    always(&mut provider, Fault::OddWords);
    for call in
        [format!("status&order={id}"), format!("status&orders={id}"), format!("cancel&cancels={cancel}")]
    {
        let odd: HashSet<String> = (0..30).map(|_| ask(&mut provider, START, &call).to_string()).collect();
        assert!(odd.len() > 1, "{odd:?}");
        assert!(odd.iter().all(|answer| !answer.contains("\"Pending\"")), "{odd:?}");
    }
}

#[test]
fn a_batch_lacks_ids_or_has_too_many_or_is_no_map() {
    let mut provider = provider();
    for number in 0..20 {
        order(&mut provider, START, &format!("add&service=1&link=l{number}&quantity=100"));
    }
    let call = "status&orders=1,2,3,4,5";
    let asked = |map: &Value| (1..=5).filter(|id| map.get(id.to_string()).is_some()).count();
    let size = |map: &Value| map.as_object().map_or(0, serde_json::Map::len);
    always(&mut provider, Fault::Batch(BatchFault::IdsMissing));
    assert!(asked(&ask(&mut provider, START, call)) < 5);
    always(&mut provider, Fault::Batch(BatchFault::IdsExtra));
    let map = ask(&mut provider, START, call);
    assert_eq!((asked(&map), size(&map)), (5, 6));
    always(&mut provider, Fault::Batch(BatchFault::IdsForeign));
    let foreign = (0..20).map(|_| ask(&mut provider, START, call)).filter(|map| size(map) == 6).count();
    assert!(foreign > 5, "{foreign}");
    always(&mut provider, Fault::Batch(BatchFault::OneError));
    assert_eq!(ask(&mut provider, START, call), json!({"error": "Service temporarily unavailable"}));
    always(&mut provider, Fault::Batch(BatchFault::List));
    let list = ask(&mut provider, START, call);
    assert_eq!(list.as_array().map(Vec::len), Some(5));
    assert_eq!(list[0].get("order"), None);
    assert!(ask(&mut provider, START, "status&order=1")["charge"].is_string(), "single answers are no batch");
}

#[test]
fn a_refill_is_a_number_a_text_true_or_denied_though_taken() {
    let mut provider = provider();
    for number in 0..4 {
        order(&mut provider, START, &format!("add&service=1&link=l{number}&quantity=100"));
    }
    let later = START + 3 * DAY;
    for (place, (fault, answer)) in [
        (RefillFault::Number, json!({"refill": 1})),
        (RefillFault::Text, json!({"refill": "2"})),
        (RefillFault::True, json!({"refill": true})),
        (RefillFault::Denied, json!({"error": "Refill is not available for this order"})),
    ]
    .into_iter()
    .enumerate()
    {
        always(&mut provider, Fault::Refill(fault));
        assert_eq!(ask(&mut provider, later, &format!("refill&order={}", place + 1)), answer);
    }
    assert_eq!(
        ask(&mut provider, later, "refill_status&refill=4"),
        json!({"status": "Pending"}),
        "it was taken"
    );
}

#[test]
fn an_idle_cancel_is_taken_and_never_carried_out() {
    let mut provider = provider();
    let id = order(&mut provider, START, ADD);
    always(&mut provider, Fault::CancelIdle);
    assert_eq!(ask(&mut provider, START, &format!("cancel&order={id}")), json!({"cancel": 1000}));
    let end = START + 3 * DAY;
    assert_eq!(row(&mut provider, end, id)["status"], "Completed");
    assert_eq!(ask(&mut provider, end, "cancel&cancel=1000"), json!({"status": "Pending"}));
}

#[test]
fn faults_strike_at_their_rate_and_a_behaved_provider_reacts_as_it_handles() {
    let mut provider = provider();
    let rate: FaultRate = "accepted-then-close@add=100".parse().expect("a rate");
    provider.set_faults(Faults { rates: vec![rate], script: Vec::new() });
    let mut closed = 0;
    for number in 0..2_000 {
        let call = format!("add&service=1&link=l{number}&quantity=100");
        closed += usize::from(react(&mut provider, START, &call) == Reaction::Closed);
        assert!(matches!(react(&mut provider, START, "balance"), Reaction::Reply(_)));
    }
    assert!((140..260).contains(&closed), "{closed} of 2000 at 100 of 1000");
    assert_eq!(provider.witnessed_orders(0, usize::MAX).len(), 2_000);
    provider.set_faults(Faults::none());
    let handled = provider.handle(START, &post(&form("status&orders=1,2")));
    assert_eq!(react(&mut provider, START, "status&orders=1,2"), Reaction::Reply(handled));
}

#[test]
fn a_script_strikes_the_next_request_once() {
    let mut provider = provider();
    let aimed: Aimed = "accepted-then-hang@add".parse().expect("aimed");
    provider.set_faults(Faults { rates: Vec::new(), script: vec![aimed] });
    assert!(matches!(react(&mut provider, START, "balance"), Reaction::Reply(_)));
    assert_eq!(react(&mut provider, START, ADD), Reaction::Hang);
    assert_eq!(ask(&mut provider, START, ADD), json!({"order": 2}));
}
