//! Other languages' clients against the running program: PHP with curl, Python with requests, Node, and curl itself.
//!
//! The checks are theirs (`tests/clients`); here they are started beside each other against one demo that has lived
//! through its past, and the examples that we ship are run as a reader would.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use panelworks_tests::{Panel, has, link, skipped, until};

/// Longest wait for orders to end, in the clients' own words.
const WAIT_SECONDS: &str = "150";
const LIMIT: Duration = Duration::from_mins(5);

/// A language: how to see that it is there, what runs its programs, our client test in it and the example we ship.
struct Language {
    name: &'static str,
    runs: &'static str,
    probe: [&'static str; 2],
    client: &'static str,
    example: &'static str,
}

impl Language {
    fn is_there(&self) -> bool {
        has(&[&[self.runs], self.probe.as_slice()].concat())
    }
}

fn languages() -> [Language; 3] {
    [
        Language {
            name: "PHP with curl",
            runs: "php",
            probe: ["-r", "exit(extension_loaded('curl') ? 0 : 1);"],
            client: "tests/clients/client_test.php",
            example: "examples/php/example.php",
        },
        Language {
            name: "Python with requests",
            runs: python(),
            probe: PYTHON_PROBE,
            client: "tests/clients/client_test.py",
            example: "examples/python/example.py",
        },
        Language {
            name: "Node",
            runs: "node",
            probe: ["-e", "process.exit(typeof fetch === 'function' ? 0 : 1)"],
            client: "tests/clients/client_test.mjs",
            example: "examples/node/example.mjs",
        },
    ]
}

const PYTHON_PROBE: [&str; 2] = ["-c", "import requests"];

/// The one on the path, or the system's where only that one has `requests`: that is where packages install it.
fn python() -> &'static str {
    let on_path = has(&[&["python3"], PYTHON_PROBE.as_slice()].concat());
    if on_path { "python3" } else { "/usr/bin/python3" }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace").to_owned()
}

/// Runs a program of the repository on a thread of its own.
fn start(words: Vec<String>, variables: Vec<(&'static str, String)>) -> tokio::task::JoinHandle<Output> {
    tokio::task::spawn_blocking(move || {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(root()).envs(variables);
        command.output().expect("it was there a moment ago")
    })
}

async fn end(task: tokio::task::JoinHandle<Output>) -> (bool, String) {
    let output = tokio::time::timeout(LIMIT, task).await.expect("done in time").expect("it ran");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

#[tokio::test]
async fn clients_in_three_languages_find_what_they_rely_on() {
    let panel = Panel::demo(&["--past", "--speed", "1200"]).await;
    let ready = panel.ready_path().display().to_string();
    let mut running = Vec::new();
    for language in languages() {
        if !language.is_there() {
            skipped(language.name, "not installed");
            continue;
        }
        let words = [language.runs, language.client, &ready].map(str::to_owned).to_vec();
        let wait = vec![("CLIENT_TEST_WAIT", WAIT_SECONDS.to_owned())];
        running.push((language.name, start(words, wait)));
    }
    for (name, task) in running {
        let (passed, said) = end(task).await;
        let failed: Vec<&str> = said.lines().filter(|line| !line.starts_with("ok ")).collect();
        assert!(passed, "{name}:\n{}", failed.join("\n"));
        assert!(
            said.lines().filter(|line| line.starts_with("ok ")).count() > 50,
            "{name} checked little:\n{said}"
        );
    }
    panel.books_balance();
}

#[tokio::test]
async fn the_examples_place_an_order_and_follow_it_to_its_end() {
    let panel = Panel::demo(&["--speed", "6000"]).await;
    let service = panel.service("Default").to_string();
    let customer = panel.customer(0);
    let given = || vec![("PANEL_URL", customer.url().to_owned()), ("PANEL_KEY", customer.key().to_owned())];
    let mut running = Vec::new();
    for language in languages() {
        if !language.is_there() {
            skipped(&format!("the example for {}", language.name), "not installed");
            continue;
        }
        let link = link("example");
        let words = [language.runs, language.example, &service, &link, "100"].map(str::to_owned).to_vec();
        running.push((language.example, link, start(words, given())));
    }
    if has(&["curl", "--version"]) {
        let link = link("curl");
        let mut given = given();
        given.extend([("SERVICE", service.clone()), ("LINK", link.clone()), ("QUANTITY", "100".to_owned())]);
        let words = vec!["sh".to_owned(), "examples/curl/panelworks.sh".to_owned()];
        running.push(("examples/curl/panelworks.sh", link, start(words, given)));
    } else {
        skipped("the curl example", "not installed");
    }
    let mut links = Vec::new();
    for (example, link, task) in running {
        let (passed, said) = end(task).await;
        assert!(passed, "{example}:\n{said}");
        links.push((example, link));
    }
    until("all orders of the examples", Duration::from_secs(20), async || {
        let witness = panel.witness().await;
        let missing = links.iter().find(|(_, link)| witness.orders_for(link) != 1);
        missing.map_or(Ok(()), |(example, _)| Err(*example))
    })
    .await;
}
