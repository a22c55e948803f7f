//! JSON at the edge: a reader that opens one level at a time, and a writer that keeps the order of fields.
//!
//! The reader rests on `serde_json`'s raw values: a nested value stays a slice of the text until somebody opens it,
//! and closed values are skipped without recursion. So a number is read from its literal text (money is never a
//! float), and nesting ten thousand deep costs no stack: nobody here opens more than four levels.
//! It never repairs JSON: a text that isn't JSON as a whole is refused.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value of which one level is open.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    Null,
    Bool(bool),
    /// The literal text.
    Number(&'a str),
    Text(Cow<'a, str>),
    List(Vec<&'a RawValue>),
    Object(Object<'a>),
}

/// The members of an object, in their order, repeated names included.
#[derive(Debug, Default)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// The whole text as one value; `None` if it isn't exactly one JSON value.
pub(crate) fn whole(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text).ok()
}

/// Opens one level. `None` only for texts that JSON allows and Rust's strings don't (a lone surrogate).
pub(crate) fn open(raw: &RawValue) -> Option<Node<'_>> {
    let text = raw.get();
    Some(match text.as_bytes().first()? {
        b'n' => Node::Null,
        b't' => Node::Bool(true),
        b'f' => Node::Bool(false),
        b'"' => Node::Text(serde_json::from_str::<Text<'_>>(text).ok()?.0),
        b'[' => Node::List(serde_json::from_str(text).ok()?),
        b'{' => Node::Object(serde_json::from_str(text).ok()?),
        _ => Node::Number(text),
    })
}

impl<'a> Object<'a> {
    /// The last member of that name, opened; `None` if there is none.
    pub(crate) fn get(&self, name: &str) -> Option<Node<'a>> {
        open(self.raw(name)?)
    }

    /// The last member of that name.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), *value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one name stands twice with different values, so that readers may disagree about it.
    pub(crate) fn contradicts_itself(&self) -> bool {
        let mut seen = HashMap::with_capacity(self.0.len());
        self.0.iter().any(|(key, value)| {
            seen.insert(key.as_ref(), value.get()).is_some_and(|first| first != value.get())
        })
    }
}

/// A string that stays borrowed when it holds no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Text(key)) = map.next_key()? {
            members.push((key, map.next_value()?));
        }
        Ok(Object(members))
    }
}

/// Writes compact JSON in the order it is told to.
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { out: Vec::with_capacity(bytes) }
    }

    pub(crate) fn open(&mut self, bracket: u8) {
        self.out.push(bracket);
    }

    pub(crate) fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
    }

    /// Begins a member; its value is written next.
    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        self.item().string(name);
        self.out.push(b':');
        self
    }

    /// Begins an element: a comma unless it is the first one.
    pub(crate) fn item(&mut self) -> &mut Self {
        if !matches!(self.out.last(), None | Some(b'[' | b'{')) {
            self.out.push(b',');
        }
        self
    }

    pub(crate) fn string(&mut self, text: &str) {
        serde_json::to_writer(&mut self.out, text)
            .expect("a string always encodes, and a Vec takes every byte");
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(crate) fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    /// Text that is JSON already.
    pub(crate) fn raw(&mut self, json: fmt::Arguments<'_>) {
        self.out.write_fmt(json).expect("a Vec takes every byte");
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_literal_text() {
        let raw = whole(r#" {"a": 0.08011655652, "b":[1e400, 23501.0]} "#).expect("is JSON");
        let Some(Node::Object(object)) = open(raw) else { panic!("is an object") };
        assert!(matches!(object.get("a"), Some(Node::Number("0.08011655652"))));
        let Some(Node::List(list)) = object.get("b") else { panic!("is a list") };
        assert_eq!(list.iter().map(|raw| raw.get()).collect::<Vec<_>>(), ["1e400", "23501.0"]);
    }

    /// Shows B4.
    #[test]
    fn ten_thousand_levels_cost_no_stack() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let Some(Node::Object(object)) = whole(&deep).and_then(open) else { panic!("is an object") };
        assert!(matches!(object.get("a"), Some(Node::List(_))));
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        for text in ["", "{", "{}{}", "[1,]", "NaN", "{\"a\":NaN}", "{'a':1}", "[1] x", "\"\\x\"", "01"] {
            assert!(whole(text).is_none(), "{text}");
        }
    }

    /// Shows B4.
    #[test]
    fn a_repeated_name_is_seen() {
        let object = |text| match whole(text).and_then(open) {
            Some(Node::Object(object)) => object,
            other => panic!("{other:?}"),
        };
        assert!(object(r#"{"order":1,"order":2}"#).contradicts_itself());
        assert!(!object(r#"{"order":1,"order":1}"#).contradicts_itself());
        assert!(matches!(object(r#"{"order":1,"order":2}"#).get("order"), Some(Node::Number("2"))));
    }
}
