//! Properties over arbitrary input: nothing panics, what we write we read back, and all encodings of a request agree.

use panelworks_wire::ask::{ClientAdd, ClientCall};
use panelworks_wire::error::ErrorText;
use panelworks_wire::lenient::{
    self, AddAnswer, BalanceAnswer, BatchAnswer, CancelRowAnswer, RefillRowAnswer, RefillStatusRowAnswer,
    RowAnswer, SeenMoney, SeenRefill, SeenRemains, SeenStatus, SeenWord, ServicesAnswer,
};
use panelworks_wire::request::{Ask, AskedId, Field, Incoming, parse};
use panelworks_wire::response::{
    CancelKind, CancelRow, RefillRow, RefillStatusRow, RefillWord, Response, ServiceRow, StatusExtra,
    StatusRow, StatusWord,
};
use panelworks_wire::{Call, ServiceType, decimal};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Bytes that look like what panels and clients send, so that the readers get past their first line.
fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\"order\"",
        "\"orders\"",
        "\"status\"",
        "\"error\"",
        "\"service\"",
        "\"name\"",
        "\"refill\"",
        "\"cancel\"",
        "\"data\"",
        "\"balance\"",
        "\"charge\"",
        "\"remains\"",
        "\"1\"",
        "1",
        "-1",
        "1.5",
        "1e9",
        "null",
        "true",
        "\"Partial\"",
        "\"Canceled\"",
        "\"action\"",
        "\"add\"",
        "key=k",
        "&",
        "action=add",
        "orders[]=1",
        "order=",
        "%00",
        "%e9",
        "--b",
        "\r\n",
        "Content-Disposition: form-data; name=\"action\"",
        "\u{feff}",
        "<br />\n",
        "<html>",
        "\\u0000",
        "\\ud800",
        "é",
        " ",
        "\u{0}",
    ]);
    let pieces = prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes());
    prop_oneof![pieces, prop::collection::vec(any::<u8>(), 0..300), json_text().prop_map(String::into_bytes)]
}

