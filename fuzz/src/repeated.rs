//! Small pieces many times over: where a reader's memory or time grows faster than its input, a long input shows it,
//! and long inputs are what a fuzzer of short ones never makes (`invariants.md` B4, C5).
//!
//! An input has four lines: `request`, `services`, or a call such as `status 1,2`; then what stands before, what is
//! repeated, and what stands behind. `\n`, `\r` in them are line breaks. Time is bounded by the fuzzer's own limit.

use crate::{answer, request, services};

/// Long enough that a quadratic reader runs into the fuzzer's time limit.
const BYTES: usize = 128 * 1024;

pub(crate) fn holds(input: &[u8]) {
    let mut lines = input.splitn(4, |&byte| byte == b'\n');
    let kind = lines.next().unwrap_or_default();
    let [before, piece, behind] = [(); 3].map(|()| unescaped(lines.next().unwrap_or_default()));
    if piece.is_empty() {
        return;
    }
    let body = [before, piece.repeat(BYTES / piece.len()), behind].concat();
    match kind {
        b"request" => request::holds(&[b"\n\n", body.as_slice()].concat()),
        b"services" => services::holds(&body),
        call => answer::holds(&[call, b"\n", body.as_slice()].concat()),
    }
}

fn unescaped(line: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after.split_first()) {
            (b'\\', Some((b'n', after))) => (b'\n', after),
            (b'\\', Some((b'r', after))) => (b'\r', after),
            _ => (byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}
