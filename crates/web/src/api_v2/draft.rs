//! An `add` as the wire read it → a draft as the core decides it.
//!
//! In: fields that are absent, bad or a value. Out: the same in the core's types, and the mark of an idempotency
//! key. Nothing is judged here: which field a type needs is the core's to say (rule 13).

use panelworks_core::ids::ServiceId;
use panelworks_core::order::draft::{Draft, Extra, Given};
use panelworks_core::order::{IdempotencyMark, Lines};
use panelworks_core::time::Date;
use panelworks_wire::request::{Add, Field};
use sha2::{Digest, Sha256};

/// An id that can't be one of ours is no service.
pub(super) fn service(field: Field<u64>) -> Option<ServiceId> {
    field.value().and_then(|id| u32::try_from(id).ok()).map(ServiceId)
}

/// Both halves are hashes, cut to what an order's row keeps.
pub(super) fn mark(add: &Add) -> Option<IdempotencyMark> {
    let key = add.idempotency_key.as_ref()?;
    Some(IdempotencyMark { key: digest(key.as_bytes()), parameters: digest(&add.fingerprint) })
}

fn digest(bytes: &[u8]) -> [u8; 16] {
    let whole: [u8; 32] = Sha256::digest(bytes).into();
    let mut kept = [0; 16];
    kept.copy_from_slice(&whole[..16]);
    kept
}

/// Takes the parameters over. The rarer ones get a box only when one of them is there.
pub(super) fn draft(add: Add) -> Draft {
    let plain = is_plain(&add);
    let (runs, interval_min) = (given(add.runs), given(add.interval));
    if plain {
        return Draft {
            link: given(add.link),
            quantity: given(add.quantity),
            runs,
            interval_min,
            extra: None,
        };
    }
    let extra = Extra {
        comments: lines(add.comments),
        usernames: lines(add.usernames),
        hashtags: lines(add.hashtags),
        keywords: lines(add.keywords),
        groups: lines(add.groups),
        hashtag: given(add.hashtag),
        username: given(add.username),
        media: given(add.media),
        answer_number: given(add.answer_number),
        country: given(add.country),
        device: given(add.device),
        type_of_traffic: given(add.type_of_traffic),
        google_keyword: given(add.google_keyword),
        referring_url: given(add.referring_url),
        min: given(add.min),
        max: given(add.max),
        posts: given(add.posts),
        old_posts: given(add.old_posts),
        delay_min: given(add.delay),
        expiry: date(add.expiry),
    };
    let (link, quantity) = (given(add.link), given(add.quantity));
    Draft { link, quantity, runs, interval_min, extra: Some(Box::new(extra)) }
}

/// Nothing but what a Default order takes, as nearly every order.
const fn is_plain(add: &Add) -> bool {
    matches!(
        add,
        Add {
            comments: Field::Absent,
            usernames: Field::Absent,
            hashtags: Field::Absent,
            keywords: Field::Absent,
            groups: Field::Absent,
            hashtag: Field::Absent,
            username: Field::Absent,
            media: Field::Absent,
            country: Field::Absent,
            google_keyword: Field::Absent,
            referring_url: Field::Absent,
            answer_number: Field::Absent,
            device: Field::Absent,
            type_of_traffic: Field::Absent,
            min: Field::Absent,
            max: Field::Absent,
            posts: Field::Absent,
            old_posts: Field::Absent,
            delay: Field::Absent,
            expiry: Field::Absent,
            service: _,
            link: _,
            quantity: _,
            runs: _,
            interval: _,
            max_charge: _,
            idempotency_key: _,
            fingerprint: _,
        }
    )
}

fn given<T>(field: Field<T>) -> Given<T> {
    match field {
        Field::Absent => Given::Absent,
        Field::Bad => Given::Bad,
        Field::Is(value) => Given::Is(value),
    }
}

fn lines(field: Field<Vec<String>>) -> Given<Lines> {
    match field {
        Field::Absent => Given::Absent,
        Field::Bad => Given::Bad,
        Field::Is(lines) => Given::Is(lines.into()),
    }
}

