//! What an operator has set: a TOML file, environment variables above it, and every mistake in them at once.
//!
//! In: the text of a file, the variables `PANELWORKS_…`. Out: a [`Config`] whose values are right, or all
//! [`Wrong`]s, each with its place (file and line, or the variable's name), what is wrong and what would be right.
//! All settings are rows of one table ([`settings`]), so that file, variables, the annotated example and unknown
//! names can't drift apart. Never: a default in the place of a wrong value. Rules: invariants.md E12.

mod database;
mod given;
mod settings;
mod wrong;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use panelworks_core::money::Currency;
use panelworks_core::time::Span;
use panelworks_web::address::Network;
use panelworks_web::limits as web_limits;
use panelworks_web::serve::Bounds;
use panelworks_web::{Pace, Settings};
use toml::de::{DeTable, DeValue};

pub use database::{DatabaseSettings, DatabaseUrl};
use given::Given;
pub use settings::SETTINGS;
use settings::Setting;
pub use wrong::{Place, Wrong, WrongConfig};

use crate::limits;

/// Everything that can be set, at its defaults until something is.
#[derive(Debug, Clone)]
pub struct Config {
    pub panel_name: String,
    pub currency: Currency,
    /// Where customers reach the panel, without a final slash; the listener's own address where it is missing.
    pub public_url: Option<String>,
    pub data_dir: PathBuf,
    /// `secret.key` in the data folder where it is missing.
    pub secret_key_file: Option<PathBuf>,
    /// The whole API is closed, with this text; an empty one stands for the usual text.
    pub maintenance: Option<String>,
    /// No orders are taken, likewise.
    pub ordering_off: Option<String>,
    pub listen: SocketAddr,
    pub get_allowed: bool,
    pub trusted_proxies: Vec<Network>,
    pub public_metrics: bool,
    pub body_bytes: usize,
    pub body_time: Duration,
    pub requests_per_minute: u32,
    pub requests_burst: u32,
    pub bad_keys_per_minute: u32,
    pub bad_keys_burst: u32,
    pub status_patience: Duration,
    pub connections: usize,
    pub connections_per_address: usize,
    pub shutdown_time: Duration,
    pub database: DatabaseSettings,
    pub log: LogSettings,
    pub poll: Span,
    pub request_poll: Span,
    /// Finished orders go to the archive after this; never where it is missing.
    pub kept: Option<Span>,
}

/// Where the log goes, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// As `tracing` reads it: `info`, or `info,panelworks_engine=debug`.
    pub level: String,
    pub format: LogFormat,
    /// Standard error where it is missing.
    pub file: Option<PathBuf>,
    /// Successful calls are logged at info too, one line each.
    pub successes: bool,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Human,
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            panel_name: "Panelworks".to_owned(),
            currency: Currency::USD,
            public_url: None,
            data_dir: PathBuf::from("panelworks-data"),
            secret_key_file: None,
            maintenance: None,
            ordering_off: None,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), limits::DEMO_PORT),
            get_allowed: true,
            trusted_proxies: Vec::new(),
            public_metrics: false,
            body_bytes: web_limits::BODY_BYTES,
            body_time: web_limits::BODY_TIME,
            requests_per_minute: web_limits::REQUESTS_PER_MINUTE,
            requests_burst: web_limits::REQUESTS_BURST,
            bad_keys_per_minute: web_limits::BAD_KEYS_PER_MINUTE,
            bad_keys_burst: web_limits::BAD_KEYS_BURST,
            status_patience: web_limits::STATUS_PATIENCE,
            connections: web_limits::CONNECTIONS,
            connections_per_address: web_limits::CONNECTIONS_PER_ADDRESS,
            shutdown_time: web_limits::SHUTDOWN_TIME,
            database: DatabaseSettings::default(),
            log: LogSettings::default(),
            poll: limits::POLL,
            request_poll: panelworks_engine::limits::CHORE_POLL,
            kept: None,
        }
    }
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: None,
            password_file: None,
            schema: "panelworks".to_owned(),
            ca_file: None,
            readers: limits::DATABASE_READERS,
            synced: true,
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Human, file: None, successes: false }
    }
}

