//! Any answer of a provider to `services` (`api-v2.md` §3; `invariants.md` B4, B11).
//!
//! An input is the answer's body.

use panelworks_wire::lenient::{SeenService, ServicesAnswer, services};
use panelworks_wire::limits::{PROVIDER_ID_CHARS, PROVIDER_TEXT_CHARS};

use crate::answer::PER_BYTE;
use crate::memory::bounded;
use crate::round_trip;

pub(crate) fn holds(body: &[u8]) {
    match bounded(body.len(), PER_BYTE, || services(body)) {
        ServicesAnswer::List { rows, unreadable } => {
            assert!(rows.len() + unreadable.len() <= body.len(), "more rows than bytes");
            let mut places: Vec<usize> = unreadable.iter().map(|row| row.index).collect();
            places.dedup();
            assert_eq!(places.len(), unreadable.len(), "each row that can't be read is told once");
            assert!(
                unreadable.iter().all(|row| row.index < rows.len() + unreadable.len()),
                "of a row that is there"
            );
            for row in &unreadable {
                is_text(&row.text);
            }
            rows.iter().for_each(is_sound);
            round_trip::services(&rows);
        }
        ServicesAnswer::Refused { text } => is_text(&text),
        ServicesAnswer::Unreadable { .. } => {}
    }
}

fn is_sound(row: &SeenService) {
    let id = row.service.as_bytes();
    assert!((1..=PROVIDER_ID_CHARS).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic), "{row:?}");
    assert!(!row.name.is_empty() && row.rate_micros.is_none_or(|rate| rate >= 0), "{row:?}");
    let words = [Some(&row.name), row.category.as_ref(), row.average_time.as_ref()];
    words.into_iter().flatten().for_each(|text| is_text(text));
    if let Err(word) = &row.service_type {
        is_text(word);
    }
    let description = row.description.as_deref().unwrap_or_default();
    let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    assert!(!description.chars().any(strange), "control characters in {description:?}");
}

fn is_text(text: &str) {
    assert!(text.chars().count() <= PROVIDER_TEXT_CHARS && !text.chars().any(char::is_control), "{text:?}");
}
