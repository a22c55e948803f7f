//! Each dialect differs from ours exactly where its name says so.

use panelworks_wire::lenient::{self, BatchAnswer};
use serde_json::{Value, json};

use super::*;
use crate::catalogue::Catalogue;
use crate::fault::{Fault, Faults};
use crate::options::Settings;
use crate::provider::Provider;
use crate::reply::Reaction;
use crate::testing::{ask, form, json, order, post, reply};

const DAY: i64 = 86_400_000;

/// A provider with one finished and one new order, and a refill.
fn provider(dialect: Dialect) -> Provider {
    let mut provider = Provider::open(Catalogue::full(), Settings::default());
    order(&mut provider, 0, "add&service=1&link=a&quantity=100");
    assert_eq!(ask(&mut provider, 3 * DAY, "refill&order=1"), json!({"refill": "1"}));
    order(&mut provider, 3 * DAY, "add&service=1&link=b&quantity=100");
    provider.set_dialect(dialect);
    provider
}

fn answer(dialect: Dialect, call: &str) -> Value {
    ask(&mut provider(dialect), 3 * DAY, call)
}

#[test]
fn every_dialect_but_ours_says_something_in_another_way() {
    let calls = [
        "services",
        "balance",
        "add&service=1&link=c&quantity=100",
        "add&service=1&link=c&quantity=1",
        "status&order=2",
        "status&orders=1,2,9",
        "refill&orders=1,9",
        "refill_status&refills=1,9",
        "cancel&orders=2",
    ];
    let told = |dialect| calls.map(|call| reply(&mut provider(dialect), 3 * DAY, call));
    let ours = told(Dialect::Ours);
    for dialect in Dialect::ALL {
        assert_eq!(told(dialect) == ours, dialect == Dialect::Ours, "{dialect:?}");
    }
}

#[test]
fn numbers_are_numbers() {
    let row = answer(Dialect::Numbers, "status&order=2");
    assert_eq!(
        row,
        json!({"charge":0.09,"start_count":null,"status":"Pending","remains":100,"currency":"USD"})
    );
    let service = &answer(Dialect::Numbers, "services")[0];
    assert_eq!(
        (&service["rate"], &service["min"], &service["dripfeed"]),
        (&json!(0.9), &json!(50), &json!(1))
    );
    assert!(answer(Dialect::Numbers, "balance")["balance"].is_number());
}

#[test]
fn words_are_lower_and_british() {
    let map = answer(Dialect::LowerCase, "status&orders=1,2");
    assert_eq!((&map["1"]["status"], &map["2"]["status"]), (&json!("completed"), &json!("pending")));
    let mut canceled = json!({"status": "Canceled"});
    canceled = rows::lower_case(canceled);
    assert_eq!(canceled["status"], "cancelled");
}

#[test]
fn smart_panels_have_snake_case_types_and_bare_texts() {
    let services = answer(Dialect::SmartPanel, "services");
    let comments =
        services.as_array().expect("a list").iter().find(|row| row["service"] == "14").expect("row 14");
    assert_eq!((&comments["type"], &comments["dripfeed"]), (&json!("custom_comments"), &json!("0")));
    assert!(comments.get("refill").is_none() && comments.get("cancel").is_none());
    let map = answer(Dialect::SmartPanel, "status&orders=2,9");
    assert_eq!((&map["9"], &map["2"]["order"]), (&json!("Incorrect order ID"), &json!("2")));
    let added = answer(Dialect::SmartPanel, "add&service=1&link=c&quantity=100");
    assert_eq!(added, json!({"status": "success", "order": 3}));
}

#[test]
fn cm_panels_dress_their_errors() {
    let refusal = answer(Dialect::Cmsnt, "add&service=1&link=c&quantity=1");
    let text = "Quantity less than minimal 50";
    assert_eq!(refusal, json!({"status":"error","msg":text,"error":"neworder.error.min_quantity"}));
    let refill = answer(Dialect::Cmsnt, "refill&order=2");
    assert_eq!(refill, json!({"refill": {"error": "The order is not completed"}}));
    assert_eq!(answer(Dialect::Cmsnt, "refill_status&refill=1"), json!([{"status": "Pending"}]));
}

