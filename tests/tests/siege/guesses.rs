//! Guessing keys: uniform answers, limits by address, and nobody locked out (`invariants.md` C6, C7).

use std::time::{Duration, Instant};

use panelworks_tests::{World, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::crowd::alone;

/// Connections that guess at the same time, and how often each does: beyond the pace every guess is held for a moment,
/// which is why there are not more.
const CONNECTIONS: usize = 40;
const GUESSES_EACH: usize = 50;

/// Sends calls from an address of this machine over one connection; each answer's status and body.
async fn from(address: &str, panel: std::net::SocketAddr, bodies: &[String]) -> Vec<(u16, String)> {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(format!("{address}:0").parse().expect("an address")).expect("all of 127/8 is this machine");
    let mut stream = socket.connect(panel).await.expect("the panel listens");
    let mut calls = String::new();
    for (place, body) in bodies.iter().enumerate() {
        let last = if place + 1 == bodies.len() { "connection: close\r\n" } else { "" };
        calls +=
            &["POST /api/v2 HTTP/1.1\r\nhost: panel\r\n", last, "content-length: ", &body.len().to_string()]
                .concat();
        calls += "\r\n\r\n";
        calls += body;
    }
    stream.write_all(calls.as_bytes()).await.expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("answered to the end");
    let answers = text.split("HTTP/1.1 ").skip(1).map(|answer| {
        let status = answer.split(' ').next().and_then(|word| word.parse().ok()).expect("a status");
        (status, answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned())
    });
    answers.collect()
}

fn balance(key: &str) -> String {
    format!("key={key}&action=balance")
}

/// Shows C6.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_guesses_find_nothing_and_lock_nobody_out() {
    let _alone = alone().await;
    let world = World::new().customer("anna", "10").start().await;
    let (panel, anna) = (world.panel.address(), world.key("anna").to_owned());
    let began = Instant::now();
    let mut guessers = tokio::task::JoinSet::new();
    for connection in 0..CONNECTIONS {
        let guesses: Vec<String> =
            (0..GUESSES_EACH).map(|n| balance(&format!("{:032x}", connection * GUESSES_EACH + n))).collect();
        guessers.spawn(async move { from("127.0.0.2", panel, &guesses).await });
    }
    let (mut told, mut limited) = (0, 0);
    for (status, body) in guessers.join_all().await.concat() {
        match (status, body.as_str()) {
            (200, r#"{"error":"Invalid API key"}"#) => told += 1,
            (429, r#"{"error":"Too many requests"}"#) => limited += 1,
            other => panic!("a guess was answered with {other:?}"),
        }
    }
    let minutes = began.elapsed().as_secs() / 60 + 1;
    let most = 20 + 20 * minutes;
    assert_eq!(told + limited, (CONNECTIONS * GUESSES_EACH) as u64);
    assert!(told <= most, "{told} guesses were judged, at most {most} may be");
    // The guesser's neighbour at the same address works on, and so does everybody elsewhere.
    for address in ["127.0.0.2", "127.0.0.3"] {
        let said = from(address, panel, &[balance(&anna)]).await;
        assert_eq!(said, [(200, r#"{"balance":"10.00","currency":"USD"}"#.to_owned())], "{address}");
    }
    let elsewhere = from("127.0.0.3", panel, &[balance("wrong")]).await;
    assert_eq!(
        elsewhere,
        [(200, r#"{"error":"Invalid API key"}"#.to_owned())],
        "another address has its own count"
    );
}

/// Shows C6, C7.
#[tokio::test]
async fn a_nearly_right_key_is_answered_as_a_wrong_one_and_as_none() {
    let _alone = alone().await;
    let world = World::new().setting("HTTP_BAD_KEYS_BURST", "1000").customer("anna", "10").start().await;
    let (panel, anna) = (world.panel.address(), world.key("anna").to_owned());
    let flipped = |place: usize| {
        let other = if anna.as_bytes()[place] == b'0' { "1" } else { "0" };
        format!("{}{other}{}", &anna[..place], &anna[place + 1..])
    };
    let bodies = [
        balance(&"f".repeat(32)),
        balance(&flipped(0)),
        balance(&flipped(anna.len() - 1)),
        balance(&anna[..anna.len() - 1]),
        balance(&format!("{anna}0")),
        balance(&anna.to_uppercase()),
        balance(""),
        "action=balance".to_owned(),
    ];
    let said = from("127.0.0.1", panel, &bodies).await;
    for (body, said) in bodies.iter().zip(&said) {
        assert_eq!(said, &(200, r#"{"error":"Invalid API key"}"#.to_owned()), "{body}");
    }
}

/// A key is looked up by its hash: how much of a guess was right can't be seen in the time. Only a comparison letter
/// by letter that takes far longer than a call's own noise could be seen here; `callers.rs` holds no key to compare.
/// Shows C7.
#[tokio::test]
async fn the_time_of_an_answer_does_not_tell_how_much_of_a_key_was_right() {
    let _alone = alone().await;
    let world = World::new().setting("HTTP_BAD_KEYS_BURST", "10000").customer("anna", "10").start().await;
    let (panel, anna) = (world.panel.address(), world.key("anna").to_owned());
    let near = balance(&format!("{}x", &anna[..anna.len() - 1]));
    let far = balance(&format!("x{}", &anna[1..]));
    // On a busy machine a look may be spoiled; a leak would be there in every one.
    until("two medians that are alike", Duration::from_secs(30), async || {
        let (mut nears, mut fars) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            for (body, times) in [(&near, &mut nears), (&far, &mut fars)] {
                let calls: Vec<String> = (0..25).map(|_| body.clone()).collect();
                let began = Instant::now();
                from("127.0.0.1", panel, &calls).await;
                times.push(began.elapsed());
            }
        }
        nears.sort_unstable();
        fars.sort_unstable();
        let (near, far) = (nears[10].as_secs_f64(), fars[10].as_secs_f64());
        if (near / far - 1.0).abs() < 0.10 { Ok(()) } else { Err((near, far)) }
    })
    .await;
}
