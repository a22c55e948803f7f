//! The friendly half, against a scripted provider: what is asked, how answers and failures are told.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use crate::provider::{Provider, Reply, answer};
use panelworks_client::lenient::{
    CancelRowAnswer, CancelStatusRowAnswer, RefillRowAnswer, RowAnswer, SeenCancel, SeenWord,
};
use panelworks_client::{CallError, ClientAdd, Endpoint, ErrorClass, Panel, Reach, Secret, Transport};

async fn panel(script: &[(&str, &str)]) -> (Panel, Provider) {
    let script = script.iter().map(|(status, body)| Reply::Answer(answer(status, body))).collect();
    let provider = Provider::start(script).await;
    let endpoint = Endpoint::new(&provider.url(), Secret::new("k3y"), Reach::PrivateAllowed).unwrap();
    (Panel::new(endpoint, Transport::new().unwrap()), provider)
}

/// The forms the provider got, in order.
fn forms(provider: &Provider) -> Vec<String> {
    provider.requests().iter().map(|request| request.split_once("\r\n\r\n").unwrap().1.to_owned()).collect()
}

fn ids(range: std::ops::RangeInclusive<u32>) -> Vec<String> {
    range.map(|id| id.to_string()).collect()
}

fn some_add() -> ClientAdd {
    ClientAdd {
        service: "7".to_owned(),
        fields: vec![("quantity", "100".to_owned())],
        idempotency_key: Some("a-1".to_owned()),
    }
}

#[tokio::test]
async fn an_add_brings_the_order_id_and_carries_its_idempotency_key_twice() {
    let (panel, provider) = panel(&[("201 Created", "\u{feff}Notice: x<br>{\"order\":\"23501\"}")]).await;
    assert_eq!(panel.add(some_add()).await, Ok("23501".to_owned()));
    assert_eq!(forms(&provider), ["key=k3y&action=add&service=7&quantity=100&request_id=a-1"]);
    assert!(provider.requests()[0].contains("idempotency-key: a-1\r\n"));
}

