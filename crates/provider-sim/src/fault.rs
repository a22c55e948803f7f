//! The ways in which the provider misbehaves, all off by default.
//!
//! In: rates (per mille of the requests a fault can touch) and a script of one-shots. Out: for each request,
//! the faults that strike it, drawn from the seed and the request's number. What a fault then does stands in
//! `provider/react.rs` and `provider/distort.rs`, how it is written in a configuration in `fault/text.rs`.
//! The list is `invariants.md` §9.

mod text;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::draw::{Draw, Purpose};

pub use text::BadFault;

/// How an answer breaks on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Break {
    /// Never comes.
    Hang,
    /// The connection is closed before it.
    Close,
    /// Its first half comes, then the connection is closed.
    Half,
    /// A proxy answers 502 with a page.
    BadGateway,
    /// A proxy answers 504 with a page.
    GatewayTimeout,
    /// A page comes instead, with 200.
    Html,
    /// Nothing comes, with 200.
    Empty,
}

/// The HTTP status of a refusal that JSON explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorStatus {
    /// 200, as panels do.
    Ok,
    /// 400.
    BadRequest,
    /// 401.
    Unauthorized,
    /// 500.
    Internal,
}

/// What goes wrong with an `add`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddFault {
    /// Refused for want of our money, whatever the balance says.
    NotEnoughFunds,
    /// Refused while an order of the same service and link is open.
    DuplicateLink,
    /// Created, and the answer says something went wrong.
    InternalErrorAfter,
    /// Created, and the answer names the order before.
    RepeatedId,
    /// `"order":"23501"`.
    IdAsString,
    /// `"order":23501.0`.
    IdAsFloat,
    /// `"order"` beyond what a signed 64-bit number holds; that id is then known as the order's.
    IdHuge,
    /// Created, and beside its id stands an error.
    ErrorBeside,
}

/// What goes wrong with an order's row in `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowFault {
    /// No `remains`.
    RemainsMissing,
    /// `"remains":null`.
    RemainsNull,
    /// `"remains":""`.
    RemainsEmpty,
    /// `"remains":"-5"`.
    RemainsNegative,
    /// More than was ordered.
    RemainsAboveQuantity,
    /// `"remains":"10.5"`.
    RemainsDecimal,
    /// `"charge":"0,27819"`.
    ChargeComma,
    /// A charge below zero.
    ChargeNegative,
    /// Ten times the charge.
    ChargeTenfold,
    /// Charge and currency of another country.
    OtherCurrency,
    /// A state that was left long ago.
    StatusBackwards,
    /// A Partial whose remains are others each time.
    PartialWanders,
}

/// What goes wrong with the status of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchFault {
    /// Some of the ids asked for are missing.
    IdsMissing,
    /// An id nobody asked for and nobody has.
    IdsExtra,
    /// The id of another order of ours, unasked.
    IdsForeign,
    /// One error for all.
    OneError,
    /// A list without ids in place of a map.
    List,
}

/// What goes wrong with a new refill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefillFault {
    /// `"refill":1`.
    Number,
    /// `"refill":"1"`, in lists too.
    Text,
    /// `"refill":true`.
    True,
    /// The refill is taken, and the answer says otherwise.
    Denied,
}

/// One way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The request is carried out, then the answer breaks.
    Accepted(Break),
    /// The request is not carried out, and the answer breaks the same way: nobody outside can tell the two.
    Refused(Break),
    /// No connection; nothing is carried out, nothing arrives.
    ConnectionRefused,
    /// Not carried out: 429.
    TooManyRequests {
        /// With a `Retry-After`.
        retry_after: bool,
    },
    /// Not carried out: an error with this status.
    RefusedWith(ErrorStatus),
    /// An error is an object.
    ErrorAsObject,
    /// See `AddFault`.
    Add(AddFault),
    /// Status words in another case, spelling or language.
    OddWords,
    /// See `RowFault`.
    Row(RowFault),
    /// See `BatchFault`.
    Batch(BatchFault),
    /// See `RefillFault`.
    Refill(RefillFault),
    /// Cancels are taken and never carried out.
    CancelIdle,
}

