//! Copies the write-ahead log into the file, off the commit path, and keeps the log bounded.
//!
//! A thread with a connection of its own copies when the log has grown; commits go on meanwhile. A log that is
//! copied to its end begins again from its start, but under load the thread never sees the end: what little it
//! leaves, the writer copies itself between two batches. Rules: performance.md, What follows 10.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, Result};

use crate::limits;

/// What SQLite makes its files of.
const PAGE_BYTES: u64 = 4_096;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Checkpoints {
    /// Pages in the log, as the last commit left it.
    log: Arc<AtomicUsize>,
    /// Of these, how many the thread has copied.
    copied: Arc<AtomicUsize>,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Pages in the log after which it is copied.
    pages: usize,
    /// Pages in the log after which the writer waits until it is copied.
    most: usize,
    /// Held while pages are copied: SQLite refuses a second one who copies instead of letting it wait.
    copying: Arc<Mutex<()>>,
}

impl Checkpoints {
    /// Takes over from SQLite's own checkpoints on `writer`. The log is copied from half of `reserve` bytes on and stays
    /// below all of them, but for a batch, so that it can still be copied when the disk is full and the reserve was
    /// given up for it.
    pub(super) fn start(writer: &mut Connection, file: &Path, reserve: u64) -> Result<Self> {
        let most = usize::try_from(reserve / PAGE_BYTES).unwrap_or(usize::MAX);
        let log = Arc::new(AtomicUsize::new(0));
        writer.wal_hook(Some({
            let log = Arc::clone(&log);
            move |_: &mut rusqlite::hooks::Wal, pages: i32| {
                log.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
                Ok(())
            }
        }))?;
        let (copied, copying) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(())));
        let (wake, woken) = sync_channel::<()>(1);
        let connection = Connection::open(file)?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn({
            let (copied, copying) = (Arc::clone(&copied), Arc::clone(&copying));
            move || {
                while woken.recv().is_ok() {
                    copied.store(copy(&connection, &copying), Ordering::Relaxed);
                }
            }
        });
        let thread = thread.map_err(|why| rusqlite::Error::ToSqlConversionFailure(why.into()))?;
        Ok(Self {
            log,
            copied,
            wake: Some(wake),
            thread: Some(thread),
            pages: (most / 2).min(limits::CHECKPOINT_PAGES),
            most: most.min(limits::WAL_PAGES_MAX),
            copying,
        })
    }

    /// After each commit: wakes the thread, or copies a short rest. On a full disk everything is copied at once,
    /// so that the log's own room is used again and again.
    pub(super) fn after_commit(&self, writer: &Connection, disk_is_full: bool) {
        if disk_is_full {
            self.copied.store(copy(writer, &self.copying), Ordering::Relaxed);
            return;
        }
        let log = self.log.load(Ordering::Relaxed);
        if log < self.pages {
            return;
        }
        let rest = log.saturating_sub(self.copied.load(Ordering::Relaxed));
        if rest <= limits::CHECKPOINT_REST_PAGES || log >= self.most {
            self.copied.store(copy(writer, &self.copying), Ordering::Relaxed);
        } else if let Some(wake) = &self.wake {
            // Full: it is awake already.
            let _ = wake.try_send(());
        }
    }
}

/// Pages of the log that are in the file now. Failing is no harm: the log stays, and is copied next time.
fn copy(connection: &Connection, copying: &Mutex<()>) -> usize {
    let _alone = copying.lock().unwrap_or_else(PoisonError::into_inner);
    match connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE) {
        // Copied to its end: the next commit begins the log anew.
        Ok((log, copied)) if log == copied => 0,
        Ok((_, copied)) => usize::try_from(copied).unwrap_or(0),
        Err(error) => {
            tracing::debug!(%error, "the log was not copied this time");
            0
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // It holds nothing but its connection.
            let _ = thread.join();
        }
    }
}
