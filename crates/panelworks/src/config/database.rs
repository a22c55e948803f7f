//! Where a PostgreSQL database is, with the password that opens it: shown by nothing.
//!
//! In: a URL as an operator writes it. Out: a [`DatabaseUrl`] that the store's driver understands, and that shows
//! itself as host and database alone; or what is wrong with it, in words without a letter of the URL, for any part
//! of a mistyped one may be the password. Parameters that the program would not heed are refused.

use std::fmt;
use std::path::PathBuf;

use panelworks_client::Secret;

use super::wrong::{Place, Wrong, WrongConfig};
use crate::limits;

/// Everything that is set about a PostgreSQL database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// The embedded store where it is missing.
    pub url: Option<DatabaseUrl>,
    /// Its first line goes above a password in the URL.
    pub password_file: Option<PathBuf>,
    pub schema: String,
    /// The only authorities whose certificates are believed; the machine's own where it is missing.
    pub ca_file: Option<PathBuf>,
    /// Connections that answer questions.
    pub readers: usize,
    /// False: commits may be lost with the server's power. For trials.
    pub synced: bool,
}

impl DatabaseSettings {
    /// What stands in the password's file, read anew at every start.
    pub fn password(&self) -> Result<Option<Secret>, WrongConfig> {
        let Some(path) = &self.password_file else { return Ok(None) };
        let wrong = |what: String| {
            let right = "right would be a file with the database's password in its first line";
            WrongConfig(vec![Wrong::together(Place::File(path.clone()), &what, right)])
        };
        let text = std::fs::read_to_string(path).map_err(|why| wrong(format!("can't be read: {why}")))?;
        match text.lines().next() {
            Some(line) if !line.trim().is_empty() && line.len() <= limits::PASSWORD_BYTES => {
                Ok(Some(Secret::new(line)))
            }
            Some(_) | None => Err(wrong("holds no password".to_owned())),
        }
    }
}

/// See the module's head.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    text: Secret,
    shown: String,
    ca_file: Option<PathBuf>,
}

/// Parameters of a URL that are handed on as they are.
const HANDED_ON: [&str; 3] = ["application_name", "channel_binding", "options"];

impl DatabaseUrl {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let rest = text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"))
            .ok_or("does not begin with postgres://")?;
        let (address, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = address.split_once('/').unwrap_or((address, ""));
        let (user, hosts) = authority.rsplit_once('@').ok_or("names no user before the host")?;
        if user.contains('@') || database.contains(['@', '/']) {
            return Err("has a @ or / in its password or name, to be written as %40 or %2F".to_owned());
        }
        if user.is_empty() || user.starts_with(':') {
            return Err("names no user before the host".to_owned());
        }
        if database.is_empty() {
            return Err("names no database after the host".to_owned());
        }
        if hosts.split(',').any(|host| !is_host(host)) {
            return Err("has a host or port that can't be one".to_owned());
        }
        let (parameters, ca_file) = take_parameters(parameters)?;
        let clean = format!("postgres://{user}@{hosts}/{database}{parameters}");
        Ok(Self { text: Secret::new(clean), shown: format!("{hosts}/{database}"), ca_file })
    }

    /// The whole of it, for the driver.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// As `sslrootcert` says it.
    pub(super) fn ca_file(&self) -> Option<&PathBuf> {
        self.ca_file.as_ref()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.shown)
    }
}

/// A name, an IPv4 address, an IPv6 address in brackets, or a socket's folder written with %2F; perhaps a port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '%');
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_fits = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(plain),
    };
    host_fits && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// The parameters the driver gets, and the file of `sslrootcert`. Whoever encrypts is verified here, so that all
/// of libpq's modes that encrypt are one.
fn take_parameters(text: &str) -> Result<(String, Option<PathBuf>), String> {
    let (mut kept, mut ca_file) = (Vec::new(), None);
    for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (name, value) {
            ("sslmode", "disable" | "prefer") => kept.push(parameter.to_owned()),
            ("sslmode", "require" | "verify-ca" | "verify-full") => kept.push("sslmode=require".to_owned()),
            ("sslmode", _) => {
                return Err("has an sslmode other than disable, prefer, require and verify-full".to_owned());
            }
            ("sslrootcert", "") => return Err("has an empty sslrootcert".to_owned()),
            ("sslrootcert", file) => ca_file = Some(PathBuf::from(file.replace("%2F", "/"))),
            // What the panel insists on anyway: it only ever writes to a primary.
            ("target_session_attrs", "read-write" | "primary") => {}
            (name, _) if HANDED_ON.contains(&name) => kept.push(parameter.to_owned()),
            _ => {
                return Err(format!(
                    "has a parameter other than sslmode, sslrootcert, target_session_attrs=read-write, {}",
                    HANDED_ON.join(", ")
                ));
            }
        }
    }
    let parameters = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    Ok((parameters, ca_file))
}

