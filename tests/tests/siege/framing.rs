//! Where a request ends: whatever leaves it open is refused or cut off, and never a second request (`invariants.md` C27).

use panelworks_tests::{World, raw};

use crate::crowd::alone;

/// A second request that must not be seen: it would be answered with this word.
const SMUGGLED: &str = "GET /healthz HTTP/1.1\r\nhost: panel\r\n\r\n";
const ITS_ANSWER: &str = "alive";

/// Heads that say two things about where their body ends, or say it wrongly; each is followed by [`SMUGGLED`].
const AMBIGUOUS: [&str; 16] = [
    "content-length: 5\r\ncontent-length: 6\r\n\r\n0\r\n\r\n",
    "content-length: 5, 6\r\n\r\n0\r\n\r\n",
    "content-length: +5\r\n\r\n0\r\n\r\n",
    "content-length: -1\r\n\r\n0\r\n\r\n",
    "content-length: 0x5\r\n\r\n0\r\n\r\n",
    "content-length: 5 5\r\n\r\n0\r\n\r\n",
    "content-length: 99999999999999999999999\r\n\r\n0\r\n\r\n",
    "content-length:\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "transfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
    "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
];

/// Heads that are no heads.
const MALFORMED: [&str; 10] = [
    "POST /api/v2 HTTP/1.1\r\nhost: panel\r\nx: 1\r\n folded: 2\r\n\r\n",
    "POST /api/v2 HTTP/1.1\r\nhost : panel\r\n\r\n",
    "POST /api/v2 HTTP/1.1\r\n host: panel\r\n\r\n",
    "POST /api/v2 HTTP/1.1\r\nhost: panel\r\nx\0y: 1\r\n\r\n",
    "POST /api/v2 HTTP/1.1\r\nhost: panel\r\nno colon\r\n\r\n",
    "POST  /api/v2 HTTP/1.1\r\nhost: panel\r\n\r\n",
    "POST /api/v2 HTTP/9.9\r\nhost: panel\r\n\r\n",
    "POST /api/v2\r\n\r\n",
    "\r\r\nPOST /api/v2 HTTP/1.1\r\nhost: panel\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

/// Shows C27.
#[tokio::test]
async fn ambiguous_ends_are_refused_and_what_follows_is_never_a_request() {
    let _alone = alone().await;
    let world = World::new().start().await;
    for head in AMBIGUOUS {
        let request = format!("POST /api/v2 HTTP/1.1\r\nhost: panel\r\n{head}{SMUGGLED}");
        let answer = raw::exchange(world.panel.address(), request.as_bytes()).await;
        let refused =
            answer.is_empty() || answer.starts_with("HTTP/1.1 400") || answer.contains("Incorrect request");
        assert!(refused && !answer.contains(ITS_ANSWER), "{head:?}: {answer}");
    }
    for head in MALFORMED {
        let answer = raw::exchange(world.panel.address(), format!("{head}{SMUGGLED}").as_bytes()).await;
        let refused =
            answer.is_empty() || answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 505");
        assert!(refused && !answer.contains(ITS_ANSWER), "{head:?}: {answer}");
    }
}

/// Shows C27.
#[tokio::test]
async fn a_length_beside_chunks_is_refused_whichever_comes_first() {
    let _alone = alone().await;
    let world = World::new().start().await;
    let smuggled = format!("0\r\n\r\n{SMUGGLED}");
    for both in [
        format!("content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n{smuggled}", smuggled.len()),
        format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n\r\n{smuggled}", smuggled.len()),
        format!("content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n{smuggled}"),
    ] {
        let request = format!("POST /api/v2 HTTP/1.1\r\nhost: panel\r\n{both}");
        let answer = raw::exchange(world.panel.address(), request.as_bytes()).await;
        assert!(!answer.contains(ITS_ANSWER), "what stood behind was taken for a request: {answer}");
        let old = request.replace("HTTP/1.1\r\nhost", "HTTP/1.0\r\nhost");
        let answer = raw::exchange(world.panel.address(), old.as_bytes()).await;
        assert!(!answer.contains(ITS_ANSWER), "in HTTP/1.0: {answer}");
    }
}

/// Shows C27.
#[tokio::test]
async fn tracing_and_other_methods_reflect_nothing() {
    let _alone = alone().await;
    let world = World::new().start().await;
    for method in ["TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND"] {
        for path in ["/", "/api/v2"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: panel\r\nx-planted: reflected\r\nconnection: close\r\n\r\n"
            );
            let answer = raw::exchange(world.panel.address(), request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{method} {path}: {answer}");
            assert!(!answer.contains("reflected"), "{method} {path}: {answer}");
        }
    }
}

/// Shows C12.
#[tokio::test]
async fn every_page_and_answer_tells_browsers_to_believe_its_type() {
    let _alone = alone().await;
    let world = World::new().start().await;
    for path in [
        "/",
        "/nowhere",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v2",
        "/api/nowhere",
        "/assets/panelworks.css",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: panel\r\nconnection: close\r\n\r\n");
        let answer = raw::exchange(world.panel.address(), request.as_bytes()).await.to_lowercase();
        let head = answer.split("\r\n\r\n").next().unwrap_or_default();
        assert!(head.contains("x-content-type-options: nosniff"), "{path}: {head}");
        assert!(head.contains("\r\ncontent-type: "), "{path}: {head}");
        assert!(head.contains("frame-ancestors 'none'") || head.contains("text/css"), "{path}: {head}");
        assert!(!head.contains("\r\nserver: "), "{path} names its software: {head}");
    }
}
