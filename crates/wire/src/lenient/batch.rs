//! Calls about several ids: the five shapes in which panels answer them (`api-v2.md` §5 multi rules, §6, §7).
//!
//! A map keyed by id, an array of rows with ids, an array without ids, the single object for a single id, and an
//! error for the whole call. Rows are matched by id; position counts only in an array that carries no ids at all and
//! is exactly as long as the question (invariants.md B19).

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::errors::{error_text, nested_error};
use super::scalars::{falsy, provider_id};
use super::{BatchAnswer, Unreadable, body};
use crate::error::{ErrorClass, classify};
use crate::json::{self, Node, Object};
use crate::limits::ANSWER_BYTES;

/// How the rows of one action look.
pub(super) struct Rows<T> {
    /// The name under which a row of an array carries its id.
    pub id: &'static str,
    /// Names of which the single form has at least one.
    pub values: &'static [&'static str],
    /// Names of which a row that says `status: fail` has at least one when the word is the order's state.
    pub state_beside: &'static [&'static str],
    /// A row's value; `None` when nothing can be read from it.
    pub read: fn(&Node<'_>) -> Option<T>,
    /// An error that belongs to one id.
    pub error: fn(String) -> T,
}

pub(super) fn batch<T>(bytes: &[u8], asked: &[String], rows: &Rows<T>) -> BatchAnswer<T> {
    body::read(bytes, ANSWER_BYTES, |root| match &root {
        Node::Object(object) => of_object(object, &root, asked, rows),
        Node::List(items) => Ok(of_list(items, asked, rows)),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => Err(Unreadable::Shape),
    })
    .unwrap_or_else(|why| BatchAnswer::Unreadable { why })
}

fn of_object<T>(
    object: &Object<'_>,
    root: &Node<'_>,
    asked: &[String],
    rows: &Rows<T>,
) -> Result<BatchAnswer<T>, Unreadable> {
    let by_id: HashMap<&str, _> = object.members().map(|(name, raw)| (name.trim(), raw)).collect();
    if asked.iter().any(|id| by_id.contains_key(id.trim())) {
        return Ok(collect(asked, |id| (rows.read)(&json::open(by_id.get(id)?)?)));
    }
    if let ([only], Some(error)) = (asked, error_within(object)) {
        return Ok(BatchAnswer::Rows(vec![(only.clone(), (rows.error)(error))]));
    }
    if let Some(error) = whole_error(object, rows) {
        return Ok(match asked {
            [only] if classify(&error) == ErrorClass::Gone => {
                BatchAnswer::Rows(vec![(only.clone(), (rows.error)(error))])
            }
            _ => BatchAnswer::Whole { error },
        });
    }
    match asked {
        [only] if has_value(object, rows) && !is_about_another(object, only, rows) => {
            let row = (rows.read)(root).ok_or(Unreadable::Shape)?;
            Ok(BatchAnswer::Rows(vec![(only.clone(), row)]))
        }
        // Nothing at all, or only ids nobody asked for.
        _ if by_id.keys().all(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())) => {
            Ok(BatchAnswer::Rows(Vec::new()))
        }
        _ => Err(Unreadable::Shape),
    }
}

/// The error of a single answer, one level down where its value belongs (`api-v2.md` §1, Error body seen).
fn error_within(object: &Object<'_>) -> Option<String> {
    ["order", "refill", "cancel", "status"].iter().find_map(|name| nested_error(&object.get(name)?))
}

/// The error of the whole call. Where `status: fail` is an order's state, the words beside it are no error.
fn whole_error<T>(object: &Object<'_>, rows: &Rows<T>) -> Option<String> {
    let state = rows.state_beside.iter().any(|name| object.has(name));
    if state && object.get("error").is_none_or(|node| falsy(&node)) {
        return None;
    }
    error_text(object, has_value(object, rows))
}

fn has_value<T>(object: &Object<'_>, rows: &Rows<T>) -> bool {
    rows.values.iter().any(|name| object.has(name))
}

fn is_about_another<T>(object: &Object<'_>, asked: &str, rows: &Rows<T>) -> bool {
    row_id(object, rows).is_some_and(|id| id != asked.trim())
}

fn row_id<T>(object: &Object<'_>, rows: &Rows<T>) -> Option<String> {
    object.get(rows.id).and_then(|node| provider_id(&node))
}

fn of_list<T>(items: &[&RawValue], asked: &[String], rows: &Rows<T>) -> BatchAnswer<T> {
    let mut by_id: HashMap<String, Option<&str>> = HashMap::new();
    for raw in items {
        let Some(Node::Object(object)) = json::open(raw) else { continue };
        let Some(id) = row_id(&object, rows) else { continue };
        // Two different rows about one id: neither is believed.
        by_id
            .entry(id)
            .and_modify(|first| *first = first.filter(|text| *text == raw.get()))
            .or_insert(Some(raw.get()));
    }
    if by_id.is_empty() {
        return by_position(items, asked, rows);
    }
    collect(asked, |id| (rows.read)(&json::open(json::whole((*by_id.get(id)?)?)?)?))
}

fn by_position<T>(items: &[&RawValue], asked: &[String], rows: &Rows<T>) -> BatchAnswer<T> {
    if items.is_empty() {
        return BatchAnswer::Rows(Vec::new());
    }
    if items.len() != asked.len() {
        return BatchAnswer::Unreadable { why: Unreadable::Shape };
    }
    let mut items = items.iter();
    collect(asked, |_| match json::open(items.next()?)? {
        row @ (Node::Object(_) | Node::Text(_)) => (rows.read)(&row),
        // A bare list of numbers may be ids of anything.
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) => None,
    })
}

/// The rows of the asked ids, in the order asked.
fn collect<T>(asked: &[String], mut row: impl FnMut(&str) -> Option<T>) -> BatchAnswer<T> {
    BatchAnswer::Rows(asked.iter().filter_map(|id| Some((id.clone(), row(id.trim())?))).collect())
}