#[tokio::test]
async fn an_add_is_refused_only_by_a_definite_no() {
    let (panel, _) = panel(&[("400 Bad Request", r#"{"error":"Not enough funds on balance"}"#)]).await;
    let refused = CallError::Refused {
        text: "Not enough funds on balance".to_owned(),
        class: ErrorClass::Funds,
        retry_after: None,
    };
    assert_eq!(panel.add(some_add()).await, Err(refused));
}

/// Shows B1, B3, B4.
#[tokio::test]
async fn an_add_is_unclear_after_everything_that_is_neither_id_nor_definite_no() {
    for (status, body) in [
        ("500 Oops", r#"{"error":"Not enough funds on balance"}"#),
        ("500 Oops", r#"{"order":5}"#),
        ("302 Found", r#"{"order":5}"#),
        ("301 Moved", ""),
        ("200 OK", ""),
        ("200 OK", "<html>checking your browser</html>"),
        ("200 OK", r#"{"order":23"#),
        ("200 OK", r#"{"order":0}"#),
        ("200 OK", r#"{"order":5,"error":"x"}"#),
        ("200 OK", "[]"),
        ("200 OK", r#"{"error":"Something went wrong, please try again later"}"#),
    ] {
        let (panel, provider) = panel(&[(status, body)]).await;
        let ended = panel.add(some_add()).await;
        assert!(matches!(ended, Err(CallError::Unclear { .. })), "{status} {body}: {ended:?}");
        assert_eq!(provider.requests().len(), 1, "never asked twice: {status} {body}");
    }
}

#[tokio::test]
async fn an_add_that_could_not_connect_is_not_sent() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint =
        Endpoint::new(&format!("http://{free}/"), Secret::new("k3y"), Reach::PrivateAllowed).unwrap();
    let panel = Panel::new(endpoint, Transport::new().unwrap());
    assert!(matches!(panel.add(some_add()).await, Err(CallError::NotSent { .. })));
}

/// Shows B19.
#[tokio::test]
async fn statuses_are_asked_a_hundred_distinct_ids_at_a_time_and_matched_by_id() {
    let (panel, provider) = panel(&[
        (
            "200 OK",
            r#"{"100":{"status":"Completed"},"1":{"status":"In progress"},"999":{"status":"Canceled"}}"#,
        ),
        ("200 OK", r#"{"101":{"error":"Incorrect order ID"}}"#),
    ])
    .await;
    let mut asked = ids(1..=101);
    asked.insert(1, "1".to_owned());

    let rows = panel.status(&asked).await.unwrap();

    let (first, second) = (ids(1..=100).join("%2C"), "101");
    assert_eq!(
        forms(&provider),
        [format!("key=k3y&action=status&orders={first}"), format!("key=k3y&action=status&order={second}"),]
    );
    let said: Vec<_> = rows.iter().map(|(id, row)| (id.as_str(), row)).collect();
    assert!(matches!(said[0], ("1", RowAnswer::Seen(seen)) if seen.status == SeenWord::InProgress));
    assert!(matches!(said[1], ("100", RowAnswer::Seen(seen)) if seen.status == SeenWord::Completed));
    assert!(matches!(said[2], ("101", RowAnswer::Error(text)) if text == "Incorrect order ID"));
    assert_eq!(said.len(), 3, "an id nobody asked for is left out");
}

#[tokio::test]
async fn a_panel_that_knows_no_lists_is_asked_order_by_order() {
    let (panel, provider) = panel(&[
        ("200 OK", r#"{"error":"Incorrect order ID"}"#),
        ("200 OK", r#"{"status":"Pending","charge":"1","remains":"1"}"#),
        ("200 OK", r#"{"status":"Partial","charge":"1","remains":"1"}"#),
    ])
    .await;
    let rows = panel.status(&ids(4..=5)).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(forms(&provider)[1..], ["key=k3y&action=status&order=4", "key=k3y&action=status&order=5"]);
}

#[tokio::test]
async fn a_busy_panel_is_not_asked_a_hundred_times_more() {
    let (panel, provider) = panel(&[("429 Slow", r#"{"error":"Too many requests"}"#)]).await;
    let ended = panel.status(&ids(1..=50)).await;
    assert!(matches!(ended, Err(CallError::Refused { class: ErrorClass::Limit, .. })), "{ended:?}");
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn nothing_asked_is_nothing_sent_and_too_much_is_refused_here() {
    let (panel, provider) = panel(&[("200 OK", "[]")]).await;
    assert_eq!(panel.status(&[]).await, Ok(Vec::new()));
    assert_eq!(panel.cancel(&[]).await, Ok(Vec::new()));
    assert!(matches!(panel.cancel(&ids(1..=101)).await, Err(CallError::NotSent { .. })));
    assert!(matches!(panel.refill(&ids(1..=101)).await, Err(CallError::NotSent { .. })));
    assert_eq!(provider.connections(), 0);
}

#[tokio::test]
async fn a_refill_falls_back_to_the_list_form() {
    let (panel, provider) =
        panel(&[("200 OK", r#"{"error":"Incorrect order ID"}"#), ("200 OK", r#"[{"order":9,"refill":31}]"#)])
            .await;
    let rows = panel.refill(&ids(9..=9)).await.unwrap();
    assert_eq!(rows, [("9".to_owned(), RefillRowAnswer::Taken { id: Some("31".to_owned()) })]);
    assert_eq!(forms(&provider), ["key=k3y&action=refill&order=9", "key=k3y&action=refill&orders=9"]);
}

#[tokio::test]
async fn cancels_and_their_states_come_by_id() {
    let (panel, _) = panel(&[
        ("200 OK", r#"[{"order":2,"type":"order","cancel":1001},{"order":1,"cancel":{"error":"Incorrect order ID"}}]"#),
        ("200 OK", r#"[{"cancel":1001,"status":"Completed"}]"#),
    ])
    .await;
    let rows = panel.cancel(&ids(1..=2)).await.unwrap();
    assert_eq!(
        rows,
        [
            ("1".to_owned(), CancelRowAnswer::Refused { text: "Incorrect order ID".to_owned() }),
            ("2".to_owned(), CancelRowAnswer::Taken { id: Some("1001".to_owned()) }),
        ]
    );
    let rows = panel.cancel_status(&["1001".to_owned()]).await.unwrap();
    assert_eq!(rows, [("1001".to_owned(), CancelStatusRowAnswer::Seen(SeenCancel::Completed))]);
}

#[tokio::test]
async fn balance_and_catalogue_are_read_with_tolerance() {
    let (panel, _) = panel(&[
        ("200 OK", r#"{"balance":"100.84292","currency":"USD"}"#),
        (
            "200 OK",
            r#"[{"service":"3","name":"Followers","type":"default","rate":0.9,"min":"50","max":10000},7]"#,
        ),
    ])
    .await;
    let balance = panel.balance().await.unwrap();
    assert_eq!((balance.micros, balance.currency.as_deref()), (100_842_920, Some("USD")));
    let catalogue = panel.services().await.unwrap();
    assert_eq!((catalogue.services[0].rate_micros, catalogue.unreadable.len()), (Some(900_000), 1));
}

#[tokio::test]
async fn a_raw_call_sends_what_it_is_told_and_reads_nothing() {
    let (panel, provider) = panel(&[("418 Teapot", "anything")]).await;
    let parameters = [("action".to_owned(), "orders".to_owned()), ("link".to_owned(), "a&b".to_owned())];
    let got = panel.call(&parameters).await.unwrap();
    assert_eq!((got.status, got.body.as_ref()), (418, b"anything".as_slice()));
    assert_eq!(forms(&provider), ["key=k3y&action=orders&link=a%26b"]);
}

#[tokio::test]
async fn a_panels_debug_never_shows_its_key() {
    let (panel, _) = panel(&[("200 OK", "")]).await;
    assert!(!format!("{panel:?} {panel:#?}").contains("k3y"));
}
