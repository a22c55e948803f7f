//! Requests and values written shortly, for the tables of this test.

use panelworks_wire::request::{Add, AskedId, Field, Incoming, parse};
use panelworks_wire::{Call, Request};

pub(crate) fn form(body: &str) -> Request {
    parse(&Incoming { body: body.as_bytes(), ..Incoming::default() })
}

pub(crate) fn json(body: &str) -> Request {
    parse(&Incoming { body: body.as_bytes(), content_type: Some("application/json"), ..Incoming::default() })
}

pub(crate) fn query(query: &str) -> Request {
    parse(&Incoming { query: Some(query), ..Incoming::default() })
}

pub(crate) fn multipart(boundary: &str, parts: &[(&str, &str)]) -> String {
    let part = |(name, value): &(&str, &str)| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    parts.iter().map(part).collect::<String>() + &format!("--{boundary}--\r\n")
}

#[track_caller]
pub(crate) fn add_of(request: Request) -> Add {
    match request.call {
        Call::Add(add) => *add,
        other => panic!("{other:?} is no add"),
    }
}

pub(crate) fn is(text: &str) -> Field<String> {
    Field::Is(text.to_owned())
}

pub(crate) fn lines(texts: &[&str]) -> Field<Vec<String>> {
    Field::Is(texts.iter().map(|&text| text.to_owned()).collect())
}

pub(crate) fn ids(texts: &[&str]) -> Vec<AskedId> {
    texts.iter().map(|text| AskedId::new(text)).collect()
}

/// Provider ids.
pub(crate) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}
