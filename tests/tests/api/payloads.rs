//! Texts that would be something else to a careless program: SQL, markup, formulas, paths, templates, control characters.
//! In every parameter they are the text that they are, or no value at all (`invariants.md` C13, C33).

use panelworks_tests::{Panel, page};
use serde_json::{Value, json};

const PAYLOADS: [&str; 30] = [
    "'",
    "\"",
    "\\",
    "' or '1'='1",
    "' or 1=1 --",
    "1 or 1=1",
    "1; drop table orders; --",
    "'; delete from account; --",
    "1' union select key_hash from api_key --",
    "') ; update account set balance = 1e9 ; --",
    "1 and sleep(5)",
    "'||(select pg_sleep(5))||'",
    "$1",
    "?1",
    ":name",
    "%27%20or%201=1",
    "0x27",
    "char(39)",
    "/* */",
    "--",
    "null",
    "%s%n",
    "{{7*7}}",
    "${7*7}",
    "<b>x</b>",
    "=1+1",
    "../../etc/passwd",
    "a\u{202e}b",
    "\u{1f512}",
    "ａｄｍｉｎ",
];

/// Of the inside of the panel: none of it is anybody else's business.
const MARKS: [&str; 18] = [
    "panicked",
    "RUST_BACKTRACE",
    "stack backtrace",
    ".rs:",
    "src/",
    "sqlite",
    "SQLITE",
    "postgres",
    "SQLSTATE",
    "syntax error",
    "no such table",
    "constraint",
    "/root",
    "/tmp",
    "/home",
    "panelworks.db",
    "tokio",
    "rusqlite",
];

/// Every parameter that a call of API v2 may have, and the action it belongs to.
const PARAMETERS: [(&str, &str); 32] = [
    ("balance", "key"),
    ("", "action"),
    ("status", "order"),
    ("status", "orders"),
    ("refill", "order"),
    ("refill", "orders"),
    ("refill_status", "refill"),
    ("refill_status", "refills"),
    ("cancel", "order"),
    ("cancel", "orders"),
    ("cancel_status", "cancel"),
    ("cancel_status", "cancels"),
    ("add", "service"),
    ("add", "link"),
    ("add", "quantity"),
    ("add", "runs"),
    ("add", "interval"),
    ("add", "comments"),
    ("add", "usernames"),
    ("add", "hashtags"),
    ("add", "hashtag"),
    ("add", "username"),
    ("add", "media"),
    ("add", "answer_number"),
    ("add", "groups"),
    ("add", "keywords"),
    ("add", "min"),
    ("add", "max"),
    ("add", "expiry"),
    ("add", "country"),
    ("add", "request_id"),
    ("add", "max_charge"),
];

fn tells_nothing_of_the_inside(answer: &str, sent: &str) {
    let told = MARKS.iter().find(|mark| answer.contains(*mark) && !sent.contains(*mark));
    assert!(told.is_none(), "{told:?} in {answer}, after {sent}");
}

/// Shows C13, C33.
#[tokio::test]
async fn a_text_that_looks_like_something_else_is_a_text_in_every_parameter() {
    let panel = Panel::demo(&[]).await;
    let customer = panel.customer(0);
    let kinds =
        ["Default", "Custom Comments", "Mentions Custom List", "Poll", "Comment Likes", "Web Traffic"];
    let services = kinds.map(|kind| panel.service(kind).to_string());
    let mut calls = 0;
    for (turn, payload) in PAYLOADS.iter().enumerate() {
        for (action, parameter) in PARAMETERS {
            let service = services[turn % services.len()].as_str();
            let mut call = json!({"key": customer.key(), "action": action, "service": service,
                "link": "https://example.com/payload", "quantity": "100"});
            call[parameter] = Value::from(*payload);
            let answer = customer.post("application/json", call.to_string()).await;
            // A wrong key is slowed down by its address, and that is no matter here.
            assert!(matches!(answer.status, 200 | 429), "{parameter} {payload}: {answer:?}");
            let said = answer.json();
            assert!(said.is_object() || said.is_array(), "{parameter} {payload}: {said}");
            tells_nothing_of_the_inside(&answer.text, payload);
            assert!(parameter != "key" || said["balance"].is_null(), "{payload} is nobody's key: {said}");
            calls += 1;
        }
    }
    assert!(calls >= 900, "{calls}");
    panel.books_balance();
}

/// Shows C13.
#[tokio::test]
async fn a_text_that_looks_like_something_else_is_kept_as_it_was_sent() {
    let panel = Panel::demo(&[]).await;
    let customer = panel.customer(0);
    let service = panel.service("Custom Comments").to_string();
    // As links markup and the words of broken scripts are refused; as comments they are texts like others.
    let kept = PAYLOADS.iter().filter(|payload| !payload.contains('<') && **payload != "null");
    for payload in kept {
        let link = format!("https://example.com/{payload}");
        let comments = PAYLOADS.join("\n");
        let order =
            customer.add(panel.service("Custom Comments"), &[("link", &link), ("comments", &comments)]).await;
        let shown = panel.ask(&["order", "show", &order.to_string()]);
        assert_eq!(shown["link"], *link, "{shown}");
        assert_eq!(shown["quantity"], PAYLOADS.len(), "{shown}");
    }
    assert!(!service.is_empty());
    panel.books_balance();
}

/// Shows C33.
#[tokio::test]
async fn no_page_and_no_error_tells_of_the_inside() {
    let panel = Panel::demo(&[]).await;
    let places = [
        "/nowhere",
        "/api/nowhere",
        "/assets/nowhere",
        "/assets/../../etc/passwd",
        "/healthz",
        "/readyz",
        "/%00",
        "/api/v2?action=%ff",
    ];
    for place in places {
        let answer = page(&format!("{}{place}", panel.web_url())).await;
        assert!(answer.status < 500, "{place}: {answer:?}");
        tells_nothing_of_the_inside(&answer.text, place);
    }
}
