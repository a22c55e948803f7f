//! The transport's promises, kept against servers that misbehave on purpose: the right phase for every
//! way to fail, one request per exchange, bounds that hold, and a key that never shows
//! (`invariants.md` B1, B3, B14-B18).
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::time::{Duration, Instant};

use crate::provider::{Provider, Reply, answer};
use panelworks_client::{Endpoint, Exchanged, Failure, Phase, Reach, Secret, Transport, limits};
use tokio::net::TcpListener;

const KEY: &str = "0123456789abcdef-the-key";
const FORM: &str = "key=0123456789abcdef-the-key&action=add&service=1";
const SOON: Duration = Duration::from_millis(300);

fn endpoint(url: &str) -> Endpoint {
    Endpoint::new(url, Secret::new(KEY), Reach::PrivateAllowed).unwrap()
}

async fn exchange_within(url: &str, deadline: Duration, cap: usize) -> Result<Exchanged, Failure> {
    let transport = Transport::new().unwrap();
    let ended = transport.exchange(&endpoint(url), FORM.to_owned(), &[], deadline, cap).await;
    if let Err(failure) = &ended {
        let shown = format!("{failure} {failure:?}");
        assert!(!shown.contains("the-key") && !shown.contains("the-query"), "{shown}");
        assert!(!failure.why.is_empty() && failure.why.chars().count() <= limits::WHY_CHARS, "{shown}");
    }
    ended
}

async fn exchange(url: &str) -> Result<Exchanged, Failure> {
    exchange_within(url, Duration::from_secs(20), limits::ANSWER_BYTES).await
}

fn phase(ended: Result<Exchanged, Failure>) -> Phase {
    ended.unwrap_err().phase
}

