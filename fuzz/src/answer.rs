//! Any answer of a provider to any call but `services` (`api-v2.md`, the CLIENT columns; `invariants.md` B4-B6, B19, B21).
//!
//! An input's first line is the call as our client means it, `status 7,8`; the rest is the provider's answer.

use std::collections::BTreeSet;
use std::fmt::Debug;

use panelworks_wire::ServiceType;
use panelworks_wire::error::classify;
use panelworks_wire::lenient::{
    self, AddAnswer, BalanceAnswer, BatchAnswer, CancelRowAnswer, CancelStatusRowAnswer, RefillRowAnswer,
    RefillStatusRowAnswer, RowAnswer, SeenCancel, SeenMoney, SeenRefill, SeenRemains, SeenWord,
};
use panelworks_wire::limits::{BATCH_IDS, PROVIDER_ID_CHARS, PROVIDER_TEXT_CHARS};

use crate::memory::bounded;
use crate::round_trip;

/// Bytes held for a byte of an answer. The dearest is an object of many short members.
pub(crate) const PER_BYTE: u64 = 128;

pub(crate) fn holds(input: &[u8]) {
    let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    let body = input.get(end + 1..).unwrap_or_default();
    let line = String::from_utf8_lossy(&input[..end]);
    let (action, ids) = line.split_once(' ').unwrap_or((&line, ""));
    let mut once = BTreeSet::new();
    let ids = ids.split(',').filter(|id| !id.is_empty() && once.insert(*id)).take(BATCH_IDS);
    let asked: Vec<String> = ids.map(str::to_owned).collect();
    match action {
        "add" => add(body),
        "balance" => balance(body),
        "status" => rows(body, &asked, lenient::status, status_row),
        "refill" => rows(body, &asked, lenient::refill, refill_row),
        "refill_status" => rows(body, &asked, lenient::refill_status, refill_status_row),
        "cancel" => rows(body, &asked, lenient::cancel, cancel_row),
        "cancel_status" => rows(body, &asked, lenient::cancel_status, cancel_status_row),
        _ => word(&String::from_utf8_lossy(input)),
    }
}

fn add(body: &[u8]) {
    match bounded(body.len(), PER_BYTE, || lenient::add(body)) {
        AddAnswer::Accepted { order } => {
            is_id(&order);
            is_said(&order, body);
            round_trip::order(&order);
        }
        AddAnswer::Both { order, text } => {
            is_id(&order);
            is_said(&order, body);
            is_text(&text);
        }
        AddAnswer::Refused { text } => {
            is_text(&text);
            assert!(!text.is_empty(), "a refusal has words");
        }
        AddAnswer::Unreadable { .. } => {}
    }
}

fn balance(body: &[u8]) {
    match bounded(body.len(), PER_BYTE, || lenient::balance(body)) {
        BalanceAnswer::Is { micros, currency } => {
            if let Some(currency) = &currency {
                is_text(currency);
            }
            round_trip::balance(micros, currency);
        }
        BalanceAnswer::Refused { text } => is_text(&text),
        BalanceAnswer::Unreadable { .. } => {}
    }
}

/// What holds for every call about several ids: only asked ids are answered, in the order asked, each once; a map is
/// never read by position.
fn rows<T: Debug + PartialEq>(
    body: &[u8],
    asked: &[String],
    read: fn(&[u8], &[String]) -> BatchAnswer<T>,
    check: fn(&str, &T),
) {
    match bounded(body.len() + asked.len() * 64, PER_BYTE, || read(body, asked)) {
        BatchAnswer::Rows(rows) => {
            let mut left = asked.iter();
            for (id, row) in &rows {
                assert!(left.any(|asked| asked == id), "{id:?} was not asked, or not in this place");
                check(id, row);
            }
            if body.trim_ascii_start().starts_with(b"{") {
                is_read_by_id(body, asked, rows, read);
            }
        }
        BatchAnswer::Whole { error } => is_text(&error),
        BatchAnswer::Unreadable { .. } => {}
    }
}