fn date(field: Field<(i16, i8, i8)>) -> Given<Date> {
    match field {
        Field::Absent => Given::Absent,
        Field::Bad => Given::Bad,
        Field::Is((year, month, day)) => Date::new(year, month, day).map_or(Given::Bad, Given::Is),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panelworks_wire::request::{Call, Incoming, parse};

    fn add(body: &str) -> Add {
        let body = format!("key=k&action=add&{body}");
        match parse(&Incoming { body: body.as_bytes(), ..Incoming::default() }).call {
            Call::Add(add) => *add,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_plain_order_needs_no_box() {
        let draft = draft(add("service=1&link=https%3A%2F%2Fexample.com&quantity=100"));
        assert_eq!(draft.link, Given::Is("https://example.com".to_owned()));
        assert_eq!(draft.quantity, Given::Is(100));
        assert_eq!(draft.runs, Given::Absent);
        assert!(draft.extra.is_none());
    }

    #[test]
    fn every_parameter_arrives_where_it_belongs() {
        let body = "runs=2&interval=3&comments=a%0Ab&usernames=c&hashtags=d&keywords=e,f&groups=g&hashtag=h&username=i\
                    &media=j&answer_number=4&country=k&device=5&type_of_traffic=1&google_keyword=l&referring_url=m\
                    &min=6&max=7&posts=8&old_posts=9&delay=10&expiry=31/12/2026";
        let draft = draft(add(body));
        assert_eq!((draft.runs, draft.interval_min), (Given::Is(2), Given::Is(3)));
        let list = |items: &[&str]| Given::Is(items.iter().map(|item| (*item).to_owned()).collect::<Lines>());
        let word = |text: &str| Given::Is(text.to_owned());
        let expected = Extra {
            comments: list(&["a", "b"]),
            usernames: list(&["c"]),
            hashtags: list(&["d"]),
            keywords: list(&["e", "f"]),
            groups: list(&["g"]),
            hashtag: word("h"),
            username: word("i"),
            media: word("j"),
            answer_number: word("4"),
            country: word("k"),
            device: Given::Is(5),
            type_of_traffic: Given::Is(1),
            google_keyword: word("l"),
            referring_url: word("m"),
            min: Given::Is(6),
            max: Given::Is(7),
            posts: Given::Is(8),
            old_posts: Given::Is(9),
            delay_min: Given::Is(10),
            expiry: Date::new(2026, 12, 31).map_or(Given::Bad, Given::Is),
        };
        assert_eq!(draft.extra.as_deref(), Some(&expected));
    }

    #[test]
    fn one_rare_parameter_is_enough_for_the_box() {
        for rare in [
            "comments",
            "usernames",
            "hashtags",
            "keywords",
            "groups",
            "hashtag",
            "username",
            "media",
            "country",
            "google_keyword",
            "referring_url",
            "answer_number",
            "device",
            "type_of_traffic",
            "min",
            "max",
            "posts",
            "old_posts",
            "delay",
            "expiry",
        ] {
            assert!(draft(add(&format!("link=a&{rare}=1"))).extra.is_some(), "{rare}");
        }
    }

    #[test]
    fn a_bad_parameter_stays_bad() {
        let draft = draft(add("quantity=1e3&min=-5&expiry=31/02/2026"));
        assert_eq!(draft.quantity, Given::Bad);
        let extra = draft.extra.expect("min and expiry were given");
        assert_eq!((extra.min, extra.expiry), (Given::Bad, Given::Bad));
    }

    #[test]
    fn an_id_beyond_ours_is_no_service() {
        assert_eq!(service(add("service=7").service), Some(ServiceId(7)));
        for unknown in ["service=4294967296", "service=-1", "service=x", ""] {
            assert_eq!(service(add(unknown).service), None, "{unknown}");
        }
    }

    #[test]
    fn a_mark_depends_on_the_key_and_on_every_parameter_but_not_on_the_encoding() {
        let marked = |body: &str| mark(&add(body)).expect("a key was given");
        let first = marked("request_id=r&service=1&link=a&quantity=100");
        assert_eq!(first, marked("quantity=100&link=a&service=1&idempotency_key=r"));
        assert_ne!(first.parameters, marked("request_id=r&service=1&link=a&quantity=101").parameters);
        assert_ne!(first.key, marked("request_id=R&service=1&link=a&quantity=100").key);
        assert!(mark(&add("service=1&link=a&quantity=100")).is_none());
    }
}
