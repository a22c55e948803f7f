//! What protects the panel: pace, wrong keys, sizes and times of bodies, suspension, revocation, maintenance; and
//! that nothing secret is told.

use std::convert::Infallible;
use std::io::{Error, ErrorKind};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, StatusCode};
use panelworks_core::command::Command;
use panelworks_core::customer::{Standing, Switches};
use panelworks_core::ids::CustomerId;
use panelworks_web::address::Peer;
use panelworks_web::limits::FLOOD_PAUSE;
use panelworks_web::{Pace, key_hash};

use crate::shop::{ANNA, BERT, Shop, Told, error};

/// Shows C28.
#[tokio::test]
async fn a_flood_is_told_429_with_the_time_to_come_back() {
    let shop = Shop::with(|settings| settings.requests = Pace::per_minute(1, 3)).await;
    for _ in 0..3 {
        assert_eq!(shop.anna("action=balance").await.status, StatusCode::OK);
    }
    let told = shop.anna("action=balance").await;
    assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(told.headers["content-type"], "application/json");
    assert_eq!(told.body, error("Too many requests"));
    let seconds: u64 = told.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(shop.bert("action=balance").await.status, StatusCode::OK, "each key has its own pace");
}

/// Shows C28.
#[tokio::test(start_paused = true)]
async fn a_call_above_its_pace_is_held_for_a_moment_and_one_below_it_is_not() {
    let shop = Shop::with(|settings| settings.requests = Pace::per_minute(1, 1)).await;
    let before = tokio::time::Instant::now();
    assert_eq!(shop.anna("action=balance").await.status, StatusCode::OK);
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(shop.anna("action=balance").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(before.elapsed() >= FLOOD_PAUSE, "{:?}", before.elapsed());
}

#[tokio::test]
async fn a_flood_of_status_is_never_told_in_words() {
    let shop = Shop::with(|settings| {
        settings.requests = Pace::per_minute(1, 1);
        settings.status_patience = Duration::ZERO;
    })
    .await;
    assert_eq!(shop.anna("action=status&orders=1").await.status, StatusCode::OK);
    let told = shop.anna("action=status&orders=1").await;
    assert_eq!((told.status, told.body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""));
    assert!(!told.headers.contains_key("content-type"));
}

#[tokio::test(start_paused = true)]
async fn a_status_a_little_above_its_pace_is_delayed_and_answered() {
    let shop = Shop::with(|settings| settings.requests = Pace::per_minute(60, 1)).await;
    assert_eq!(shop.anna("action=status&orders=1").await.status, StatusCode::OK);
    let before = tokio::time::Instant::now();
    assert_eq!(shop.anna("action=status&orders=1").await.status, StatusCode::OK);
    assert!(before.elapsed() >= Duration::from_millis(500), "{:?}", before.elapsed());
}

#[tokio::test]
async fn a_customer_without_limits_has_none() {
    let shop = Shop::with(|settings| settings.requests = Pace::per_minute(1, 1)).await;
    let key = shop.customer(Switches { unlimited: true, ..Switches::default() }).await;
    for _ in 0..50 {
        let told = shop.form(&format!("key={key}&action=balance")).await;
        assert_eq!(told.json(), r#"{"balance":"100.00","currency":"USD"}"#);
    }
}

async fn from(shop: &Shop, address: &str, key: &str) -> Told {
    let mut request =
        Request::post("/api/v2").body(Body::from(format!("key={key}&action=balance"))).expect("a request");
    request.extensions_mut().insert(Peer(address.parse().expect("an address")));
    shop.send(request).await
}

/// Shows C6.
#[tokio::test]
async fn wrong_keys_are_slowed_down_by_address_and_a_right_key_never() {
    let shop = Shop::with(|settings| settings.bad_keys = Pace::per_minute(1, 5)).await;
    for guess in 0..5 {
        assert_eq!(from(&shop, "192.0.2.1", &format!("guess{guess}")).await.json(), error("Invalid API key"));
    }
    let told = from(&shop, "192.0.2.1", "guess").await;
    assert_eq!((told.status, told.body), (StatusCode::TOO_MANY_REQUESTS, error("Too many requests")));
    assert_eq!(from(&shop, "192.0.2.2", "guess").await.json(), error("Invalid API key"), "another address");
    assert_eq!(
        from(&shop, "192.0.2.1", ANNA).await.status,
        StatusCode::OK,
        "who shares the address keeps working"
    );
}

/// Shows C27.
#[tokio::test]
async fn only_trusted_proxies_say_where_a_call_comes_from() {
    let shop = Shop::with(|settings| {
        settings.bad_keys = Pace::per_minute(1, 1);
        settings.trusted_proxies = vec!["10.0.0.1".parse().expect("a network")];
    })
    .await;
    let mut told = Vec::new();
    for (peer, forwarded) in [
        ("10.0.0.1", "203.0.113.1"),
        ("10.0.0.1", "203.0.113.2"),
        ("10.0.0.1", "203.0.113.1"),
        ("192.0.2.9", "203.0.113.3"),
        ("192.0.2.9", "203.0.113.4"),
    ] {
        let request = Request::post("/api/v2").header("x-forwarded-for", forwarded);
        let mut request = request.body(Body::from("key=guess&action=balance")).expect("a request");
        request.extensions_mut().insert(Peer(peer.parse().expect("an address")));
        told.push(shop.send(request).await.status.as_u16());
    }
    assert_eq!(told, [200, 200, 429, 200, 429]);
}

/// Shows C30.
#[tokio::test]
async fn a_suspended_account_hears_so_on_every_action() {
    let shop = Shop::open().await;
    shop.standing(CustomerId(1), Standing::Suspended).await;
    let suspended = error("Your account has been suspended");
    for call in
        ["services", "balance", "add", "status", "refill", "refill_status", "cancel", "cancel_status", "x"]
    {
        assert_eq!(shop.anna(&format!("action={call}&order=1&service=1")).await.json(), suspended, "{call}");
    }
    shop.standing(CustomerId(1), Standing::Active).await;
    assert_eq!(shop.anna("action=balance").await.json(), r#"{"balance":"100.84292","currency":"USD"}"#);
}

/// Shows C30.
#[tokio::test]
async fn a_revoked_key_is_dead_with_the_commit_that_revokes_it() {
    let shop = Shop::open().await;
    let rotate = Command::AddKey {
        customer: CustomerId(1),
        hash: key_hash("new key"),
        label: "second".to_owned(),
        revoke_others: vec![key_hash(ANNA)],
    };
    shop.command(rotate).await.expect("rotated");
    assert_eq!(shop.anna("action=balance").await.json(), error("Invalid API key"));
    let told = shop.form("key=new+key&action=balance").await;
    assert_eq!(told.json(), r#"{"balance":"100.84292","currency":"USD"}"#);
}

#[tokio::test]
async fn maintenance_is_told_in_the_operators_words_and_status_is_told_nothing() {
    let shop = Shop::with(|settings| settings.maintenance = Some("Moving \"house\"".to_owned())).await;
    for call in ["services", "balance", "add", "refill", "refill_status", "cancel", "x"] {
        let told = shop.anna(&format!("action={call}&order=1")).await;
        assert_eq!(told.json(), r#"{"error":"Moving \"house\""}"#, "{call}");
    }
    let told = shop.anna("action=status&order=1").await;
    assert_eq!((told.status, told.body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""));
    assert_eq!(
        shop.form("key=wrong&action=balance").await.json(),
        error("Invalid API key"),
        "the key comes first"
    );
}

/// Shows C5, C26.
#[tokio::test]
async fn a_body_at_the_limit_is_read_and_one_byte_more_is_an_incorrect_request() {
    let shop = Shop::open().await;
    let start = format!("key={ANNA}&action=balance&padding=");
    let at_limit = format!("{start}{}", "x".repeat(1024 * 1024 - start.len()));
    assert_eq!(shop.form(&at_limit).await.json(), r#"{"balance":"100.84292","currency":"USD"}"#);
    let told = shop.form(&format!("{at_limit}x")).await;
    assert_eq!(told.json(), error("Incorrect request"));
    assert_eq!(told.headers["connection"], "close");
}

/// Shows C26.
#[tokio::test]
async fn an_endless_body_of_unknown_length_is_not_kept() {
    let shop = Shop::open().await;
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    let endless = stream::repeat(Ok::<_, Infallible>(piece));
    let request = Request::post("/api/v2").body(Body::from_stream(endless)).expect("a request");
    assert_eq!(shop.send(request).await.json(), error("Incorrect request"));
}

/// Shows C26.
#[tokio::test(start_paused = true)]
async fn a_client_that_sends_a_byte_a_second_is_answered_after_twenty() {
    let shop = Shop::open().await;
    let drops = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), ()))
    });
    let request = Request::post("/api/v2").body(Body::from_stream(drops)).expect("a request");
    let before = tokio::time::Instant::now();
    let told = shop.send(request).await;
    assert_eq!(told.json(), error("Incorrect request"));
    assert!((Duration::from_secs(20)..Duration::from_secs(22)).contains(&before.elapsed()));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_incorrect_request() {
    let shop = Shop::open().await;
    let broken =
        stream::iter([Ok(Bytes::from_static(b"key=")), Err(Error::from(ErrorKind::ConnectionReset))]);
    let request = Request::post("/api/v2").body(Body::from_stream(broken.boxed())).expect("a request");
    assert_eq!(shop.send(request).await.json(), error("Incorrect request"));
}

#[tokio::test]
async fn a_body_in_many_pieces_is_one_body() {
    let shop = Shop::open().await;
    let pieces: Vec<_> = format!("key={ANNA}&action=balance")
        .bytes()
        .map(|byte| Ok::<_, Infallible>(Bytes::copy_from_slice(&[byte])))
        .collect();
    let request = Request::post("/api/v2").body(Body::from_stream(stream::iter(pieces))).expect("a request");
    assert_eq!(shop.send(request).await.json(), r#"{"balance":"100.84292","currency":"USD"}"#);
}

#[tokio::test]
async fn every_answer_carries_a_request_id_the_callers_own_if_it_is_plain() {
    let shop = Shop::open().await;
    let ask = |id: Option<&'static str>| {
        let mut request = Request::post("/api/v2");
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        shop.send(request.body(Body::from(format!("key={BERT}&action=balance"))).expect("a request"))
    };
    assert_eq!(ask(Some("order-42")).await.headers["x-request-id"], "order-42");
    let made = ask(None).await.headers["x-request-id"].clone();
    assert_eq!(made.len(), 16);
    assert_ne!(ask(Some("has \"quotes\"")).await.headers["x-request-id"], "has \"quotes\"");
}
