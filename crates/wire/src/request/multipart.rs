//! `multipart/form-data`, in memory and bounded (`api-v2.md` §1: PHP's cURL sends it for arrays).
//!
//! Strict: every part must have a `Content-Disposition` with a name, and the closing delimiter must be there, so that
//! a body cut off in the middle is never taken for a shorter order. Files are skipped: no parameter is one.

use std::borrow::Cow;

use super::params::Params;
use crate::limits::{MULTIPART_HEADER_BYTES, MULTIPART_PARTS};

/// Reads all parts into `params`; `false` if the body isn't whole. A preamble isn't allowed: no client sends one.
pub(super) fn read<'a>(bytes: &'a [u8], boundary: &str, params: &mut Params<'a>) -> bool {
    let delimiter = format!("--{boundary}");
    let delimiter = delimiter.as_bytes();
    let Some(mut rest) = bytes.strip_prefix(delimiter) else { return false };
    for _ in 0..MULTIPART_PARTS {
        if rest.starts_with(b"--") {
            return true;
        }
        let Some(after_part) = part(rest, delimiter, params) else { return false };
        rest = after_part;
    }
    false
}

/// Reads one part, from behind its delimiter to behind the next one.
fn part<'a>(rest: &'a [u8], delimiter: &[u8], params: &mut Params<'a>) -> Option<&'a [u8]> {
    let part = after_line_break(skip_blanks(rest))?;
    let headers = headers_end(part)?;
    // The empty line's own break may already be the delimiter's: then nothing stands between.
    let tail = &part[headers.at..];
    let next = find_delimiter(tail, delimiter)?;
    let content = tail.get(headers.after - headers.at..next.start).unwrap_or_default();
    match disposition(&part[..headers.at])? {
        Disposition::Parameter(name) => params.put(&name, String::from_utf8_lossy(content)),
        Disposition::File => {}
    }
    Some(&tail[next.end..])
}

/// RFC 2046 allows blanks between the delimiter and its line break.
fn skip_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    &bytes[blanks..]
}

/// Where a delimiter stands: `start` is the line break before it, `end` the first byte behind it.
struct Delimiter {
    start: usize,
    end: usize,
}

/// The first delimiter at the beginning of a line.
fn find_delimiter(bytes: &[u8], delimiter: &[u8]) -> Option<Delimiter> {
    let mut line = 0;
    loop {
        if bytes[line..].strip_prefix(delimiter).is_some_and(ends_a_delimiter) {
            let before = &bytes[..line];
            let before = before.strip_suffix(b"\n").unwrap_or(before);
            let before = before.strip_suffix(b"\r").unwrap_or(before);
            return Some(Delimiter { start: before.len(), end: line + delimiter.len() });
        }
        line += bytes[line..].iter().position(|&b| b == b'\n')? + 1;
    }
}

/// Whether this may stand behind a delimiter: a line break, or the two hyphens of the last one. A content's line that
/// merely begins like the boundary goes on otherwise.
fn ends_a_delimiter(after: &[u8]) -> bool {
    let last = after.strip_prefix(b"--");
    let rest = skip_blanks(last.unwrap_or(after));
    after_line_break(rest).is_some() || (last.is_some() && rest.is_empty())
}

fn after_line_break(bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n"))
}

/// Where the headers end: `at` is the line break of the empty line, `after` the first byte of the content.
struct HeadersEnd {
    at: usize,
    after: usize,
}

fn headers_end(part: &[u8]) -> Option<HeadersEnd> {
    let head = &part[..part.len().min(MULTIPART_HEADER_BYTES)];
    let mut from = 0;
    while let Some(at) = head[from..].iter().position(|&b| b == b'\n') {
        let line = from + at + 1;
        if let Some(content) = after_line_break(&part[line..]) {
            return Some(HeadersEnd { at: line, after: part.len() - content.len() });
        }
        from = line;
    }
    None
}

enum Disposition<'a> {
    Parameter(Cow<'a, str>),
    File,
}

fn disposition(headers: &[u8]) -> Option<Disposition<'_>> {
    const NAME: &[u8] = b"content-disposition:";
    let line = headers
        .split(|&b| b == b'\n')
        .map(<[u8]>::trim_ascii)
        .find(|line| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME))?;
    let value = &line[NAME.len()..];
    if attribute(value, b"filename").is_some() || attribute(value, b"filename*").is_some() {
        return Some(Disposition::File);
    }
    attribute(value, b"name").map(|name| Disposition::Parameter(String::from_utf8_lossy(name)))
}

/// The value of `; name="value"` or `; name=value`.
fn attribute<'a>(value: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut rest = value;
    while let Some(semicolon) = rest.iter().position(|&b| b == b';') {
        rest = rest[semicolon + 1..].trim_ascii_start();
        let equals = rest.iter().position(|&b| b == b'=' || b == b';')?;
        let (name, tail) = rest.split_at(equals);
        let Some(tail) = tail.strip_prefix(b"=") else { continue };
        let (text, after) = match tail.strip_prefix(b"\"") {
            Some(quoted) => quoted.split_at(quoted.iter().position(|&b| b == b'"')?),
            None => tail.split_at(tail.iter().position(|&b| b == b';').unwrap_or(tail.len())),
        };
        if name.trim_ascii().eq_ignore_ascii_case(wanted) {
            return Some(text);
        }
        rest = after;
    }
    None
}
