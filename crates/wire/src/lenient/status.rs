//! `status`: what a provider says about orders (`api-v2.md` §5).
//!
//! Numbers are passed on as said: missing, unreadable, or an integer of any size and sign. What follows from them is
//! core's to decide; nothing is clamped here, because money follows from `remains`.

use super::batch::{Rows, batch};
use super::errors::{error_text, nested_error};
use super::scalars::{count, falsy, ids, integer, micros, plain_word, text};
use super::{BatchAnswer, scalars};
use crate::json::{Node, Object};

/// The answer to `status`, of one order or many.
pub type StatusAnswer = BatchAnswer<RowAnswer>;

/// What was said about one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowAnswer {
    Seen(SeenStatus),
    /// The provider's text about this id.
    Error(String),
}

/// An order as the provider shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenStatus {
    pub status: SeenWord,
    pub charge: SeenMoney,
    pub start_count: Option<i64>,
    pub remains: SeenRemains,
    /// As said, a code or a symbol.
    pub currency: Option<String>,
    /// Runs made so far (drip-feed).
    pub runs: Option<u64>,
    /// Posts handled so far (subscription).
    pub posts: Option<u64>,
    /// Orders that a drip-feed or subscription has made.
    pub orders: Vec<String>,
}

/// A status word, normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenWord {
    Pending,
    Processing,
    InProgress,
    Completed,
    Partial,
    /// Refunded as well: in both cases all money comes back.
    Canceled,
    Active,
    Paused,
    Expired,
    /// A word for failure, as said: for a person to read, never a refund by itself.
    Failed(String),
    /// A word no row knows, as said: changes nothing.
    Unknown(String),
    Missing,
}

/// `charge` as said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenMoney {
    Missing,
    Invalid(String),
    /// Micro-units, rounded up beyond the sixth decimal.
    Micros(i128),
}

/// `remains` as said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenRemains {
    Missing,
    Invalid(String),
    /// Unbounded, may be negative.
    Is(i128),
}

/// Reads the answer to `status`. `asked` are the ids of the question, in its order.
#[must_use]
pub fn status(body: &[u8], asked: &[String]) -> StatusAnswer {
    const ROWS: Rows<RowAnswer> = Rows {
        id: "order",
        values: &["status", "charge", "remains", "start_count", "start_counter"],
        state_beside: &["charge", "remains"],
        read: row,
        error: RowAnswer::Error,
    };
    batch(body, asked, &ROWS)
}

impl SeenWord {
    /// Reads a word or numeric code (`api-v2.md` §5, Status words).
    #[must_use]
    pub fn read(word: &str) -> Self {
        match plain_word(word).as_str() {
            "" => Self::Missing,
            "pending" | "awaiting" | "queued" | "new" | "0" => Self::Pending,
            "processing" | "process" | "sending" | "1" => Self::Processing,
            // `In progess` is one panel's spelling; a plain order on hold is still under way.
            "inprogress" | "inprogess" | "running" | "holding" => Self::InProgress,
            // An order in refill was delivered before.
            "completed" | "complete" | "done" | "refill" | "refilling" | "2" => Self::Completed,
            "partial" | "partiallycompleted" | "3" => Self::Partial,
            "canceled" | "cancelled" | "cancel" | "4" | "refunded" | "refund" | "refunds" | "5" => {
                Self::Canceled
            }
            "active" => Self::Active,
            "paused" => Self::Paused,
            "expired" => Self::Expired,
            "fail" | "failed" | "error" | "rejected" => Self::Failed(scalars::provider_text(word)),
            _ => Self::Unknown(scalars::provider_text(word)),
        }
    }
}

fn row(node: &Node<'_>) -> Option<RowAnswer> {
    match node {
        // An unknown id as a bare string.
        Node::Text(_) => text(node).map(RowAnswer::Error),
        Node::Object(object) if object.contradicts_itself() => None,
        Node::Object(object) => {
            Some(error_of_row(object).map_or_else(|| RowAnswer::Seen(seen(object)), RowAnswer::Error))
        }
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) => None,
    }
}

/// `error`, or one level down in `status`, or `status: fail` with words and without the numbers of an order.
fn error_of_row(object: &Object<'_>) -> Option<String> {
    let has_numbers = object.has("charge") || object.has("remains");
    let nested = object.get("status").and_then(|node| nested_error(&node));
    let flat = if has_numbers {
        object.get("error").filter(|node| !falsy(node)).and_then(|node| text(&node))
    } else {
        error_text(object, object.has("status"))
    };
    nested.or(flat)
}

fn seen(object: &Object<'_>) -> SeenStatus {
    let start_count = ["start_count", "start_counter"].iter().find_map(|name| text(&object.get(name)?));
    SeenStatus {
        status: word(object.get("status")),
        charge: money(object.get("charge")),
        start_count: start_count.and_then(|text| i64::try_from(integer(&text)?).ok()),
        remains: remains(object.get("remains")),
        currency: object.get("currency").and_then(|node| text(&node)),
        runs: object.get("runs").and_then(|node| count(&node)),
        posts: object.get("posts").and_then(|node| count(&node)),
        orders: object.get("orders").map(|node| ids(&node)).unwrap_or_default(),
    }
}

fn word(node: Option<Node<'_>>) -> SeenWord {
    match node {
        Some(Node::Text(word)) => SeenWord::read(&word),
        Some(Node::Number(code)) => SeenWord::read(code),
        Some(Node::Bool(_) | Node::List(_) | Node::Object(_)) => SeenWord::Unknown(String::new()),
        Some(Node::Null) | None => SeenWord::Missing,
    }
}

fn money(node: Option<Node<'_>>) -> SeenMoney {
    match said(node) {
        Said::Nothing => SeenMoney::Missing,
        Said::Odd => SeenMoney::Invalid(String::new()),
        Said::Text(text, node) => micros(&node).map_or(SeenMoney::Invalid(text), SeenMoney::Micros),
    }
}

fn remains(node: Option<Node<'_>>) -> SeenRemains {
    match said(node) {
        Said::Nothing => SeenRemains::Missing,
        Said::Odd => SeenRemains::Invalid(String::new()),
        Said::Text(text, _) => integer(&text).map_or(SeenRemains::Invalid(text), SeenRemains::Is),
    }
}

enum Said<'a> {
    /// Null, the empty string, or no such member.
    Nothing,
    Text(String, Node<'a>),
    /// A value that is neither text nor number.
    Odd,
}

fn said(node: Option<Node<'_>>) -> Said<'_> {
    match node {
        None | Some(Node::Null) => Said::Nothing,
        Some(node @ (Node::Text(_) | Node::Number(_))) => match text(&node) {
            Some(text) => Said::Text(text, node),
            None => Said::Nothing,
        },
        Some(Node::Bool(_) | Node::List(_) | Node::Object(_)) => Said::Odd,
    }
}
