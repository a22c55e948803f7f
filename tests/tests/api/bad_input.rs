//! What customers send by mistake or on purpose: each gets its own error, nothing is ordered, nothing is charged.

use panelworks_tests::{Api, Panel, error_of, link};
use serde_json::{Value, json};

/// Asserts that a call is refused with this text.
async fn refused(customer: &Api, text: &str, fields: &[(&str, &str)]) {
    let said = customer.call(fields).await;
    assert_eq!(said, json!({ "error": text }), "{fields:?}");
}

/// The demo, and what it must look like when only refusals happened.
struct Untouched {
    panel: Panel,
    customer: Api,
    balance: i128,
}

impl Untouched {
    async fn begin() -> Self {
        let panel = Panel::demo(&[]).await;
        let customer = panel.customer(0);
        let balance = customer.balance().await;
        Self { panel, customer, balance }
    }

    fn service(&self, word: &str) -> String {
        self.panel.service(word).to_string()
    }

    async fn is_so_still(&self) {
        assert_eq!(self.customer.balance().await, self.balance, "nothing was charged");
        assert!(self.panel.witness().await.orders.is_empty(), "nothing was ordered");
        self.panel.books_balance();
    }
}

/// Shows C13.
#[tokio::test]
async fn keys_and_actions_that_are_none_are_refused_alike() {
    let world = Untouched::begin().await;
    let url = world.customer.url();
    for key in ["", "wrong", "0", "' or 1=1 --", &"k".repeat(5_000)] {
        refused(&Api::new(url, key), "Invalid API key", &[("action", "balance")]).await;
    }
    for body in [
        json!({"action": "balance"}),
        json!({"key": ["a"], "action": "balance"}),
        json!({"key": 5, "action": "balance"}),
    ] {
        let said = world.customer.post("application/json", body.to_string()).await.json();
        assert_eq!(said, json!({"error": "Invalid API key"}), "{body}");
    }
    for action in ["", "dance", "services;", "addd", "null"] {
        refused(&world.customer, "Incorrect request", &[("action", action)]).await;
    }
    refused(&world.customer, "Incorrect request", &[]).await;
    world.is_so_still().await;
}

/// Shows C2.
#[tokio::test]
async fn quantities_that_are_none_or_out_of_bounds_are_refused() {
    let world = Untouched::begin().await;
    let service = world.service("Default");
    for quantity in [
        "",
        "abc",
        "0",
        "-5",
        "-0",
        "+5",
        "1.5",
        "100.0",
        "1e3",
        "1,000",
        "0x64",
        "١٠٠",
        "1 0 0",
        "null",
        "NaN",
        "∞",
        "9223372036854775808",
        "-9223372036854775808",
        "18446744073709551616",
        "99999999999999999999999999999999999",
    ] {
        let fields = [("action", "add"), ("service", &service), ("link", "l"), ("quantity", quantity)];
        let said = world.customer.call(&fields).await;
        let text = error_of(&said);
        let too_large = text.starts_with("Quantity more than maximum") && quantity.len() > 18;
        assert!(text == "Incorrect quantity" || too_large, "quantity {quantity:?}: {said}");
    }
    let rows = world.customer.services().await;
    let row = rows.iter().find(|row| row["service"] == world.panel.service("Default")).expect("it is sold");
    let (min, max) = (row["min"].as_str().expect("digits"), row["max"].as_str().expect("digits"));
    let below = (min.parse::<u64>().expect("digits") - 1).to_string();
    let above = (max.parse::<u64>().expect("digits") + 1).to_string();
    for (quantity, text) in [
        (below.as_str(), format!("Quantity less than minimal {min}")),
        (&above, format!("Quantity more than maximum {max}")),
        ("9223372036854775807", format!("Quantity more than maximum {max}")),
    ] {
        refused(
            &world.customer,
            &text,
            &[("action", "add"), ("service", &service), ("link", "l"), ("quantity", quantity)],
        )
        .await;
    }
    world.is_so_still().await;
}

