//! The start of a panel: it waits for a database that is away, and refuses what waiting won't mend, with one line.

use std::net::TcpListener;
use std::time::Duration;

use panelworks_tests::{Api, Cluster, Folder, Panel, Process, arguments, link, page, run_in, until};

use crate::is_left_out;

/// From the start to an answer of any kind; from the database's return to readiness (`invariants.md` A6).
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const RECOVERY: Duration = Duration::from_secs(5);
/// A refused start ends by itself.
const REFUSAL_LIMIT: Duration = Duration::from_secs(20);

type Variables = Vec<(String, String)>;

fn with(mut variables: Variables, name: &str, value: &str) -> Variables {
    variables.retain(|(known, _)| known != name);
    variables.push((name.to_owned(), value.to_owned()));
    variables
}

fn serve(folder: &Folder, variables: &Variables, port: u16) -> Process {
    let (data, port) = (folder.file("data").display().to_string(), port.to_string());
    let words = arguments(["serve", "--port", &port, "--data-dir", &data]);
    Process::start(&[], &words, variables, &folder.file("output"))
}

/// Starts a panel that must refuse; its exit code and the one line it says.
async fn refused(variables: &Variables) -> (Option<i32>, String) {
    let folder = Folder::new("refused");
    let ended = serve(&folder, variables, 0).wait(REFUSAL_LIMIT).await;
    let errors: Vec<&str> = ended.said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{}", ended.said);
    assert!(!ended.said.contains(Cluster::password()), "{}", ended.said);
    (ended.status.code(), errors[0].to_owned())
}

/// Shows A6.
#[tokio::test]
async fn a_panel_whose_database_is_away_lives_says_so_and_goes_on_when_it_is_there() {
    if is_left_out("a start before the database's") {
        return;
    }
    let mut cluster = Cluster::start(&[]);
    let (folder, variables) = (Folder::new("early"), cluster.variables());
    cluster.stop_at_once();
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let mut process = serve(&folder, &variables, port);
    let place = |path: &str| format!("http://127.0.0.1:{port}{path}");
    until("an answer", ANSWER_LIMIT, async || {
        std::net::TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(|error| error.to_string())
    })
    .await;
    until("the reason", ANSWER_LIMIT, async || {
        let ready = page(&place("/readyz")).await;
        let says_it = ready.status == 503 && ready.text.contains("the database is away");
        if says_it { Ok(()) } else { Err(ready) }
    })
    .await;
    assert_eq!(page(&place("/healthz")).await.status, 200);
    let stranger = Api::new(&place("/api/v2"), "any");
    let refused = stranger.call(&[("action", "balance")]).await;
    assert_eq!(refused["error"], "Service temporarily unavailable");
    let silent = stranger.try_call(&[("action", "status"), ("order", "1")]).await.expect("answered");
    assert_eq!((silent.status, silent.text.as_str()), (503, ""));

    cluster.start_again();
    until("a panel that is ready", RECOVERY, async || {
        let ready = page(&place("/readyz")).await;
        if ready.status == 200 && ready.text.contains("commits survive power loss") {
            Ok(())
        } else {
            Err(ready)
        }
    })
    .await;
    assert_eq!(stranger.call(&[("action", "balance")]).await["error"], "Invalid API key");
    process.terminate();
    let ended = process.wait(ANSWER_LIMIT).await;
    assert!(ended.status.success(), "{}", ended.said);
    let told = ended.said.lines().filter(|line| line.contains("the panel waits for it")).count();
    assert!((1..=5).contains(&told), "said {told} times: {}", ended.said);
    assert!(!ended.said.contains(Cluster::password()), "{}", ended.said);
}

#[tokio::test]
async fn a_panel_that_waits_for_its_database_stops_when_it_is_told_to() {
    if is_left_out("a stop before the database's start") {
        return;
    }
    let mut cluster = Cluster::start(&[]);
    let (folder, variables) = (Folder::new("impatient"), cluster.variables());
    cluster.stop_at_once();
    let mut process = serve(&folder, &variables, 0);
    until("the first wait", ANSWER_LIMIT, async || {
        let said = process.said();
        if said.contains("the panel waits for it") { Ok(()) } else { Err(said) }
    })
    .await;
    process.terminate();
    assert!(process.wait(ANSWER_LIMIT).await.status.success());
}

