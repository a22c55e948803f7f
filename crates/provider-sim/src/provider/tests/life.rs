//! Plain orders to their ends: delivery, money, refills, cancels, restarts.

use serde_json::{Value, json};

use super::*;
use crate::delivery::Stage;
use crate::money::share_up;
use crate::testing::{ask, order};

fn money(text: &Value) -> i64 {
    let micros = text.as_str().and_then(decimal::parse).expect("an amount");
    i64::try_from(micros).expect("fits")
}

#[test]
fn thousands_of_orders_all_end_and_cost_exactly_what_was_delivered() {
    let mut provider = provider();
    let catalogue = Catalogue::full();
    let singles: Vec<&Service> =
        catalogue.services().iter().filter(|s| s.min >= 10 && !s.link_less).collect();
    let extra = "&usernames=u&hashtags=h&hashtag=h&username=u&media=m&answer_number=1&groups=g&keywords=k\
                 &country=US&device=1&type_of_traffic=3&min=10&max=10";
    let mut charged = Vec::new();
    for number in 0..3_000_u64 {
        let service = singles[usize::try_from(number).expect("small") % singles.len()];
        if service.kind == panelworks_wire::ServiceType::Subscriptions {
            continue;
        }
        let quantity = 100 + number % 400;
        let call = format!("add&service={}&link=l{number}&quantity={quantity}{extra}", service.id);
        let id = order(&mut provider, START, &call);
        let row = ask(&mut provider, START, &format!("status&order={id}"));
        charged.push((id, quantity, money(&row["charge"])));
    }
    let before: i64 = charged.iter().map(|(.., charge)| charge).sum();
    assert_eq!(provider.balance_micros(START), Settings::default().balance_micros - before);
    let mut kept = 0;
    let mut ends = [0; 3];
    for (id, quantity, charge) in charged {
        let view = provider.order(START + 3 * DAY, id).expect("known");
        let delivered = quantity - view.remains;
        match view.word {
            crate::books::Word::Plain(Stage::Completed) => {
                ends[0] += 1;
                assert_eq!(delivered, quantity);
            }
            crate::books::Word::Plain(Stage::Partial) => {
                ends[1] += 1;
                assert!((1..quantity).contains(&delivered));
            }
            crate::books::Word::Plain(Stage::Canceled) => {
                ends[2] += 1;
                assert_eq!(delivered, 0);
            }
            other => panic!("{id} has not ended: {other:?}"),
        }
        assert_eq!(view.charge, share_up(charge, delivered, quantity));
        kept += view.charge;
    }
    assert!(ends.iter().all(|count| *count > 20), "{ends:?}");
    assert_eq!(provider.balance_micros(START + 3 * DAY), Settings::default().balance_micros - kept);
}

#[test]
fn an_order_walks_from_pending_to_completed_with_falling_remains() {
    let mut provider = provider();
    let id = order(&mut provider, START, "add&service=1&link=a&quantity=1000");
    let mut words = Vec::new();
    let mut last = 1_000;
    for minute in 0..180 {
        let row = ask(&mut provider, START + minute * MINUTE, &format!("status&order={id}"));
        let remains: u64 = row["remains"].as_str().and_then(|text| text.parse().ok()).expect("digits");
        assert!(remains <= last);
        last = remains;
        let word = row["status"].as_str().expect("a word").to_owned();
        assert_eq!(row["start_count"] == "0", word == "Pending" || word == "Processing");
        if words.last() != Some(&word) {
            words.push(word);
        }
    }
    assert_eq!(words, ["Pending", "Processing", "In progress", "Completed"]);
    assert_eq!(last, 0);
}

#[test]
fn many_states_come_as_a_map_of_at_most_a_hundred() {
    let mut provider = provider();
    let ids: Vec<u64> = (0..101)
        .map(|n| order(&mut provider, START, &format!("add&service=1&link=l{n}&quantity=100")))
        .collect();
    let list = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    let map = ask(&mut provider, START, &format!("status&orders={list}"));
    assert_eq!(map.as_object().map(serde_json::Map::len), Some(100));
    assert_eq!(map.get("101"), None);
    let map = ask(&mut provider, START, "status&orders=1,%202,,2,999,abc");
    let keys: Vec<&String> = map.as_object().expect("a map").keys().collect();
    assert_eq!(keys, ["1", "2", "999", "abc"]);
    assert_eq!(map["999"], json!({"error": "Incorrect order ID"}));
}