/// Well-formed JSON of the field's words.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "null",
        "true",
        "false",
        "0",
        "1",
        "2",
        "-3",
        "1.50",
        "9e99",
        "\"\"",
        "\"1\"",
        "\"2\"",
        "\"0.5\"",
        "\"Partial\"",
        "\"error\"",
        "\"success\"",
        "\"Incorrect order ID\"",
        "\"x y\"",
        "18446744073709551616",
    ])
    .prop_map(str::to_owned);
    let name = prop::sample::select(vec![
        "order",
        "orders",
        "status",
        "error",
        "message",
        "errors",
        "service",
        "name",
        "type",
        "rate",
        "min",
        "refill",
        "cancel",
        "data",
        "balance",
        "charge",
        "remains",
        "start_count",
        "1",
        "2",
        "3",
        "id",
        "success",
        "key",
        "action",
    ]);
    leaf.prop_recursive(4, 64, 6, move |inner| {
        let members = prop::collection::vec((name.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            members.prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn asked_ids() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(1_u32..500, 0..8)
        .prop_map(|ids| ids.iter().map(ToString::to_string).collect())
}

/// Amounts as our server writes them.
fn amount() -> impl Strategy<Value = i128> {
    (0_i64..=1_000_000_000_000_000).prop_map(i128::from)
}

fn currency() -> impl Strategy<Value = String> {
    "[A-Z]{3}"
}

/// Texts without the control characters that a reader drops, and without spaces around.
fn label() -> impl Strategy<Value = String> {
    "[A-Za-z0-9é☺\"\\\\/<>&|.,-]{1,20}( [a-z☺]{1,10}){0,3}"
}

fn status_word() -> impl Strategy<Value = (StatusWord, SeenWord)> {
    prop::sample::select(vec![
        (StatusWord::Pending, SeenWord::Pending),
        (StatusWord::Processing, SeenWord::Processing),
        (StatusWord::InProgress, SeenWord::InProgress),
        (StatusWord::Completed, SeenWord::Completed),
        (StatusWord::Partial, SeenWord::Partial),
        (StatusWord::Canceled, SeenWord::Canceled),
        (StatusWord::Active, SeenWord::Active),
        (StatusWord::Paused, SeenWord::Paused),
        (StatusWord::Expired, SeenWord::Expired),
    ])
}

/// A row as our server says it, and as our client must see it.
fn status_row() -> impl Strategy<Value = (StatusRow, SeenStatus)> {
    let children = prop::collection::vec(1_u64..1_000_000, 0..4);
    let parts = (
        status_word(),
        amount(),
        0_i64..=i64::MAX,
        any::<u64>(),
        currency(),
        0_u8..3,
        any::<u64>(),
        children,
    );
    parts.prop_map(|((word, seen), charge, start_count, remains, currency, kind, done, orders)| {
        let extra = match kind {
            0 => StatusExtra::Plain,
            1 => StatusExtra::DripFeed { runs: done, orders: orders.clone() },
            _ => StatusExtra::Subscription { posts: done, expiry: None, orders: orders.clone() },
        };
        let seen = SeenStatus {
            status: seen,
            charge: SeenMoney::Micros(charge),
            start_count: Some(start_count),
            remains: SeenRemains::Is(i128::from(remains)),
            currency: Some(currency.clone()),
            runs: (kind == 1).then_some(done),
            posts: (kind == 2).then_some(done),
            orders: if kind == 0 { Vec::new() } else { orders.iter().map(ToString::to_string).collect() },
        };
        let row = StatusRow {
            charge: decimal::format(charge),
            start_count,
            status: word,
            remains,
            currency,
            extra,
        };
        (row, seen)
    })
}

fn error_text() -> impl Strategy<Value = ErrorText> {
    prop_oneof![
        Just(ErrorText::IncorrectOrderId),
        Just(ErrorText::RefillTooEarly),
        (1_u64..1000).prop_map(ErrorText::BelowMinimum),
        label().prop_map(ErrorText::Configured),
    ]
}

proptest! {
    /// Shows C2.
    #[test]
    fn no_request_makes_the_parser_panic(
        body in likely_bytes(),
        query in prop::option::of("[a-z0-9&=%\\[\\]]{0,60}"),
        content_type in prop::option::of(prop::sample::select(vec![
            "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b",
            "multipart/form-data; boundary=", "multipart/form-data", "text/plain", ";;=\u{1}",
        ])),
        header in prop::option::of("\\PC{0,40}"),
    ) {
        let incoming = Incoming {
            query: query.as_deref(),
            content_type,
            authorization: header.as_deref(),
            x_api_key: header.as_deref(),
            idempotency_key: header.as_deref(),
            body: &body,
        };
        let shown = format!("{:?}", parse(&incoming));
        prop_assert!(shown.starts_with("Request"));
    }

    /// Shows B4.
    #[test]
    fn no_answer_makes_a_reader_panic(body in likely_bytes(), asked in asked_ids()) {
        let _ = lenient::add(&body);
        let _ = lenient::balance(&body);
        let _ = lenient::services(&body);
        let _ = lenient::refill(&body, &asked);
        let _ = lenient::refill_status(&body, &asked);
        let _ = lenient::cancel(&body, &asked);
        let _ = lenient::cancel_status(&body, &asked);
        if let BatchAnswer::Rows(rows) = lenient::status(&body, &asked) {
            let foreign = rows.iter().any(|(id, _)| !asked.contains(id));
            prop_assert!(!foreign, "only asked ids are answered");
        }
    }

    /// Shows B5.
    #[test]
    fn an_add_with_an_error_and_no_id_is_never_accepted(body in json_text()) {
        if let AddAnswer::Accepted { order } = lenient::add(body.as_bytes()) {
            prop_assert!(body.contains(&order), "an id is never invented");
        }
    }

    /// Shows B5.
    #[test]
    fn statuses_are_read_as_they_were_written(
        rows in prop::collection::btree_map(1_u64..1_000_000, prop_oneof![
            status_row().prop_map(Ok),
            error_text().prop_map(Err),
        ], 1..20),
    ) {
        let asked: Vec<String> = rows.keys().map(ToString::to_string).collect();
        let said = rows.iter().map(|(id, row)| (id.to_string(), row.clone().map(|(row, _)| row))).collect();
        let expected = rows.into_iter().map(|(id, row)| {
            let answer = row.map_or_else(|text| RowAnswer::Error(text.to_string()), |(_, seen)| RowAnswer::Seen(seen));
            (id.to_string(), answer)
        });
        let body = Response::StatusMany(said).encode();
        prop_assert_eq!(lenient::status(&body, &asked), BatchAnswer::Rows(expected.collect()));
    }

    #[test]
    fn a_single_status_is_read_as_it_was_written((row, seen) in status_row(), id in 1_u64..1_000_000) {
        let asked = [id.to_string()];
        let expected = BatchAnswer::Rows(vec![(id.to_string(), RowAnswer::Seen(seen))]);
        prop_assert_eq!(lenient::status(&Response::Status(row).encode(), &asked), expected);
    }

    #[test]
    fn services_are_read_as_they_were_written(
        rows in prop::collection::vec((
            (1_u64..=u64::from(u32::MAX), label(), prop::sample::select(ServiceType::all()), amount()),
            (1_u64..1_000_000_000, any::<bool>(), any::<bool>(), any::<bool>(), label()),
        ), 0..10),
    ) {
        let rows: Vec<ServiceRow> = rows.into_iter().map(|((service, name, service_type, rate), rest)| {
            let (max, dripfeed, refill, cancel, category) = rest;
            let rate = decimal::format(rate);
            ServiceRow { service, name, service_type, rate, min: 1, max, dripfeed, refill, cancel, category, extras: None }
        }).collect();
        let body = Response::Services(rows.clone()).encode();
        let ServicesAnswer::List { rows: seen, unreadable } = lenient::services(&body) else {
            return Err(TestCaseError::fail("is a list"));
        };
        prop_assert!(unreadable.is_empty());
        prop_assert_eq!(seen.len(), rows.len());
        for (seen, row) in seen.iter().zip(&rows) {
            prop_assert_eq!(&seen.service, &row.service.to_string());
            prop_assert_eq!((&seen.name, &seen.category), (&row.name, &Some(row.category.clone())));
            prop_assert_eq!(&seen.service_type, &Ok(row.service_type));
            prop_assert_eq!(seen.rate_micros, decimal::parse(&row.rate));
            prop_assert_eq!((seen.min, seen.max), (Some(row.min), Some(row.max)));
            prop_assert_eq!((seen.dripfeed, seen.refill, seen.cancel), (Some(row.dripfeed), row.refill, row.cancel));
        }
    }

    #[test]
    fn refills_and_cancels_are_read_as_they_were_written(
        rows in prop::collection::btree_map(1_u64..1_000_000, prop_oneof![
            (2_u64..1_000_000).prop_map(Ok),
            error_text().prop_map(Err),
        ], 1..20),
    ) {
        let asked: Vec<String> = rows.keys().map(ToString::to_string).collect();
        let refills = rows.iter().map(|(id, result)| RefillRow { order: AskedId::new(&id.to_string()), result: result.clone() });
        let expected = rows.iter().map(|(id, result)| (id.to_string(), match result {
            Ok(refill) => RefillRowAnswer::Taken { id: Some(refill.to_string()) },
            Err(text) => RefillRowAnswer::Refused { text: text.to_string() },
        }));
        let body = Response::RefillMany(refills.collect()).encode();
        prop_assert_eq!(lenient::refill(&body, &asked), BatchAnswer::Rows(expected.collect()));

        let cancels = rows.iter().map(|(id, result)| {
            CancelRow { order: AskedId::new(&id.to_string()), kind: Some(CancelKind::Order), result: result.clone() }
        });
        let expected = rows.iter().map(|(id, result)| (id.to_string(), match result {
            Ok(request) => CancelRowAnswer::Taken { id: Some(request.to_string()) },
            Err(text) => CancelRowAnswer::Refused { text: text.to_string() },
        }));
        let body = Response::CancelMany(cancels.collect()).encode();
        prop_assert_eq!(lenient::cancel(&body, &asked), BatchAnswer::Rows(expected.collect()));

        let states = rows.iter().map(|(id, result)| {
            RefillStatusRow { refill: AskedId::new(&id.to_string()), result: result.clone().map(|_| RefillWord::Error) }
        });
        let expected = rows.iter().map(|(id, result)| (id.to_string(), match result {
            Ok(_) => RefillStatusRowAnswer::Seen(SeenRefill::Error),
            Err(text) => RefillStatusRowAnswer::Error(text.to_string()),
        }));
        let body = Response::RefillStatusMany(states.collect()).encode();
        prop_assert_eq!(lenient::refill_status(&body, &asked), BatchAnswer::Rows(expected.collect()));
    }

    #[test]
    fn orders_balances_and_errors_are_read_as_they_were_written(
        order in 1..=u64::MAX,
        micros in any::<i64>(),
        currency in currency(),
        text in error_text(),
    ) {
        prop_assert_eq!(lenient::add(&Response::Order(order).encode()), AddAnswer::Accepted { order: order.to_string() });
        let micros = i128::from(micros);
        let body = Response::Balance { balance: decimal::format(micros), currency: currency.clone() }.encode();
        prop_assert_eq!(lenient::balance(&body), BalanceAnswer::Is { micros, currency: Some(currency) });
        let body = Response::Error(text.clone()).encode();
        prop_assert_eq!(lenient::add(&body), AddAnswer::Refused { text: text.to_string() });
    }

    #[test]
    fn what_our_client_asks_our_server_understands(
        service in 1_u64..1_000_000,
        link in "[a-zA-Z0-9:/?&=%+#é☺]{1,40}",
        quantity in any::<u64>(),
        comments in prop::collection::vec("[a-z☺&=%+,]{1,12}", 1..5),
        key in "[!-~]{1,128}",
        retry in "[!-~]{1,255}",
    ) {
        let fields = vec![("link", link.clone()), ("quantity", quantity.to_string()), ("comments", comments.join("\n"))];
        let add = ClientAdd { service: service.to_string(), fields, idempotency_key: Some(retry.clone()) };
        prop_assume!(![&link, &key, &retry].iter().any(|text| matches!(text.as_str(), "null" | "undefined")));
        let body = ClientCall::Add(add).to_form(&key);
        let request = parse(&Incoming { body: body.as_bytes(), ..Incoming::default() });
        prop_assert_eq!(&request.key, &Some(key));
        let Call::Add(add) = request.call else { return Err(TestCaseError::fail("is an add")) };
        prop_assert_eq!(&add.service, &Field::Is(service));
        prop_assert_eq!(&add.link, &Field::Is(link.clone()));
        prop_assert_eq!(&add.quantity, &Field::Is(quantity));
        let usable = comments.iter().all(|line| !matches!(line.as_str(), "null" | "undefined"));
        prop_assert!(!usable || add.comments == Field::Is(comments.clone()));
        prop_assert_eq!(&add.idempotency_key, &Some(retry.clone()));

        let body = serde_json::json!({
            "action": "add", "service": service, "link": link, "quantity": quantity, "comments": comments,
            "request_id": retry,
        });
        let of_json = parse(&Incoming { body: body.to_string().as_bytes(), ..Incoming::default() });
        prop_assert_eq!(of_json.call, Call::Add(add));
    }

    #[test]
    fn the_ids_our_client_asks_about_arrive_in_their_order(ids in prop::collection::vec(1_u64..1_000_000, 2..=100)) {
        let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let body = ClientCall::Status(texts.clone()).to_form("k");
        let request = parse(&Incoming { body: body.as_bytes(), ..Incoming::default() });
        let Call::Status(Ask::Many(asked)) = request.call else { return Err(TestCaseError::fail("is a list")) };
        prop_assert_eq!(asked.iter().filter_map(|asked| asked.id).collect::<Vec<_>>(), ids);
        let distinct: BTreeSet<_> = texts.iter().collect();
        prop_assert_eq!(asked.iter().map(|asked| &asked.text).collect::<BTreeSet<_>>(), distinct);
    }
}