/// Shows E11, E12.
#[tokio::test]
async fn what_waiting_does_not_mend_is_refused_with_one_line_and_no_password() {
    if is_left_out("starts that a database refuses") {
        return;
    }
    let cluster = Cluster::start(&[]);
    let right = cluster.variables();
    let wrong_password = cluster.url().replace("panel:", "panel:not-");
    let (code, line) = refused(&with(right.clone(), "PANELWORKS_DATABASE_URL", &wrong_password)).await;
    assert_eq!(code, Some(1));
    assert!(line.contains("password authentication failed"), "{line}");

    let mut panel = Panel::serve(&[(&right[0].0, &right[0].1), (&right[1].0, &right[1].1)]).await;
    panel.stop().await;
    let schema = &right[1].1;
    cluster.sql(&format!("insert into {schema}.schema_version (version, made_at) values (9999, now())"));
    let (code, line) = refused(&right).await;
    assert_eq!(code, Some(1));
    assert!(line.contains("newer panelworks") && line.contains(schema.as_str()), "{line}");

    cluster.sql("create schema theirs authorization panel create table wares (id integer)");
    let (_, line) = refused(&with(right.clone(), "PANELWORKS_DATABASE_SCHEMA", "theirs")).await;
    assert!(line.contains("another program"), "{line}");

    let no_database = format!("{}-nowhere", cluster.url());
    let (_, line) = refused(&with(right.clone(), "PANELWORKS_DATABASE_URL", &no_database)).await;
    assert!(line.contains("does not exist"), "{line}");

    let (code, line) = refused(&with(right, "PANELWORKS_DATABASE_URL", "postgres://panel:hidden@h")).await;
    assert_eq!(code, Some(2));
    assert!(
        line.contains("PANELWORKS_DATABASE_URL: names no database") && !line.contains("hidden"),
        "{line}"
    );
}

/// Shows A2.
#[tokio::test]
async fn a_server_that_forgets_is_refused_unless_that_is_asked_for() {
    if is_left_out("a server that does not sync") {
        return;
    }
    let cluster = Cluster::start(&["fsync=off"]);
    let variables = cluster.variables();
    let (_, line) = refused(&variables).await;
    assert!(line.contains("lose acknowledged commits") && line.contains("fsync"), "{line}");
    let variables = with(variables, "PANELWORKS_DATABASE_SYNCED", "false");
    let folder = Folder::new("forgetful");
    let data = folder.file("data").display().to_string();
    let listed = run_in(&variables, &["customer", "list", "--data-dir", &data]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
}

#[tokio::test]
async fn commands_that_copy_files_name_the_database_s_own_tools() {
    if is_left_out("backups of a database") {
        return;
    }
    let cluster = Cluster::start(&[]);
    let (folder, variables) = (Folder::new("copies"), cluster.variables());
    let data = folder.file("data").display().to_string();
    for words in [vec!["backup", "copy.db"], vec!["restore", "copy.db"]] {
        let output = run_in(&variables, &[words.as_slice(), &["--data-dir", &data]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains("pg_dump") && !said.contains(Cluster::password()), "{said}");
    }
}

#[tokio::test]
async fn a_password_may_lie_in_a_file_of_its_own_and_the_doctor_says_what_is_promised() {
    if is_left_out("a password in a file") {
        return;
    }
    let cluster = Cluster::start(&[]);
    let folder = Folder::new("password");
    let file = folder.file("password");
    std::fs::write(&file, format!("{}\n", Cluster::password())).expect("written");
    let bare = format!("postgres://panel@127.0.0.1:{}/panel", cluster.port());
    let variables = with(cluster.variables(), "PANELWORKS_DATABASE_URL", &bare);
    let file = file.display().to_string();
    let variables = with(variables, "PANELWORKS_DATABASE_PASSWORD_FILE", &file);
    let data = folder.file("data").display().to_string();
    let added = run_in(&variables, &["customer", "add", "anna", "--balance", "5", "--data-dir", &data]);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let examined = run_in(&variables, &["doctor", "--offline", "--data-dir", &data]);
    let said = String::from_utf8_lossy(&examined.stdout).into_owned();
    assert!(said.contains("survive power loss") && said.contains("synchronous_standby_names"), "{said}");
    assert!(!said.contains(Cluster::password()), "{said}");
}

/// Shows E7.
#[tokio::test]
async fn a_database_that_was_put_back_goes_on_far_beyond_the_ids_it_may_have_given_out() {
    if is_left_out("a database that was put back") {
        return;
    }
    let cluster = Cluster::start(&[]);
    let mut panel = Panel::demo_with(&[], &cluster.variables()).await;
    let before = panel.customer(0).order(panel.service("Default"), &link("before"), 100).await;
    panel.customer(0).ended(before, Duration::from_mins(1)).await;
    panel.stop().await;
    let restored = panel.command(&["restore", "--in-place"]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    panel.start().await;
    let after = panel.customer(0).order(panel.service("Default"), &link("after"), 100).await;
    assert!(after > before + 1_000_000, "{before}, {after}");
    panel.customer(0).ended(after, Duration::from_mins(1)).await;
    panel.books_balance();
}
