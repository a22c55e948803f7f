//! `add`: every type is accepted, every error of the contract is said in its exact words, money is right.

use panelworks_core::customer::{Standing, Switches};
use panelworks_core::ids::CustomerId;

use crate::shop::{ANNA, BARE, DISABLED, LINKLESS, Shop, error};

#[tokio::test]
async fn every_service_type_takes_an_order_with_its_own_parameters() {
    let shop = Shop::open().await;
    let calls = [
        "service=1&link=l1&quantity=100",
        "service=2&link=l2&quantity=100&keywords=a%0Ab",
        "service=3&link=l3&comments=a%0Ab%0Ac",
        "service=4&link=l4&quantity=100&usernames=a%0Ab&hashtags=c",
        "service=5&link=l5&usernames=a%0D%0Ab",
        "service=6&link=l6&quantity=100&hashtag=%23tag",
        "service=7&link=l7&quantity=100&username=https://example.com/u",
        "service=8&link=l8&quantity=100&media=https://example.com/m",
        "service=9&link=l9&quantity=100&usernames=a",
        "service=10&link=l10",
        "service=11&link=l11&comments=a",
        "service=12&link=l12&quantity=100&username=u",
        "service=13&link=l13&quantity=100&answer_number=2",
        "service=14&link=l14&comments=a&username=u",
        "service=15&link=l15&quantity=100&groups=g1%0Ag2",
        "service=16&username=u&min=10&max=20&posts=3&delay=5&expiry=31/12/2026",
        "service=17&link=l17&quantity=100&country=US&device=5&type_of_traffic=1&google_keyword=k",
        "service=20&quantity=100",
    ];
    for (place, call) in calls.into_iter().enumerate() {
        let told = shop.anna(&format!("action=add&{call}")).await;
        assert_eq!(told.json(), format!("{{\"order\":{}}}", place + 1), "{call}");
    }
}