#[test]
fn a_cancel_takes_time_and_then_pays_back_what_was_not_delivered() {
    let mut provider = provider();
    let early = order(&mut provider, START, "add&service=7&link=a&quantity=1000");
    let late = order(&mut provider, START - HOUR, "add&service=7&link=b&quantity=20000");
    let now = START + 90 * MINUTE;
    let before = ask(&mut provider, now, &format!("status&order={late}"));
    assert_eq!(before["status"], "In progress");
    let rows = ask(&mut provider, START, &format!("cancel&orders={early}"));
    assert_eq!(rows, json!([{"order": early, "type": "order", "cancel": 1000}]));
    assert_eq!(ask(&mut provider, now, &format!("cancel&order={late}")), json!({"cancel": 1001}));
    let states = ask(&mut provider, now, "cancel&cancels=1001,7");
    assert_eq!(
        states,
        json!([{"cancel":1001,"status":"Pending"},{"cancel":7,"status":{"error":"Cancel not found"}}])
    );
    let after = now + 2 * HOUR;
    let view = provider.order(after, late).expect("known");
    assert_eq!(view.word, crate::books::Word::Plain(Stage::Partial));
    assert!(view.remains > 0 && view.remains < 20_000);
    assert_eq!(view.charge, share_up(23_000_000, 20_000 - view.remains, 20_000));
    assert_eq!(ask(&mut provider, after, "cancel&cancel=1001"), json!({"status": "Completed"}));
    let sent_before =
        json!([{"order":late,"type":"order","cancel":{"error":"Cancellation request was sent earlier"}}]);
    assert_eq!(ask(&mut provider, after, &format!("cancel&orders={late}")), sent_before);
}

#[test]
fn an_unstarted_order_is_cancelled_whole() {
    let mut provider = provider();
    let ids: Vec<u64> = (0..40)
        .map(|n| order(&mut provider, START, &format!("add&service=4&link=l{n}&quantity=100")))
        .collect();
    for id in &ids {
        ask(&mut provider, START, &format!("cancel&order={id}"));
    }
    let mut canceled = 0;
    for id in ids {
        let view = provider.order(START + DAY, id).expect("known");
        if view.word == crate::books::Word::Plain(Stage::Canceled) {
            canceled += 1;
            assert_eq!((view.charge, view.remains), (0, 100));
        }
    }
    assert!(canceled > 20, "{canceled} of 40");
}

#[test]
fn cancels_are_refused_where_they_are_not_offered_or_come_too_late() {
    let mut provider = provider();
    let fixed = order(&mut provider, START, "add&service=2&link=a&quantity=100");
    let gone = order(&mut provider, START, "add&service=1&link=a&quantity=100");
    let rows = ask(&mut provider, START + DAY, &format!("cancel&orders={fixed},{gone},999,{gone}"));
    let not_available = json!({"error": "Cancel is not available for this order"});
    assert_eq!(rows[0], json!({"order": fixed, "type": "order", "cancel": not_available}));
    assert_eq!(rows[1], json!({"order": gone, "type": "order", "cancel": not_available}));
    assert_eq!(rows[2], json!({"order": 999, "cancel": {"error": "Incorrect order ID"}}));
    assert_eq!(rows[3], rows[1]);
}

#[test]
fn a_repeated_id_acts_once_and_ids_beyond_a_hundred_are_refused() {
    let mut provider = provider();
    for number in 0..102 {
        order(&mut provider, START, &format!("add&service=1&link=l{number}&quantity=100"));
    }
    let list = (1..=102).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    let rows = ask(&mut provider, START, &format!("cancel&orders=5,5,{list}"));
    assert_eq!(rows[0], rows[1]);
    assert_eq!(rows[0]["cancel"], 1000);
    assert_eq!(rows[103]["cancel"], json!({"error": "Maximum 100 IDs per request"}));
    let after = ask(&mut provider, START, "cancel&order=102");
    assert_eq!(after, json!({"cancel": 1100}), "nothing was done for the ids beyond");
}

