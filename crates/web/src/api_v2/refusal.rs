//! Why not, in the words of the wire: the core's refusals and the store's troubles → texts of `api-v2.md` §9.
//!
//! In: a typed refusal. Out: the one text for it. *Something went wrong* is said only where the outcome is really
//! unknown (rule 11); whatever surely changed nothing is *temporarily unavailable*.

use panelworks_core::outcome::{Parameter, Refusal};
use panelworks_store::executor::Undecided;
use panelworks_store::reader::Unanswered;
use panelworks_wire::ErrorText;

/// A decision's no.
pub(super) fn refused(refusal: &Refusal) -> ErrorText {
    match refusal {
        Refusal::AccountSuspended => ErrorText::AccountSuspended,
        Refusal::UnknownService => ErrorText::IncorrectServiceId,
        Refusal::BadLink => ErrorText::BadLink,
        Refusal::Incorrect(parameter) => incorrect(*parameter),
        Refusal::BelowMinimum(min) => ErrorText::BelowMinimum(*min),
        Refusal::AboveMaximum(max) => ErrorText::AboveMaximum(*max),
        Refusal::DripFeedUnsupported => ErrorText::DripfeedNotSupported,
        Refusal::ActiveOrderOnLink => ErrorText::ActiveOrderWithLink,
        Refusal::NotEnoughFunds => ErrorText::NotEnoughFunds,
        Refusal::IdempotencyMismatch => ErrorText::IdempotencyMismatch,
        Refusal::UnknownOrder => ErrorText::IncorrectOrderId,
        Refusal::RefillDisabled => ErrorText::RefillDisabled,
        Refusal::OrderNotCompleted => ErrorText::OrderNotCompleted,
        Refusal::RefillTooEarly => ErrorText::RefillTooEarly,
        Refusal::RefillOpen => ErrorText::RefillOpen,
        Refusal::RefillUnavailable => ErrorText::RefillNotAvailable,
        Refusal::CancelUnavailable => ErrorText::CancelNotAvailable,
        Refusal::CancelRepeated => ErrorText::CancelSentEarlier,
        // A key whose customer is gone.
        Refusal::UnknownCustomer => ErrorText::InvalidApiKey,
        Refusal::UnknownProvider
        | Refusal::AmountOutOfRange
        | Refusal::IdsExhausted
        | Refusal::UnknownOperator
        | Refusal::UsernameTaken
        | Refusal::NoOwnerLeft
        | Refusal::NotDue(_)
        | Refusal::OutOfTurn(_) => {
            tracing::error!(%refusal, "a customer's call met a refusal that is an operator's to solve");
            ErrorText::TemporarilyUnavailable
        }
    }
}

const fn incorrect(parameter: Parameter) -> ErrorText {
    match parameter {
        Parameter::Quantity => ErrorText::IncorrectQuantity,
        Parameter::Comments => ErrorText::IncorrectComments,
        Parameter::Runs
        | Parameter::Interval
        | Parameter::Usernames
        | Parameter::Hashtags
        | Parameter::Keywords
        | Parameter::Groups
        | Parameter::Hashtag
        | Parameter::Username
        | Parameter::Media
        | Parameter::AnswerNumber
        | Parameter::Country
        | Parameter::Device
        | Parameter::TypeOfTraffic
        | Parameter::GoogleKeyword
        | Parameter::ReferringUrl
        | Parameter::Min
        | Parameter::Max
        | Parameter::Posts
        | Parameter::OldPosts
        | Parameter::Delay
        | Parameter::Expiry => ErrorText::Incorrect(parameter.name()),
    }
}

/// There is no decision.
pub(super) fn undecided(undecided: &Undecided) -> ErrorText {
    match undecided {
        Undecided::Overloaded | Undecided::NoRoom | Undecided::Away | Undecided::Stopping => {
            ErrorText::TemporarilyUnavailable
        }
        Undecided::NotCommitted(error) => {
            tracing::error!(%error, "a customer's command could not be committed; nothing was taken");
            ErrorText::TemporarilyUnavailable
        }
        Undecided::Unknown => {
            tracing::error!("the outcome of a customer's command is unknown");
            ErrorText::SomethingWentWrong
        }
    }
}

/// A question without an answer changed nothing.
pub(super) fn unanswered(why: &Unanswered) -> ErrorText {
    tracing::error!(%why, "a question of a customer was not answered");
    ErrorText::TemporarilyUnavailable
}

#[cfg(test)]
mod tests {
    use super::*;
    use panelworks_store::ports::{StoreError, StoreErrorKind};

    #[test]
    fn something_went_wrong_is_said_only_of_an_unknown_outcome() {
        let failed =
            StoreError { doing: "testing", why: "on purpose".to_owned(), kind: StoreErrorKind::Failed };
        for surely_nothing in [
            Undecided::Overloaded,
            Undecided::NoRoom,
            Undecided::Away,
            Undecided::Stopping,
            Undecided::NotCommitted(failed),
        ] {
            assert_eq!(undecided(&surely_nothing), ErrorText::TemporarilyUnavailable);
        }
        assert_eq!(undecided(&Undecided::Unknown), ErrorText::SomethingWentWrong);
    }

    #[test]
    fn quantity_and_comments_have_texts_of_their_own_and_the_rest_are_named() {
        let said = |parameter| refused(&Refusal::Incorrect(parameter)).to_string();
        assert_eq!(said(Parameter::Quantity), "Incorrect quantity");
        assert_eq!(said(Parameter::Comments), "Incorrect comments");
        assert_eq!(said(Parameter::TypeOfTraffic), "Incorrect type_of_traffic");
        assert_eq!(said(Parameter::AnswerNumber), "Incorrect answer_number");
    }
}