#[tokio::test]
async fn the_charge_is_taken_at_once_and_to_the_micro_unit() {
    let shop = Shop::open().await;
    shop.order("service=1&link=a&quantity=309").await;
    // 100.84292 - 0.2781
    assert_eq!(shop.anna("action=balance").await.json(), r#"{"balance":"100.56482","currency":"USD"}"#);
    shop.order("service=10&link=a").await;
    assert_eq!(shop.anna("action=balance").await.json(), r#"{"balance":"99.66482","currency":"USD"}"#);
    shop.order("service=1&link=b&quantity=100&runs=10&interval=5").await;
    assert_eq!(shop.anna("action=balance").await.json(), r#"{"balance":"98.76482","currency":"USD"}"#);
}

#[tokio::test]
async fn every_refusal_is_said_in_its_exact_words_and_takes_nothing() {
    let shop = Shop::open().await;
    let lines = "a%0A".repeat(10_001);
    let long_link = "x".repeat(10_240);
    let table: Vec<(String, &str)> = [
        ("", "Incorrect service ID"),
        ("service=", "Incorrect service ID"),
        ("service=999&link=a&quantity=100", "Incorrect service ID"),
        ("service=x&link=a&quantity=100", "Incorrect service ID"),
        ("service=-1&link=a&quantity=100", "Incorrect service ID"),
        ("service=1.0&link=a&quantity=100", "Incorrect service ID"),
        ("service=4294967297&link=a&quantity=100", "Incorrect service ID"),
        ("service=99999999999999999999&link=a&quantity=100", "Incorrect service ID"),
        ("service=1&quantity=100", "Bad link"),
        ("service=1&link=+&quantity=100", "Bad link"),
        ("service=1&link=null&quantity=100", "Bad link"),
        ("service=1&link=a%00b&quantity=100", "Bad link"),
        ("service=1&link=a%0Ab&quantity=100", "Bad link"),
        ("service=1&link=%FFa&quantity=100", "Bad link"),
        ("service=1&link=<script>alert(1)</script>&quantity=100", "Bad link"),
        ("service=1&link=a", "Incorrect quantity"),
        ("service=1&link=a&quantity=x", "Incorrect quantity"),
        ("service=1&link=a&quantity=-5", "Incorrect quantity"),
        ("service=1&link=a&quantity=%2B100", "Incorrect quantity"),
        ("service=1&link=a&quantity=100.0", "Incorrect quantity"),
        ("service=1&link=a&quantity=1,000", "Incorrect quantity"),
        ("service=1&link=a&quantity=1e3", "Incorrect quantity"),
        ("service=1&link=a&quantity=0x64", "Incorrect quantity"),
        ("service=1&link=a&quantity=%D9%A1%D9%A0%D9%A0", "Incorrect quantity"),
        ("service=1&link=a&quantity=99999999999999999999", "Incorrect quantity"),
        ("service=1&link=a&quantity[]=100&quantity[]=200", "Incorrect quantity"),
        ("service=1&link=a&quantity=49", "Quantity less than minimal 50"),
        ("service=1&link=a&quantity=10001", "Quantity more than maximum 10000"),
        ("service=1&link=a&quantity=9223372036854775808", "Quantity more than maximum 10000"),
        ("service=3&link=a", "Incorrect comments"),
        ("service=3&link=a&comments=%0A%0D%0A+%0A", "Incorrect comments"),
        ("service=11&link=a", "Incorrect comments"),
        ("service=2&link=a&quantity=100", "Incorrect keywords"),
        ("service=4&link=a&quantity=100&hashtags=h", "Incorrect usernames"),
        ("service=4&link=a&quantity=100&usernames=u", "Incorrect hashtags"),
        ("service=5&link=a", "Incorrect usernames"),
        ("service=6&link=a&quantity=100", "Incorrect hashtag"),
        ("service=7&link=a&quantity=100", "Incorrect username"),
        ("service=8&link=a&quantity=100", "Incorrect media"),
        ("service=13&link=a&quantity=100", "Incorrect answer_number"),
        ("service=15&link=a&quantity=100", "Incorrect groups"),
        ("service=17&link=a&quantity=100&device=1&type_of_traffic=3", "Incorrect country"),
        ("service=17&link=a&quantity=100&country=US&type_of_traffic=3", "Incorrect device"),
        ("service=17&link=a&quantity=100&country=US&device=9&type_of_traffic=3", "Incorrect device"),
        ("service=17&link=a&quantity=100&country=US&device=1", "Incorrect type_of_traffic"),
        ("service=17&link=a&quantity=100&country=US&device=1&type_of_traffic=1", "Incorrect google_keyword"),
        ("service=17&link=a&quantity=100&country=US&device=1&type_of_traffic=2", "Incorrect referring_url"),
        ("service=16&min=1&max=2&delay=0", "Incorrect username"),
        ("service=16&username=u&max=20", "Incorrect min"),
        ("service=16&username=u&min=10", "Incorrect max"),
        ("service=16&username=u&min=10&max=20&delay=9999", "Incorrect delay"),
        ("service=16&username=u&min=10&max=20&expiry=31/02/2026", "Incorrect expiry"),
        ("service=16&username=u&min=10&max=20&posts=x", "Incorrect posts"),
        (
            "service=2&link=a&quantity=100&keywords=k&runs=2&interval=5",
            "Dripfeed is not supported by this service",
        ),
        ("service=19&link=a&quantity=100&runs=2&interval=5", "Dripfeed is not supported by this service"),
        ("service=1&link=a&quantity=100&runs=2", "Incorrect interval"),
        ("service=1&link=a&quantity=100&runs=2&interval=0", "Incorrect interval"),
        ("service=1&link=a&quantity=100&interval=5", "Incorrect runs"),
        ("service=1&link=a&quantity=100&runs=x&interval=5", "Incorrect runs"),
        ("service=1&link=a&quantity=10000&max_charge=8.99", "Not enough funds on balance"),
        ("service=1&link=a&quantity=100&max_charge=cheap", "Incorrect max_charge"),
    ]
    .into_iter()
    .map(|(call, text)| (call.to_owned(), text))
    .chain([
        (format!("service={DISABLED}&link=a&quantity=100"), "Incorrect service ID"),
        (format!("service=3&link=a&comments={lines}"), "Quantity more than maximum 10000"),
        (format!("service=1&link={long_link}&quantity=100"), "Bad link"),
    ])
    .collect();
    for (call, text) in table {
        let told = shop.anna(&format!("action=add&{call}")).await;
        assert_eq!(told.json(), error(text), "{call:.120}");
    }
    assert_eq!(shop.anna("action=balance").await.json(), r#"{"balance":"100.84292","currency":"USD"}"#);
    assert_eq!(shop.order("service=1&link=a&quantity=100").await, 1, "no id was drawn for a refusal");
}

/// Shows C23.
#[tokio::test]
async fn runs_times_quantity_never_overflows() {
    let shop = Shop::open().await;
    for call in [
        "quantity=10000&runs=18446744073709551615&interval=1",
        "quantity=10000&runs=1000&interval=1",
        "quantity=9223372036854775807&runs=2&interval=1",
        "quantity=5001&runs=2&interval=1",
        "quantity=50&runs=1001&interval=1",
    ] {
        let told = shop.anna(&format!("action=add&service=1&link=a&{call}")).await;
        let refusals =
            ["Quantity more than maximum 10000", "Incorrect quantity", "Incorrect runs"].map(error);
        assert!(refusals.iter().any(|refusal| refusal == told.json()), "{call}: {}", told.body);
    }
}

#[tokio::test]
async fn money_that_is_not_there_can_not_be_spent() {
    let shop = Shop::open().await;
    // 50.00 of Bert's pay five whole orders of 9.00 and no sixth.
    for place in 0..7 {
        let told = shop.bert(&format!("action=add&service={BARE}&link=a&quantity=10000")).await;
        let expected = if place < 5 {
            format!("{{\"order\":{}}}", place + 1)
        } else {
            error("Not enough funds on balance")
        };
        assert_eq!(told.json(), expected);
    }
    assert_eq!(shop.bert("action=balance").await.json(), r#"{"balance":"5.00","currency":"USD"}"#);
}

/// Shows C4.
#[tokio::test]
async fn an_open_order_on_the_same_link_is_refused_in_the_sentence_clients_compare() {
    let shop = Shop::open().await;
    shop.order("service=1&link=https://example.com/a&quantity=100").await;
    let again = shop.anna("action=add&service=1&link=https://www.Example.com/a/&quantity=100").await;
    let sentence = "You have active order with this link. Please wait until order being completed.";
    assert_eq!(again.json(), error(sentence));
    let other_customer = shop.bert("action=add&service=1&link=https://example.com/a&quantity=100").await;
    assert_eq!(other_customer.json(), r#"{"order":2}"#);
    shop.order(&format!("service={BARE}&link=https://example.com/a&quantity=100")).await;
    shop.order(&format!("service={BARE}&link=https://example.com/a&quantity=100")).await;
}

/// Shows C4, I13.
#[tokio::test]
async fn an_idempotency_key_gives_the_same_bytes_again_and_comes_before_every_other_check() {
    let shop = Shop::open().await;
    let first = shop.anna("action=add&service=1&link=a&quantity=100&request_id=r1").await;
    let again = shop.anna("action=add&quantity=100&link=a&service=1&request_id=r1").await;
    assert_eq!(first.json(), r#"{"order":1}"#);
    assert_eq!(again.json(), first.json(), "the duplicate guard did not come first");
    let other = shop.anna("action=add&service=1&link=a&quantity=101&request_id=r1").await;
    assert_eq!(other.json(), error("Idempotency key was used with other parameters"));
    let other = shop.anna("action=add&service=nonsense&request_id=r1").await;
    assert_eq!(other.json(), error("Idempotency key was used with other parameters"));
    let bert = shop.bert("action=add&service=1&link=a&quantity=100&request_id=r1").await;
    assert_eq!(bert.json(), r#"{"order":2}"#, "keys are each customer's own");
    assert_eq!(shop.anna("action=balance").await.json(), r#"{"balance":"100.75292","currency":"USD"}"#);
}

#[tokio::test]
async fn a_refusal_is_not_remembered_under_its_idempotency_key() {
    let shop = Shop::open().await;
    let refused = shop.anna("action=add&service=1&link=a&quantity=10001&request_id=r").await;
    assert_eq!(refused.json(), error("Quantity more than maximum 10000"));
    assert_eq!(
        shop.anna("action=add&service=1&link=a&quantity=100&request_id=r").await.json(),
        r#"{"order":1}"#
    );
}

#[tokio::test]
async fn an_idempotency_key_that_can_not_be_kept_is_refused_rather_than_ignored() {
    let shop = Shop::open().await;
    let long = "k".repeat(256);
    let told = shop.anna(&format!("action=add&service=1&link=a&quantity=100&request_id={long}")).await;
    assert_eq!(told.json(), error("Incorrect request"));
}

#[tokio::test]
async fn a_frozen_account_orders_nothing_and_does_all_else() {
    let shop = Shop::open().await;
    let order = shop.order("service=1&link=a&quantity=100").await;
    shop.standing(CustomerId(1), Standing::Frozen).await;
    let told = shop.anna("action=add&service=1&link=b&quantity=100").await;
    assert_eq!(told.json(), error("Your account has been suspended"));
    assert!(shop.anna("action=balance").await.json().starts_with("{\"balance\""));
    assert!(shop.anna(&format!("action=cancel&order={order}")).await.json().starts_with("{\"cancel\""));
}

#[tokio::test]
async fn ordering_can_be_off_with_a_text_while_everything_else_goes_on() {
    let shop = Shop::with(|settings| settings.ordering_off = Some("Back at noon".to_owned())).await;
    let told = shop.anna("action=add&service=1&link=a&quantity=100").await;
    assert_eq!(told.json(), error("Back at noon"));
    assert!(shop.anna("action=services").await.json().starts_with("[{\"service\":1,"));
    let shop = Shop::with(|settings| settings.ordering_off = Some(String::new())).await;
    let told = shop.anna("action=add&service=1&link=a&quantity=100").await;
    assert_eq!(told.json(), error("Service temporarily unavailable"));
}

#[tokio::test]
async fn a_stopped_executor_takes_nothing_and_says_so() {
    let shop = Shop::open().await;
    shop.executor.stop();
    let told = shop.anna("action=add&service=1&link=a&quantity=100").await;
    assert_eq!(told.json(), error("Service temporarily unavailable"));
}

#[tokio::test]
async fn a_hundred_thousand_lines_are_counted_and_not_choked_on() {
    let shop = Shop::open().await;
    let lines = "a%0A".repeat(100_000);
    let told = shop.anna(&format!("action=add&service=11&link=a&comments={lines}")).await;
    assert_eq!(told.json(), r#"{"order":1}"#);
    let told = shop.anna(&format!("action=add&service=3&link=a&comments={lines}")).await;
    assert_eq!(told.json(), error("Quantity more than maximum 10000"));
}

/// Shows C1.
#[tokio::test]
async fn sixty_four_orders_at_once_spend_exactly_what_is_there() {
    let shop = Shop::open().await;
    let key = shop.customer(Switches::default()).await;
    // 100.00 pay eleven whole orders of 9.00.
    let orders = (0..64).map(|place| {
        let (shop, key) = (&shop, &key);
        async move { shop.form(&format!("key={key}&action=add&service=1&link=l{place}&quantity=10000")).await }
    });
    let told = futures_util::future::join_all(orders).await;
    let accepted = told.iter().filter(|told| told.body.starts_with("{\"order\":")).count();
    let refused = told.iter().filter(|told| told.body == error("Not enough funds on balance")).count();
    assert_eq!((accepted, refused), (11, 53));
    let balance = shop.form(&format!("key={key}&action=balance")).await;
    assert_eq!(balance.json(), r#"{"balance":"1.00","currency":"USD"}"#);
}

/// Shows C10.
#[tokio::test]
async fn mass_assignment_assigns_nothing() {
    let shop = Shop::open().await;
    let extra = "balance=999&charge=0&rate=0&customer=2&role=admin&status=Completed&id=7&order=9";
    let told = shop.anna(&format!("action=add&service={LINKLESS}&quantity=100&{extra}")).await;
    assert_eq!(told.json(), r#"{"order":1}"#);
    let status = shop.form(&format!("key={ANNA}&action=status&order=1")).await;
    assert!(status.json().starts_with(r#"{"charge":"0.09","start_count":"0","status":"Pending""#));
}
