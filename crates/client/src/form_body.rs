//! A request's body that notices the moment it is taken into use.
//!
//! In: an encoded form. Out: its bytes, once. The HTTP/1 encoder can't write a request's head before it
//! has asked the body whether there is anything to send (the head carries its length); so as long as
//! nobody has asked, not one byte of the request can have left. That is what [`Started`] tells, and
//! it is exact where an error's kind is a guess: a deadline during the handshake is `NotSent`, an error
//! on a connection taken from the pool is `Sent`. The body can't be cloned, which also makes it
//! impossible for any layer to send it a second time.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::exchange::Phase;

/// Whether the encoder has begun with the request.
#[derive(Clone, Default)]
pub(crate) struct Started(Arc<AtomicBool>);

impl Started {
    /// The phase a failure has now. Once `Sent`, always `Sent`.
    pub(crate) fn phase(&self) -> Phase {
        if self.0.load(Ordering::Acquire) { Phase::Sent } else { Phase::NotSent }
    }

    fn mark(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// An encoded form as a request's body.
pub(crate) struct FormBody {
    bytes: Option<Bytes>,
    length: u64,
    started: Started,
}

impl FormBody {
    pub(crate) fn new(form: String, started: Started) -> FormBody {
        let bytes = Bytes::from(form);
        let length = bytes.len() as u64;
        FormBody { bytes: (length > 0).then_some(bytes), length, started }
    }
}

impl Body for FormBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.started.mark();
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.started.mark();
        self.bytes.is_none()
    }

    /// Asked early by the redirect layer too, long before a connection exists: no mark.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.bytes.is_some() { self.length } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_for_the_length_does_not_start_a_request_but_encoding_does() {
        let started = Started::default();
        let body = FormBody::new("key=k".to_owned(), started.clone());

        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(started.phase(), Phase::NotSent);

        assert!(!body.is_end_stream());
        assert_eq!(started.phase(), Phase::Sent);
    }
}
