//! Customers who order without a pause, and remember every answer.
//!
//! Half of them give each intent an idempotency key and ask again until they are answered, across restarts of the
//! panel; the others never repeat what may have been taken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Api, error_of};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What all customers together know.
#[derive(Debug, Default)]
pub struct Known {
    /// Link → order, as the panel said.
    pub acknowledged: BTreeMap<String, u64>,
    /// Links whose add was sent and not answered.
    pub unanswered: Vec<String>,
    /// Refusals by text.
    pub refused: BTreeMap<String, usize>,
    /// One key, two orders.
    pub contradictions: Vec<String>,
}

/// Customers at work; they stop when told and are then done at once.
#[derive(Debug)]
pub struct Load {
    known: Arc<Mutex<Known>>,
    panel: watch::Sender<Option<Api>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    /// `customers` who order `service`; each link begins with `name`.
    pub fn start(name: &str, customers: usize, service: u64) -> Self {
        let known: Arc<Mutex<Known>> = Arc::default();
        let (panel, _) = watch::channel(None);
        let tasks = (0..customers)
            .map(|number| {
                let customer = Customer {
                    name: format!("{name}-{number}"),
                    keyed: number % 2 == 0,
                    service: service.to_string(),
                    known: Arc::clone(&known),
                };
                tokio::spawn(customer.order_on(panel.subscribe()))
            })
            .collect();
        Self { known, panel, tasks }
    }

    /// The panel is there (again); without one they wait.
    pub fn is_at(&self, panel: Option<Api>) {
        self.panel.send_replace(panel);
    }

    pub fn acknowledged(&self) -> usize {
        lock(&self.known).acknowledged.len()
    }

    pub fn refused(&self) -> usize {
        lock(&self.known).refused.values().sum()
    }

    /// Orders that were acknowledged so far, in the order of their links.
    pub fn orders(&self) -> Vec<u64> {
        lock(&self.known).acknowledged.values().copied().collect()
    }

    /// Ends it; all that was learned.
    pub async fn stop(self) -> Known {
        drop(self.panel);
        for task in self.tasks {
            task.await.expect("no customer panics");
        }
        std::mem::take(&mut lock(&self.known))
    }
}

fn lock(known: &Mutex<Known>) -> std::sync::MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Customer {
    name: String,
    keyed: bool,
    service: String,
    known: Arc<Mutex<Known>>,
}

impl Customer {
    async fn order_on(self, mut panel: watch::Receiver<Option<Api>>) {
        for intent in 0_u32.. {
            let link = format!("https://example.com/{}/{intent}", self.name);
            // A customer with a key goes on until this intent is answered, one without tries once.
            loop {
                let found = panel.wait_for(Option::is_some).await.map(|api| api.clone());
                let Ok(Some(api)) = found else {
                    return;
                };
                if self.add(&api, &link).await {
                    break;
                }
                if is_over(&panel) {
                    return self.gave_up(&link);
                }
                if !self.keyed {
                    break;
                }
                tokio::task::yield_now().await;
            }
            if is_over(&panel) {
                return;
            }
        }
    }

    /// True when the panel said what became of it.
    async fn add(&self, api: &Api, link: &str) -> bool {
        let mut fields =
            vec![("action", "add"), ("service", self.service.as_str()), ("link", link), ("quantity", "100")];
        if self.keyed {
            fields.push(("request_id", link));
        }
        let answer = match api.try_call(&fields).await {
            Ok(answer) if answer.status == 200 => answer.json(),
            Ok(answer) => panic!("add answered {answer:?}"),
            Err(_) => {
                if !self.keyed {
                    self.gave_up(link);
                }
                return false;
            }
        };
        self.learn(link, &answer);
        answer["order"].is_u64()
    }

    fn learn(&self, link: &str, answer: &Value) {
        let mut known = lock(&self.known);
        let Some(order) = answer["order"].as_u64() else {
            *known.refused.entry(error_of(answer).to_owned()).or_default() += 1;
            return;
        };
        if let Some(before) = known.acknowledged.insert(link.to_owned(), order)
            && before != order
        {
            known.contradictions.push(format!("{link}: {before} and {order}"));
        }
    }

    fn gave_up(&self, link: &str) {
        lock(&self.known).unanswered.push(link.to_owned());
    }
}

fn is_over(panel: &watch::Receiver<Option<Api>>) -> bool {
    panel.has_changed().is_err()
}
