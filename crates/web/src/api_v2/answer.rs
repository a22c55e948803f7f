//! What a call is answered with, and how that looks over HTTP (`api-v2.md` §1, Reply type and HTTP status).
//!
//! In: an answer. Out: a response whose status is 200 but for the exceptions the contract names, and whose content
//! type is exactly `application/json`. No error's text is made here; they all stand in `wire`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use panelworks_wire::{ErrorText, Response as Said};

use super::services::Encoding;
use crate::known::Prepared;
use crate::limits;
use crate::request_id;

/// One answer.
#[derive(Debug)]
pub(crate) enum Answer {
    Said(Said),
    /// The list of services, prepared.
    Services {
        list: Arc<Prepared>,
        encoding: Encoding,
        unchanged: bool,
    },
    /// Too many calls, on any action but `status`.
    Flood {
        retry_after: Duration,
    },
    /// 503 without a body: how `status` is told of trouble (rule 11).
    Silence,
    /// A body too long, too slow or broken; the connection can't go on.
    Unread,
    WrongMethod,
    /// The answer to a browser that asks whether it may ask.
    Preflight,
}

/// How a call ended, as a label of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Answered,
    Refused,
    Flooded,
    Unavailable,
}

impl Ending {
    pub(crate) const ALL: [Self; 4] = [Self::Answered, Self::Refused, Self::Flooded, Self::Unavailable];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Flooded => "flooded",
            Self::Unavailable => "unavailable",
        }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const ANY: HeaderValue = HeaderValue::from_static("*");

impl Answer {
    pub(super) const fn error(text: ErrorText) -> Self {
        Self::Said(Said::Error(text))
    }

    pub(super) const fn ending(&self) -> Ending {
        match self {
            Self::Said(Said::Error(ErrorText::TemporarilyUnavailable | ErrorText::SomethingWentWrong))
            | Self::Silence => Ending::Unavailable,
            Self::Said(Said::Error(_)) | Self::Unread | Self::WrongMethod => Ending::Refused,
            Self::Said(_) | Self::Services { .. } | Self::Preflight => Ending::Answered,
            Self::Flood { .. } => Ending::Flooded,
        }
    }

    /// The error of the call as a whole.
    pub(super) const fn error_text(&self) -> Option<&ErrorText> {
        match self {
            Self::Said(Said::Error(text)) => Some(text),
            Self::Unread | Self::WrongMethod => Some(&ErrorText::IncorrectRequest),
            Self::Flood { .. } => Some(&ErrorText::TooManyRequests),
            Self::Said(_) | Self::Services { .. } | Self::Silence | Self::Preflight => None,
        }
    }

    /// The order that was accepted, so that the log leads from a request to everything that follows it.
    pub(super) const fn order(&self) -> Option<u64> {
        match self {
            Self::Said(Said::Order(order)) => Some(*order),
            Self::Said(_)
            | Self::Services { .. }
            | Self::Flood { .. }
            | Self::Silence
            | Self::Unread
            | Self::WrongMethod
            | Self::Preflight => None,
        }
    }

    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Services { unchanged: true, .. } => StatusCode::NOT_MODIFIED,
            Self::Said(_) | Self::Services { .. } | Self::Unread => StatusCode::OK,
            Self::Flood { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Silence => StatusCode::SERVICE_UNAVAILABLE,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Preflight => StatusCode::NO_CONTENT,
        }
    }

    pub(super) fn into_http(self, request_id: HeaderValue) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.reserve(7);
        headers.insert(request_id::HEADER, request_id);
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
        let mut set = |name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        match &self {
            Self::Said(_) => {}
            Self::Unread => set(header::CONNECTION, "close"),
            Self::WrongMethod => set(header::ALLOW, "GET, POST, OPTIONS"),
            Self::Preflight => {
                set(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS");
                // `*` doesn't cover Authorization, so the headers are named.
                let ours = "authorization, content-type, idempotency-key, x-api-key, x-request-id";
                set(header::ACCESS_CONTROL_ALLOW_HEADERS, ours);
                set(header::ACCESS_CONTROL_MAX_AGE, limits::PREFLIGHT_SECONDS);
            }
            Self::Flood { retry_after } => {
                let seconds = retry_after.as_secs().saturating_add(u64::from(retry_after.subsec_nanos() > 0));
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            Self::Silence => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(limits::OVERLOAD_RETRY_S));
            }
            Self::Services { list, encoding, .. } => {
                headers.insert(header::ETAG, encoding.tag(list));
                headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
                if *encoding == Encoding::Gzip {
                    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                }
            }
        }
        if let Some(body) = self.body() {
            headers.insert(header::CONTENT_TYPE, JSON);
            *response.body_mut() = body;
        }
        response
    }

    fn body(self) -> Option<Body> {
        let error = |text| Some(Body::from(Said::Error(text).encode()));
        match self {
            Self::Said(said) => Some(Body::from(said.encode())),
            Self::Services { unchanged: true, .. } | Self::Silence | Self::Preflight => None,
            Self::Services { list, encoding, .. } => Some(Body::from(encoding.bytes(&list))),
            Self::Flood { .. } => error(ErrorText::TooManyRequests),
            Self::Unread | Self::WrongMethod => error(ErrorText::IncorrectRequest),
        }
    }
}
