//! Money texts as seen in the wild, read exactly into micro-units (10⁻⁶), and micro-units written as the wire does
//! (`api-v2.md` §8 and §10 row 17; `domain.md`, Money).
//!
//! In come texts or the literal text of a JSON number; out go `i128` micro-units. A float is never involved, and
//! nothing is guessed: a text whose meaning depends on a locale (`1,23`) is refused.

use crate::limits::MONEY_CHARS;

const DECIMALS: u32 = 6;
const UNIT: i128 = 1_000_000;

/// Reads an amount: an optional sign, thousands commas in proper groups, a decimal point, an exponent as JSON
/// and PHP print floats, and a currency word or symbol before or after. Digits beyond the sixth decimal round up
/// (towards plus infinity), because what we owe or ask is never understated. `None` if it isn't such a text or too large.
#[must_use]
pub fn parse(text: &str) -> Option<i128> {
    if text.len() > 4 * MONEY_CHARS || text.chars().count() > MONEY_CHARS {
        return None;
    }
    let (negative, number) = unsigned_number(text.trim())?;
    let (mantissa, exponent) = split_exponent(number)?;
    let (digits, decimals) = significant_digits(mantissa)?;
    scale(&digits, exponent - decimals, negative)
}

/// Reads an amount as our own server accepts it from customers (`max_charge`): digits, perhaps a point and digits.
#[must_use]
pub fn parse_strict(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain =
        [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if plain { parse(text) } else { None }
}

/// Writes micro-units: decimal point, no exponent, at least two decimals, further zeros cut (`0.90`, `0.27819`).
#[must_use]
pub fn format(micros: i128) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let magnitude = micros.unsigned_abs();
    let (whole, fraction) = (magnitude / UNIT.unsigned_abs(), magnitude % UNIT.unsigned_abs());
    let mut text = format!("{sign}{whole}.{fraction:06}");
    let shortest = text.len() - 4;
    while text.len() > shortest && text.ends_with('0') {
        text.pop();
    }
    text
}

/// The currency word or symbol beside the number, if there is one: `EUR` of `12.50 EUR`, `₹` of `₹1,234.56`.
#[must_use]
pub fn currency_beside(text: &str) -> Option<&str> {
    parse(text)?;
    let text = text.trim();
    let start = text.find(|c: char| c.is_ascii_digit() || c == '.')?;
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let words = [&text[end..], text[..start].trim_matches(['+', '-', ' '])];
    words.into_iter().map(str::trim).find(|word| !word.is_empty())
}

fn is_number_char(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | ',' | '+' | '-')
}

/// Cuts currency words and the sign off; what is left begins and ends with a character of the number.
fn unsigned_number(text: &str) -> Option<(bool, &str)> {
    let start = text.find(is_number_char)?;
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (mut number, before, after) = (text.get(start..end)?, &text[..start], &text[end..]);
    // A lone `e` behind the digits is an exponent that was cut off.
    if !is_currency(before) || !is_currency(after) || after.eq_ignore_ascii_case("e") {
        return None;
    }
    let negative = number.starts_with('-');
    if negative || number.starts_with('+') {
        number = number[1..].trim_start_matches(|c: char| !is_number_char(c) && is_currency_char(c));
    }
    Some((negative, number))
}

fn is_currency(word: &str) -> bool {
    word.trim().chars().all(is_currency_char)
}

/// Letters and signs of currencies: no digits of any script, no punctuation that could belong to a number.
fn is_currency_char(c: char) -> bool {
    c.is_whitespace()
        || (c.is_alphabetic() && !c.is_numeric())
        || c == '$'
        || ('\u{a2}'..='\u{a5}').contains(&c)
        || ('\u{20a0}'..='\u{20cf}').contains(&c)
}

fn split_exponent(number: &str) -> Option<(&str, i32)> {
    let Some((mantissa, exponent)) = number.split_once(['e', 'E']) else {
        return Some((number, 0));
    };
    // Two digits reach further than any amount; more would only be work.
    let digits = exponent.trim_start_matches(['+', '-']);
    let signs = exponent.len() - digits.len();
    if signs > 1 || digits.is_empty() || digits.len() > 2 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((mantissa, exponent.parse().ok()?))
}

/// The digits without point and commas, and how many of them are decimals.
fn significant_digits(mantissa: &str) -> Option<(String, i32)> {
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None if mantissa.is_empty() => return None,
        None => (mantissa, ""),
    };
    let mut digits = ungrouped(whole)?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.push_str(fraction);
    Some((digits, i32::try_from(fraction.len()).ok()?))
}

/// `1,234,567` → `1234567`; a comma that doesn't stand before exactly three digits is refused.
fn ungrouped(whole: &str) -> Option<String> {
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let grouped = whole.len() > first.len();
    let mut digits = String::with_capacity(whole.len() + MONEY_CHARS / 4);
    if grouped && !(1..=3).contains(&first.len()) {
        return None;
    }
    digits.push_str(first);
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        digits.push_str(group);
    }
    digits.bytes().all(|b| b.is_ascii_digit()).then_some(digits)
}

