//! Faults in words, for configurations, command lines and reports.
//!
//! A fault reads `accepted-then-hang`; aimed at one action, `accepted-then-hang@add`; with its rate of 1000
//! requests, `accepted-then-hang@add=100`. What is none of it is refused with what would be right.

use std::fmt;
use std::str::FromStr;

use super::{AddFault, Aimed, BatchFault, Break, ErrorStatus, Fault, FaultRate, RefillFault, RowFault};
use crate::action::UnknownAction;

const BREAKS: [(Break, &str); 7] = [
    (Break::Hang, "hang"),
    (Break::Close, "close"),
    (Break::Half, "half"),
    (Break::BadGateway, "502"),
    (Break::GatewayTimeout, "504"),
    (Break::Html, "html"),
    (Break::Empty, "empty"),
];

const PLAIN: [(Fault, &str); 39] = [
    (Fault::ConnectionRefused, "connection-refused"),
    (Fault::TooManyRequests { retry_after: false }, "429"),
    (Fault::TooManyRequests { retry_after: true }, "429-retry-after"),
    (Fault::RefusedWith(ErrorStatus::Ok), "error-200"),
    (Fault::RefusedWith(ErrorStatus::BadRequest), "error-400"),
    (Fault::RefusedWith(ErrorStatus::Unauthorized), "error-401"),
    (Fault::RefusedWith(ErrorStatus::Internal), "error-500"),
    (Fault::ErrorAsObject, "error-as-object"),
    (Fault::Add(AddFault::NotEnoughFunds), "not-enough-funds"),
    (Fault::Add(AddFault::DuplicateLink), "duplicate-link"),
    (Fault::Add(AddFault::InternalErrorAfter), "internal-error-after"),
    (Fault::Add(AddFault::RepeatedId), "repeated-id"),
    (Fault::Add(AddFault::IdAsString), "id-as-string"),
    (Fault::Add(AddFault::IdAsFloat), "id-as-float"),
    (Fault::Add(AddFault::IdHuge), "id-huge"),
    (Fault::Add(AddFault::ErrorBeside), "error-and-order"),
    (Fault::OddWords, "odd-words"),
    (Fault::Row(RowFault::RemainsMissing), "remains-missing"),
    (Fault::Row(RowFault::RemainsNull), "remains-null"),
    (Fault::Row(RowFault::RemainsEmpty), "remains-empty"),
    (Fault::Row(RowFault::RemainsNegative), "remains-negative"),
    (Fault::Row(RowFault::RemainsAboveQuantity), "remains-above-quantity"),
    (Fault::Row(RowFault::RemainsDecimal), "remains-decimal"),
    (Fault::Row(RowFault::ChargeComma), "charge-comma"),
    (Fault::Row(RowFault::ChargeNegative), "charge-negative"),
    (Fault::Row(RowFault::ChargeTenfold), "charge-tenfold"),
    (Fault::Row(RowFault::OtherCurrency), "other-currency"),
    (Fault::Row(RowFault::StatusBackwards), "status-backwards"),
    (Fault::Row(RowFault::PartialWanders), "partial-wanders"),
    (Fault::Batch(BatchFault::IdsMissing), "ids-missing"),
    (Fault::Batch(BatchFault::IdsExtra), "ids-extra"),
    (Fault::Batch(BatchFault::IdsForeign), "ids-foreign"),
    (Fault::Batch(BatchFault::OneError), "batch-error"),
    (Fault::Batch(BatchFault::List), "batch-list"),
    (Fault::Refill(RefillFault::Number), "refill-number"),
    (Fault::Refill(RefillFault::Text), "refill-string"),
    (Fault::Refill(RefillFault::True), "refill-true"),
    (Fault::Refill(RefillFault::Denied), "refill-denied"),
    (Fault::CancelIdle, "cancel-idle"),
];

