//! The log: one line per call with its request id, and never a key or a link, at any level.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::Request;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::shop::{ANNA, BERT, Shop};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<u8>>>);

impl Journal {
    fn lines(&self) -> Vec<serde_json::Value> {
        let bytes = self.0.lock().expect("not poisoned");
        let text = String::from_utf8(bytes.clone()).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("UTF-8")
    }
}

impl Write for Journal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Journal {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Subscribers of different levels beside one another race for tracing's one cache of who listens to what.
static ONE_JOURNAL: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// As long as it lives, this thread's logs are kept; dropped in this order.
struct Keeping {
    _default: tracing::subscriber::DefaultGuard,
    _one: tokio::sync::MutexGuard<'static, ()>,
}

/// Logs of this thread only: other tests run beside it.
async fn keep(level: Level) -> (Journal, Keeping) {
    let one = ONE_JOURNAL.lock().await;
    let journal = Journal::default();
    let subscriber =
        tracing_subscriber::fmt().json().with_max_level(level).with_writer(journal.clone()).finish();
    let default = tracing::subscriber::set_default(subscriber);
    (journal, Keeping { _default: default, _one: one })
}

/// Shows C25, I22.
#[tokio::test]
async fn no_key_and_no_link_is_ever_logged() {
    let shop = Shop::open().await;
    let (journal, _guard) = keep(Level::TRACE).await;
    let link = "https://planted.example/secret-link";
    shop.anna(&format!("action=add&service=1&link={link}&quantity=100&request_id=planted-idempotency")).await;
    shop.anna(&format!("action=add&service=1&link={link}&quantity=1")).await;
    shop.form("key=planted-wrong-key&action=balance").await;
    shop.form("{\"key\":\"planted-broken").await;
    let query = format!("/api/v2?key={ANNA}&action=add&service=1&link={link}&quantity=7");
    shop.send(Request::get(query).body(Body::empty()).expect("a request")).await;
    for (header, value) in [("authorization", format!("Bearer {BERT}")), ("x-api-key", ANNA.to_owned())] {
        let request =
            Request::post("/api/v2").header(header, value).body(Body::from("action=status&order=1"));
        shop.send(request.expect("a request")).await;
    }
    let text = journal.text();
    assert!(text.lines().count() >= 7, "{text}");
    for secret in [ANNA, BERT, "planted", "secret-link"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn a_call_is_one_line_that_leads_from_the_request_to_the_order() {
    let shop = Shop::with(|settings| settings.log_successes = true).await;
    let (journal, _guard) = keep(Level::INFO).await;
    let request = Request::post("/api/v2").header("x-request-id", "mine-1");
    let body = format!("key={ANNA}&action=add&service=1&link=a&quantity=100");
    shop.send(request.body(Body::from(body)).expect("a request")).await;
    let lines = journal.lines();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let fields = &line["fields"];
    assert_eq!(fields["request_id"], "mine-1");
    assert_eq!(fields["method"], "POST");
    assert_eq!(fields["path"], "/api/v2");
    assert_eq!(fields["action"], "add");
    assert_eq!(fields["customer"], 1);
    assert_eq!(fields["order"], 1);
    assert_eq!(fields["status"], 200);
    assert!(fields["took_us"].is_u64());
}

#[tokio::test]
async fn at_info_refusals_are_logged_and_successes_only_on_request() {
    let shop = Shop::open().await;
    let (journal, _guard) = keep(Level::INFO).await;
    shop.anna("action=balance").await;
    assert_eq!(journal.lines().len(), 0);
    shop.anna("action=add&service=1&link=a&quantity=1").await;
    let lines = journal.lines();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(line["fields"]["error"], "Quantity less than minimal 50");
}
