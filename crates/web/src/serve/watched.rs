//! Connections that fall silent: in the middle of a request's headers, between requests, or while an answer waits to
//! be taken.
//!
//! A timer per request would cost every call an allocation and two visits to the timer wheel. So a connection only
//! notes a coarse time at its turns (two stores), and one task looks at all of them once a second. A body's silence
//! is the business of `body.rs`.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use super::Bounds;
use crate::limits;

/// All connections, and the coarse clock they note their turns by: the number of looks so far, from 1.
#[derive(Debug)]
pub(super) struct Attention {
    now: AtomicU32,
    header_looks: u32,
    idle_looks: u32,
    write_looks: u32,
    next: AtomicU64,
    all: Mutex<HashMap<u64, Arc<Silence>>>,
}

impl Attention {
    pub(super) fn new(bounds: &Bounds) -> Arc<Self> {
        Arc::new(Self {
            now: AtomicU32::new(1),
            header_looks: looks(bounds.header_time),
            idle_looks: looks(bounds.idle_time),
            write_looks: looks(bounds.write_time),
            next: AtomicU64::new(0),
            all: Mutex::default(),
        })
    }

    /// One look at all connections; those silent for too long are ended.
    pub(super) fn look(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        for silence in all.values().filter(|silence| silence.is_too_long(now, self)) {
            silence.end();
        }
    }

    /// Ends every connection; gives their number.
    pub(super) fn end_all(&self) -> usize {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().for_each(|silence| silence.end());
        all.len()
    }
}

/// At least one whole period passes before a time counts as over.
fn looks(time: Duration) -> u32 {
    let looks = time.as_millis().div_ceil(limits::WATCH_EVERY.as_millis().max(1));
    u32::try_from(looks).unwrap_or(u32::MAX).saturating_add(1)
}

/// What one connection has noted. A time of 0 is none.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// A call is being answered: then only a stalled answer counts.
    in_call: AtomicBool,
    /// When the request that is being read began.
    head_since: AtomicU32,
    /// When the last request was answered, or the connection opened.
    idle_since: AtomicU32,
    /// Since when the client has taken no byte.
    stalled_since: AtomicU32,
    task: OnceLock<AbortHandle>,
    clock: OnceLock<Arc<Attention>>,
}

impl Silence {
    pub(super) fn belongs_to(&self, task: AbortHandle) {
        let _ = self.task.set(task);
    }

    /// Notes that a request was read whole; its answer is under way until the guard is dropped.
    pub(super) fn begin_call(self: &Arc<Self>) -> InCall {
        self.in_call.store(true, Ordering::Relaxed);
        InCall(Arc::clone(self))
    }

    fn is_too_long(&self, now: u32, bounds: &Attention) -> bool {
        let over = |since: &AtomicU32, looks: u32| {
            let since = since.load(Ordering::Relaxed);
            since != 0 && now.saturating_sub(since) >= looks
        };
        if over(&self.stalled_since, bounds.write_looks) {
            return true;
        }
        if self.in_call.load(Ordering::Relaxed) {
            return false;
        }
        match self.head_since.load(Ordering::Relaxed) {
            0 => over(&self.idle_since, bounds.idle_looks),
            _ => over(&self.head_since, bounds.header_looks),
        }
    }

    fn end(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    fn now(&self) -> u32 {
        self.clock.get().map_or(0, |clock| clock.now.load(Ordering::Relaxed))
    }
}

/// A call under way.
#[derive(Debug)]
pub(super) struct InCall(Arc<Silence>);

impl Drop for InCall {
    fn drop(&mut self) {
        let silence = &self.0;
        silence.head_since.store(0, Ordering::Relaxed);
        silence.idle_since.store(silence.now(), Ordering::Relaxed);
        silence.in_call.store(false, Ordering::Relaxed);
    }
}

/// A connection that notes its turns.
#[derive(Debug)]
pub(super) struct Watched {
    stream: TcpStream,
    silence: Arc<Silence>,
    number: u64,
    attention: Arc<Attention>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, attention: &Arc<Attention>) -> (Self, Arc<Silence>) {
        let silence = Arc::new(Silence::default());
        let _ = silence.clock.set(Arc::clone(attention));
        silence.idle_since.store(silence.now(), Ordering::Relaxed);
        let number = attention.next.fetch_add(1, Ordering::Relaxed);
        let mut all = attention.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(number, Arc::clone(&silence));
        drop(all);
        let watched =
            Self { stream, silence: Arc::clone(&silence), number, attention: Arc::clone(attention) };
        (watched, silence)
    }

    fn note_read(&self, bytes: usize) {
        let silence = &self.silence;
        let reading_head = bytes > 0 && !silence.in_call.load(Ordering::Relaxed);
        if reading_head && silence.head_since.load(Ordering::Relaxed) == 0 {
            silence.head_since.store(silence.now(), Ordering::Relaxed);
        }
    }

    fn note_write(&self, written: &Poll<io::Result<usize>>) {
        let silence = &self.silence;
        let stalled = silence.stalled_since.load(Ordering::Relaxed) != 0;
        match written {
            Poll::Pending if !stalled => silence.stalled_since.store(silence.now(), Ordering::Relaxed),
            Poll::Pending => {}
            Poll::Ready(_) => {
                if stalled {
                    silence.stalled_since.store(0, Ordering::Relaxed);
                }
                // A long answer that is taken slowly is not idle.
                silence.idle_since.store(silence.now(), Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.attention.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.note_read(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
