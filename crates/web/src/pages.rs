//! The page at `/`, its files, and the answers to paths that lead nowhere.
//!
//! The page is the same for everybody: it is rendered once and served as shared bytes.

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, Uri, header};
use panelworks_wire::{ErrorText, Response as Said};

use crate::home::{self, HomePage};
use crate::layout::{CONTENT_SECURITY_POLICY, StaticFile};
use crate::router::Doors;
use crate::settings::Settings;

/// The page at `/`, rendered.
#[derive(Debug, Clone)]
pub(crate) struct Home(Bytes);

impl Home {
    pub(crate) fn of(settings: &Settings) -> Self {
        let page = HomePage {
            panel_name: settings.panel_name.clone(),
            api_url: format!("{}/api/v2", settings.public_url.trim_end_matches('/')),
            currency: settings.currency.clone(),
            demo_note: settings.demo_note.clone(),
        };
        let html =
            home::render(&page).expect("a template fails only when its writer does, and a String takes all");
        Self(Bytes::from(html))
    }
}

pub(crate) async fn home(State(doors): State<Doors>) -> Response<Body> {
    html(StatusCode::OK, Body::from(doors.home.0))
}

/// A style sheet, picture or example below `/assets/` or `/examples/`.
pub(crate) async fn file(uri: Uri) -> Response<Body> {
    match home::asset(uri.path()) {
        Some(file) => serve_file(&file),
        None => not_found(uri).await,
    }
}

fn serve_file(file: &StaticFile) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from_static(file.bytes)));
    set(&mut response, header::CONTENT_TYPE, file.content_type);
    set(&mut response, header::CACHE_CONTROL, file.cache.header());
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if let Some(name) = file.save_as {
        let disposition = format!("attachment; filename=\"{name}\"");
        let value = HeaderValue::from_str(&disposition).expect("names of our files are plain ASCII");
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// Below `/api` even a wrong path is answered in the protocol's own form.
pub(crate) async fn no_such_call() -> Response<Body> {
    let mut response = Response::new(Body::from(Said::Error(ErrorText::IncorrectRequest).encode()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    set(&mut response, header::CONTENT_TYPE, "application/json");
    set(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    response
}

pub(crate) async fn not_found(_uri: Uri) -> Response<Body> {
    const PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
        <title>Not found</title>\n<link rel=\"stylesheet\" href=\"/assets/panelworks.css\">\n\
        <main>\n<h1>There is no such page</h1>\n<p><a href=\"/\">To the first page</a></p>\n</main>\n</html>\n";
    html(StatusCode::NOT_FOUND, Body::from(PAGE))
}

fn html(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(&mut response, header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, header::REFERRER_POLICY, "same-origin");
    response
}

fn set(response: &mut Response<Body>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
