//! A provider's error text → its class (`api-v2.md` §9). The rows themselves stand in `needles.rs`.
//!
//! A text belongs to the first row one of whose needles it contains. The comparison is by case-insensitive
//! substring, because panels decorate these sentences with numbers, names and full stops. It never guesses from
//! single words like "invalid": what no row knows is [`ErrorClass::Unrecognised`].

use super::ErrorClass;
use super::needles::{EXACT, ROWS};
use crate::limits::PROVIDER_TEXT_CHARS;

/// The class of a provider's error text. Only its first 500 characters count.
#[must_use]
pub fn classify(text: &str) -> ErrorClass {
    let plain = plain(text);
    let whole = plain.trim_end_matches(['.', '!', ' ']);
    let exact = EXACT.iter().find(|(text, _)| *text == whole);
    let row = || ROWS.iter().find(|row| row.needles.iter().any(|needle| holds(&plain, needle)));
    match exact {
        Some((_, class)) => *class,
        None => row().map_or(ErrorClass::Unrecognised, |row| row.class),
    }
}

/// Whether the needle's pieces stand in the text, in their order.
fn holds(text: &str, needle: &str) -> bool {
    let mut rest = text;
    needle.split('*').all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// Lower case, runs of white space as one space.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len().min(PROVIDER_TEXT_CHARS));
    let mut gap = false;
    for c in text.trim().chars().take(PROVIDER_TEXT_CHARS) {
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) {
            plain.push(' ');
        }
        plain.extend(c.to_lowercase());
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorText;

    #[test]
    fn our_own_texts_fall_into_the_classes_of_their_rows() {
        use ErrorClass as C;
        let input = C::Input { reroutable: false };
        let reroutable = C::Input { reroutable: true };
        let later = C::Temporary { internal: false };
        let table = [
            (ErrorText::InvalidApiKey, C::Auth),
            (ErrorText::AccountSuspended, C::Auth),
            (ErrorText::IncorrectRequest, input),
            (ErrorText::IncorrectServiceId, C::Service),
            (ErrorText::BadLink, input),
            (ErrorText::IncorrectQuantity, input),
            (ErrorText::BelowMinimum(50), reroutable),
            (ErrorText::AboveMaximum(10_000), reroutable),
            (ErrorText::NotEnoughFunds, C::Funds),
            (ErrorText::ActiveOrderWithLink, C::Duplicate),
            (ErrorText::IncorrectComments, input),
            (ErrorText::Incorrect("username"), input),
            (ErrorText::Incorrect("answer_number"), input),
            (ErrorText::Incorrect("runs"), input),
            (ErrorText::Incorrect("interval"), input),
            (ErrorText::DripfeedNotSupported, reroutable),
            (ErrorText::IncorrectOrderId, C::Gone),
            (ErrorText::RefillDisabled, input),
            (ErrorText::OrderNotCompleted, input),
            (ErrorText::RefillTooEarly, later),
            (ErrorText::RefillOpen, later),
            (ErrorText::RefillNotFound, C::Gone),
            (ErrorText::RefillNotAvailable, input),
            (ErrorText::CancelNotAvailable, input),
            (ErrorText::CancelSentEarlier, input),
            (ErrorText::CancelNotFound, C::Gone),
            (ErrorText::TooManyIds, input),
            (ErrorText::IdempotencyMismatch, input),
            (ErrorText::TooManyRequests, C::Limit),
            (ErrorText::TemporarilyUnavailable, later),
            (ErrorText::SomethingWentWrong, C::Temporary { internal: true }),
            (ErrorText::IpNotAllowed, C::Auth),
        ];
        for (text, class) in table {
            assert_eq!(classify(&text.to_string()), class, "{text}");
            if let Some(code) = text.code() {
                let of_code = classify(code);
                assert_eq!(std::mem::discriminant(&of_code), std::mem::discriminant(&class), "{code}");
            }
        }
    }

    #[test]
    fn a_text_is_known_in_any_case_and_with_decoration() {
        assert_eq!(classify("  NOT  enough\nFUNDS on balance!!"), ErrorClass::Funds);
        assert_eq!(
            classify("Error: Quantity less than minimal 100 (service 7)"),
            ErrorClass::Input { reroutable: true }
        );
    }

    #[test]
    fn a_text_no_row_knows_is_left_to_a_person() {
        for text in ["", "Bad day", "invalid", "order", "error", "Your order is great"] {
            assert_eq!(classify(text), ErrorClass::Unrecognised, "{text}");
        }
    }

    #[test]
    fn a_very_long_text_is_read_only_at_its_beginning() {
        let long = format!("{}not enough funds", "x".repeat(1_000_000));
        assert_eq!(classify(&long), ErrorClass::Unrecognised);
    }
}
