//! What can be set: how the provider behaves, and how its server listens.
//!
//! Both are plain values with serde, filled by a command line, a file or a test; a missing field is its
//! default, an unknown one is refused.

use serde::{Deserialize, Serialize};

use crate::delivery::Speed;
use crate::dialect::Dialect;
use crate::event::Opening;
use crate::fault::Faults;

/// The provider itself, in the library and behind the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The only key it knows.
    pub api_key: String,
    /// Everything drawn is drawn from it. Books that exist keep the seed they were opened with.
    pub seed: u64,
    /// The currency of all its prices.
    pub currency: String,
    /// What the customer has paid in when the books are opened, in micro-units.
    pub balance_micros: i64,
    /// The first order's id when the books are opened.
    pub first_order: u64,
    /// Up to so many ids between two of ours go to other customers; 0 for none.
    pub id_gap: u64,
    /// How fast it lives. Orders keep the speed they were placed at.
    pub speed: Speed,
    /// How it speaks.
    pub dialect: Dialect,
    /// How it misbehaves.
    pub faults: Faults,
    /// Whether an `add` repeated with the same idempotency key is answered with the first one's order.
    pub honours_idempotency_keys: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            api_key: "provider-key".to_owned(),
            seed: 1,
            currency: "USD".to_owned(),
            balance_micros: 1_000_000_000_000,
            first_order: 1,
            id_gap: 0,
            speed: Speed::REAL,
            dialect: Dialect::Ours,
            faults: Faults::none(),
            honours_idempotency_keys: false,
        }
    }
}

impl Settings {
    pub(crate) fn opening(&self) -> Opening {
        Opening {
            seed: self.seed,
            balance_micros: self.balance_micros,
            first_order: self.first_order,
            id_gap: self.id_gap,
        }
    }
}

/// The server around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimOptions {
    /// The provider.
    pub provider: Settings,
    /// Milliseconds every answer waits, as a provider far away would take.
    pub latency_ms: u64,
    /// Connections served at a time; more wait in the system's backlog. 0 for no limit.
    pub max_connections: usize,
    /// Milliseconds a hanging answer keeps its connection before it closes it.
    pub hang_ms: u64,
}

impl Default for SimOptions {
    fn default() -> SimOptions {
        SimOptions { provider: Settings::default(), latency_ms: 0, max_connections: 0, hang_ms: 120_000 }
    }
}
