//! The same request, carried out here and through the socket of a panel that runs.

use super::*;
use crate::testing::Folder;
use panelworks_core::ids::CustomerId;
use panelworks_core::money::Amount;
use request::NewCustomer;

fn config(folder: &Folder) -> Config {
    Config { data_dir: folder.root().to_owned(), ..Config::default() }
}

fn quiet() -> Progress {
    Arc::new(|_, _| ())
}

fn new_customer(name: &str) -> Request {
    Request::AddCustomer(NewCustomer {
        name: name.to_owned(),
        currency: None,
        balance: Some(Amount(5_000_000)),
        credit_limit: Amount::ZERO,
        unlimited: false,
        key: None,
    })
}

async fn names(config: &Config) -> Vec<String> {
    match ask(config, Request::ListCustomers, quiet()).await.expect("answered") {
        Answer::Customers(rows) => rows.into_iter().map(|row| row.name).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_command_works_whether_the_panel_runs_or_not() {
    let folder = Folder::new();
    let config = config(&folder);
    let core = Core::open(&config, Opening::default()).await.expect("opens");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let until = async {
        let _ = stopped.await;
    };
    let served = socket::serve(folder.root(), Arc::clone(&core.desk), until).expect("listens");
    ask(&config, new_customer("by the socket"), quiet()).await.expect("opened");
    assert_eq!(names(&config).await, ["by the socket"]);
    stop.send(()).expect("it listens");
    served.await.expect("ends");
    core.close().await.expect("closes");

    ask(&config, new_customer("by itself"), quiet()).await.expect("opened");
    assert_eq!(names(&config).await, ["by the socket", "by itself"]);
    let checked = ask(&config, Request::Check, quiet()).await.expect("audited");
    assert!(checked.is_good(), "{}", checked.text());
}

#[tokio::test]
async fn what_the_core_refuses_is_told_in_its_words_and_changes_nothing() {
    let folder = Folder::new();
    let config = config(&folder);
    Core::open(&config, Opening::default()).await.expect("opens").close().await.expect("closes");
    let credit = Request::Credit { customer: CustomerId(7), amount: Amount(1), note: String::new() };
    let refused = ask(&config, credit, quiet()).await.expect_err("nobody there").to_string();
    assert_eq!(refused, "no such customer");
    assert_eq!(names(&config).await, [""; 0]);
}

#[tokio::test]
async fn a_folder_without_books_is_not_made_into_one() {
    let folder = Folder::new();
    let refused =
        ask(&config(&folder), Request::ListCustomers, quiet()).await.expect_err("no books").to_string();
    assert!(refused.contains("holds no books") && refused.contains("--data-dir"), "{refused}");
    assert_eq!(std::fs::read_dir(folder.root()).expect("a folder").count(), 0);
}

#[tokio::test]
async fn a_socket_that_a_killed_panel_left_behind_is_no_panel() {
    let folder = Folder::new();
    let config = config(&folder);
    Core::open(&config, Opening::default()).await.expect("opens").close().await.expect("closes");
    drop(std::os::unix::net::UnixListener::bind(folder.path("control.sock")).expect("bound"));
    assert_eq!(names(&config).await, [""; 0]);
}

#[tokio::test]
async fn books_without_their_secret_key_can_be_audited_but_call_nobody() {
    let folder = Folder::new();
    let config = config(&folder);
    Core::open(&config, Opening::default()).await.expect("opens").close().await.expect("closes");
    let new = request::NewProvider {
        url: "https://provider.example/api/v2".to_owned(),
        key: request::KeyText("k".to_owned()),
        name: None,
        currency: None,
        connections: 1,
        allow_local: false,
        keys_kept_hours: None,
    };
    ask(&config, Request::AddProvider(new.clone()), quiet()).await.expect("opened");
    let again = ask(&config, Request::AddProvider(new), quiet()).await.expect_err("twice").to_string();
    assert!(again.contains("is provider 1 already"), "{again}");
    std::fs::remove_file(folder.path("secret.key")).expect("there");
    assert!(ask(&config, Request::Check, quiet()).await.expect("audited").is_good());
    let test = Request::TestProvider { provider: panelworks_core::ids::ProviderAccountId(1) };
    let refused = ask(&config, test, quiet()).await.expect_err("no key").to_string();
    assert!(refused.contains("secret.key is missing"), "{refused}");
    assert!(!folder.path("secret.key").exists(), "a new key would open nothing");
}
