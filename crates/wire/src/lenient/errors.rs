//! Where panels put their error texts (`api-v2.md` §1, Error body seen).

use super::scalars::{falsy, provider_text};
use crate::json::{Node, Object};

/// The error an object speaks of, if it does. Looked for in `error`, `msg`, `message`, `errors`, in this order.
///
/// `error` always counts. The others are also used for friendly words, so beside a value (`has_value`) or a success
/// they count only when `status` or `success` says that the call failed.
pub(super) fn error_text(object: &Object<'_>, has_value: bool) -> Option<String> {
    let said = object.get("error").and_then(|node| text_within(&node));
    if said.is_some() {
        return said;
    }
    let raised = object.get("error").is_some_and(|node| matches!(node, Node::Bool(true)));
    match verdict(object) {
        Some(Verdict::Success) => None,
        None if has_value && !raised => None,
        Some(Verdict::Failure) | None => {
            ["msg", "message", "errors"].iter().find_map(|name| text_within(&object.get(name)?))
        }
    }
}

/// One level down, where a row holds `{"error": …}` in place of a value.
pub(super) fn nested_error(node: &Node<'_>) -> Option<String> {
    match node {
        Node::Object(object) => error_text(object, false),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => None,
    }
}

/// Whether `status` or `success` says that the call failed.
pub(super) fn says_failed(object: &Object<'_>) -> bool {
    verdict(object) == Some(Verdict::Failure)
}

#[derive(PartialEq, Eq)]
enum Verdict {
    Success,
    Failure,
}

fn verdict(object: &Object<'_>) -> Option<Verdict> {
    let success =
        object.get("success").map(|node| if falsy(&node) { Verdict::Failure } else { Verdict::Success });
    let status = match object.get("status") {
        Some(Node::Text(word)) => match word.trim().to_lowercase().as_str() {
            "error" | "fail" | "failed" => Some(Verdict::Failure),
            "success" | "ok" => Some(Verdict::Success),
            _ => None,
        },
        Some(Node::Bool(value)) => Some(if value { Verdict::Success } else { Verdict::Failure }),
        Some(Node::Null | Node::Number(_) | Node::List(_) | Node::Object(_)) | None => None,
    };
    if success == Some(Verdict::Failure) { success } else { status.or(success) }
}

/// The text in a node: itself, or the first one inside, at most two levels down (`{"quantity":["The quantity …"]}`).
fn text_within(node: &Node<'_>) -> Option<String> {
    first_text(node, 2)
}

fn first_text(node: &Node<'_>, levels: u8) -> Option<String> {
    let down = |raw| crate::json::open(raw).and_then(|inner| first_text(&inner, levels - 1));
    match node {
        Node::Text(text) => Some(provider_text(text)).filter(|text| !text.is_empty()),
        // A code such as 403; zero means none.
        Node::Number(literal) if *literal != "0" => Some(provider_text(literal)),
        Node::List(items) if levels > 0 => items.iter().take(8).find_map(|raw| down(raw)),
        Node::Object(object) if levels > 0 => {
            let preferred = ["error", "msg", "message"].iter().find_map(|name| down(object.raw(name)?));
            preferred.or_else(|| object.members().take(8).find_map(|(_, raw)| down(raw)))
        }
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => None,
    }
}
