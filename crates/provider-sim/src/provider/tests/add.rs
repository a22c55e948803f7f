//! What each type demands, and which error comes first.

use serde_json::json;

use super::*;
use crate::testing::{ask, form, json, order, post, reply};

/// An `add` of every type that must be accepted, by service of the full catalogue, with the quantity it
/// makes.
const GOOD: [(u32, &str, u64); 18] = [
    (1, "link=a&quantity=100", 100),
    (53, "quantity=100", 100),
    (52, "link=a&quantity=100&keywords=x%0Ay", 100),
    (14, "link=a&comments=x%0D%0A%0D%0Ay%0Az", 3),
    (20, "link=a&quantity=100&usernames=x%0Ay&hashtags=h", 100),
    (21, "link=a&usernames=x%0Ay", 2),
    (22, "link=a&quantity=100&hashtag=h", 100),
    (23, "link=a&quantity=100&username=u", 100),
    (24, "link=a&quantity=100&media=m", 100),
    (19, "link=a&quantity=100&usernames=x", 100),
    (12, "link=a&quantity=77", 1),
    (16, "link=a&comments=x%0Ay", 1),
    (17, "link=a&quantity=100&username=u", 100),
    (37, "link=a&quantity=100&answer_number=2", 100),
    (18, "link=a&comments=x", 1),
    (41, "link=a&quantity=100&groups=g", 100),
    (50, "link=a&quantity=100&country=US&device=5&type_of_traffic=1&google_keyword=k", 100),
    (50, "link=a&quantity=100&country=US&device=1&type_of_traffic=3", 100),
];

#[test]
fn every_type_is_accepted_with_what_it_demands() {
    let mut provider = provider();
    for (service, call, quantity) in GOOD {
        let id = order(&mut provider, START, &format!("add&service={service}&{call}"));
        let row = ask(&mut provider, START, &format!("status&order={id}"));
        assert_eq!(row["remains"], quantity.to_string(), "service {service}");
        assert_eq!(row["status"], "Pending");
        assert_eq!(row["currency"], "USD");
    }
    let id = order(&mut provider, START, "add&service=25&username=anna&min=10&max=200&posts=3&delay=0");
    assert_eq!(ask(&mut provider, START, &format!("status&order={id}"))["status"], "Active");
}

#[test]
fn every_type_of_the_catalogue_stands_among_the_accepted() {
    for service in Catalogue::full().services() {
        let tried =
            GOOD.iter().any(|(id, ..)| Catalogue::full().find(*id).map(|s| s.kind) == Some(service.kind));
        assert!(tried || service.kind == panelworks_wire::ServiceType::Subscriptions, "{}", service.kind);
    }
}

