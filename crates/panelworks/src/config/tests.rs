//! What an operator may get wrong, and what is said then.

use super::*;
use crate::testing::Folder;

fn loaded(text: &str) -> Result<Config, WrongConfig> {
    let folder = Folder::new();
    let path = folder.path("panelworks.toml");
    std::fs::write(&path, text).expect("written");
    Config::load(Some(&path), std::iter::empty())
}

fn from_variables(variables: &[(&str, &str)]) -> Result<Config, WrongConfig> {
    Config::load(None, variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
}

#[test]
fn nothing_configured_gives_the_defaults() {
    let config = loaded("").expect("right");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.currency, Currency::USD);
    let config = Config::load(None, std::iter::empty()).expect("right");
    assert_eq!(config.secret_key_path(), Path::new("panelworks-data/secret.key"));
}

/// Shows E12.
#[test]
fn forty_wrong_configurations_are_refused_with_line_name_and_what_would_be_right() {
    // Line of the mistake, the words it must be told with, the file.
    let cases: &[(usize, &[&str], &str)] = &[
        (2, &["panel.name is empty", "60 characters"], "[panel]\nname = \"  \""),
        (2, &["panel.name is 7", "1 to 60"], "[panel]\nname = 7"),
        (2, &["panel.name is", "1 to 60"], "[panel]\nname = \"a\\u0007b\""),
        (3, &["panel.currency is \"DOLLAR\"", "\"USD\""], "[panel]\n\ncurrency = \"DOLLAR\""),
        (2, &["panel.currency is \"U$\"", "three letters"], "[panel]\ncurrency = \"U$\""),
        (
            2,
            &["panel.public_url is \"panel.example\"", "https://"],
            "[panel]\npublic_url = \"panel.example\"",
        ),
        (2, &["panel.public_url is", "without a path"], "[panel]\npublic_url = \"https://panel.example/x\""),
        (2, &["panel.public_url is", "https://"], "[panel]\npublic_url = \"ftp://panel.example\""),
        (2, &["panel.public_url is", "https://"], "[panel]\npublic_url = \"https://a.example:99999\""),
        (2, &["panel.public_url is", "https://"], "[panel]\npublic_url = \"https://u:p@a.example\""),
        (2, &["panel.public_url is", "https://"], "[panel]\npublic_url = \"https://\""),
        (2, &["panel.data_dir is empty", "folder"], "[panel]\ndata_dir = \"\""),
        (2, &["panel.data_dir is true", "folder"], "[panel]\ndata_dir = true"),
        (2, &["panel.secret_key_file is empty", "path"], "[panel]\nsecret_key_file = \"\""),
        (2, &["panel.maintenance is 1", "true"], "[panel]\nmaintenance = 1"),
        (2, &["panel.ordering_off is \"\"", "text"], "[panel]\nordering_off = \"\""),
        (2, &["http.listen is \"8080\"", "127.0.0.1:8080"], "[http]\nlisten = \"8080\""),
        (2, &["http.listen is 8080", "address and a port"], "[http]\nlisten = 8080"),
        (2, &["http.listen is", "port"], "[http]\nlisten = \"127.0.0.1:70000\""),
        (2, &["http.listen is", "port"], "[http]\nlisten = \"panel.example:80\""),
        (2, &["http.get_allowed is \"yes\"", "true or false"], "[http]\nget_allowed = \"yes\""),
        (2, &["http.trusted_proxies has \"all\"", "10.0.0.0/8"], "[http]\ntrusted_proxies = [\"all\"]"),
        (2, &["http.trusted_proxies is", "list"], "[http]\ntrusted_proxies = \"127.0.0.1\""),
        (2, &["http.trusted_proxies is 1", "list"], "[http]\ntrusted_proxies = [1]"),
        (2, &["http.metrics_public is 0", "true or false"], "[http]\nmetrics_public = 0"),
        (2, &["http.body_bytes is 1000", "65536"], "[http]\nbody_bytes = 1000"),
        (2, &["http.body_bytes is \"1 MiB\"", "bytes"], "[http]\nbody_bytes = \"1 MiB\""),
        (2, &["http.body_time_s is 0", "1 to 300"], "[http]\nbody_time_s = 0"),
        (2, &["http.requests_per_minute is -5", "1 to"], "[http]\nrequests_per_minute = -5"),
        (2, &["http.requests_burst is a number with decimals"], "[http]\nrequests_burst = 1.5"),
        (2, &["http.bad_keys_per_minute is", "10000"], "[http]\nbad_keys_per_minute = 20000"),
        (2, &["http.bad_keys_burst is a number beyond"], "[http]\nbad_keys_burst = 99999999999999999999"),
        (2, &["http.status_wait_ms is", "10000"], "[http]\nstatus_wait_ms = 10001"),
        (2, &["http.connections is 1", "16"], "[http]\nconnections = 1"),
        (2, &["http.shutdown_s is a date", "seconds"], "[http]\nshutdown_s = 2026-01-01"),
        (
            2,
            &["database.url does not begin with postgres://", "panelworks:PASSWORD"],
            "[database]\nurl = \"h\"",
        ),
        (2, &["database.url is no text"], "[database]\nurl = 5432"),
        (2, &["database.url names no database"], "[database]\nurl = \"postgres://u:p@h\""),
        (2, &["database.url has an sslmode"], "[database]\nurl = \"postgres://u:p@h/d?sslmode=on\""),
        (2, &["database.schema is \"My\"", "lower-case"], "[database]\nschema = \"My\""),
        (2, &["database.readers is 0", "1 to 64"], "[database]\nreaders = 0"),
        (2, &["database.synced is", "true or false"], "[database]\nsynced = \"no\""),
        (2, &["log.level is \"loud\"", "\"warn\""], "[log]\nlevel = \"loud\""),
        (2, &["log.format is \"xml\"", "\"json\""], "[log]\nformat = \"xml\""),
        (2, &["log.file is", "path"], "[log]\nfile = \"\""),
        (2, &["log.successes is", "true or false"], "[log]\nsuccesses = []"),
        (2, &["providers.poll_s is 0", "3600"], "[providers]\npoll_s = 0"),
        (2, &["providers.request_poll_s is a table"], "[providers]\nrequest_poll_s = {}"),
        (2, &["retention.orders_days is 30", "from 31"], "[retention]\norders_days = 30"),
        (2, &["no setting http.lisen", "http.listen may be meant"], "[http]\nlisen = \"127.0.0.1:1\""),
        (2, &["no setting panel.listen", "http.listen may be meant"], "[panel]\nlisten = \"127.0.0.1:1\""),
        (1, &["no setting listen", "http.listen may be meant"], "listen = \"127.0.0.1:1\""),
        (3, &["no setting shop.theme", "example"], "[shop]\n# a comment\ntheme = \"dark\""),
        (2, &["line of TOML"], "[panel]\nname = "),
        (3, &["line of TOML"], "[panel]\nname = \"a\"\nname = \"b\""),
        (1, &["line of TOML"], "[panel\nname = \"a\""),
    ];
    assert!(cases.len() >= 40);
    for (line, words, text) in cases {
        let told = loaded(text).expect_err(text).to_string();
        assert!(told.contains(&format!("panelworks.toml:{line}: ")), "{text}\n{told}");
        for word in *words {
            assert!(told.contains(word), "{text}\nlacks {word:?}\n{told}");
        }
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let wrong = loaded("[http]\nlisten = 1\nbody_bytes = 0\n[log]\nfromat = \"json\"\n").expect_err("wrong");
    assert_eq!(wrong.0.len(), 3, "{wrong}");
    assert_eq!(wrong.to_string().lines().count(), 3);
}

/// Shows E12.
#[test]
fn settings_that_don_t_fit_together_are_refused() {
    let open = loaded("[http]\nlisten = \"0.0.0.0:80\"").expect_err("wrong").to_string();
    assert!(open.contains("panel.public_url is missing") && open.contains("https://panel.example"), "{open}");
    let more = loaded("[http]\nconnections = 20\nconnections_per_address = 30").expect_err("wrong");
    assert!(more.to_string().contains("connections_per_address is above"), "{more}");
}

#[test]
fn a_file_that_can_t_be_read_is_named() {
    let told = Config::load(Some(Path::new("/nowhere/panelworks.toml")), std::iter::empty())
        .expect_err("wrong")
        .to_string();
    assert!(told.starts_with("/nowhere/panelworks.toml: can't be read"), "{told}");
}

#[test]
fn variables_go_above_the_file_and_are_named_when_wrong() {
    let config = from_variables(&[
        ("PANELWORKS_HTTP_LISTEN", "127.0.0.1:9"),
        ("PANELWORKS_HTTP_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8"),
        ("PANELWORKS_LOG_SUCCESSES", "true"),
        ("PANELWORKS_PANEL_MAINTENANCE", "back at noon"),
        ("PANELWORKS_KEY", "a key for `call`, no setting"),
        ("PATH", "/bin"),
    ])
    .expect("right");
    assert_eq!(config.listen.port(), 9);
    assert_eq!(config.trusted_proxies.len(), 2);
    assert!(config.log.successes);
    assert_eq!(config.maintenance.as_deref(), Some("back at noon"));

    for (name, text, words) in [
        ("PANELWORKS_HTTP_LISTEN", "nine", "is \"nine\"; right would be an address"),
        ("PANELWORKS_HTTP_BODY_BYTES", "1e6", "is \"1e6\"; right would be a number of bytes"),
        ("PANELWORKS_HTTP_GET_ALLOWED", "1", "right would be true or false"),
        ("PANELWORKS_HTTP_LISTN", "127.0.0.1:9", "PANELWORKS_HTTP_LISTEN may be meant"),
        ("PANELWORKS_SOMETHING_ELSE", "x", "no setting has this variable"),
    ] {
        let told = from_variables(&[(name, text)]).expect_err(name).to_string();
        assert!(told.starts_with(&format!("{name}: ")) && told.contains(words), "{told}");
    }
}

/// Shows I22.
#[test]
fn a_database_s_password_is_repeated_by_no_message() {
    let told =
        from_variables(&[("PANELWORKS_DATABASE_URL", "postgres://u:hidden@h/d?x=1")]).expect_err("wrong");
    assert!(told.to_string().starts_with("PANELWORKS_DATABASE_URL: has a parameter"), "{told}");
    assert!(!told.to_string().contains("hidden"), "{told}");
    let config = from_variables(&[
        ("PANELWORKS_DATABASE_URL", "postgres://u:hidden@h/d?sslrootcert=/etc/ca.pem"),
        ("PANELWORKS_DATABASE_SCHEMA", "one"),
    ])
    .expect("right");
    assert!(!format!("{config:?} {config:#?}").contains("hidden"));
    assert_eq!(config.database.schema, "one");
    assert_eq!(config.database.ca_file.as_deref(), Some(Path::new("/etc/ca.pem")));
}

#[test]
fn paths_in_a_file_are_meant_from_its_folder() {
    let folder = Folder::new();
    let path = folder.path("panelworks.toml");
    std::fs::write(&path, "[panel]\ndata_dir = \"books\"\n[log]\nfile = \"/var/log/p.log\"")
        .expect("written");
    let config = Config::load(Some(&path), std::iter::empty()).expect("right");
    assert_eq!(config.data_dir, folder.path("books"));
    std::fs::write(&path, "[panel]\ndata_dir = \"panelworks-data\"").expect("written");
    let same = Config::load(Some(&path), std::iter::empty()).expect("right");
    assert_eq!(same.data_dir, folder.path("panelworks-data"));
    assert_eq!(config.log.file.as_deref(), Some(Path::new("/var/log/p.log")));
    assert_eq!(config.secret_key_path(), folder.path("books").join("secret.key"));
}

#[test]
fn finished_orders_stay_for_ever_unless_a_limit_is_set() {
    assert_eq!(loaded("").expect("right").kept, None);
    let config = from_variables(&[("PANELWORKS_RETENTION_ORDERS_DAYS", "31")]).expect("right");
    assert_eq!(config.kept, Some(panelworks_core::limits::ARCHIVE_AFTER));
    assert_eq!(loaded("[retention]\norders_days = 365").expect("right").kept, Some(Span::days(365)));
}

/// The file that operators begin with.
const EXAMPLE: &str = include_str!("../../../../panelworks.example.toml");

#[test]
fn the_annotated_example_is_right_and_says_the_defaults() {
    let config = loaded(EXAMPLE).expect("right");
    assert_eq!(config.listen, Config::default().listen);
    assert_eq!(config.requests_per_minute, Config::default().requests_per_minute);
}

#[test]
fn the_annotated_example_has_every_setting_with_its_variable_and_no_other() {
    // Settings without a default stand in a comment.
    let uncommented: String = EXAMPLE
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    loaded(&uncommented).expect("right with every line taken");
    let (table, _) = DeTable::parse_recoverable(&uncommented);
    for setting in SETTINGS {
        let (section, key) = setting.name.split_once('.').expect("section and key");
        let there = table
            .get_ref()
            .get(section)
            .and_then(|section| section.get_ref().as_table().and_then(|rows| rows.get(key)));
        assert!(there.is_some(), "{} is missing", setting.name);
        assert!(EXAMPLE.contains(&setting.variable()), "{} is missing", setting.variable());
    }
}
