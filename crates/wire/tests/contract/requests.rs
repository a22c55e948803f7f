//! Requests in every encoding: keys, actions, and which ids they ask about (`api-v2.md` rules 1 and 12, §1, §2, §5-§7).

use panelworks_wire::request::{Ask, AskedId, CancelAsk, Field, Incoming, parse};
use panelworks_wire::{Call, Request};

use crate::given::{add_of, form, ids, is, json, lines, multipart, query};

/// Shows C29.
#[test]
fn every_encoding_of_one_order_is_the_same_request() {
    let link = "https://example.com/p/1?a=b&c=50%25";
    let escaped = "https%3A%2F%2Fexample.com%2Fp%2F1%3Fa%3Db%26c%3D50%2525";
    let urlencoded =
        format!("key=abc&action=add&service=12&link={escaped}&quantity=1000&comments=one%0D%0Atwo");
    let expected = form(&urlencoded);
    let add = add_of(expected.clone());
    assert_eq!(add.link, is(link));
    assert_eq!((add.service, add.quantity), (Field::Is(12), Field::Is(1000)));
    assert_eq!(add.comments, lines(&["one", "two"]));

    let numbers = format!(
        r#"{{"key":"abc","action":"add","service":12,"link":"{link}","quantity":1000,"comments":["one","two"]}}"#
    );
    let texts = format!(
        r#"{{"comments":"one\r\ntwo","quantity":"1000","link":"{link}","service":" 12 ","action":"ADD","key":"abc"}}"#
    );
    let parts = [
        ("key", "abc"),
        ("action", " Add "),
        ("service", "12"),
        ("link", link),
        ("quantity", "1000"),
        ("comments", "one\ntwo"),
    ];
    let many_parts = multipart("X-y.z", &parts);
    let parse_as = |content_type, body: &[u8], query| {
        parse(&Incoming { content_type, body, query, ..Incoming::default() })
    };
    let form_type = Some("application/x-www-form-urlencoded");
    let json_type = Some("application/json; charset=utf-8");
    let table: Vec<(&str, Request)> = vec![
        ("form, labelled", parse_as(form_type, urlencoded.as_bytes(), None)),
        ("form, mislabelled as JSON", parse_as(json_type, urlencoded.as_bytes(), None)),
        ("form behind a BOM", parse_as(None, format!("\u{feff}{urlencoded}").as_bytes(), None)),
        ("JSON with numbers", parse_as(json_type, numbers.as_bytes(), None)),
        ("JSON with texts", parse_as(json_type, texts.as_bytes(), None)),
        ("JSON without a label", parse_as(None, numbers.as_bytes(), None)),
        ("JSON labelled as a form", parse_as(form_type, texts.as_bytes(), None)),
        ("JSON behind a BOM and spaces", parse_as(None, format!("\u{feff} \n{texts}\n").as_bytes(), None)),
        ("multipart", parse_as(Some("multipart/form-data; boundary=X-y.z"), many_parts.as_bytes(), None)),
        (
            "multipart, quoted",
            parse_as(Some("Multipart/Form-Data; boundary=\"X-y.z\""), many_parts.as_bytes(), None),
        ),
        ("multipart without a label", parse_as(None, many_parts.as_bytes(), None)),
        ("multipart with bare line feeds", parse_as(None, many_parts.replace("\r\n", "\n").as_bytes(), None)),
        ("query", query(&urlencoded)),
        ("query under an empty form", parse_as(form_type, b"", Some(&urlencoded))),
        (
            "key in the query, the rest in the body",
            parse_as(form_type, urlencoded.trim_start_matches("key=abc&").as_bytes(), Some("key=abc")),
        ),
        (
            "body over query",
            parse_as(form_type, urlencoded.as_bytes(), Some("key=zzz&action=balance&quantity=7&service=1")),
        ),
    ];
    for (name, request) in table {
        assert_eq!(request, expected, "{name}");
    }
}

