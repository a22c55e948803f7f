//! `react`: what a caller of this provider really meets, faults included.
//!
//! In: the time and a request. Out: an answer, half of one, or a connection that hangs, closes or was never
//! made. The faults that strike are drawn once per request (`fault.rs`); those that turn the request away
//! come first, then it is carried out, then its answer is bent (`distort.rs`), spoken in the provider's
//! dialect, and broken on its way.

use panelworks_wire::request::{self, Call, Incoming};
use panelworks_wire::{ErrorText, Request, Response};

use super::{Provider, action_of};
use crate::action::Action;
use crate::dialect;
use crate::draw::{Draw, Purpose};
use crate::fault::{AddFault, Break, ErrorStatus, Fault, RefillFault};
use crate::reply::{HTML, Reaction, Reply};

/// Seconds a flooded provider asks for.
const RETRY_AFTER_S: u32 = 3;

impl Provider {
    /// Meets one request as this provider's faults will have it. With `Faults::none()` it is `handle`.
    pub fn react(&mut self, now_ms: i64, incoming: &Incoming<'_>) -> Reaction {
        let request = request::parse(incoming);
        let action = action_of(&request, &self.settings.api_key);
        self.requests += 1;
        let struck = self.settings.faults.strike(self.books.seed(), self.requests, action);
        if struck.contains(&Fault::ConnectionRefused) {
            return Reaction::RefusedConnection;
        }
        if let Some(turned_away) =
            struck.iter().find_map(|fault| self.turn_away(now_ms, &request, action, *fault))
        {
            return turned_away;
        }
        self.meet(now_ms, &request, &struck)
    }

    fn meet(&mut self, now_ms: i64, request: &Request, struck: &[Fault]) -> Reaction {
        let mut answer = self.carry_out(now_ms, request, struck);
        deny_what_was_done(&mut answer.response, answer.created, struck);
        // A second stream: the faults themselves were drawn from the first.
        let mut draw = Draw::of(!self.books.seed(), Purpose::Fault, self.requests);
        let bent = self.distort(&answer, struck, &mut draw);
        let reply = dialect::speak(self.settings.dialect, answer.action, &answer.response, bent);
        let refused = matches!(answer.response, Response::Error(_));
        let broken = |fault: &Fault| if let Fault::Accepted(kind) = fault { Some(*kind) } else { None };
        match struck.iter().find_map(broken).filter(|_| !refused) {
            Some(kind) => broken_on_its_way(kind, reply),
            None => Reaction::Reply(reply),
        }
    }

    /// The reaction to a request that is not carried out, if this fault is of that sort.
    fn turn_away(
        &mut self,
        now_ms: i64,
        request: &Request,
        action: Action,
        fault: Fault,
    ) -> Option<Reaction> {
        let (status, error) = match fault {
            Fault::TooManyRequests { .. } => (429, ErrorText::TooManyRequests),
            Fault::RefusedWith(ErrorStatus::Ok) | Fault::Refused(_) => {
                (200, ErrorText::TemporarilyUnavailable)
            }
            Fault::RefusedWith(ErrorStatus::BadRequest) => (400, ErrorText::BadLink),
            Fault::RefusedWith(ErrorStatus::Unauthorized) => (401, ErrorText::InvalidApiKey),
            Fault::RefusedWith(ErrorStatus::Internal) => (500, ErrorText::SomethingWentWrong),
            Fault::Accepted(_)
            | Fault::ConnectionRefused
            | Fault::ErrorAsObject
            | Fault::Add(_)
            | Fault::OddWords
            | Fault::Row(_)
            | Fault::Batch(_)
            | Fault::Refill(_)
            | Fault::CancelIdle => return None,
        };
        self.advance(now_ms);
        let at = self.books.now();
        match &request.call {
            Call::Add(asked) if action == Action::Add => drop(self.refuse(at, asked, error.clone())),
            _ => self.note(at, action),
        }
        let mut reply = dialect::speak(self.settings.dialect, action, &Response::Error(error), None);
        reply.status = status;
        reply.retry_after_s =
            (fault == Fault::TooManyRequests { retry_after: true }).then_some(RETRY_AFTER_S);
        Some(if let Fault::Refused(kind) = fault {
            broken_on_its_way(kind, reply)
        } else {
            Reaction::Reply(reply)
        })
    }
}

/// What was done is denied: the order or the refill exists, and the answer says it does not.
fn deny_what_was_done(response: &mut Response, created: Option<u64>, struck: &[Fault]) {
    if created.is_some() && struck.contains(&Fault::Add(AddFault::InternalErrorAfter)) {
        *response = Response::Error(ErrorText::SomethingWentWrong);
    }
    if struck.contains(&Fault::Refill(RefillFault::Denied)) {
        if let Response::Refill(_) = response {
            *response = Response::Error(ErrorText::RefillNotAvailable);
        } else if let Response::RefillMany(rows) = response {
            for row in rows {
                row.result = Err(ErrorText::RefillNotAvailable);
            }
        }
    }
}

fn broken_on_its_way(kind: Break, reply: Reply) -> Reaction {
    match kind {
        Break::Hang => Reaction::Hang,
        Break::Close => Reaction::Closed,
        Break::Half => Reaction::Half(reply),
        Break::BadGateway => Reaction::Reply(Reply::page(502, "502 Bad Gateway")),
        Break::GatewayTimeout => Reaction::Reply(Reply::page(504, "504 Gateway Time-out")),
        Break::Html => Reaction::Reply(Reply::page(200, "Just a moment...")),
        Break::Empty => {
            Reaction::Reply(Reply { status: 200, content_type: HTML, retry_after_s: None, body: Vec::new() })
        }
    }
}
