//! `cancel` and the state of cancel requests (`api-v2.md` §7).
//!
//! Taken means that the request was taken: no money follows from it, only from the order's own status.

use super::BatchAnswer;
use super::batch::{Rows, batch};
use super::errors::{error_text, nested_error};
use super::scalars::{falsy, flag, plain_word, provider_id, provider_text, text};
use crate::error::ErrorText;
use crate::json::{Node, Object};

/// The answer to `cancel`, by order id.
pub type CancelAnswer = BatchAnswer<CancelRowAnswer>;

/// What was said about the cancel of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelRowAnswer {
    /// Taken; the request's id where the answer gave one that can't be mistaken for a mere yes.
    Taken { id: Option<String> },
    /// An earlier request of ours stands.
    SentEarlier,
    /// The provider's text; empty when it only said no.
    Refused { text: String },
}

/// The answer about cancel requests, by their ids.
pub type CancelStatusAnswer = BatchAnswer<CancelStatusRowAnswer>;

/// What was said about one cancel request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelStatusRowAnswer {
    Seen(SeenCancel),
    Error(String),
}

/// The state of a cancel request, normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenCancel {
    Pending,
    Completed,
    Rejected,
    /// As said: changes nothing.
    Unknown(String),
}

/// Reads the answer to `cancel`. `asked` are the order ids of the question, in its order.
#[must_use]
pub fn cancel(body: &[u8], asked: &[String]) -> CancelAnswer {
    const ROWS: Rows<CancelRowAnswer> = Rows {
        id: "order",
        values: &["cancel", "success", "ok"],
        state_beside: &[],
        read: cancel_row,
        error: refused,
    };
    batch(body, asked, &ROWS)
}

/// Reads the answer about cancel requests. `asked` are the request ids of the question, in its order.
#[must_use]
pub fn cancel_status(body: &[u8], asked: &[String]) -> CancelStatusAnswer {
    const ROWS: Rows<CancelStatusRowAnswer> = Rows {
        id: "cancel",
        values: &["status"],
        state_beside: &[],
        read: status_row,
        error: CancelStatusRowAnswer::Error,
    };
    batch(body, asked, &ROWS)
}

fn refused(text: String) -> CancelRowAnswer {
    let earlier = ErrorText::CancelSentEarlier.to_string().to_lowercase();
    if text.to_lowercase().contains(&earlier) {
        CancelRowAnswer::SentEarlier
    } else {
        CancelRowAnswer::Refused { text }
    }
}

fn cancel_row(node: &Node<'_>) -> Option<CancelRowAnswer> {
    match node {
        Node::Object(object) if object.contradicts_itself() => None,
        Node::Object(object) => Some(cancel_of(object)),
        Node::Bool(_) | Node::Number(_) | Node::Text(_) => Some(cancel_value(node, false)),
        Node::Null | Node::List(_) => None,
    }
}

fn cancel_of(object: &Object<'_>) -> CancelRowAnswer {
    if let Some(text) = error_text(object, object.has("cancel")) {
        return refused(text);
    }
    match object.get("cancel") {
        Some(value) => match nested_error(&value) {
            Some(text) => refused(text),
            None => cancel_value(&value, object.has("type")),
        },
        // A row that carries no error is a yes on panels that answer without a value.
        None => match object.get("success").or_else(|| object.get("ok")) {
            Some(value) if falsy(&value) => refused(String::new()),
            Some(_) | None => CancelRowAnswer::Taken { id: None },
        },
    }
}

/// Zero, false and nothing are a no. `1` alone is the first seed's yes; with `type` beside it, an id (api-v2.md §10, 10).
fn cancel_value(value: &Node<'_>, has_type: bool) -> CancelRowAnswer {
    if falsy(value) {
        return refused(String::new());
    }
    let id = provider_id(value).filter(|id| has_type || id != "1");
    match value {
        Node::Text(said) if id.is_none() && flag(value).is_none() => refused(provider_text(said)),
        Node::Bool(_) | Node::Number(_) | Node::Text(_) => CancelRowAnswer::Taken { id },
        Node::Null | Node::List(_) | Node::Object(_) => refused(String::new()),
    }
}

fn status_row(node: &Node<'_>) -> Option<CancelStatusRowAnswer> {
    match node {
        Node::Object(object) if object.contradicts_itself() => None,
        Node::Object(object) => {
            let status = object.get("status");
            let nested = status.as_ref().and_then(nested_error);
            let error = nested.or_else(|| error_text(object, status.is_some()));
            error
                .map(CancelStatusRowAnswer::Error)
                .or_else(|| Some(CancelStatusRowAnswer::Seen(word(&status?)?)))
        }
        Node::Text(said) => Some(match SeenCancel::read(said) {
            SeenCancel::Unknown(text) => CancelStatusRowAnswer::Error(text),
            known => CancelStatusRowAnswer::Seen(known),
        }),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) => None,
    }
}

fn word(status: &Node<'_>) -> Option<SeenCancel> {
    text(status).map(|word| SeenCancel::read(&word))
}

impl SeenCancel {
    /// Reads a cancel word (`api-v2.md` §7).
    #[must_use]
    pub fn read(word: &str) -> Self {
        match plain_word(word).as_str() {
            "pending" | "awaiting" | "processing" | "inprogress" => Self::Pending,
            "completed" | "success" | "canceled" | "cancelled" => Self::Completed,
            "rejected" => Self::Rejected,
            _ => Self::Unknown(provider_text(word)),
        }
    }
}
