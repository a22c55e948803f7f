//! Single values as panels send them → ours: ids, counts, flags, words, texts.

use crate::decimal;
use crate::json::Node;
use crate::limits::{PROVIDER_ID_CHARS, PROVIDER_TEXT_CHARS};

const UNIT: i128 = 1_000_000;

/// Text from outside, fit to be stored and logged: no control characters, trimmed, cut (invariants.md B21).
pub(super) fn provider_text(text: &str) -> String {
    let visible = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    visible.take(PROVIDER_TEXT_CHARS).collect::<String>().trim().to_owned()
}

/// An id a provider gave out (`api-v2.md` §4, §12): a positive integer, or a text such as a UUID. What looks like any
/// other number (`0`, `-5`, `23501.0`, `1e3`), or holds a space, isn't one.
pub(super) fn provider_id(node: &Node<'_>) -> Option<String> {
    let text = match node {
        Node::Number(literal) => literal,
        Node::Text(text) => text.trim(),
        Node::Null | Node::Bool(_) | Node::List(_) | Node::Object(_) => return None,
    };
    let sound =
        !text.is_empty() && text.len() <= PROVIDER_ID_CHARS && text.bytes().all(|b| b.is_ascii_graphic());
    (sound && !is_odd_number(text) && !is_word_for_nothing(text)).then(|| text.to_owned())
}

/// A number, but not a positive integer written in digits.
fn is_odd_number(text: &str) -> bool {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.bytes().all(|b| b == b'0');
    }
    text.parse::<f64>().is_ok()
}

fn is_word_for_nothing(text: &str) -> bool {
    ["true", "false", "null", "none", "undefined"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A text or number as text; `None` for null, the empty string and everything else.
pub(super) fn text(node: &Node<'_>) -> Option<String> {
    match node {
        Node::Text(text) => Some(provider_text(text)).filter(|text| !text.is_empty()),
        Node::Number(literal) => Some(provider_text(literal)),
        Node::Null | Node::Bool(_) | Node::List(_) | Node::Object(_) => None,
    }
}

/// An integer in digits, perhaps negative, perhaps with a fraction of zeros as PHP prints whole floats.
pub(super) fn integer(text: &str) -> Option<i128> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let sound = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let round = !fraction.is_empty() && fraction.bytes().all(|b| b == b'0');
    if sound && round { whole.parse().ok() } else { None }
}

pub(super) fn count(node: &Node<'_>) -> Option<u64> {
    integer(&text(node)?).and_then(|number| u64::try_from(number).ok())
}

/// `min` and `max` of a service, with thousands commas as dirty panels send them (`api-v2.md` §3).
pub(super) fn limit(node: &Node<'_>) -> Option<u64> {
    let micros = micros(node)?;
    if micros % UNIT == 0 { u64::try_from(micros / UNIT).ok() } else { None }
}

/// Money in micro-units.
pub(super) fn micros(node: &Node<'_>) -> Option<i128> {
    match node {
        Node::Text(text) => decimal::parse(text),
        Node::Number(literal) => decimal::parse(literal),
        Node::Null | Node::Bool(_) | Node::List(_) | Node::Object(_) => None,
    }
}

/// A flag (`api-v2.md` §1, Booleans); `None` for null and for words nobody uses.
pub(super) fn flag(node: &Node<'_>) -> Option<bool> {
    match node {
        Node::Bool(value) => Some(*value),
        Node::Number(literal) => integer(literal).map(|number| number != 0),
        Node::Text(text) => match text.trim().to_lowercase().as_str() {
            "1" | "true" | "yes" => Some(true),
            "" | "0" | "false" | "no" => Some(false),
            _ => None,
        },
        Node::Null | Node::List(_) | Node::Object(_) => None,
    }
}

/// What PHP and JavaScript call false.
pub(super) fn falsy(node: &Node<'_>) -> bool {
    matches!(node, Node::Null) || flag(node) == Some(false)
}

/// A word for comparison: lower case, without spaces, `_` and `-` (`api-v2.md` §5, Status words).
pub(super) fn plain_word(word: &str) -> String {
    word.chars()
        .filter(|c| !c.is_whitespace() && *c != '_' && *c != '-')
        .flat_map(char::to_lowercase)
        .collect()
}

/// A list of ids: an array, or a text with commas. What isn't an id is left out.
pub(super) fn ids(node: &Node<'_>) -> Vec<String> {
    match node {
        Node::List(items) => items.iter().filter_map(|raw| provider_id(&crate::json::open(raw)?)).collect(),
        Node::Text(text) => {
            text.split(',').filter_map(|piece| provider_id(&Node::Text(piece.into()))).collect()
        }
        Node::Number(_) => provider_id(node).into_iter().collect(),
        Node::Null | Node::Bool(_) | Node::Object(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_positive_integer_or_a_text() {
        for good in
            ["1", "23501", "98765432109876543210", "0190f6b2-6c3e-7f00-8000-0123456789ab", "ord_1a", "5-7"]
        {
            assert_eq!(provider_id(&Node::Text(good.into())).as_deref(), Some(good));
        }
        for bad in
            ["", "0", "00", "-5", "+5", "23501.0", "1e3", "nan", "true", "null", "two words", "é", "inf"]
        {
            assert_eq!(provider_id(&Node::Text(bad.into())), None, "{bad}");
        }
        assert_eq!(provider_id(&Node::Text("1".repeat(129).into())), None);
        assert_eq!(provider_id(&Node::Number("23501.0")), None);
        assert_eq!(provider_id(&Node::Bool(true)), None);
    }

    #[test]
    fn an_integer_is_exact_or_nothing() {
        assert_eq!(integer("157"), Some(157));
        assert_eq!(integer(" -5 "), Some(-5));
        assert_eq!(integer("157.00"), Some(157));
        for bad in ["", "-", "+5", "1.5", "1,000", "1e3", "Unknown", "157.", ".0", "9".repeat(60).as_str()] {
            assert_eq!(integer(bad), None, "{bad}");
        }
    }

    /// Shows B21.
    #[test]
    fn texts_from_outside_are_cut_and_cleaned() {
        assert_eq!(provider_text(" a\u{1b}[31m\r\nb "), "a [31m  b");
        assert_eq!(provider_text(&"x".repeat(10_000)).len(), PROVIDER_TEXT_CHARS);
    }
}
