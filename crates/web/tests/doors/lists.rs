//! `refill` and `cancel`: single answers, rows in request order, and every refusal in its words.

use panelworks_core::customer::Switches;
use panelworks_core::provider::SeenStatus;
use panelworks_core::time::Span;

use crate::shop::{BARE, MANUAL, Shop, error};

#[tokio::test]
async fn refills_are_rows_in_request_order_and_a_repeated_id_asks_once() {
    let shop = Shop::open().await;
    for link in ["a", "b"] {
        shop.completed(&format!("service=1&link={link}&quantity=100")).await;
    }
    shop.pass(Span::hours(25));
    assert_eq!(
        shop.anna("action=refill&orders=2,3,1,2,x").await.json(),
        concat!(
            r#"[{"order":2,"refill":1},{"order":3,"refill":{"error":"Incorrect order ID"}},{"order":1,"refill":2},"#,
            r#"{"order":2,"refill":1},{"order":"x","refill":{"error":"Incorrect order ID"}}]"#
        )
    );
    assert_eq!(
        shop.anna("action=refill&orders=1").await.json(),
        r#"[{"order":1,"refill":{"error":"The refill task is not completed for this order"}}]"#
    );
}

#[tokio::test]
async fn every_refusal_of_a_refill_is_said_in_its_words() {
    let shop = Shop::open().await;
    let open = shop.order("service=1&link=a&quantity=100").await;
    let fresh = shop.completed("service=1&link=b&quantity=100").await;
    let off = shop.completed(&format!("service={BARE}&link=c&quantity=100")).await;
    let drip = shop.order("service=1&link=d&quantity=100&runs=2&interval=5").await;
    let refill = |order: u32| {
        let shop = &shop;
        async move { shop.anna(&format!("action=refill&order={order}")).await.json().to_owned() }
    };
    assert_eq!(refill(open).await, error("The order is not completed"));
    let early = "The order was completed or refill was requested less than 24 hours ago";
    assert_eq!(refill(fresh).await, error(early));
    assert_eq!(refill(off).await, error("Refill is disabled for this service"));
    assert_eq!(refill(drip).await, error("Refill is not available for this order"));
    assert_eq!(refill(999).await, error("Incorrect order ID"));
    assert_eq!(shop.anna("action=refill").await.json(), error("Incorrect order ID"));
    shop.pass(Span::days(31));
    assert_eq!(refill(fresh).await, error("Refill is not available for this order"), "outside the guarantee");
}

