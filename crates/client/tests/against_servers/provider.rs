//! A provider made of a socket and a script: it reads one whole request, does what the script says for
//! it, and remembers what it saw. Its log is the witness for "sent once" and "not sent".

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to do with one request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Write these bytes and wait for the next request on the same connection.
    Answer(Vec<u8>),
    /// Write these bytes and close.
    AnswerAndClose(Vec<u8>),
    /// Close at the request's head, before its body was read.
    CloseAtHead,
    /// Never answer.
    Silence,
    /// Write these bytes, then one more every `interval`, for ever.
    Drip { head: Vec<u8>, interval: Duration },
    /// Write these bytes, then a megabyte of `x` again and again until the client leaves.
    Endless(Vec<u8>),
}

/// What the provider saw.
#[derive(Default)]
pub(crate) struct Witness {
    pub(crate) connections: usize,
    pub(crate) requests: Vec<String>,
}

pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    witness: Arc<Mutex<Witness>>,
}

impl Provider {
    /// Starts on a free loopback port; request n gets the n-th reply, later ones the last.
    pub(crate) async fn start(script: Vec<Reply>) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let witness = Arc::new(Mutex::new(Witness::default()));
        let seen = Arc::clone(&witness);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.lock().expect("not poisoned").connections += 1;
                tokio::spawn(serve(stream, script.clone(), Arc::clone(&seen)));
            }
        });
        Provider { address, witness }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/v2", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.witness.lock().expect("not poisoned").connections
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.witness.lock().expect("not poisoned").requests.clone()
    }
}

/// A whole HTTP answer with its length.
pub(crate) fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn serve(mut stream: TcpStream, script: Vec<Reply>, seen: Arc<Mutex<Witness>>) {
    while let Some(head) = read_head(&mut stream).await {
        let place = {
            let mut seen = seen.lock().expect("not poisoned");
            seen.requests.push(head.clone());
            seen.requests.len() - 1
        };
        let reply = script.get(place).or(script.last()).expect("a script has a line").clone();
        if matches!(reply, Reply::CloseAtHead) {
            return;
        }
        let body = read_body(&mut stream, &head).await;
        seen.lock().expect("not poisoned").requests[place] = head + &body;
        match reply {
            Reply::Answer(bytes) => stream.write_all(&bytes).await.unwrap_or_default(),
            Reply::AnswerAndClose(bytes) => {
                stream.write_all(&bytes).await.unwrap_or_default();
                return;
            }
            Reply::CloseAtHead => return,
            Reply::Silence => std::future::pending().await,
            Reply::Drip { head, interval } => return drip(stream, head, interval).await,
            Reply::Endless(head) => return flood(stream, head).await,
        }
    }
}

async fn drip(mut stream: TcpStream, head: Vec<u8>, interval: Duration) {
    let mut pace = tokio::time::interval(interval);
    let mut written = stream.write_all(&head).await;
    while written.is_ok() {
        pace.tick().await;
        written = stream.write_all(b" ").await;
    }
}

async fn flood(mut stream: TcpStream, head: Vec<u8>) {
    let block = vec![b'x'; 1024 * 1024];
    let mut written = stream.write_all(&head).await;
    while written.is_ok() {
        written = stream.write_all(&block).await;
    }
}

/// The request's head with its blank line; `None` when the client has left. Byte by byte, so that
/// nothing of the body is taken with it.
async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).expect("a head is ASCII"))
}

async fn read_body(stream: &mut TcpStream, head: &str) -> String {
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |digits| digits.parse().expect("digits"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("the whole body");
    String::from_utf8(body).expect("a form is ASCII")
}
