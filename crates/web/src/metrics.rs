//! What is counted, and how it is told to Prometheus.
//!
//! In: one call at its end ([`Metrics::call`]), one commit as it stands ([`Metrics::follow`]). Out: the text of
//! `/metrics`. Counters of the hot path are fetched once and lie in arrays, so that a call costs a few additions.
//! Labels are closed lists: no key, customer, link or path ever becomes one.

use std::fmt;
use std::time::Duration;

use panelworks_core::order::OrderStatus;
use panelworks_core::world::Changes;
use panelworks_store::neighbours::Standing;
use panelworks_wire::ErrorText;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::api_v2::{Action, Ending};

/// Upper bounds of the latency histogram, in seconds.
const LATENCY_S: [f64; 13] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Upper bounds of the orders in one commit.
const BATCH_ORDERS: [f64; 8] = [1.0, 4.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    action: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabel {
    action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabel {
    error: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: &'static str,
}

/// See the module's head.
pub(crate) struct Metrics {
    registry: Registry,
    calls: [[Counter; Ending::ALL.len()]; Action::ALL.len()],
    latency: [Histogram; Action::ALL.len()],
    refusals: Family<RefusalLabel, Counter>,
    under_way: Gauge,
    connections: Gauge,
    refused_connections: Counter,
    queue: Gauge,
    placed: Counter,
    archived: Counter,
    ended: [Counter; ENDS.len()],
    commits: Counter,
    batch_orders: Histogram,
    attempts_waiting: Gauge,
    orders_followed: Gauge,
    providers_held_back: Gauge,
    log_lines_dropped: Gauge,
    nodes_live: Gauge,
    nodes_worked_for: Gauge,
    nodes_taken_over: Counter,
}

/// How it is behind the doors: what the engine and the log count by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Behind {
    pub attempts_waiting: usize,
    pub orders_followed: usize,
    pub providers_held_back: usize,
    pub log_lines_dropped: usize,
}

const ENDS: [(OrderStatus, &str); 4] = [
    (OrderStatus::Completed, "Completed"),
    (OrderStatus::Partial, "Partial"),
    (OrderStatus::Canceled, "Canceled"),
    (OrderStatus::Expired, "Expired"),
];

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("panelworks");
        let calls = Family::<CallLabels, Counter>::default();
        let latency = Family::<ActionLabel, Histogram, fn() -> Histogram>::new_with_constructor(|| {
            Histogram::new(LATENCY_S)
        });
        let ended = Family::<StatusLabel, Counter>::default();
        let metrics = Self {
            calls: Action::ALL.map(|action| {
                Ending::ALL.map(|ending| {
                    calls.get_or_create_owned(&CallLabels { action: action.name(), outcome: ending.name() })
                })
            }),
            latency: Action::ALL
                .map(|action| latency.get_or_create_owned(&ActionLabel { action: action.name() })),
            refusals: Family::default(),
            under_way: Gauge::default(),
            connections: Gauge::default(),
            refused_connections: Counter::default(),
            queue: Gauge::default(),
            placed: Counter::default(),
            archived: Counter::default(),
            ended: ENDS.map(|(_, status)| ended.get_or_create_owned(&StatusLabel { status })),
            commits: Counter::default(),
            batch_orders: Histogram::new(BATCH_ORDERS),
            attempts_waiting: Gauge::default(),
            orders_followed: Gauge::default(),
            providers_held_back: Gauge::default(),
            log_lines_dropped: Gauge::default(),
            nodes_live: Gauge::default(),
            nodes_worked_for: Gauge::default(),
            nodes_taken_over: Counter::default(),
            registry: Registry::default(),
        };
        registry.register("api_calls", "Calls of API v2 by action and outcome", calls);
        registry.register("api_call_seconds", "Time to answer a call of API v2", latency);
        registry.register(
            "api_refusals",
            "Calls answered with an error, by its text",
            metrics.refusals.clone(),
        );
        registry.register("api_calls_under_way", "Calls being answered now", metrics.under_way.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        let refused = metrics.refused_connections.clone();
        registry.register("connections_refused", "Connections closed because there were too many", refused);
        registry.register("queue_commands", "Commands that wait for the executor", metrics.queue.clone());
        registry.register(
            "orders_placed",
            "Orders accepted, runs and posts included",
            metrics.placed.clone(),
        );
        registry.register("orders_ended", "Orders that came to their end, by status", ended);
        let archived = metrics.archived.clone();
        registry.register("orders_archived", "Finished orders that went to the archive", archived);
        registry.register("commits", "Batches committed", metrics.commits.clone());
        let gauges = [
            ("attempts_waiting", "Attempts that wait to be sent to a provider", &metrics.attempts_waiting),
            ("orders_followed", "Orders whose provider is asked about them", &metrics.orders_followed),
            ("providers_held_back", "Providers that get nothing new for now", &metrics.providers_held_back),
            ("log_lines_dropped", "Lines of the log that found no room", &metrics.log_lines_dropped),
            ("nodes_live", "Nodes of this panel that gave a sign of life lately", &metrics.nodes_live),
            (
                "nodes_worked_for",
                "Nodes whose orders this one works on, itself included",
                &metrics.nodes_worked_for,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register(
            "nodes_taken_over",
            "Nodes whose work this one took over since its start",
            metrics.nodes_taken_over.clone(),
        );
        let batch_orders = metrics.batch_orders.clone();
        registry.register("commit_orders", "Orders written by one commit", batch_orders);
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// Counts a call that has been answered.
    pub(crate) fn call(&self, action: Action, ending: Ending, error: Option<&ErrorText>, took: Duration) {
        self.calls[action as usize][ending as usize].inc();
        self.latency[action as usize].observe(took.as_secs_f64());
        if let Some(error) = error {
            self.refusals.get_or_create(&RefusalLabel { error: error_name(error) }).inc();
        }
    }

    /// Counts a call in for as long as the guard lives; None when there are too many already.
    pub(crate) fn enter(&self, most: usize) -> Option<UnderWay<'_>> {
        let before = self.under_way.inc();
        let guard = UnderWay(&self.under_way);
        (before < i64::try_from(most).unwrap_or(i64::MAX)).then_some(guard)
    }

    pub(crate) fn connections(&self, open: usize) {
        self.connections.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    pub(crate) fn connection_refused(&self) {
        self.refused_connections.inc();
    }

    /// Counts a commit: what was placed, and what ended.
    pub(crate) fn follow(&self, changes: &Changes) {
        let mut placed = 0;
        for change in &changes.orders {
            placed += u64::from(change.before.is_none());
            let before = change.before.as_ref().map(|file| file.order.status);
            let after = change.after.order.status;
            if before != Some(after)
                && let Some(place) = ENDS.iter().position(|(end, _)| *end == after)
            {
                self.ended[place].inc();
            }
        }
        self.commits.inc();
        self.archived.inc_by(changes.archived.len() as u64);
        if !changes.orders.is_empty() {
            self.placed.inc_by(placed);
            #[expect(clippy::cast_precision_loss, reason = "a batch has some hundreds of orders")]
            self.batch_orders.observe(changes.orders.len() as f64);
        }
    }

    /// Takes over what others count.
    pub(crate) fn behind(&self, behind: Behind) {
        let set = |gauge: &Gauge, count: usize| gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        set(&self.attempts_waiting, behind.attempts_waiting);
        set(&self.orders_followed, behind.orders_followed);
        set(&self.providers_held_back, behind.providers_held_back);
        set(&self.log_lines_dropped, behind.log_lines_dropped);
    }

    /// Takes over how it stands between the nodes.
    pub(crate) fn neighbours(&self, standing: Standing) {
        let set = |gauge: &Gauge, count: usize| gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        set(&self.nodes_live, standing.live);
        set(&self.nodes_worked_for, standing.streams);
        self.nodes_taken_over.inc_by(standing.taken_over.saturating_sub(self.nodes_taken_over.get()));
    }

    /// The text of `/metrics`, in the `OpenMetrics` format.
    pub(crate) fn text(&self, queue: usize) -> Result<String, fmt::Error> {
        self.queue.set(i64::try_from(queue).unwrap_or(i64::MAX));
        let mut text = String::with_capacity(16 * 1024);
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("placed", &self.placed.get()).finish_non_exhaustive()
    }
}

/// A call that is being answered.
#[derive(Debug)]
pub(crate) struct UnderWay<'a>(&'a Gauge);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The error's name as a label: the texts of operators and the numbers in texts stay out.
const fn error_name(error: &ErrorText) -> &'static str {
    match error {
        ErrorText::InvalidApiKey => "invalid_api_key",
        ErrorText::AccountSuspended => "account_suspended",
        ErrorText::IncorrectRequest => "incorrect_request",
        ErrorText::IncorrectServiceId => "incorrect_service_id",
        ErrorText::BadLink => "bad_link",
        ErrorText::IncorrectQuantity => "incorrect_quantity",
        ErrorText::BelowMinimum(_) => "below_minimum",
        ErrorText::AboveMaximum(_) => "above_maximum",
        ErrorText::NotEnoughFunds => "not_enough_funds",
        ErrorText::ActiveOrderWithLink => "active_order_with_link",
        ErrorText::IncorrectComments => "incorrect_comments",
        ErrorText::Incorrect(_) => "incorrect_parameter",
        ErrorText::DripfeedNotSupported => "dripfeed_not_supported",
        ErrorText::IncorrectOrderId => "incorrect_order_id",
        ErrorText::RefillDisabled => "refill_disabled",
        ErrorText::OrderNotCompleted => "order_not_completed",
        ErrorText::RefillTooEarly => "refill_too_early",
        ErrorText::RefillOpen => "refill_open",
        ErrorText::RefillNotFound => "refill_not_found",
        ErrorText::RefillNotAvailable => "refill_not_available",
        ErrorText::CancelNotAvailable => "cancel_not_available",
        ErrorText::CancelSentEarlier => "cancel_sent_earlier",
        ErrorText::CancelNotFound => "cancel_not_found",
        ErrorText::TooManyIds => "too_many_ids",
        ErrorText::IdempotencyMismatch => "idempotency_mismatch",
        ErrorText::TooManyRequests => "too_many_requests",
        ErrorText::Configured(_) => "configured",
        ErrorText::TemporarilyUnavailable => "temporarily_unavailable",
        ErrorText::SomethingWentWrong => "something_went_wrong",
        ErrorText::IpNotAllowed => "ip_not_allowed",
    }
}