#[test]
fn each_missing_parameter_is_named() {
    let mut provider = provider();
    for (call, error) in [
        ("add&service=999&link=a&quantity=100", "Incorrect service ID"),
        ("add&link=a&quantity=100", "Incorrect service ID"),
        ("add&service=1&quantity=100", "Bad link"),
        ("add&service=1&link=a", "Incorrect quantity"),
        ("add&service=1&link=a&quantity=ten", "Incorrect quantity"),
        ("add&service=1&link=a&quantity=-5", "Incorrect quantity"),
        ("add&service=1&link=a&quantity=1", "Quantity less than minimal 50"),
        ("add&service=1&link=a&quantity=0", "Quantity less than minimal 50"),
        ("add&service=1&link=a&quantity=100001", "Quantity more than maximum 100000"),
        ("add&service=1&link=a&quantity=9223372036854775808", "Incorrect quantity"),
        ("add&service=14&link=a&comments=%0D%0A", "Incorrect comments"),
        ("add&service=16&link=a", "Incorrect comments"),
        ("add&service=21&link=a", "Incorrect usernames"),
        ("add&service=20&link=a&usernames=x&quantity=100", "Incorrect hashtags"),
        ("add&service=22&link=a&quantity=100", "Incorrect hashtag"),
        ("add&service=23&link=a&quantity=100", "Incorrect username"),
        ("add&service=24&link=a&quantity=100", "Incorrect media"),
        ("add&service=37&link=a&quantity=100", "Incorrect answer_number"),
        ("add&service=41&link=a&quantity=100", "Incorrect groups"),
        ("add&service=52&link=a&quantity=100", "Incorrect keywords"),
        ("add&service=50&link=a&quantity=100", "Incorrect country"),
        ("add&service=50&link=a&quantity=100&country=US&device=9", "Incorrect device"),
        ("add&service=50&link=a&quantity=100&country=US&device=1", "Incorrect type_of_traffic"),
        (
            "add&service=50&link=a&quantity=100&country=US&device=1&type_of_traffic=2",
            "Incorrect referring_url",
        ),
        ("add&service=25&min=10&max=20", "Incorrect username"),
        ("add&service=25&username=u&max=20", "Incorrect min"),
        ("add&service=25&username=u&min=20&max=19", "Incorrect max"),
        ("add&service=25&username=u&min=10&max=20&delay=9999", "Incorrect delay"),
        ("add&service=25&username=u&min=10&max=20&expiry=31/12/1999", "Incorrect expiry"),
        ("add&service=25&username=u&min=10&max=20&expiry=12/31/2030", "Incorrect expiry"),
        ("add&service=1&link=a&quantity=100&runs=10", "Incorrect interval"),
        ("add&service=1&link=a&quantity=100&interval=10", "Incorrect runs"),
        ("add&service=1&link=a&quantity=100&runs=1001&interval=10", "Incorrect runs"),
        ("add&service=1&link=a&quantity=50000&runs=3&interval=10", "Quantity more than maximum 100000"),
        ("add&service=2&link=a&quantity=100&runs=2&interval=10", "Dripfeed is not supported by this service"),
        ("add&service=1&link=a&quantity=100&max_charge=0.05", "Not enough funds on balance"),
    ] {
        assert_eq!(ask(&mut provider, START, call), json!({"error": error}), "{call}");
    }
    assert!(provider.witnessed_orders(0, 10).is_empty());
    assert_eq!(provider.balance_micros(START), Settings::default().balance_micros);
}

#[test]
fn the_key_is_checked_before_the_action() {
    let mut provider = provider();
    for body in ["key=wrong&action=services", "action=dance", "", "{\"key\":[1],\"action\":\"add\"}"] {
        let answer = json(&provider.handle(START, &post(body)));
        assert_eq!(answer, json!({"error": "Invalid API key"}), "{body}");
    }
    assert_eq!(ask(&mut provider, START, "dance"), json!({"error": "Incorrect request"}));
    assert_eq!(provider.witness().count(Action::Unreadable), 5);
}

#[test]
fn services_are_listed_with_the_contracts_fields() {
    let mut provider = provider();
    let list = ask(&mut provider, START, "services");
    assert_eq!(list.as_array().map(Vec::len), Some(Catalogue::full().services().len()));
    assert_eq!(
        list[0],
        json!({"service":1,"name":"Instagram Followers | Worldwide | 30 Days Refill","type":"Default",
            "rate":"0.90","min":"50","max":"100000","dripfeed":true,"refill":true,"cancel":true,
            "category":"Instagram Followers"})
    );
}

#[test]
fn an_order_is_paid_when_it_is_accepted_and_never_beyond_the_balance() {
    let mut provider = provider_with(Settings { balance_micros: 1_000_000, ..Settings::default() });
    assert_eq!(ask(&mut provider, START, "balance"), json!({"balance":"1.00","currency":"USD"}));
    order(&mut provider, START, "add&service=1&link=a&quantity=1000");
    assert_eq!(ask(&mut provider, START, "balance")["balance"], "0.10");
    let refusal = json!({"error": "Not enough funds on balance"});
    assert_eq!(ask(&mut provider, START, "add&service=1&link=b&quantity=1000"), refusal);
    assert_eq!(ask(&mut provider, START, "add&service=25&username=u&min=10&max=10000"), refusal);
    provider.top_up(START, 5_000_000);
    order(&mut provider, START, "add&service=1&link=b&quantity=1000");
    assert_eq!(ask(&mut provider, START, "balance")["balance"], "4.20");
}

