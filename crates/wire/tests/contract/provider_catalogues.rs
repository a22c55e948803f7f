//! Balances and catalogues, clean and dirty (`api-v2.md` §3, §8).

use panelworks_wire::ServiceType;
use panelworks_wire::lenient::{self, BalanceAnswer, ServicesAnswer, Unreadable};

#[test]
fn balances_are_read_in_all_their_shapes() {
    let is =
        |micros, currency: Option<&str>| BalanceAnswer::Is { micros, currency: currency.map(Into::into) };
    let refused = |text: &str| BalanceAnswer::Refused { text: text.into() };
    let shape = BalanceAnswer::Unreadable { why: Unreadable::Shape };
    for (body, answer) in [
        (r#"{"balance":12.3,"currency":"USD"}"#, is(12_300_000, Some("USD"))),
        (r#"{"balance":"1,234.56"}"#, is(1_234_560_000, None)),
        (r#"{"balance":"₹1,234.56","currency":""}"#, is(1_234_560_000, Some("₹"))),
        (r#"{"balance":"12.50 EUR"}"#, is(12_500_000, Some("EUR"))),
        (
            r#"{"status":"success","balance":"-0.5","balancef":"x","currency":"USD"}"#,
            is(-500_000, Some("USD")),
        ),
        (r#"{"data":{"balance":"3","currency":"TRY"}}"#, is(3_000_000, Some("TRY"))),
        (r#"{"Balance":3}"#, is(3_000_000, None)),
        (r#"{"balance":{"amount":"7.25","currency":"EUR"}}"#, is(7_250_000, Some("EUR"))),
        (r#""15.2""#, is(15_200_000, None)),
        ("15.2", is(15_200_000, None)),
        (r#"{"balance":5,"message":"hello"}"#, is(5_000_000, None)),
        (r#"{"error":"Invalid API key"}"#, refused("Invalid API key")),
        (r#"{"status":"fail","message":"Incorrect request"}"#, refused("Incorrect request")),
        (r#"{"balance":"0","error":"Invalid API key"}"#, refused("Invalid API key")),
        (r#"{"balance":null}"#, shape.clone()),
        (r#"{"balance":"lots"}"#, shape.clone()),
        (r#"{"currency":"USD"}"#, shape.clone()),
        ("true", shape.clone()),
    ] {
        assert_eq!(lenient::balance(body.as_bytes()), answer, "{body}");
    }
}

#[test]
fn dirty_catalogues_are_read_row_by_row() {
    let body = r#"{"status":"success","data":[
        {"service":"3","name":"A","type":"custom_comments","category":null,"rate":"$0.50","min":"1","max":"10,000","refill":"true","cancel":"0","dripfeed":"1","desc":"short","description":"long"},
        {"service":"x-1","name":"B","type":"Reviews","price":0.00000012,"min":5.0,"max":4294967296,"refill":"yes","avg_time":35},
        {"service":5,"name":"C","rate":"free","min":"-1","max":"1.5"},
        {"name":"D"}, {"service":6}, 7, {"service":8,"name":"E","name":"F"}
    ]}"#;
    let ServicesAnswer::List { rows, unreadable } = lenient::services(body.as_bytes()) else {
        panic!("is a list")
    };
    assert_eq!(rows.len(), 3);
    let (a, b, c) = (&rows[0], &rows[1], &rows[2]);
    assert_eq!((a.service.as_str(), a.service_type.clone()), ("3", Ok(ServiceType::CustomComments)));
    assert_eq!(
        (a.category.as_deref(), a.rate_micros, a.min, a.max),
        (None, Some(500_000), Some(1), Some(10_000))
    );
    assert_eq!((a.refill, a.cancel, a.dripfeed), (true, false, Some(true)));
    assert_eq!(a.description.as_deref(), Some("long"));
    assert_eq!((b.service.as_str(), b.service_type.clone()), ("x-1", Err("Reviews".into())));
    assert_eq!((b.rate_micros, b.min, b.max), (Some(1), Some(5), Some(4_294_967_296)));
    assert_eq!((b.refill, b.cancel, b.dripfeed), (true, false, None));
    assert_eq!(b.average_time.as_deref(), Some("35"));
    assert_eq!((c.rate_micros, c.min, c.max, c.service_type.clone()), (None, None, None, Err(String::new())));
    let reasons: Vec<_> = unreadable.iter().map(|row| (row.index, row.why)).collect();
    assert_eq!(
        reasons,
        [(3, "no id"), (4, "no name"), (5, "not an object"), (6, "one name with two values")]
    );
    assert_eq!(unreadable[2].text, "7");
}

#[test]
fn wrapped_keyed_and_empty_catalogues_are_told_apart_from_nothing() {
    let read = |body: &str| lenient::services(body.as_bytes());
    let names = |body: &str| match read(body) {
        ServicesAnswer::List { rows, .. } => {
            rows.into_iter().map(|row| (row.service, row.name)).collect::<Vec<_>>()
        }
        other => panic!("{body}: {other:?}"),
    };
    let one = vec![("9".to_owned(), "A".to_owned())];
    assert_eq!(names(r#"{"services":[{"service":9,"name":"A"}],"count":1}"#), one);
    assert_eq!(names(r#"{"9":{"name":"A"}}"#), one);
    assert_eq!(names(r#"{"data":{"9":{"name":"A"}}}"#), one);
    assert_eq!(names(r#"[{"id":9,"name":"A"}]"#), one);
    assert_eq!(names("[]"), []);
    assert_eq!(names(r#"{"status":"success","data":"Empty Data"}"#), []);
    let shape = ServicesAnswer::Unreadable { why: Unreadable::Shape };
    for body in ["{}", r#"{"status":"success"}"#, r#"{"data":7}"#, "null", r#"{"status":"error","data":"x"}"#]
    {
        assert_eq!(read(body), shape, "{body}");
    }
    let refused = |text: &str| ServicesAnswer::Refused { text: text.into() };
    assert_eq!(read(r#"{"error":"Invalid API key"}"#), refused("Invalid API key"));
    assert_eq!(read(r#"{"status":"fail","message":"Incorrect request"}"#), refused("Incorrect request"));
}
