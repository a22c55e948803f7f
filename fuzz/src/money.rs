//! Money texts (`api-v2.md` §8, §10 row 17; `domain.md`, Money): exact, bounded, and never guessed.
//!
//! An input is one amount as a text.

use panelworks_wire::decimal::{currency_beside, format, parse, parse_strict};

use crate::memory::bounded;

/// A text is copied at most once; what is longer than any amount is refused unread.
const PER_BYTE: u64 = 8;
/// Digits that always fit: 10^30 units are more money than there is.
const WHOLE_DIGITS: usize = 30;
const DIGITS: usize = 37;

pub(crate) fn holds(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let text = text.trim_end_matches('\n');
    let amount = bounded(text.len(), PER_BYTE, || parse(text));
    let strict = bounded(text.len(), PER_BYTE, || parse_strict(text));
    assert!(strict.is_none() || strict == amount, "{text:?} is {strict:?} strictly and else {amount:?}");
    if let Some(micros) = amount {
        assert_eq!(parse(&format(micros)), Some(micros), "{text:?} is written as {:?}", format(micros));
        assert!(text.contains(|c: char| c.is_ascii_digit()), "{text:?} has no digit");
    }
    if let Some(currency) = currency_beside(text) {
        assert!(amount.is_some() && text.contains(currency), "{currency:?} beside {text:?}");
        assert!(!currency.chars().any(|c| c.is_ascii_digit()), "{currency:?} has digits");
    }
    match plain(text) {
        Some((whole, fraction)) => is_exact(text, whole, fraction),
        None => assert_eq!(strict, None, "{text:?} is no plain amount"),
    }
}

/// The two parts of digits, perhaps a point and digits.
fn plain(text: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction)).then_some((whole, fraction))
}

/// Schoolbook: write six decimals, read the digits, and round up what was cut off.
fn is_exact(text: &str, whole: &str, fraction: &str) {
    let fits = whole.len() <= WHOLE_DIGITS && whole.len() + fraction.len() <= DIGITS;
    let (kept, cut) = fraction.split_at(fraction.len().min(6));
    let units: Option<i128> = std::format!("{whole}{kept:0<6}").parse().ok();
    let rest = i128::from(cut.bytes().any(|digit| digit != b'0'));
    for (said, expected) in [
        (text.to_owned(), units.and_then(|units| units.checked_add(rest))),
        // Below zero, up is towards zero.
        (std::format!("-{text}"), units.map(|units| -units)),
    ] {
        match parse(&said) {
            Some(micros) => assert_eq!(Some(micros), expected, "{said:?}"),
            None => assert!(!fits, "{said:?} is an amount"),
        }
    }
}
