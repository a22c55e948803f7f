//! Operators on the command line: opened, listed, given new passwords and keys, suspended; beside a running panel and
//! without one.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use panelworks_tests::{Folder, Panel, World, panelworks, run};
use serde_json::Value;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs a command about this panel that reads a password.
fn enter(panel: &Panel, words: &[&str], password: &str) -> Output {
    let mut child = Command::new(panelworks())
        .args(words)
        .args(["--password-stdin", "--json", "--data-dir"])
        .arg(panel.data())
        .envs(panel.variables().iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    child.stdin.take().expect("a pipe").write_all(password.as_bytes()).expect("written");
    child.wait_with_output().expect("ends")
}

#[track_caller]
fn refused(output: &Output, why: &str) {
    let said = said(output);
    assert!(output.status.code() == Some(1) && said.contains(why), "{}: {said}", output.status);
}

fn names(panel: &Panel) -> Vec<(String, String, String)> {
    let rows = panel.ask(&["operator", "list"]);
    let text =
        |row: &Value, name: &str| row[name].as_str().unwrap_or_else(|| panic!("no {name}: {row}")).to_owned();
    let rows = rows.as_array().unwrap_or_else(|| panic!("no list: {rows}"));
    rows.iter().map(|row| (text(row, "username"), text(row, "role"), text(row, "standing"))).collect()
}

fn named(all: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    all.iter()
        .map(|(name, role, standing)| ((*name).to_owned(), (*role).to_owned(), (*standing).to_owned()))
        .collect()
}

fn look_after(panel: &Panel) {
    let opened = enter(panel, &["operator", "add", "Anna"], "eleven blue horses\n");
    assert!(opened.status.success(), "{}", said(&opened));
    assert!(!said(&opened).contains("horses"), "a password that was entered is not repeated");
    // Without a terminal to ask at, a password is made.
    let ben = panel.ask(&["operator", "add", "ben"]);
    assert_eq!(
        (ben["role"].as_str(), ben["password"].as_str().map(str::len)),
        (Some("staff"), Some(24)),
        "{ben}"
    );
    assert_eq!(names(panel), named(&[("anna", "owner", "active"), ("ben", "staff", "active")]));

    refused(&panel.command(&["operator", "add", "ben"]), "of this name is there already");
    refused(&panel.command(&["operator", "suspend", "anna"]), "a panel needs an active owner");
    refused(&panel.command(&["operator", "suspend", "cleo"]), "no operator cleo");
    refused(&enter(panel, &["operator", "reset-password", "ben"], "ben12345\n"), "the name of the operator");
    refused(&enter(panel, &["operator", "reset-password", "ben"], "Password2026!\n"), "guessed first");
    refused(&enter(panel, &["operator", "reset-password", "ben"], "short\n"), "8 characters");

    panel.ask(&["operator", "suspend", "ben"]);
    assert_eq!(names(panel)[1].2, "suspended");
    panel.ask(&["operator", "resume", "ben"]);
    let reset = enter(panel, &["operator", "reset-password", "ben"], "twelve green rivers\n");
    assert!(reset.status.success(), "{}", said(&reset));
    let made = panel.ask(&["operator", "reset-password", "ben", "--generate"]);
    assert!(made["password"].as_str().is_some_and(|password| password != ben["password"]), "{made}");

    let first = panel.ask(&["operator", "rotate-key", "anna"]);
    let second = panel.ask(&["operator", "rotate-key", "anna"]);
    assert_eq!(second["admin_api_key"].as_str().map(str::len), Some(32), "{second}");
    assert_ne!(first["admin_api_key"], second["admin_api_key"]);
    assert_eq!(panel.ask(&["operator", "list"])[0]["admin_key"], true);
    panel.ask(&["operator", "rotate-key", "anna", "--revoke"]);
    assert_eq!(panel.ask(&["operator", "list"])[0]["admin_key"], false);
    panel.books_balance();
}

#[tokio::test]
async fn operators_are_looked_after_while_the_panel_runs_and_are_there_afterwards() {
    let mut world = World::new().setting("LOG_LEVEL", "trace").start().await;
    look_after(&world.panel);
    let log = world.panel.log();
    assert!(!log.contains("horses") && !log.contains("argon2id"), "neither passwords nor hashes are logged");
    world.panel.kill();
    assert_eq!(names(&world.panel), named(&[("anna", "owner", "active"), ("ben", "staff", "active")]));
}

#[tokio::test]
async fn operators_are_looked_after_while_the_panel_stands() {
    let mut world = World::new().start().await;
    world.panel.stop().await;
    look_after(&world.panel);
}

/// Shows C31, I22.
#[tokio::test]
async fn the_demos_operator_is_in_the_books_and_no_secret_of_his_is() {
    let mut panel = Panel::demo(&[]).await;
    assert_eq!(names(&panel), named(&[("operator", "owner", "active")]));
    let secret = |name: &str| panel.ready()["operator"][name].as_str().expect("a text").to_owned();
    let secrets = [secret("password"), secret("admin_api_key")];
    assert_eq!(panel.ask(&["operator", "list"])[0]["admin_key"], true);
    panel.stop().await;
    let books = std::fs::read(panel.data().join("panelworks.db")).expect("the books");
    for secret in secrets {
        assert!(!books.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "in clear");
    }
}

#[test]
fn wrong_names_are_refused_with_what_would_be_right() {
    let folder = Folder::new("operators");
    let data = folder.path().display().to_string();
    for name in ["ab", "an@na", ".anna", "anna anna"] {
        let output = run(&["operator", "add", name, "--data-dir", &data]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("3 to 32 characters"), "{}", said(&output));
    }
}
