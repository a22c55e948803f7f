//! Raw values → typed fields: the grammars of numbers, texts, lists and dates (`api-v2.md` §4, §12).

use std::borrow::Cow;

use super::Field;
use super::params::{Name, Params, Raw};
use crate::limits::TEXT_CHARS;

impl Params<'_> {
    /// Decimal digits and nothing else: no sign, point, exponent, thousands mark or space. Above 64 bits is bad.
    pub(super) fn number(&mut self, name: Name) -> Field<u64> {
        single(self.take(name)).and_then(|text| digits(&text))
    }

    /// The same for ids, which may stand between spaces.
    pub(super) fn id(&mut self, name: Name) -> Field<u64> {
        single(self.take(name)).and_then(|text| digits(text.trim()))
    }

    /// One line of text, trimmed. Control characters and bytes that weren't UTF-8 make it bad: an order must not go
    /// to a link that is only nearly the one meant.
    pub(super) fn line(&mut self, name: Name) -> Field<String> {
        single(self.take(name)).and_then(|text| {
            let line = text.trim();
            (is_sound(line) && is_short(line, TEXT_CHARS)).then(|| trimmed(text))
        })
    }

    /// Non-empty trimmed lines; items of a list are taken apart in the same way. A NUL makes the list bad, because no
    /// store can keep it.
    pub(super) fn lines(&mut self, name: Name) -> Field<Vec<String>> {
        let mut lines = Vec::new();
        match self.take(name) {
            Raw::Absent => return Field::Absent,
            Raw::Wrong => return Field::Bad,
            Raw::Text(text) => push_lines(&mut lines, &text),
            Raw::List(items) => items.iter().for_each(|item| push_lines(&mut lines, item)),
        }
        if lines.is_empty() || lines.iter().any(|line| line.contains('\0')) {
            Field::Bad
        } else {
            Field::Is(lines)
        }
    }

    /// Lines, or pieces between commas when everything stands on one line (`api-v2.md` §4, SEO).
    pub(super) fn lines_or_commas(&mut self, name: Name) -> Field<Vec<String>> {
        self.lines(name).and_then(|mut lines| {
            if let [only] = lines.as_slice() {
                lines = only
                    .split(',')
                    .map(str::trim)
                    .filter(|piece| !piece.is_empty())
                    .map(str::to_owned)
                    .collect();
            }
            (!lines.is_empty()).then_some(lines)
        })
    }

    /// `d/m/Y` or `Y-m-d`, a day that exists. Never `m/d/Y`.
    pub(super) fn date(&mut self, name: Name) -> Field<(i16, i8, i8)> {
        single(self.take(name)).and_then(|text| date(text.trim()))
    }
}

/// Without control characters, and UTF-8 as it came. Nearly all texts are printable ASCII, which is soon seen.
fn is_sound(line: &str) -> bool {
    line.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        || line.chars().all(|c| !c.is_control() && c != char::REPLACEMENT_CHARACTER)
}

/// At most so many characters; counted only where the bytes leave it open.
pub(super) fn is_short(text: &str, chars: usize) -> bool {
    text.len() <= chars || text.chars().count() <= chars
}

/// A list of one counts as its item: JSON clients wrap single values so (`api-v2.md` §4, `link` as an array).
pub(super) fn single(raw: Raw<'_>) -> Field<Cow<'_, str>> {
    match raw {
        Raw::Absent => Field::Absent,
        Raw::Text(text) => Field::Is(text),
        Raw::List(mut items) if items.len() == 1 => items.pop().map_or(Field::Absent, Field::Is),
        Raw::List(_) | Raw::Wrong => Field::Bad,
    }
}

/// Plain decimal digits that fit 64 bits.
pub(super) fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// An owned copy without the spaces around; no second allocation when there are none.
fn trimmed(text: Cow<'_, str>) -> String {
    let line = text.trim();
    if line.len() == text.len() { text.into_owned() } else { line.to_owned() }
}

fn push_lines(lines: &mut Vec<String>, text: &str) {
    let pieces = text.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty());
    lines.extend(pieces.map(str::to_owned));
}

fn date(text: &str) -> Option<(i16, i8, i8)> {
    let (year, month, day) = if text.contains('/') {
        let (day, rest) = text.split_once('/')?;
        let (month, year) = rest.split_once('/')?;
        (year, month, day)
    } else {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        (year, month, day)
    };
    if year.len() != 4 || !(1..=2).contains(&month.len()) || !(1..=2).contains(&day.len()) {
        return None;
    }
    let year = i16::try_from(digits(year)?).ok()?;
    let (month, day) = (i8::try_from(digits(month)?).ok()?, i8::try_from(digits(day)?).ok()?);
    (day >= 1 && day <= days_of(year, month)?).then_some((year, month, day))
}

fn days_of(year: i16, month: i8) -> Option<i8> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    })
}