impl Fault {
    /// Every fault there is.
    pub fn all() -> Vec<Fault> {
        let broken = BREAKS.iter().flat_map(|(kind, _)| [Fault::Accepted(*kind), Fault::Refused(*kind)]);
        broken.chain(PLAIN.iter().map(|(fault, _)| *fault)).collect()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |kind| BREAKS.iter().find(|(known, _)| *known == kind).map_or("", |(_, word)| *word);
        match *self {
            Fault::Accepted(kind) => write!(formatter, "accepted-then-{}", end(kind)),
            Fault::Refused(kind) => write!(formatter, "refused-then-{}", end(kind)),
            plain => {
                let known = PLAIN.iter().find(|(known, _)| *known == plain);
                formatter.write_str(known.map_or("", |(_, word)| *word))
            }
        }
    }
}

impl FromStr for Fault {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Fault, BadFault> {
        let known = Fault::all().into_iter().find(|fault| fault.to_string() == text);
        known.ok_or_else(|| BadFault::Unknown(text.to_owned()))
    }
}

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFault {
    /// No fault has this name.
    #[error("{0:?} is no fault; known are: {known}", known = names())]
    Unknown(String),
    /// The action behind `@` is none.
    #[error(transparent)]
    Action(#[from] UnknownAction),
    /// The rate behind `=` is none.
    #[error("{0:?} is no rate; it reads NAME=N or NAME@ACTION=N with N from 0 to 1000 of 1000 requests")]
    Rate(String),
}

fn names() -> String {
    Fault::all().iter().map(Fault::to_string).collect::<Vec<_>>().join(", ")
}

impl FromStr for Aimed {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Aimed, BadFault> {
        match text.split_once('@') {
            Some((fault, action)) => Ok(Aimed { fault: fault.parse()?, only: Some(action.parse()?) }),
            None => Ok(Aimed { fault: text.parse()?, only: None }),
        }
    }
}

impl fmt::Display for Aimed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.only {
            Some(action) => write!(formatter, "{}@{action}", self.fault),
            None => write!(formatter, "{}", self.fault),
        }
    }
}

impl FromStr for FaultRate {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<FaultRate, BadFault> {
        let bad = || BadFault::Rate(text.to_owned());
        let (aimed, permille) = text.split_once('=').ok_or_else(bad)?;
        let permille = permille.parse().ok().filter(|permille| *permille <= 1000).ok_or_else(bad)?;
        Ok(FaultRate { aimed: aimed.parse()?, permille })
    }
}

impl fmt::Display for FaultRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.aimed, self.permille)
    }
}

macro_rules! through_text {
    ($($kind:ty),+) => {$(
        impl TryFrom<String> for $kind {
            type Error = BadFault;

            fn try_from(text: String) -> Result<Self, BadFault> {
                text.parse()
            }
        }

        impl From<$kind> for String {
            fn from(value: $kind) -> String {
                value.to_string()
            }
        }
    )+};
}

through_text!(Aimed, FaultRate);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::fault::Faults;

    #[test]
    fn every_fault_has_a_name_that_reads_back() {
        let all = Fault::all();
        assert_eq!(all.len(), 53);
        for fault in all {
            assert_eq!(fault.to_string().parse(), Ok(fault));
            assert!(Action::ALL.into_iter().any(|action| fault.touches(action)));
        }
    }

    #[test]
    fn faults_are_written_as_plain_words_in_configuration() {
        let faults: Faults = serde_json::from_str(
            r#"{"rates":["accepted-then-502@add=100","odd-words=1000"],"script":["429@status"]}"#,
        )
        .expect("valid");
        assert_eq!(faults.rates[0].aimed.fault, Fault::Accepted(Break::BadGateway));
        assert_eq!(faults.rates[0].aimed.only, Some(Action::Add));
        assert_eq!(faults.rates[1].permille, 1000);
        let text = serde_json::to_string(&faults).expect("encodes");
        assert_eq!(serde_json::from_str::<Faults>(&text).expect("reads back"), faults);
    }

    #[test]
    fn a_wrong_fault_is_refused_with_what_would_be_right() {
        for (text, hint) in [
            ("accepted-then-fly=5", "accepted-then-hang"),
            ("429@dance=5", "refill_status"),
            ("429=1001", "0 to 1000"),
            ("429", "NAME=N"),
        ] {
            let error = text.parse::<FaultRate>().expect_err(text).to_string();
            assert!(error.contains(hint), "{error}");
        }
    }
}
