//! The witness: what really arrived and what was really created, whatever the answers said.
//!
//! In: every request, as it was understood. Out: exact counters by action, the last arrivals, and a row for
//! every order an `add` created (not for the runs and posts that follow from it by themselves). The rows of
//! orders are read from the books, so a million of them cost nothing twice. It never answers a customer. Used
//! by tests to count what was bought against what was asked for (`invariants.md`, B1).

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::action::Action;
use crate::books::{Books, Order, Part};
use crate::civil;
use crate::limits;

/// One request that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Milliseconds since 1970.
    pub at: i64,
    /// What it asked for.
    pub action: Action,
    /// The service an `add` named, if it was a number.
    pub service: Option<u32>,
    /// The link or username an `add` named; empty where there was none.
    pub link: Box<str>,
    /// The quantity an `add` named, or that follows from its list.
    pub quantity: Option<u64>,
    /// The order it created.
    pub order: Option<u64>,
}

/// What has arrived since the provider was started.
#[derive(Debug, Default)]
pub struct Witness {
    requests: BTreeMap<Action, u64>,
    arrivals: VecDeque<Arrival>,
}

impl Witness {
    pub(crate) fn note(&mut self, arrival: Arrival) {
        *self.requests.entry(arrival.action).or_default() += 1;
        if self.arrivals.len() == limits::ARRIVALS_KEPT {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(arrival);
    }

    /// How many requests of this action arrived. After a restart: the `add`s of the journal, and all since.
    pub fn count(&self, action: Action) -> u64 {
        self.requests.get(&action).copied().unwrap_or(0)
    }

    /// The counters of all actions that were asked for.
    pub fn counts(&self) -> &BTreeMap<Action, u64> {
        &self.requests
    }

    /// The last arrivals, oldest first; at most `limits::ARRIVALS_KEPT`.
    pub fn arrivals(&self) -> impl ExactSizeIterator<Item = &Arrival> {
        self.arrivals.iter()
    }
}

/// An order that was really created by an `add`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WitnessedOrder {
    /// Its id.
    pub order: u64,
    /// Of which service.
    pub service: u32,
    /// For which link or username; empty where the service takes none.
    pub link: String,
    /// Units ordered: of one run for a drip-feed, the most for one post for a subscription.
    pub quantity: u64,
    /// The runs of a drip-feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<u32>,
    /// When, RFC 3339.
    pub at: String,
}

impl WitnessedOrder {
    fn of(order: &Order) -> WitnessedOrder {
        let (quantity, runs) = match &order.part {
            Part::Single { .. } => (order.quantity, None),
            Part::DripFeed(state) => (state.terms.each, Some(state.terms.runs)),
            Part::Subscription(state) => (state.terms.max, None),
        };
        WitnessedOrder {
            order: order.id,
            service: order.service,
            link: order.link.to_string(),
            quantity,
            runs,
            at: civil::instant_text(order.placed_at),
        }
    }
}

/// At most `limit` orders with an id above `after`, in the sequence of their ids.
pub(crate) fn orders_after(books: &Books, after: u64, limit: usize) -> Vec<WitnessedOrder> {
    let orders = books.orders();
    let first = orders.partition_point(|order| order.id <= after);
    let own = orders[first..].iter().filter(|order| order.parent().is_none());
    own.take(limit).map(WitnessedOrder::of).collect()
}