fn is_read_by_id<T: Debug + PartialEq>(
    body: &[u8],
    asked: &[String],
    mut rows: Vec<(String, T)>,
    read: fn(&[u8], &[String]) -> BatchAnswer<T>,
) {
    let reversed: Vec<String> = asked.iter().rev().cloned().collect();
    rows.reverse();
    assert_eq!(
        read(body, &reversed),
        BatchAnswer::Rows(rows),
        "the order of the question changed the answer"
    );
}

fn status_row(id: &str, row: &RowAnswer) {
    let seen = match row {
        RowAnswer::Seen(seen) => seen,
        RowAnswer::Error(text) => return is_text(text),
    };
    if let SeenWord::Failed(word) | SeenWord::Unknown(word) = &seen.status {
        is_text(word);
    }
    if let SeenMoney::Invalid(text) = &seen.charge {
        is_text(text);
    }
    if let SeenRemains::Invalid(text) = &seen.remains {
        is_text(text);
    }
    if let Some(currency) = &seen.currency {
        is_text(currency);
    }
    seen.orders.iter().for_each(|order| is_id(order));
    round_trip::status(id, seen);
}

fn refill_row(id: &str, row: &RefillRowAnswer) {
    match row {
        RefillRowAnswer::Taken { id: None } => {}
        RefillRowAnswer::Taken { id: Some(refill) } => {
            is_id(refill);
            round_trip::refill(id, refill);
        }
        RefillRowAnswer::Refused { text } => is_text(text),
    }
}

fn refill_status_row(id: &str, row: &RefillStatusRowAnswer) {
    match row {
        RefillStatusRowAnswer::Seen(SeenRefill::Unknown(text)) | RefillStatusRowAnswer::Error(text) => {
            is_text(text);
        }
        RefillStatusRowAnswer::Seen(seen) => round_trip::refill_status(id, seen),
    }
}

fn cancel_row(id: &str, row: &CancelRowAnswer) {
    match row {
        CancelRowAnswer::Taken { id: None } | CancelRowAnswer::SentEarlier => {}
        CancelRowAnswer::Taken { id: Some(request) } => {
            is_id(request);
            round_trip::cancel(id, request);
        }
        CancelRowAnswer::Refused { text } => is_text(text),
    }
}

fn cancel_status_row(id: &str, row: &CancelStatusRowAnswer) {
    match row {
        CancelStatusRowAnswer::Seen(SeenCancel::Unknown(text)) | CancelStatusRowAnswer::Error(text) => {
            is_text(text);
        }
        CancelStatusRowAnswer::Seen(seen) => round_trip::cancel_status(id, seen),
    }
}

/// Words of providers that stand alone: an error's class, a service's type.
fn word(text: &str) {
    let class = bounded(text.len(), PER_BYTE, || classify(text));
    assert_eq!(class, classify(text), "a text has one class");
    if let Some(found) = bounded(text.len(), PER_BYTE, || ServiceType::normalise(text)) {
        assert_eq!(ServiceType::normalise(found.exact()), Some(found), "a type's own word is that type");
    }
}

fn is_id(id: &str) {
    let sound = (1..=PROVIDER_ID_CHARS).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(sound, "{id:?} is no id");
}

/// Fit to be stored, logged and shown: B21.
fn is_text(text: &str) {
    assert!(text.chars().count() <= PROVIDER_TEXT_CHARS, "{} characters of a text", text.chars().count());
    assert!(!text.chars().any(char::is_control), "control characters in {text:?}");
}

/// An id is never invented; a body with escapes may spell it otherwise.
fn is_said(id: &str, body: &[u8]) {
    let said = body.windows(id.len()).any(|window| window == id.as_bytes());
    assert!(said || body.contains(&b'\\'), "{id:?} does not stand in the answer");
}
