//! The same parameter twice, in two places, in two encodings: one rule says whose call it is, everywhere the same
//! (`invariants.md` C29; `api-v2.md` §1, §2): the body before the query, the last of several, headers last of all.

use panelworks_tests::{Panel, raw};
use serde_json::Value;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const PARTS: &str = "multipart/form-data; boundary=B";

/// Who of the demo's two customers the answer belongs to; their balances tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    First,
    Second,
    Nobody,
}

/// A way to say who calls: what stands in the query, in the headers, in the body; A and B are keys, X is none.
struct Case {
    query: &'static str,
    headers: &'static str,
    content_type: &'static str,
    body: String,
    owner: Owner,
}

fn parts(keys: &[&str]) -> String {
    let part = |name: &str, value: &str| {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let keys: String = keys.iter().map(|key| part("key", key)).collect();
    format!("{keys}{}--B--\r\n", part("action", "balance"))
}

fn json(keys: &[&str]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("\"key\":\"{key}\",")).collect();
    format!("{{{}\"action\":\"balance\"}}", keys.concat())
}

fn form(keys: &[&str]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("key={key}&")).collect();
    format!("{}action=balance", keys.concat())
}

/// Forty ways and more: each list of keys in each encoding, with and without another key in query and headers.
fn cases() -> Vec<Case> {
    let lists: [(&[&str], Owner); 6] = [
        (&["A"], Owner::First),
        (&["A", "B"], Owner::Second),
        (&["B", "A"], Owner::First),
        (&["X", "A"], Owner::First),
        (&["A", "X"], Owner::Nobody),
        (&["A", "A", "B"], Owner::Second),
    ];
    let beside =
        [("", ""), ("?key=B", ""), ("", "x-api-key: B\r\n"), ("?key=X", "authorization: Bearer B\r\n")];
    let mut cases = Vec::new();
    for (keys, owner) in lists {
        let bodies = [(FORM, form(keys)), (JSON, json(keys)), (PARTS, parts(keys))];
        for (content_type, body) in bodies {
            cases.extend(beside.map(|(query, headers)| Case {
                query,
                headers,
                content_type,
                body: body.clone(),
                owner,
            }));
        }
    }
    let without = |query, headers, owner| Case {
        query,
        headers,
        content_type: FORM,
        body: "action=balance".to_owned(),
        owner,
    };
    cases.push(without("?key=A", "", Owner::First));
    cases.push(without("?key=A&key=B", "", Owner::Second));
    cases.push(without("?key=B", "x-api-key: A\r\n", Owner::Second));
    cases.push(without("", "x-api-key: A\r\n", Owner::First));
    cases.push(without("", "authorization: Bearer B\r\n", Owner::Second));
    cases.push(without("", "", Owner::Nobody));
    cases
}

/// Shows C29.
#[tokio::test]
async fn whoever_sends_keys_in_forty_ways_is_always_the_same_one() {
    let panel = Panel::demo(&[]).await;
    let (first, second) = (panel.customer(0), panel.customer(1));
    let customers = panel.ask(&["customer", "list"]);
    panel.ask(&[
        "customer",
        "credit",
        &customers[1]["customer"].to_string(),
        "1.25",
        "--note",
        "to tell them apart",
    ]);
    let balances = [first.balance().await, second.balance().await];
    assert_ne!(balances[0], balances[1]);
    let cases = cases();
    assert!(cases.len() >= 40, "{}", cases.len());
    for case in cases {
        let named = |text: &str| {
            let text = text.replace("key=A", &format!("key={}", first.key()));
            let text = text.replace("key=B", &format!("key={}", second.key()));
            let text = text.replace("\"A\"", &format!("\"{}\"", first.key()));
            let text = text.replace("\"B\"", &format!("\"{}\"", second.key()));
            let text = text.replace("\r\n\r\nA\r\n", &format!("\r\n\r\n{}\r\n", first.key()));
            let text = text.replace("\r\n\r\nB\r\n", &format!("\r\n\r\n{}\r\n", second.key()));
            let text = text.replace("api-key: A", &format!("api-key: {}", first.key()));
            let text = text.replace("api-key: B", &format!("api-key: {}", second.key()));
            text.replace("Bearer B", &format!("Bearer {}", second.key()))
        };
        let body = named(&case.body);
        let request = format!(
            "POST /api/v2{} HTTP/1.1\r\nhost: panel\r\ncontent-type: {}\r\n{}content-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            named(case.query),
            case.content_type,
            named(case.headers),
            body.len()
        );
        let answer = raw::exchange(panel.address(), request.as_bytes()).await;
        let said: Value = serde_json::from_str(raw::body(&answer))
            .unwrap_or_else(|error| panic!("{error}: {request}: {answer}"));
        let owner = match said["balance"].is_string() {
            true if panelworks_tests::micros(&said["balance"]) == balances[0] => Owner::First,
            true => Owner::Second,
            false => Owner::Nobody,
        };
        assert_eq!(owner, case.owner, "{} {} {}: {said}", case.query, case.headers, case.body);
    }
}
