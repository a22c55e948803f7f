//! The lists in an order and in a question: lines of comments, names, hashtags, keywords and groups, and ids between
//! commas (`api-v2.md` §4, §5, §12; `invariants.md` C5).
//!
//! An input is the text of such a list. What is expected is written down here a second time, in the contract's words.

use form_urlencoded::Serializer;
use panelworks_wire::Call;
use panelworks_wire::limits::ASKED_PIECES;
use panelworks_wire::request::{Add, Ask, AskedId, Field, Incoming, parse};

use crate::memory::bounded;
use crate::request::PER_BYTE;

pub(crate) fn holds(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let add = add_with(&text);
    let expected = expected_lines(&text);
    for (name, lines) in [
        ("comments", &add.comments),
        ("usernames", &add.usernames),
        ("hashtags", &add.hashtags),
        ("groups", &add.groups),
    ] {
        assert_eq!(lines, &expected, "{name} of {text:?}");
    }
    assert_eq!(add.keywords, expected_keywords(expected.clone()), "keywords of {text:?}");
    if let Field::Is(lines) = &expected {
        let again = add_with(&lines.join("\r\n"));
        assert_eq!(again.comments, expected, "lines are kept as they are: {text:?}");
    }
    assert_eq!(asked_with(&text), expected_ids(&text), "ids of {text:?}");
}

fn add_with(text: &str) -> Box<Add> {
    let mut form = Serializer::new(String::from("action=add"));
    for name in ["comments", "usernames", "hashtags", "groups", "keywords"] {
        form.append_pair(name, text);
    }
    match call(&form.finish()) {
        Call::Add(add) => add,
        other => panic!("an add is {other:?}"),
    }
}

fn asked_with(text: &str) -> Ask {
    let mut form = Serializer::new(String::from("action=status"));
    match call(&form.append_pair("orders", text).finish()) {
        Call::Status(ask) => ask,
        other => panic!("a status is {other:?}"),
    }
}

fn call(form: &str) -> Call {
    let incoming = Incoming { body: form.as_bytes(), ..Incoming::default() };
    bounded(form.len(), PER_BYTE, || parse(&incoming)).call
}

/// Rule 12: these count as not given.
fn is_given(text: &str) -> bool {
    !["", "null", "undefined"].contains(&text.trim())
}

fn expected_lines(text: &str) -> Field<Vec<String>> {
    if !is_given(text) {
        return Field::Absent;
    }
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<String> =
        lines.split('\n').map(|line| line.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    let sound = !lines.is_empty() && !lines.concat().contains('\0');
    if sound { Field::Is(lines) } else { Field::Bad }
}

/// Several lines are the keywords; a single one holds them between commas.
fn expected_keywords(lines: Field<Vec<String>>) -> Field<Vec<String>> {
    let Field::Is(lines) = lines else { return lines };
    let [only] = lines.as_slice() else { return Field::Is(lines) };
    let pieces: Vec<String> =
        only.split(',').map(|piece| piece.trim().to_owned()).filter(|p| !p.is_empty()).collect();
    if pieces.is_empty() { Field::Bad } else { Field::Is(pieces) }
}

fn expected_ids(text: &str) -> Ask {
    let pieces = text.split(',').map(str::trim).filter(|piece| !piece.is_empty());
    let ids: Vec<AskedId> = pieces.take(ASKED_PIECES).map(expected_id).collect();
    if is_given(text) && !ids.is_empty() { Ask::Many(ids) } else { Ask::One(AskedId::default()) }
}

fn expected_id(piece: &str) -> AskedId {
    let digits = piece.chars().all(|c| c.is_ascii_digit());
    let id = piece.parse::<u64>().ok().filter(|id| digits && *id > 0);
    AskedId { text: piece.to_owned(), id }
}
