//! The actions of API v2 as the provider counts them and as faults are aimed at them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The list of services.
    Services,
    /// A new order.
    Add,
    /// Orders' states, one or many.
    Status,
    /// New refills.
    Refill,
    /// Refills' states.
    RefillStatus,
    /// New cancels.
    Cancel,
    /// Cancels' states, which travel under the action word `cancel` too.
    CancelStatus,
    /// What is left of the money.
    Balance,
    /// A wrong key, an unknown action, or bytes that say nothing.
    Unreadable,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 9] = [
        Action::Services,
        Action::Add,
        Action::Status,
        Action::Refill,
        Action::RefillStatus,
        Action::Cancel,
        Action::CancelStatus,
        Action::Balance,
        Action::Unreadable,
    ];

    /// Its word in the witness log and in the names of faults.
    pub fn word(self) -> &'static str {
        match self {
            Action::Services => "services",
            Action::Add => "add",
            Action::Status => "status",
            Action::Refill => "refill",
            Action::RefillStatus => "refill_status",
            Action::Cancel => "cancel",
            Action::CancelStatus => "cancel_status",
            Action::Balance => "balance",
            Action::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(word: &str) -> Result<Action, UnknownAction> {
        Action::ALL
            .into_iter()
            .find(|action| action.word() == word)
            .ok_or_else(|| UnknownAction(word.to_owned()))
    }
}

/// A word that is no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no action; one of services, add, status, refill, refill_status, cancel, cancel_status, balance"
)]
pub struct UnknownAction(String);
