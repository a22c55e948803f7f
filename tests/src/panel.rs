//! One panel as a process: the demo or a real one, its folder, its ready file, its command line.
//!
//! In: what kind of panel; its books are where `TEST_STORE` says. Out: a handle that knows its addresses and keys once it answers, that can be killed and
//! started again on the same data, and whose books can be asked by the command line.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::{Api, Cluster, Ended, Folder, Process, Witness, on_postgres, raw, run_in, run_json_in, until};

/// From the start of the process to its ready file; the demo's past takes a part of it.
const START_LIMIT: Duration = Duration::from_mins(2);
/// From SIGTERM to the end.
const STOP_LIMIT: Duration = Duration::from_mins(1);

/// See the module's head.
#[derive(Debug)]
pub struct Panel {
    process: Option<Process>,
    words: Vec<String>,
    variables: Vec<(String, String)>,
    through: Vec<String>,
    data: PathBuf,
    ready: Value,
    folder: Folder,
}

impl Panel {
    /// The demo with further flags; without its past unless `--past` is among them, and delivering fast unless
    /// `--speed` is.
    pub async fn demo(flags: &[&str]) -> Self {
        Self::demo_in(flags, None, &[]).await
    }

    /// The demo with its books where these variables say.
    pub async fn demo_with(flags: &[&str], variables: &[(String, String)]) -> Self {
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self::launch(&Self::demo_words(flags), &variables, None, &[]).await
    }

    /// The demo with its books in another folder, started by another command.
    pub async fn demo_in(flags: &[&str], data: Option<&Path>, through: &[&str]) -> Self {
        Self::launch(&Self::demo_words(flags), &[], data, through).await
    }

