//! The server below the doors, over real sockets: framing, silence, bounds of connections, and a stop that loses
//! nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use panelworks_web::serve::{Bounds, Stopped, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::shop::{ANNA, Shop, error};

/// Longer than anything here may take.
const LIMIT: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Stopped>,
}

async fn start(shop: &Shop, bounds: Bounds) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let stop_word = async move {
        let _ = stopped.await;
    };
    let ended =
        tokio::spawn(serve(listener, Arc::clone(&shop.panel), shop.router.clone(), bounds, stop_word));
    Server { address, stop, ended }
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address).await.expect("a connection")
}

/// Everything until the server hangs up.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after the answer is as good an end as any.
    let _ = timeout(LIMIT, stream.read_to_end(&mut bytes)).await.expect("the server hangs up");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn post(body: &str, headers: &str) -> String {
    format!("POST /api/v2 HTTP/1.1\r\nhost: panel\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

#[tokio::test]
async fn a_call_over_a_socket_is_answered_with_exactly_the_contracts_headers() {
    let shop = Shop::open().await;
    let server = start(&shop, Bounds::default()).await;
    let mut stream = connect(&server).await;
    let call = post(&format!("key={ANNA}&action=balance"), "connection: close\r\n");
    stream.write_all(call.as_bytes()).await.expect("sent");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-type: application/json\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-length: 40\r\n"), "{answer}");
    assert!(answer.ends_with(r#"{"balance":"100.84292","currency":"USD"}"#), "{answer}");
}

#[tokio::test]
async fn several_calls_share_a_connection_and_pages_are_served_beside_them() {
    let shop = Shop::open().await;
    let server = start(&shop, Bounds::default()).await;
    let mut stream = connect(&server).await;
    let add = |link: &str, more: &str| {
        post(&format!("key={ANNA}&action=add&service=1&link={link}&quantity=100"), more)
    };
    let pipelined = format!(
        "{}{}GET /healthz HTTP/1.1\r\nhost: panel\r\n\r\n{}",
        add("a", ""),
        add("b", ""),
        add("c", "connection: close\r\n")
    );
    stream.write_all(pipelined.as_bytes()).await.expect("sent");
    let answers = rest(&mut stream).await;
    let places: Vec<_> = [r#"{"order":1}"#, r#"{"order":2}"#, "alive\n", r#"{"order":3}"#]
        .iter()
        .map(|expected| answers.find(expected).unwrap_or_else(|| panic!("{expected} in {answers}")))
        .collect();
    assert!(places.is_sorted());
}

#[tokio::test]
async fn a_body_over_the_limit_is_answered_although_its_sender_does_not_listen_first() {
    let shop = Shop::open().await;
    let server = start(&shop, Bounds::default()).await;
    let stream = connect(&server).await;
    let (mut answer, mut sender) = stream.into_split();
    let sending = tokio::spawn(async move {
        let body = vec![b'x'; 3 * 1024 * 1024];
        let head = format!("POST /api/v2 HTTP/1.1\r\nhost: panel\r\ncontent-length: {}\r\n\r\n", body.len());
        sender.write_all(head.as_bytes()).await.expect("sent");
        sender.write_all(&body).await.expect("taken to the end");
        sender
    });
    let mut bytes = Vec::new();
    timeout(LIMIT, answer.read_to_end(&mut bytes)).await.expect("in time").expect("no reset");
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with(&error("Incorrect request")), "{text}");
    sending.await.expect("the sender is not cut off");
}

/// Shows C27.
#[tokio::test]
async fn ambiguous_framing_is_refused() {
    let shop = Shop::open().await;
    let server = start(&shop, Bounds::default()).await;
    let cases = [
        "POST /api/v2 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "POST /api/v2 HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
        "POST /api/v2 HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        "POST /api/v2 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST /api/v2 HTTP/1.1\r\nhost: a\r\nx: 1\r\n folded\r\n\r\n",
        "POST /api/v2 HTTP/1.1\r\nhost : a\r\n\r\n",
        "POST  /api/v2 HTTP/1.1\r\n\r\n",
        "\u{1}\u{2}\u{3}\r\n\r\n",
    ];
    for case in cases {
        let mut stream = connect(&server).await;
        stream.write_all(case.as_bytes()).await.expect("sent");
        let answer = rest(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{case:?}: {answer}");
    }
}

/// Shows C26.
#[tokio::test]
async fn too_many_headers_are_refused() {
    let headers = "x: 1\r\n".repeat(101);
    assert_eq!(refused_head(&headers).await, "HTTP/1.1 431");
}

/// Shows C26.
#[tokio::test]
async fn headers_that_are_too_long_are_refused() {
    let headers = format!("x: {}\r\n", "y".repeat(100_000));
    assert_eq!(refused_head(&headers).await, "HTTP/1.1 431");
}

async fn refused_head(headers: &str) -> String {
    let shop = Shop::open().await;
    let server = start(&shop, impatient()).await;
    let mut stream = connect(&server).await;
    let head = format!("GET /healthz HTTP/1.1\r\nhost: a\r\n{headers}\r\n");
    // The server may stop reading before it has seen everything.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = [0; 12];
    timeout(LIMIT, stream.read_exact(&mut answer)).await.expect("in time").expect("an answer");
    rest(&mut stream).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn impatient() -> Bounds {
    let second = Duration::from_secs(1);
    Bounds { header_time: second, idle_time: second, write_time: second, ..Bounds::default() }
}

#[tokio::test]
async fn a_client_that_never_ends_its_headers_is_let_go_while_others_are_answered() {
    let shop = Shop::open().await;
    let server = start(&shop, impatient()).await;
    let mut slow = connect(&server).await;
    slow.write_all(b"POST /api/v2 HTTP/1.1\r\nhost: a\r\nx: ").await.expect("sent");
    let mut idle = connect(&server).await;
    let mut good = connect(&server).await;
    let call = post(&format!("key={ANNA}&action=balance"), "connection: close\r\n");
    good.write_all(call.as_bytes()).await.expect("sent");
    assert!(rest(&mut good).await.ends_with("\"USD\"}"));
    assert_eq!(rest(&mut slow).await, "");
    assert_eq!(rest(&mut idle).await, "");
}

/// Shows C26.
#[tokio::test]
async fn connections_beyond_the_limit_are_told_503_and_a_free_place_is_used_again() {
    let shop = Shop::open().await;
    let server = start(&shop, Bounds { connections: 1, ..Bounds::default() }).await;
    let mut first = connect(&server).await;
    // Answered once, so that it surely holds the only place.
    first.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    let mut head = [0; 15];
    timeout(LIMIT, first.read_exact(&mut head)).await.expect("in time").expect("an answer");
    let mut second = connect(&server).await;
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 503"), "no place");
    drop(first);
    let reused = async {
        loop {
            let mut stream = connect(&server).await;
            let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
            if rest(&mut stream).await.ends_with("alive\n") {
                break;
            }
        }
    };
    timeout(LIMIT, reused).await.expect("the place is free again");
}

#[tokio::test]
async fn a_stop_finishes_the_calls_it_has_accepted() {
    let shop = Shop::open().await;
    let server = start(&shop, Bounds::default()).await;
    let mut idle = connect(&server).await;
    let mut busy = connect(&server).await;
    let body = format!("key={ANNA}&action=add&service=1&link=a&quantity=100");
    let call = post(&body, "");
    let (most, last) = call.as_bytes().split_at(call.len() - 1);
    busy.write_all(most).await.expect("sent");
    // The server has read the headers once another call on a later connection was answered.
    let mut other = connect(&server).await;
    other.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.expect("sent");
    assert!(rest(&mut other).await.ends_with("alive\n"));
    server.stop.send(()).expect("the server listens to it");
    assert_eq!(rest(&mut idle).await, "", "an idle connection is closed");
    busy.write_all(last).await.expect("sent");
    assert!(rest(&mut busy).await.ends_with(r#"{"order":1}"#));
    assert_eq!(timeout(LIMIT, server.ended).await.expect("in time").expect("no panic"), Stopped::Finished);
    assert!(TcpStream::connect(server.address).await.is_err(), "nothing is accepted any more");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let shop = Shop::open().await;
    let bounds = Bounds { shutdown_time: Duration::from_millis(50), ..Bounds::default() };
    let server = start(&shop, bounds).await;
    let mut stuck = connect(&server).await;
    stuck.write_all(b"POST /api/v2 HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nx").await.expect("sent");
    let mut other = connect(&server).await;
    other.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.expect("sent");
    rest(&mut other).await;
    server.stop.send(()).expect("the server listens to it");
    let stopped = timeout(LIMIT, server.ended).await.expect("in time").expect("no panic");
    assert_eq!(stopped, Stopped::CutOff { connections: 1 });
}
