//! Whether a provider may be sent new orders now: its circuit, and the pauses its refusals ask for.
//!
//! Rules: invariants.md 2.0 (stop spending while blind), B3, B13; `domain.md`, Attempts 1 (unknowns of our own
//! restart don't count) and 3 (FUNDS and AUTH stop the provider). Questions (status, refill) are not gated.

use std::collections::HashSet;

use panelworks_core::ids::AttemptId;
use panelworks_core::time::{Span, Timestamp};

use crate::limits;

/// One provider account's health.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failures_in_a_row: u32,
    unknowns: HashSet<AttemptId>,
    /// No attempt before this.
    not_before: Option<Timestamp>,
    why: Option<String>,
}

impl Health {
    /// When the next attempt may be sent; None: now, as many as there are connections. A wait that is longer than any
    /// is from before the clock was set back (invariants.md A13).
    pub(crate) fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.not_before.filter(|at| *at > now && at.since(now) <= limits::RETRY_AFTER_MAX)
    }

    /// Whether only one attempt at a time may probe.
    pub(crate) fn is_probing(&self) -> bool {
        self.failures_in_a_row >= limits::FAILURES_TO_OPEN
            || self.unknowns.len() >= limits::UNKNOWNS_TO_OPEN as usize
            || self.why.is_some()
    }

    /// Why attempts are held back, in plain words.
    pub(crate) fn why(&self) -> Option<String> {
        if let Some(why) = &self.why {
            return Some(why.clone());
        }
        if self.unknowns.len() >= limits::UNKNOWNS_TO_OPEN as usize {
            return Some(format!("{} attempts have an unknown outcome", self.unknowns.len()));
        }
        (self.failures_in_a_row >= limits::FAILURES_TO_OPEN)
            .then(|| format!("{} failures in a row", self.failures_in_a_row))
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures_in_a_row = 0;
        self.not_before = None;
        self.why = None;
    }

    /// Not sent, or no clear answer.
    pub(crate) fn failed(&mut self, now: Timestamp) {
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        if self.is_probing() {
            self.hold_until(now.after(limits::PROBE_EVERY));
        }
    }

    /// It let us know that nothing will work for a while.
    pub(crate) fn refused(&mut self, now: Timestamp, wait: Span, why: &str) {
        self.why = Some(why.to_owned());
        self.hold_until(now.after(Span(wait.0.min(limits::RETRY_AFTER_MAX.0))));
    }

    /// An attempt's outcome is unknown, and not by our own restart.
    pub(crate) fn unknown(&mut self, attempt: AttemptId, now: Timestamp) {
        self.unknowns.insert(attempt);
        if self.is_probing() {
            self.hold_until(now.after(limits::PROBE_EVERY));
        }
    }

    pub(crate) fn resolved(&mut self, attempt: AttemptId) {
        self.unknowns.remove(&attempt);
    }

    fn hold_until(&mut self, at: Timestamp) {
        self.not_before = Some(self.not_before.map_or(at, |before| before.max(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panelworks_core::ids::OrderId;

    /// Shows B3.
    #[test]
    fn five_failures_open_the_circuit_and_a_success_closes_it() {
        let mut health = Health::default();
        for _ in 0..5 {
            assert_eq!(health.closed_until(Timestamp(0)), None);
            health.failed(Timestamp(0));
        }
        assert_eq!(health.closed_until(Timestamp(1)), Some(Timestamp(limits::PROBE_EVERY.0)));
        assert!(health.is_probing());
        health.succeeded();
        assert_eq!(health.closed_until(Timestamp(1)), None);
    }

    /// Shows B13.
    #[test]
    fn a_refusal_for_funds_lets_one_attempt_through_a_minute() {
        let mut health = Health::default();
        health.refused(Timestamp(0), limits::PAUSE_AFTER_REFUSAL, "funds");
        assert_eq!(health.closed_until(Timestamp(59_999)), Some(Timestamp(60_000)));
        assert_eq!(health.closed_until(Timestamp(60_000)), None);
        assert!(health.is_probing());
    }

    /// Shows A13.
    #[test]
    fn a_wait_ends_when_the_clock_is_set_back_beyond_it() {
        let mut health = Health::default();
        health.refused(Timestamp(3_600_000), limits::RETRY_AFTER_MAX, "later");
        assert!(health.closed_until(Timestamp(3_600_000)).is_some());
        assert_eq!(health.closed_until(Timestamp(0)), None);
    }

    #[test]
    fn unknown_outcomes_count_until_they_are_resolved() {
        let mut health = Health::default();
        let attempt = |n| AttemptId { order: OrderId(n), number: 1 };
        (1..=5).for_each(|n| health.unknown(attempt(n), Timestamp(0)));
        assert!(health.is_probing());
        health.resolved(attempt(3));
        assert!(!health.is_probing());
    }
}
