//! The servers that an address names, each as a place to connect to by itself.
//!
//! In: the address. Out: one configuration per host, with what all of them share: who we are, how the line is
//! encrypted, that the session must take writes, and when a silent line is given up.

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::limits;

/// One configuration for each host, so that each has its own deadline.
pub(super) fn each(all: &Config) -> Vec<Config> {
    let count = all.get_hosts().len().max(all.get_hostaddrs().len());
    (0..count).map(|place| one_host(all, place)).collect()
}

fn one_host(all: &Config, place: usize) -> Config {
    let mut one = Config::new();
    let host = all.get_hosts().get(place);
    let address = all.get_hostaddrs().get(place);
    match host {
        Some(Host::Tcp(name)) => {
            one.host(name);
        }
        #[cfg(unix)]
        Some(Host::Unix(path)) => {
            one.host_path(path);
        }
        None => {}
    }
    if let Some(address) = address {
        one.hostaddr(*address);
    }
    if let Some(port) = all.get_ports().get(place).or_else(|| all.get_ports().first()) {
        one.port(*port);
    }
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(name) = all.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    one.application_name(all.get_application_name().unwrap_or("panelworks"));
    one.ssl_mode(ssl_mode(all.get_ssl_mode(), host, address));
    one.ssl_negotiation(all.get_ssl_negotiation());
    one.channel_binding(all.get_channel_binding());
    one.target_session_attrs(TargetSessionAttrs::ReadWrite);
    one.connect_timeout(limits::DATABASE_DEADLINE);
    one.keepalives_idle(limits::KEEPALIVE_IDLE);
    one.keepalives_interval(limits::KEEPALIVE_INTERVAL);
    one.keepalives_retries(limits::KEEPALIVE_RETRIES);
    one
}

/// "Prefer" protects from nobody: towards another machine it means "require", within this one "disable".
fn ssl_mode(asked: SslMode, host: Option<&Host>, address: Option<&std::net::IpAddr>) -> SslMode {
    if asked != SslMode::Prefer {
        return asked;
    }
    let here = match (host, address) {
        (_, Some(address)) => address.is_loopback(),
        (Some(Host::Tcp(name)), None) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        (Some(Host::Unix(_)), None) => true,
        (None, None) => false,
    };
    if here { SslMode::Disable } else { SslMode::Require }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_spoken_to_encrypted_unless_it_was_said_otherwise() {
        let mode = |url: &str| {
            let config: Config = url.parse().expect("an address");
            each(&config).iter().map(Config::get_ssl_mode).collect::<Vec<_>>()
        };
        assert_eq!(mode("postgres://panel@db.example/panel"), [SslMode::Require]);
        assert_eq!(mode("postgres://panel@10.0.0.5,localhost/panel"), [SslMode::Require, SslMode::Disable]);
        assert_eq!(mode("postgres://panel@127.0.0.1/panel"), [SslMode::Disable]);
        assert_eq!(mode("host=/var/run/postgresql user=panel"), [SslMode::Disable]);
        assert_eq!(mode("postgres://panel@db.example/panel?sslmode=disable"), [SslMode::Disable]);
        assert_eq!(mode("postgres://panel@localhost/panel?sslmode=require"), [SslMode::Require]);
    }

    #[test]
    fn every_host_keeps_its_own_port_and_what_it_shares_with_the_others() {
        let config: Config =
            "postgres://ann:secret@one.example:5433,two.example:5434/panel".parse().expect("an address");
        let hosts = each(&config);
        assert_eq!(hosts.iter().map(|one| one.get_ports().to_vec()).collect::<Vec<_>>(), [[5433], [5434]]);
        for one in &hosts {
            assert_eq!((one.get_user(), one.get_dbname()), (Some("ann"), Some("panel")));
            assert_eq!(one.get_password(), Some(b"secret".as_slice()));
            assert_eq!(one.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        }
    }
}
