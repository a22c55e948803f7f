//! What real panels answer → our types (`api-v2.md`, the CLIENT columns). One function per action.
//!
//! In come the bytes of an answer, whatever its HTTP status and content type say; out goes what the provider said,
//! with nothing invented: a missing number is missing, an unknown word stays unknown, and a body that fits no
//! tolerance of the contract is [`Unreadable`]. Each tolerance names its line in `api-v2.md`. Nothing is bounded by
//! what we know about an order (that is core's), rows are matched by id, and no input makes a reader panic: bodies
//! are bounded (`limits.rs`), only four levels of nesting are ever opened, and closed ones are skipped without recursion.

mod add;
mod balance;
mod batch;
mod body;
mod cancel;
mod errors;
mod refill;
mod scalars;
mod services;
mod status;

pub use add::{AddAnswer, add};
pub use balance::{BalanceAnswer, balance};
pub use cancel::{
    CancelAnswer, CancelRowAnswer, CancelStatusAnswer, CancelStatusRowAnswer, SeenCancel, cancel,
    cancel_status,
};
pub use refill::{
    RefillAnswer, RefillRowAnswer, RefillStatusAnswer, RefillStatusRowAnswer, SeenRefill, refill,
    refill_status,
};
pub use services::{SeenService, ServicesAnswer, UnreadableService, services};
pub use status::{RowAnswer, SeenMoney, SeenRemains, SeenStatus, SeenWord, StatusAnswer, status};

use std::fmt;

/// The answer to a call about several ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchAnswer<T> {
    /// What was said about ids that were asked, in the order asked. An id that isn't here was not answered, or
    /// unreadably: nothing changes for it. Answers about ids nobody asked for are left out.
    Rows(Vec<(String, T)>),
    /// The call was refused as a whole; it says nothing about any order (`api-v2.md` §5, whole-call error).
    Whole {
        error: String,
    },
    Unreadable {
        why: Unreadable,
    },
}

/// Why an answer couldn't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unreadable {
    /// Nothing but white space.
    Empty,
    /// More bytes than `limits.rs` allows.
    TooLarge,
    /// A web page: a challenge, an error page, a login.
    Html,
    /// Neither JSON nor HTML, or JSON that was cut off.
    NotJson,
    /// One name with two different values.
    Contradictory,
    /// JSON of a shape that no line of the contract knows.
    Shape,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the answer is empty",
            Self::TooLarge => "the answer is too large",
            Self::Html => "the answer is a web page",
            Self::NotJson => "the answer is not JSON",
            Self::Contradictory => "the answer gives one name two values",
            Self::Shape => "the answer has an unknown shape",
        })
    }
}

impl std::error::Error for Unreadable {}
