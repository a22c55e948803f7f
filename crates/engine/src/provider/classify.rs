//! What the exchange of an `add` means: accepted, rejected, not sent, or unknown.
//!
//! Rule: `domain.md`, Attempts 2 and 3, to the letter. Whatever is not provably a refusal or provably not sent is
//! unknown, because money may have been spent.

use panelworks_client::{Exchanged, Failure, Phase};
use panelworks_core::ids::ProviderOrderId;
use panelworks_core::limits::PROVIDER_TEXT_CHARS;
use panelworks_core::order::attempt::AttemptResult;
use panelworks_core::provider::RejectionClass;
use panelworks_wire::error::{ErrorClass, classify};
use panelworks_wire::lenient::{self, AddAnswer};

/// See the module's head.
pub fn add_result(exchange: &Result<Exchanged, Failure>) -> AttemptResult {
    let answer = match exchange {
        Ok(answer) => answer,
        Err(failure) => {
            let why = printable(&failure.why);
            return match failure.phase {
                Phase::NotSent => AttemptResult::NotSent { why },
                Phase::Sent => AttemptResult::Unknown { why },
            };
        }
    };
    match lenient::add(&answer.body) {
        AddAnswer::Accepted { order } => accepted(answer.status, &order),
        AddAnswer::Refused { text } => refused(answer.status, &text),
        AddAnswer::Both { order, text } => {
            unknown(&format!("the answer names order {order} and an error: {text}"))
        }
        AddAnswer::Unreadable { why } => unknown(&format!("{why} (HTTP {})", answer.status)),
    }
}

/// An id counts under a status that says yes; under a redirect or a server error the program may not have meant it.
fn accepted(status: u16, order: &str) -> AttemptResult {
    let believed = (200..300).contains(&status);
    match ProviderOrderId::new(order).filter(|_| believed) {
        Some(order) => AttemptResult::Accepted { order },
        None => unknown(&format!("the answer names order {order:?} with HTTP {status}")),
    }
}

fn refused(status: u16, text: &str) -> AttemptResult {
    let class = classify(text);
    let internal = matches!(class, ErrorClass::Temporary { internal: true });
    let later = matches!(class, ErrorClass::Limit | ErrorClass::Temporary { internal: false });
    if (status < 500 && !internal) || (matches!(status, 429 | 503) && later) {
        AttemptResult::Rejected { class: rejection(class), text: printable(text) }
    } else {
        unknown(&format!("{text} (HTTP {status})"))
    }
}

const fn rejection(class: ErrorClass) -> RejectionClass {
    match class {
        ErrorClass::Funds => RejectionClass::Funds,
        ErrorClass::Auth => RejectionClass::Auth,
        ErrorClass::Service => RejectionClass::Service,
        ErrorClass::Input { reroutable } => RejectionClass::Input { reroutable },
        ErrorClass::Duplicate => RejectionClass::Duplicate,
        ErrorClass::Limit => RejectionClass::Limit,
        ErrorClass::Temporary { .. } => RejectionClass::Temporary,
        // "Unknown id" makes no sense as the answer to an add.
        ErrorClass::Gone | ErrorClass::Unrecognised => RejectionClass::Unrecognised,
    }
}

fn unknown(why: &str) -> AttemptResult {
    AttemptResult::Unknown { why: printable(why) }
}

/// A provider's text as it may be kept and shown: bounded, without control characters (invariants.md B21).
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(PROVIDER_TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> AttemptResult {
        add_result(&Ok(Exchanged { status, retry_after: None, body: body.as_bytes().to_vec().into() }))
    }

    fn is_rejected(result: &AttemptResult, class: RejectionClass) -> bool {
        matches!(result, AttemptResult::Rejected { class: found, .. } if *found == class)
    }

    #[test]
    fn an_id_and_no_error_is_accepted_in_every_spelling() {
        for body in [
            r#"{"order":23501}"#,
            r#"{"order":"23501"}"#,
            r#"{"data":{"order_id":23501}}"#,
            "\u{feff} {\"order\":23501}",
        ] {
            let expected = AttemptResult::Accepted { order: ProviderOrderId::new("23501").expect("an id") };
            assert_eq!(of(200, body), expected, "{body}");
        }
        assert!(matches!(of(201, r#"{"order":1}"#), AttemptResult::Accepted { .. }));
    }

    /// The extract of invariants.md 9.
    /// Shows B1, B3, B4, I14.
    #[test]
    fn whatever_may_have_cost_money_is_unknown() {
        let bodies = [
            (200, r#"{"order":0}"#),
            (200, r#"{"order":5,"error":"x"}"#),
            (200, "[]"),
            (200, r#""""#),
            (200, "null"),
            (200, "true"),
            (200, "<html>"),
            (200, ""),
            (403, "<html>"),
            (404, "nothing"),
            (500, r#"{"error":"Not enough funds on balance"}"#),
            (502, "Bad gateway"),
            (503, r#"{"error":"Incorrect service ID"}"#),
            (200, r#"{"error":"Something went wrong, please try again later"}"#),
            (302, r#"{"order":7}"#),
            (500, r#"{"order":7}"#),
        ];
        for (status, body) in bodies {
            assert!(
                matches!(of(status, body), AttemptResult::Unknown { .. }),
                "{status} {body}: {:?}",
                of(status, body)
            );
        }
    }

    #[test]
    fn a_refusal_is_classed_by_its_text() {
        let texts = [
            ("Not enough funds on balance", RejectionClass::Funds),
            ("neworder.error.not_enough_funds", RejectionClass::Funds),
            ("Invalid API key", RejectionClass::Auth),
            ("Incorrect service ID", RejectionClass::Service),
            ("Bad link", RejectionClass::Input { reroutable: false }),
            ("Quantity less than minimal 50", RejectionClass::Input { reroutable: true }),
            (
                "You have active order with this link. Please wait until order being completed.",
                RejectionClass::Duplicate,
            ),
            ("Service temporarily unavailable", RejectionClass::Temporary),
            ("The moon is full", RejectionClass::Unrecognised),
        ];
        for (text, class) in texts {
            for status in [200, 400, 401] {
                let body = format!(r#"{{"error":"{text}"}}"#);
                assert!(is_rejected(&of(status, &body), class), "{status} {text}: {:?}", of(status, &body));
            }
        }
        assert!(is_rejected(&of(429, r#"{"error":"Too many requests"}"#), RejectionClass::Limit));
        assert!(is_rejected(&of(503, r#"{"error":"Too many requests"}"#), RejectionClass::Limit));
        assert!(is_rejected(
            &of(200, r#"{"order":null,"error":"Bad link"}"#),
            RejectionClass::Input { reroutable: false }
        ));
    }

    /// Shows B1, I14.
    #[test]
    fn only_what_never_left_is_not_sent() {
        let failure = |phase| Err(Failure { phase, why: "x".to_owned() });
        assert!(matches!(add_result(&failure(Phase::NotSent)), AttemptResult::NotSent { .. }));
        assert!(matches!(add_result(&failure(Phase::Sent)), AttemptResult::Unknown { .. }));
    }
}
