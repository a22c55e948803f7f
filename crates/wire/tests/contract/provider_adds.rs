//! Whole answers to `add`, recorded from real panels or made from a line of `api-v2.md` → what they mean to us.

use panelworks_wire::error::{ErrorClass, classify};
use panelworks_wire::lenient::{self, AddAnswer, Unreadable};

/// What an answer to `add` comes to.
#[derive(Debug, PartialEq)]
enum Meaning {
    Accepted(&'static str),
    Refused(ErrorClass),
    Both(&'static str),
    Unknown(Unreadable),
}

use Meaning::{Accepted, Both, Refused, Unknown};
use Unreadable::{Contradictory, Empty, Html, NotJson, Shape};

const INPUT: ErrorClass = ErrorClass::Input { reroutable: false };
const INTERNAL: ErrorClass = ErrorClass::Temporary { internal: true };

const ADDS: &[(&str, Meaning)] = &[
    // Ids in all their places and forms (§4, CLIENT; §1, Extra success keys).
    (r#"{"order":23501}"#, Accepted("23501")),
    (r#"{"order":"23501"}"#, Accepted("23501")),
    (r#"{"order":" 23501 "}"#, Accepted("23501")),
    (r#"{"order":98765432109876543210}"#, Accepted("98765432109876543210")),
    (r#"{"order":"0190f6b2-6c3e-7f00-8000-0123456789ab"}"#, Accepted("0190f6b2-6c3e-7f00-8000-0123456789ab")),
    (r#"{"order":"ord_91af"}"#, Accepted("ord_91af")),
    (r#"{"order_id":77}"#, Accepted("77")),
    (r#"{"Order":77}"#, Accepted("77")),
    (r#"{"id":77}"#, Accepted("77")),
    (r#"{"data":{"order_id":77}}"#, Accepted("77")),
    (r#"{"data":{"id":"77"}}"#, Accepted("77")),
    (r#"{"status":"success","order":151}"#, Accepted("151")),
    (
        r#"{"status":"Success","order":151,"charge":"0.1","start_count":0,"remaining_balance":"9"}"#,
        Accepted("151"),
    ),
    (r#"{"order":151,"message":"Order placed"}"#, Accepted("151")),
    (r#"{"order":151,"error":null}"#, Accepted("151")),
    (r#"{"order":151,"error":""}"#, Accepted("151")),
    (r#"{"order":151,"error":false}"#, Accepted("151")),
    (r#"{"order":151,"errors":[]}"#, Accepted("151")),
    (r#"{"success":true,"message":"ok","data":{"order_id":9}}"#, Accepted("9")),
    ("\u{feff}{\"order\":1}", Accepted("1")),
    (
        "<br />\n<b>Notice</b>: Undefined index: runs in <b>/api.php</b> on line <b>9</b><br />\n{\"order\":1}",
        Accepted("1"),
    ),
    (r#"{"order":1,"order":1}"#, Accepted("1")),
    // Refusals in all their places (§1, Error body seen).
    (r#"{"error":"Not enough funds on balance"}"#, Refused(ErrorClass::Funds)),
    (r#"{"error":"neworder.error.not_enough_funds"}"#, Refused(ErrorClass::Funds)),
    (r#"{"error":"Invalid API key"}"#, Refused(ErrorClass::Auth)),
    (r#"{"success":false,"msg":"IP not allowed"}"#, Refused(ErrorClass::Auth)),
    (r#"{"status":"fail","error":"bad_auth"}"#, Refused(ErrorClass::Auth)),
    (r#"{"message":"Unauthenticated."}"#, Refused(ErrorClass::Unrecognised)),
    (r#"{"status":"fail","message":"Incorrect request"}"#, Refused(INPUT)),
    (
        r#"{"status":"error","msg":"Insufficient balance","error":"insufficient_balance"}"#,
        Refused(ErrorClass::Funds),
    ),
    (r#"{"status":"error","message":"Incorrect service ID"}"#, Refused(ErrorClass::Service)),
    (r#"{"error":"error.incorrect_service_id"}"#, Refused(ErrorClass::Service)),
    (r#"{"error":{"message":"Bad link"}}"#, Refused(INPUT)),
    (r#"{"error":["Bad link"]}"#, Refused(INPUT)),
    (r#"{"error":true,"message":"Bad link"}"#, Refused(INPUT)),
    (r#"{"errors":{"link":["The link field is required."]}}"#, Refused(INPUT)),
    (r#"{"message":"Bad link","errors":{"link":["x"]}}"#, Refused(INPUT)),
    (r#"{"order":{"error":"Bad link"}}"#, Refused(INPUT)),
    (r#"{"status":"error","data":{"error":"Bad link"}}"#, Refused(INPUT)),
    (r#"{"order":null,"error":"Bad link"}"#, Refused(INPUT)),
    (r#"{"order":0,"error":"Bad link"}"#, Refused(INPUT)),
    (r#"{"order":false,"error":"Bad link"}"#, Refused(INPUT)),
    (r#"{"order":"","error":"Bad link"}"#, Refused(INPUT)),
    (r#"{"error":"Quantity less than minimal 50"}"#, Refused(ErrorClass::Input { reroutable: true })),
    (
        r#"{"error":"You have active order with this link. Please wait until order being completed."}"#,
        Refused(ErrorClass::Duplicate),
    ),
    (r#"{"error":"Too many requests"}"#, Refused(ErrorClass::Limit)),
    (r#"{"error":"Service temporarily unavailable"}"#, Refused(ErrorClass::Temporary { internal: false })),
    (r#"{"error":"Order could not be created"}"#, Refused(INTERNAL)),
    (r#"{"error":"neworder.error"}"#, Refused(INTERNAL)),
    (r#"{"error":"Moon in the wrong house"}"#, Refused(ErrorClass::Unrecognised)),
    (r#"{"error":403}"#, Refused(ErrorClass::Unrecognised)),
    // An id and an error: somebody must look.
    (r#"{"order":5,"error":"Something went wrong"}"#, Both("5")),
    (r#"{"status":"error","order":5,"message":"timeout"}"#, Both("5")),
    (r#"{"success":false,"order":5}"#, Both("5")),
    (r#"{"error":"x","data":{"order_id":5}}"#, Both("5")),
    // Everything else may have cost money.
    (r#"{"order":23501.0}"#, Unknown(Shape)),
    (r#"{"order":2.35e4}"#, Unknown(Shape)),
    (r#"{"order":-5}"#, Unknown(Shape)),
    (r#"{"order":0}"#, Unknown(Shape)),
    (r#"{"order":null}"#, Unknown(Shape)),
    (r#"{"order":""}"#, Unknown(Shape)),
    (r#"{"order":true}"#, Unknown(Shape)),
    (r#"{"order":[5]}"#, Unknown(Shape)),
    (r#"{"order":{"id":5}}"#, Unknown(Shape)),
    (r#"{"order":"Bad link"}"#, Unknown(Shape)),
    (r#"{"order":-5,"error":"Bad link"}"#, Unknown(Shape)),
    (r#"{"order":[5],"error":"Bad link"}"#, Unknown(Shape)),
    (r#"{"order":23501.0,"error":"Bad link"}"#, Unknown(Shape)),
    (r#"{"order":1,"order":2}"#, Unknown(Contradictory)),
    (r#"{"data":{"id":1,"id":2}}"#, Unknown(Contradictory)),
    (r#"{"status":"success"}"#, Unknown(Shape)),
    (r#"{"status":"success","message":"Order created"}"#, Unknown(Shape)),
    (r#"{"status":"error"}"#, Unknown(Shape)),
    (r#"{"success":true}"#, Unknown(Shape)),
    (r#"{"error":null}"#, Unknown(Shape)),
    (r#"{"error":true}"#, Unknown(Shape)),
    ("{}", Unknown(Shape)),
    ("[]", Unknown(Shape)),
    (r#"[{"order":1}]"#, Unknown(Shape)),
    ("23501", Unknown(Shape)),
    ("\"Not enough funds\"", Unknown(Shape)),
    ("null", Unknown(Shape)),
    ("", Unknown(Empty)),
    (" \n", Unknown(Empty)),
    ("<html><head><title>502 Bad Gateway</title></head></html>", Unknown(Html)),
    ("<!DOCTYPE html><title>Just a moment...</title>", Unknown(Html)),
    ("error code: 1015", Unknown(NotJson)),
    (r#"{"order":235"#, Unknown(NotJson)),
    (r#"{"error":"Not enough fun"#, Unknown(NotJson)),
    (r#"{"order":NaN}"#, Unknown(NotJson)),
    ("{'order':1}", Unknown(NotJson)),
    (r#"{"order":1}{"order":2}"#, Unknown(NotJson)),
    (r#"{"a":{"order":5}"#, Unknown(NotJson)),
    ("{\u{0}\"\u{0}o", Unknown(NotJson)),
];

/// Shows B3, B4, B5.
#[test]
fn every_recorded_add_comes_to_its_meaning() {
    assert!(ADDS.len() >= 60);
    for (body, meaning) in ADDS {
        let got = match lenient::add(body.as_bytes()) {
            AddAnswer::Accepted { order } => (order, None, None),
            AddAnswer::Refused { text } => (String::new(), Some(classify(&text)), None),
            AddAnswer::Both { order, text } => {
                assert!(!text.is_empty());
                (order, Some(ErrorClass::Unrecognised), None)
            }
            AddAnswer::Unreadable { why } => (String::new(), None, Some(why)),
        };
        let expected = match meaning {
            Accepted(order) => ((*order).to_owned(), None, None),
            Refused(class) => (String::new(), Some(*class), None),
            Both(order) => ((*order).to_owned(), Some(ErrorClass::Unrecognised), None),
            Unknown(why) => (String::new(), None, Some(*why)),
        };
        assert_eq!(got, expected, "{body}");
    }
}

/// Shows B4, B15.
#[test]
fn an_answer_that_is_too_large_is_not_read() {
    let large = format!("{{\"order\":1,\"x\":\"{}\"}}", "y".repeat(panelworks_wire::limits::ANSWER_BYTES));
    assert_eq!(lenient::add(large.as_bytes()), AddAnswer::Unreadable { why: Unreadable::TooLarge });
}

/// Shows B21.
#[test]
fn a_hostile_text_is_cut_and_cleaned() {
    let body = format!("{{\"error\":\"a\\u001b[2J\\r\\n<script>{}\"}}", "x".repeat(100_000));
    let AddAnswer::Refused { text } = lenient::add(body.as_bytes()) else { panic!("is refused") };
    assert_eq!(text.chars().count(), panelworks_wire::limits::PROVIDER_TEXT_CHARS);
    assert!(!text.chars().any(char::is_control), "{text}");
}
