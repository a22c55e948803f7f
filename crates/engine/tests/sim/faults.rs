//! The faults of the providers and of the network, each with its row of invariants.md 2.2, and when they strike.
//!
//! A seed has its own few faults at each provider, some of them often. They are drawn here and not in the provider,
//! so that the report counts what really struck. Some bend what the provider's own faults can't: rows in another
//! order, ids not known for a while, texts that no page should show.

use panelworks_provider_sim::{
    Action, AddFault, BatchFault, Break, ErrorStatus, Fault, Faults, RefillFault, RowFault,
};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

/// One way in which a provider or the line to it misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// One of the provider's own.
    Provider(Fault),
    /// Nothing leaves.
    NoRoute,
    /// It was carried out, and the answer never comes.
    AnswerLost,
    /// The rows of many statuses come in another order.
    Shuffled,
    /// One of many rows is missing.
    RowMissing,
    /// An id that it knows is answered as unknown, this time.
    IdForgotten,
    /// An order is said to have failed, this time.
    Failure,
    /// An order is said to have ended partially, this time.
    Partial,
    /// An order that is completed is said to be canceled, or to have a unit left, this time.
    Withdrawn,
    /// A refusal whose text is long and has marks of pages and control characters in it.
    HostileText,
    /// A refusal that no row of the contract knows.
    OddRefusal,
}

const fn own(fault: Fault) -> Trouble {
    Trouble::Provider(fault)
}

/// Every one, with its name in the report.
pub(crate) const TROUBLES: [(&str, Trouble); 58] = [
    ("B1 accepted, then silence", own(Fault::Accepted(Break::Hang))),
    ("B1 accepted, then closed", own(Fault::Accepted(Break::Close))),
    ("B1 not accepted, silence", own(Fault::Refused(Break::Hang))),
    ("B1 not accepted, closed", own(Fault::Refused(Break::Close))),
    ("B1 answer lost on its way", Trouble::AnswerLost),
    ("B2 an id repeated", own(Fault::Add(AddFault::RepeatedId))),
    ("B3 502 after accepting", own(Fault::Accepted(Break::BadGateway))),
    ("B3 504 after accepting", own(Fault::Accepted(Break::GatewayTimeout))),
    ("B3 not accepted, 502", own(Fault::Refused(Break::BadGateway))),
    ("B3 429", own(Fault::TooManyRequests { retry_after: false })),
    ("B3 429 with Retry-After", own(Fault::TooManyRequests { retry_after: true })),
    ("B3 refused with 400", own(Fault::RefusedWith(ErrorStatus::BadRequest))),
    ("B3 refused with 401", own(Fault::RefusedWith(ErrorStatus::Unauthorized))),
    ("B3 refused with 500", own(Fault::RefusedWith(ErrorStatus::Internal))),
    ("B3 refused with 200", own(Fault::RefusedWith(ErrorStatus::Ok))),
    ("B4 half an answer", own(Fault::Accepted(Break::Half))),
    ("B4 a page after accepting", own(Fault::Accepted(Break::Html))),
    ("B4 a page, not accepted", own(Fault::Refused(Break::Html))),
    ("B4 an empty answer", own(Fault::Accepted(Break::Empty))),
    ("B5 an error as an object", own(Fault::ErrorAsObject)),
    ("B5 an id as text", own(Fault::Add(AddFault::IdAsString))),
    ("B5 an id as a fraction", own(Fault::Add(AddFault::IdAsFloat))),
    ("B5 an id beyond 63 bits", own(Fault::Add(AddFault::IdHuge))),
    ("B5 an id beside an error", own(Fault::Add(AddFault::ErrorBeside))),
    ("B5 odd words", own(Fault::OddWords)),
    ("B5 a word for failure", Trouble::Failure),
    ("B5 a charge with a comma", own(Fault::Row(RowFault::ChargeComma))),
    ("B5 a refill as a number", own(Fault::Refill(RefillFault::Number))),
    ("B5 a refill as text", own(Fault::Refill(RefillFault::Text))),
    ("B5 a refill as true", own(Fault::Refill(RefillFault::True))),
    ("B6 remains below zero", own(Fault::Row(RowFault::RemainsNegative))),
    ("B6 remains above the quantity", own(Fault::Row(RowFault::RemainsAboveQuantity))),
    ("B6 remains missing", own(Fault::Row(RowFault::RemainsMissing))),
    ("B6 remains null", own(Fault::Row(RowFault::RemainsNull))),
    ("B6 remains empty", own(Fault::Row(RowFault::RemainsEmpty))),
    ("B6 remains with a fraction", own(Fault::Row(RowFault::RemainsDecimal))),
    ("B7 a Partial out of nothing", Trouble::Partial),
    ("B7 a status backwards", own(Fault::Row(RowFault::StatusBackwards))),
    ("B7 a completion taken back", Trouble::Withdrawn),
    ("B8 a Partial that wanders", own(Fault::Row(RowFault::PartialWanders))),
    ("B9 ten times the charge", own(Fault::Row(RowFault::ChargeTenfold))),
    ("B9 a charge below zero", own(Fault::Row(RowFault::ChargeNegative))),
    ("B10 another currency", own(Fault::Row(RowFault::OtherCurrency))),
    ("B13 no funds", own(Fault::Add(AddFault::NotEnoughFunds))),
    ("B19 ids missing", own(Fault::Batch(BatchFault::IdsMissing))),
    ("B19 ids nobody asked for", own(Fault::Batch(BatchFault::IdsExtra))),
    ("B19 ids of others", own(Fault::Batch(BatchFault::IdsForeign))),
    ("B19 one error for all", own(Fault::Batch(BatchFault::OneError))),
    ("B19 a list without ids", own(Fault::Batch(BatchFault::List))),
    ("B19 a row missing", Trouble::RowMissing),
    ("B19 rows in another order", Trouble::Shuffled),
    ("B20 cancels never carried out", own(Fault::CancelIdle)),
    ("B20 a refill denied", own(Fault::Refill(RefillFault::Denied))),
    ("B21 a hostile text", Trouble::HostileText),
    ("B22 an id forgotten for a while", Trouble::IdForgotten),
    ("B a refusal nobody knows", Trouble::OddRefusal),
    ("B an internal error after creating", own(Fault::Add(AddFault::InternalErrorAfter))),
    ("B an active order on the link", own(Fault::Add(AddFault::DuplicateLink))),
];

