//! The witness over HTTP, for tests and people: `GET /witness` and `GET /witness/arrivals`.
//!
//! `/witness` answers `{"requests":{…},"balance":"…","orders":[…]}`; `?after=ID&limit=N` pages by order id.
//! Orders are read and sent some thousands at a time, so a million of them neither stand in memory nor hold
//! up the provider.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use panelworks_wire::decimal;
use serde::{Deserialize, Serialize};

use super::{Desk, now_ms};
use crate::action::Action;
use crate::civil;
use crate::limits;
use crate::witness::Arrival;

#[derive(Debug, Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

/// Where the sending stands.
struct Sending {
    desk: Desk,
    after: u64,
    left: usize,
    begun: bool,
    ended: bool,
}

pub(super) async fn witness(State(desk): State<Desk>, Query(page): Query<Page>) -> Response {
    let left = page.limit.unwrap_or(usize::MAX);
    let sending = Sending { desk, after: page.after, left, begun: false, ended: false };
    let body = Body::from_stream(stream::unfold(sending, |mut sending| async move {
        if sending.ended {
            return None;
        }
        let chunk = sending.next_chunk();
        Some((Ok::<_, std::convert::Infallible>(chunk), sending))
    }));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Sending {
    fn next_chunk(&mut self) -> Vec<u8> {
        let mut chunk = Vec::new();
        let first = !self.begun;
        if first {
            self.begun = true;
            chunk.extend(self.opening());
        }
        let wanted = self.left.min(limits::WITNESS_PAGE);
        let orders = self.desk.kept().provider().witnessed_orders(self.after, wanted);
        for (place, order) in orders.iter().enumerate() {
            if !(first && place == 0) {
                chunk.push(b',');
            }
            chunk.extend(serde_json::to_vec(order).expect("a witnessed order is plain values"));
        }
        self.left -= orders.len();
        self.after = orders.last().map_or(self.after, |order| order.order);
        if orders.len() < wanted || self.left == 0 {
            self.ended = true;
            chunk.extend(b"]}");
        }
        chunk
    }

    fn opening(&self) -> Vec<u8> {
        let mut kept = self.desk.kept();
        let balance = decimal::format(kept.provider_mut().balance_micros(now_ms()).into());
        let requests: &BTreeMap<Action, u64> = kept.provider().witness().counts();
        let requests = serde_json::to_string(requests).expect("counters by word are plain values");
        format!("{{\"requests\":{requests},\"balance\":\"{balance}\",\"orders\":[").into_bytes()
    }
}

/// One request, for the page of arrivals.
#[derive(Debug, Serialize)]
struct ArrivalRow {
    at: String,
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<u32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    link: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<u64>,
}

impl ArrivalRow {
    fn of(arrival: &Arrival) -> ArrivalRow {
        ArrivalRow {
            at: civil::instant_text(arrival.at),
            action: arrival.action,
            service: arrival.service,
            link: arrival.link.to_string(),
            quantity: arrival.quantity,
            order: arrival.order,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Newest {
    limit: Option<usize>,
}

/// The newest arrivals, oldest of them first.
pub(super) async fn arrivals(State(desk): State<Desk>, Query(newest): Query<Newest>) -> Response {
    let limit = newest.limit.unwrap_or(limits::WITNESS_PAGE);
    let rows: Vec<ArrivalRow> = {
        let kept = desk.kept();
        let arrivals = kept.provider().witness().arrivals();
        let skipped = arrivals.len().saturating_sub(limit);
        arrivals.skip(skipped).map(ArrivalRow::of).collect()
    };
    let body = serde_json::to_vec(&rows).expect("rows of arrivals are plain values");
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
