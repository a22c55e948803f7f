//! Retention: finished orders older than the operator keeps them go to the archive, a few at a time.
//!
//! In: how long they stay, a reader of its own, the executor's handle, the clock. Out: commands of [`limits::ARCHIVED_ORDERS`]
//! orders, never two at once, and a rest after each that is longer than it took: customers' orders find the executor
//! free. Which of them really rest, the core decides in the batch that moves them (`core/order/archive.rs`); a walk that
//! is cut off anywhere is simply made again. On shared books each node walks over the orders that it works on. Rules:
//! issue 4, Retention. Never: a rule, a write past the executor.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use panelworks_core::command::Command;
use panelworks_core::ids::OrderId;
use panelworks_core::outcome::Done;
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::executor::{Handle, Lane, Undecided};
use panelworks_store::ports::{OldOrders, Queue, StoreError};
use tokio::sync::watch;

use crate::drive::live::Clock;
use crate::limits;

/// What it works with.
pub struct Retention {
    /// How long a finished order stays where it is worked on.
    pub kept: Span,
    pub handle: Handle,
    pub clock: Clock,
    pub queue: Arc<Mutex<Box<dyn Queue + Send>>>,
}

impl std::fmt::Debug for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Retention").field("kept", &self.kept).finish_non_exhaustive()
    }
}

/// Why a walk ended before its end. It is made again soon.
#[derive(Debug, thiserror::Error)]
enum CutOff {
    #[error("old orders can't be read: {0}")]
    Unread(#[from] StoreError),
    #[error("the executor took none: {0}")]
    Refused(#[from] Undecided),
    #[error("whoever should have answered is gone")]
    Gone,
}

impl Retention {
    /// Walks, rests, and walks again, until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            let rest = tokio::select! {
                walked = self.walk() => rest_after(walked),
                () = told(&mut stop) => return,
            };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = told(&mut stop) => return,
            }
        }
    }

    /// From the oldest order to where none can be old any more; how many went.
    async fn walk(&self) -> Result<u64, CutOff> {
        let before = (self.clock)().after(Span(-self.kept.0));
        let (mut after, mut young, mut archived) = (OrderId(0), 0, 0);
        loop {
            let step = self.look(after, before).await?;
            for orders in step.orders.chunks(limits::ARCHIVED_ORDERS) {
                archived += self.archive(orders).await?;
            }
            young = if step.young >= limits::OLD_ROWS { young + step.young } else { 0 };
            match step.next {
                Some(next) if young < limits::YOUNG_ROWS => after = next,
                Some(_) | None => return Ok(archived),
            }
            // A step took a few milliseconds of a reader; nobody waits for the walk.
            tokio::time::sleep(limits::LOOK_REST).await;
        }
    }

    async fn look(&self, after: OrderId, before: Timestamp) -> Result<OldOrders, CutOff> {
        let queue = Arc::clone(&self.queue);
        let looked = tokio::task::spawn_blocking(move || {
            let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.old_orders(after, before, limits::OLD_ROWS)
        });
        Ok(looked.await.map_err(|_| CutOff::Gone)??)
    }

    async fn archive(&self, orders: &[OrderId]) -> Result<u64, CutOff> {
        let began = Instant::now();
        let command = Command::ArchiveOrders { orders: orders.to_vec(), kept: self.kept };
        let reply = self.handle.submit(Lane::Panel, command).await.map_err(|_| CutOff::Gone)?;
        let archived = match reply? {
            Ok(Done::Archived { orders }) => u64::from(orders),
            // Only a service that is missing is refused, and none ever is: the orders stay, the rest goes on.
            other => {
                tracing::warn!(?other, ?orders, "these orders can't be archived");
                0
            }
        };
        tokio::time::sleep(began.elapsed() * limits::ARCHIVE_REST).await;
        Ok(archived)
    }
}

fn rest_after(walked: Result<u64, CutOff>) -> Duration {
    match walked {
        Ok(0) => limits::RETENTION_EVERY,
        Ok(orders) => {
            tracing::info!(orders, "old orders went to the archive");
            limits::RETENTION_EVERY
        }
        Err(why) => {
            tracing::debug!(%why, "the walk over old orders was cut off; it is made again");
            limits::RETENTION_AGAIN
        }
    }
}

async fn told(stop: &mut watch::Receiver<bool>) {
    // An error means that the panel is gone, which is a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
}
