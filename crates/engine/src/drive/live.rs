//! The engine over HTTP and the real clock, as one task.
//!
//! In: commits of this node and words of others, through [`Ears`]; a clock; the store's work queue; the providers' endpoints. Out: commands to the
//! executor, calls to providers. Stopping takes no new work, and waits for the calls that may have spent money.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use panelworks_client::{
    ClientCall, Endpoint, Exchanged, Failure, Phase, Transport, limits as client_limits,
};
use panelworks_core::ids::ProviderAccountId;
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::executor::{Committed, Handle, Reply, Undecided};
use panelworks_store::neighbours::Word;
use panelworks_store::ports::Queue;
use tokio::sync::{mpsc, watch};

use super::claims::{Claims, too_late};
use crate::engine::{Act, Calls, Engine, Found, Ticket};
use crate::limits;

/// Something the engine hears.
#[derive(Debug)]
enum Heard {
    Committed(Arc<Committed>),
    Said(Word),
    Decided(Ticket, Reply),
    Answered(Ticket, Result<Exchanged, Failure>),
    Found(Found),
}

/// The end that commits are told to: hold it in the executor's follower.
#[derive(Debug, Clone)]
pub struct Ears(mpsc::UnboundedSender<Heard>);

impl Ears {
    /// Never blocks. What waits here is bounded by what the executor commits while the engine takes its turn.
    pub fn hear(&self, committed: &Arc<Committed>) {
        // Nobody listens only when the panel stops; the next start reads the books.
        let _ = self.0.send(Heard::Committed(Arc::clone(committed)));
    }

    /// What other nodes did. Never blocks either.
    pub fn hear_word(&self, word: Word) {
        let _ = self.0.send(Heard::Said(word));
    }
}

/// Where a provider account is reached; None for one that can't be called now.
pub type Endpoints = Arc<dyn Fn(ProviderAccountId) -> Option<Endpoint> + Send + Sync>;
/// The time, as everybody in the panel has it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the driver works with.
pub struct Means {
    pub handle: Handle,
    pub transport: Transport,
    pub endpoints: Endpoints,
    pub clock: Clock,
    pub queue: Arc<Mutex<Box<dyn Queue + Send>>>,
}

impl std::fmt::Debug for Means {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Means").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// An engine that is not running yet.
#[derive(Debug)]
pub struct Live {
    inbox: mpsc::UnboundedReceiver<Heard>,
    ears: Ears,
    claims: Claims<Instant>,
}

impl Default for Live {
    fn default() -> Self {
        let (sender, inbox) = mpsc::unbounded_channel();
        Self { inbox, ears: Ears(sender), claims: Claims::default() }
    }
}

impl Live {
    pub fn ears(&self) -> Ears {
        self.ears.clone()
    }

    /// Runs until `stop` turns true and what may have spent money is recorded, at most [`STOP_WITHIN`] later.
    /// `report` hears the engine's load after each turn, for metrics.
    pub async fn run(
        mut self,
        mut engine: Engine,
        means: Means,
        mut stop: watch::Receiver<bool>,
        report: impl Fn(&Engine),
    ) {
        let mut stopping: Option<tokio::time::Instant> = None;
        loop {
            let now = (means.clock)();
            let next = engine.next(now);
            for act in next.acts {
                self.perform(act, &means);
            }
            report(&engine);
            if stopping.is_some_and(|deadline| engine.is_idle() || tokio::time::Instant::now() >= deadline) {
                return;
            }
            let wait = next.wake.map_or(Duration::from_mins(1), |wake| {
                Duration::from_millis(u64::try_from(wake.since(now).0).unwrap_or(0))
            });
            tokio::select! {
                heard = self.inbox.recv() => {
                    let Some(heard) = heard else { return };
                    self.tell(&mut engine, (means.clock)(), heard);
                    while let Ok(heard) = self.inbox.try_recv() {
                        self.tell(&mut engine, (means.clock)(), heard);
                    }
                }
                () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => {}
                _ = stop.changed(), if stopping.is_none() => {
                    engine.stop_sending();
                    stopping = Some(tokio::time::Instant::now() + STOP_WITHIN);
                }
            }
        }
    }

