//! A panel whose books are not open yet: it lives, says what it waits for, and takes nothing.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, StatusCode};
use panelworks_web::address::Peer;
use panelworks_web::{Panel, Settings, Waiting, router};

use crate::shop::{Told, error, told_by};

const WHY: &str = "the database is away: connection refused (10.0.0.5:5432)";

async fn told(request: Request<Body>) -> Told {
    let waiting = Waiting::default();
    waiting.note(WHY);
    let settings = Settings::new("Nord", "USD", "http://127.0.0.1:8080");
    let router = router(Arc::new(Panel::waiting(settings, waiting)));
    told_by(&router, request).await
}

async fn get(path: &str, peer: &str) -> Told {
    let mut request = Request::get(path).body(Body::empty()).expect("a request");
    request.extensions_mut().insert(Peer(peer.parse().expect("an address")));
    told(request).await
}

async fn call(form: &str) -> Told {
    let request = Request::post("/api/v2").header("content-type", "application/x-www-form-urlencoded");
    told(request.body(Body::from(form.to_owned())).expect("a request")).await
}

#[tokio::test]
async fn a_panel_that_waits_for_its_books_lives_and_says_what_it_waits_for() {
    assert_eq!(get("/healthz", "127.0.0.1").await.status, StatusCode::OK);
    let here = get("/readyz", "127.0.0.1").await;
    assert_eq!(here.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(here.body, format!(r#"{{"ready":false,"reasons":["{WHY}"],"queue":0}}"#));
    let elsewhere = get("/readyz", "203.0.113.7").await;
    assert_eq!(elsewhere.body, r#"{"ready":false,"reasons":["the database is away"],"queue":0}"#);
    assert_eq!(get("/", "203.0.113.7").await.status, StatusCode::OK);
}

/// Shows A6.
#[tokio::test]
async fn a_panel_that_waits_for_its_books_takes_nothing_and_tells_status_nothing() {
    for call_of in ["action=add&service=1&link=a&quantity=100", "action=balance", "action=services", "x=y"] {
        let told = call(&format!("key=k&{call_of}")).await;
        assert_eq!(told.json(), error("Service temporarily unavailable"), "{call_of}");
    }
    let status = call("key=k&action=status&order=1").await;
    assert_eq!((status.status, status.body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""));
}
