//! How a body is encoded (`api-v2.md` §1): by its content type, and by its first bytes where that is missing or wrong.

use std::borrow::Cow;

use super::Incoming;
use crate::limits::{MULTIPART_BOUNDARY_BYTES, REQUEST_BYTES};

pub(super) enum Encoding<'a> {
    Empty,
    Form(&'a [u8]),
    Json(&'a [u8]),
    Multipart { boundary: Cow<'a, str>, bytes: &'a [u8] },
    TooLarge,
}

/// A body that begins with `{` is JSON whatever its label says: no parameter of a form begins so, and clients that
/// forget the label are common. Multipart is known by its label, or by its first line where the label is missing.
pub(super) fn encoding<'a>(incoming: &Incoming<'a>) -> Encoding<'a> {
    if incoming.body.len() > REQUEST_BYTES {
        return Encoding::TooLarge;
    }
    let bytes = incoming.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(incoming.body).trim_ascii_start();
    match bytes.first() {
        None => Encoding::Empty,
        Some(b'{') => Encoding::Json(bytes),
        Some(b'-') => match boundary(incoming.content_type.unwrap_or_default(), bytes) {
            Some(boundary) => Encoding::Multipart { boundary, bytes },
            None => Encoding::Form(bytes),
        },
        Some(_) => Encoding::Form(bytes),
    }
}

fn boundary<'a>(content_type: &'a str, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
    labelled_boundary(content_type).map(Cow::Borrowed).or_else(|| first_line_boundary(bytes).map(Cow::Owned))
}

/// The parameter `boundary` of a label `multipart/form-data`.
fn labelled_boundary(content_type: &str) -> Option<&str> {
    let mut parts = content_type.split(';');
    if !parts.next()?.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (1..=MULTIPART_BOUNDARY_BYTES).contains(&boundary.len()).then_some(boundary)
}

/// What the first line says after `--`, if the second line is a part's header.
fn first_line_boundary(bytes: &[u8]) -> Option<String> {
    const HEADER: &[u8] = b"content-disposition:";
    let rest = bytes.strip_prefix(b"--")?;
    let line_end = rest.iter().take(MULTIPART_BOUNDARY_BYTES + 2).position(|&b| b == b'\n')?;
    let next = rest.get(line_end + 1..line_end + 1 + HEADER.len())?;
    let boundary = rest[..line_end].trim_ascii_end();
    if boundary.is_empty() || !next.eq_ignore_ascii_case(HEADER) {
        return None;
    }
    std::str::from_utf8(boundary).ok().map(str::to_owned)
}
