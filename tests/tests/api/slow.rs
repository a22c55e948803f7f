//! Clients that take their time: they are let go, and hold nobody up.

use std::time::{Duration, Instant};

use panelworks_tests::{World, raw};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Between two bytes of a slow client.
const BYTE_EVERY: Duration = Duration::from_millis(250);
/// A panel's bound for headers, and something for a busy machine.
const HEADERS_LIMIT: Duration = Duration::from_secs(25);

/// Sends byte by byte until the panel has had enough; what it said then.
async fn dribble(panel: std::net::SocketAddr, at_once: &[u8], slowly: &[u8]) -> String {
    let mut stream = TcpStream::connect(panel).await.expect("the panel listens");
    stream.write_all(at_once).await.expect("the panel reads");
    let mut pace = tokio::time::interval(BYTE_EVERY);
    for byte in slowly {
        pace.tick().await;
        let mut seen = [0; 1];
        let answered = tokio::time::timeout(Duration::from_millis(1), stream.peek(&mut seen)).await.is_ok();
        if answered || stream.write_all(&[*byte]).await.is_err() {
            break;
        }
    }
    raw::rest(&mut stream).await
}

/// Shows C26.
#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_not_waited_for() {
    let world = World::new().setting("HTTP_BODY_TIME_S", "2").customer("anna", "10").start().await;
    let anna = world.api("anna");
    let body = format!("key={}&action=balance{}", anna.key(), "&x=y".repeat(500));
    let request = raw::post("application/x-www-form-urlencoded", body.as_bytes());
    let (head, body) = request.split_at(request.len() - body.len());
    let began = Instant::now();
    let slow = dribble(world.panel.address(), head, body);
    let others = async {
        for _ in 0..50 {
            assert_eq!(anna.balance().await, 10_000_000);
        }
        began.elapsed()
    };
    let (answer, served) = tokio::join!(slow, others);
    assert!(served < Duration::from_secs(10), "others waited {served:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "held for {:?}", began.elapsed());
    assert!(answer.is_empty() || raw::body(&answer).contains("\"error\""), "{answer}");
}

/// Shows C26.
#[tokio::test]
async fn headers_that_come_byte_by_byte_are_not_waited_for() {
    let world = World::new().customer("anna", "10").start().await;
    let head = format!("POST /api/v2 HTTP/1.1\r\nhost: panel\r\n{}", "x-slow: 1\r\n".repeat(100));
    let began = Instant::now();
    dribble(world.panel.address(), b"", head.as_bytes()).await;
    assert!(began.elapsed() < HEADERS_LIMIT, "held for {:?}", began.elapsed());
    assert_eq!(world.api("anna").balance().await, 10_000_000);
}

/// Shows C26.
#[tokio::test]
async fn hundreds_of_silent_connections_hold_nobody_up() {
    let world = World::new().customer("anna", "10").start().await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(world.panel.address()).await.expect("the panel listens"));
    }
    let began = Instant::now();
    for _ in 0..50 {
        assert_eq!(world.api("anna").balance().await, 10_000_000);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(silent);
}
