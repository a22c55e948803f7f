//! The examples of both seed documents: read by our client, and written by our server from the same values.

use panelworks_wire::error::ErrorText;
use panelworks_wire::lenient::{
    self, AddAnswer, BalanceAnswer, BatchAnswer, CancelRowAnswer, CancelStatusRowAnswer, RefillRowAnswer,
    RefillStatusRowAnswer, RowAnswer, SeenCancel, SeenMoney, SeenRefill, SeenRemains, SeenService,
    SeenStatus, SeenWord, ServicesAnswer,
};
use panelworks_wire::request::AskedId;
use panelworks_wire::response::{
    CancelKind, CancelRow, CancelStatusRow, CancelWord, RefillRow, RefillStatusRow, RefillWord, Response,
    ServiceExtras, ServiceRow, StatusExtra, StatusRow, StatusWord,
};
use panelworks_wire::{ServiceType, decimal};
use serde_json::Value;

macro_rules! fixture {
    ($path:literal) => {
        include_bytes!(concat!("../../fixtures/", $path)).as_slice()
    };
}

fn ids(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn asked(text: &str) -> AskedId {
    AskedId::new(text)
}

/// The fixture without its white space: the very bytes a server sends, names in their order.
fn compact(fixture: &[u8]) -> String {
    serde_json::from_slice::<Value>(fixture).expect("a fixture is JSON").to_string()
}

fn text(response: &Response) -> String {
    String::from_utf8(response.encode()).expect("JSON is UTF-8")
}

#[track_caller]
fn assert_written(response: &Response, fixture: &[u8]) {
    assert_eq!(text(response), compact(fixture));
}

/// Every member of `part` stands in `whole` with the same value and type.
#[track_caller]
fn assert_superset(whole: &Value, part: &Value) {
    match (whole, part) {
        (Value::Array(whole), Value::Array(part)) => {
            assert_eq!(whole.len(), part.len());
            whole.iter().zip(part).for_each(|(whole, part)| assert_superset(whole, part));
        }
        (Value::Object(whole), Value::Object(part)) => {
            for (name, value) in part {
                assert_superset(whole.get(name).unwrap_or_else(|| panic!("{name} is missing")), value);
            }
        }
        _ => assert_eq!(whole, part),
    }
}

fn partial() -> StatusRow {
    StatusRow {
        charge: "0.27819".into(),
        start_count: 3572,
        status: StatusWord::Partial,
        remains: 157,
        currency: "USD".into(),
        extra: StatusExtra::Plain,
    }
}

fn in_progress() -> StatusRow {
    StatusRow {
        charge: "1.44219".into(),
        start_count: 234,
        status: StatusWord::InProgress,
        remains: 10,
        currency: "USD".into(),
        extra: StatusExtra::Plain,
    }
}

fn seen(status: SeenWord, charge: i128, start_count: i64, remains: i128) -> RowAnswer {
    RowAnswer::Seen(SeenStatus {
        status,
        charge: SeenMoney::Micros(charge),
        start_count: Some(start_count),
        remains: SeenRemains::Is(remains),
        currency: Some("USD".into()),
        runs: None,
        posts: None,
        orders: Vec::new(),
    })
}

#[test]
fn the_order_of_an_add_is_an_integer() {
    for fixture in [fixture!("morethanpanel/add.json"), fixture!("panelsend/add.json")] {
        assert_eq!(lenient::add(fixture), AddAnswer::Accepted { order: "23501".into() });
        assert_written(&Response::Order(23501), fixture);
    }
}

#[test]
fn a_status_has_five_texts_in_their_order() {
    let fixture = fixture!("morethanpanel/status.json");
    let expected = BatchAnswer::Rows(vec![("23501".into(), seen(SeenWord::Partial, 278_190, 3572, 157))]);
    assert_eq!(lenient::status(fixture, &ids(&["23501"])), expected);
    assert_written(&Response::Status(partial()), fixture);
}

#[test]
fn many_statuses_are_a_map_with_errors_per_id() {
    for fixture in [fixture!("morethanpanel/status_many.json"), fixture!("panelsend/status_many.json")] {
        let expected = BatchAnswer::Rows(vec![
            ("1".into(), seen(SeenWord::Partial, 278_190, 3572, 157)),
            ("10".into(), RowAnswer::Error("Incorrect order ID".into())),
            ("100".into(), seen(SeenWord::InProgress, 1_442_190, 234, 10)),
        ]);
        assert_eq!(lenient::status(fixture, &ids(&["1", "10", "100"])), expected);
        let rows = vec![
            ("1".into(), Ok(partial())),
            ("10".into(), Err(ErrorText::IncorrectOrderId)),
            ("100".into(), Ok(in_progress())),
        ];
        assert_written(&Response::StatusMany(rows), fixture);
    }
}

#[test]
fn a_single_refill_is_a_text_and_many_are_integers() {
    let fixture = fixture!("morethanpanel/refill.json");
    let taken = |id: &str| RefillRowAnswer::Taken { id: Some(id.into()) };
    assert_eq!(lenient::refill(fixture, &ids(&["7"])), BatchAnswer::Rows(vec![("7".into(), taken("1"))]));
    assert_written(&Response::Refill(1), fixture);

    for fixture in [fixture!("morethanpanel/refill_many.json"), fixture!("panelsend/refill_many.json")] {
        let expected = BatchAnswer::Rows(vec![
            ("1".into(), taken("1")),
            ("2".into(), taken("2")),
            ("3".into(), RefillRowAnswer::Refused { text: "Incorrect order ID".into() }),
        ]);
        assert_eq!(lenient::refill(fixture, &ids(&["1", "2", "3"])), expected);
        let rows = vec![
            RefillRow { order: asked("1"), result: Ok(1) },
            RefillRow { order: asked("2"), result: Ok(2) },
            RefillRow { order: asked("3"), result: Err(ErrorText::IncorrectOrderId) },
        ];
        assert_written(&Response::RefillMany(rows), fixture);
    }
}

#[test]
fn refill_states_are_read_under_status_and_under_type_and_written_under_status() {
    let fixture = fixture!("morethanpanel/refill_status.json");
    let one = BatchAnswer::Rows(vec![("1".into(), RefillStatusRowAnswer::Seen(SeenRefill::Completed))]);
    assert_eq!(lenient::refill_status(fixture, &ids(&["1"])), one);
    assert_written(&Response::RefillStatus(RefillWord::Completed), fixture);

    let many = BatchAnswer::Rows(vec![
        ("1".into(), RefillStatusRowAnswer::Seen(SeenRefill::Completed)),
        ("2".into(), RefillStatusRowAnswer::Seen(SeenRefill::Rejected)),
        ("3".into(), RefillStatusRowAnswer::Error("Refill not found".into())),
    ]);
    for fixture in
        [fixture!("morethanpanel/refill_status_many.json"), fixture!("panelsend/refill_status_many.json")]
    {
        assert_eq!(lenient::refill_status(fixture, &ids(&["1", "2", "3"])), many);
    }
    let rows = vec![
        RefillStatusRow { refill: asked("1"), result: Ok(RefillWord::Completed) },
        RefillStatusRow { refill: asked("2"), result: Ok(RefillWord::Rejected) },
        RefillStatusRow { refill: asked("3"), result: Err(ErrorText::RefillNotFound) },
    ];
    assert_written(&Response::RefillStatusMany(rows), fixture!("morethanpanel/refill_status_many.json"));
}

#[test]
fn the_first_seeds_cancel_is_a_yes_and_the_second_seeds_an_id() {
    let fixture = fixture!("morethanpanel/cancel.json");
    let expected = BatchAnswer::Rows(vec![
        ("9".into(), CancelRowAnswer::Refused { text: "Incorrect order ID".into() }),
        ("2".into(), CancelRowAnswer::Taken { id: None }),
    ]);
    assert_eq!(lenient::cancel(fixture, &ids(&["9", "2"])), expected);
    let rows = vec![
        CancelRow { order: asked("9"), kind: None, result: Err(ErrorText::IncorrectOrderId) },
        CancelRow { order: asked("2"), kind: None, result: Ok(1) },
    ];
    assert_written(&Response::CancelMany(rows), fixture);

    let fixture = fixture!("panelsend/cancel.json");
    let taken = |id: &str| CancelRowAnswer::Taken { id: Some(id.into()) };
    let expected = BatchAnswer::Rows(vec![
        ("1".into(), taken("100")),
        ("10".into(), taken("200")),
        ("100".into(), taken("300")),
        ("1000".into(), CancelRowAnswer::SentEarlier),
    ]);
    assert_eq!(lenient::cancel(fixture, &ids(&["1", "10", "100", "1000"])), expected);
    let row = |id, kind, result| CancelRow { order: asked(id), kind: Some(kind), result };
    let rows = vec![
        row("1", CancelKind::Order, Ok(100)),
        row("10", CancelKind::DripFeed, Ok(200)),
        row("100", CancelKind::Subscription, Ok(300)),
        row("1000", CancelKind::Subscription, Err(ErrorText::CancelSentEarlier)),
    ];
    assert_written(&Response::CancelMany(rows), fixture);
}

#[test]
fn cancel_states_stand_beside_their_ids() {
    let fixture = fixture!("panelsend/cancel_status_many.json");
    let expected = BatchAnswer::Rows(vec![
        ("1".into(), CancelStatusRowAnswer::Seen(SeenCancel::Completed)),
        ("2".into(), CancelStatusRowAnswer::Seen(SeenCancel::Rejected)),
        ("3".into(), CancelStatusRowAnswer::Error("Cancel not found".into())),
    ]);
    assert_eq!(lenient::cancel_status(fixture, &ids(&["1", "2", "3"])), expected);
    let rows = vec![
        CancelStatusRow { cancel: asked("1"), result: Ok(CancelWord::Completed) },
        CancelStatusRow { cancel: asked("2"), result: Ok(CancelWord::Rejected) },
        CancelStatusRow { cancel: asked("3"), result: Err(ErrorText::CancelNotFound) },
    ];
    assert_written(&Response::CancelStatusMany(rows), fixture);
}

#[test]
fn a_balance_is_a_text_with_its_currency() {
    for fixture in [fixture!("morethanpanel/balance.json"), fixture!("panelsend/balance.json")] {
        let expected = BalanceAnswer::Is { micros: 100_842_920, currency: Some("USD".into()) };
        assert_eq!(lenient::balance(fixture), expected);
        let balance = decimal::format(100_842_920);
        assert_written(&Response::Balance { balance, currency: "USD".into() }, fixture);
    }
}

fn service(
    service: u64,
    name: &str,
    service_type: ServiceType,
    rate: &str,
    limits: (u64, u64),
) -> ServiceRow {
    ServiceRow {
        service,
        name: name.into(),
        service_type,
        rate: rate.into(),
        min: limits.0,
        max: limits.1,
        dripfeed: service == 1,
        refill: service == 1,
        cancel: true,
        category: if service == 1 { "First Category".into() } else { "Second Category".into() },
        extras: None,
    }
}

fn seen_service(row: &ServiceRow, dripfeed: Option<bool>) -> SeenService {
    SeenService {
        service: row.service.to_string(),
        name: row.name.clone(),
        service_type: Ok(row.service_type),
        category: Some(row.category.clone()),
        rate_micros: decimal::parse(&row.rate),
        min: Some(row.min),
        max: Some(row.max),
        refill: row.refill,
        cancel: row.cancel,
        dripfeed,
        description: row.extras.as_ref().and_then(|extras| extras.description.clone()),
        average_time: None,
    }
}

#[test]
fn the_first_seeds_services_are_read_and_contained_in_ours() {
    let fixture = fixture!("morethanpanel/services.json");
    let rows = vec![
        service(1, "Followers", ServiceType::Default, "0.90", (50, 10_000)),
        service(2, "Comments", ServiceType::CustomComments, "8", (10, 1500)),
    ];
    let seen = rows.iter().map(|row| seen_service(row, None)).collect();
    assert_eq!(lenient::services(fixture), ServicesAnswer::List { rows: seen, unreadable: Vec::new() });
    let ours = serde_json::from_str(&text(&Response::Services(rows))).expect("JSON");
    assert_superset(&ours, &serde_json::from_slice(fixture).expect("JSON"));
}

#[test]
fn the_second_seeds_services_are_read_and_contained_in_ours() {
    let fixture = fixture!("panelsend/services.json");
    let pair = |ru: &str, en: &str| vec![("ru".to_owned(), ru.to_owned()), ("en".to_owned(), en.to_owned())];
    let extras = ServiceExtras {
        description: Some("Description".into()),
        name_lang: pair("RU Description", "EN Description"),
        category_lang: pair("RU Category Name", "EN Category Name"),
        description_lang: pair("RU Description", "EN Description"),
    };
    let mut rows = vec![
        service(1, "Followers", ServiceType::Default, "0.90", (50, 10_000)),
        service(2, "Comments", ServiceType::CustomComments, "8", (10, 15_000)),
    ];
    rows[0].cancel = false;
    for row in &mut rows {
        row.extras = Some(Box::new(extras.clone()));
    }
    let seen = rows.iter().map(|row| seen_service(row, Some(row.dripfeed))).collect();
    assert_eq!(lenient::services(fixture), ServicesAnswer::List { rows: seen, unreadable: Vec::new() });
    let ours = serde_json::from_str(&text(&Response::Services(rows))).expect("JSON");
    assert_superset(&ours, &serde_json::from_slice(fixture).expect("JSON"));
}

#[test]
fn our_services_are_byte_for_byte_those_of_the_contract() {
    let mut rows = vec![
        service(1, "Followers", ServiceType::Default, "0.90", (50, 10_000)),
        service(2, "Comments", ServiceType::CustomComments, "8", (10, 1500)),
    ];
    let expected = concat!(
        r#"[{"service":1,"name":"Followers","type":"Default","category":"First Category","rate":"0.90","#,
        r#""min":"50","max":"10000","dripfeed":true,"refill":true,"cancel":true},"#,
        r#"{"service":2,"name":"Comments","type":"Custom Comments","category":"Second Category","rate":"8","#,
        r#""min":"10","max":"1500","dripfeed":false,"refill":false,"cancel":true}]"#
    );
    assert_eq!(text(&Response::Services(rows.clone())), expected);
    rows.clear();
    assert_eq!(text(&Response::Services(rows)), "[]");
}

#[test]
fn drip_feeds_and_subscriptions_carry_their_extras_behind_the_five_fields() {
    let mut row = partial();
    row.charge = "0.90".into();
    row.start_count = -1;
    row.status = StatusWord::InProgress;
    row.remains = 800;
    row.extra = StatusExtra::DripFeed { runs: 2, orders: vec![501, 502] };
    assert_eq!(
        text(&Response::Status(row.clone())),
        r#"{"charge":"0.90","start_count":"0","status":"In progress","remains":"800","currency":"USD","runs":"2","orders":["501","502"]}"#
    );
    row.status = StatusWord::Active;
    row.extra = StatusExtra::Subscription { posts: 3, expiry: Some("31/12/2026".into()), orders: vec![601] };
    let expected = r#"{"charge":"0.90","start_count":"0","status":"Active","remains":"800","currency":"USD","posts":"3","expiry":"31/12/2026","orders":["601"]}"#;
    assert_eq!(text(&Response::Status(row.clone())), expected);
    row.extra = StatusExtra::Subscription { posts: 0, expiry: None, orders: Vec::new() };
    assert!(text(&Response::Status(row)).ends_with(r#""posts":"0","expiry":null,"orders":[]}"#));
}

#[test]
fn single_answers_and_odd_ids_keep_their_types() {
    assert_eq!(text(&Response::Cancel(1000)), r#"{"cancel":1000}"#);
    assert_eq!(text(&Response::CancelStatus(CancelWord::Pending)), r#"{"status":"Pending"}"#);
    assert_eq!(text(&Response::StatusMany(Vec::new())), "{}");
    assert_eq!(
        text(&Response::Error(ErrorText::NotEnoughFunds)),
        r#"{"error":"Not enough funds on balance"}"#
    );
    let configured = ErrorText::Configured("Back at \"noon\"\n".into());
    assert_eq!(text(&Response::Error(configured)), r#"{"error":"Back at \"noon\"\n"}"#);

    let row = |id| CancelRow { order: asked(id), kind: None, result: Err(ErrorText::IncorrectOrderId) };
    let rows = vec![row("007"), row("a\"b"), row("18446744073709551616"), row("0")];
    assert_eq!(
        text(&Response::CancelMany(rows)),
        concat!(
            r#"[{"order":7,"cancel":{"error":"Incorrect order ID"}},"#,
            r#"{"order":"a\"b","cancel":{"error":"Incorrect order ID"}},"#,
            r#"{"order":"18446744073709551616","cancel":{"error":"Incorrect order ID"}},"#,
            r#"{"order":0,"cancel":{"error":"Incorrect order ID"}}]"#
        )
    );
}

#[test]
fn a_repeated_id_is_answered_once_in_the_map() {
    let unknown = || Err(ErrorText::IncorrectOrderId);
    let rows =
        vec![("5".to_owned(), Ok(partial())), ("x".to_owned(), unknown()), ("5".to_owned(), unknown())];
    let answer: Value = serde_json::from_str(&text(&Response::StatusMany(rows))).expect("JSON");
    assert_eq!(answer["5"]["status"], "Partial");
    assert_eq!(answer["x"]["error"], "Incorrect order ID");
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2));
}

#[test]
fn accounts_that_know_only_codes_get_them_where_one_is_known() {
    use panelworks_wire::response::ErrorStyle::Code;
    let styled = |text| String::from_utf8(Response::Error(text).encode_styled(Code)).expect("UTF-8");
    assert_eq!(styled(ErrorText::ActiveOrderWithLink), r#"{"error":"neworder.error.link_duplicate"}"#);
    assert_eq!(styled(ErrorText::InvalidApiKey), r#"{"error":"Invalid API key"}"#);
}
