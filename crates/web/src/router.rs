//! Which path leads where. What is below `/api` answers in JSON, whatever it is asked; the rest answers pages.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{any, get};
use http::{HeaderValue, header};

use crate::address::Peer;
use crate::api_v2;
use crate::panel::Panel;
use crate::{health, pages};

/// The paths of API v2; the shorter ones are those of another family of panels (`api-v2.md` §1, URL).
const API_PATHS: [&str; 6] = ["/api/v2", "/api/v2/", "/api/v1", "/api/v1/", "/api", "/api/"];

/// Every route of a panel. The server puts a [`Peer`] into each request's extensions; without one the caller counts
/// as a stranger without an address.
pub fn router(panel: Arc<Panel>) -> Router {
    let mut router = Router::new()
        .route("/", get(pages::home))
        .route("/assets/{*path}", get(pages::file))
        .route("/examples/{*path}", get(pages::file))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/api/{*path}", any(pages::no_such_call))
        .fallback(pages::not_found);
    for path in API_PATHS {
        router = router.route(path, any(api));
    }
    let router = router.layer(map_response(guarded));
    router.with_state(Doors { home: pages::Home::of(&panel.settings), panel })
}

/// What handlers are given.
#[derive(Debug, Clone)]
pub(crate) struct Doors {
    pub(crate) panel: Arc<Panel>,
    pub(crate) home: pages::Home,
}

/// Whether a path is one of API v2: the server takes those past the router.
pub(crate) fn is_api(path: &str) -> bool {
    API_PATHS.contains(&path)
}

/// What holds for every answer, whoever made it: its type is what it says, and it is framed by nobody (ASVS V3.4).
async fn guarded(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(api_v2::NO_PAGE);
    response
}

async fn api(State(doors): State<Doors>, request: Request) -> Response<Body> {
    let peer = peer(&request);
    api_v2::enter(&doors.panel, peer, request).await
}

/// Where a request came from.
pub(crate) fn peer<B>(request: &http::Request<B>) -> IpAddr {
    request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0)
}
