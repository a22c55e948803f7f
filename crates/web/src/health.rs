//! How the panel is, for whoever watches it: `/healthz` (the process answers), `/readyz` (calls would be answered),
//! `/metrics` (numbers for Prometheus, on this machine only unless the operator opens it).

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use panelworks_core::ids::CustomerId;
use panelworks_store::ports::StoreErrorKind;
use panelworks_store::reader::Unanswered;
use tokio::time::timeout;

use crate::panel::Panel;
use crate::router::{Doors, peer};
use crate::{address, limits};

pub(crate) async fn alive() -> &'static str {
    "alive\n"
}

/// Ready, or why not in words for an operator.
pub(crate) async fn ready(State(doors): State<Doors>, request: Request) -> Response {
    let panel = &doors.panel;
    let queue = panel.queue();
    let reasons = match panel.waits_for() {
        Some(waiting) => vec![waiting.why()],
        None => reasons(panel, queue).await,
    };
    let is_local = address::is_local(peer(&request), request.headers());
    // What an error says of addresses and disks is for whoever is on this machine.
    let short = |reason: String| match reason.split_once(": ") {
        Some((short, _)) if !is_local => short.to_owned(),
        Some(_) | None => reason,
    };
    let reasons: Vec<String> = reasons.into_iter().map(short).collect();
    let ready = reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = serde_json::json!({ "ready": ready, "reasons": reasons, "queue": queue });
    if let Some(promise) = &panel.settings.promise {
        body["promise"] = promise.words().into();
    }
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn reasons(panel: &Panel, queue: usize) -> Vec<String> {
    let mut reasons = Vec::new();
    if !panel.executor_runs() {
        reasons.push("the executor has stopped".to_owned());
    }
    if panel.known.is_deaf() {
        reasons.push("the other nodes are not heard: the database does not answer".to_owned());
    }
    if queue > limits::READY_QUEUE {
        reasons.push("too many commands wait".to_owned());
    }
    // Any question that reads a row will do; there is no customer 0.
    let question = panel.ask(|views| views.account(CustomerId(0)));
    match timeout(limits::READY_PATIENCE, question).await {
        Ok(Ok(_)) => {}
        Ok(Err(Unanswered::Store(why))) if why.kind == StoreErrorKind::Away => {
            reasons.push(format!("the database is away: {why}"));
        }
        Ok(Err(why)) => reasons.push(format!("the store answers with an error: {why}")),
        Err(_) => reasons.push("the store does not answer in time".to_owned()),
    }
    reasons
}

pub(crate) async fn metrics(State(doors): State<Doors>, request: Request) -> Response {
    let panel = &doors.panel;
    if !panel.settings.public_metrics && !address::is_local(peer(&request), request.headers()) {
        return (StatusCode::FORBIDDEN, "metrics are for this machine only\n").into_response();
    }
    match panel.known.metrics.text(panel.queue()) {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], Body::from(text)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