/// Those of the line, apart: a provider may be well behind a bad line.
pub(crate) const LINE: [(&str, Trouble); 2] =
    [("network: no route", Trouble::NoRoute), ("network: connection refused", own(Fault::ConnectionRefused))];

impl Trouble {
    fn touches(self, action: Action) -> bool {
        match self {
            Self::Provider(fault) => fault.touches(action),
            Self::NoRoute | Self::AnswerLost => true,
            Self::Shuffled
            | Self::RowMissing
            | Self::IdForgotten
            | Self::Failure
            | Self::Partial
            | Self::Withdrawn => action == Action::Status,
            Self::HostileText | Self::OddRefusal => action == Action::Add,
        }
    }
}

/// What one provider of one seed is like.
#[derive(Debug, Default)]
pub(crate) struct Character(Vec<(&'static str, Trouble, u32)>);

impl Character {
    /// Each trouble with a chance of one in six, some of them often.
    pub(crate) fn draw(rng: &mut StdRng) -> Self {
        let mut troubles = Vec::new();
        for (name, trouble) in TROUBLES.into_iter().chain(LINE) {
            if rng.random_ratio(1, 6) {
                troubles.push((name, trouble, [20, 60, 200][rng.random_range(0..3)]));
            }
        }
        Self(troubles)
    }

    /// A provider that behaves.
    pub(crate) const fn good() -> Self {
        Self(Vec::new())
    }

    /// Before any request: links are minded from the beginning.
    pub(crate) fn minds_links(&self) -> bool {
        self.0.iter().any(|(_, trouble, _)| *trouble == own(Fault::Add(AddFault::DuplicateLink)))
    }

    /// What strikes a request, by name.
    pub(crate) fn strike(&self, action: Action, rng: &mut StdRng) -> Vec<(&'static str, Trouble)> {
        let mut struck = Vec::new();
        for (name, trouble, permille) in &self.0 {
            if trouble.touches(action) && rng.random_ratio(*permille, 1_000) {
                struck.push((*name, *trouble));
            }
        }
        struck
    }
}

/// The provider's own of those that struck, each certain to strike the next request.
pub(crate) fn of_provider(struck: &[(&'static str, Trouble)]) -> Faults {
    let own = struck.iter().filter_map(|(_, trouble)| match trouble {
        Trouble::Provider(fault) => Some(*fault),
        Trouble::NoRoute
        | Trouble::AnswerLost
        | Trouble::Shuffled
        | Trouble::RowMissing
        | Trouble::IdForgotten
        | Trouble::Failure
        | Trouble::Partial
        | Trouble::Withdrawn
        | Trouble::HostileText
        | Trouble::OddRefusal => None,
    });
    own.fold(Faults::none(), |faults, fault| faults.and(fault, 1_000))
}

/// An answer as it was bent on its way, or as it was.
pub(crate) fn bend(body: Vec<u8>, struck: &[(&'static str, Trouble)], rng: &mut StdRng) -> Vec<u8> {
    struck.iter().fold(body, |body, (_, trouble)| match trouble {
        Trouble::Shuffled => with_rows(body, |rows| {
            let turned = std::mem::take(rows);
            *rows = turned.into_iter().rev().collect();
        }),
        Trouble::RowMissing => {
            let draw: usize = rng.random_range(0..1_000);
            with_rows(body, |rows| {
                let place = draw % rows.len().max(1);
                if let Some(id) = rows.keys().nth(place).cloned() {
                    rows.shift_remove(&id);
                }
            })
        }
        Trouble::IdForgotten => with_a_row(body, rng, |row| *row = json!({"error": "Incorrect order ID"})),
        Trouble::Failure => with_a_row(body, rng, |row| row["status"] = json!("Fail")),
        Trouble::Partial => with_a_row(body, rng, |row| row["status"] = json!("Partial")),
        Trouble::Withdrawn => {
            let word = if rng.random_bool(0.5) { "Canceled" } else { "Partial" };
            with_a_row(body, rng, |row| {
                if row["status"].as_str().is_some_and(|status| status.eq_ignore_ascii_case("completed")) {
                    (row["status"], row["remains"]) = (json!(word), json!("1"));
                }
            })
        }
        Trouble::Provider(_)
        | Trouble::NoRoute
        | Trouble::AnswerLost
        | Trouble::HostileText
        | Trouble::OddRefusal => body,
    })
}

/// The text of a refusal in the provider's place, if one of these struck.
pub(crate) fn refusal(struck: &[(&'static str, Trouble)]) -> Option<String> {
    struck.iter().find_map(|(_, trouble)| match trouble {
        Trouble::HostileText => Some(format!("<script>alert(1)</script>\u{1b}[2J{}", "x".repeat(20_000))),
        Trouble::OddRefusal => Some("The moon is in the wrong house".to_owned()),
        Trouble::Provider(_)
        | Trouble::NoRoute
        | Trouble::AnswerLost
        | Trouble::Shuffled
        | Trouble::RowMissing
        | Trouble::IdForgotten
        | Trouble::Failure
        | Trouble::Partial
        | Trouble::Withdrawn => None,
    })
}

/// Changes the rows of an answer about many; other answers stay as they are.
fn with_rows(body: Vec<u8>, change: impl FnOnce(&mut Map<String, Value>)) -> Vec<u8> {
    match serde_json::from_slice(&body) {
        Ok(Value::Object(mut rows)) if !rows.is_empty() && rows.values().all(Value::is_object) => {
            change(&mut rows);
            Value::Object(rows).to_string().into_bytes()
        }
        Ok(_) | Err(_) => body,
    }
}

/// Changes one row: of an answer about many any, of an answer about one that.
fn with_a_row(body: Vec<u8>, rng: &mut StdRng, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let draw: usize = rng.random_range(0..1_000);
    match serde_json::from_slice::<Value>(&body) {
        Ok(mut one) if one.get("status").is_some_and(Value::is_string) => {
            change(&mut one);
            one.to_string().into_bytes()
        }
        Ok(_) | Err(_) => with_rows(body, |rows| {
            let place = draw % rows.len().max(1);
            if let Some(row) = rows.values_mut().nth(place) {
                change(row);
            }
        }),
    }
}
