//! `services`: a provider's catalogue (`api-v2.md` §3).
//!
//! A row that can't be read is reported with its place and reason, never lost: a catalogue that silently shrinks
//! would look like services that vanished.

use super::errors::{error_text, says_failed};
use super::scalars::{flag, limit, micros, provider_id, provider_text, text};
use super::{Unreadable, body};
use crate::json::{self, Node, Object};
use crate::limits::SERVICES_BYTES;
use crate::service_type::ServiceType;

use serde_json::value::RawValue;

/// What a provider answered to `services`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServicesAnswer {
    List {
        rows: Vec<SeenService>,
        /// Rows that are no services.
        unreadable: Vec<UnreadableService>,
    },
    Refused {
        text: String,
    },
    Unreadable {
        why: Unreadable,
    },
}

/// One service as the provider shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenService {
    /// The provider's id.
    pub service: String,
    pub name: String,
    /// The word as said when no type has it; empty when none was said.
    pub service_type: Result<ServiceType, String>,
    pub category: Option<String>,
    /// Per 1000, or per order for packages, in the currency of our account there; micro-units, rounded up.
    pub rate_micros: Option<i128>,
    pub min: Option<u64>,
    pub max: Option<u64>,
    pub refill: bool,
    pub cancel: bool,
    /// `None` when not said.
    pub dripfeed: Option<bool>,
    pub description: Option<String>,
    /// As said, of any unit.
    pub average_time: Option<String>,
}

/// A row that couldn't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableService {
    /// Its place in the answer, from 0.
    pub index: usize,
    /// What was wrong with it.
    pub why: &'static str,
    /// Its beginning, for a person to look at.
    pub text: String,
}

/// Reads the answer to `services`.
#[must_use]
pub fn services(body: &[u8]) -> ServicesAnswer {
    body::read(body, SERVICES_BYTES, |root| of_root(&root))
        .unwrap_or_else(|why| ServicesAnswer::Unreadable { why })
}

fn of_root(root: &Node<'_>) -> Result<ServicesAnswer, Unreadable> {
    match root {
        Node::List(items) => Ok(of_list(items)),
        Node::Object(object) => of_object(object),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => Err(Unreadable::Shape),
    }
}

/// An error, a wrapper (`data`, `services`), or rows keyed by id.
fn of_object(object: &Object<'_>) -> Result<ServicesAnswer, Unreadable> {
    let wrapped = object.get("data").or_else(|| object.get("services"));
    if let Some(text) = error_text(object, wrapped.is_some()) {
        return Ok(ServicesAnswer::Refused { text });
    }
    match wrapped {
        Some(Node::List(items)) => Ok(of_list(&items)),
        Some(Node::Object(rows)) => of_map(&rows),
        // `{"status":"success","data":"Empty Data"}`.
        Some(Node::Text(_) | Node::Null) if object.has("status") && !says_failed(object) => Ok(of_list(&[])),
        Some(Node::Text(_) | Node::Null | Node::Bool(_) | Node::Number(_)) => Err(Unreadable::Shape),
        None => of_map(object),
    }
}

fn of_list(items: &[&RawValue]) -> ServicesAnswer {
    of_rows(items.iter().map(|raw| (None, *raw)))
}

/// Rows keyed by their ids. An empty map says nothing: no panel answers an empty catalogue so.
fn of_map(rows: &Object<'_>) -> Result<ServicesAnswer, Unreadable> {
    let all_objects = rows.members().all(|(_, raw)| raw.get().starts_with('{'));
    if rows.is_empty() || !all_objects {
        return Err(Unreadable::Shape);
    }
    Ok(of_rows(rows.members().map(|(key, raw)| (Some(key), raw))))
}

fn of_rows<'a>(items: impl Iterator<Item = (Option<&'a str>, &'a RawValue)>) -> ServicesAnswer {
    let (mut rows, mut unreadable) = (Vec::new(), Vec::new());
    for (index, (key, raw)) in items.enumerate() {
        match row(key, raw) {
            Ok(row) => rows.push(row),
            Err(why) => unreadable.push(UnreadableService { index, why, text: provider_text(raw.get()) }),
        }
    }
    ServicesAnswer::List { rows, unreadable }
}

fn row(key: Option<&str>, raw: &RawValue) -> Result<SeenService, &'static str> {
    let Some(Node::Object(object)) = json::open(raw) else { return Err("not an object") };
    if object.contradicts_itself() {
        return Err("one name with two values");
    }
    let id = object.get("service").or_else(|| object.get("id")).or_else(|| Some(Node::Text(key?.into())));
    let service = id.and_then(|id| provider_id(&id)).ok_or("no id")?;
    let name = object.get("name").and_then(|node| text(&node)).ok_or("no name")?;
    let said = |name: &str| object.get(name).and_then(|node| text(&node));
    let truth = |name: &str| object.get(name).and_then(|node| flag(&node));
    let word = said("type").unwrap_or_default();
    Ok(SeenService {
        service,
        name,
        service_type: ServiceType::normalise(&word).ok_or(word),
        category: said("category"),
        rate_micros: rate(&object),
        min: object.get("min").and_then(|node| limit(&node)),
        max: object.get("max").and_then(|node| limit(&node)),
        refill: truth("refill").unwrap_or(false),
        cancel: truth("cancel").unwrap_or(false),
        dripfeed: truth("dripfeed"),
        description: description(&object),
        average_time: ["average_time", "avg_time", "time"].iter().find_map(|name| said(name)),
    })
}

/// `price` stands in for a missing `rate`. Below zero is no rate.
fn rate(object: &Object<'_>) -> Option<i128> {
    let rate = object.get("rate").or_else(|| object.get("price"))?;
    micros(&rate).filter(|&micros| micros >= 0)
}

/// `description` over `desc`. Kept whole, unlike error texts, because customers read it; line breaks stay.
fn description(object: &Object<'_>) -> Option<String> {
    ["description", "desc"].iter().find_map(|name| match object.get(name)? {
        Node::Text(text) => {
            let clean: String =
                text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')).collect();
            Some(clean.trim().to_owned()).filter(|text| !text.is_empty())
        }
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => None,
    })
}
