//! Reading: `services`, `balance`, `status`, `refill_status`, the state of cancels. Exact bodies.

use panelworks_core::command::Command;
use panelworks_core::customer::Switches;
use panelworks_core::ids::OrderId;
use panelworks_core::provider::SeenStatus;
use panelworks_core::time::Span;

use crate::shop::{Shop, error};

#[tokio::test]
async fn the_balance_is_a_string_with_its_currency() {
    let shop = Shop::open().await;
    assert_eq!(shop.anna("action=balance").await.json(), r#"{"balance":"100.84292","currency":"USD"}"#);
}

#[tokio::test]
async fn services_are_listed_in_the_seeds_form_without_the_disabled_ones() {
    let shop = Shop::open().await;
    let told = shop.anna("action=services").await;
    let first = concat!(
        r#"[{"service":1,"name":"Default","type":"Default","category":"First Category","rate":"0.90","#,
        r#""min":"50","max":"10000","dripfeed":true,"refill":true,"cancel":true},"#
    );
    assert!(told.json().starts_with(first), "{:.300}", told.body);
    assert!(!told.body.contains("\"service\":18,"), "disabled");
    assert!(told.body.contains(r#""type":"Custom Comments Package""#));
    assert!(told.body.contains(r#""service":10,"name":"Package","type":"Package","category":"First Category","rate":"0.90","min":"1","max":"1","#));
    assert_eq!(told.body.matches("\"service\":").count(), 20);
}

#[tokio::test]
async fn a_described_list_is_for_accounts_with_the_switch() {
    let shop = Shop::open().await;
    let key = shop.customer(Switches { descriptions: true, ..Switches::default() }).await;
    let told = shop.form(&format!("key={key}&action=services")).await;
    assert!(told.json().contains(r#""desc":"Slow and steady","description":"Slow and steady""#));
    assert!(!shop.anna("action=services").await.body.contains("desc"));
}

#[tokio::test]
async fn a_status_carries_all_five_fields_from_the_first_moment_on() {
    let shop = Shop::open().await;
    let order = shop.order("service=1&link=a&quantity=309").await;
    let status = format!("action=status&order={order}");
    assert_eq!(
        shop.anna(&status).await.json(),
        r#"{"charge":"0.2781","start_count":"0","status":"Pending","remains":"309","currency":"USD"}"#
    );
    shop.accept(order).await;
    assert_eq!(
        shop.anna(&status).await.json(),
        r#"{"charge":"0.2781","start_count":"0","status":"Processing","remains":"309","currency":"USD"}"#
    );
    shop.observe(order, SeenStatus::InProgress, 3_572, 200).await;
    assert_eq!(
        shop.anna(&status).await.json(),
        r#"{"charge":"0.2781","start_count":"3572","status":"In progress","remains":"200","currency":"USD"}"#
    );
    shop.observe(order, SeenStatus::Partial, 3_572, 157).await;
    assert_eq!(
        shop.anna(&status).await.json(),
        r#"{"charge":"0.1368","start_count":"3572","status":"Partial","remains":"157","currency":"USD"}"#
    );
}

#[tokio::test]
async fn many_orders_are_a_map_by_the_ids_as_sent() {
    let shop = Shop::open().await;
    let order = shop.completed("service=1&link=a&quantity=100").await;
    let row = r#"{"charge":"0.09","start_count":"10","status":"Completed","remains":"0","currency":"USD"}"#;
    let unknown = r#"{"error":"Incorrect order ID"}"#;
    let cases = [
        (format!("orders={order}"), format!(r#"{{"1":{row}}}"#)),
        (
            format!("orders= {order} ,, 10,100,{order},"),
            format!(r#"{{"1":{row},"10":{unknown},"100":{unknown}}}"#),
        ),
        (format!("order={order},10"), format!(r#"{{"1":{row},"10":{unknown}}}"#)),
        (format!("orders[]=10&orders[]={order}"), format!(r#"{{"10":{unknown},"1":{row}}}"#)),
        (
            "orders=abc,-1,1.0,99999999999999999999".to_owned(),
            format!(r#"{{"abc":{unknown},"-1":{unknown},"1.0":{unknown},"99999999999999999999":{unknown}}}"#),
        ),
        (format!("orders=10&order={order}"), format!(r#"{{"10":{unknown}}}"#)),
        (format!("order_id={order}"), row.to_owned()),
        ("orders=".to_owned(), unknown.to_owned()),
        (String::new(), unknown.to_owned()),
        ("order=0".to_owned(), unknown.to_owned()),
        ("order=%2B1".to_owned(), unknown.to_owned()),
        ("order=4294967297".to_owned(), unknown.to_owned()),
    ];
    for (ids, expected) in cases {
        assert_eq!(shop.anna(&format!("action=status&{ids}")).await.json(), expected, "{ids}");
    }
}

/// Shows C5.
#[tokio::test]
async fn beyond_a_hundred_distinct_ids_a_status_map_leaves_the_rest_out() {
    let shop = Shop::open().await;
    let ids: Vec<String> = (1..=150).map(|id| id.to_string()).collect();
    let told = shop.anna(&format!("action=status&orders={}", ids.join(","))).await;
    assert_eq!(told.json().matches("Incorrect order ID").count(), 100);
    assert!(told.body.contains("\"100\":") && !told.body.contains("\"101\":"));
    let commas = ",".repeat(100_000);
    assert_eq!(
        shop.anna(&format!("action=status&orders={commas}7")).await.json(),
        r#"{"7":{"error":"Incorrect order ID"}}"#
    );
}

/// Shows C8.
#[tokio::test]
async fn a_strangers_order_answers_as_an_unknown_one() {
    let shop = Shop::open().await;
    let order = shop.completed("service=1&link=a&quantity=100").await;
    shop.pass(Span::hours(25));
    for (call, foreign, unknown) in [
        ("status", format!("order={order}"), "order=999".to_owned()),
        ("refill", format!("order={order}"), "order=999".to_owned()),
        ("cancel", format!("order={order}"), "order=999".to_owned()),
    ] {
        let foreign = shop.bert(&format!("action={call}&{foreign}")).await;
        let unknown = shop.bert(&format!("action={call}&{unknown}")).await;
        assert_eq!(foreign.json(), error("Incorrect order ID"));
        assert_eq!(foreign.body, unknown.body);
    }
    let map = shop.bert(&format!("action=status&orders={order}")).await;
    assert_eq!(map.json(), r#"{"1":{"error":"Incorrect order ID"}}"#);
    let rows = shop.bert(&format!("action=cancel&orders={order}")).await;
    assert_eq!(
        rows.json(),
        r#"[{"order":1,"cancel":{"error":"Incorrect order ID"}}]"#,
        "no type: that would tell"
    );
    assert!(shop.anna(&format!("action=refill&order={order}")).await.json().starts_with("{\"refill\""));
    assert_eq!(shop.bert("action=refill_status&refill=1").await.json(), error("Refill not found"));
    assert_eq!(shop.bert("action=cancel_status&cancel=1000").await.json(), error("Cancel not found"));
}

#[tokio::test]
async fn a_drip_feed_adds_its_runs_to_the_five_fields() {
    let shop = Shop::open().await;
    let parent = shop.order("service=1&link=a&quantity=100&runs=10&interval=5").await;
    assert_eq!(
        shop.anna(&format!("action=status&order={parent}")).await.json(),
        concat!(
            r#"{"charge":"0.90","start_count":"0","status":"Pending","remains":"1000","currency":"USD","#,
            r#""runs":"1","orders":["2"]}"#
        )
    );
    assert_eq!(
        shop.anna("action=status&order=2").await.json(),
        r#"{"charge":"0.09","start_count":"0","status":"Pending","remains":"100","currency":"USD"}"#
    );
}

#[tokio::test]
async fn a_drip_feed_that_stopped_midway_is_partial_or_completed_by_the_accounts_switch() {
    let shop = Shop::open().await;
    let key = shop.customer(Switches { dripfeed_partial_as_completed: true, ..Switches::default() }).await;
    for (key, word) in [(crate::shop::ANNA, "Partial"), (key.as_str(), "Completed")] {
        let add = format!("key={key}&action=add&service=1&link=a&quantity=100&runs=10&interval=5");
        let told = shop.form(&add).await;
        let parent: u32 = told.body["{\"order\":".len()..told.body.len() - 1].parse().expect("an id");
        shop.accept(parent + 1).await;
        shop.observe(parent + 1, SeenStatus::Completed, 1, 0).await;
        let cancel = shop.form(&format!("key={key}&action=cancel&order={parent}")).await;
        assert!(cancel.json().starts_with("{\"cancel\":"), "{}", cancel.body);
        let told = shop.form(&format!("key={key}&action=status&order={parent}")).await;
        assert_eq!(
            told.json(),
            format!(
                r#"{{"charge":"0.09","start_count":"0","status":"{word}","remains":"900","currency":"USD","runs":"1","orders":["{}"]}}"#,
                parent + 1
            )
        );
    }
}

#[tokio::test]
async fn a_subscription_adds_its_posts_and_its_last_day() {
    let shop = Shop::open().await;
    let order = shop.order("service=16&username=u&min=10&max=20&posts=3&expiry=31/12/2026").await;
    assert_eq!(
        shop.anna(&format!("action=status&order={order}")).await.json(),
        concat!(
            r#"{"charge":"0.018","start_count":"0","status":"Active","remains":"0","currency":"USD","#,
            r#""posts":"0","expiry":"31/12/2026","orders":[]}"#
        )
    );
    let endless = shop.order("service=16&username=v&min=10&max=20").await;
    let told = shop.anna(&format!("action=status&order={endless}")).await;
    assert!(told.json().ends_with(r#""posts":"0","expiry":null,"orders":[]}"#), "{}", told.body);
}

#[tokio::test]
async fn the_state_of_a_refill_is_told_singly_and_as_rows() {
    let shop = Shop::open().await;
    let order = shop.completed("service=1&link=a&quantity=100").await;
    shop.pass(Span::hours(25));
    assert_eq!(shop.anna(&format!("action=refill&order={order}")).await.json(), r#"{"refill":"1"}"#);
    assert_eq!(shop.anna("action=refill_status&refill=1").await.json(), r#"{"status":"Pending"}"#);
    assert_eq!(
        shop.anna("action=refill_status&refills=1,3,x,1").await.json(),
        concat!(
            r#"[{"refill":1,"status":"Pending"},{"refill":3,"status":{"error":"Refill not found"}},"#,
            r#"{"refill":"x","status":{"error":"Refill not found"}},{"refill":1,"status":"Pending"}]"#
        )
    );
    assert_eq!(shop.anna("action=refill_status").await.json(), error("Refill not found"));
    let answer = panelworks_core::order::refill::RefillAnswer::Refused;
    let refill = panelworks_core::ids::RefillId(1);
    shop.command(Command::AnswerRefill { order: OrderId(order), refill, answer }).await.expect("open");
    assert_eq!(shop.anna("action=refill_status&refill=1").await.json(), r#"{"status":"Rejected"}"#);
}

#[tokio::test]
async fn the_state_of_a_cancel_is_told_under_both_names_of_the_action() {
    let shop = Shop::open().await;
    let unsent = shop.order("service=1&link=a&quantity=100").await;
    let sent = shop.order("service=1&link=b&quantity=100").await;
    shop.accept(sent).await;
    assert_eq!(shop.anna(&format!("action=cancel&order={unsent}")).await.json(), r#"{"cancel":1000}"#);
    assert_eq!(shop.anna(&format!("action=cancel&order={sent}")).await.json(), r#"{"cancel":1001}"#);
    for action in ["cancel", "cancel_status"] {
        assert_eq!(
            shop.anna(&format!("action={action}&cancels=1000,1001,3")).await.json(),
            concat!(
                r#"[{"cancel":1000,"status":"Completed"},{"cancel":1001,"status":"Pending"},"#,
                r#"{"cancel":3,"status":{"error":"Cancel not found"}}]"#
            )
        );
        assert_eq!(
            shop.anna(&format!("action={action}&cancel=1000")).await.json(),
            r#"{"status":"Completed"}"#
        );
        assert_eq!(shop.anna(&format!("action={action}&cancel=7")).await.json(), error("Cancel not found"));
    }
}
