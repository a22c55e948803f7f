//! Customers who order at a steady pace, each intent with a key of its own, and ask again with it until they are
//! answered: what a careful program does when its panel says "temporarily unavailable".

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use panelworks_tests::{Api, error_of};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Between two intents of one customer, and between two tries of one intent.
const PACE: Duration = Duration::from_millis(40);
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// What all of them know.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Link → order, as the panel said.
    pub(crate) acknowledged: BTreeMap<String, u64>,
    /// When each acknowledgement came, in order.
    pub(crate) moments: Vec<Instant>,
    /// Refusals by text.
    pub(crate) refused: BTreeMap<String, usize>,
    /// One key, two orders.
    pub(crate) contradictions: Vec<String>,
    /// Intents that nobody has answered when all ended.
    pub(crate) unanswered: Vec<String>,
    /// The longest that any call waited for its answer.
    pub(crate) slowest: Duration,
}

impl Known {
    /// The longest time from one acknowledgement to the next, of those that ended after `since`.
    pub(crate) fn longest_silence(&self, since: Instant) -> Duration {
        let pairs = self.moments.windows(2).filter(|pair| pair[1] >= since);
        pairs.map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }
}

/// Customers at work.
#[derive(Debug)]
pub(crate) struct Buyers {
    known: Arc<Mutex<Known>>,
    /// Dropped: nothing new is begun.
    work: watch::Sender<()>,
    tasks: Vec<JoinHandle<()>>,
}

impl Buyers {
    /// `count` customers who order `service` at `panel`; each link begins with `name`.
    pub(crate) fn start(name: &str, count: usize, panel: &Api, service: u64) -> Self {
        let known: Arc<Mutex<Known>> = Arc::default();
        let (work, over) = watch::channel(());
        let buyer = |number: usize| Buyer {
            name: format!("{name}-{number}"),
            panel: panel.clone(),
            service: service.to_string(),
            known: Arc::clone(&known),
            over: over.clone(),
        };
        let tasks = (0..count).map(|number| tokio::spawn(buyer(number).order())).collect();
        Self { known, work, tasks }
    }

    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.known().acknowledged.len()
    }

    /// Lets everybody finish the intent he is at, for so long.
    pub(crate) async fn stop(self, patience: Duration) -> Known {
        drop(self.work);
        let limit = Instant::now() + patience;
        for task in self.tasks {
            let stop = task.abort_handle();
            if let Ok(ended) = tokio::time::timeout_at(limit.into(), task).await {
                ended.expect("no customer panics");
            } else {
                stop.abort();
            }
        }
        std::mem::take(&mut lock(&self.known))
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Buyer {
    name: String,
    panel: Api,
    service: String,
    known: Arc<Mutex<Known>>,
    over: watch::Receiver<()>,
}

impl Buyer {
    async fn order(self) {
        for intent in 0_u32.. {
            if self.over.has_changed().is_err() {
                return;
            }
            let link = format!("https://example.com/{}/{intent}", self.name);
            lock(&self.known).unanswered.push(link.clone());
            while !self.add(&link).await {
                tokio::time::sleep(TRY_AGAIN).await;
            }
            lock(&self.known).unanswered.retain(|one| *one != link);
            tokio::time::sleep(PACE).await;
        }
    }

    /// True when the panel has taken it.
    async fn add(&self, link: &str) -> bool {
        let fields = [
            ("action", "add"),
            ("service", self.service.as_str()),
            ("link", link),
            ("quantity", "100"),
            ("request_id", link),
        ];
        let began = Instant::now();
        let answer = self.panel.try_call(&fields).await;
        let answer = match answer {
            Ok(answer) if answer.status == 200 => answer.json(),
            Ok(answer) => panic!("add answered {answer:?}"),
            // A panel that has stopped; its customers see it and ask again.
            Err(_) => return false,
        };
        self.learn(link, &answer, began.elapsed())
    }

    fn learn(&self, link: &str, answer: &Value, took: Duration) -> bool {
        let mut known = lock(&self.known);
        known.slowest = known.slowest.max(took);
        let Some(order) = answer["order"].as_u64() else {
            *known.refused.entry(error_of(answer).to_owned()).or_default() += 1;
            return false;
        };
        known.moments.push(Instant::now());
        if let Some(before) = known.acknowledged.insert(link.to_owned(), order)
            && before != order
        {
            known.contradictions.push(format!("{link}: {before} and {order}"));
        }
        true
    }
}
