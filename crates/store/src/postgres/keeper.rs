//! What a node does beside its batches, on a thread and a connection of its own: a sign of life when no batch gives
//! one, and idempotency keys swept when their day is over.
//!
//! In: the node and its epoch. Out: a lease that does not run out as long as the process runs. It ends with the books.
//! It decides nothing: once the epoch is over it changes nothing any more.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Options;
use super::connection::Connection;
use super::error::{Failure, error};
use super::node::{self, Taken};
use super::values::{eight, four};
use crate::limits;
use crate::ports::{StoreError, StoreErrorKind};

/// When the node last gave a sign of life, by this machine's monotonic clock.
#[derive(Debug)]
pub(super) struct Lease(Mutex<Instant>);

impl Lease {
    pub(super) fn renewed_now() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(super) fn renewed(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn is_due(&self, after: Duration) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= after
    }
}

/// Some rows at a time, oldest first, by the index `idempotency_age`. The day is counted by the clock of the database
/// and an hour is added: a decision that still honours a key finds it.
pub(super) const SWEEP: &str = "delete from idempotency using (select customer, key from idempotency \
       where accepted_at < cast(extract(epoch from now()) * 1000 as bigint) - $1 order by accepted_at limit $2) as old \
     where idempotency.customer = old.customer and idempotency.key = old.key";

/// See the module's head.
#[derive(Debug)]
pub(super) struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(options: Options, taken: Taken, lease: Arc<Lease>) -> Result<Self, StoreError> {
        let failed = |why: String| error("starting the keeper", why, StoreErrorKind::Failed);
        let (stop, stopped) = channel::<()>();
        let mut connection =
            Connection::new(options).map_err(|failure| failure.doing("starting the keeper"))?;
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(limits::LEASE_RENEWED / 2) {
                if let Err(failure) = tend(&mut connection, taken, &lease) {
                    tracing::debug!(?failure, "the node's lease was not renewed this time");
                }
            }
        });
        Ok(Self { stop: Some(stop), thread: Some(thread.map_err(|why| failed(why.to_string()))?) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("the keeper had panicked");
        }
    }
}

fn tend(connection: &mut Connection, taken: Taken, lease: &Lease) -> Result<(), Failure> {
    if !connection.is_live() {
        connection.connect()?;
    }
    connection.look_again()?;
    let kept = eight(panelworks_core::limits::IDEMPOTENCY_KEPT.0)? + SLACK_MS;
    connection.ask(SWEEP, &[&kept, &eight(limits::SWEPT_ROWS)?])?;
    if lease.is_due(limits::LEASE_RENEWED) {
        let (number, epoch) = (four(taken.node.0)?, four(taken.epoch)?);
        let until = eight(limits::LEASE.as_millis())?;
        connection.ask(node::RENEW, &[&number, &epoch, &until])?;
        lease.renewed();
    }
    Ok(())
}

/// Clocks of nodes and database may differ so much.
const SLACK_MS: i64 = 60 * 60 * 1_000;
