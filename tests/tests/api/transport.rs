//! Every way real clients send a call (`api-v2.md` §1), and bytes that no client should send: always JSON, never a
//! 5xx, never HTML.

use panelworks_tests::{Panel, link, page, raw};
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";

fn is_balance(said: &Value) -> bool {
    said["balance"].is_string() && said["currency"] == "USD"
}

#[tokio::test]
async fn a_call_is_read_from_every_encoding() {
    let panel = Panel::demo(&[]).await;
    let customer = panel.customer(0);
    let key = customer.key();
    let json = json!({"key": key, "action": "balance"}).to_string();
    let form = format!("key={key}&action=balance");
    let parts = format!(
        "--XyZ\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n{key}\r\n--XyZ\r\n\
         Content-Disposition: form-data; name=\"action\"\r\n\r\nbalance\r\n--XyZ--\r\n"
    );
    for (content_type, body) in [
        (FORM, form.clone()),
        ("application/x-www-form-urlencoded; charset=UTF-8", form.clone()),
        ("Application/X-WWW-Form-Urlencoded; Charset=utf-8", form.clone()),
        ("text/plain", form.clone()),
        ("application/json", json.clone()),
        ("APPLICATION/JSON; CHARSET=UTF-8", json.clone()),
        ("application/json", format!("\u{feff}{json}")),
        ("text/plain", json.clone()),
        (FORM, json.clone()),
        ("multipart/form-data; boundary=XyZ", parts.clone()),
        ("Multipart/Form-Data; Boundary=\"XyZ\"", parts.clone()),
        (FORM, format!("key={key}&action=%62alance")),
        (FORM, format!("key={key}&action=+BALANCE+")),
    ] {
        let answer = customer.post(content_type, body.clone()).await;
        assert!(is_balance(&answer.json()), "{content_type}: {body}: {answer:?}");
    }
    for url in [
        format!("{}?key={key}&action=balance", panel.api_url()),
        format!("{}/?key={key}&action=balance", panel.api_url()),
    ] {
        let answer = page(&url).await;
        assert!(answer.status == 200 && is_balance(&answer.json()), "{url}: {answer:?}");
        assert_eq!(answer.content_type, "application/json");
    }
    let with_slash = panelworks_tests::Api::new(&format!("{}/", panel.api_url()), key);
    assert!(is_balance(&with_slash.call(&[("action", "balance")]).await));
}

#[tokio::test]
async fn lists_come_as_texts_arrays_and_repeated_parameters() {
    let panel = Panel::demo(&[]).await;
    let customer = panel.customer(0);
    let (key, service) = (customer.key(), panel.service("Mentions Custom List"));
    let names = [("text", json!("anna\nben\r\ncleo")), ("array", json!(["anna", "ben", "cleo"]))];
    for (how, usernames) in names {
        let body = json!({"key": key, "action": "add", "service": service, "link": link(how), "usernames": usernames});
        let said = customer.post("application/json", body.to_string()).await.json();
        let order = said["order"].as_u64().unwrap_or_else(|| panic!("{how}: {said}")).to_string();
        assert_eq!(panel.ask(&["order", "show", &order])["quantity"], 3, "{how}");
    }
    let body = format!("key={key}&action=status&orders[]=1&orders[]=2");
    let said = customer.post(FORM, body).await.json();
    assert_eq!(said.as_object().map(serde_json::Map::len), Some(2), "{said}");
}

/// Shows C33.
#[tokio::test]
async fn bytes_that_are_no_request_are_answered_in_json() {
    let panel = Panel::demo(&[]).await;
    let customer = panel.customer(0);
    let (key, service) = (customer.key(), panel.service("Default"));
    let before = customer.balance().await;
    let add = |link: &[u8]| {
        let mut body = format!("key={key}&action=add&service={service}&quantity=100&link=").into_bytes();
        body.extend_from_slice(link);
        body
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: Vec<(&str, &str, Vec<u8>)> = vec![
        ("invalid UTF-8 in a link", FORM, add(b"\xff\xfe\x80")),
        ("invalid UTF-8, encoded", FORM, add(b"https://example.com/%ff%fe")),
        ("a zero byte", FORM, add(b"a%00b")),
        ("JSON cut short", "application/json", format!("{{\"key\":\"{key}\",\"acti").into_bytes()),
        ("invalid UTF-8 in JSON", "application/json", [b"{\"key\":\"\xff".as_slice(), b"\"}"].concat()),
        ("nested JSON", "application/json", format!("{{\"key\":\"{key}\",\"action\":{deep}}}").into_bytes()),
        ("multipart without an end", "multipart/form-data; boundary=a", b"--a\r\nContent-Disp".to_vec()),
        ("multipart without a boundary", "multipart/form-data", b"--a\r\n".to_vec()),
        ("nothing", FORM, vec![]),
        ("too much", FORM, [add(b"l&comments=").as_slice(), &vec![b'x'; 3 * 1024 * 1024]].concat()),
    ];
    for (what, content_type, body) in bodies {
        let answer = raw::exchange(panel.address(), &raw::post(content_type, &body)).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{what}: {answer}");
        assert!(answer.to_lowercase().contains("content-type: application/json\r\n"), "{what}: {answer}");
        let said: Value = serde_json::from_str(raw::body(&answer))
            .unwrap_or_else(|error| panic!("{what}: {error}: {answer}"));
        assert!(said["error"].is_string(), "{what}: {said}");
    }
    assert_eq!(customer.balance().await, before);
}

#[tokio::test]
async fn other_methods_and_places_are_told_so_without_a_page_of_html() {
    let panel = Panel::demo(&[]).await;
    for method in ["PUT", "DELETE", "PATCH"] {
        let request = format!(
            "{method} /api/v2 HTTP/1.1\r\nhost: panel\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let answer = raw::exchange(panel.address(), request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{method}: {answer}");
        let said: Value = serde_json::from_str(raw::body(&answer)).expect("JSON");
        assert!(said["error"].is_string(), "{method}: {said}");
    }
    let request = "OPTIONS /api/v2 HTTP/1.1\r\nhost: panel\r\norigin: https://shop.example\r\n\
                   access-control-request-method: POST\r\nconnection: close\r\n\r\n";
    let answer = raw::exchange(panel.address(), request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    assert!(answer.to_lowercase().contains("access-control-allow-origin: *"), "{answer}");
}