    fn demo_words<'a>(flags: &[&'a str]) -> Vec<&'a str> {
        let mut words = vec!["demo"];
        if !flags.contains(&"--past") {
            words.push("--no-past");
        }
        if !flags.contains(&"--speed") {
            words.extend(["--speed", "20000"]);
        }
        words.extend(flags.iter().filter(|flag| **flag != "--past"));
        words
    }

    /// A real panel in these surroundings: its settings come from variables.
    pub async fn serve(variables: &[(&str, &str)]) -> Self {
        Self::launch(&["serve"], variables, None, &[]).await
    }

    /// The same with its books in another folder.
    pub async fn serve_in(variables: &[(&str, &str)], data: &Path) -> Self {
        Self::launch(&["serve"], variables, Some(data), &[]).await
    }

    async fn launch(
        words: &[&str],
        variables: &[(&str, &str)],
        data: Option<&Path>,
        through: &[&str],
    ) -> Self {
        let folder = Folder::new(words[0]);
        let mut variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let has_store = variables.iter().any(|(name, _)| name == "PANELWORKS_DATABASE_URL");
        if on_postgres() && !has_store {
            variables.extend(Cluster::shared().variables());
        }
        let data = data.map_or_else(|| folder.file("data"), Path::to_owned);
        let mut panel = Self {
            process: None,
            words: crate::arguments(words.iter().copied()),
            variables,
            through: crate::arguments(through.iter().copied()),
            data,
            ready: Value::Null,
            folder,
        };
        panel.start().await;
        panel
    }

    /// Starts it again on its data.
    pub async fn start(&mut self) {
        self.spawn();
        self.await_ready().await;
    }

    /// Starts the process and does not wait for it.
    pub fn spawn(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let ready = self.ready_file();
        let _ = std::fs::remove_file(&ready);
        let mut words = self.words.clone();
        let (data, ready) = (self.data.display().to_string(), ready.display().to_string());
        words.extend(["--port", "0", "--data-dir", &data, "--ready-file", &ready].map(str::to_owned));
        let output = self.folder.file("output");
        self.process = Some(Process::start(&self.through, &words, &self.variables, &output));
    }

    /// Waits until it answers.
    pub async fn await_ready(&mut self) {
        let file = self.ready_file();
        let process = self.process.as_mut().expect("it was started");
        let ready = until("the panel's ready file", START_LIMIT, async || {
            if let Some(status) = process.ended() {
                return Ok(Err(format!("the panel ended with {status}:\n{}", process.said())));
            }
            let text = std::fs::read(&file).map_err(|error| error.to_string())?;
            serde_json::from_slice(&text).map(Ok).map_err(|error| error.to_string())
        })
        .await;
        self.ready = ready.unwrap_or_else(|ended| panic!("{ended}"));
    }

    fn ready_file(&self) -> PathBuf {
        self.folder.file("ready.json")
    }

    /// The file for scripts, where it lies.
    pub fn ready_path(&self) -> PathBuf {
        self.ready_file()
    }

    pub fn ready(&self) -> &Value {
        &self.ready
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What its commands need to find its books.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// From its next start on: its books have moved to this database, or back to its folder.
    pub fn keep_books_at(&mut self, database: &[(String, String)]) {
        assert!(self.process.is_none(), "it runs");
        self.variables.retain(|(name, _)| !name.starts_with("PANELWORKS_DATABASE"));
        self.variables.extend_from_slice(database);
    }

    /// From its next start on it has this setting, named without its `PANELWORKS_`.
    pub fn set(&mut self, name: &str, value: &str) {
        assert!(self.process.is_none(), "it runs");
        self.variables.push((format!("PANELWORKS_{name}"), value.to_owned()));
    }

    /// From its next start on it is run by this command, such as `strace -f`; by none if this is empty.
    pub fn run_through(&mut self, through: &[&str]) {
        assert!(self.process.is_none(), "it runs");
        self.through = crate::arguments(through.iter().copied());
    }

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("it runs")
    }

    fn text(&self, place: &str) -> &str {
        self.ready
            .pointer(place)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no {place}: {}", self.ready))
    }

    pub fn api_url(&self) -> &str {
        self.text("/api_url")
    }

    pub fn web_url(&self) -> &str {
        self.text("/web_url").trim_end_matches('/')
    }

    pub fn address(&self) -> std::net::SocketAddr {
        raw::address(self.api_url())
    }

    /// One of the demo's two customers.
    pub fn customer(&self, place: usize) -> Api {
        Api::new(self.api_url(), self.text(&format!("/customers/{place}/api_key")))
    }

    /// The demo's service for a type's word, or for `dripfeed`, `cancelable`, `refillable`, `no link`.
    pub fn service(&self, word: &str) -> u64 {
        self.ready["services"][word].as_u64().unwrap_or_else(|| panic!("no service {word}: {}", self.ready))
    }

    /// What the demo's provider really created.
    pub async fn witness(&self) -> Witness {
        Witness::at(self.text("/provider/witness_url")).await
    }

    /// Everything it has printed and logged.
    pub fn log(&self) -> String {
        let file = std::fs::read_to_string(self.data.join("panelworks.log")).unwrap_or_default();
        std::fs::read_to_string(self.folder.file("output")).unwrap_or_default() + &file
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// SIGTERM, and how it ended.
    pub async fn stop(&mut self) -> Ended {
        self.process().terminate();
        self.ended().await
    }

    /// How it ended, once it was told to.
    pub async fn ended(&mut self) -> Ended {
        self.process.take().expect("it runs").wait(STOP_LIMIT).await
    }

    /// A command about this panel's books.
    pub fn command(&self, words: &[&str]) -> Output {
        let data = self.data.display().to_string();
        run_in(&self.variables, &[words, &["--data-dir", &data]].concat())
    }

    /// A command about this panel's books that must succeed and print JSON.
    pub fn ask(&self, words: &[&str]) -> Value {
        let data = self.data.display().to_string();
        run_json_in(&self.variables, &[words, &["--json", "--data-dir", &data]].concat())
    }

    /// Panics where an invariant of the books is violated.
    #[track_caller]
    pub fn books_balance(&self) {
        let output = self.command(&["check"]);
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "check: {}\n{said}", output.status);
    }
}
