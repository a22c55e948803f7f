//! The name of one request, in its log lines and in the answer's header `x-request-id`.
//!
//! Taken over from the caller where it is short and plain, so that a reseller's and our logs can be read side by
//! side; else made here. It is a name and no secret.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::limits;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Makes ids that no other request of this process has, and hardly any of another.
#[derive(Debug)]
pub(crate) struct RequestIds {
    first: u64,
    given: AtomicU64,
}

impl Default for RequestIds {
    fn default() -> Self {
        // The standard library's hasher is seeded by the system: the only randomness this needs.
        Self { first: RandomState::new().hash_one(0_u8), given: AtomicU64::new(0) }
    }
}

impl RequestIds {
    /// The caller's own id, or a new one of 16 hexadecimal digits.
    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(HEADER).filter(|given| is_plain(given.as_bytes())) {
            Some(given) => given.clone(),
            None => self.next(),
        }
    }

    fn next(&self) -> HeaderValue {
        let count = self.given.fetch_add(1, Ordering::Relaxed);
        // An odd factor spreads neighbours over all digits and keeps them distinct.
        let id = self.first.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        HeaderValue::from_bytes(&digits(id)).expect("hexadecimal digits are a header value")
    }
}

/// Sixteen hexadecimal digits; by hand, because every call pays for it.
fn digits(id: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 16];
    for (pair, byte) in text.chunks_exact_mut(2).zip(id.to_be_bytes()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xf)];
    }
    text
}

/// Letters, digits and `-_.` only: nothing that could forge a log line (invariants.md C25).
fn is_plain(id: &[u8]) -> bool {
    (1..=limits::REQUEST_ID_CHARS).contains(&id.len())
        && id.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn made_ids_differ_and_are_sixteen_digits() {
        let ids = RequestIds::default();
        let made: HashSet<_> = (0..10_000).map(|_| ids.of(&HeaderMap::new())).collect();
        assert_eq!(made.len(), 10_000);
        assert!(made.iter().all(|id| id.len() == 16 && is_plain(id.as_bytes())));
    }

    #[test]
    fn a_callers_plain_id_is_taken_over_and_a_strange_one_is_not() {
        let ids = RequestIds::default();
        let of = |id: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_bytes(id).expect("a header value"));
            ids.of(&headers)
        };
        assert_eq!(of(b"order-42_a.b"), "order-42_a.b");
        for strange in [&b"a b"[..], b"\"}", b"\xc3\xa4", b"", &[b'x'; 65]] {
            assert_ne!(of(strange).as_bytes(), strange);
        }
    }
}
