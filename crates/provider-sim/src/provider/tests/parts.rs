//! Drip-feeds and subscriptions that the provider carries out by itself.

use serde_json::{Value, json};

use super::*;
use crate::books::{Child, Word};
use crate::delivery::Stage;
use crate::testing::{ask, order};

fn status(provider: &mut Provider, now: i64, id: u64) -> Value {
    ask(provider, now, &format!("status&order={id}"))
}

fn children(row: &Value) -> Vec<u64> {
    let ids = row["orders"].as_array().expect("a list");
    ids.iter().map(|id| id.as_str().and_then(|id| id.parse().ok()).expect("an id")).collect()
}

#[test]
fn a_drip_feed_is_charged_at_once_and_runs_at_its_interval() {
    let mut provider = provider();
    let before = provider.balance_micros(START);
    let id = order(&mut provider, START, "add&service=1&link=a&quantity=100&runs=4&interval=120");
    assert_eq!(provider.balance_micros(START), before - 360_000);
    for (hours, runs) in [(0, 1), (1, 1), (2, 2), (5, 3), (6, 4), (30, 4)] {
        let row = status(&mut provider, START + hours * HOUR, id);
        assert_eq!(row["runs"], runs.to_string(), "after {hours} hours");
        assert_eq!(children(&row).len(), runs);
    }
    let row = status(&mut provider, START + 30 * HOUR, id);
    assert_eq!(
        (&row["status"], &row["remains"], &row["charge"]),
        (&json!("Completed"), &json!("0"), &json!("0.36"))
    );
    for child in children(&row) {
        let row = status(&mut provider, START + 30 * HOUR, child);
        assert_eq!((&row["status"], &row["charge"]), (&json!("Completed"), &json!("0.09")));
    }
    assert_eq!(provider.witnessed_orders(0, 10).len(), 1, "runs are no orders of a customer");
}

#[test]
fn runs_are_made_when_they_were_due_and_not_when_somebody_asked() {
    let mut asked_often = provider();
    let mut asked_once = provider();
    let call = "add&service=3&link=a&quantity=100&runs=6&interval=60";
    let id = order(&mut asked_often, START, call);
    assert_eq!(order(&mut asked_once, START, call), id);
    for minute in 0..1_500 {
        status(&mut asked_often, START + minute * MINUTE, id);
    }
    let end = START + 1_500 * MINUTE;
    for id in id..id + 7 {
        assert_eq!(asked_often.order(end, id), asked_once.order(end, id));
    }
    assert_eq!(asked_often.balance_micros(end), asked_once.balance_micros(end));
}

#[test]
fn a_drip_feed_keeps_only_the_charge_of_what_its_runs_delivered() {
    let mut provider = provider();
    let opening = provider.balance_micros(START);
    let ids: Vec<u64> = (0..200)
        .map(|n| {
            order(&mut provider, START, &format!("add&service=3&link=l{n}&quantity=101&runs=3&interval=7"))
        })
        .collect();
    let end = START + 5 * DAY;
    let mut kept = 0;
    let mut words = std::collections::HashSet::new();
    for id in ids {
        let view = provider.order(end, id).expect("known");
        let Child::Runs(runs) = &view.child else { panic!("no drip-feed") };
        let of_runs: i64 = runs.iter().map(|run| provider.order(end, *run).expect("known").charge).sum();
        let remains: u64 = runs.iter().map(|run| provider.order(end, *run).expect("known").remains).sum();
        assert_eq!((view.charge, view.remains), (of_runs, remains));
        words.insert(format!("{:?}", view.word));
        kept += view.charge;
    }
    assert_eq!(provider.balance_micros(end), opening - kept);
    assert!(words.len() >= 2, "{words:?}");
}

#[test]
fn cancelling_a_drip_feed_pays_back_the_runs_not_made() {
    let mut provider = provider();
    let id = order(&mut provider, START, "add&service=1&link=a&quantity=100&runs=10&interval=240");
    let rows = ask(&mut provider, START + 5 * HOUR, &format!("cancel&orders={id}"));
    assert_eq!(rows, json!([{"order": id, "type": "dripfeed", "cancel": 1000}]));
    let row = status(&mut provider, START + 20 * HOUR, id);
    assert_eq!(row["runs"], "2");
    assert_eq!(
        (&row["status"], &row["remains"], &row["charge"]),
        (&json!("Partial"), &json!("800"), &json!("0.18"))
    );
    assert_eq!(ask(&mut provider, START + 20 * HOUR, "cancel&cancel=1000"), json!({"status": "Completed"}));
}

