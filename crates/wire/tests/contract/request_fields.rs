//! The grammars of a request's parameters (`api-v2.md` rules 12 and 13, §4, §12).

use panelworks_wire::request::{Add, Ask, AskedId, Field, Incoming, parse};
use panelworks_wire::{Call, Request};

use crate::given::{add_of, form, is, json, lines};

/// Shows C2.
#[test]
fn quantities_are_plain_decimal_digits() {
    let quantity = |text: &str| add_of(form(&format!("action=add&quantity={text}"))).quantity;
    for (text, number) in [("1000", 1000), ("0", 0), ("007", 7), ("18446744073709551615", u64::MAX)] {
        assert_eq!(quantity(text), Field::Is(number), "{text}");
    }
    let bad = [
        "1000.0",
        "1,000",
        "1e3",
        "%2B5",
        "-5",
        "%205",
        "5%20",
        "5.0",
        "0x10",
        "%D9%A3",
        "18446744073709551616",
        "1_0",
        "ten",
        "true",
        "NaN",
        "%00",
        "1;2",
    ];
    for text in bad {
        assert_eq!(quantity(text), Field::Bad, "{text}");
    }
    for text in ["", "null", "undefined", "%20"] {
        assert_eq!(quantity(text), Field::Absent, "{text}");
    }
    let of_json = |value: &str| add_of(json(&format!(r#"{{"action":"add","quantity":{value}}}"#))).quantity;
    for (value, expected) in [
        ("1000", Field::Is(1000)),
        ("\"1000\"", Field::Is(1000)),
        ("[1000]", Field::Is(1000)),
        ("null", Field::Absent),
        ("\"\"", Field::Absent),
        ("[]", Field::Absent),
        ("\"undefined\"", Field::Absent),
        ("1000.0", Field::Bad),
        ("1e3", Field::Bad),
        ("-5", Field::Bad),
        ("true", Field::Bad),
        ("{}", Field::Bad),
        ("{\"a\":1}", Field::Bad),
        ("[1,2]", Field::Bad),
        ("[[1]]", Field::Bad),
        ("99999999999999999999", Field::Bad),
    ] {
        assert_eq!(of_json(value), expected, "{value}");
    }
}

#[test]
fn ids_may_stand_between_spaces() {
    assert_eq!(add_of(form("action=add&service=%2012%20")).service, Field::Is(12));
    let one = |text: &str, id| Call::Status(Ask::One(AskedId { text: text.into(), id }));
    assert_eq!(form("action=status&order=%2023501%20").call, one("23501", Some(23501)));
    assert_eq!(json(r#"{"action":"status","order":23501}"#).call, one("23501", Some(23501)));
    for text in ["1.0", "+1", "-1", "1e3", "abc", "0", "18446744073709551616", "٣"] {
        let request = json(&format!(r#"{{"action":"status","order":"{text}"}}"#));
        assert_eq!(request.call, one(text, None), "{text}");
    }
}

/// Shows C29.
#[test]
fn the_last_of_a_repeated_parameter_wins() {
    assert_eq!(add_of(form("action=add&quantity=1&quantity=2")).quantity, Field::Is(2));
    assert_eq!(add_of(json(r#"{"action":"add","quantity":1,"quantity":2}"#)).quantity, Field::Is(2));
    assert_eq!(add_of(form("action=add&quantity[]=1&quantity=2")).quantity, Field::Is(2));
    assert_eq!(form("action=balance&action=services").call, Call::Services);
}

#[test]
fn lists_come_as_lines_as_brackets_and_as_arrays() {
    let expected = lines(&["@anna", "bob, jr", "#c"]);
    for body in [
        "usernames=%40anna%0D%0Abob,%20jr%0A%0A%20%23c%20%0A",
        "usernames=%40anna%0Dbob,%20jr%0D%23c",
        "usernames[]=%40anna&usernames[]=bob,%20jr&usernames[]=%23c",
        "usernames%5B0%5D=%40anna&usernames%5B1%5D=bob,%20jr&usernames%5B7%5D=%23c",
    ] {
        assert_eq!(add_of(form(&format!("action=add&{body}"))).usernames, expected, "{body}");
    }
    for value in [
        r##"["@anna"," bob, jr ","","#c"]"##,
        r##"{"0":"@anna","2":"bob, jr","5":"#c"}"##,
        r#""@anna\nbob, jr\n#c""#,
    ] {
        let request = json(&format!(r#"{{"action":"add","usernames":{value}}}"#));
        assert_eq!(add_of(request).usernames, expected, "{value}");
    }
    assert_eq!(
        add_of(json(r#"{"action":"add","comments":[1,true,null,"x"]}"#)).comments,
        lines(&["1", "true", "x"])
    );
    assert_eq!(add_of(form("action=add&comments=%0A%20%0A")).comments, Field::Absent);
    assert_eq!(add_of(form("action=add&comments=a,b")).comments, lines(&["a,b"]));
    assert_eq!(add_of(form("action=add&comments=a%00b")).comments, Field::Bad);
    assert_eq!(add_of(form("action=add&comments=caf%E9")).comments, lines(&["caf\u{fffd}"]));
    assert_eq!(add_of(form("action=add&keywords=a,%20b,,c")).keywords, lines(&["a", "b", "c"]));
    assert_eq!(add_of(form("action=add&keywords=a,b%0Ac")).keywords, lines(&["a,b", "c"]));
    assert_eq!(add_of(form("action=add&keywords=,")).keywords, Field::Bad);
}

#[test]
fn links_are_decoded_once_and_trimmed_and_must_be_sound() {
    let link = |text: &str| add_of(form(&format!("action=add&link={text}"))).link;
    assert_eq!(link("%20https%3A%2F%2Fe.com%2F%2541+b%20"), is("https://e.com/%41 b"));
    assert_eq!(link("some_user"), is("some_user"));
    assert_eq!(link(&"x".repeat(4096)), is(&"x".repeat(4096)));
    for bad in ["a%00b", "a%0Ab", "caf%E9", "%1B[31m", "x".repeat(4097).as_str()] {
        assert_eq!(link(bad), Field::Bad, "{bad}");
    }
    assert_eq!(add_of(json(r#"{"action":"add","link":["https://e.com"]}"#)).link, is("https://e.com"));
    assert_eq!(add_of(json(r#"{"action":"add","link":["a","b"]}"#)).link, Field::Bad);
}

#[test]
fn every_parameter_of_every_type_is_read() {
    let add = add_of(form(
        "action=add&service=1&link=l&quantity=2&runs=3&interval=4&comments=c&usernames=u&hashtags=h&keywords=k\
         &groups=g&hashtag=ht&username=un&media_url=m&country=US&google_keyword=gk&referring_url=ru&answer_number=5\
         &device=Mobile&type_of_traffic=2&min=6&max=7&posts=8&old_posts=9&delay=10&expiry=31/12/2026&max_charge=1.50\
         &coupon=x&is_test=1",
    ));
    let expected = Add {
        service: Field::Is(1),
        link: is("l"),
        quantity: Field::Is(2),
        runs: Field::Is(3),
        interval: Field::Is(4),
        comments: lines(&["c"]),
        usernames: lines(&["u"]),
        hashtags: lines(&["h"]),
        keywords: lines(&["k"]),
        groups: lines(&["g"]),
        hashtag: is("ht"),
        username: is("un"),
        media: is("m"),
        country: is("US"),
        google_keyword: is("gk"),
        referring_url: is("ru"),
        answer_number: is("5"),
        device: Field::Is(4),
        type_of_traffic: Field::Is(2),
        min: Field::Is(6),
        max: Field::Is(7),
        posts: Field::Is(8),
        old_posts: Field::Is(9),
        delay: Field::Is(10),
        expiry: Field::Is((2026, 12, 31)),
        max_charge: is("1.50"),
        idempotency_key: None,
        fingerprint: Vec::new(),
    };
    assert_eq!(add, expected);
    assert_eq!(add_of(form("action=add&device=desktop")).device, Field::Is(1));
    assert_eq!(add_of(form("action=add&device=tablet")).device, Field::Bad);
    assert_eq!(add_of(form("action=add")), Add::default());
}

#[test]
fn an_expiry_is_a_day_that_exists() {
    let expiry = |text: &str| add_of(form(&format!("action=add&expiry={text}"))).expiry;
    assert_eq!(expiry("31/12/2026"), Field::Is((2026, 12, 31)));
    assert_eq!(expiry("1/2/2026"), Field::Is((2026, 2, 1)));
    assert_eq!(expiry("2028-02-29"), Field::Is((2028, 2, 29)));
    assert_eq!(expiry(""), Field::Absent);
    for bad in [
        "12/31/2026",
        "29/02/2026",
        "0/1/2026",
        "31/4/2026",
        "1/1/26",
        "2026/1/1",
        "tomorrow",
        "1-2-2026",
        "1/1/2026/1",
    ] {
        assert_eq!(expiry(bad), Field::Bad, "{bad}");
    }
}

#[test]
fn a_highest_charge_is_digits_and_a_point() {
    let max_charge = |text: &str| add_of(form(&format!("action=add&max_charge={text}"))).max_charge;
    assert_eq!(max_charge("0.5"), is("0.5"));
    assert_eq!(max_charge("12"), is("12"));
    for bad in ["1,000.00", "-1", "1e3", "$1", ".5", "1."] {
        assert_eq!(max_charge(bad), Field::Bad, "{bad}");
    }
}

#[test]
fn an_idempotency_key_is_taken_from_the_header_first() {
    let key = |header, body: &str| {
        let incoming = Incoming { idempotency_key: header, body: body.as_bytes(), ..Incoming::default() };
        add_of(parse(&incoming)).idempotency_key
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(key(Some(" h "), "action=add&request_id=r"), some("h"));
    assert_eq!(key(None, "action=add&request_id=r&idempotency_key=i"), some("r"));
    assert_eq!(key(Some(""), "action=add&idempotency_key=i"), some("i"));
    assert_eq!(key(None, "action=add&request_id="), None);
    assert_eq!(key(None, &format!("action=add&request_id={}", "r".repeat(255))), some(&"r".repeat(255)));
}

#[test]
fn an_idempotency_key_that_cannot_be_kept_is_never_ignored() {
    for body in [
        format!("request_id={}", "r".repeat(256)),
        "request_id[]=a&request_id[]=b".into(),
        "request_id=a%00".into(),
    ] {
        assert_eq!(form(&format!("action=add&{body}")).call, Call::Incorrect, "{body}");
    }
}

#[test]
fn the_fingerprint_tells_orders_apart_and_encodings_not() {
    let print = |request: Request| add_of(request).fingerprint;
    let first = print(form("action=add&request_id=r&service=1&link=l&quantity=10"));
    assert!(!first.is_empty());
    assert_eq!(
        print(form("quantity=10&link=%6C&service=01&key=other&request_id=r2&action=ADD&coupon=x&runs=")),
        first
    );
    assert_eq!(
        print(json(r#"{"action":"add","request_id":"r","service":1,"link":"l","quantity":10}"#)),
        first
    );
    assert_eq!(print(form("action=add&service=1&link=l&quantity=10")), Vec::<u8>::new());
    let others = [
        "service=2&link=l&quantity=10",
        "service=1&link=m&quantity=10",
        "service=1&link=l&quantity=11",
        "service=1&link=l&quantity=10&runs=2",
        "service=1&link=l&interval=10",
        "service=1&username=l&quantity=10",
        "service=1&link=l&quantity=10&comments=a%0Ab",
        "service=1&link=l&quantity=10&comments=ab",
        "service=1&link=l&quantity=10&usernames=ab",
        "service=1&link=l&quantity=10&expiry=1/1/2027",
        "service=1&link=l&quantity=x",
        "service=1&link=l&quantity=10&comments=abc%0Ad",
        "service=1&link=l&quantity=10&comments=ab%0Acd",
    ];
    let mut prints: Vec<_> =
        others.iter().map(|body| print(form(&format!("action=add&request_id=r&{body}")))).collect();
    prints.push(first);
    let distinct: std::collections::HashSet<_> = prints.iter().collect();
    assert_eq!(distinct.len(), prints.len());
}
