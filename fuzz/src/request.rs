//! Any HTTP request to API v2 (`api-v2.md` §1, §2, §12).
//!
//! An input looks like a request: lines of `query:`, `content-type:`, `authorization:`, `x-api-key:` and
//! `idempotency-key:`, an empty line, and the body.

use panelworks_wire::limits::{ASKED_PIECES, IDEMPOTENCY_KEY_BYTES, KEY_CHARS, TEXT_CHARS};
use panelworks_wire::request::{Add, Ask, CancelAsk, Field, Incoming, Request, parse};
use panelworks_wire::{Call, ask::ClientAdd, ask::ClientCall};

use crate::memory::bounded;

/// Bytes held for a byte of a request. The dearest is `orders=1,1,…`: each two bytes become an id of 40 bytes in a
/// vector that grows by doubling.
pub(crate) const PER_BYTE: u64 = 96;

pub(crate) fn holds(input: &[u8]) {
    let (head, body) = head_and_body(input);
    let head = String::from_utf8_lossy(head);
    let header = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(said, _)| *said == name)
            .map(|(_, v)| v.trim())
    };
    let incoming = Incoming {
        query: header("query"),
        content_type: header("content-type"),
        authorization: header("authorization"),
        x_api_key: header("x-api-key"),
        idempotency_key: header("idempotency-key"),
        body,
    };
    let request = bounded(input.len(), PER_BYTE, || parse(&incoming));
    assert_eq!(request, parse(&incoming), "the same bytes are the same request");
    is_within_bounds(&request, input.len());
    if let Call::Add(add) = &request.call {
        is_read_as_it_is_written(&request, add);
    }
}

fn head_and_body(input: &[u8]) -> (&[u8], &[u8]) {
    match input.windows(2).position(|pair| pair == b"\n\n") {
        Some(end) => (&input[..end], &input[end + 2..]),
        None => (&[], input),
    }
}

/// What is kept of a request is no longer than what came; a byte that isn't UTF-8 becomes a character of three.
fn is_within_bounds(request: &Request, bytes: usize) {
    let most = 3 * bytes;
    let ids = |ask: &Ask| match ask {
        Ask::One(id) => id.text.len(),
        Ask::Many(ids) => {
            assert!((1..=ASKED_PIECES).contains(&ids.len()), "{} ids", ids.len());
            assert!(ids.iter().all(|id| !id.text.is_empty() && id.id != Some(0)), "an id of nothing");
            ids.iter().map(|id| id.text.len()).sum()
        }
    };
    let key = request.key.as_deref();
    assert!(key.is_none_or(|key| !key.is_empty() && key.chars().count() <= KEY_CHARS), "the key's length");
    let kept = match &request.call {
        Call::Add(add) => add_is_sound(add),
        Call::Status(ask)
        | Call::Refill(ask)
        | Call::RefillStatus(ask)
        | Call::Cancel(CancelAsk::Orders(ask) | CancelAsk::Requests(ask)) => ids(ask),
        Call::Services | Call::Balance | Call::Incorrect => 0,
    };
    assert!(kept <= most, "{kept} bytes kept of {bytes}");
}

/// The bytes of its texts.
fn add_is_sound(add: &Add) -> usize {
    let texts = texts(add).into_iter().filter_map(|(_, text)| text.as_ref().value());
    let lines = lists(add).into_iter().filter_map(|(_, lines)| lines.as_ref().value());
    let mut kept = 0;
    for text in texts {
        assert!(!text.is_empty() && text.trim() == text, "a text has no spaces around: {text:?}");
        assert!(!text.chars().any(char::is_control), "a text is one line: {text:?}");
        assert!(text.chars().count() <= TEXT_CHARS, "a text is bounded");
        kept += text.len();
    }
    for lines in lines {
        assert!(!lines.is_empty(), "a list has lines");
        for line in lines {
            assert!(
                !line.is_empty() && line.trim() == line && !line.contains(['\r', '\n', '\0']),
                "{line:?}"
            );
            kept += line.len();
        }
    }
    let key = add.idempotency_key.as_deref();
    assert!(key.is_none_or(|key| (1..=IDEMPOTENCY_KEY_BYTES).contains(&key.len())), "{key:?}");
    assert_eq!(key.is_none(), add.fingerprint.is_empty(), "an idempotency key comes with its fingerprint");
    kept
}

/// A panel that forwards an order must be understood by the next panel exactly so.
fn is_read_as_it_is_written(request: &Request, add: &Add) {
    let Some(fields) = fields(add) else { return };
    // The header may say what a parameter can't: there these words mean that nothing was given.
    if matches!(add.idempotency_key.as_deref(), Some("null" | "undefined")) {
        return;
    }
    let service = add.service.value().map(|service| service.to_string()).unwrap_or_default();
    let call = ClientCall::Add(ClientAdd { service, fields, idempotency_key: add.idempotency_key.clone() });
    let form = call.to_form(request.key.as_deref().unwrap_or_default());
    let again = parse(&Incoming { body: form.as_bytes(), ..Incoming::default() });
    assert_eq!(&again.call, &request.call, "written as {form}");
    let word_for_nothing = matches!(request.key.as_deref(), Some("null" | "undefined"));
    assert!(again.key == request.key || word_for_nothing, "the key, written as {form}");
}

/// Every parameter with its value; none if one of them is bad.
fn fields(add: &Add) -> Option<Vec<(&'static str, String)>> {
    let mut fields = Vec::new();
    for (name, number) in numbers(add) {
        push(&mut fields, name, number.as_ref(), u64::to_string)?;
    }
    for (name, text) in texts(add) {
        push(&mut fields, name, text.as_ref(), String::clone)?;
    }
    for (name, lines) in lists(add) {
        push(&mut fields, name, lines.as_ref(), |lines| lines.join("\n"))?;
    }
    push(&mut fields, "expiry", add.expiry.as_ref(), |(year, month, day)| {
        format!("{day}/{month}/{year:04}")
    })?;
    matches!(add.service, Field::Absent | Field::Is(_)).then_some(fields)
}

fn push<T>(
    fields: &mut Vec<(&'static str, String)>,
    name: &'static str,
    field: Field<&T>,
    write: impl FnOnce(&T) -> String,
) -> Option<()> {
    match field {
        Field::Absent => {}
        Field::Is(value) => fields.push((name, write(value))),
        Field::Bad => return None,
    }
    Some(())
}

fn numbers(add: &Add) -> [(&'static str, &Field<u64>); 10] {
    [
        ("quantity", &add.quantity),
        ("runs", &add.runs),
        ("interval", &add.interval),
        ("device", &add.device),
        ("type_of_traffic", &add.type_of_traffic),
        ("min", &add.min),
        ("max", &add.max),
        ("posts", &add.posts),
        ("old_posts", &add.old_posts),
        ("delay", &add.delay),
    ]
}

fn texts(add: &Add) -> [(&'static str, &Field<String>); 9] {
    [
        ("link", &add.link),
        ("hashtag", &add.hashtag),
        ("username", &add.username),
        ("media", &add.media),
        ("country", &add.country),
        ("google_keyword", &add.google_keyword),
        ("referring_url", &add.referring_url),
        ("answer_number", &add.answer_number),
        ("max_charge", &add.max_charge),
    ]
}

fn lists(add: &Add) -> [(&'static str, &Field<Vec<String>>); 5] {
    [
        ("comments", &add.comments),
        ("usernames", &add.usernames),
        ("hashtags", &add.hashtags),
        ("keywords", &add.keywords),
        ("groups", &add.groups),
    ]
}
