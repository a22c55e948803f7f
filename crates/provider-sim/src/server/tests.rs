//! The server over real sockets: what a client sees, and what outlives it.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::fault::{Fault, Faults};
use crate::options::Settings;
use crate::testing::Folder;

const ADD: &str = "key=provider-key&action=add&service=1&link=a&quantity=100";

/// A server of its own on a free port; stopped with `stop`.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    async fn start(store: Option<&Folder>, options: SimOptions) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (stop, stopped) = oneshot::channel::<()>();
        let store = store.map(|folder| folder.path().to_owned());
        let served = tokio::spawn(serve(listener, store, options, async {
            let _ = stopped.await;
        }));
        Running { address, stop, served }
    }

    async fn stop(self) {
        self.stop.send(()).expect("still running");
        self.served.await.expect("no panic").expect("served");
    }

    /// Sends one request on a connection of its own and reads until it is closed.
    async fn exchange(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("connects");
        let request = format!(
            "{head} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("writes");
        let mut answer = Vec::new();
        // A connection that is cut may end in an error; what was read before it counts.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).expect("UTF-8")
    }

    async fn post(&self, body: &str) -> Value {
        let answer = self.exchange("POST /api/v2", body).await;
        body_of(&answer)
    }

    async fn witness(&self, query: &str) -> Value {
        body_of(&self.exchange(&format!("GET /witness{query}"), "").await)
    }
}

fn body_of(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a chunk's size");
        whole.push_str(&rest[..size]);
        body = &rest[(size + 2).min(rest.len())..];
        if size == 0 {
            break;
        }
    }
    whole
}

/// Waits until the last connection's task has let go of the journal.
async fn released(folder: &Folder) {
    for _ in 0..10_000 {
        if crate::journal::Facts::open(folder.path()).is_ok() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the journal is still in use");
}

fn options(faults: Faults) -> SimOptions {
    let provider = Settings { faults, ..Settings::default() };
    SimOptions { provider, hang_ms: 20, ..SimOptions::default() }
}

#[tokio::test]
async fn both_paths_and_both_methods_answer_alike() {
    let server = Running::start(None, options(Faults::none())).await;
    let call = "key=provider-key&action=balance";
    let expected = json!({"balance": "1000000.00", "currency": "USD"});
    for path in ["/api/v2", "/api/v2/"] {
        let answer = server.exchange(&format!("POST {path}"), call).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
        assert_eq!(body_of(&answer), expected);
        assert_eq!(body_of(&server.exchange(&format!("GET {path}?{call}"), "").await), expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn the_witness_lists_orders_in_pages_and_counts_requests() {
    let server = Running::start(None, options(Faults::none())).await;
    for _ in 0..5 {
        server.post(ADD).await;
    }
    let all = server.witness("").await;
    assert_eq!(all["requests"], json!({"add": 5}));
    assert_eq!(all["orders"].as_array().map(Vec::len), Some(5));
    let first = &all["orders"][0];
    assert_eq!((&first["order"], &first["service"], &first["link"]), (&json!(1), &json!(1), &json!("a")));
    assert_eq!(first["quantity"], 100);
    assert!(first["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{first}");
    let page = server.witness("?after=2&limit=2").await;
    let ids: Vec<_> =
        page["orders"].as_array().expect("a list").iter().map(|row| row["order"].clone()).collect();
    assert_eq!(ids, [json!(3), json!(4)]);
    assert_eq!(server.witness("?limit=0").await["orders"], json!([]));
    let arrivals = body_of(&server.exchange("GET /witness/arrivals?limit=1", "").await);
    assert_eq!((&arrivals[0]["action"], &arrivals[0]["order"]), (&json!("add"), &json!(5)));
    server.stop().await;
}

#[tokio::test]
async fn books_and_witness_outlive_the_server() {
    let folder = Folder::new();
    let server = Running::start(Some(&folder), options(Faults::none())).await;
    for _ in 0..3 {
        server.post(ADD).await;
    }
    let before = server.witness("").await;
    // Killed, not stopped: nothing may be left to write at the end.
    server.served.abort();
    assert!(server.served.await.is_err_and(|error| error.is_cancelled()));
    released(&folder).await;
    let server = Running::start(Some(&folder), options(Faults::none())).await;
    assert_eq!(server.witness("").await, before);
    assert_eq!(server.post(ADD).await, json!({"order": 4}));
    server.stop().await;
}

#[tokio::test]
async fn broken_connections_look_broken_and_the_orders_exist() {
    let folder = Folder::new();
    for (place, (fault, check)) in [
        ("accepted-then-close", (|answer| answer.is_empty()) as fn(&str) -> bool),
        ("accepted-then-hang", |answer| answer.is_empty()),
        ("accepted-then-half", |answer| {
            answer.contains("content-length: 11\r\n") && answer.ends_with("\r\n\r\n{\"ord")
        }),
        ("accepted-then-502", |answer| answer.starts_with("HTTP/1.1 502") && answer.contains("<html>")),
        ("accepted-then-empty", |answer| answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n")),
        ("429-retry-after", |answer| {
            answer.starts_with("HTTP/1.1 429") && answer.contains("retry-after: 3\r\n")
        }),
    ]
    .into_iter()
    .enumerate()
    {
        let fault: Fault = fault.parse().expect("a fault");
        let server = Running::start(Some(&folder), options(Faults::at(fault, 1000))).await;
        let answer = server.exchange("POST /api/v2", ADD).await;
        assert!(check(&answer), "{fault}: {answer:?}");
        let created = server.witness("").await["orders"].as_array().map(Vec::len);
        assert_eq!(created, Some((place + 1).min(5)), "{fault}");
        server.stop().await;
    }
}

#[tokio::test]
async fn answers_wait_as_long_as_they_are_told() {
    let options = SimOptions { latency_ms: 40, max_connections: 2, ..options(Faults::none()) };
    let server = Running::start(None, options).await;
    let before = std::time::Instant::now();
    server.post("key=provider-key&action=balance").await;
    assert!(before.elapsed() >= Duration::from_millis(40));
    let (first, second, third) = tokio::join!(server.post(ADD), server.post(ADD), server.post(ADD));
    let mut ids = [&first, &second, &third].map(|answer| answer["order"].as_u64().expect("an order"));
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3]);
    server.stop().await;
}
