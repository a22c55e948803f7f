//! A request's body that notices the moment it is taken into use, and can be called back until then.
//!
//! In: an encoded form. Out: its bytes, once. The HTTP/1 encoder can't write a request's head before it
//! has asked the body whether there is anything to send (the head carries its length); so as long as
//! nobody has asked, not one byte of the request can have left. That is what [`Departure`] tells, and it
//! is exact where an error's kind is a guess: a deadline during the handshake is `NotSent`, an error on a
//! connection taken from the pool is `Sent`. A connection's task runs beside ours, so telling and
//! asking are one atomic step: once a failure was told as `NotSent`, the form is never handed out. The
//! body can't be cloned, which also makes it impossible for any layer to send it a second time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::exchange::Phase;

const WAITING: u8 = 0;
const LEFT: u8 = 1;
const CALLED_BACK: u8 = 2;

/// Whether a request has begun to leave.
#[derive(Clone, Default)]
pub(crate) struct Departure(Arc<AtomicU8>);

impl Departure {
    /// The phase in which the exchange failed. What has not left by now never will.
    pub(crate) fn call_back(&self) -> Phase {
        match self.0.compare_exchange(WAITING, CALLED_BACK, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) | Err(CALLED_BACK) => Phase::NotSent,
            Err(_) => Phase::Sent,
        }
    }

    /// Marks the request as leaving; false if it was called back before.
    fn leave(&self) -> bool {
        match self.0.compare_exchange(WAITING, LEFT, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(now) => now == LEFT,
        }
    }
}

/// An encoded form as a request's body.
pub(crate) struct FormBody {
    form: Option<Bytes>,
    departure: Departure,
}

/// The exchange was over before its request began. Ends the connection that was about to carry it.
#[derive(Debug, thiserror::Error)]
#[error("the exchange was over before its request began")]
pub(crate) struct CalledBack;

impl FormBody {
    pub(crate) fn new(form: String, departure: Departure) -> FormBody {
        FormBody { form: (!form.is_empty()).then(|| Bytes::from(form)), departure }
    }
}

impl Body for FormBody {
    type Data = Bytes;
    type Error = CalledBack;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CalledBack>>> {
        if !self.departure.leave() {
            return Poll::Ready(Some(Err(CalledBack)));
        }
        Poll::Ready(self.form.take().map(|form| Ok(Frame::data(form))))
    }

    fn is_end_stream(&self) -> bool {
        // Called back or not, the answer is the same: `poll_frame` is where the form is held back.
        self.departure.leave();
        self.form.is_none()
    }

    /// Asked early by the redirect layer too, long before a connection exists: no mark.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.form.as_ref().map_or(0, |form| form.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> (FormBody, Departure) {
        let departure = Departure::default();
        (FormBody::new("key=k".to_owned(), departure.clone()), departure)
    }

    fn poll(body: &mut FormBody) -> Option<Result<Frame<Bytes>, CalledBack>> {
        match Pin::new(body).poll_frame(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(frame) => frame,
            Poll::Pending => panic!("a form is always at hand"),
        }
    }

    #[test]
    fn asking_for_the_length_does_not_start_a_request_but_encoding_does() {
        let (body, departure) = body();
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(departure.0.load(Ordering::Acquire), WAITING);

        assert!(!body.is_end_stream());
        assert_eq!(departure.call_back(), Phase::Sent);
    }

    #[test]
    fn a_form_called_back_is_never_handed_out() {
        let (mut body, departure) = body();
        assert_eq!(departure.call_back(), Phase::NotSent);

        assert!(!body.is_end_stream());
        assert!(matches!(poll(&mut body), Some(Err(CalledBack))));
        assert_eq!(departure.call_back(), Phase::NotSent);
    }

    #[test]
    fn a_form_is_handed_out_once() {
        let (mut body, departure) = body();
        assert!(
            matches!(poll(&mut body), Some(Ok(frame)) if frame.data_ref().is_some_and(|form| form == "key=k"))
        );
        assert!(poll(&mut body).is_none() && body.is_end_stream());
        assert_eq!(departure.call_back(), Phase::Sent);
    }
}
