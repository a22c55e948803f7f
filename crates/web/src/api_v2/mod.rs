//! API v2: one door for every call (`api-v2.md` §1, §2, rules 10 to 12).
//!
//! In: an HTTP request of any encoding. Out: JSON in the protocol's own form, and nothing else, ever. The way of a
//! call: body within bounds → one parse by `wire` → key → standing → pace → the action, one file each. `wire` and
//! `core` don't know each other; they are translated here ([`draft`], [`refusal`]). Each call is counted and logged
//! once at its end, without key and link.

mod add;
mod answer;
mod balance;
mod batch;
mod cancel;
mod draft;
mod refill;
mod refusal;
mod services;
mod status;

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use panelworks_core::customer::Standing;
use panelworks_core::ids::CustomerId;
use panelworks_wire::request::{self, Call, CancelAsk, Incoming};
use panelworks_wire::{ErrorText, Response as Said};

pub(crate) use answer::{Answer, Ending};

use crate::known::Caller;
use crate::limits;
use crate::pace::Turn;
use crate::panel::Panel;
use crate::{address, body};

/// What was called for, as the log and the metrics name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Services,
    Add,
    Status,
    Refill,
    RefillStatus,
    Cancel,
    CancelStatus,
    Balance,
    /// No action, an unknown one, or a request that could not be read.
    None,
}

impl Action {
    pub(crate) const ALL: [Self; 9] = [
        Self::Services,
        Self::Add,
        Self::Status,
        Self::Refill,
        Self::RefillStatus,
        Self::Cancel,
        Self::CancelStatus,
        Self::Balance,
        Self::None,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Add => "add",
            Self::Status => "status",
            Self::Refill => "refill",
            Self::RefillStatus => "refill_status",
            Self::Cancel => "cancel",
            Self::CancelStatus => "cancel_status",
            Self::Balance => "balance",
            Self::None => "none",
        }
    }

    const fn of(call: &Call) -> Self {
        match call {
            Call::Services => Self::Services,
            Call::Add(_) => Self::Add,
            Call::Status(_) => Self::Status,
            Call::Refill(_) => Self::Refill,
            Call::RefillStatus(_) => Self::RefillStatus,
            Call::Cancel(CancelAsk::Orders(_)) => Self::Cancel,
            Call::Cancel(CancelAsk::Requests(_)) => Self::CancelStatus,
            Call::Balance => Self::Balance,
            Call::Incorrect => Self::None,
        }
    }
}

/// A call at its end.
struct Told {
    action: Action,
    customer: Option<CustomerId>,
    answer: Answer,
}

impl Told {
    const fn stranger(action: Action, answer: Answer) -> Self {
        Self { action, customer: None, answer }
    }
}

/// Nothing may be loaded, run or framed by what is only data.
pub(crate) const NO_PAGE: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Answers one request, whatever it is.
pub(crate) async fn enter<B>(panel: &Panel, peer: IpAddr, request: Request<B>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let id = panel.ids.of(&parts.headers);
    let told = match parts.method {
        Method::POST | Method::GET => unbroken(converse(panel, peer, &parts, body)).await,
        Method::OPTIONS => Told::stranger(Action::None, Answer::Preflight),
        _ => Told::stranger(Action::None, Answer::WrongMethod),
    };
    let took = began.elapsed();
    panel.known.metrics.call(told.action, told.answer.ending(), told.answer.error_text(), took);
    log(panel, &parts, &told, id.to_str().unwrap_or_default(), took);
    let mut response = told.answer.into_http(id);
    if parts.method == Method::GET {
        // What was asked with a key in its address is nobody else's to keep, and nobody's but a list that is asked
        // about by its tag. A browser may have come here by a link: what it sees is no page.
        let kept =
            if response.headers().contains_key(header::ETAG) { "private, no-cache" } else { "no-store" };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        headers.insert(header::CONTENT_SECURITY_POLICY, NO_PAGE);
    }
    response
}