#[tokio::test]
async fn an_answer_comes_back_byte_for_byte_with_its_status() {
    for (status, number) in [("200 OK", 200), ("201 Created", 201), ("422 Nope", 422), ("500 Oops", 500)] {
        let provider = Provider::start(vec![Reply::Answer(answer(status, r#"{"order":23501}"#))]).await;
        let got = exchange(&provider.url()).await.unwrap();
        assert_eq!((got.status, got.body.as_ref()), (number, br#"{"order":23501}"#.as_slice()));
    }
}

#[tokio::test]
async fn the_request_is_one_form_post_with_a_length() {
    let provider = Provider::start(vec![Reply::Answer(answer("200 OK", "{}"))]).await;
    let transport = Transport::new().unwrap();
    let headers = [("Idempotency-Key", "attempt-7")];
    transport
        .exchange(&endpoint(&provider.url()), FORM.to_owned(), &headers, SOON * 10, limits::ANSWER_BYTES)
        .await
        .unwrap();

    let requests = provider.requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert!(request.starts_with("POST /api/v2 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"), "{request}");
    assert!(request.contains(&format!("content-length: {}\r\n", FORM.len())), "{request}");
    assert!(request.contains("idempotency-key: attempt-7\r\n"), "{request}");
    assert!(
        !request.contains("gzip") && !request.contains("chunked") && !request.contains("cookie"),
        "{request}"
    );
    assert!(request.ends_with(&format!("\r\n\r\n{FORM}")), "{request}");
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(phase(exchange(&format!("http://{free}/?token=the-query")).await), Phase::NotSent);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_not_sent() {
    assert_eq!(phase(exchange("http://no-such-host.invalid/api/v2").await), Phase::NotSent);
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_not_sent_even_when_the_deadline_cuts_it() {
    // Accepts the connection and says nothing: the TLS handshake hangs.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/api/v2", silent.local_addr().unwrap());
    let (ended, accepted) = tokio::join!(exchange_within(&url, SOON, 100), silent.accept());
    assert!(accepted.is_ok());
    assert_eq!(phase(ended), Phase::NotSent);
}

/// Shows B1.
#[tokio::test]
async fn a_server_that_closes_after_the_request_leaves_its_fate_open() {
    for reply in [Reply::AnswerAndClose(Vec::new()), Reply::CloseAtHead] {
        let provider = Provider::start(vec![reply]).await;
        assert_eq!(phase(exchange(&provider.url()).await), Phase::Sent);
        assert_eq!(provider.requests().len(), 1);
    }
}

/// Shows B4.
#[tokio::test]
async fn half_an_answer_leaves_its_fate_open() {
    let whole = answer("200 OK", r#"{"order":23501}"#);
    for cut in [1, 9, 20, whole.len() - 7, whole.len() - 1] {
        let provider = Provider::start(vec![Reply::AnswerAndClose(whole[..cut].to_vec())]).await;
        assert_eq!(phase(exchange(&provider.url()).await), Phase::Sent, "cut at {cut}");
        assert_eq!(provider.requests().len(), 1, "cut at {cut}");
    }
}

#[tokio::test]
async fn what_is_no_http_leaves_its_fate_open() {
    let provider =
        Provider::start(vec![Reply::AnswerAndClose(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec())]).await;
    assert_eq!(phase(exchange(&provider.url()).await), Phase::Sent);
}

/// Shows B1, B14.
#[tokio::test]
async fn silence_and_dripping_end_at_the_deadline_with_an_open_fate() {
    let interval = Duration::from_millis(10);
    for reply in [
        Reply::Silence,
        Reply::Drip { head: b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".to_vec(), interval },
        Reply::Drip { head: b"HTTP/1.1 200 OK\r\nx-slow:".to_vec(), interval },
    ] {
        let provider = Provider::start(vec![reply]).await;
        let began = Instant::now();
        assert_eq!(phase(exchange_within(&provider.url(), SOON, limits::ANSWER_BYTES).await), Phase::Sent);
        assert!(began.elapsed() >= SOON && began.elapsed() < SOON * 10);
        assert_eq!(provider.requests().len(), 1);
    }
}

/// Shows B15.
#[tokio::test]
async fn a_flood_of_informational_answers_ends() {
    let provider = Provider::start(vec![Reply::Drip {
        head: b"HTTP/1.1 102 Processing\r\n\r\n".repeat(20_000),
        interval: Duration::from_millis(10),
    }])
    .await;
    assert_eq!(phase(exchange_within(&provider.url(), SOON, limits::ANSWER_BYTES).await), Phase::Sent);
}

/// Shows B4, B15.
#[tokio::test]
async fn a_body_beyond_the_cap_is_refused_whether_or_not_it_says_so() {
    let claims = answer("200 OK", &"x".repeat(101));
    let hides = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    for reply in [Reply::Answer(claims), Reply::Endless(hides.clone())] {
        let provider = Provider::start(vec![reply]).await;
        let failure = exchange_within(&provider.url(), SOON * 10, 100).await.unwrap_err();
        assert_eq!(
            (failure.phase, failure.why.as_str()),
            (Phase::Sent, "the answer is longer than 100 bytes")
        );
    }
    let provider = Provider::start(vec![Reply::Endless(hides)]).await;
    let failure = exchange(&provider.url()).await.unwrap_err();
    assert_eq!(failure.why, "the answer is longer than 1048576 bytes");
}

#[tokio::test]
async fn a_body_of_exactly_the_cap_is_taken() {
    let provider = Provider::start(vec![Reply::Answer(answer("200 OK", &"x".repeat(100)))]).await;
    assert_eq!(exchange_within(&provider.url(), SOON * 10, 100).await.unwrap().body.len(), 100);
}

/// Shows B15.
#[tokio::test]
async fn too_many_or_too_long_headers_are_refused() {
    let many = "x-a: b\r\n".repeat(limits::HEADERS + 1);
    let long = format!("x-a: {}\r\n", "b".repeat(limits::HEADER_BYTES));
    let endless = format!("x-a: {}\r\n", "b".repeat(2 * 1024 * 1024));
    for headers in [many, long, endless] {
        let whole = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 2\r\n\r\n{{}}").into_bytes();
        let provider = Provider::start(vec![Reply::AnswerAndClose(whole)]).await;
        assert_eq!(phase(exchange(&provider.url()).await), Phase::Sent);
    }
}

/// Shows B17.
#[tokio::test]
async fn no_redirect_is_followed() {
    let target = Provider::start(vec![Reply::Answer(answer("200 OK", r#"{"order":1}"#))]).await;
    for status in ["301", "302", "303", "307", "308"] {
        let head =
            format!("HTTP/1.1 {status} Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url());
        let provider = Provider::start(vec![Reply::Answer(head.into_bytes())]).await;
        let got = exchange(&provider.url()).await.unwrap();
        assert_eq!(got.status.to_string(), status);
        assert_eq!(provider.requests().len(), 1);
    }
    assert_eq!(target.connections(), 0);
}

/// Shows B1, I14.
#[tokio::test]
async fn a_request_that_died_on_a_reused_connection_is_never_sent_again() {
    let provider = Provider::start(vec![
        Reply::Answer(answer("200 OK", "{}")),
        Reply::AnswerAndClose(Vec::new()),
        Reply::Answer(answer("200 OK", "{}")),
    ])
    .await;
    let transport = Transport::new().unwrap();
    let endpoint = endpoint(&provider.url());
    let send = || transport.exchange(&endpoint, FORM.to_owned(), &[], SOON * 10, limits::ANSWER_BYTES);

    send().await.unwrap();
    let second = send().await;

    assert_eq!(phase(second), Phase::Sent);
    assert_eq!(
        (provider.connections(), provider.requests().len()),
        (1, 2),
        "the second went out on the first's connection, once"
    );
    send().await.unwrap();
    assert_eq!((provider.connections(), provider.requests().len()), (2, 3));
}

/// Shows B3.
#[tokio::test]
async fn retry_after_is_read_as_seconds_or_date_and_capped() {
    let date = "date: Sat, 21 Nov 2026 08:00:00 GMT\r\n";
    for (headers, expected) in [
        ("retry-after: 7\r\n".to_owned(), Some(7)),
        ("retry-after: 86400\r\n".to_owned(), Some(600)),
        (format!("{date}retry-after: Sat, 21 Nov 2026 08:01:30 GMT\r\n"), Some(90)),
        (format!("{date}retry-after: Sat, 21 Nov 2026 07:00:00 GMT\r\n"), Some(0)),
        ("retry-after: Sat, 21 Nov 2026 08:01:30 GMT\r\n".to_owned(), None),
        ("retry-after: soon\r\n".to_owned(), None),
        (String::new(), None),
    ] {
        let whole = format!("HTTP/1.1 429 Slow\r\n{headers}content-length: 0\r\n\r\n").into_bytes();
        let provider = Provider::start(vec![Reply::Answer(whole)]).await;
        let got = exchange(&provider.url()).await.unwrap();
        assert_eq!(got.retry_after, expected.map(Duration::from_secs), "{headers}");
    }
}

#[tokio::test]
async fn a_header_that_can_not_be_written_is_not_sent() {
    let provider = Provider::start(vec![Reply::Answer(answer("200 OK", "{}"))]).await;
    let transport = Transport::new().unwrap();
    for header in [("Idempotency-Key", "a\r\nx-evil: 1"), ("not a name", "v")] {
        let ended =
            transport.exchange(&endpoint(&provider.url()), FORM.to_owned(), &[header], SOON, 100).await;
        assert_eq!(phase(ended), Phase::NotSent);
    }
    assert_eq!(provider.connections(), 0);
}

#[test]
fn proxies_of_the_environment_are_ignored() {
    // The environment of a running process can't be changed safely, so another one runs the plain exchange.
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = format!("http://{unused}");
    let exchanged = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "transport::an_answer_comes_back_byte_for_byte_with_its_status"])
        .envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].map(|name| (name, &proxy)))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&exchanged.stdout);
    assert!(exchanged.status.success() && said.contains("1 passed"), "{said}");
}
