//! The server below the doors: accepts connections within bounds, and ends without losing what it has accepted.
//!
//! In: listeners, a panel's router, and the word to stop. Out: answers. HTTP/1.1 only; another protocol in front is a
//! proxy's business. Bounds of connections and of their silence: invariants.md C26. A panic in one call closes its
//! connection and no other.

mod census;
mod watched;

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::address::{Network, Peer};
use crate::api_v2;
use crate::limits;
use crate::panel::Panel;
use crate::router::is_api;
use census::{Census, Place};
use watched::{Attention, Watched};

/// How many connections, and how long they may be silent.
#[derive(Debug, Clone)]
pub struct Bounds {
    pub connections: usize,
    /// Loopback and trusted proxies are exempt.
    pub connections_per_address: usize,
    /// From a request's first byte to the end of its headers.
    pub header_time: Duration,
    /// Between two requests.
    pub idle_time: Duration,
    /// Without a byte of an answer taken.
    pub write_time: Duration,
    /// How long a stopping server waits for calls under way.
    pub shutdown_time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: limits::CONNECTIONS,
            connections_per_address: limits::CONNECTIONS_PER_ADDRESS,
            header_time: limits::HEADER_TIME,
            idle_time: limits::IDLE_TIME,
            write_time: limits::WRITE_TIME,
            shutdown_time: limits::SHUTDOWN_TIME,
        }
    }
}

/// What became of the calls under way when the server was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// All were answered.
    Finished,
    /// Some took longer than [`Bounds::shutdown_time`] and were cut off.
    CutOff { connections: usize },
}

/// Answers connections until `stop` is done; then accepts no more, lets calls under way finish, and returns.
pub async fn serve(
    listener: TcpListener,
    panel: Arc<Panel>,
    router: Router,
    bounds: Bounds,
    stop: impl Future<Output = ()>,
) -> Stopped {
    let shutdown_time = bounds.shutdown_time;
    let server = Arc::new(Server {
        census: Census::new(bounds.connections, bounds.connections_per_address),
        attention: Attention::new(&bounds),
        panel,
        router,
    });
    let watch = tokio::spawn(watch(Arc::clone(&server)));
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => server.receive(stream, from, &graceful),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(limits::ACCEPT_PAUSE).await;
            }
        }
    }
    server.receive_the_last(listener, &graceful);
    let finished = timeout(shutdown_time, graceful.shutdown()).await.is_ok();
    watch.abort();
    if finished { Stopped::Finished } else { Stopped::CutOff { connections: server.attention.end_all() } }
}

/// Looks at all connections now and then, and ends those that are silent for too long.
async fn watch(server: Arc<Server>) {
    let mut ticks = tokio::time::interval(limits::WATCH_EVERY);
    loop {
        ticks.tick().await;
        server.attention.look();
        server.panel.known.metrics.connections(server.census.open());
    }
}

struct Server {
    census: Census,
    attention: Arc<Attention>,
    panel: Arc<Panel>,
    router: Router,
}

impl Server {
    fn receive(self: &Arc<Self>, stream: TcpStream, from: SocketAddr, graceful: &GracefulShutdown) {
        let peer = from.ip();
        let exempt = is_exempt(peer, &self.panel.settings.trusted_proxies);
        let Some(place) = self.census.admit(peer, exempt) else {
            self.panel.known.metrics.connection_refused();
            tokio::spawn(turn_away(stream));
            return;
        };
        // Answers are written whole; waiting for more would only delay them.
        let _ = stream.set_nodelay(true);
        let (stream, silence) = Watched::new(stream, &self.attention);
        let service = service_fn({
            let (server, silence) = (Arc::clone(self), Arc::clone(&silence));
            move |request| {
                let call = silence.begin_call();
                let server = Arc::clone(&server);
                async move {
                    let response = server.answer(peer, request).await;
                    drop(call);
                    Ok::<_, Infallible>(response)
                }
            }
        });
        let connection = http1::Builder::new()
            .max_header_size(limits::HEADER_BYTES)
            .max_buf_size(limits::READ_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        let task = tokio::spawn(async move {
            // A connection ends as its client pleases; what matters was logged by the call itself.
            let _ = connection.await;
            drop::<Place>(place);
        });
        silence.belongs_to(task.abort_handle());
    }

    /// Closes the door behind those who stand in it: whoever has connected already is answered too, and whoever comes
    /// later is refused by the kernel, so that a client or a balancer knows that nothing was taken.
    fn receive_the_last(self: &Arc<Self>, listener: TcpListener, graceful: &GracefulShutdown) {
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((stream, from)) = listener.accept() {
            match stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                Ok(stream) => self.receive(stream, from, graceful),
                Err(error) => tracing::warn!(%error, "one of the last connections was lost"),
            }
        }
    }

    /// Calls of API v2 go straight to their door, without the router's allocations.
    async fn answer(&self, peer: IpAddr, mut request: http::Request<Incoming>) -> http::Response<Body> {
        if is_api(request.uri().path()) {
            return api_v2::enter(&self.panel, peer, request).await;
        }
        request.extensions_mut().insert(Peer(peer));
        match self.router.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

fn is_exempt(peer: IpAddr, trusted: &[Network]) -> bool {
    let peer = peer.to_canonical();
    peer.is_loopback() || trusted.iter().any(|network| network.contains(peer))
}

/// Says no in the one form every client survives, and hangs up.
async fn turn_away(mut stream: TcpStream) {
    const NO: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let _ = timeout(limits::WATCH_EVERY, async {
        stream.write_all(NO).await?;
        stream.shutdown().await
    })
    .await;
}
