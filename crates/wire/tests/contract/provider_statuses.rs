//! Answers to `status` in all the shapes and words of `api-v2.md` §5.

use panelworks_wire::lenient::{self, BatchAnswer, RowAnswer, SeenMoney, SeenRemains, SeenStatus, SeenWord};

use crate::given::texts as ids;

fn plain(status: SeenWord) -> SeenStatus {
    SeenStatus {
        status,
        charge: SeenMoney::Missing,
        start_count: None,
        remains: SeenRemains::Missing,
        currency: None,
        runs: None,
        posts: None,
        orders: Vec::new(),
    }
}

/// Shows B5.
#[test]
fn one_order_is_read_whatever_its_numbers_look_like() {
    let read = |body: &str| match lenient::status(body.as_bytes(), &ids(&["5"])) {
        BatchAnswer::Rows(mut rows) => match rows.pop() {
            Some((id, RowAnswer::Seen(seen))) if id == "5" && rows.is_empty() => seen,
            other => panic!("{body}: {other:?}"),
        },
        other => panic!("{body}: {other:?}"),
    };
    let base = plain(SeenWord::InProgress);
    for (body, expected) in [
        (r#"{"status":"In progress"}"#, base.clone()),
        (r#"{"status":"in_progress","order":"5"}"#, base.clone()),
        (
            r#"{"status":"In progress","charge":null,"remains":null,"start_count":null,"currency":""}"#,
            base.clone(),
        ),
        (
            r#"{"status":"In progess","charge":0.08011655652,"start_counter":12,"remains":40.0,"currency":"USD"}"#,
            SeenStatus {
                charge: SeenMoney::Micros(80_117),
                start_count: Some(12),
                remains: SeenRemains::Is(40),
                currency: Some("USD".into()),
                ..base.clone()
            },
        ),
        (
            r#"{"status":"In progress","charge":"1,23","remains":"Unknown","start_count":"x"}"#,
            SeenStatus {
                charge: SeenMoney::Invalid("1,23".into()),
                remains: SeenRemains::Invalid("Unknown".into()),
                ..base.clone()
            },
        ),
        (
            r#"{"status":"In progress","charge":[],"remains":{"a":1}}"#,
            SeenStatus {
                charge: SeenMoney::Invalid(String::new()),
                remains: SeenRemains::Invalid(String::new()),
                ..base.clone()
            },
        ),
        (
            r#"{"status":"In progress","remains":"-17"}"#,
            SeenStatus { remains: SeenRemains::Is(-17), ..base.clone() },
        ),
        (
            r#"{"status":"In progress","remains":"+5"}"#,
            SeenStatus { remains: SeenRemains::Invalid("+5".into()), ..base.clone() },
        ),
        (
            r#"{"status":"In progress","runs":"2","orders":["12",13,"",null,"x y"]}"#,
            SeenStatus { runs: Some(2), orders: ids(&["12", "13"]), ..base.clone() },
        ),
        (
            r#"{"status":"In progress","posts":3,"expiry":false,"orders":"21,22"}"#,
            SeenStatus { posts: Some(3), orders: ids(&["21", "22"]), ..base.clone() },
        ),
        (
            r#"{"status":"Fail","charge":"0.1","remains":"5","message":"no"}"#,
            SeenStatus {
                status: SeenWord::Failed("Fail".into()),
                charge: SeenMoney::Micros(100_000),
                remains: SeenRemains::Is(5),
                ..base.clone()
            },
        ),
        (r#"[{"status":"In progress"}]"#, base.clone()),
        (r#"[{"order":5,"status":"In progress"}]"#, base.clone()),
        (r#"{"5":{"status":"In progress"}}"#, base.clone()),
        (
            r#"{"charge":"1"}"#,
            SeenStatus { charge: SeenMoney::Micros(1_000_000), ..plain(SeenWord::Missing) },
        ),
    ] {
        assert_eq!(read(body), expected, "{body}");
    }
}

/// Shows B5.
#[test]
fn status_words_of_all_panels_are_normalised() {
    let table: &[(&[&str], SeenWord)] = &[
        (&["Pending", "pending", "Awaiting", "Queued", "New", "0"], SeenWord::Pending),
        (&["Processing", "process", "Sending", "1"], SeenWord::Processing),
        (
            &[
                "In progress",
                "In Progress",
                "Inprogress",
                "in-progress",
                "in_progress",
                "Running",
                "In progess",
                "Holding",
            ],
            SeenWord::InProgress,
        ),
        (&["Completed", "Complete", "completed", "Done", "2", "Refill", "Refilling"], SeenWord::Completed),
        (&["Partial", "partial", "Partially completed", "3"], SeenWord::Partial),
        (&["Canceled", "Cancelled", "cancel", "4", "Refunded", "Refund", "Refunds", "5"], SeenWord::Canceled),
        (&["Active"], SeenWord::Active),
        (&["Paused"], SeenWord::Paused),
        (&["Expired"], SeenWord::Expired),
        (&["", " "], SeenWord::Missing),
    ];
    for (words, expected) in table {
        for word in *words {
            assert_eq!(SeenWord::read(word), *expected, "{word}");
        }
    }
    for word in ["Fail", "Failed", "Error", "Rejected"] {
        assert_eq!(SeenWord::read(word), SeenWord::Failed(word.into()));
    }
    for word in ["Processed", "6", "Done!", "Completed-ish"] {
        assert_eq!(SeenWord::read(word), SeenWord::Unknown(word.into()));
    }
}

/// The rows of an answer, shortened to id and word or error.
fn words(body: &str, asked: &[&str]) -> Result<Vec<(String, String)>, String> {
    match lenient::status(body.as_bytes(), &ids(asked)) {
        BatchAnswer::Rows(rows) => Ok(rows
            .into_iter()
            .map(|(id, row)| match row {
                RowAnswer::Seen(seen) => (id, format!("{:?}", seen.status)),
                RowAnswer::Error(text) => (id, text),
            })
            .collect()),
        BatchAnswer::Whole { error } => Err(format!("whole: {error}")),
        BatchAnswer::Unreadable { why } => Err(format!("{why:?}")),
    }
}

/// Shows B19.
#[test]
fn many_orders_are_matched_by_id_in_all_five_shapes() {
    let rows =
        |pairs: &[(&str, &str)]| Ok(pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect());
    let (a, b) = (r#"{"status":"Pending"}"#, r#"{"status":"Completed"}"#);
    for (body, expected) in [
        // A map, with rows nobody asked for, unknown ids as bare texts, and rows missing.
        (format!(r#"{{"2":{b},"1":{a},"9":{b}}}"#), rows(&[("1", "Pending"), ("2", "Completed")])),
        (format!(r#"{{"1":"Incorrect order ID","2":{b}}}"#), rows(&[("1", "Incorrect order ID"), ("2", "Completed")])),
        (format!(r#"{{"1":{{"error":"Incorrect order ID"}},"2":{b}}}"#), rows(&[("1", "Incorrect order ID"), ("2", "Completed")])),
        (format!(r#"{{"1":{{"status":{{"error":"Gone"}}}},"2":{b}}}"#), rows(&[("1", "Gone"), ("2", "Completed")])),
        (format!(r#"{{"2":{b}}}"#), rows(&[("2", "Completed")])),
        (format!(r#"{{"1":null,"2":{b}}}"#), rows(&[("2", "Completed")])),
        (format!(r#"{{"1":[],"2":{b}}}"#), rows(&[("2", "Completed")])),
        (format!(r#"{{"1":{{"status":"Pending","status":"Canceled"}},"2":{b}}}"#), rows(&[("2", "Completed")])),
        (format!(r#"{{"error":"late","2":{b}}}"#), rows(&[("2", "Completed")])),
        // An array with ids.
        (r#"[{"order":2,"status":"Completed"},{"order":"1","status":"Pending"}]"#.into(), rows(&[("1", "Pending"), ("2", "Completed")])),
        (r#"[{"order":2,"status":"Completed"},{"status":"Pending"}]"#.into(), rows(&[("2", "Completed")])),
        (r#"[{"order":2,"status":"Completed"},{"order":2,"status":"Canceled"},{"order":1,"status":"Pending"}]"#.into(), rows(&[("1", "Pending")])),
        (r#"[{"order":8,"status":"Completed"},{"order":9,"status":"Canceled"}]"#.into(), rows(&[])),
        // An array without ids, as long as the question.
        (format!("[{a},{b}]"), rows(&[("1", "Pending"), ("2", "Completed")])),
        (format!("[{a},{{\"error\":\"Incorrect order ID\"}}]"), rows(&[("1", "Pending"), ("2", "Incorrect order ID")])),
        (format!("[{a}]"), Err("Shape".into())),
        (format!("[{a},{b},{b}]"), Err("Shape".into())),
        // Nothing about anybody.
        ("{}".into(), rows(&[])),
        ("[]".into(), rows(&[])),
        (format!(r#"{{"7":{a}}}"#), rows(&[])),
        // The whole call.
        (r#"{"error":"Incorrect order ID"}"#.into(), Err("whole: Incorrect order ID".into())),
        (r#"{"status":"error","message":"Too many requests"}"#.into(), Err("whole: Too many requests".into())),
        (r#"{"success":false,"msg":"IP not allowed"}"#.into(), Err("whole: IP not allowed".into())),
        // One object for two ids says nothing about either.
        (a.into(), Err("Shape".into())),
        (r#"{"1":{"status":"Pending"},"1":{"status":"Canceled"}}"#.into(), Err("Contradictory".into())),
        ("\"Pending\"".into(), Err("Shape".into())),
        ("7".into(), Err("Shape".into())),
        ("<html></html>".into(), Err("Html".into())),
        (String::new(), Err("Empty".into())),
    ] {
        assert_eq!(words(&body, &["1", "2"]), expected, "{body}");
    }
}

/// Shows B22.
#[test]
fn an_error_about_one_asked_order_is_its_own_only_when_the_id_is_unknown() {
    let gone = Ok(vec![("5".to_owned(), "Incorrect order ID".to_owned())]);
    assert_eq!(words(r#"{"error":"Incorrect order ID"}"#, &["5"]), gone);
    assert_eq!(words(r#"{"error":"Too many requests"}"#, &["5"]), Err("whole: Too many requests".into()));
    assert_eq!(words(r#"{"status":"error","message":"Incorrect order ID"}"#, &["5"]), gone);
    assert_eq!(words(r#"{"status":{"error":"Incorrect order ID"}}"#, &["5"]), gone);
    assert_eq!(words(r#"{"order":"6","status":"Canceled"}"#, &["5"]), Err("Shape".into()));
}