#[test]
fn multipart_is_read_strictly() {
    let parts = [("key", "k"), ("action", "balance"), ("orders[]", "1"), ("empty", "")];
    let body = multipart("b", &parts);
    let labelled = |body: &[u8]| {
        parse(&Incoming {
            content_type: Some("multipart/form-data; boundary=b"),
            body,
            ..Incoming::default()
        })
    };
    assert_eq!(labelled(body.as_bytes()).call, Call::Balance);
    assert_eq!(labelled(format!("{body}epilogue").as_bytes()).call, Call::Balance);
    assert_eq!(labelled(b"action=balance").call, Call::Balance, "a form under a wrong label");
    for end in 1..body.len() - "--\r\n".len() {
        let cut = labelled(&body.as_bytes()[..end]);
        assert_eq!(cut.call, Call::Incorrect, "cut off at {end}");
    }
    let no_name = body.replacen("name=\"key\"", "nom=\"key\"", 1);
    assert_eq!(labelled(no_name.as_bytes()).call, Call::Incorrect);

    let file = "--b\r\nContent-Disposition: form-data; name=\"action\"; filename=\"x\"\r\n\r\nadd\r\n"
        .to_owned()
        + &body;
    assert_eq!(labelled(file.as_bytes()).call, Call::Balance, "a file is no parameter");
    let headers = body.replacen("\r\n\r\nk", "\r\nContent-Type: text/plain\r\n\r\nk", 1);
    assert_eq!(labelled(headers.as_bytes()), labelled(body.as_bytes()));
    let value =
        multipart("b", &[("action", "add"), ("link", "a\r\n--bad\r\n--"), ("comments", "x\r\n\r\ny")]);
    let add = add_of(labelled(value.as_bytes()));
    assert_eq!(
        (add.link, add.comments),
        (Field::Bad, lines(&["x", "y"])),
        "a line that only begins like the boundary"
    );
    let value = multipart("b7", &[("action", "add"), ("comments", "x\r\n\r\n--b\r\ny")]);
    let request = parse(&Incoming {
        content_type: Some("multipart/form-data; boundary=b7"),
        body: value.as_bytes(),
        ..Incoming::default()
    });
    assert_eq!(add_of(request).comments, lines(&["x", "--b", "y"]));
}

#[test]
fn what_is_not_understood_is_an_incorrect_request() {
    for body in
        ["", "key=k", "action=", "action=orderz", "action[]=add", "{", "{\"action\":\"add\"", "[1]", "null"]
    {
        assert_eq!(form(body).call, Call::Incorrect, "{body}");
    }
    for body in
        ["{\"action\":[\"add\"]}", "{\"action\":{}}", "{\"action\":null}", "{'action':'add'}", "{\"a\":NaN}"]
    {
        assert_eq!(json(body).call, Call::Incorrect, "{body}");
    }
    assert_eq!(form("\u{0}\u{1}").call, Call::Incorrect);
    let large = vec![b'a'; panelworks_wire::limits::REQUEST_BYTES + 1];
    let request =
        parse(&Incoming { body: &large, query: Some("key=k&action=balance"), ..Incoming::default() });
    assert_eq!(request, Request { key: Some("k".into()), call: Call::Incorrect });
}

#[test]
fn actions_are_read_in_any_case_and_by_their_aliases() {
    assert_eq!(form("action=Services").call, Call::Services);
    assert_eq!(form("action=%20BALANCE%20").call, Call::Balance);
    for word in ["status", "orders", "multi_status", "multi-status", "statuses", "Status"] {
        let asked = Call::Status(Ask::Many(ids(&["1", "2"])));
        assert_eq!(form(&format!("action={word}&orders=1,2")).call, asked, "{word}");
    }
    let requests = Call::Cancel(CancelAsk::Requests(Ask::Many(ids(&["1000"]))));
    assert_eq!(form("action=cancel_status&cancels=1000").call, requests);
}

#[test]
fn the_key_is_taken_from_the_first_place_that_gives_one() {
    let key = |body: &str, authorization, x_api_key| {
        parse(&Incoming { body: body.as_bytes(), authorization, x_api_key, ..Incoming::default() }).key
    };
    let bearer = Some("Bearer b");
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(key("key=a&api=p&api_key=q&api_token=r", bearer, Some("x")), some("a"));
    assert_eq!(key("api=p&api_key=q&api_token=r", bearer, Some("x")), some("p"));
    assert_eq!(key("api_key=q&api_token=r", bearer, Some("x")), some("q"));
    assert_eq!(key("api_token=r", bearer, Some("x")), some("r"));
    assert_eq!(key("key=&api_token=null", bearer, Some("x")), some("b"));
    assert_eq!(key("", Some("bearer  b "), None), some("b"));
    assert_eq!(key("", Some("Basic b"), Some(" x ")), some("x"));
    assert_eq!(key("", Some("Bearer "), Some("")), None);
    assert_eq!(key("key=*()%20!", None, None), some("*() !"));
    assert_eq!(key(&format!("key={}", "k".repeat(128)), None, None), some(&"k".repeat(128)));
    assert_eq!(key(&format!("key={}", "k".repeat(129)), None, None), None);
}

