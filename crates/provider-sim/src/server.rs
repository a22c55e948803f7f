//! The provider as a real HTTP server: API v2 at `/api/v2`, the witness at `/witness`.
//!
//! In: connections, the machine's clock. Out: answers, or the connection faults that the provider asks for.
//! The provider stands behind one mutex; a request holds it for microseconds and never across an await. It
//! decides nothing: all of that is `Provider::react`. `RefusedConnection` can only be shown as a close here,
//! because the connection was accepted before its request could be read; a caller that must see a refusal
//! stops the listener instead.

mod connection;
mod pages;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures_util::stream;
use panelworks_wire::request::Incoming;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::catalogue::Catalogue;
use crate::journal::JournalError;
use crate::kept::KeptProvider;
use crate::limits;
use crate::options::SimOptions;
use crate::reply::{Reaction, Reply};
use connection::{Connection, Cuttable};

/// Between the first half of an answer and the end of its connection: long enough for the half to be sent.
const HALF_PAUSE: Duration = Duration::from_millis(30);
/// What requests under way get to finish once the server is told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Why the server ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The books can't be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The listener failed.
    #[error("the simulated provider's listener failed: {0}")]
    Listener(#[from] io::Error),
}

/// Serves the full catalogue on books in `store` (in memory, where it is missing) until `shutdown` is over.
pub async fn serve(
    listener: TcpListener,
    store: Option<PathBuf>,
    options: SimOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let kept = KeptProvider::open(store.as_deref(), Catalogue::full(), options.provider.clone())?;
    serve_kept(listener, kept, &options, shutdown).await
}

/// Serves a provider that is open already; of the options only those of the server count.
pub async fn serve_kept(
    listener: TcpListener,
    kept: KeptProvider,
    options: &SimOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let (stop, stopped) = watch::channel(false);
    let desk = Desk {
        kept: Arc::new(Mutex::new(kept)),
        latency: Duration::from_millis(options.latency_ms),
        hang: Duration::from_millis(options.hang_ms),
        stopped: stopped.clone(),
    };
    let routes = Router::new()
        .route("/api/v2", any(api))
        .route("/api/v2/", any(api))
        .route("/witness", get(pages::witness))
        .route("/witness/arrivals", get(pages::arrivals))
        .with_state(desk);
    let listener = Cuttable::new(listener, options.max_connections);
    let told = wait_until_stopped(stopped.clone());
    let serving = axum::serve(listener, routes.into_make_service_with_connect_info::<Connection>())
        .with_graceful_shutdown(told);
    let late = async {
        shutdown.await;
        // Nobody listens any more only if the server is gone already.
        let _ = stop.send(true);
        tokio::time::sleep(STOP_WITHIN).await;
    };
    tokio::select! {
        served = serving => Ok(served?),
        () = late => Ok(()),
    }
}

async fn wait_until_stopped(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it the server.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// What every request needs.
#[derive(Debug, Clone)]
struct Desk {
    kept: Arc<Mutex<KeptProvider>>,
    latency: Duration,
    hang: Duration,
    stopped: watch::Receiver<bool>,
}

impl Desk {
    /// The provider. A panic of another request leaves books that are whole: facts are applied one at a time.
    fn kept(&self) -> MutexGuard<'_, KeptProvider> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn api(
    State(desk): State<Desk>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    // A body beyond the limit says nothing: it is answered as an incorrect request.
    let body = to_bytes(body, limits::BODY_BYTES).await.unwrap_or_default();
    let header = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let incoming = Incoming {
        query: parts.uri.query(),
        content_type: header(header::CONTENT_TYPE),
        authorization: header(header::AUTHORIZATION),
        x_api_key: header(HeaderName::from_static("x-api-key")),
        idempotency_key: header(HeaderName::from_static("idempotency-key")),
        body: &body,
    };
    let reaction = desk.kept().react(now_ms(), &incoming);
    if !desk.latency.is_zero() {
        tokio::time::sleep(desk.latency).await;
    }
    match reaction {
        Ok(Reaction::Reply(reply)) => whole(reply),
        Ok(Reaction::Half(reply)) => half(reply),
        Ok(Reaction::Closed | Reaction::RefusedConnection) => connection.cut(),
        Ok(Reaction::Hang) => {
            tokio::select! {
                () = tokio::time::sleep(desk.hang) => {}
                () = wait_until_stopped(desk.stopped.clone()) => {}
            }
            connection.cut()
        }
        Err(error) => {
            tracing::error!(%error, "the simulated provider can't keep its books and answers nobody");
            connection.cut()
        }
    }
}

/// Milliseconds since 1970 by the machine's clock; 0 for a clock before that.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn whole(reply: Reply) -> Response {
    let body = Body::from(reply.body);
    head(body, reply.status, reply.content_type, reply.retry_after_s)
}

/// Announces the whole length, sends one half, and ends the connection in the midst.
fn half(reply: Reply) -> Response {
    let length = reply.body.len();
    let mut first = reply.body;
    first.truncate(length / 2);
    let body = Body::from_stream(stream::unfold(Some(first), |rest| async move {
        if let Some(first) = rest {
            return Some((Ok(first), None));
        }
        tokio::time::sleep(HALF_PAUSE).await;
        Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
    }));
    let mut response = head(body, reply.status, reply.content_type, reply.retry_after_s);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

fn head(body: Body, status: u16, content_type: &'static str, retry_after_s: Option<u32>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, [(header::CONTENT_TYPE, content_type)], body).into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[cfg(test)]
mod tests;
