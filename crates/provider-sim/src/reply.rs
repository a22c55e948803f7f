//! What leaves the provider: an answer's bytes, or the lack of one.

/// JSON, as our server says it: without a parameter (`api-v2.md` §1).
pub(crate) const JSON: &str = "application/json";
/// What PHP panels say of everything.
pub(crate) const HTML: &str = "text/html; charset=UTF-8";

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: &'static str,
    /// The header `Retry-After`, in seconds.
    pub retry_after_s: Option<u32>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: Vec<u8>) -> Reply {
        Reply { status, content_type: JSON, retry_after_s: None, body }
    }

    pub(crate) fn page(status: u16, title: &str) -> Reply {
        let body = format!(
            "<!DOCTYPE html>\n<html><head><title>{title}</title></head>\
             <body><center><h1>{title}</h1></center><hr><center>nginx</center></body></html>\n"
        );
        Reply { status, content_type: HTML, retry_after_s: None, body: body.into_bytes() }
    }
}

/// What a caller meets. In all but the last the request may have been carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// An answer.
    Reply(Reply),
    /// No answer, and the connection stays open.
    Hang,
    /// The connection is closed before an answer.
    Closed,
    /// Half of this answer's body (its length is announced in full), then the connection is closed.
    Half(Reply),
    /// The connection was refused; nothing was carried out.
    RefusedConnection,
}
