//! The closed list of texts our server may put into `error` (`api-v2.md` §9, column Emit), and the classes into
//! which a provider's texts fall ([`classify`]). The texts stand nowhere else in the program.
//! It doesn't know when an error applies; that is core's and web's.

mod classify;
mod needles;

pub use classify::classify;

use std::fmt;

use crate::limits::BATCH_IDS;

/// What our server says in `error`. [`Display`](fmt::Display) is the exact text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorText {
    /// No key, a wrong one, or one without the scope for the action.
    InvalidApiKey,
    AccountSuspended,
    /// Unknown or missing action, or a body that can't be read.
    IncorrectRequest,
    /// Missing, unknown, disabled or hidden.
    IncorrectServiceId,
    BadLink,
    /// Missing, no number, not the demanded multiple, or out of range.
    IncorrectQuantity,
    /// The service's `min`.
    BelowMinimum(u64),
    /// The service's `max`.
    AboveMaximum(u64),
    /// Also for a reached spending limit of the key and a charge above `max_charge`.
    NotEnoughFunds,
    /// The duplicate guard.
    ActiveOrderWithLink,
    IncorrectComments,
    /// A required parameter that is missing or bad, by its name on the wire: `username`, `runs`, `interval`, …
    Incorrect(&'static str),
    DripfeedNotSupported,
    /// Unknown, foreign or malformed: all three answer the same.
    IncorrectOrderId,
    RefillDisabled,
    OrderNotCompleted,
    /// Less than 24 hours since completion or the last refill.
    RefillTooEarly,
    /// A refill of this order is under way.
    RefillOpen,
    RefillNotFound,
    /// A drip-feed or subscription as a whole, or outside the guarantee days.
    RefillNotAvailable,
    /// Switched off, not possible, or the order has ended.
    CancelNotAvailable,
    CancelSentEarlier,
    CancelNotFound,
    /// The 101st distinct id of an array answer.
    TooManyIds,
    /// An idempotency key used again with other parameters.
    IdempotencyMismatch,
    /// Flood.
    TooManyRequests,
    /// The text an operator wrote for maintenance or for ordering switched off.
    Configured(String),
    /// Nothing was decided and nothing taken: maintenance without a text of its own, or internal trouble.
    TemporarilyUnavailable,
    /// The outcome is really unknown.
    SomethingWentWrong,
    /// The caller's address isn't on the key's list.
    IpNotAllowed,
}

impl fmt::Display for ErrorText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BelowMinimum(min) => return write!(f, "Quantity less than minimal {min}"),
            Self::AboveMaximum(max) => return write!(f, "Quantity more than maximum {max}"),
            Self::Incorrect(parameter) => return write!(f, "Incorrect {parameter}"),
            Self::TooManyIds => return write!(f, "Maximum {BATCH_IDS} IDs per request"),
            Self::Configured(text) => text,
            Self::InvalidApiKey => "Invalid API key",
            Self::AccountSuspended => "Your account has been suspended",
            Self::IncorrectRequest => "Incorrect request",
            Self::IncorrectServiceId => "Incorrect service ID",
            Self::BadLink => "Bad link",
            Self::IncorrectQuantity => "Incorrect quantity",
            Self::NotEnoughFunds => "Not enough funds on balance",
            Self::ActiveOrderWithLink => {
                "You have active order with this link. Please wait until order being completed."
            }
            Self::IncorrectComments => "Incorrect comments",
            Self::DripfeedNotSupported => "Dripfeed is not supported by this service",
            Self::IncorrectOrderId => "Incorrect order ID",
            Self::RefillDisabled => "Refill is disabled for this service",
            Self::OrderNotCompleted => "The order is not completed",
            Self::RefillTooEarly => "The order was completed or refill was requested less than 24 hours ago",
            Self::RefillOpen => "The refill task is not completed for this order",
            Self::RefillNotFound => "Refill not found",
            Self::RefillNotAvailable => "Refill is not available for this order",
            Self::CancelNotAvailable => "Cancel is not available for this order",
            Self::CancelSentEarlier => "Cancellation request was sent earlier",
            Self::CancelNotFound => "Cancel not found",
            Self::IdempotencyMismatch => "Idempotency key was used with other parameters",
            Self::TooManyRequests => "Too many requests",
            Self::TemporarilyUnavailable => "Service temporarily unavailable",
            Self::SomethingWentWrong => "Something went wrong, please try again later",
            Self::IpNotAllowed => "IP not allowed",
        })
    }
}

impl ErrorText {
    /// The untranslated key that hosted panels send in place of some texts, for accounts whose software knows only
    /// those (`api-v2.md` §9, error style); `None` where no such key is known: the text is sent then.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::IncorrectServiceId => "error.incorrect_service_id",
            Self::BadLink => "neworder.error.link",
            Self::IncorrectQuantity => "neworder.error.invalid_quantity",
            Self::BelowMinimum(_) => "neworder.error.min_quantity",
            Self::AboveMaximum(_) => "neworder.error.max_quantity",
            Self::NotEnoughFunds => "neworder.error.not_enough_funds",
            Self::ActiveOrderWithLink => "neworder.error.link_duplicate",
            Self::IncorrectComments => "neworder.error.comment",
            Self::IncorrectOrderId => "error.incorrect_order_id",
            Self::RefillNotFound => "error.incorrect_refill_id",
            Self::InvalidApiKey
            | Self::AccountSuspended
            | Self::IncorrectRequest
            | Self::Incorrect(_)
            | Self::DripfeedNotSupported
            | Self::RefillDisabled
            | Self::OrderNotCompleted
            | Self::RefillTooEarly
            | Self::RefillOpen
            | Self::RefillNotAvailable
            | Self::CancelNotAvailable
            | Self::CancelSentEarlier
            | Self::CancelNotFound
            | Self::TooManyIds
            | Self::IdempotencyMismatch
            | Self::TooManyRequests
            | Self::Configured(_)
            | Self::TemporarilyUnavailable
            | Self::SomethingWentWrong
            | Self::IpNotAllowed => return None,
        })
    }
}

/// What a provider's refusal means for the order and for the provider (`api-v2.md` §9; `domain.md`, Attempts 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Our money at the provider is at its end.
    Funds,
    /// The provider doesn't let us in.
    Auth,
    /// This service can't be bought there.
    Service,
    /// The order itself is refused.
    Input {
        /// A minimum, maximum or type text: another provider's service may still take it.
        reroutable: bool,
    },
    /// An order on the same link is under way there.
    Duplicate,
    /// Too many calls.
    Limit,
    /// Later perhaps.
    Temporary {
        /// A text of §9's row *internal*: for `add` the outcome is unknown.
        internal: bool,
    },
    /// The id isn't known there.
    Gone,
    /// No row of §9 knows the text: a person must read it.
    Unrecognised,
}
