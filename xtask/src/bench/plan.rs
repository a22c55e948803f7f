//! How much is measured: sizes and times of a whole run and of a quick one.

use std::fmt;
use std::time::Duration;

/// Connections of the goals that name two numbers.
pub(crate) const FEW: usize = 64;
pub(crate) const MANY: usize = 256;
/// Orders of small books.
pub(crate) const SMALL_BOOKS: u32 = 10_000;
/// Customers that take turns, where nothing else is said.
pub(crate) const CUSTOMERS: u32 = 1_000;
/// Customers of the run with many.
pub(crate) const MANY_CUSTOMERS: u32 = 100_000;
/// Interleaved rounds of every ratio; of latencies there are [`LATENCY_ROUNDS`].
pub(crate) const ROUNDS: usize = 3;
pub(crate) const LATENCY_ROUNDS: usize = 5;

/// See the module's head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    is_quick: bool,
    /// Load before the clock of a window starts.
    pub(crate) warm_up: Duration,
    /// One measured piece of load.
    pub(crate) window: Duration,
    /// Orders of large books.
    pub(crate) large_books: u32,
    /// How long the questions about open orders are watched: longer than any of them may wait.
    pub(crate) watch: Duration,
    /// From a demo's start to the look at its memory.
    pub(crate) idle: Duration,
    /// Orders whose whole lives are stored for P13.
    pub(crate) lives: u32,
}

impl Plan {
    pub(crate) const fn full() -> Self {
        Self {
            is_quick: false,
            warm_up: Duration::from_millis(500),
            window: Duration::from_secs(3),
            large_books: 1_000_000,
            watch: Duration::from_secs(200),
            idle: Duration::from_mins(1),
            lives: 200_000,
        }
    }

    pub(crate) const fn quick() -> Self {
        Self {
            is_quick: true,
            warm_up: Duration::from_millis(100),
            window: Duration::from_millis(400),
            large_books: 100_000,
            watch: Duration::from_secs(200),
            idle: Duration::from_secs(10),
            lives: 20_000,
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {ROUNDS} interleaved rounds of {:.1} s each; small books {SMALL_BOOKS} orders, large books {}",
            if self.is_quick { "quick run" } else { "whole run" },
            self.window.as_secs_f64(),
            self.large_books
        )
    }
}