#[test]
fn wrappers_put_everything_inside() {
    assert!(answer(Dialect::Wrapped, "services")["data"].is_array());
    assert!(answer(Dialect::Wrapped, "balance")["data"]["balance"].is_string());
    let added = answer(Dialect::Wrapped, "add&service=1&link=c&quantity=100");
    assert_eq!(added["data"]["order_id"], 3);
}

#[test]
fn the_status_of_many_is_a_list_or_not_known() {
    let list = answer(Dialect::StatusList, "status&orders=2,9");
    assert_eq!((&list[0]["order"], &list[0]["remains"]), (&json!("2"), &json!("100")));
    assert_eq!(list[1], json!({"error": "Incorrect order ID", "order": "9"}));
    assert_eq!(answer(Dialect::SingleStatus, "status&orders=1,2"), json!({"error": "Incorrect request"}));
    assert_eq!(answer(Dialect::SingleStatus, "status&order=2")["remains"], "100");
}

#[test]
fn notices_stand_before_the_json() {
    let reply = reply(&mut provider(Dialect::Notices), 3 * DAY, "balance");
    let text = String::from_utf8(reply.body).expect("UTF-8");
    assert!(text.starts_with("\u{feff}<br />\n<b>Notice</b>"));
    assert!(text.ends_with("\"currency\":\"USD\"}"));
    assert!(reply.content_type.starts_with("text/html"));
}

#[test]
fn codes_tell_what_happened_and_lists_have_no_ids() {
    let mut provider = provider(Dialect::Codes);
    for (call, status) in [
        ("add&service=1&link=c&quantity=100", 201),
        ("add&service=1&link=c&quantity=1", 422),
        ("refill&order=2", 422),
        ("dance", 401),
        ("balance", 200),
    ] {
        assert_eq!(reply(&mut provider, 3 * DAY, call).status, status, "{call}");
    }
    let list = ask(&mut provider, 3 * DAY, "status&orders=2,9");
    assert_eq!((list[0].get("order"), &list[1]), (None, &json!({"error": "Incorrect order ID"})));
    let services = json(&reply(&mut provider, 3 * DAY, "services"));
    assert!(services[0]["rate"].is_number() && services[0].get("dripfeed").is_none());
}

#[test]
fn refills_come_in_other_shapes() {
    let mut provider = provider(Dialect::LooseRefills);
    let rows = ask(&mut provider, 6 * DAY, "refill&orders=1,9");
    assert_eq!(rows[0], json!({"order": 1, "refill": 2, "status": "success"}));
    assert_eq!(rows[1], json!({"order": 9, "error": "Incorrect order ID"}));
    let single = ask(&mut provider, 8 * DAY, "refill&order=2");
    assert_eq!(single["refill"], 3);
    assert!(single["success"].is_string());
}

#[test]
fn the_first_seed_cancels_with_one_and_the_second_says_type() {
    let mut first = provider(Dialect::FirstSeed);
    let rows = ask(&mut first, 3 * DAY, "cancel&orders=9,2");
    assert_eq!(rows, json!([{"order":9,"cancel":{"error":"Incorrect order ID"}},{"order":2,"cancel":1}]));
    assert_eq!(ask(&mut first, 3 * DAY, "cancel&cancels=1000"), json!({"error": "Incorrect order ID"}));
    assert!(answer(Dialect::FirstSeed, "services")[0].get("dripfeed").is_none());
    let rows = answer(Dialect::SecondSeed, "refill_status&refills=1,9");
    assert_eq!(rows[0], json!({"refill": 1, "type": "Pending"}));
    assert_eq!(rows[1], json!({"refill": 9, "status": {"error": "Refill not found"}}));
}

