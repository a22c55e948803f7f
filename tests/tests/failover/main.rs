//! The database fails over under load (`invariants.md` A8, A10, A12, 7.1, 7.8, 7.10, 7.13): a Patroni cluster of three
//! nodes whose primary is killed or frozen, again and again.
//!
//! The promise is shown by `survive`, that the checker can see it broken by `canary`: without a synchronous standby
//! acknowledged orders are lost, and counted. `TEST_FAILOVERS` asks for more than CI does, `TEST_TTL` for a more patient
//! cluster, `TEST_REPORT` names a file for what was measured; `cargo xtask trust` sets them.

mod buyers;
mod canary;
mod cancelled;
mod survive;
mod truth;

use panelworks_tests::{lacks_patroni, skipped};
use tokio::sync::Mutex;

/// Three servers at a time are enough for a small machine.
static ALONE: Mutex<()> = Mutex::const_new(());

/// True where there is no cluster to start, which is said aloud.
fn is_left_out(what: &str) -> bool {
    let Some(why) = lacks_patroni() else { return false };
    skipped(what, why);
    true
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Seconds until a silent primary is given up. Patroni's own default is 30; a test has no time for that.
fn ttl() -> u64 {
    number("TEST_TTL").unwrap_or(6)
}