#[test]
fn a_refill_is_given_a_day_after_completion_and_comes_to_an_end() {
    let mut provider = provider();
    let id = order(&mut provider, START, "add&service=1&link=a&quantity=100");
    let refill = format!("refill&order={id}");
    let error = |text: &str| json!({ "error": text });
    assert_eq!(ask(&mut provider, START, &refill), error("The order is not completed"));
    let early = error("The order was completed or refill was requested less than 24 hours ago");
    assert_eq!(ask(&mut provider, START + 5 * HOUR, &refill), early);
    assert_eq!(ask(&mut provider, START + 2 * DAY, &refill), json!({"refill": "1"}));
    assert_eq!(ask(&mut provider, START + 2 * DAY, "refill_status&refill=1"), json!({"status": "Pending"}));
    let open = error("The refill task is not completed for this order");
    assert_eq!(ask(&mut provider, START + 2 * DAY, &refill), open);
    let end = ask(&mut provider, START + 2 * DAY + 12 * HOUR, "refill_status&refills=1,9");
    assert!(end[0]["status"] == "Completed" || end[0]["status"] == "Rejected");
    assert_eq!(end[1], json!({"refill": 9, "status": {"error": "Refill not found"}}));
    assert_eq!(ask(&mut provider, START + 2 * DAY + 12 * HOUR, &refill), early);
    assert_eq!(ask(&mut provider, START + 4 * DAY, &refill), json!({"refill": "2"}));
    let much_later = error("Refill is not available for this order");
    assert_eq!(ask(&mut provider, START + 100 * DAY, &refill), much_later);
    let none = order(&mut provider, START + 100 * DAY, "add&service=3&link=a&quantity=100");
    let rows = ask(&mut provider, START + 100 * DAY, &format!("refill&orders={none},x"));
    assert_eq!(rows[0], json!({"order": none, "refill": {"error": "Refill is disabled for this service"}}));
    assert_eq!(rows[1], json!({"order": "x", "refill": {"error": "Incorrect order ID"}}));
}

#[test]
fn a_replayed_journal_gives_the_same_books_even_at_another_speed() {
    let mut provider = fast();
    provider.keep_journal(false);
    let mut facts = provider.take_events();
    let mut now = START;
    for step in 0..400_u64 {
        now += 700;
        let call = match step % 8 {
            0 => format!("add&service=1&link=l{step}&quantity=100&runs=5&interval=30"),
            1 => format!("add&service=25&username=u{step}&min=10&max=50&posts=4"),
            2 => format!("cancel&orders={}", step / 2),
            3 => format!("refill&order={}", step / 4),
            _ => format!(
                "add&service={}&link=l{step}&quantity=500",
                [1, 2, 3, 9][usize::try_from(step % 4).unwrap_or(0)]
            ),
        };
        ask(&mut provider, now, &call);
        facts.extend(provider.take_events());
    }
    let journal: Vec<String> =
        facts.iter().map(|fact| serde_json::to_string(fact).expect("encodes")).collect();
    let read_back = journal.iter().map(|line| serde_json::from_str::<Event>(line).expect("reads back"));
    let settings = Settings { seed: 99, balance_micros: 5, speed: Speed::REAL, ..Settings::default() };
    let mut restored = Provider::restore(Catalogue::full(), settings, read_back);
    for moment in [now, now + HOUR, now + 40 * DAY] {
        assert_eq!(restored.balance_micros(moment), provider.balance_micros(moment));
        for id in 1..provider.books.next_order() + 2 {
            assert_eq!(restored.order(moment, id), provider.order(moment, id), "order {id}");
        }
        for id in 1..200 {
            let call = format!("cancel&cancels={}", 999 + id);
            assert_eq!(ask(&mut restored, moment, &call), ask(&mut provider, moment, &call));
            let call = format!("refill_status&refill={id}");
            assert_eq!(ask(&mut restored, moment, &call), ask(&mut provider, moment, &call));
        }
    }
    assert_eq!(restored.witnessed_orders(0, usize::MAX), provider.witnessed_orders(0, usize::MAX));
    assert_eq!(restored.witness().count(Action::Add), provider.witness().count(Action::Add));
}

#[test]
fn a_clock_that_goes_back_changes_nothing() {
    let mut provider = provider();
    let id = order(&mut provider, START, "add&service=1&link=a&quantity=100");
    let call = format!("status&order={id}");
    let then = ask(&mut provider, START + DAY, &call);
    assert_eq!(ask(&mut provider, START, &call), then);
}
