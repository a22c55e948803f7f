//! The error texts as the page explains them (`api-v2.md` §9). The texts themselves are `wire`'s; a new one doesn't
//! compile here until it is said when it appears, and a test finds it missing from the tables.

use panelworks_wire::ErrorText;

/// The errors of one part of the protocol.
#[derive(Debug)]
pub(super) struct ErrorGroup {
    pub title: &'static str,
    pub errors: &'static [ErrorText],
}

impl ErrorGroup {
    pub(super) fn rows(&self) -> impl Iterator<Item = ErrorRow> + '_ {
        self.errors.iter().map(|error| ErrorRow { text: error.to_string(), when: when(error) })
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        std::iter::once(self.title).chain(self.errors.iter().map(when))
    }
}

/// A text, exactly as it is sent, and the key of when.
#[derive(Debug)]
pub(super) struct ErrorRow {
    pub text: String,
    pub when: &'static str,
}

pub(super) const ERRORS: &[ErrorGroup] = &[
    ErrorGroup {
        title: "errors-access",
        errors: &[
            ErrorText::InvalidApiKey,
            ErrorText::AccountSuspended,
            ErrorText::IpNotAllowed,
            ErrorText::IncorrectRequest,
            ErrorText::TooManyRequests,
        ],
    },
    ErrorGroup {
        title: "errors-order",
        errors: &[
            ErrorText::IncorrectServiceId,
            ErrorText::BadLink,
            ErrorText::IncorrectComments,
            ErrorText::Incorrect("usernames"),
            ErrorText::IncorrectQuantity,
            ErrorText::BelowMinimum(50),
            ErrorText::AboveMaximum(10_000),
            ErrorText::DripfeedNotSupported,
            ErrorText::Incorrect("runs"),
            ErrorText::Incorrect("interval"),
            ErrorText::ActiveOrderWithLink,
            ErrorText::NotEnoughFunds,
            ErrorText::IdempotencyMismatch,
        ],
    },
    ErrorGroup {
        title: "errors-follow",
        errors: &[
            ErrorText::IncorrectOrderId,
            ErrorText::RefillDisabled,
            ErrorText::OrderNotCompleted,
            ErrorText::RefillTooEarly,
            ErrorText::RefillOpen,
            ErrorText::RefillNotAvailable,
            ErrorText::RefillNotFound,
            ErrorText::CancelNotAvailable,
            ErrorText::CancelSentEarlier,
            ErrorText::CancelNotFound,
            ErrorText::TooManyIds,
        ],
    },
    ErrorGroup {
        title: "errors-panel",
        errors: &[ErrorText::TemporarilyUnavailable, ErrorText::SomethingWentWrong],
    },
];

/// Every text the page documents.
#[cfg(test)]
pub(super) fn texts() -> impl Iterator<Item = String> {
    ERRORS.iter().flat_map(|group| group.rows().map(|row| row.text).collect::<Vec<_>>())
}

fn when(error: &ErrorText) -> &'static str {
    match error {
        ErrorText::InvalidApiKey => "err-key",
        ErrorText::AccountSuspended => "err-suspended",
        ErrorText::IncorrectRequest => "err-request",
        ErrorText::IncorrectServiceId => "err-service",
        ErrorText::BadLink => "err-link",
        ErrorText::IncorrectQuantity => "err-quantity",
        ErrorText::BelowMinimum(_) => "err-min",
        ErrorText::AboveMaximum(_) => "err-max",
        ErrorText::NotEnoughFunds => "err-funds",
        ErrorText::ActiveOrderWithLink => "err-duplicate",
        ErrorText::IncorrectComments => "err-comments",
        ErrorText::Incorrect("runs") => "err-runs",
        ErrorText::Incorrect("interval") => "err-interval",
        ErrorText::Incorrect(_) => "err-parameter",
        ErrorText::DripfeedNotSupported => "err-drip",
        ErrorText::IncorrectOrderId => "err-order",
        ErrorText::RefillDisabled => "err-refill-off",
        ErrorText::OrderNotCompleted => "err-refill-incomplete",
        ErrorText::RefillTooEarly => "err-refill-early",
        ErrorText::RefillOpen => "err-refill-open",
        ErrorText::RefillNotFound => "err-refill-unknown",
        ErrorText::RefillNotAvailable => "err-refill-unavailable",
        ErrorText::CancelNotAvailable => "err-cancel-unavailable",
        ErrorText::CancelSentEarlier => "err-cancel-earlier",
        ErrorText::CancelNotFound => "err-cancel-unknown",
        ErrorText::TooManyIds => "err-too-many",
        ErrorText::IdempotencyMismatch => "err-idempotency",
        ErrorText::TooManyRequests => "err-flood",
        // An operator's own text stands where the usual one would.
        ErrorText::Configured(_) | ErrorText::TemporarilyUnavailable => "err-maintenance",
        ErrorText::SomethingWentWrong => "err-unsure",
        ErrorText::IpNotAllowed => "err-ip",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_explanation_belongs_to_a_text_that_a_table_shows() {
        let written = include_str!("../../locales/en.ftl").lines().filter(|line| line.starts_with("err-"));
        let shown: Vec<&str> = ERRORS.iter().flat_map(ErrorGroup::keys).collect();
        for key in written.filter_map(|line| line.split(' ').next()) {
            assert!(shown.contains(&key), "{key} explains a text that no table shows");
        }
    }
}