#[tokio::test]
async fn a_clones_names_for_the_order_of_a_refill_are_understood() {
    let shop = Shop::open().await;
    shop.completed("service=1&link=a&quantity=100").await;
    shop.pass(Span::hours(25));
    assert_eq!(shop.anna("action=refill&refill=1").await.json(), r#"{"refill":"1"}"#);
}

#[tokio::test]
async fn cancels_are_rows_with_the_kind_of_the_callers_own_orders() {
    let shop = Shop::open().await;
    let plain = shop.order("service=1&link=a&quantity=100").await;
    let drip = shop.order("service=1&link=b&quantity=100&runs=2&interval=5").await;
    let subscription = shop.order("service=16&username=u&min=10&max=20").await;
    let done = shop.completed("service=1&link=c&quantity=100").await;
    let ids = format!("9999,{plain},{drip},{subscription},{done},{plain},x");
    assert_eq!(
        shop.anna(&format!("action=cancel&orders={ids}")).await.json(),
        format!(
            concat!(
                r#"[{{"order":9999,"cancel":{{"error":"Incorrect order ID"}}}},"#,
                r#"{{"order":{plain},"type":"order","cancel":1000}},"#,
                r#"{{"order":{drip},"type":"dripfeed","cancel":1001}},"#,
                r#"{{"order":{subscription},"type":"subscription","cancel":{third}}},"#,
                r#"{{"order":{done},"type":"order","cancel":{{"error":"Cancel is not available for this order"}}}},"#,
                r#"{{"order":{plain},"type":"order","cancel":1000}},"#,
                r#"{{"order":"x","cancel":{{"error":"Incorrect order ID"}}}}]"#
            ),
            plain = plain,
            drip = drip,
            subscription = subscription,
            done = done,
            // Cancelling a drip-feed asks for its run as well.
            third = 1003,
        )
    );
    let again = shop.anna(&format!("action=cancel&orders={subscription}")).await;
    assert_eq!(
        again.json(),
        format!(
            r#"[{{"order":{subscription},"type":"subscription","cancel":{{"error":"Cancellation request was sent earlier"}}}}]"#
        )
    );
}

#[tokio::test]
async fn one_cancel_is_answered_with_its_id_or_its_error() {
    let shop = Shop::open().await;
    let order = shop.order(&format!("service={MANUAL}&link=a&quantity=100")).await;
    let bare = shop.order(&format!("service={BARE}&link=a&quantity=100")).await;
    assert_eq!(shop.anna(&format!("action=cancel&order={order}")).await.json(), r#"{"cancel":1000}"#);
    let again = shop.anna(&format!("action=cancel&order={order}")).await;
    assert_eq!(again.json(), error("Cancellation request was sent earlier"));
    let off = shop.anna(&format!("action=cancel&order={bare}")).await;
    assert_eq!(off.json(), error("Cancel is not available for this order"));
    assert_eq!(shop.anna("action=cancel").await.json(), error("Incorrect order ID"));
    assert_eq!(shop.anna("action=cancel&orders=,").await.json(), error("Incorrect order ID"));
}

#[tokio::test]
async fn what_was_not_yet_sent_is_cancelled_at_once_with_everything_back() {
    let shop = Shop::open().await;
    let order = shop.order("service=1&link=a&quantity=100").await;
    shop.anna(&format!("action=cancel&order={order}")).await;
    assert_eq!(
        shop.anna(&format!("action=status&order={order}")).await.json(),
        r#"{"charge":"0.00","start_count":"0","status":"Canceled","remains":"100","currency":"USD"}"#
    );
    assert_eq!(shop.anna("action=balance").await.json(), r#"{"balance":"100.84292","currency":"USD"}"#);
}

#[tokio::test]
async fn an_account_whose_software_knows_the_first_seed_only_gets_its_form() {
    let shop = Shop::open().await;
    let key = shop.customer(Switches { cancel_answers_one: true, ..Switches::default() }).await;
    let add = shop.form(&format!("key={key}&action=add&service=1&link=a&quantity=100")).await;
    assert_eq!(add.json(), r#"{"order":1}"#);
    let told = shop.form(&format!("key={key}&action=cancel&orders=9,1")).await;
    assert_eq!(
        told.json(),
        r#"[{"order":9,"cancel":{"error":"Incorrect order ID"}},{"order":1,"cancel":1}]"#
    );
}

/// Shows C5.
#[tokio::test]
async fn beyond_a_hundred_distinct_ids_each_row_says_so_and_nothing_is_done() {
    let shop = Shop::open().await;
    let last = shop.order("service=1&link=a&quantity=100").await;
    let ids: Vec<String> = (1_000..1_100).map(|id| id.to_string()).collect();
    for (action, field) in [("refill", "refill"), ("cancel", "cancel")] {
        let told = shop.anna(&format!("action={action}&orders={},{last}", ids.join(","))).await;
        let row = format!(r#"{{"order":{last},"{field}":{{"error":"Maximum 100 IDs per request"}}}}]"#);
        assert!(told.json().ends_with(&row), "{:.200}", &told.body[told.body.len() - 200..]);
        assert_eq!(told.body.matches("\"order\":").count(), 101);
    }
    for (action, list, field) in [("refill_status", "refills", "refill"), ("cancel", "cancels", "cancel")] {
        let told = shop.anna(&format!("action={action}&{list}={},7", ids.join(","))).await;
        let row = format!(r#"{{"{field}":7,"status":{{"error":"Maximum 100 IDs per request"}}}}]"#);
        assert!(told.json().ends_with(&row), "{:.200}", &told.body[told.body.len() - 200..]);
    }
    let status = shop.anna(&format!("action=status&order={last}")).await;
    assert!(status.json().contains("Pending"), "nothing was done for the 101st");
}

#[tokio::test]
async fn a_cancel_of_a_sent_order_waits_for_the_provider() {
    let shop = Shop::open().await;
    let order = shop.order("service=1&link=a&quantity=100").await;
    shop.accept(order).await;
    assert_eq!(shop.anna(&format!("action=cancel&order={order}")).await.json(), r#"{"cancel":1000}"#);
    let told = shop.anna(&format!("action=status&order={order}")).await;
    assert!(told.json().contains(r#""status":"Processing""#));
    shop.observe(order, SeenStatus::Canceled, 5, 100).await;
    assert_eq!(shop.anna("action=cancel_status&cancel=1000").await.json(), r#"{"status":"Completed"}"#);
    assert_eq!(shop.anna("action=balance").await.json(), r#"{"balance":"100.84292","currency":"USD"}"#);
}
