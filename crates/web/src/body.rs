//! A request's body, read within bounds of size, time and shared memory (invariants.md C26).
//!
//! In: a body that may be endless, slow or broken. Out: its bytes, or why not. A body in one piece is not copied,
//! and no timer is armed when it is already there. Rules: `api-v2.md` §12: too long is `Incorrect request`, which its
//! sender must get to see.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use crate::limits;
use crate::panel::Panel;

/// The bytes of a body, with the place that a large one holds.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    pub(crate) bytes: Bytes,
    _place: Option<SemaphorePermit<'a>>,
}

/// Why there are no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    TooLong,
    TooSlow,
    /// The sender broke off, or its framing is wrong.
    Broken,
}

/// Reads the whole body.
pub(crate) async fn read<'a, B>(
    panel: &'a Panel,
    headers: &HeaderMap,
    body: B,
) -> Result<Held<'a>, Unreadable>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.is_end_stream() {
        return Ok(Held { bytes: Bytes::new(), _place: None });
    }
    let reading = read_all(panel, headers, body);
    timeout(panel.settings.body_time, reading).await.unwrap_or(Err(Unreadable::TooSlow))
}

async fn read_all<'a, B>(panel: &'a Panel, headers: &HeaderMap, mut body: B) -> Result<Held<'a>, Unreadable>
where
    B: Body<Data = Bytes> + Unpin,
{
    let most = panel.settings.body_bytes;
    if body.size_hint().lower() > most as u64 {
        // Who asks before sending has sent nothing yet.
        if !headers.contains_key(header::EXPECT) {
            discard(&mut body).await?;
        }
        return Err(Unreadable::TooLong);
    }
    let Some(first) = next(&mut body).await? else {
        return Ok(Held { bytes: Bytes::new(), _place: None });
    };
    if body.is_end_stream() && first.len() <= most.min(limits::LARGE_BODY_BYTES) {
        return Ok(Held { bytes: first, _place: None });
    }
    let mut place = None;
    let mut all = BytesMut::from(first);
    loop {
        if all.len() > most {
            drop(all);
            discard(&mut body).await?;
            return Err(Unreadable::TooLong);
        }
        if place.is_none() && all.len() > limits::LARGE_BODY_BYTES {
            place = Some(panel.large_bodies.acquire().await.map_err(|_| Unreadable::Broken)?);
        }
        match next(&mut body).await? {
            Some(piece) => all.extend_from_slice(&piece),
            None => return Ok(Held { bytes: all.freeze(), _place: place }),
        }
    }
}

/// The next piece of data; None at the end. Trailers are nobody's business here.
async fn next<B>(body: &mut B) -> Result<Option<Bytes>, Unreadable>
where
    B: Body<Data = Bytes> + Unpin,
{
    loop {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            None => return Ok(None),
            Some(Err(_)) => return Err(Unreadable::Broken),
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}

/// Reads on without keeping anything, so that the answer isn't lost in a reset connection.
async fn discard<B>(body: &mut B) -> Result<(), Unreadable>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut left = limits::DISCARDED_BYTES;
    while let Some(piece) = next(body).await? {
        match left.checked_sub(piece.len()) {
            Some(rest) => left = rest,
            None => break,
        }
    }
    Ok(())
}
