//! What is too much or too slow costs nobody anything (`invariants.md` C5, C26).

use std::time::{Duration, Instant};

use panelworks_tests::{World, raw};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::crowd::{Caller, Times, alone, resident_mib};

/// Connections that send a head or a body and never end it.
const SLOW: usize = 1_500;
/// Calls of somebody who is in no hurry, without and beside them.
const CALLS: usize = 400;
/// Beyond what it was before: `invariants.md` C26.
const MEMORY_MIB: u64 = 128;
/// What a busy machine adds to a call by itself.
const NOISE: Duration = Duration::from_millis(5);

async fn calls(panel: std::net::SocketAddr, key: &str) -> Times {
    let mut caller = Caller::connect(panel).await;
    let mut times = Times::default();
    for _ in 0..CALLS {
        let began = Instant::now();
        let said = caller.call(&format!("key={key}&action=balance")).await;
        assert_eq!(said, (200, r#"{"balance":"10.00","currency":"USD"}"#.to_owned()));
        times.0.push(began.elapsed());
    }
    times
}

/// Shows C26.
#[tokio::test]
async fn fifteen_hundred_slow_clients_hold_nobody_up_and_cost_little_memory() {
    let _alone = alone().await;
    let mut world = World::new().customer("anna", "10").start().await;
    let (panel, key, process) =
        (world.panel.address(), world.key("anna").to_owned(), world.panel.process().id());
    calls(panel, &key).await;
    let quiet = calls(panel, &key).await.p99();
    let before = resident_mib(process);
    let body = "POST /api/v2 HTTP/1.1\r\nhost: panel\r\ncontent-length: 60000\r\n\r\n";
    let mut slow = Vec::with_capacity(SLOW);
    for number in 0..SLOW {
        let mut stream = TcpStream::connect(panel).await.expect("the panel listens");
        let begun = if number % 2 == 0 { "POST /api/v2 HTTP/1.1\r\nx-slow: " } else { body };
        stream.write_all(begun.as_bytes()).await.expect("sent");
        slow.push(stream);
    }
    let beside = calls(panel, &key).await.p99();
    let grown = resident_mib(process).saturating_sub(before);
    eprintln!("p99 {quiet:?} alone, {beside:?} beside {SLOW} slow clients, {grown} MiB more");
    assert!(beside <= quiet * 3 + NOISE, "p99 {beside:?} beside slow clients, {quiet:?} without");
    assert!(grown <= MEMORY_MIB, "{grown} MiB for {SLOW} slow clients");
    drop(slow);
}

/// Shows C5, C26.
#[tokio::test]
async fn bombs_of_headers_and_bodies_are_refused_and_cost_little_memory() {
    let _alone = alone().await;
    let mut world = World::new().setting("HTTP_BODY_TIME_S", "1").customer("anna", "10").start().await;
    let (panel, process) = (world.panel.address(), world.panel.process().id());
    let before = resident_mib(process);
    let head =
        |more: &str| format!("POST /api/v2 HTTP/1.1\r\nhost: panel\r\nconnection: close\r\n{more}\r\n");
    let heads = [
        head(&"x: 1\r\n".repeat(5_000)),
        head(&format!("x: {}\r\n", "y".repeat(1024 * 1024))),
        head(&format!("{}: y\r\n", "x".repeat(1024 * 1024))),
        format!("POST /api/v2?{} HTTP/1.1\r\nhost: panel\r\n\r\n", "a=b&".repeat(256 * 1024)),
    ];
    for bomb in &heads {
        let answer = raw::exchange(panel, bomb.as_bytes()).await;
        let refused =
            answer.is_empty() || answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 414");
        assert!(refused, "{bomb:.40}…: {answer:.200}");
    }
    let giant = format!("POST /api/v2 HTTP/1.1\r\nhost: panel\r\ncontent-length: {}\r\n\r\n", u64::MAX / 4);
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let chunks = format!("{}{}", head("transfer-encoding: chunked\r\n"), chunk.repeat(64));
    for bomb in [format!("{giant}{}", "x".repeat(4 * 1024 * 1024)), chunks] {
        let answer = raw::exchange(panel, bomb.as_bytes()).await;
        assert!(answer.is_empty() || answer.contains("Incorrect request"), "{answer:.200}");
    }
    let grown = resident_mib(process).saturating_sub(before);
    assert!(grown <= MEMORY_MIB, "{grown} MiB for bombs");
    assert_eq!(world.api("anna").balance().await, 10_000_000);
}