impl Config {
    /// Reads the file, if there is one, and the environment's variables above it.
    pub fn load(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, WrongConfig> {
        let mut config = Self::default();
        let mut wrongs = Vec::new();
        if let Some(path) = file {
            match read_file(path) {
                Ok(text) => config.take_file(path, &text, &mut wrongs),
                Err(wrong) => wrongs.push(wrong),
            }
        }
        config.take_variables(variables, &mut wrongs);
        config.check_together(file, &mut wrongs);
        if wrongs.is_empty() { Ok(config) } else { Err(WrongConfig(wrongs)) }
    }

    /// Paths in a file are meant from the file's folder, so that it doesn't matter where the program is started.
    fn take_file(&mut self, path: &Path, text: &str, wrongs: &mut Vec<Wrong>) {
        self.data_dir = folder_of(path).join(&self.data_dir);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map_or(text.len(), |span| span.start);
            wrongs.push(Wrong::syntax(Place::line(path, text, at), error.message()));
        }
        // What a broken line was meant to say would only be guessed at; the rest is still checked.
        for (section, value) in table.get_ref() {
            let name: &str = section.get_ref();
            match value.get_ref() {
                DeValue::Table(rows) => {
                    for (key, value) in rows {
                        let place = Place::line(path, text, key.span().start);
                        self.take_row(&format!("{name}.{}", key.get_ref()), value.get_ref(), place, wrongs);
                    }
                }
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_) => {
                    let place = Place::line(path, text, section.span().start);
                    wrongs.push(Wrong::unknown(place, name));
                }
            }
        }
    }

    fn take_row(&mut self, name: &str, value: &DeValue<'_>, place: Place, wrongs: &mut Vec<Wrong>) {
        let Some(setting) = Setting::named(name) else {
            wrongs.push(Wrong::unknown(place, name));
            return;
        };
        let base = match &place {
            Place::Line(path, _) | Place::File(path) => folder_of(path).to_owned(),
            Place::Variable(_) | Place::Nowhere => PathBuf::new(),
        };
        if let Err(what) = (setting.take)(self, &Given::of_toml(value), &base) {
            wrongs.push(Wrong::value(place, setting, &what));
        }
    }

    fn take_variables(&mut self, variables: impl Iterator<Item = (String, String)>, wrongs: &mut Vec<Wrong>) {
        let mut ours: Vec<(String, String)> =
            variables.filter(|(name, _)| name.starts_with(settings::VARIABLE_PREFIX)).collect();
        ours.sort();
        for (name, text) in ours {
            if settings::OTHER_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            let place = Place::Variable(name.clone());
            match SETTINGS.iter().find(|setting| setting.variable() == name) {
                None => wrongs.push(Wrong::unknown_variable(place, &name)),
                Some(setting) => {
                    if let Err(what) = (setting.take)(self, &Given::Variable(&text), Path::new("")) {
                        wrongs.push(Wrong::value(place, setting, &what));
                    }
                }
            }
        }
    }

    /// What only two settings together can get wrong.
    fn check_together(&self, file: Option<&Path>, wrongs: &mut Vec<Wrong>) {
        let place = || file.map_or(Place::Nowhere, |path| Place::File(path.to_owned()));
        if self.public_url.is_none() && self.listen.ip().is_unspecified() {
            wrongs.push(Wrong::together(
                place(),
                "panel.public_url is missing",
                "a panel that listens on every address must say where customers reach it, such as \
                 \"https://panel.example\"",
            ));
        }
        if self.connections_per_address > self.connections {
            wrongs.push(Wrong::together(
                place(),
                "http.connections_per_address is above http.connections",
                "one address can't have more connections than all together",
            ));
        }
    }

    /// Where the key over the providers' keys lies.
    pub fn secret_key_path(&self) -> PathBuf {
        self.secret_key_file.clone().unwrap_or_else(|| self.data_dir.join("secret.key"))
    }

    /// How many connections are served, and for how long after the word to stop.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            shutdown_time: self.shutdown_time,
            ..Bounds::default()
        }
    }

    /// Threads that answer questions of the doors.
    pub const fn readers(&self) -> usize {
        match self.database.url {
            Some(_) => self.database.readers,
            None => panelworks_store::limits::READERS,
        }
    }

    /// What the doors are told; `address` is what the listener really got.
    pub fn web_settings(&self, address: SocketAddr) -> Settings {
        let url = self.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        Settings {
            reads_query: self.get_allowed,
            trusted_proxies: self.trusted_proxies.clone(),
            requests: Pace::per_minute(self.requests_per_minute, self.requests_burst),
            bad_keys: Pace::per_minute(self.bad_keys_per_minute, self.bad_keys_burst),
            body_bytes: self.body_bytes,
            body_time: self.body_time,
            status_patience: self.status_patience,
            maintenance: self.maintenance.clone(),
            ordering_off: self.ordering_off.clone(),
            public_metrics: self.public_metrics,
            log_successes: self.log.successes,
            ..Settings::new(self.panel_name.clone(), self.currency.to_string(), url)
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn read_file(path: &Path) -> Result<String, Wrong> {
    let unreadable = |what: String| {
        Wrong::together(Place::File(path.to_owned()), &what, "a TOML file such as panelworks.example.toml")
    };
    let size = std::fs::metadata(path).map_err(|error| unreadable(format!("can't be read: {error}")))?.len();
    if size > limits::CONFIG_BYTES {
        return Err(unreadable(format!("has {size} bytes; at most {} are read", limits::CONFIG_BYTES)));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(format!("can't be read: {error}")))
}

#[cfg(test)]
mod tests;