#[test]
fn a_passed_on_post_is_served_and_then_the_subscription_is_over() {
    let mut provider = provider();
    let opening = provider.balance_micros(START);
    let id = order(&mut provider, START, "add&service=25&username=anna&min=20&max=80&posts=1&delay=30");
    assert_eq!(provider.balance_micros(START), opening, "each post is charged when it is made");
    let row = status(&mut provider, START, id);
    assert_eq!(row["status"], "Active");
    assert_eq!((&row["posts"], &row["expiry"], &row["orders"]), (&json!("0"), &Value::Null, &json!([])));
    let row = status(&mut provider, START + 2 * DAY, id);
    assert_eq!((&row["status"], &row["posts"]), (&json!("Completed"), &json!("1")));
    let post = provider.order(START + 2 * DAY, children(&row)[0]).expect("known");
    assert!((20..=80).contains(&post.quantity));
    assert_eq!(provider.balance_micros(START + 2 * DAY), opening - post.charge);
    assert_eq!(row["charge"], decimal::format(post.charge.into()));
}

#[test]
fn a_subscription_is_not_called_completed_while_its_last_post_is_under_way() {
    let mut provider = provider();
    let id = order(&mut provider, START, "add&service=25&username=anna&min=20&max=80&posts=2");
    for minute in 0..3_000 {
        let view = provider.order(START + minute * MINUTE, id).expect("known");
        let Child::Posts { orders, .. } = &view.child else { panic!("no subscription") };
        let now = START + minute * MINUTE;
        let all_over = orders.len() == 2
            && orders.iter().all(|post| provider.order(now, *post).expect("known").is_over());
        assert_eq!(view.word == Word::Plain(Stage::Completed), all_over);
    }
}

#[test]
fn old_posts_are_served_at_once_and_not_counted() {
    let mut provider = provider();
    let id = order(&mut provider, START, "add&service=25&username=anna&min=20&max=80&posts=2&old_posts=3");
    let row = status(&mut provider, START, id);
    assert_eq!((children(&row).len(), &row["posts"]), (3, &json!("0")));
    let row = status(&mut provider, START + 5 * DAY, id);
    assert_eq!((children(&row).len(), &row["posts"]), (5, &json!("2")));
}

#[test]
fn a_subscription_expires_with_its_day_or_stops_when_cancelled() {
    let mut provider = provider();
    let short = order(&mut provider, START, "add&service=25&username=a&min=10&max=20&expiry=22/11/2026");
    let endless = order(&mut provider, START, "add&service=26&username=b&min=10&max=20");
    assert_eq!(status(&mut provider, START, short)["expiry"], "22/11/2026");
    let rows = ask(&mut provider, START + DAY, &format!("cancel&orders={endless}"));
    assert_eq!(rows[0]["type"], "subscription");
    let unserved =
        order(&mut provider, START + 5 * DAY, "add&service=26&username=c&min=10&max=20&delay=1440");
    ask(&mut provider, START + 5 * DAY, &format!("cancel&order={unserved}"));
    let end = START + 9 * DAY;
    let made = children(&status(&mut provider, end, short));
    assert!(made.len() >= 4);
    assert_eq!(status(&mut provider, end, short)["status"], "Expired");
    assert_eq!(status(&mut provider, end, endless)["status"], "Expired", "posts were made");
    assert_eq!(status(&mut provider, end, unserved)["status"], "Canceled", "no post was made");
    assert_eq!(children(&status(&mut provider, end + 30 * DAY, short)), made);
}

#[test]
fn a_subscription_pauses_without_money_and_expires_at_last() {
    let mut provider = provider_with(Settings { balance_micros: 10_000, ..Settings::default() });
    let id = order(&mut provider, START, "add&service=25&username=a&min=20&max=20");
    let row = status(&mut provider, START + 5 * DAY, id);
    assert_eq!((&row["status"], &row["posts"]), (&json!("Paused"), &json!("1")));
    provider.top_up(START + 5 * DAY, 8_400);
    let row = status(&mut provider, START + 7 * DAY, id);
    assert_eq!((&row["status"], &row["posts"]), (&json!("Paused"), &json!("2")));
    assert_eq!(status(&mut provider, START + 60 * DAY, id)["status"], "Expired");
}