impl Fault {
    /// Whether a request of this action can be struck, where the fault is not aimed at one.
    pub fn touches(self, action: Action) -> bool {
        match self {
            Fault::Accepted(_)
            | Fault::Refused(_)
            | Fault::ConnectionRefused
            | Fault::TooManyRequests { .. }
            | Fault::RefusedWith(_)
            | Fault::ErrorAsObject => true,
            Fault::Add(_) => action == Action::Add,
            Fault::Row(_) | Fault::Batch(_) => action == Action::Status,
            Fault::OddWords => {
                matches!(action, Action::Status | Action::RefillStatus | Action::CancelStatus)
            }
            Fault::Refill(_) => action == Action::Refill,
            Fault::CancelIdle => action == Action::Cancel,
        }
    }
}

/// A fault and what it is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Aimed {
    /// What goes wrong.
    pub fault: Fault,
    /// Only for this action; for each the fault touches, where it is missing.
    pub only: Option<Action>,
}

impl Aimed {
    fn hits(self, action: Action) -> bool {
        self.fault.touches(action) && self.only.is_none_or(|only| only == action)
    }
}

/// A fault and how often it strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaultRate {
    /// What, and where.
    pub aimed: Aimed,
    /// Of 1000 requests it can touch.
    pub permille: u16,
}

/// Everything that is to go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// What strikes by chance.
    pub rates: Vec<FaultRate>,
    /// What strikes for certain, once each: the first entry that hits a request strikes it and is gone.
    pub script: Vec<Aimed>,
}

impl Faults {
    /// A provider that behaves.
    pub fn none() -> Faults {
        Faults::default()
    }

    /// One fault at a rate.
    pub fn at(fault: Fault, permille: u16) -> Faults {
        Faults::none().and(fault, permille)
    }

    /// The same with one more.
    #[must_use]
    pub fn and(mut self, fault: Fault, permille: u16) -> Faults {
        self.rates.push(FaultRate { aimed: Aimed { fault, only: None }, permille });
        self
    }

    /// The next request of that action is struck, once.
    #[must_use]
    pub fn then(mut self, fault: Fault, action: Action) -> Faults {
        self.script.push(Aimed { fault, only: Some(action) });
        self
    }

    pub(crate) fn mind_links(&self) -> bool {
        let rated = self.rates.iter().map(|rate| rate.aimed.fault);
        rated
            .chain(self.script.iter().map(|aimed| aimed.fault))
            .any(|fault| fault == Fault::Add(AddFault::DuplicateLink))
    }

    /// The faults that strike request `number`. Each rate draws its own number, so that one more fault in the
    /// list does not change when the others strike.
    pub(crate) fn strike(&mut self, seed: u64, number: u64, action: Action) -> Vec<Fault> {
        let mut struck = Vec::new();
        if let Some(place) = self.script.iter().position(|aimed| aimed.hits(action)) {
            struck.push(self.script.remove(place).fault);
        }
        if !self.rates.is_empty() {
            let mut draw = Draw::of(seed, Purpose::Fault, number);
            for rate in &self.rates {
                if draw.chance(rate.permille) && rate.aimed.hits(action) {
                    struck.push(rate.aimed.fault);
                }
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOD: Fault = Fault::TooManyRequests { retry_after: false };
    const REFILL_TRUE: Fault = Fault::Refill(RefillFault::True);

    #[test]
    fn rates_hold_and_scripts_strike_once() {
        let mut faults = Faults::at(FLOOD, 100).then(REFILL_TRUE, Action::Refill);
        let hits = (0..10_000).filter(|number| !faults.strike(1, *number, Action::Status).is_empty()).count();
        assert!((800..1200).contains(&hits), "{hits}");
        assert!(faults.strike(1, 1, Action::Refill).contains(&REFILL_TRUE));
        assert!(!faults.strike(1, 2, Action::Refill).contains(&REFILL_TRUE));
    }

    #[test]
    fn a_fault_strikes_only_what_it_touches() {
        let mut faults = Faults::at(Fault::Add(AddFault::RepeatedId), 1000);
        assert_eq!(faults.strike(1, 1, Action::Add), [Fault::Add(AddFault::RepeatedId)]);
        assert!(faults.strike(1, 1, Action::Status).is_empty());
    }
}
