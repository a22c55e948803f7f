//! Forty secrets planted where secrets come from, and looked for where none may be (`invariants.md` C25, C31, I22).
//!
//! Customers' keys, keys at providers, operators' passwords and admin keys, wrong keys, idempotency keys and the key
//! over all of them; then every line of the log at its loudest, every file of the data folder with the write-ahead log
//! in it, a backup, what commands print, pages for machines, and the body of every refusal.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use panelworks_tests::{Api, Cluster, Simulator, World, link, on_postgres, page, panelworks, raw, until};
use serde_json::Value;

use crate::crowd::alone;
use crate::echo;

/// A text of 32 characters that nothing else contains.
fn secret(kind: &str, number: usize) -> String {
    format!("{kind:z<24}{number:08}")
}

/// What was planted, by what it is; and what was heard.
#[derive(Default)]
struct Planted {
    secrets: Vec<(String, String)>,
    /// Bytes that are no text are not part of a secret.
    heard: Vec<(String, String)>,
}

impl Planted {
    fn plant(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= 10, "too short to be looked for: {secret}");
        self.secrets.push((what.to_owned(), secret.to_owned()));
    }

    fn hear(&mut self, place: &str, said: impl Into<Vec<u8>>) {
        self.heard.push((place.to_owned(), String::from_utf8_lossy(&said.into()).into_owned()));
    }

    /// Panics with each place that tells a secret, in clear, as hexadecimal digits or percent-encoded.
    fn are_nowhere(&self) {
        let mut leaks = Vec::new();
        for (what, secret) in &self.secrets {
            let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
            let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            for form in [secret.as_str(), &hex, &encoded] {
                let places = self.heard.iter().filter(|(_, said)| said.contains(form));
                leaks.extend(places.map(|(place, _)| format!("{what} in {place}")));
            }
        }
        leaks.dedup();
        assert!(leaks.is_empty(), "secrets were told:\n{}", leaks.join("\n"));
    }

    /// The search itself sees what is there.
    fn finds(&self, place: &str, text: &str) {
        let found = self.heard.iter().any(|(one, said)| one.contains(place) && said.contains(text));
        assert!(found, "{text} is not in {place}: the search would see no secret either");
    }
}

fn plant(world: &World, planted: &mut Planted) -> Vec<String> {
    let mut keys = Vec::new();
    for number in 0..12 {
        let said = world.panel.ask(&["customer", "add", &format!("planted {number}"), "--balance", "100"]);
        let key = said["api_key"].as_str().unwrap_or_else(|| panic!("no key: {said}")).to_owned();
        planted.plant("a customer's key", &key);
        keys.push(key);
    }
    for number in 0..10 {
        let key = secret("provider", number);
        let url = format!("http://127.0.0.1:9/api/v2/{number}");
        world.panel.ask(&["provider", "add", &url, "--key", &key, "--allow-local"]);
        planted.plant("a key at a provider", &key);
    }
    for number in 0..4 {
        let password = secret("password", number);
        let name = format!("planted{number}");
        enter(world, &["operator", "add", &name], &password);
        planted.plant("an operator's password", &password);
        let said = world.panel.ask(&["operator", "rotate-key", &name]);
        planted.plant(
            "an admin key",
            said["admin_api_key"].as_str().unwrap_or_else(|| panic!("no key: {said}")),
        );
    }
    keys
}

