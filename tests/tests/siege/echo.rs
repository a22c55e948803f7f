//! A provider that says everything back: each refusal repeats the whole form that it was sent, with our key in it.
//!
//! It has one service and a balance, so that it can be imported and ordered from.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

const SERVICES: &str = r#"[{"service":1,"name":"Echo","type":"Default","category":"Echo","rate":"0.10","min":"1",
    "max":"100000","dripfeed":false,"refill":true,"cancel":true}]"#;

/// Answers until the process of the tests ends.
pub(crate) fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound listener");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A caller that hangs up in the middle has no answer to miss.
            let _ = stream.and_then(answer);
        }
    });
    address
}

fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(said) = line.strip_prefix("content-length:") {
            length = said.trim().parse().unwrap_or(0);
        }
    }
    let mut form = vec![0; length];
    reader.read_exact(&mut form)?;
    let form = String::from_utf8_lossy(&form).into_owned();
    let said = match form.split('&').find_map(|pair| pair.strip_prefix("action=")) {
        Some("services") => SERVICES.to_owned(),
        Some("balance") => r#"{"balance":"1000","currency":"USD"}"#.to_owned(),
        _ => format!("{{\"error\":\"Something is wrong with {form}\"}}"),
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", said.len());
    reader.get_mut().write_all((head + &said).as_bytes())
}