#[test]
fn a_tolerant_client_reads_every_dialect_alike() {
    let ids = |list: &[&str]| list.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    for dialect in Dialect::ALL {
        let mut ours = provider(Dialect::Ours);
        let mut theirs = provider(dialect);
        let mut both = |call: &str| [&mut ours, &mut theirs].map(|side| reply(side, 3 * DAY, call).body);

        for call in ["add&service=1&link=c&quantity=100", "add&service=1&link=c&quantity=1"] {
            let [expected, body] = both(call);
            let (expected, read) = (lenient::add(&expected), lenient::add(&body));
            let is_a_code = dialect == Dialect::Cmsnt && matches!(read, lenient::AddAnswer::Refused { .. });
            assert!(read == expected || is_a_code, "{dialect:?}: {read:?}");
        }
        let [expected, body] = both("balance");
        assert_eq!(lenient::balance(&body), lenient::balance(&expected), "{dialect:?}");
        for id in ["1", "2"] {
            let [expected, body] = both(&format!("status&order={id}"));
            let asked = ids(&[id]);
            let read = |body: &[u8]| match lenient::status(body, &asked) {
                BatchAnswer::Rows(rows) => rows.into_iter().map(|(id, row)| (id, what_counts(row))).collect(),
                other => vec![(format!("{other:?}"), String::new())],
            };
            assert_eq!(read(&body), read(&expected), "{dialect:?}");
        }
        let asked = ids(&["2", "9"]);
        let [expected, body] = both("cancel&orders=2,9");
        let taken = |body: &[u8]| match lenient::cancel(body, &asked) {
            BatchAnswer::Rows(rows) => rows
                .into_iter()
                .map(|(id, row)| (id, matches!(row, lenient::CancelRowAnswer::Taken { .. })))
                .collect(),
            other => vec![(format!("{other:?}"), false)],
        };
        assert_eq!(taken(&body), taken(&expected), "{dialect:?}");
        let asked = ids(&["1", "9"]);
        let [expected, body] = both("refill_status&refills=1,9");
        let (expected, read) =
            (lenient::refill_status(&expected, &asked), lenient::refill_status(&body, &asked));
        assert_eq!(read, expected, "{dialect:?}");
    }
}

/// What money follows from, and the word; a counter that is not known yet may be told as 0 or not at all.
fn what_counts(row: lenient::RowAnswer) -> String {
    match row {
        lenient::RowAnswer::Seen(seen) => format!("{:?} {:?} {:?}", seen.status, seen.charge, seen.remains),
        lenient::RowAnswer::Error(text) => text,
    }
}

#[test]
fn the_status_of_many_reads_alike_wherever_ids_are_told() {
    let asked: Vec<String> = ["1", "2", "9"].map(str::to_owned).to_vec();
    let read = |dialect| {
        let body = reply(&mut provider(dialect), 3 * DAY, "status&orders=1,2,9").body;
        match lenient::status(&body, &asked) {
            BatchAnswer::Rows(rows) => {
                Ok(rows.into_iter().map(|(id, row)| (id, what_counts(row))).collect::<Vec<_>>())
            }
            other => Err(format!("{other:?}")),
        }
    };
    for dialect in Dialect::ALL {
        match dialect {
            Dialect::SingleStatus => assert!(read(dialect).is_err_and(|why| why.starts_with("Whole"))),
            Dialect::Codes => assert!(read(dialect).is_err() || read(dialect) == read(Dialect::Ours)),
            named => assert_eq!(read(named), read(Dialect::Ours), "{named:?}"),
        }
    }
}

#[test]
fn services_read_alike_but_for_what_a_dialect_leaves_out() {
    let read = |dialect| match lenient::services(&reply(&mut provider(dialect), 3 * DAY, "services").body) {
        lenient::ServicesAnswer::List { rows, unreadable } if unreadable.is_empty() => rows,
        other => panic!("{dialect:?}: {other:?}"),
    };
    let ours = read(Dialect::Ours);
    for dialect in Dialect::ALL {
        let theirs = read(dialect);
        assert_eq!(theirs.len(), ours.len());
        for (theirs, ours) in theirs.iter().zip(&ours) {
            assert_eq!(
                (&theirs.service, &theirs.service_type),
                (&ours.service, &ours.service_type),
                "{dialect:?}"
            );
        }
    }
}

#[test]
fn every_fault_can_be_told_in_every_dialect() {
    let calls =
        ["add&service=1&link=c&quantity=100", "status&order=2", "status&orders=1,2,9", "refill&orders=1,9"];
    for (dialect, fault) in
        Dialect::ALL.into_iter().flat_map(|one| Fault::all().into_iter().map(move |fault| (one, fault)))
    {
        for call in calls {
            let mut provider = provider(dialect);
            provider.set_faults(Faults::at(fault, 1_000));
            let told = provider.react(3 * DAY, &post(&form(call)));
            let cut_off = matches!(told, Reaction::Hang | Reaction::Closed | Reaction::RefusedConnection);
            let empty = matches!(&told, Reaction::Reply(reply) if reply.body.is_empty());
            assert!(cut_off || !empty || fault.to_string().ends_with("empty"), "{dialect:?} {fault} {call}");
        }
    }
}
