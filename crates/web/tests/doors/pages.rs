//! Everything that isn't a call: the page, its files, health, metrics, wrong paths; and how prepared lists are served.

use std::io::Read as _;

use axum::body::Body;
use http::{Request, StatusCode};
use panelworks_core::command::Command;
use panelworks_core::money::Rate;
use panelworks_web::address::Peer;
use tower::ServiceExt as _;

use crate::shop::{ANNA, Shop, Told, error, one_more};

async fn get(shop: &Shop, path: &str) -> Told {
    shop.send(Request::get(path).body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn the_page_speaks_of_this_panel_under_the_strictest_policy() {
    let shop = Shop::open().await;
    let told = get(&shop, "/").await;
    assert_eq!(told.status, StatusCode::OK);
    assert_eq!(told.headers["content-type"], "text/html; charset=utf-8");
    assert!(
        told.headers["content-security-policy"].to_str().expect("text").starts_with("default-src 'none'")
    );
    assert!(told.body.contains("http://127.0.0.1:8080/api/v2") && told.body.contains("Nord"));
}

#[tokio::test]
async fn every_file_the_page_names_is_served() {
    let shop = Shop::open().await;
    let page = get(&shop, "/").await.body;
    let named = page.split("href=\"").skip(1).filter_map(|piece| piece.split('"').next());
    let files: Vec<&str> =
        named.filter(|path| path.starts_with("/assets/") || path.starts_with("/examples/")).collect();
    assert!(files.len() > 3);
    for path in files {
        let Ok(response) =
            shop.router.clone().oneshot(Request::get(path).body(Body::empty()).expect("a request")).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }
    assert_eq!(get(&shop, "/assets/../Cargo.toml").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&shop, "/assets/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wrong_path_is_json_below_api_and_a_page_elsewhere() {
    let shop = Shop::open().await;
    for path in ["/api/v3", "/api/v2/add", "/api/v2//"] {
        let told = get(&shop, path).await;
        assert_eq!(told.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(told.headers["content-type"], "application/json");
        assert_eq!(told.body, error("Incorrect request"));
    }
    let told = get(&shop, "/wp-login.php").await;
    assert_eq!(told.status, StatusCode::NOT_FOUND);
    assert_eq!(told.headers["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn health_says_alive_and_ready_and_why_not() {
    let shop = Shop::open().await;
    assert_eq!(get(&shop, "/healthz").await.status, StatusCode::OK);
    let told = get(&shop, "/readyz").await;
    assert_eq!(told.json(), r#"{"ready":true,"reasons":[],"queue":0}"#);
    shop.executor.stop();
    // It stops by itself; the state is asked until it has.
    let stopped = loop {
        let told = get(&shop, "/readyz").await;
        if told.status != StatusCode::OK {
            break told;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(stopped.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stopped.body, r#"{"ready":false,"reasons":["the executor has stopped"],"queue":0}"#);
    assert_eq!(get(&shop, "/healthz").await.status, StatusCode::OK, "alive is not ready");
}

async fn metrics_for(shop: &Shop, peer: &str) -> Told {
    let mut request = Request::get("/metrics").body(Body::empty()).expect("a request");
    request.extensions_mut().insert(Peer(peer.parse().expect("an address")));
    shop.send(request).await
}

#[tokio::test]
async fn metrics_count_calls_orders_and_refusals_and_are_for_this_machine() {
    let shop = Shop::open().await;
    shop.completed("service=1&link=a&quantity=100").await;
    shop.anna("action=add&service=999").await;
    shop.form("key=wrong&action=balance").await;
    let told = metrics_for(&shop, "127.0.0.1").await;
    for line in [
        r#"panelworks_api_calls_total{action="add",outcome="answered"} 1"#,
        r#"panelworks_api_calls_total{action="add",outcome="refused"} 1"#,
        r#"panelworks_api_calls_total{action="balance",outcome="refused"} 1"#,
        r#"panelworks_api_refusals_total{error="incorrect_service_id"} 1"#,
        r#"panelworks_api_refusals_total{error="invalid_api_key"} 1"#,
        "panelworks_orders_placed_total 1",
        r#"panelworks_orders_ended_total{status="Completed"} 1"#,
        r#"panelworks_orders_ended_total{status="Canceled"} 0"#,
        r#"panelworks_api_call_seconds_count{action="add"} 2"#,
        "panelworks_queue_commands 0",
    ] {
        assert!(told.body.lines().any(|found| found == line), "{line}\n{}", told.body);
    }
    assert!(told.body.ends_with("# EOF\n"));
    assert!(!told.body.contains(ANNA));
    assert_eq!(metrics_for(&shop, "192.0.2.1").await.status, StatusCode::FORBIDDEN);
    assert_eq!(get(&shop, "/metrics").await.status, StatusCode::FORBIDDEN, "an unknown peer is a stranger");
    let open = Shop::with(|settings| settings.public_metrics = true).await;
    assert_eq!(metrics_for(&open, "192.0.2.1").await.status, StatusCode::OK);
}

#[tokio::test]
async fn services_are_compressed_for_those_who_ask_and_tagged() {
    let shop = Shop::open().await;
    let plain = shop.anna("action=services").await;
    let ask = |accept: &'static str, known: Option<String>| {
        let mut request =
            Request::get(format!("/api/v2?key={ANNA}&action=services")).header("accept-encoding", accept);
        if let Some(known) = known {
            request = request.header("if-none-match", known);
        }
        let router = shop.router.clone();
        async move {
            let Ok(response) = router.oneshot(request.body(Body::empty()).expect("a request")).await;
            let (parts, body) = response.into_parts();
            (parts, axum::body::to_bytes(body, usize::MAX).await.expect("a body"))
        }
    };
    let (parts, bytes) = ask("gzip, deflate", None).await;
    assert_eq!(parts.headers["content-encoding"], "gzip");
    assert_eq!(parts.headers["content-type"], "application/json");
    assert_eq!(parts.headers["vary"], "accept-encoding");
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut unpacked).expect("gzip");
    assert_eq!(unpacked, plain.body);
    assert_ne!(parts.headers["etag"], plain.headers["etag"], "each encoding has its own tag");

    let tag = parts.headers["etag"].to_str().expect("text").to_owned();
    let (parts, bytes) = ask("gzip", Some(format!("\"other\", W/{tag}"))).await;
    assert_eq!((parts.status, bytes.len()), (StatusCode::NOT_MODIFIED, 0));
    let (parts, _) = ask("identity", Some(tag)).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert!(!parts.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn a_change_of_the_catalogue_shows_in_the_very_next_list() {
    let shop = Shop::open().await;
    let before = shop.anna("action=services").await;
    let service = one_more(Rate::from_micros(1_234_567).expect("a rate"));
    shop.command(Command::PutService { service: Box::new(service) }).await.expect("a service");
    let after = shop.anna("action=services").await;
    assert_ne!(before.headers["etag"], after.headers["etag"]);
    assert!(after.body.contains(r#""rate":"1.234567""#));
}
