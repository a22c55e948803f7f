//! Why a call brought no answer, in the three ways a caller must tell apart.
//!
//! In: a failed exchange, or an answer's refusal with the HTTP status it came under. Out: [`CallError`].
//! A refusal of a writing call is believed only where `domain.md`, Attempts 3 believes it; everything
//! else after the first byte is `Unclear`. The texts are the provider's, bounded by `wire`; escape them
//! before showing.

use std::time::Duration;

use panelworks_wire::ErrorClass;
use panelworks_wire::error::classify;
use panelworks_wire::lenient::Unreadable;

use crate::exchange::{Exchanged, Failure, Phase};

/// Why a call brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nothing left this machine: calling again can't do anything twice.
    #[error("not sent: {why}")]
    NotSent {
        /// One short line.
        why: String,
    },
    /// The provider may have acted. After a writing call, find out before asking again.
    #[error("outcome unclear: {why}")]
    Unclear {
        /// One short line.
        why: String,
    },
    /// The provider said no.
    #[error("refused: {text}")]
    Refused {
        /// The provider's words.
        text: String,
        /// What they mean, by `api-v2.md` §9.
        class: ErrorClass,
        /// How long the provider asks us to wait, if it does.
        retry_after: Option<Duration>,
    },
}

/// Whether a call changes something at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    Reads,
    Writes,
}

impl From<Failure> for CallError {
    fn from(Failure { phase, why }: Failure) -> CallError {
        match phase {
            Phase::NotSent => CallError::NotSent { why },
            Phase::Sent => CallError::Unclear { why },
        }
    }
}

impl CallError {
    /// The provider's text, as a refusal if it may be believed.
    pub(crate) fn refused(text: String, answer: &Exchanged, asking: Asking) -> CallError {
        let class = classify(&text);
        if asking == Asking::Reads || is_definite(answer.status, class) {
            CallError::Refused { text, class, retry_after: answer.retry_after }
        } else {
            CallError::unclear(answer, &format!("the answer says {text:?}"))
        }
    }

    pub(crate) fn unreadable(why: Unreadable, answer: &Exchanged) -> CallError {
        CallError::unclear(answer, &why.to_string())
    }

    pub(crate) fn unclear(answer: &Exchanged, why: &str) -> CallError {
        let note = if is_redirect(answer.status) { ", a redirect, which is never followed" } else { "" };
        CallError::Unclear { why: format!("HTTP {}{note}: {why}", answer.status) }
    }
}

/// Whether an id in an answer of this status is an order: a server that failed or points elsewhere may
/// have put any id there.
pub(crate) fn is_trusted(status: u16) -> bool {
    status < 500 && !is_redirect(status)
}

fn is_redirect(status: u16) -> bool {
    (300..400).contains(&status)
}

/// `domain.md`, Attempts 3.
fn is_definite(status: u16, class: ErrorClass) -> bool {
    match class {
        ErrorClass::Limit | ErrorClass::Temporary { internal: false } => status < 500 || status == 503,
        ErrorClass::Temporary { internal: true } => false,
        ErrorClass::Funds
        | ErrorClass::Auth
        | ErrorClass::Service
        | ErrorClass::Input { .. }
        | ErrorClass::Duplicate
        | ErrorClass::Gone
        | ErrorClass::Unrecognised => status < 500,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn refusal(status: u16, text: &str, asking: Asking) -> CallError {
        let answer = Exchanged { status, retry_after: None, body: Bytes::new() };
        CallError::refused(text.to_owned(), &answer, asking)
    }

    #[test]
    fn a_write_is_refused_only_where_the_refusal_is_definite() {
        for (status, text, definite) in [
            (200, "Not enough funds on balance", true),
            (401, "Invalid API key", true),
            (422, "words nobody knows", true),
            (429, "Too many requests", true),
            (503, "Too many requests", true),
            (503, "Service temporarily unavailable", true),
            (500, "Service temporarily unavailable", false),
            (503, "Not enough funds on balance", false),
            (500, "Incorrect service ID", false),
            (200, "Something went wrong, please try again later", false),
            (503, "Something went wrong, please try again later", false),
        ] {
            let refused = matches!(refusal(status, text, Asking::Writes), CallError::Refused { .. });
            assert_eq!(refused, definite, "{status} {text}");
            assert!(
                matches!(refusal(status, text, Asking::Reads), CallError::Refused { .. }),
                "{status} {text}"
            );
        }
    }
}