#[test]
fn a_key_of_a_wrong_type_is_no_key() {
    assert_eq!(json(r#"{"key":["a"],"action":"balance"}"#), Request { key: None, call: Call::Balance });
    assert_eq!(json(r#"{"key":{"a":1},"action":"balance"}"#).key, None);
    assert_eq!(json(r#"{"key":12345,"action":"balance"}"#).key, Some("12345".into()));
    assert_eq!(form("key[]=a&action=balance").key, None);
}

/// Shows I22.
#[test]
fn a_key_never_shows_in_debug_output() {
    let incoming = Incoming {
        query: Some("key=s3cret"),
        authorization: Some("Bearer s3cret"),
        x_api_key: Some("s3cret"),
        body: b"key=s3cret&action=add",
        ..Incoming::default()
    };
    let shown = format!("{incoming:?} {:?}", parse(&incoming));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn one_order_is_asked_singly_and_a_list_as_a_list() {
    let status = |body: &str| match form(&format!("action=status&{body}")).call {
        Call::Status(ask) => ask,
        other => panic!("{other:?}"),
    };
    let one = |text: &str| Ask::One(AskedId::new(text));
    let many = |texts: &[&str]| Ask::Many(ids(texts));
    for (body, expected) in [
        ("order=5", one("5")),
        ("order_id=5", one("5")),
        ("orders=5", many(&["5"])),
        ("orders=5&order=6", many(&["5"])),
        ("orders=&order=6", one("6")),
        ("orders=,%20,&order=6", one("6")),
        ("order=5,6", many(&["5", "6"])),
        ("order=5,", many(&["5"])),
        ("orders=%205%20,,%20x%20,5,", many(&["5", "x", "5"])),
        ("orders[]=1&orders[]=2", many(&["1", "2"])),
        ("orders[0]=1&orders[1]=2,3", many(&["1", "2", "3"])),
        ("order[]=1", many(&["1"])),
        ("", one("")),
        ("orders=null", one("")),
    ] {
        assert_eq!(status(body), expected, "{body}");
    }
    let of_json = |value: &str| json(&format!(r#"{{"action":"status","orders":{value}}}"#)).call;
    assert_eq!(of_json("[1,\"2\",null,3]"), Call::Status(many(&["1", "2", "3"])));
    assert_eq!(of_json("[]"), Call::Status(one("")));
    assert_eq!(of_json("7"), Call::Status(many(&["7"])));
    let body = format!("action=status&orders={}", "1,".repeat(500_000));
    match form(&body).call {
        Call::Status(Ask::Many(ids)) => assert_eq!(ids.len(), panelworks_wire::limits::ASKED_PIECES),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refill_is_asked_for_by_order_and_its_state_by_refill() {
    let one = |text: &str| Ask::One(AskedId::new(text));
    assert_eq!(form("action=refill&order=5").call, Call::Refill(one("5")));
    assert_eq!(form("action=refill&orders=5,6").call, Call::Refill(Ask::Many(ids(&["5", "6"]))));
    assert_eq!(form("action=refill&refill=5").call, Call::Refill(one("5")));
    assert_eq!(form("action=refill&refills=5&order=6").call, Call::Refill(one("6")));
    assert_eq!(form("action=refill_status&refill=5&order=6").call, Call::RefillStatus(one("5")));
    assert_eq!(
        form("action=refill_status&refills=5,6").call,
        Call::RefillStatus(Ask::Many(ids(&["5", "6"])))
    );
    assert_eq!(form("action=refill_status").call, Call::RefillStatus(one("")));
}

#[test]
fn a_cancel_is_dispatched_by_the_parameter_it_carries() {
    let one = |text: &str| Ask::One(AskedId::new(text));
    let many = |texts: &[&str]| Ask::Many(ids(texts));
    for (body, expected) in [
        ("action=cancel&cancels=1000&orders=5", CancelAsk::Requests(many(&["1000"]))),
        ("action=cancel&orders=5&order=6&cancel=7", CancelAsk::Orders(many(&["5"]))),
        ("action=cancel&order=6&cancel=7", CancelAsk::Orders(one("6"))),
        ("action=cancel&cancel=7", CancelAsk::Requests(one("7"))),
        ("action=cancel", CancelAsk::Orders(one(""))),
        ("action=cancel&cancels=,&orders=5", CancelAsk::Orders(many(&["5"]))),
        ("action=cancel_status&cancel=7&orders=5", CancelAsk::Requests(one("7"))),
        ("action=cancel_status", CancelAsk::Requests(one(""))),
    ] {
        assert_eq!(form(body).call, Call::Cancel(expected), "{body}");
    }
}