/// A panic is a bug, and it hits one call: what became of it is unknown, and so nothing is said (rule 11).
async fn unbroken(conversation: impl Future<Output = Told>) -> Told {
    match AssertUnwindSafe(conversation).catch_unwind().await {
        Ok(told) => told,
        Err(_panic) => {
            tracing::error!("a call panicked; its outcome is unknown");
            Told::stranger(Action::None, Answer::Silence)
        }
    }
}

async fn converse<B>(panel: &Panel, peer: IpAddr, parts: &Parts, body: B) -> Told
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let held = match body::read(panel, &parts.headers, body).await {
        Ok(held) => held,
        Err(why) => {
            tracing::debug!(?why, "a body could not be read");
            return Told::stranger(Action::None, Answer::Unread);
        }
    };
    let incoming = incoming(panel, parts, &held.bytes);
    let request = request::parse(&incoming);
    let action = Action::of(&request.call);
    if panel.waits_for().is_some() || panel.known.is_deaf() {
        return Told::stranger(action, unavailable(action));
    }
    let caller = request.key.as_deref().and_then(|key| panel.caller(key));
    let Some(caller) = caller else {
        if request.key.is_none() && is_broken_json(&held.bytes) {
            return Told::stranger(action, Answer::error(ErrorText::IncorrectRequest));
        }
        drop(held);
        return Told::stranger(action, wrong_key(panel, peer, parts, action).await);
    };
    drop(held);
    let customer = Some(caller.customer);
    let answer = match admit(panel, &caller, action).await {
        Ok(()) => act(panel, &caller, parts, request.call).await,
        Err(answer) => answer,
    };
    Told { action, customer, answer }
}

fn incoming<'a>(panel: &Panel, parts: &'a Parts, body: &'a [u8]) -> Incoming<'a> {
    let text = |name: HeaderName| text(&parts.headers, &name);
    Incoming {
        query: parts.uri.query().filter(|_| panel.settings.reads_query),
        content_type: text(header::CONTENT_TYPE),
        authorization: text(header::AUTHORIZATION),
        x_api_key: text(X_API_KEY),
        idempotency_key: text(IDEMPOTENCY_KEY),
        body,
    }
}

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

/// A body that was meant as JSON and isn't: its key can't be known, so it is told what is really wrong with it.
fn is_broken_json(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    body.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err()
}

/// Missing and wrong keys answer the same (`api-v2.md` §2).
async fn wrong_key(panel: &Panel, peer: IpAddr, parts: &Parts, action: Action) -> Answer {
    let from = address::client(peer, &parts.headers, &panel.settings.trusted_proxies);
    match panel.bad_key(from) {
        Turn::Now | Turn::After(_) => Answer::error(ErrorText::InvalidApiKey),
        Turn::Refused(retry_after) => {
            panel.hold_back().await;
            flood(action, retry_after)
        }
    }
}

/// What stands before every action of a known caller: standing, maintenance, pace.
async fn admit(panel: &Panel, caller: &Caller, action: Action) -> Result<(), Answer> {
    match caller.standing {
        Standing::Suspended => return Err(Answer::error(ErrorText::AccountSuspended)),
        // A frozen account can't order; the core says so.
        Standing::Active | Standing::Frozen => {}
    }
    if let Some(notice) = panel.maintenance() {
        return Err(if action == Action::Status { Answer::Silence } else { Answer::error(notice) });
    }
    let patience = if action == Action::Status { panel.settings.status_patience } else { Duration::ZERO };
    match panel.turn(caller, patience) {
        Turn::Now => Ok(()),
        Turn::After(wait) => {
            let _place = panel.status_waiting.try_acquire().map_err(|_| Answer::Silence)?;
            tokio::time::sleep(wait).await;
            Ok(())
        }
        Turn::Refused(retry_after) => {
            panel.hold_back().await;
            Err(flood(action, retry_after))
        }
    }
}

/// `status` is never told of a flood in words: resellers' scripts would mark their orders failed (rule 11).
const fn flood(action: Action, retry_after: Duration) -> Answer {
    match action {
        Action::Status => Answer::Silence,
        Action::Services
        | Action::Add
        | Action::Refill
        | Action::RefillStatus
        | Action::Cancel
        | Action::CancelStatus
        | Action::Balance
        | Action::None => Answer::Flood { retry_after },
    }
}