#[test]
fn ids_ascend_from_the_first_and_leave_gaps_for_others() {
    let mut provider = provider_with(Settings { first_order: 23_501, ..Settings::default() });
    let ids: Vec<u64> =
        (0..3).map(|_| order(&mut provider, START, "add&service=1&link=a&quantity=100")).collect();
    assert_eq!(ids, [23_501, 23_502, 23_503]);
    let mut busy = provider_with(Settings { id_gap: 5, ..Settings::default() });
    let ids: Vec<u64> =
        (0..100).map(|_| order(&mut busy, START, "add&service=1&link=a&quantity=100")).collect();
    assert!(ids.windows(2).all(|pair| (1..=6).contains(&(pair[1] - pair[0]))));
    assert!(ids[99] > 200);
    let skipped = (ids[0]..ids[99]).find(|id| !ids.contains(id)).expect("a gap");
    let answer = ask(&mut busy, START, &format!("status&order={skipped}"));
    assert_eq!(answer, json!({"error": "Incorrect order ID"}));
}

#[test]
fn an_idempotency_key_buys_once_where_it_is_honoured() {
    let call = "add&service=1&link=a&quantity=100&request_id=abc";
    let mut forgetful = provider();
    assert_ne!(order(&mut forgetful, START, call), order(&mut forgetful, START, call));
    let mut provider = provider_with(Settings { honours_idempotency_keys: true, ..Settings::default() });
    let first = reply(&mut provider, START, call);
    assert_eq!(reply(&mut provider, START + DAY, call), first);
    assert_eq!(provider.witnessed_orders(0, 10).len(), 1);
    let other = ask(&mut provider, START, "add&service=1&link=a&quantity=200&request_id=abc");
    assert_eq!(other, json!({"error": "Idempotency key was used with other parameters"}));
}

#[test]
fn the_witness_knows_what_arrived_and_what_was_created() {
    let mut provider = provider();
    let id = order(&mut provider, START, "add&service=1&link=https%3A%2F%2Fexample.com%2Fp&quantity=100");
    ask(&mut provider, START, "add&service=1&link=b&quantity=1");
    ask(&mut provider, START, "balance");
    let orders = serde_json::to_value(provider.witnessed_orders(0, 10)).expect("encodes");
    assert_eq!(
        orders,
        json!([{
            "order": id,
            "service": 1,
            "link": "https://example.com/p",
            "quantity": 100,
            "at": "2026-11-21T00:00:00Z"
        }])
    );
    assert_eq!(provider.witness().count(Action::Add), 2);
    assert_eq!(provider.witness().count(Action::Balance), 1);
    let arrivals: Vec<_> =
        provider.witness().arrivals().map(|arrival| (arrival.action, arrival.order)).collect();
    assert_eq!(arrivals, [(Action::Add, Some(id)), (Action::Add, None), (Action::Balance, None)]);
}

#[test]
fn the_same_requests_give_the_same_bytes_on_every_provider_of_one_seed() {
    let run = || {
        let mut provider = provider();
        let mut bytes = Vec::new();
        for step in 0..200 {
            let now = START + step * 20 * MINUTE;
            let call = form(&format!("add&service={}&link=l{step}&quantity=100", 1 + step % 11));
            bytes.extend(provider.handle(now, &post(&call)).body);
            let call = form("status&orders=1,2,3,5,8,13,21,34,55,89,144");
            bytes.extend(provider.handle(now, &post(&call)).body);
        }
        bytes
    };
    assert_eq!(run(), run());
}
