//! Answers to refills and cancels in all the shapes of `api-v2.md` §6 and §7.

use panelworks_wire::lenient::{
    self, BatchAnswer, CancelRowAnswer, CancelStatusRowAnswer, RefillRowAnswer, RefillStatusRowAnswer,
    SeenCancel, SeenRefill, Unreadable,
};

use crate::given::texts as ids;

/// Shows B5.
#[test]
fn refills_are_read_in_all_their_shapes() {
    let read = |body: &str, asked: &[&str]| lenient::refill(body.as_bytes(), &ids(asked));
    let row = |id: &str, answer| BatchAnswer::Rows(vec![(id.to_owned(), answer)]);
    let taken = |id: Option<&str>| RefillRowAnswer::Taken { id: id.map(Into::into) };
    let refused = |text: &str| RefillRowAnswer::Refused { text: text.into() };
    for (body, answer) in [
        (r#"{"refill":"1"}"#, taken(Some("1"))),
        (r#"{"refill":123,"success":"Refill requested"}"#, taken(Some("123"))),
        (r#"{"refill":"ref_9"}"#, taken(Some("ref_9"))),
        (r#"{"refill":true}"#, taken(None)),
        (r#"{"refill":123,"status":"success"}"#, taken(Some("123"))),
        (r#"{"refill":{"error":"Refill not available"}}"#, refused("Refill not available")),
        (r#"{"refill":"Refill not available"}"#, refused("Refill not available")),
        (r#"{"refill":false}"#, refused("")),
        (r#"{"refill":0}"#, refused("")),
        (r#"[{"order":5,"refill":7}]"#, taken(Some("7"))),
        (r#"[{"refill":7,"status":"success"}]"#, taken(Some("7"))),
        (
            r#"[{"order":5,"error":"Order not eligible for refill."}]"#,
            refused("Order not eligible for refill."),
        ),
        (r#"{"5":{"refill":7}}"#, taken(Some("7"))),
        (r#"{"5":{"error":"x y"}}"#, refused("x y")),
        (r#"{"5":7}"#, taken(Some("7"))),
        (r#"{"error":"Incorrect order ID"}"#, refused("Incorrect order ID")),
    ] {
        assert_eq!(read(body, &["5"]), row("5", answer), "{body}");
    }
    let whole = BatchAnswer::Whole { error: "Refill is disabled for this service".into() };
    assert_eq!(read(r#"{"error":"Refill is disabled for this service"}"#, &["5"]), whole);
    assert_eq!(read(r#"{"ok":1}"#, &["5"]), BatchAnswer::Unreadable { why: Unreadable::Shape });
}

#[test]
fn refill_states_are_read_in_all_their_shapes() {
    let read = |body: &str| lenient::refill_status(body.as_bytes(), &ids(&["5"]));
    let row = |answer| BatchAnswer::Rows(vec![("5".to_owned(), answer)]);
    let seen = |word| row(RefillStatusRowAnswer::Seen(word));
    let error = |text: &str| row(RefillStatusRowAnswer::Error(text.into()));
    for (body, answer) in [
        (r#"{"status":"Completed"}"#, seen(SeenRefill::Completed)),
        (r#"{"status":"Success"}"#, seen(SeenRefill::Completed)),
        (r#"{"status":"In progress"}"#, seen(SeenRefill::InProgress)),
        (r#"{"status":"Awaiting"}"#, seen(SeenRefill::Pending)),
        (r#"{"status":"Cancelled"}"#, seen(SeenRefill::Rejected)),
        (r#"{"status":"Error"}"#, seen(SeenRefill::Error)),
        (r#"{"status":"Odd"}"#, seen(SeenRefill::Unknown("Odd".into()))),
        (r#"{"type":"Rejected"}"#, seen(SeenRefill::Rejected)),
        (r#"[{"status":"Completed"}]"#, seen(SeenRefill::Completed)),
        (r#"[{"refill":"5","status":"Pending"}]"#, seen(SeenRefill::Pending)),
        (r#"{"5":{"status":"Rejected"}}"#, seen(SeenRefill::Rejected)),
        (r#"{"5":"Completed"}"#, seen(SeenRefill::Completed)),
        (r#"{"status":{"error":"Refill not found"}}"#, error("Refill not found")),
        (r#"{"refill":{"error":"Refill not found"}}"#, error("Refill not found")),
        (r#"{"error":"Incorrect refill ID"}"#, error("Incorrect refill ID")),
        (r#"[{"refill":5,"status":{"error":"Refill not found"}}]"#, error("Refill not found")),
    ] {
        assert_eq!(read(body), answer, "{body}");
    }
    let whole = BatchAnswer::Whole { error: "Invalid API key".into() };
    assert_eq!(read(r#"{"status":"error","message":"Invalid API key"}"#), whole);
    assert_eq!(read(r#"{"type":"order"}"#), BatchAnswer::Unreadable { why: Unreadable::Shape });
}

/// Shows B5.
#[test]
fn cancels_are_read_in_all_their_shapes() {
    let read = |body: &str| lenient::cancel(body.as_bytes(), &ids(&["5"]));
    let row = |answer| BatchAnswer::Rows(vec![("5".to_owned(), answer)]);
    let taken = |id: Option<&str>| row(CancelRowAnswer::Taken { id: id.map(Into::into) });
    let refused = |text: &str| row(CancelRowAnswer::Refused { text: text.into() });
    for (body, answer) in [
        (r#"[{"order":5,"cancel":1}]"#, taken(None)),
        (r#"[{"order":5,"type":"order","cancel":1}]"#, taken(Some("1"))),
        (r#"[{"order":5,"cancel":45}]"#, taken(Some("45"))),
        (r#"[{"order":5,"cancel":true}]"#, taken(None)),
        (r#"[{"order":5,"cancel":"ok"}]"#, taken(Some("ok"))),
        (r#"[{"order":5}]"#, taken(None)),
        (r#"{"cancel":45}"#, taken(Some("45"))),
        (r#"{"success":"Cancel requested"}"#, taken(None)),
        (r#"{"success":true}"#, taken(None)),
        (r#"{"ok":"true"}"#, taken(None)),
        (r#"{"5":{"cancel":45}}"#, taken(Some("45"))),
        (r#"[{"order":5,"cancel":0}]"#, refused("")),
        (r#"[{"order":5,"cancel":false}]"#, refused("")),
        (r#"[{"order":5,"cancel":null}]"#, refused("")),
        (r#"{"order":{"error":"No such order"}}"#, refused("No such order")),
        (r#"[{"order":5,"cancel":"Not allowed"}]"#, refused("Not allowed")),
        (r#"[{"order":5,"cancel":{"error":"Cancel not available"}}]"#, refused("Cancel not available")),
        (r#"[{"order":5,"error":"Already completed"}]"#, refused("Already completed")),
        (r#"{"error":"Incorrect order ID"}"#, refused("Incorrect order ID")),
        (
            r#"[{"order":5,"cancel":{"error":"Cancellation request was sent earlier"}}]"#,
            row(CancelRowAnswer::SentEarlier),
        ),
    ] {
        assert_eq!(read(body), answer, "{body}");
    }
    assert_eq!(read("[1]"), BatchAnswer::Rows(Vec::new()), "a bare number may be the id of anything");
    let whole = BatchAnswer::Whole { error: "Incorrect request".into() };
    assert_eq!(read(r#"{"error":"Incorrect request"}"#), whole);
    assert_eq!(read(r#"{"status":"success"}"#), BatchAnswer::Unreadable { why: Unreadable::Shape });
}

#[test]
fn cancel_states_are_read() {
    let read = |body: &str| lenient::cancel_status(body.as_bytes(), &ids(&["1000"]));
    let row = |answer| BatchAnswer::Rows(vec![("1000".to_owned(), answer)]);
    let seen = |word| row(CancelStatusRowAnswer::Seen(word));
    for (body, answer) in [
        (r#"{"status":"Completed"}"#, seen(SeenCancel::Completed)),
        (r#"[{"cancel":"1000","status":"pending"}]"#, seen(SeenCancel::Pending)),
        (r#"[{"cancel":1000,"status":"Odd"}]"#, seen(SeenCancel::Unknown("Odd".into()))),
        (r#"{"1000":{"status":"Rejected"}}"#, seen(SeenCancel::Rejected)),
        (r#"{"error":"Cancel not found"}"#, row(CancelStatusRowAnswer::Error("Cancel not found".into()))),
    ] {
        assert_eq!(read(body), answer, "{body}");
    }
}