/// Shows C23.
#[tokio::test]
async fn drip_feeds_that_overflow_or_are_half_given_are_refused() {
    let world = Untouched::begin().await;
    let (drip, plain) = (world.service("dripfeed"), world.service("Package"));
    for (runs, interval, quantity, text) in [
        ("1000", "1", "9223372036854775807", "Quantity more than maximum"),
        ("1000", "1", "100000", "Incorrect quantity"),
        ("1001", "1", "100", "Incorrect runs"),
        ("4294967297", "1", "100", "Incorrect runs"),
        ("18446744073709551616", "1", "100", "Incorrect runs"),
        ("-2", "1", "100", "Incorrect runs"),
        ("two", "1", "100", "Incorrect runs"),
        ("2", "", "100", "Incorrect interval"),
        ("2", "0", "100", "Incorrect interval"),
        ("2", "-1", "100", "Incorrect interval"),
        ("2", "99999999999", "100", "Incorrect interval"),
        ("", "5", "100", "Incorrect runs"),
    ] {
        let link = link("drip");
        let said = world
            .customer
            .call(&[
                ("action", "add"),
                ("service", &drip),
                ("link", &link),
                ("quantity", quantity),
                ("runs", runs),
                ("interval", interval),
            ])
            .await;
        assert!(error_of(&said).starts_with(text), "{runs} × {quantity} each {interval}: {said}, not {text}");
    }
    refused(
        &world.customer,
        "Dripfeed is not supported by this service",
        &[("action", "add"), ("service", &plain), ("link", "l"), ("runs", "2"), ("interval", "5")],
    )
    .await;
    world.is_so_still().await;
}

#[tokio::test]
async fn services_that_are_not_sold_are_refused() {
    let world = Untouched::begin().await;
    for service in ["", "0", "-1", "abc", "1.0", "2147483647", "4294967297", "18446744073709551616"] {
        let fields = [("action", "add"), ("service", service), ("link", "l"), ("quantity", "100")];
        refused(&world.customer, "Incorrect service ID", &fields).await;
    }
    let service = world.service("Default");
    world.panel.ask(&["service", "set", &service, "--disable"]);
    let fields = [("action", "add"), ("service", service.as_str()), ("link", "l"), ("quantity", "100")];
    refused(&world.customer, "Incorrect service ID", &fields).await;
    world.is_so_still().await;
}

/// Shows C12.
#[tokio::test]
async fn links_that_are_none_are_refused() {
    let world = Untouched::begin().await;
    let service = world.service("Default");
    let long = format!("https://example.com/{}", "a".repeat(10 * 1024));
    for bad in [
        "",
        "   ",
        "\t\n",
        "null",
        "undefined",
        "https://example.com/\u{0}",
        "https://example.com/\r\nset-cookie: a=b",
        "https://example.com/\u{7}bell",
        "<script>alert(1)</script>",
        "https://example.com/?q=<img src=x onerror=1>",
        &long,
    ] {
        let fields = [("action", "add"), ("service", service.as_str()), ("link", bad), ("quantity", "100")];
        refused(&world.customer, "Bad link", &fields).await;
    }
    world.is_so_still().await;
}

#[tokio::test]
async fn unusual_but_legal_links_reach_the_provider_unchanged() {
    let panel = Panel::demo(&[]).await;
    let long = format!("https://example.com/{}", "a".repeat(2_048 - 20));
    let links =
        ["anna", "@anna.b", "https://example.com/%25/ä?x=1&y=2#frag", "https://例え.jp/写真", &long, "12345"];
    for link in links {
        panel.customer(0).order(panel.service("Default"), link, 100).await;
    }
    panelworks_tests::until("all links at the provider", std::time::Duration::from_secs(30), async || {
        let witness = panel.witness().await;
        if links.iter().all(|link| witness.orders_for(link) == 1) { Ok(()) } else { Err(witness) }
    })
    .await;
}

