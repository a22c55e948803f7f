//! `add`: did the provider take the order? (`api-v2.md` §1, §4; `domain.md`, Attempts 3)
//!
//! Only two things are certain: an id and no error is accepted; an error text and no id anywhere is refused. All
//! else may have cost money, and is never to be sent again.

use super::errors::{error_text, nested_error, says_failed};
use super::scalars::{falsy, provider_id};
use super::{Unreadable, body};
use crate::json::{Node, Object};
use crate::limits::ANSWER_BYTES;

/// What a provider answered to `add`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddAnswer {
    /// The provider's id of the order.
    Accepted { order: String },
    /// An error text and no id. The HTTP status still decides whether it is believed.
    Refused { text: String },
    /// Both: the outcome is unknown, and somebody should look.
    Both { order: String, text: String },
    /// The outcome is unknown.
    Unreadable { why: Unreadable },
}

/// Names under which ids are found, in this order; those of `data` come after.
const ID_NAMES: [&str; 4] = ["order", "order_id", "Order", "id"];
const DATA_ID_NAMES: [&str; 3] = ["order_id", "order", "id"];

/// Reads the answer to `add`.
#[must_use]
pub fn add(body: &[u8]) -> AddAnswer {
    body::read(body, ANSWER_BYTES, |root| match root {
        Node::Object(object) => answer(&object),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
            Err(Unreadable::Shape)
        }
    })
    .unwrap_or_else(|why| AddAnswer::Unreadable { why })
}

fn answer(object: &Object<'_>) -> Result<AddAnswer, Unreadable> {
    let data = match object.get("data") {
        Some(Node::Object(data)) if data.contradicts_itself() => return Err(Unreadable::Contradictory),
        Some(Node::Object(data)) => data,
        Some(Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_)) | None => {
            Object::default()
        }
    };
    let mut places = ID_NAMES.iter().filter_map(|name| object.get(name)).collect::<Vec<_>>();
    places.extend(DATA_ID_NAMES.iter().filter_map(|name| data.get(name)));

    let order = places.iter().find_map(provider_id);
    let nested = places.iter().find_map(nested_error);
    // Something stands where ids stand, and it is neither an id nor nothing nor an error: it may have been an order.
    let odd = places
        .iter()
        .any(|place| provider_id(place).is_none() && nested_error(place).is_none() && !falsy(place));
    let text = error_text(object, order.is_some()).or(nested).or_else(|| error_text(&data, order.is_some()));

    match (order, text) {
        (Some(order), Some(text)) => Ok(AddAnswer::Both { order, text }),
        // `status: error` without any words beside an id: the two contradict each other as well.
        (Some(order), None) if says_failed(object) => Ok(AddAnswer::Both { order, text: "error".to_owned() }),
        (Some(order), None) => Ok(AddAnswer::Accepted { order }),
        (None, Some(text)) if !odd => Ok(AddAnswer::Refused { text }),
        (None, Some(_) | None) => Err(Unreadable::Shape),
    }
}
