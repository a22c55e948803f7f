//! `action=services` (`api-v2.md` §3): the prepared list, plain or compressed, or word that it hasn't changed.
//!
//! In: the caller and its headers. Out: shared bytes; nothing is encoded or compressed per call.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, header};
use panelworks_wire::ErrorText;

use super::{Answer, text};
use crate::known::{Caller, Prepared, PriceList};
use crate::panel::Panel;

/// The two forms a list is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
}

impl Encoding {
    pub(super) fn bytes(self, list: &Prepared) -> Bytes {
        match self {
            Self::Plain => list.plain.clone(),
            Self::Gzip => list.gzip.clone(),
        }
    }

    /// Each encoding has a tag of its own: equal tags mean equal bytes.
    pub(super) fn tag(self, list: &Prepared) -> HeaderValue {
        let suffix = match self {
            Self::Plain => "",
            Self::Gzip => "-gzip",
        };
        HeaderValue::from_str(&format!("\"{}{suffix}\"", list.fingerprint))
            .expect("hexadecimal digits in quotes are a header value")
    }

    /// What the caller can read: `gzip` where it is named and not switched off.
    fn accepted(given: Option<&str>) -> Self {
        let takes_gzip = given.unwrap_or_default().split(',').any(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = parameters.trim().strip_prefix("q=").unwrap_or("1");
            let refused = weight.trim().trim_end_matches(['0', '.']).is_empty();
            name.trim().eq_ignore_ascii_case("gzip") && !refused
        });
        if takes_gzip { Self::Gzip } else { Self::Plain }
    }
}

pub(super) async fn services(panel: &Panel, caller: &Caller, parts: &Parts) -> Answer {
    let wanted = PriceList::of(caller.switches);
    let list = match panel.known.catalogue.ready(wanted) {
        Some(list) => list,
        None => match prepare(panel, wanted).await {
            Ok(list) => list,
            Err(answer) => return answer,
        },
    };
    let encoding = Encoding::accepted(text(&parts.headers, &header::ACCEPT_ENCODING));
    // Only a GET can be answered "not modified".
    let known = text(&parts.headers, &header::IF_NONE_MATCH).filter(|_| parts.method == Method::GET);
    let unchanged = known.is_some_and(|known| matches(known, &encoding.tag(&list)));
    Answer::Services { list, encoding, unchanged }
}

async fn prepare(panel: &Panel, wanted: PriceList) -> Result<Arc<Prepared>, Answer> {
    let known = Arc::clone(&panel.known);
    let built = tokio::task::spawn_blocking(move || known.catalogue.prepare(wanted)).await;
    built.map_err(|error| {
        tracing::error!(%error, "the list of services could not be prepared");
        Answer::error(ErrorText::TemporarilyUnavailable)
    })
}

fn matches(known: &str, tag: &HeaderValue) -> bool {
    known.split(',').map(str::trim).any(|known| {
        let strong = known.strip_prefix("W/").unwrap_or(known);
        known == "*" || strong.as_bytes() == tag.as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_name_it() {
        for takes in ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.5", "deflate , gzip ; q=0.001"] {
            assert_eq!(Encoding::accepted(Some(takes)), Encoding::Gzip, "{takes}");
        }
        for refuses in ["", "identity", "br", "gzip;q=0", "gzip; q=0.000", "x-gzip"] {
            assert_eq!(Encoding::accepted(Some(refuses)), Encoding::Plain, "{refuses}");
        }
        assert_eq!(Encoding::accepted(None), Encoding::Plain);
    }
}
