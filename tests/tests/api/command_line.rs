//! The command line as operators use it, beside a running panel and without one.

use std::process::Output;

use panelworks_tests::{Api, Folder, Panel, World, link, run, run_json};
use serde_json::Value;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}

#[test]
fn man_pages_and_completions_are_generated() {
    let folder = Folder::new("man");
    let pages = folder.file("pages");
    std::fs::create_dir_all(&pages).expect("a folder");
    let output = run(&["man", &pages.display().to_string()]);
    assert!(output.status.success(), "{}", said(&output));
    let written: Vec<String> = std::fs::read_dir(&pages)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    for page in ["panelworks.1", "panelworks-serve.1", "panelworks-call.1"] {
        assert!(written.iter().any(|name| name == page), "no {page} in {written:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success() && said(&output).contains("provider-sim"), "{shell}");
    }
}

/// Shows E12.
#[test]
fn a_wrong_configuration_is_refused_with_its_line_and_what_would_be_right() {
    let folder = Folder::new("config");
    let file = folder.file("panelworks.toml");
    std::fs::write(&file, "[panel]\nname = \"Mine\"\ncurrency = \"DOLLAR\"\n").expect("written");
    let name = file.display().to_string();
    for words in [vec!["check-config", &name], vec!["serve", "--config", &name]] {
        let output = run(&words);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(
            said.contains("panelworks.toml") && said.contains('3') && said.contains("currency"),
            "{said}"
        );
    }
}

#[test]
fn the_example_configuration_is_right() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../panelworks.example.toml");
    let output = run(&["check-config", example]);
    assert!(output.status.success(), "{}", said(&output));
}

#[tokio::test]
async fn an_operator_opens_credits_suspends_and_resumes_an_account_while_the_panel_runs() {
    let world = World::new().customer("anna", "10").start().await;
    let panel = &world.panel;
    let customers = panel.ask(&["customer", "list"]);
    let id = customers[0]["customer"].to_string();
    panel.ask(&["customer", "credit", &id, "2.5", "--note", "a gift"]);
    assert_eq!(world.api("anna").balance().await, 12_500_000);
    panel.ask(&["customer", "suspend", &id]);
    let refused = world.api("anna").call(&[("action", "balance")]).await;
    assert_eq!(refused["error"], "Your account has been suspended");
    panel.ask(&["customer", "resume", &id]);
    assert_eq!(world.api("anna").balance().await, 12_500_000);

    let key = panel.ask(&["customer", "rotate-key", &id]);
    let old = world.api("anna").call(&[("action", "balance")]).await;
    assert_eq!(old["error"], "Invalid API key");
    assert_eq!(Api::new(panel.api_url(), text(&key, "api_key")).balance().await, 12_500_000);
    panel.books_balance();
}

#[tokio::test]
async fn a_call_from_the_command_line_orders_and_asks() {
    let panel = Panel::demo(&[]).await;
    let (url, key) = (panel.api_url(), panel.customer(0).key().to_owned());
    let call = |words: &[&str]| run_json(&[&["call", "--url", url, "--key", &key, "--raw"], words].concat());
    let (service, link) = (format!("service={}", panel.service("Default")), format!("link={}", link("call")));
    let order = call(&["add", &service, &link, "quantity=100"])["order"].to_string();
    let status = call(&["status", &format!("order={order}")]);
    assert!(status["status"].is_string(), "{status}");
    let shown = panel.ask(&["order", "show", &order]);
    assert_eq!(shown["quantity"], 100, "{shown}");
    let refused = run(&["call", "--url", url, "--key", "wrong", "balance"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
}

/// Shows E6.
#[tokio::test]
async fn books_are_checked_examined_backed_up_and_restored() {
    let mut panel = Panel::demo(&[]).await;
    let order = panel.customer(0).order(panel.service("Default"), &link("kept"), 100).await;
    panel.customer(0).ended(order, std::time::Duration::from_mins(1)).await;
    let balance = panel.customer(0).balance().await;
    let backup = panel.data().join("backup.db").display().to_string();
    let output = panel.command(&["backup", &backup]);
    assert!(output.status.success(), "{}", said(&output));
    panel.books_balance();
    assert!(panel.command(&["doctor"]).status.code().is_some_and(|code| code < 2));
    panel.stop().await;
    panel.books_balance();

    let folder = Folder::new("restored");
    let data = folder.file("data").display().to_string();
    let output = run(&["restore", &backup, "--data-dir", &data]);
    assert!(output.status.success(), "{}", said(&output));
    // The key over the providers' keys is kept apart from backups: whoever only reads does without it.
    let output = run(&["check", "--data-dir", &data]);
    assert!(output.status.success(), "{}", said(&output));
    let customers = run_json(&["customer", "list", "--json", "--data-dir", &data]);
    let restored = panelworks_tests::micros(&customers[0]["balance"]);
    assert_eq!(restored, balance, "{customers}");
    for words in [["service", "list"], ["provider", "list"], ["order", "list-held"]] {
        run_json(&[words.as_slice(), &["--json", "--data-dir", &data]].concat());
    }
    run_json(&["order", "show", &order.to_string(), "--json", "--data-dir", &data]);
    let again = folder.file("again.db").display().to_string();
    let output = run(&["backup", &again, "--data-dir", &data]);
    assert!(output.status.success(), "{}", said(&output));
    // Whoever would call a provider is told what is missing.
    for words in [vec!["serve", "--port", "0"], vec!["provider", "test", "1"]] {
        let output = run(&[words.as_slice(), &["--data-dir", &data]].concat());
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains("secret.key is missing") && said.contains("from your backup"), "{said}");
    }
    assert!(!folder.file("data").join("secret.key").exists(), "no other key takes its place");
}

/// Shows A15.
#[tokio::test]
async fn damaged_books_are_found() {
    let mut panel = Panel::demo(&[]).await;
    panel.stop().await;
    // Without the write-ahead log, every page after the first two holds something else.
    let books = panel.data().join("panelworks.db");
    let mut bytes = std::fs::read(&books).expect("the books");
    bytes.iter_mut().skip(2 * 4096).step_by(64).for_each(|byte| *byte ^= 0x55);
    std::fs::write(&books, bytes).expect("written");
    let _ = std::fs::remove_file(panel.data().join("panelworks.db-wal"));
    let output = panel.command(&["check"]);
    assert!(!output.status.success(), "{}", said(&output));
}
