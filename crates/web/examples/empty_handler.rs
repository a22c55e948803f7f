//! The empty handler of the same stack: what is left of an `add` when nothing is done (`performance.md`, P1 and P7).
//!
//! The same HTTP server below axum, the same runtime, allocator and bounds as the panel's server; each request's body
//! is read and parsed as a form, and answered with `{"order":1}` under the panel's headers. No key is looked up,
//! nothing is logged, limited, decided or stored. It prints its address, and ends when its standard input does.

use std::convert::Infallible;
use std::error::Error;
use std::future::poll_fn;
use std::io::Read as _;
use std::pin::Pin;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, header};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use panelworks_web::limits;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Whoever started this holds the other end of the pipe: when it is gone, so are we.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    runtime.block_on(serve())
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = http1::Builder::new()
            .max_header_size(limits::HEADER_BYTES)
            .max_buf_size(limits::READ_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(async move {
            // It ends as its client pleases.
            let _ = connection.await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (_, body) = request.into_parts();
    let form = read(body).await;
    let is_add = form_urlencoded::parse(&form).fold(false, |is_add, (name, value)| {
        std::hint::black_box(&value);
        is_add || (name == "action" && value == "add")
    });
    let mut response = Response::new(Body::from(if is_add { r#"{"order":1}"# } else { r#"{"error":"?"}"# }));
    let headers = response.headers_mut();
    headers.insert("x-request-id", HeaderValue::from_static("0123456789abcdef"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The whole body; what is missing of a broken one is missing in the form.
async fn read(mut body: Incoming) -> Bytes {
    let mut all = BytesMut::new();
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(piece) = frame.into_data() else { continue };
        if all.is_empty() && body.is_end_stream() {
            return piece;
        }
        all.extend_from_slice(&piece);
    }
    all.freeze()
}
