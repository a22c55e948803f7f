//! A canonical byte string of an order's parameters: two requests with the same idempotency key are the same request
//! exactly if their fingerprints are equal (`domain.md`, Idempotency key).
//!
//! It is made from the understood values, so that form, JSON and query give the same bytes and the order of parameters
//! doesn't matter. Every value carries its tag and length: no two different requests can meet in one string.

use super::{Add, Field};

const ABSENT: u8 = 0;
const BAD: u8 = 1;
const IS: u8 = 2;

/// The fields stand in a fixed order; a new one is appended at the end, so that old fingerprints stay comparable.
pub(super) fn fingerprint(add: &Add) -> Vec<u8> {
    let mut print = Print(Vec::with_capacity(256));
    for number in [&add.service, &add.quantity, &add.runs, &add.interval, &add.device, &add.type_of_traffic] {
        print.number(number);
    }
    for number in [&add.min, &add.max, &add.posts, &add.old_posts, &add.delay] {
        print.number(number);
    }
    for text in [&add.link, &add.hashtag, &add.username, &add.media, &add.country, &add.google_keyword] {
        print.text(text);
    }
    for text in [&add.referring_url, &add.answer_number, &add.max_charge] {
        print.text(text);
    }
    for lines in [&add.comments, &add.usernames, &add.hashtags, &add.keywords, &add.groups] {
        print.lines(lines);
    }
    print.date(add.expiry);
    print.0
}

struct Print(Vec<u8>);

impl Print {
    fn tag<'a, T>(&mut self, field: &'a Field<T>) -> Option<&'a T> {
        let (tag, value) = match field {
            Field::Absent => (ABSENT, None),
            Field::Bad => (BAD, None),
            Field::Is(value) => (IS, Some(value)),
        };
        self.0.push(tag);
        value
    }

    fn number(&mut self, field: &Field<u64>) {
        if let Some(number) = self.tag(field) {
            self.0.extend_from_slice(&number.to_be_bytes());
        }
    }

    fn text(&mut self, field: &Field<String>) {
        if let Some(text) = self.tag(field) {
            self.bytes(text.as_bytes());
        }
    }

    fn lines(&mut self, field: &Field<Vec<String>>) {
        if let Some(lines) = self.tag(field) {
            self.length(lines.len());
            for line in lines {
                self.bytes(line.as_bytes());
            }
        }
    }

    fn date(&mut self, field: Field<(i16, i8, i8)>) {
        if let Some((year, month, day)) = self.tag(&field) {
            self.0.extend_from_slice(&year.to_be_bytes());
            self.0.extend_from_slice(&month.to_be_bytes());
            self.0.extend_from_slice(&day.to_be_bytes());
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn length(&mut self, length: usize) {
        self.0.extend_from_slice(&(length as u64).to_be_bytes());
    }
}
