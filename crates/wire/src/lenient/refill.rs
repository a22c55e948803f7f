//! `refill` and `refill_status` (`api-v2.md` §6).

use super::BatchAnswer;
use super::batch::{Rows, batch};
use super::errors::{error_text, nested_error};
use super::scalars::{flag, plain_word, provider_id, provider_text, text};
use crate::json::{Node, Object};

/// The answer to `refill`, by order id.
pub type RefillAnswer = BatchAnswer<RefillRowAnswer>;

/// What was said about the refill of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefillRowAnswer {
    /// Taken; the refill's id if one was given.
    Taken { id: Option<String> },
    /// The provider's text; empty when it only said no.
    Refused { text: String },
}

/// The answer to `refill_status`, by refill id.
pub type RefillStatusAnswer = BatchAnswer<RefillStatusRowAnswer>;

/// What was said about one refill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefillStatusRowAnswer {
    Seen(SeenRefill),
    Error(String),
}

/// The state of a refill, normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenRefill {
    Pending,
    InProgress,
    Completed,
    /// Cancelled as well.
    Rejected,
    Error,
    /// As said: changes nothing.
    Unknown(String),
}

/// Reads the answer to `refill`. `asked` are the order ids of the question, in its order.
#[must_use]
pub fn refill(body: &[u8], asked: &[String]) -> RefillAnswer {
    const ROWS: Rows<RefillRowAnswer> = Rows {
        id: "order",
        values: &["refill"],
        state_beside: &[],
        read: refill_row,
        error: |text| RefillRowAnswer::Refused { text },
    };
    batch(body, asked, &ROWS)
}

/// Reads the answer to `refill_status`. `asked` are the refill ids of the question, in its order.
#[must_use]
pub fn refill_status(body: &[u8], asked: &[String]) -> RefillStatusAnswer {
    const ROWS: Rows<RefillStatusRowAnswer> = Rows {
        id: "refill",
        values: &["status", "type"],
        state_beside: &[],
        read: status_row,
        error: RefillStatusRowAnswer::Error,
    };
    batch(body, asked, &ROWS)
}

fn refill_row(node: &Node<'_>) -> Option<RefillRowAnswer> {
    match node {
        Node::Object(object) if object.contradicts_itself() => None,
        Node::Object(object) => refill_of(object),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => refill_value(node),
    }
}

fn refill_of(object: &Object<'_>) -> Option<RefillRowAnswer> {
    if let Some(text) = error_text(object, object.has("refill")) {
        return Some(RefillRowAnswer::Refused { text });
    }
    let value = object.get("refill")?;
    match nested_error(&value) {
        Some(text) => Some(RefillRowAnswer::Refused { text }),
        None => refill_value(&value),
    }
}

/// An id, a yes or a no; any other text is the reason of a refusal.
fn refill_value(value: &Node<'_>) -> Option<RefillRowAnswer> {
    if let Some(id) = provider_id(value) {
        return Some(RefillRowAnswer::Taken { id: Some(id) });
    }
    match flag(value) {
        Some(true) => Some(RefillRowAnswer::Taken { id: None }),
        Some(false) => Some(RefillRowAnswer::Refused { text: String::new() }),
        None => text(value).map(|text| RefillRowAnswer::Refused { text }),
    }
}

fn status_row(node: &Node<'_>) -> Option<RefillStatusRowAnswer> {
    match node {
        Node::Object(object) if object.contradicts_itself() => None,
        Node::Object(object) => status_of(object),
        Node::Text(word) => Some(match SeenRefill::read(word) {
            // In a map a bare text is a word, or else an error (as in the map of `status`).
            SeenRefill::Unknown(text) => RefillStatusRowAnswer::Error(text),
            known => RefillStatusRowAnswer::Seen(known),
        }),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) => None,
    }
}

fn status_of(object: &Object<'_>) -> Option<RefillStatusRowAnswer> {
    let status = object.get("status");
    let nested = status.as_ref().and_then(nested_error);
    let nested = nested.or_else(|| nested_error(&object.get("refill")?));
    if let Some(text) = nested.or_else(|| error_text(object, status.is_some())) {
        return Some(RefillStatusRowAnswer::Error(text));
    }
    // The second seed prints `type` where `status` belongs (api-v2.md §6): only a known word is taken from there.
    match status.and_then(|node| text(&node)) {
        Some(word) => Some(RefillStatusRowAnswer::Seen(SeenRefill::read(&word))),
        None => match SeenRefill::read(&text(&object.get("type")?)?) {
            SeenRefill::Unknown(_) => None,
            known => Some(RefillStatusRowAnswer::Seen(known)),
        },
    }
}

impl SeenRefill {
    /// Reads a refill word (`api-v2.md` §6).
    #[must_use]
    pub fn read(word: &str) -> Self {
        match plain_word(word).as_str() {
            "pending" | "awaiting" => Self::Pending,
            "inprogress" | "processing" => Self::InProgress,
            "completed" | "success" => Self::Completed,
            "rejected" | "canceled" | "cancelled" => Self::Rejected,
            "error" => Self::Error,
            _ => Self::Unknown(provider_text(word)),
        }
    }
}
