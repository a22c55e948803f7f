//! `balance`: what is left at the provider (`api-v2.md` §8).

use super::errors::error_text;
use super::scalars::{micros, text};
use super::{Unreadable, body};
use crate::decimal;
use crate::json::{Node, Object};
use crate::limits::ANSWER_BYTES;

/// What a provider answered to `balance`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BalanceAnswer {
    Is {
        /// Micro-units; may be negative.
        micros: i128,
        /// As said, a code or a symbol; `None` when not said.
        currency: Option<String>,
    },
    Refused {
        text: String,
    },
    Unreadable {
        why: Unreadable,
    },
}

/// Reads the answer to `balance`.
#[must_use]
pub fn balance(body: &[u8]) -> BalanceAnswer {
    body::read(body, ANSWER_BYTES, |root| match &root {
        Node::Object(object) => of_object(object),
        // A bare string or number body.
        Node::Text(_) | Node::Number(_) => of_amount(&root, None).ok_or(Unreadable::Shape),
        Node::Null | Node::Bool(_) | Node::List(_) => Err(Unreadable::Shape),
    })
    .unwrap_or_else(|why| BalanceAnswer::Unreadable { why })
}

fn of_object(object: &Object<'_>) -> Result<BalanceAnswer, Unreadable> {
    let found = amount_in(object).or_else(|| match object.get("data") {
        Some(Node::Object(data)) => amount_in(&data),
        Some(Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_)) | None => None,
    });
    match (error_text(object, found.is_some()), found) {
        (Some(text), _) => Ok(BalanceAnswer::Refused { text }),
        (None, Some(answer)) => Ok(answer),
        (None, None) => Err(Unreadable::Shape),
    }
}

fn amount_in(object: &Object<'_>) -> Option<BalanceAnswer> {
    let currency = object.get("currency").and_then(|node| text(&node));
    match object.get("balance").or_else(|| object.get("Balance"))? {
        Node::Object(inner) => {
            let currency = inner.get("currency").and_then(|node| text(&node)).or(currency);
            of_amount(&inner.get("amount")?, currency)
        }
        amount @ (Node::Text(_) | Node::Number(_)) => of_amount(&amount, currency),
        Node::Null | Node::Bool(_) | Node::List(_) => None,
    }
}

fn of_amount(amount: &Node<'_>, currency: Option<String>) -> Option<BalanceAnswer> {
    let beside = || text(amount).and_then(|text| decimal::currency_beside(&text).map(str::to_owned));
    Some(BalanceAnswer::Is { micros: micros(amount)?, currency: currency.or_else(beside) })
}