/// A command that reads a password.
fn enter(world: &World, words: &[&str], password: &str) {
    let mut child = Command::new(panelworks())
        .args(words)
        .args(["--password-stdin", "--json", "--data-dir"])
        .arg(world.panel.data())
        .envs(world.panel.variables().iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    child.stdin.take().expect("a pipe").write_all(password.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Calls of every kind that carry secrets, right and wrong; every answer is kept.
async fn talk(world: &World, keys: &[String], service: u64, planted: &mut Planted) {
    let url = world.panel.api_url();
    for (number, key) in keys.iter().enumerate() {
        let (intent, wrong) = (secret("intent", number), secret("guess", number));
        planted.plant("a wrong key", &wrong);
        let add =
            format!("action=add&service={service}&link={}&quantity=100&request_id={intent}", link("planted"));
        for (how, body) in [
            ("an order", format!("key={key}&{add}")),
            ("an order without money", format!("key={key}&{add}00000&x=y")),
            ("a wrong key", format!("key={wrong}&action=balance")),
            ("no action", format!("key={key}")),
            ("broken JSON", format!("{{\"key\":\"{key}\",\"action\":")),
            ("JSON of a wrong type", format!("{{\"key\":[\"{key}\"],\"action\":\"balance\"}}")),
            ("an unknown order", format!("key={key}&action=status&order=77777")),
        ] {
            let answer = Api::new(url, key).post("application/x-www-form-urlencoded", body).await;
            planted.hear(&format!("the answer to {how}"), answer.text);
        }
        for query in [format!("key={key}&action=balance"), format!("key={wrong}&action=services")] {
            planted.hear("the answer to a query", page(&format!("{url}?{query}")).await.text);
            planted.hear(
                "a page with a query",
                page(&format!("{}/nowhere?{query}", world.panel.web_url())).await.text,
            );
        }
        let head = format!(
            "GET /api/v2?action=balance HTTP/1.1\r\nhost: panel\r\nauthorization: Bearer {key}\r\nbad header: {wrong}\r\n\r\n"
        );
        planted
            .hear("the answer to a broken head", raw::exchange(world.panel.address(), head.as_bytes()).await);
    }
}

/// What commands and pages for machines say.
async fn ask_around(world: &World, planted: &mut Planted) {
    for words in [
        &["customer", "list"][..],
        &["provider", "list"],
        &["provider", "test", "1"],
        &["provider", "test", "3"],
        &["operator", "list"],
        &["service", "list"],
        &["order", "list-held"],
        &["doctor"],
        &["check"],
    ] {
        let output = world.panel.command(words);
        planted.hear(&format!("panelworks {}", words.join(" ")), [output.stdout, output.stderr].concat());
    }
    for path in ["/", "/healthz", "/readyz", "/metrics"] {
        planted.hear(path, page(&format!("{}{path}", world.panel.web_url())).await.text);
    }
}

/// Every row of the panel's schema, as text.
fn hear_tables(world: &World, planted: &mut Planted) {
    let variables = world.panel.variables();
    let schema =
        variables.iter().find(|(name, _)| name == "PANELWORKS_DATABASE_SCHEMA").expect("one of its own");
    let cluster = Cluster::shared();
    let tables =
        format!("select table_name from information_schema.tables where table_schema = '{}'", schema.1);
    for table in cluster.sql(&tables).lines() {
        let rows =
            format!("select coalesce(string_agg(t::text, E'\\n'), '') from \"{}\".\"{table}\" t", schema.1);
        planted.hear(&format!("the table {table}"), cluster.sql(&rows));
    }
}

/// Every file below a folder but the one that is a secret itself.
fn hear_files(folder: &Path, planted: &mut Planted) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path()) {
        if entry.is_dir() {
            hear_files(&entry, planted);
        } else if entry.file_name().is_some_and(|name| name != "secret.key")
            && entry.metadata().is_ok_and(|file| file.is_file())
        {
            let name = entry.display().to_string();
            planted.hear(&name, std::fs::read(&entry).expect("readable"));
        }
    }
}

/// Shows C25, C31, I22.
#[tokio::test]
async fn forty_planted_secrets_are_in_no_log_no_file_no_backup_and_no_answer() {
    let _alone = alone().await;
    let simulator = Simulator::start(Simulator::options());
    let mut planted = Planted::default();
    let mut world = World::new()
        .setting("LOG_LEVEL", "trace")
        .setting("LOG_SUCCESSES", "true")
        .setting("HTTP_BAD_KEYS_BURST", "1000")
        .provider(&simulator.url(), &simulator.key)
        .start()
        .await;
    planted.plant("the simulator's key", &simulator.key);
    if on_postgres() {
        planted.plant("the database's password", Cluster::password());
    }
    let keys = plant(&world, &mut planted);
    let sealing = std::fs::read_to_string(world.panel.data().join("secret.key")).expect("made at the start");
    planted.plant("the key over the providers' keys", sealing.trim().rsplit(':').next().unwrap_or_default());
    talk(&world, &keys, world.service(1, 1), &mut planted).await;
    until("an order to be sent", std::time::Duration::from_secs(30), async || {
        let witness = simulator.witness().await;
        if witness.orders.is_empty() { Err(witness) } else { Ok(()) }
    })
    .await;
    ask_around(&world, &mut planted).await;
    assert!(planted.secrets.len() >= 40, "{} secrets", planted.secrets.len());

    hear_files(world.panel.data(), &mut planted);
    if on_postgres() {
        hear_tables(&world, &mut planted);
        planted.finds("the table customer", "planted 7");
    } else {
        let backup = world.panel.data().join("planted.backup");
        let output = world.panel.command(&["backup", &backup.display().to_string()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        planted.hear("the backup", std::fs::read(&backup).expect("written"));
        planted.finds("panelworks.db", "planted 7");
        planted.finds("the backup", "planted 7");
    }
    world.panel.stop().await;
    hear_files(world.panel.data(), &mut planted);
    planted.hear("the log", world.panel.log());
    planted.finds("the log", "call");
    planted.are_nowhere();
    every_line_is_one_event(&world.panel.log());
}

/// Nothing that came from outside began a line of its own.
fn every_line_is_one_event(log: &str) {
    let strange =
        log.lines().find(|line| line.contains('\u{1b}') || line.chars().any(|c| c.is_control() && c != '\t'));
    assert_eq!(strange, None, "a control character in a line of the log");
}

/// Shows B21, C25, I22.
#[tokio::test]
async fn a_provider_that_repeats_our_key_puts_it_nowhere() {
    let _alone = alone().await;
    let mut planted = Planted::default();
    let key = secret("repeated", 1);
    planted.plant("a key that a provider repeats", &key);
    let url = format!("http://{}/api/v2", echo::start());
    let builder = World::new().setting("LOG_LEVEL", "trace").customer("anna", "10");
    let mut world = builder.provider(&url, &key).start().await;
    let order = world.api("anna").order(world.service(1, 1), &link("repeated"), 100).await;
    until("the provider's refusal", std::time::Duration::from_secs(30), async || {
        let sheet = world.order(order);
        if sheet.to_string().contains("Something is wrong") { Ok(()) } else { Err(sheet) }
    })
    .await;
    planted.hear("the order", world.order(order).to_string());
    planted.hear("the answer to status", world.api("anna").status(order).await.to_string());
    ask_around(&world, &mut planted).await;
    if on_postgres() {
        hear_tables(&world, &mut planted);
    }
    world.panel.stop().await;
    hear_files(world.panel.data(), &mut planted);
    planted.hear("the log", world.panel.log());
    planted.finds("the order", "Something is wrong with");
    planted.are_nowhere();
}

/// Shows C33.
#[tokio::test]
async fn an_error_of_the_panels_own_says_nothing_of_its_inside() {
    let _alone = alone().await;
    let world = World::new().customer("anna", "10").start().await;
    let anna = world.api("anna");
    let marks = [
        "panic",
        "thread",
        "src/",
        ".rs",
        "sqlite",
        "postgres",
        "select ",
        "insert ",
        "stack",
        "backtrace",
        "unwrap",
        "/tmp",
        "/home",
        "root",
        "panelworks.db",
    ];
    let bodies: [&[u8]; 6] = [
        b"action=add&service=18446744073709551615&link=l&quantity=18446744073709551615",
        b"action=status&orders=%00%ff",
        b"{\"action\":{\"a\":1}}",
        b"--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--",
        b"action=refill&order=%27%3B+drop+table+orders%3B--",
        b"\xff\xfe\x00\x01",
    ];
    for body in bodies {
        let keyed = [format!("key={}&", anna.key()).as_bytes(), body].concat();
        for body in [body.to_vec(), keyed] {
            let answer: Value = anna.post("application/x-www-form-urlencoded", body).await.json();
            let said = answer.to_string().to_lowercase();
            let told = marks.iter().find(|mark| said.contains(**mark));
            assert_eq!(told, None, "{said}");
        }
    }
}
