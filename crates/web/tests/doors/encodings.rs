//! One rule for all encodings: form, JSON, multipart, query, with every place a key can stand in (`api-v2.md` §1, §2).

use axum::body::Body;
use http::{Method, Request, StatusCode};
use panelworks_core::customer::Switches;

use crate::shop::{ANNA, BERT, Shop, Told, error};

const BALANCE: &str = r#"{"balance":"100.84292","currency":"USD"}"#;

async fn post(shop: &Shop, path: &str, content_type: Option<&str>, body: impl Into<Vec<u8>>) -> Told {
    let mut request = Request::post(path);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    shop.send(request.body(Body::from(body.into())).expect("a request")).await
}

#[tokio::test]
async fn every_path_and_both_methods_lead_to_the_same_answer() {
    let shop = Shop::open().await;
    for path in ["/api/v2", "/api/v2/", "/api/v1", "/api/v1/", "/api", "/api/"] {
        let form = format!("key={ANNA}&action=balance");
        let posted = post(&shop, path, Some("application/x-www-form-urlencoded"), form.clone()).await;
        assert_eq!(posted.json(), BALANCE, "{path}");
        for method in [Method::GET, Method::POST] {
            let request = Request::builder().method(method).uri(format!("{path}?{form}"));
            assert_eq!(
                shop.send(request.body(Body::empty()).expect("a request")).await.json(),
                BALANCE,
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn every_encoding_of_a_body_is_understood() {
    let shop = Shop::open().await;
    let form = format!("key={ANNA}&action=balance");
    let json = format!(r#"{{"key":"{ANNA}","action":"balance"}}"#);
    let multipart = format!(
        "--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n{ANNA}\r\n--B\r\n\
         Content-Disposition: form-data; name=\"action\"\r\n\r\nbalance\r\n--B--\r\n"
    );
    let table = [
        (Some("application/x-www-form-urlencoded"), form.clone()),
        (Some("application/x-www-form-urlencoded; charset=UTF-8"), form.clone()),
        (Some("Application/X-WWW-Form-Urlencoded; CHARSET=utf-8"), form.clone()),
        (Some("text/plain"), form.clone()),
        (None, form.clone()),
        (None, json.clone()),
        (Some("application/json"), json.clone()),
        (Some("application/json; charset=utf-8"), json.clone()),
        (Some("APPLICATION/JSON"), json.clone()),
        (Some("application/x-www-form-urlencoded"), json.clone()),
        (Some("application/json"), format!("\u{feff}{json}")),
        (Some("application/json"), format!(" \r\n{json}\n")),
        (Some("multipart/form-data; boundary=B"), multipart.clone()),
        (Some("Multipart/Form-Data; charset=utf-8; Boundary=\"B\""), multipart),
    ];
    for (content_type, body) in table {
        let told = post(&shop, "/api/v2", content_type, body.clone()).await;
        assert_eq!(told.json(), BALANCE, "{content_type:?} {body}");
    }
}

#[tokio::test]
async fn an_order_is_the_same_in_every_encoding() {
    let shop = Shop::open().await;
    let json = format!(
        r#"{{"key":"{ANNA}","action":"add","service":1,"link":"j","quantity":100,"request_id":"same"}}"#
    );
    let told = post(&shop, "/api/v2", Some("application/json"), json).await;
    assert_eq!(told.json(), r#"{"order":1}"#);
    let form =
        "action=add&service=1&link=j&quantity=100&request_id=same&runs=&interval=null&comments=undefined";
    assert_eq!(shop.anna(form).await.json(), r#"{"order":1}"#, "the same request by its fingerprint");
    let lists = format!(
        r#"{{"key":"{ANNA}","action":"add","service":"3","link":["k"],"comments":["one","two\r\nthree",""]}}"#
    );
    assert_eq!(post(&shop, "/api/v2", Some("application/json"), lists).await.json(), r#"{"order":2}"#);
    let status = shop.anna("action=status&order=2").await;
    assert!(status.json().contains(r#""remains":"3""#), "{}", status.body);
}

/// Shows C29.
#[tokio::test]
async fn body_wins_over_query_and_the_last_of_a_repeated_parameter_wins() {
    let shop = Shop::open().await;
    let query = format!("/api/v2?key={BERT}&action=services");
    let told = post(&shop, &query, None, format!("key={ANNA}&action=balance")).await;
    assert_eq!(told.json(), BALANCE);
    let told = post(&shop, &format!("/api/v2?key={ANNA}"), None, "action=balance").await;
    assert_eq!(told.json(), BALANCE, "merged");
    let told =
        post(&shop, "/api/v2", None, format!("key=wrong&key={ANNA}&action=services&action=balance")).await;
    assert_eq!(told.json(), BALANCE);
}

#[tokio::test]
async fn a_key_is_found_wherever_clients_put_it() {
    let shop = Shop::open().await;
    for alias in ["api", "api_key", "api_token"] {
        assert_eq!(shop.form(&format!("{alias}={ANNA}&action=balance")).await.json(), BALANCE, "{alias}");
    }
    for (header, value) in [
        ("authorization", format!("Bearer {ANNA}")),
        ("authorization", format!("bearer  {ANNA}")),
        ("x-api-key", ANNA.to_owned()),
    ] {
        let request = Request::post("/api/v2").header(header, value);
        let told = shop.send(request.body(Body::from("action=balance")).expect("a request")).await;
        assert_eq!(told.json(), BALANCE, "{header}");
    }
    assert_eq!(shop.form(&format!("key=+{ANNA}+&action=+BALANCE+")).await.json(), BALANCE);
}

/// Shows C6.
#[tokio::test]
async fn a_missing_a_wrong_and_a_strange_key_answer_alike() {
    let shop = Shop::open().await;
    for body in [
        "action=balance".to_owned(),
        "key=&action=balance".to_owned(),
        "key=wrong&action=balance".to_owned(),
        format!("key={}&action=balance", ANNA.to_uppercase()),
        format!("key[]={ANNA}&action=balance"),
        format!("key={}&action=balance", "k".repeat(10_000)),
        "key=%FF%FE&action=balance".to_owned(),
        r#"{"key":["a"],"action":"balance"}"#.to_owned(),
        r#"{"key":17,"action":"balance"}"#.to_owned(),
        r#"{"key":{"a":1},"action":"balance"}"#.to_owned(),
        "key=wrong&action=nonsense".to_owned(),
        "key=wrong&action=status&orders=1,2".to_owned(),
        String::new(),
    ] {
        let told = post(&shop, "/api/v2", None, body.clone()).await;
        assert_eq!(told.json(), error("Invalid API key"), "{body:.80}");
    }
}

#[tokio::test]
async fn an_unknown_action_and_a_broken_body_are_incorrect_requests() {
    let shop = Shop::open().await;
    for form in ["", "action=", "action=nonsense", "action[]=balance", "action=add%00"] {
        assert_eq!(shop.anna(form).await.json(), error("Incorrect request"), "{form}");
    }
    for body in ["{", "{\"key\":\"", "{'key':1}", "{\"key\":\"\\x\"}", "{}{}"] {
        let told = post(&shop, "/api/v2", Some("application/json"), body).await;
        assert_eq!(told.json(), error("Incorrect request"), "{body}");
    }
    let told = post(&shop, &format!("/api/v2?key={ANNA}"), Some("application/json"), "{\"action\":").await;
    assert_eq!(told.json(), error("Incorrect request"));
    let deep = format!("{{\"key\":{}", "[".repeat(100_000));
    assert_eq!(post(&shop, "/api/v2", None, deep).await.json(), error("Incorrect request"));
}

#[tokio::test]
async fn aliases_of_actions_are_understood() {
    let shop = Shop::open().await;
    for action in ["orders", "multi_status", "multi-status", "statuses", "STATUS"] {
        let told = shop.anna(&format!("action={action}&orders=9")).await;
        assert_eq!(told.json(), r#"{"9":{"error":"Incorrect order ID"}}"#, "{action}");
    }
}

/// Shows C33.
#[tokio::test]
async fn bytes_that_are_no_text_never_break_the_answers_form() {
    let shop = Shop::open().await;
    let key = shop.customer(Switches { unlimited: true, ..Switches::default() }).await;
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..300 {
        let mut bytes = vec![b"{k-a"[round % 4]];
        for _ in 0..200 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            bytes.push(noise.to_be_bytes()[3]);
        }
        let told =
            post(&shop, &format!("/api/v2?key={key}"), Some("multipart/form-data; boundary=x"), bytes).await;
        assert!(told.json().starts_with("{\"error\":\""), "{}", told.body);
    }
}

#[tokio::test]
async fn other_methods_are_405_in_the_protocols_form_and_options_allows_browsers() {
    let shop = Shop::open().await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let request =
            Request::builder().method(method).uri("/api/v2").body(Body::empty()).expect("a request");
        let told = shop.send(request).await;
        assert_eq!(told.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(told.headers["content-type"], "application/json");
        assert_eq!(told.headers["allow"], "GET, POST, OPTIONS");
        assert_eq!(told.body, error("Incorrect request"));
    }
    let request =
        Request::builder().method(Method::OPTIONS).uri("/api/v2").header("origin", "https://a.example");
    let told = shop.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(told.status, StatusCode::NO_CONTENT);
    assert_eq!(told.headers["access-control-allow-origin"], "*");
    assert!(told.headers["access-control-allow-headers"].to_str().expect("text").contains("authorization"));
    assert_eq!(shop.anna("action=balance").await.headers["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn a_query_can_be_ignored_where_the_operator_wants_it() {
    let shop = Shop::with(|settings| settings.reads_query = false).await;
    let told = post(&shop, &format!("/api/v2?key={ANNA}&action=balance"), None, "").await;
    assert_eq!(told.json(), error("Invalid API key"));
    assert_eq!(shop.anna("action=balance").await.json(), BALANCE);
}
