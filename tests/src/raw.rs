//! Bytes to a panel without a client between: for what no client would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No answer takes longer.
const ANSWER_LIMIT: Duration = Duration::from_secs(40);

/// The address in a URL of a panel.
pub fn address(url: &str) -> SocketAddr {
    let host = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
    host.and_then(|host| host.parse().ok()).unwrap_or_else(|| panic!("no address in {url}"))
}

/// A whole request with this body.
pub fn post(content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /api/v2 HTTP/1.1\r\nhost: panel\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Sends bytes and reads until the panel closes: head and body as text.
pub async fn exchange(panel: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(panel).await.expect("the panel listens");
    // A panel may close before it has read all of a request that it refuses.
    let _ = stream.write_all(request).await;
    rest(&mut stream).await
}

/// What still comes until the panel closes.
pub async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(ANSWER_LIMIT, async {
        let mut piece = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = stream.read(&mut piece).await {
            answer.extend_from_slice(&piece[..length]);
        }
    });
    read.await.unwrap_or_else(|_| panic!("still open after {ANSWER_LIMIT:?}"));
    String::from_utf8_lossy(&answer).into_owned()
}

/// The body of an answer.
pub fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