/// Refused before anything was decided; `status` is not told in words either.
const fn unavailable(action: Action) -> Answer {
    match action {
        Action::Status => Answer::Silence,
        Action::Services
        | Action::Add
        | Action::Refill
        | Action::RefillStatus
        | Action::Cancel
        | Action::CancelStatus
        | Action::Balance
        | Action::None => Answer::error(ErrorText::TemporarilyUnavailable),
    }
}

async fn act(panel: &Panel, caller: &Caller, parts: &Parts, call: Call) -> Answer {
    let Some(_under_way) = panel.known.metrics.enter(limits::CALLS_UNDER_WAY) else {
        return unavailable(Action::of(&call));
    };
    match call {
        Call::Add(add) => Answer::Said(add::add(panel, caller, *add).await),
        Call::Status(ask) => status::status(panel, caller, ask).await.map_or(Answer::Silence, Answer::Said),
        Call::Services => services::services(panel, caller, parts).await,
        Call::Balance => Answer::Said(balance::balance(panel, caller).await),
        Call::Refill(ask) => Answer::Said(refill::refill(panel, caller, ask).await),
        Call::RefillStatus(ask) => Answer::Said(refill::refill_status(panel, caller, ask).await),
        Call::Cancel(CancelAsk::Orders(ask)) => Answer::Said(cancel::cancel(panel, caller, ask).await),
        Call::Cancel(CancelAsk::Requests(ask)) => {
            Answer::Said(cancel::cancel_status(panel, caller, ask).await)
        }
        Call::Incorrect => Answer::Said(Said::Error(ErrorText::IncorrectRequest)),
    }
}

/// One line per call. Successes are at debug unless the operator wants them at info: a line for each order would
/// cost as much as the order (performance.md P1).
fn log(panel: &Panel, parts: &Parts, told: &Told, request_id: &str, took: Duration) {
    macro_rules! line {
        ($level:expr, $message:literal) => {
            tracing::event!(
                $level,
                request_id,
                method = %parts.method,
                path = parts.uri.path(),
                action = told.action.name(),
                customer = told.customer.map(|customer| customer.0),
                order = told.answer.order(),
                status = told.answer.status().as_u16(),
                error = told.answer.error_text().map(tracing::field::display),
                took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                $message
            )
        };
    }
    match told.answer.ending() {
        // What is waited for is in the log already, and many calls meet the same absence.
        Ending::Unavailable if panel.waits_for().is_none() && panel.complains() => {
            line!(tracing::Level::WARN, "call not answered");
        }
        Ending::Unavailable => line!(tracing::Level::DEBUG, "call not answered"),
        Ending::Answered if took >= limits::SLOW_CALL => line!(tracing::Level::WARN, "slow call"),
        Ending::Answered if panel.settings.log_successes => line!(tracing::Level::INFO, "call"),
        Ending::Answered => line!(tracing::Level::DEBUG, "call"),
        Ending::Refused => line!(tracing::Level::INFO, "call refused"),
        // A flood must not become one of lines.
        Ending::Flooded => line!(tracing::Level::DEBUG, "too many calls"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows A5, C33.
    #[tokio::test]
    async fn a_panic_hits_one_call_and_claims_nothing_about_it() {
        let told = unbroken(async { panic!("on purpose") }).await;
        assert!(matches!(told.answer, Answer::Silence));
    }

    #[test]
    fn a_flood_is_told_to_every_action_but_status() {
        for action in Action::ALL {
            let told = flood(action, Duration::from_secs(1));
            let expected = if action == Action::Status { 503 } else { 429 };
            assert_eq!(told.status().as_u16(), expected, "{action:?}");
        }
    }

    #[test]
    fn only_json_that_is_broken_is_taken_for_broken_json() {
        for broken in [&b"{"[..], b" {\"key\":", b"\xef\xbb\xbf{]"] {
            assert!(is_broken_json(broken), "{broken:?}");
        }
        for other in [&b""[..], b"{}", b"{\"action\":\"add\"}", b"action=add", b"[1"] {
            assert!(!is_broken_json(other), "{other:?}");
        }
    }
}