    fn tell(&mut self, engine: &mut Engine, now: Timestamp, heard: Heard) {
        match heard {
            Heard::Committed(committed) => engine.heard(now, &committed.changes, &committed.elsewhere),
            Heard::Said(Word::Changed(changes)) => engine.heard(now, &changes, &[]),
            Heard::Said(Word::Touched(orders)) => engine.touched(&orders),
            Heard::Said(Word::Inherited(nodes)) => engine.inherited(nodes),
            // The doors' and the program's business.
            Heard::Said(Word::Called(_) | Word::Deaf | Word::Hears | Word::Over(_)) => {}
            Heard::Decided(ticket, reply) => {
                self.claims.decided(ticket, &reply);
                engine.decided(now, ticket, reply);
            }
            Heard::Answered(ticket, answer) => engine.answered(now, ticket, &answer),
            Heard::Found(found) => engine.found(now, found),
        }
    }

    fn perform(&mut self, act: Act, means: &Means) {
        let ears = self.ears.0.clone();
        match act {
            Act::Submit { ticket, priority, command } => {
                self.claims.asked(ticket, &command, Instant::now());
                let reply = means.handle.submit(priority, command);
                tokio::spawn(async move {
                    let reply = reply.await.unwrap_or(Err(Undecided::Stopping));
                    let _ = ears.send(Heard::Decided(ticket, reply));
                });
            }
            Act::Ask { ticket, account, call, kind } => {
                let endpoint = (means.endpoints)(account);
                let (transport, clock) = (means.transport.clone(), Arc::clone(&means.clock));
                let claimed = self.claims.take(kind);
                tokio::spawn(async move {
                    let since = claimed.map(|asked| span(asked.elapsed()));
                    let too_late = too_late(kind, since, clock());
                    let answer = match (endpoint, too_late) {
                        (_, Some(failure)) => Err(failure),
                        (Some(endpoint), None) => ask(&transport, &endpoint, &call, kind).await,
                        (None, None) => Err(Failure {
                            phase: Phase::NotSent,
                            why: "the provider's address or key can't be used".to_owned(),
                        }),
                    };
                    let _ = ears.send(Heard::Answered(ticket, answer));
                });
            }
            Act::ReadOpen { share, after } => self.read(means, move |queue| {
                let files = queue.open_files(&share, after, limits::START_ROWS)?;
                let more = files.len() >= limits::START_ROWS;
                Ok(Found::Open { share: share.clone(), files, more })
            }),
            Act::ReadOrders(ids) => self.read(means, move |queue| {
                Ok(Found::Orders { files: queue.files(&ids)?, asked: ids.clone() })
            }),
            Act::ReadEnded { after, since } => self.read(means, move |queue| {
                let (files, next) = queue.ended_files(after, since, limits::RECHECK_ROWS)?;
                Ok(Found::Ended { files, next })
            }),
        }
    }

    /// Reads on a thread that may block; tried again until it works, because nothing else finds that work.
    fn read(
        &self,
        means: &Means,
        question: impl Fn(&dyn Queue) -> Result<Found, panelworks_store::ports::StoreError> + Send + 'static,
    ) {
        let ears = self.ears.0.clone();
        let queue = Arc::clone(&means.queue);
        tokio::task::spawn_blocking(move || {
            for tries in 0_u32.. {
                let found = question(&**queue.lock().unwrap_or_else(PoisonError::into_inner));
                match found {
                    Ok(found) => {
                        let _ = ears.send(Heard::Found(found));
                        return;
                    }
                    Err(error) if ears.is_closed() => {
                        tracing::debug!(%error, "stopped while looking for work");
                        return;
                    }
                    Err(error) => {
                        if tries.is_multiple_of(limits::TRIES_BETWEEN_LINES) {
                            tracing::error!(%error, "can't look for open orders; trying again");
                        }
                        std::thread::sleep(Duration::from_secs(1));
                    }
                }
            }
        });
    }
}

/// How long a stop waits for calls under way: a little more than a call's own deadline.
pub const STOP_WITHIN: Duration = Duration::from_secs(35);

fn span(duration: Duration) -> Span {
    Span(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

async fn ask(
    transport: &Transport,
    endpoint: &Endpoint,
    call: &ClientCall,
    kind: Calls,
) -> Result<Exchanged, Failure> {
    let form = call.to_form(endpoint.key().expose());
    let headers: Vec<(&str, &str)> =
        call.idempotency_key().map(|token| ("Idempotency-Key", token)).into_iter().collect();
    let deadline = match kind {
        Calls::Add(_) => client_limits::WRITE_DEADLINE,
        Calls::Question => client_limits::READ_DEADLINE,
    };
    transport.exchange(endpoint, form, &headers, deadline, client_limits::ANSWER_BYTES).await
}