#[tokio::test]
async fn lists_count_their_lines_and_are_bounded() {
    let panel = Panel::demo(&[]).await;
    let customer = panel.customer(0);
    let service = panel.service("Custom Comments");
    let add = async |comments: &str| {
        let (service, link) = (service.to_string(), link("comments"));
        customer
            .call(&[("action", "add"), ("service", &service), ("link", &link), ("comments", comments)])
            .await
    };
    for blank in ["", "\n\n", " \r\n\t\r\n ", "null"] {
        assert_eq!(add(blank).await, json!({"error": "Incorrect comments"}), "{blank:?}");
    }
    for lines in ["one\r\ntwo\r\n\r\nthree", "\n\n one \n\ttwo\n\nthree\n\n\n", "one\rtwo\rthree"] {
        let said = add(lines).await;
        let order = said["order"].as_u64().unwrap_or_else(|| panic!("{lines:?}: {said}"));
        assert_eq!(panel.ask(&["order", "show", &order.to_string()])["quantity"], 3, "{lines:?}");
    }
    let many = "one more line\n".repeat(60_000);
    let said = add(&many).await;
    assert!(error_of(&said).starts_with("Quantity more than maximum"), "{said}");
    let most = "line\n".repeat(100_000);
    let said = add(&most).await;
    assert!(error_of(&said).starts_with("Quantity more than maximum"), "{said}");
    let too_many = "l\n".repeat(100_001);
    assert!(!error_of(&add(&too_many).await).is_empty());
    panel.books_balance();
}

/// Shows C5.
#[tokio::test]
async fn lists_of_ids_are_read_leniently_and_bounded() {
    let world = Untouched::begin().await;
    let ask = async |action: &str, orders: &str| {
        world.customer.call(&[("action", action), ("orders", orders)]).await
    };
    let unknown = json!({"error": "Incorrect order ID"});

    let said = ask("status", " 7 ,7,,8 , x1,-1,1.5,99999999999999999999,").await;
    for key in ["7", "8", "x1", "-1", "1.5", "99999999999999999999"] {
        assert_eq!(said[key], unknown, "{key}: {said}");
    }
    assert_eq!(said.as_object().map(serde_json::Map::len), Some(6), "{said}");
    assert!(ask("status", ",").await.is_object(), "never an array");

    let ids: Vec<String> = (1..=101).map(|id| id.to_string()).collect();
    let all = ids.join(",");
    assert_eq!(ask("status", &all).await.as_object().map(serde_json::Map::len), Some(100));
    for action in ["refill", "cancel"] {
        let rows = ask(action, &all).await;
        assert_eq!(rows.as_array().map(Vec::len), Some(101), "{action}");
        assert_eq!(rows[99][action], unknown, "{action}");
        assert_eq!(
            rows[100],
            json!({"order": 101, action: {"error": "Maximum 100 IDs per request"}}),
            "{action}"
        );
        let rows = ask(action, " 5 ,5,x,").await;
        let orders: Vec<&Value> = rows.as_array().expect("rows").iter().map(|row| &row["order"]).collect();
        assert_eq!(orders, [&json!(5), &json!(5), &json!("x")], "{action}");
    }
    for (action, name) in [("refill_status", "refills"), ("cancel", "cancels")] {
        let rows = world.customer.call(&[("action", action), (name, &all)]).await;
        assert_eq!(rows.as_array().map(Vec::len), Some(101), "{action}");
        assert_eq!(rows[100]["status"], json!({"error": "Maximum 100 IDs per request"}), "{action}: {rows}");
    }
    let huge = "1,".repeat(400_000);
    assert_eq!(ask("status", &huge).await.as_object().map(serde_json::Map::len), Some(1));
    world.is_so_still().await;
}

#[tokio::test]
async fn a_charge_beyond_the_balance_is_refused() {
    let panel = Panel::demo(&[]).await;
    let said = panel.ask(&["customer", "add", "poor", "--balance", "0.05"]);
    let poor = Api::new(panel.api_url(), said["api_key"].as_str().unwrap_or_else(|| panic!("{said}")));
    let service = panel.service("Default").to_string();
    let fields = [("action", "add"), ("service", service.as_str()), ("link", "l"), ("quantity", "100")];
    refused(&poor, "Not enough funds on balance", &fields).await;
    assert_eq!(poor.balance().await, 50_000);
    panel.books_balance();
}
