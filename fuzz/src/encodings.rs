//! One request in every encoding is one request (`api-v2.md` rules 1 and 12; `invariants.md` C29).
//!
//! An input is a list of parameters, one a line: `name=value`, or `name[]=value` for the items of a list; `\n` in a
//! value is a line break. Names are lower-case letters and `_`; other lines are left out.

use form_urlencoded::Serializer;
use panelworks_wire::Request;
use panelworks_wire::request::{Incoming, parse};

/// More parameters than the protocol has, fewer than a multipart body may have.
const PARAMETERS: usize = 200;
/// Longer than any name of the protocol.
const NAME_CHARS: usize = 24;

/// What was given under one name.
pub(crate) enum Given {
    Text(String),
    List(Vec<String>),
}

pub(crate) fn holds(input: &[u8]) {
    let given = read(input);
    let expected = of_body("application/x-www-form-urlencoded", form(&given, "[]").as_bytes());
    for (encoding, request) in [
        ("a form with numbered lists", of_body("", form(&given, "[7]").as_bytes())),
        ("JSON", of_body("application/json", json(&given, false).as_bytes())),
        ("JSON with numbers and truths", of_body("text/plain", json(&given, true).as_bytes())),
        ("multipart", of_multipart(&given)),
        ("a query", of_query(&form(&given, "[]"), "")),
        ("a query and a form", in_halves(&given)),
    ] {
        assert_eq!(request, expected, "{encoding} and a form are two requests: {:?}", form(&given, "[]"));
    }
}

/// The parameters in the order of their first appearance: a later text replaces, a later item of a list is added.
pub(crate) fn read(input: &[u8]) -> Vec<(String, Given)> {
    let text = String::from_utf8_lossy(input);
    let mut given: Vec<(String, Given)> = Vec::new();
    for line in text.split('\n').take(PARAMETERS) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, is_list) = name.strip_suffix("[]").map_or((name, false), |name| (name, true));
        let is_name = (1..=NAME_CHARS).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if is_name {
            put(&mut given, name, value.replace("\\n", "\n"), is_list);
        }
    }
    given
}

fn put(given: &mut Vec<(String, Given)>, name: &str, value: String, is_list: bool) {
    let new = |value| if is_list { Given::List(vec![value]) } else { Given::Text(value) };
    match given.iter_mut().find(|(known, _)| known == name) {
        None => given.push((name.to_owned(), new(value))),
        Some((_, Given::List(items))) if is_list => items.push(value),
        Some((_, slot)) => *slot = new(value),
    }
}

pub(crate) fn form(given: &[(String, Given)], brackets: &str) -> String {
    let mut form = Serializer::new(String::new());
    for (name, value) in given {
        match value {
            Given::Text(text) => {
                form.append_pair(name, text);
            }
            Given::List(items) => {
                let name = format!("{name}{brackets}");
                for item in items {
                    form.append_pair(&name, item);
                }
            }
        }
    }
    form.finish()
}

/// With `typed`, what can be written as a number or a truth is: both are read from their literal text.
fn json(given: &[(String, Given)], typed: bool) -> String {
    let scalar = |text: &String| {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = plain && (text == "0" || !text.starts_with('0'));
        let bare = typed && (number || text == "true" || text == "false");
        if bare { text.clone() } else { serde_json::Value::from(text.as_str()).to_string() }
    };
    let members = given.iter().map(|(name, value)| match value {
        Given::Text(text) => format!("\"{name}\":{}", scalar(text)),
        Given::List(items) => {
            let items: Vec<String> = items.iter().map(scalar).collect();
            format!("\"{name}\":[{}]", items.join(","))
        }
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn of_multipart(given: &[(String, Given)]) -> Request {
    let is_free = |boundary: &String| {
        given.iter().all(|(_, value)| match value {
            Given::Text(text) => !text.contains(boundary),
            Given::List(items) => !items.iter().any(|item| item.contains(boundary)),
        })
    };
    let boundary = (0..=u32::MAX).map(|n| format!("edge{n}")).find(is_free).expect("a text has an end");
    let part = |name: &str, value: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts = given.iter().flat_map(|(name, value)| match value {
        Given::Text(text) => vec![part(name, text)],
        Given::List(items) => items.iter().map(|item| part(&format!("{name}[]"), item)).collect(),
    });
    let body = parts.collect::<String>() + &format!("--{boundary}--\r\n");
    of_body(&format!("multipart/form-data; boundary={boundary}"), body.as_bytes())
}

/// Every second parameter in the query, the others in the body: no name is in both.
fn in_halves(given: &[(String, Given)]) -> Request {
    let (mut query, mut body) = (String::new(), String::new());
    for (place, one) in given.iter().enumerate() {
        let half = if place % 2 == 0 { &mut query } else { &mut body };
        if !half.is_empty() {
            half.push('&');
        }
        half.push_str(&form(std::slice::from_ref(one), "[]"));
    }
    of_query(&query, &body)
}

fn of_body(content_type: &str, body: &[u8]) -> Request {
    let content_type = Some(content_type).filter(|label| !label.is_empty());
    parse(&Incoming { content_type, body, ..Incoming::default() })
}

fn of_query(query: &str, body: &str) -> Request {
    parse(&Incoming { query: Some(query), body: body.as_bytes(), ..Incoming::default() })
}