/// `digits × 10^exponent` units as micro-units.
fn scale(digits: &str, exponent: i32, negative: bool) -> Option<i128> {
    let shift = exponent + DECIMALS.cast_signed();
    let significant: i128 = if digits.is_empty() { return None } else { digits.parse().ok()? };
    let magnitude = if let Ok(up) = u32::try_from(shift) {
        if significant == 0 { 0 } else { significant.checked_mul(10_i128.checked_pow(up)?)? }
    } else {
        divide_up(significant, shift.unsigned_abs(), negative)
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Division of a magnitude by a power of ten, rounded so that the signed value goes towards plus infinity.
fn divide_up(magnitude: i128, places: u32, negative: bool) -> i128 {
    let Some(divisor) = 10_i128.checked_pow(places) else {
        return i128::from(magnitude > 0 && !negative);
    };
    let cut = magnitude / divisor;
    if magnitude % divisor != 0 && !negative { cut + 1 } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_of_real_panels_are_read_exactly() {
        let table = [
            ("100.84292", 100_842_920),
            ("0.27819", 278_190),
            ("0.90", 900_000),
            ("8", 8_000_000),
            ("12.3", 12_300_000),
            ("1,234.56", 1_234_560_000),
            ("₹1,234.56", 1_234_560_000),
            ("12.50 EUR", 12_500_000),
            ("12.50EUR", 12_500_000),
            ("USD 5", 5_000_000),
            ("$0.50", 500_000),
            ("-3.5", -3_500_000),
            ("-$3.50", -3_500_000),
            ("$-3.50", -3_500_000),
            ("+7", 7_000_000),
            (".5", 500_000),
            ("1e-5", 10),
            ("8.0E-5", 80),
            ("1.5e3", 1_500_000_000),
            ("0", 0),
            ("0e99", 0),
            ("  42 ", 42_000_000),
            ("10,000,000", 10_000_000_000_000),
        ];
        for (text, micros) in table {
            assert_eq!(parse(text), Some(micros), "{text}");
        }
    }

    #[test]
    fn digits_beyond_the_micro_unit_round_up() {
        assert_eq!(parse("0.08011655652"), Some(80_117));
        assert_eq!(parse("0.0000001"), Some(1));
        assert_eq!(parse("1e-99"), Some(1));
        assert_eq!(parse("-0.0000019"), Some(-1));
        assert_eq!(parse("0.000001000000"), Some(1));
    }

    /// Shows B5.
    #[test]
    fn ambiguous_or_foreign_texts_are_refused() {
        let table = [
            "",
            " ",
            "free",
            "NaN",
            "1,23",
            "1.234,56",
            "12,34,567",
            ",123",
            "1 234",
            "1.2.3",
            "5.",
            "--5",
            "+-5",
            "5-",
            "5e",
            "1e999",
            "٣",
            "12;",
            "&#8377;5",
            "0x10",
            "1_000",
            "inf",
            "1e50",
            "$",
            "-",
            ".",
            "1,,000",
            "99999999999999999999999999999999999999999",
            "5 or 6",
            "1\u{0}",
        ];
        for text in table {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse(&"1".repeat(65)), None);
    }

    #[test]
    fn amounts_are_written_with_at_least_two_decimals() {
        let table = [
            (900_000, "0.90"),
            (278_190, "0.27819"),
            (8_000_000, "8.00"),
            (100_842_920, "100.84292"),
            (1, "0.000001"),
            (0, "0.00"),
            (-3_500_000, "-3.50"),
            (10_100_000, "10.10"),
        ];
        for (micros, text) in table {
            assert_eq!(format(micros), text);
        }
    }

    #[test]
    fn the_currency_beside_an_amount_is_found() {
        assert_eq!(currency_beside("12.50 EUR"), Some("EUR"));
        assert_eq!(currency_beside("₹1,234.56"), Some("₹"));
        assert_eq!(currency_beside("-$3"), Some("$"));
        assert_eq!(currency_beside("12.50"), None);
        assert_eq!(currency_beside("EUR"), None);
    }

    #[test]
    fn a_customers_amount_is_digits_and_a_point() {
        assert_eq!(parse_strict("1.25"), Some(1_250_000));
        assert_eq!(parse_strict("3"), Some(3_000_000));
        for text in ["1,000", "$1", "1e3", "-1", "+1", ".5", "5.", " 1", ""] {
            assert_eq!(parse_strict(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(micros in i64::MIN..=i64::MAX) {
            prop_assert_eq!(parse(&format(i128::from(micros))), Some(i128::from(micros)));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,80}") {
            let _ = parse(&text);
            let _ = currency_beside(&text);
        }

        #[test]
        fn no_number_like_text_makes_the_reader_panic(text in "[-+0-9.,eE$ ]{0,70}") {
            let _ = parse(&text);
            let _ = currency_beside(&text);
        }
    }
}
