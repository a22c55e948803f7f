//! An answer's bytes → its JSON (`api-v2.md` §1, Reply type): past a BOM, white space and PHP notices, and never out
//! of the middle of a body that was cut off.

use super::Unreadable;
use crate::json::{self, Node};
use crate::limits::NOTICE_ATTEMPTS;

/// Hands the opened root to `read`.
pub(super) fn read<T>(
    bytes: &[u8],
    limit: usize,
    read: impl FnOnce(Node<'_>) -> Result<T, Unreadable>,
) -> Result<T, Unreadable> {
    if bytes.len() > limit {
        return Err(Unreadable::TooLarge);
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(Unreadable::Empty);
    }
    let root = json::whole(text).or_else(|| after_notice(text)).and_then(json::open);
    match root {
        Some(Node::Object(object)) if object.contradicts_itself() => Err(Unreadable::Contradictory),
        Some(root) => read(root),
        None if text.starts_with('<') => Err(Unreadable::Html),
        None => Err(Unreadable::NotJson),
    }
}

/// The JSON behind a PHP notice. It must reach to the end of the body and begin where a notice ends: a bracket behind
/// JSON punctuation is the inside of a broken document, and reading that could turn a cut-off map into one order's answer.
fn after_notice(text: &str) -> Option<&serde_json::value::RawValue> {
    if text.starts_with(['{', '[']) {
        return None;
    }
    text.match_indices(['{', '['])
        .filter(|(at, _)| !text[..*at].trim_end().ends_with([':', ',', '"', '{', '[', '}', ']']))
        .take(NOTICE_ATTEMPTS)
        .find_map(|(at, _)| json::whole(&text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(text: &str) -> Result<(), Unreadable> {
        read(text.as_bytes(), 1000, |_| Ok(()))
    }

    #[test]
    fn marks_and_notices_before_the_json_are_skipped() {
        for text in [
            "\u{feff}{\"order\":1}",
            "\u{feff}\n\n {\"order\":1}\n",
            "Notice: Undefined index: a in /srv/api.php on line 3\n{\"order\":1}",
            "<br />\n<b>Warning</b>: x[\"key\"] is [deprecated] in <b>/a.php</b> on line <b>3</b><br />\n{\"order\":1}",
        ] {
            assert_eq!(root(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn the_inside_of_a_cut_off_body_is_never_read() {
        for text in [
            r#"{"1":{"status":"Canceled"}"#,
            r#"{"1": {"status":"Canceled"}"#,
            "Notice: x\n{\"1\": {\"status\":\"Canceled\"}",
            r#"[{"order":1},{"order":2}"#,
            "Notice: x\n[{\"order\":1},\n{\"order\":2}",
            "{\"error\":\"x\"}{\"order\":1}",
            "Notice: x\n{\"error\":\"x\"}\n{\"order\":1}",
            "{oops\n{\"order\":1}",
        ] {
            assert_eq!(root(text), Err(Unreadable::NotJson), "{text}");
        }
    }

    #[test]
    fn pages_and_nothing_are_told_apart() {
        assert_eq!(root(""), Err(Unreadable::Empty));
        assert_eq!(root("\u{feff} \r\n"), Err(Unreadable::Empty));
        assert_eq!(root("<!DOCTYPE html><html><script>{}</script></html>"), Err(Unreadable::Html));
        assert_eq!(root("error code: 1015"), Err(Unreadable::NotJson));
        assert_eq!(root(&"[".repeat(1001)), Err(Unreadable::TooLarge));
        assert_eq!(root(r#"{"order":1,"order":2}"#), Err(Unreadable::Contradictory));
    }
}