/// A name that needs no quotes, and is none of the server's own.
pub(super) fn is_schema(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    begins
        && name.len() <= 63
        && name.chars().all(plain)
        && !name.starts_with("pg_")
        && name != "information_schema"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_as_host_and_database_alone() {
        let url = DatabaseUrl::parse(
            "postgresql://panel:hid%40den@db.example:6432,[::1]/books?sslmode=verify-full",
        )
        .expect("right");
        assert_eq!(url.to_string(), "db.example:6432,[::1]/books");
        assert!(!format!("{url:?} {url:#?}").contains("hid"));
        assert_eq!(url.expose(), "postgres://panel:hid%40den@db.example:6432,[::1]/books?sslmode=require");
    }

    #[test]
    fn no_word_about_a_wrong_url_repeats_any_of_it() {
        for wrong in [
            "mysql://SECRET@h/d",
            "postgres://u:SECRET",
            "postgres://u:SE@CRET@h/SECRET",
            "postgres://u:SE/CRET@h/d",
            "postgres://:SECRET@h/d",
            "postgres://u:SECRET@h/",
            "postgres://u:SECRET@h",
            "postgres://u:SECRET@h:99999/d",
            "postgres://u:SECRET@[1::2::3]/d",
            "postgres://u:SECRET@a b/d",
            "postgres://u:SECRET@h/d?sslmode=SECRET",
            "postgres://u:SECRET@h/d?password=SECRET",
            "postgres://u@h/d?SECRET",
            "postgres://u@h/d?sslrootcert=",
        ] {
            let told = DatabaseUrl::parse(wrong).expect_err(wrong);
            assert!(!told.contains("SECRET") && !told.contains("CRET"), "{wrong}: {told}");
        }
    }

    #[test]
    fn the_password_is_the_first_line_of_its_file_and_a_missing_file_is_named() {
        let folder = crate::testing::Folder::new();
        let path = folder.path("password");
        let settings = DatabaseSettings { password_file: Some(path.clone()), ..DatabaseSettings::default() };
        let told = settings.password().expect_err("missing").to_string();
        assert!(told.contains("password: can't be read"), "{told}");
        std::fs::write(&path, "\n").expect("written");
        assert!(settings.password().is_err());
        std::fs::write(&path, "hidden\n").expect("written");
        assert_eq!(settings.password().expect("there"), Some(Secret::new("hidden")));
    }

    #[test]
    fn authorities_in_the_url_are_taken_out_of_it() {
        let url = DatabaseUrl::parse("postgres://u@h/d?sslrootcert=%2Fetc%2Fca.pem&application_name=p")
            .expect("right");
        assert_eq!(url.ca_file(), Some(&PathBuf::from("/etc/ca.pem")));
        assert_eq!(url.expose(), "postgres://u@h/d?application_name=p");
    }

    #[test]
    fn a_cluster_s_address_may_say_that_it_means_the_primary() {
        let url =
            DatabaseUrl::parse("postgres://u@one,two:5433/d?target_session_attrs=read-write").expect("right");
        assert_eq!(url.expose(), "postgres://u@one,two:5433/d");
        assert!(DatabaseUrl::parse("postgres://u@one,two/d?target_session_attrs=any").is_err());
    }

    #[test]
    fn a_socket_s_folder_is_a_host() {
        let url = DatabaseUrl::parse("postgres://panel@%2Frun%2Fpostgresql/panel").expect("right");
        assert_eq!(url.to_string(), "%2Frun%2Fpostgresql/panel");
    }

    #[test]
    fn schemas_need_no_quotes() {
        for right in ["panelworks", "_p1", "public"] {
            assert!(is_schema(right), "{right}");
        }
        for wrong in ["", "Panel", "1p", "a-b", "a b", "pg_panel", "information_schema", &"a".repeat(64)] {
            assert!(!is_schema(wrong), "{wrong}");
        }
    }
}
