//! The table of everything that can be set: name, what would be right, and how it is taken.
//!
//! A setting's variable follows from its name: `http.listen` is `PANELWORKS_HTTP_LISTEN`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use panelworks_core::money::Currency;
use panelworks_core::time::Span;

use super::database::is_schema;
use super::given::{Given, What};
use super::{Config, DatabaseUrl, LogFormat};
use crate::limits;
use crate::telemetry;

pub(super) const VARIABLE_PREFIX: &str = "PANELWORKS_";
/// Variables of the command line, which are no settings.
pub(super) const OTHER_VARIABLES: &[&str] =
    &["PANELWORKS_CONFIG", "PANELWORKS_DATA_DIR", "PANELWORKS_URL", "PANELWORKS_KEY"];

/// One thing that can be set.
pub struct Setting {
    /// Section and key, as in the file.
    pub name: &'static str,
    /// What would be right, in words and with an example.
    pub right: &'static str,
    /// With the folder that paths are meant from.
    pub(super) take: fn(&mut Config, &Given<'_>, &Path) -> Result<(), What>,
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Setting {
    pub(super) fn named(name: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// The environment variable that sets it too.
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name.replace('.', "_").to_uppercase())
    }
}

/// Every setting, in the order of the annotated example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "panel.name",
        right: "a name of 1 to 60 characters, such as \"Nordlight Panel\"",
        take: |config, given, _| {
            let name = given.some_text()?;
            if name.chars().count() > limits::NAME_CHARS || name.chars().any(char::is_control) {
                return Err(given.is());
            }
            name.clone_into(&mut config.panel_name);
            Ok(())
        },
    },
    Setting {
        name: "panel.currency",
        right: "the three letters of a currency, such as \"USD\"",
        take: |config, given, _| {
            config.currency = Currency::new(given.text()?).ok_or_else(|| given.is())?;
            Ok(())
        },
    },
    Setting {
        name: "panel.public_url",
        right: "where customers reach the panel, without a path or final slash, such as \"https://panel.example\"",
        take: |config, given, _| {
            config.public_url = Some(origin(given.some_text()?).ok_or_else(|| given.is())?);
            Ok(())
        },
    },
    Setting {
        name: "panel.data_dir",
        right: "the path of a folder on a local disk, such as \"/var/lib/panelworks\"",
        take: |config, given, base| {
            config.data_dir = base.join(given.some_text()?);
            Ok(())
        },
    },
    Setting {
        name: "panel.secret_key_file",
        right: "the path of the file with the key over the providers' keys, such as \"/etc/panelworks/secret.key\"",
        take: |config, given, base| {
            config.secret_key_file = Some(base.join(given.some_text()?));
            Ok(())
        },
    },
    Setting {
        name: "panel.maintenance",
        right: "false, true, or a text of 1 to 300 characters for customers",
        take: |config, given, _| {
            config.maintenance = given.notice(limits::NOTICE_CHARS)?;
            Ok(())
        },
    },
    Setting {
        name: "panel.ordering_off",
        right: "false, true, or a text of 1 to 300 characters for customers",
        take: |config, given, _| {
            config.ordering_off = given.notice(limits::NOTICE_CHARS)?;
            Ok(())
        },
    },
    Setting {
        name: "http.listen",
        right: "an address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"",
        take: |config, given, _| {
            config.listen = address(given.some_text()?).ok_or_else(|| given.is())?;
            Ok(())
        },
    },
    Setting {
        name: "http.get_allowed",
        right: "true or false",
        take: |config, given, _| {
            config.get_allowed = given.truth()?;
            Ok(())
        },
    },
    Setting {
        name: "http.trusted_proxies",
        right: "a list of addresses and networks, such as [\"127.0.0.1\", \"10.0.0.0/8\"]",
        take: |config, given, _| {
            let networks = given.texts()?;
            config.trusted_proxies = networks
                .into_iter()
                .map(|text| text.parse().map_err(|_| format!("has {text:?} in it")))
                .collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    Setting {
        name: "http.metrics_public",
        right: "true or false",
        take: |config, given, _| {
            config.public_metrics = given.truth()?;
            Ok(())
        },
    },
    Setting {
        name: "http.body_bytes",
        right: "a number of bytes from 65536 to 16777216, such as 1048576",
        take: |config, given, _| {
            let most = i64::try_from(panelworks_wire::limits::REQUEST_BYTES).unwrap_or(i64::MAX);
            config.body_bytes = given.whole(65_536..=most.min(16_777_216))?;
            Ok(())
        },
    },
    Setting {
        name: "http.body_time_s",
        right: "a number of seconds from 1 to 300, such as 20",
        take: |config, given, _| {
            config.body_time = Duration::from_secs(given.whole(1..=300)?);
            Ok(())
        },
    },
    Setting {
        name: "http.requests_per_minute",
        right: "a number from 1 to 1000000, such as 600",
        take: |config, given, _| {
            config.requests_per_minute = given.whole(1..=1_000_000)?;
            Ok(())
        },
    },
    Setting {
        name: "http.requests_burst",
        right: "a number from 1 to 100000, such as 100",
        take: |config, given, _| {
            config.requests_burst = given.whole(1..=100_000)?;
            Ok(())
        },
    },
    Setting {
        name: "http.bad_keys_per_minute",
        right: "a number from 1 to 10000, such as 20",
        take: |config, given, _| {
            config.bad_keys_per_minute = given.whole(1..=10_000)?;
            Ok(())
        },
    },
    Setting {
        name: "http.bad_keys_burst",
        right: "a number from 1 to 10000, such as 20",
        take: |config, given, _| {
            config.bad_keys_burst = given.whole(1..=10_000)?;
            Ok(())
        },
    },
    Setting {
        name: "http.status_wait_ms",
        right: "a number of milliseconds from 0 to 10000, such as 2000",
        take: |config, given, _| {
            config.status_patience = Duration::from_millis(given.whole(0..=10_000)?);
            Ok(())
        },
    },
    Setting {
        name: "http.connections",
        right: "a number from 16 to 65536, such as 4096",
        take: |config, given, _| {
            config.connections = given.whole(16..=65_536)?;
            Ok(())
        },
    },
    Setting {
        name: "http.connections_per_address",
        right: "a number from 1 to 65536, not above http.connections, such as 200",
        take: |config, given, _| {
            config.connections_per_address = given.whole(1..=65_536)?;
            Ok(())
        },
    },
    Setting {
        name: "http.shutdown_s",
        right: "a number of seconds from 1 to 300, such as 30",
        take: |config, given, _| {
            config.shutdown_time = Duration::from_secs(given.whole(1..=300)?);
            Ok(())
        },
    },
    Setting {
        name: "database.url",
        right: "the address of a PostgreSQL database, such as \"postgres://panelworks:PASSWORD@db.example/panelworks\"; \
                what was given is not shown, for it may hold a password",
        take: |config, given, base| {
            let given = given.some_text().map_err(|_| "is no text".to_owned())?;
            let url = DatabaseUrl::parse(given)?;
            if let Some(file) = url.ca_file() {
                config.database.ca_file = Some(base.join(file));
            }
            config.database.url = Some(url);
            Ok(())
        },
    },
    Setting {
        name: "database.password_file",
        right: "the path of a file that holds the database's password alone, such as \"/run/secrets/database\"",
        take: |config, given, base| {
            config.database.password_file = Some(base.join(given.some_text()?));
            Ok(())
        },
    },
    Setting {
        name: "database.schema",
        right: "a name of lower-case letters, digits and _ that does not begin with pg_, such as \"panelworks\"",
        take: |config, given, _| {
            let name = given.some_text()?;
            if !is_schema(name) {
                return Err(given.is());
            }
            name.clone_into(&mut config.database.schema);
            Ok(())
        },
    },
    Setting {
        name: "database.ca_file",
        right: "the path of a PEM file with the authorities that may sign the database's certificate",
        take: |config, given, base| {
            config.database.ca_file = Some(base.join(given.some_text()?));
            Ok(())
        },
    },
    Setting {
        name: "database.readers",
        right: "a number of connections from 1 to 64, such as 4",
        take: |config, given, _| {
            config.database.readers = given.whole(1..=64)?;
            Ok(())
        },
    },
    Setting {
        name: "database.synced",
        right: "true or false",
        take: |config, given, _| {
            config.database.synced = given.truth()?;
            Ok(())
        },
    },
    Setting {
        name: "log.level",
        right: "\"error\", \"warn\", \"info\", \"debug\" or \"trace\", if need be with exceptions, such as \
                \"info,panelworks_engine=debug\"",
        take: |config, given, _| {
            let level = given.some_text()?;
            if !telemetry::is_level(level) {
                return Err(given.is());
            }
            level.clone_into(&mut config.log.level);
            Ok(())
        },
    },
    Setting {
        name: "log.format",
        right: "\"human\" or \"json\"",
        take: |config, given, _| {
            config.log.format = match given.text()? {
                "human" => LogFormat::Human,
                "json" => LogFormat::Json,
                _other => return Err(given.is()),
            };
            Ok(())
        },
    },
    Setting {
        name: "log.file",
        right: "the path of a file, such as \"/var/log/panelworks.log\"; without it the log goes to standard error",
        take: |config, given, base| {
            config.log.file = Some(base.join(given.some_text()?));
            Ok(())
        },
    },
    Setting {
        name: "log.successes",
        right: "true or false",
        take: |config, given, _| {
            config.log.successes = given.truth()?;
            Ok(())
        },
    },
    Setting {
        name: "providers.poll_s",
        right: "a number of seconds from 1 to 3600, such as 15",
        take: |config, given, _| {
            config.poll = Span::seconds(given.whole(1..=3_600)?);
            Ok(())
        },
    },
    Setting {
        name: "providers.request_poll_s",
        right: "a number of seconds from 1 to 86400, such as 300",
        take: |config, given, _| {
            config.request_poll = Span::seconds(given.whole(1..=86_400)?);
            Ok(())
        },
    },
    Setting {
        name: "retention.orders_days",
        right: "a number of days from 31 to 36500, such as 365: ended orders may still be corrected for 30",
        take: |config, given, _| {
            let least = panelworks_core::limits::ARCHIVE_AFTER.0 / Span::days(1).0;
            config.kept = Some(Span::days(given.whole(least..=36_500)?));
            Ok(())
        },
    },
];

/// An address and a port; `localhost` is understood, other names are not: they may mean something else tomorrow.
fn address(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix("localhost:") {
        Some(port) => ("127.0.0.1", port.parse::<u16>().ok()?).to_socket_addrs().ok()?.next(),
        None => text.parse().ok(),
    }
}

/// Scheme, host and perhaps a port, and nothing else.
fn origin(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
    let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map(|(_, port)| port);
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let host_fits = host.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '[');
    (host_fits && port_fits && host.chars().all(plain)).then(|| text.to_owned())
}
