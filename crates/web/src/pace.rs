//! How many calls in how much time: a token bucket kept as one number (the generic cell rate algorithm).
//!
//! In: the time as nanoseconds since the panel's start, and the pace. Out: go, wait, or refused with the time to
//! come back. A bucket is twelve bytes and takes no lock. Where several nodes answer, each tells the others what it let
//! through, and counts what it is told. Rules: `api-v2.md` §12 and rule 11; invariants.md C6, C28.
//! It reads no clock, so that tests need none.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::address::neighbourhood;
use crate::limits;

const NANOS_PER_MINUTE: u64 = 60_000_000_000;

/// Calls per minute, and how many of them may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    interval: u64,
    slack: u64,
}

impl Pace {
    /// At least one a minute and one at once, whatever is asked for.
    pub const fn per_minute(calls: u32, burst: u32) -> Self {
        let calls = if calls == 0 { 1 } else { calls };
        let burst = if burst == 0 { 1 } else { burst };
        let interval = NANOS_PER_MINUTE / calls as u64;
        Self { interval, slack: interval * (burst as u64 - 1) }
    }

    /// Calls of one key that each of so many nodes may keep to itself: together a quarter of what may come at once.
    pub(crate) fn untold(self, nodes: usize) -> u32 {
        let burst = self.slack / self.interval + 1;
        let nodes = u64::try_from(nodes).unwrap_or(u64::MAX).max(1);
        u32::try_from(burst / nodes.saturating_mul(4)).unwrap_or(u32::MAX).max(1)
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Now,
    /// Its turn is kept: it may go on after this time.
    After(Duration),
    /// Too many; the first that could pass comes after this time.
    Refused(Duration),
}

/// What one caller has used up: the time at which it would be fully rested.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    rested: AtomicU64,
    /// Calls let through here, of which other nodes were not told.
    untold: AtomicU32,
}

impl Bucket {
    /// Asks for one call at `now`; `patience` is how long the caller is ready to wait.
    pub(crate) fn take(&self, pace: Pace, now: u64, patience: Duration) -> Turn {
        let patience = nanos(patience);
        let mut turn = Turn::Now;
        // A refused call uses nothing up: the closure gives None.
        let taken = self.rested.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |rested| {
            let (after, decided) = step(pace, rested, now, patience);
            turn = decided;
            after
        });
        if taken.is_ok() {
            self.untold.fetch_add(1, Ordering::Relaxed);
        }
        turn
    }

    /// Calls to be told to other nodes: none below `least`, which stay for the next time.
    pub(crate) fn tell(&self, least: u32) -> Option<u32> {
        let untold = self.untold.load(Ordering::Relaxed);
        (untold > 0 && untold >= least).then(|| self.untold.swap(0, Ordering::Relaxed))
    }

    /// Counts calls that another node let through.
    pub(crate) fn count(&self, pace: Pace, now: u64, calls: u32) {
        let used = pace.interval.saturating_mul(u64::from(calls));
        let count = |rested: u64| Some(rested.max(now).saturating_add(used));
        // It always counts.
        let _ = self.rested.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count);
    }
}

/// The bucket's next value, if the call counts, and what becomes of the call.
fn step(pace: Pace, rested: u64, now: u64, patience: u64) -> (Option<u64>, Turn) {
    let rested = rested.max(now);
    let wait = rested.saturating_sub(pace.slack).saturating_sub(now);
    let after = rested.saturating_add(pace.interval);
    match wait {
        0 => (Some(after), Turn::Now),
        _ if wait <= patience => (Some(after), Turn::After(Duration::from_nanos(wait))),
        _ => (None, Turn::Refused(Duration::from_nanos(wait))),
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Wrong keys by the address they came from. A right key is never held up by them: whoever shares an address with a
/// guesser keeps working, and a key of 128 random bits isn't guessed at any pace.
#[derive(Debug)]
pub(crate) struct BadKeys {
    pace: Pace,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    rested: HashMap<IpAddr, u64>,
    swept_at: u64,
}

impl BadKeys {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, seen: Mutex::default() }
    }

    /// Counts one wrong key. Addresses beyond the table's size aren't counted until others have rested.
    pub(crate) fn note(&self, from: IpAddr, now: u64) -> Turn {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let address = neighbourhood(from);
        if seen.rested.len() >= limits::BAD_KEY_ADDRESSES && !seen.rested.contains_key(&address) {
            if now.saturating_sub(seen.swept_at) < nanos(limits::BAD_KEY_SWEEP) {
                return Turn::Now;
            }
            seen.swept_at = now;
            seen.rested.retain(|_, rested| *rested > now);
            if seen.rested.len() >= limits::BAD_KEY_ADDRESSES {
                return Turn::Now;
            }
        }
        let rested = seen.rested.entry(address).or_default();
        let (after, turn) = step(self.pace, *rested, now, 0);
        *rested = after.unwrap_or(*rested);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const NONE: Duration = Duration::ZERO;

    #[test]
    fn a_burst_passes_and_then_one_call_per_interval() {
        let (bucket, pace) = (Bucket::default(), Pace::per_minute(60, 3));
        for _ in 0..3 {
            assert_eq!(bucket.take(pace, SECOND, NONE), Turn::Now);
        }
        assert_eq!(bucket.take(pace, SECOND, NONE), Turn::Refused(Duration::from_secs(1)));
        assert_eq!(bucket.take(pace, 2 * SECOND, NONE), Turn::Now);
        assert_eq!(bucket.take(pace, 2 * SECOND, NONE), Turn::Refused(Duration::from_secs(1)));
    }

    #[test]
    fn a_refused_call_uses_nothing_up() {
        let (bucket, pace) = (Bucket::default(), Pace::per_minute(60, 1));
        assert_eq!(bucket.take(pace, 0, NONE), Turn::Now);
        for _ in 0..1_000 {
            assert!(matches!(bucket.take(pace, 0, NONE), Turn::Refused(_)));
        }
        assert_eq!(bucket.take(pace, SECOND, NONE), Turn::Now);
    }

    #[test]
    fn a_patient_call_keeps_its_turn() {
        let (bucket, pace) = (Bucket::default(), Pace::per_minute(60, 1));
        let patience = Duration::from_secs(2);
        assert_eq!(bucket.take(pace, 0, patience), Turn::Now);
        assert_eq!(bucket.take(pace, 0, patience), Turn::After(Duration::from_secs(1)));
        assert_eq!(bucket.take(pace, 0, patience), Turn::After(Duration::from_secs(2)));
        assert_eq!(bucket.take(pace, 0, patience), Turn::Refused(Duration::from_secs(3)));
    }

    #[test]
    fn what_another_node_let_through_is_used_up_here_too() {
        let (bucket, pace) = (Bucket::default(), Pace::per_minute(60, 3));
        assert_eq!(bucket.take(pace, SECOND, NONE), Turn::Now);
        bucket.count(pace, SECOND, 2);
        assert_eq!(bucket.take(pace, SECOND, NONE), Turn::Refused(Duration::from_secs(1)));
        assert_eq!(bucket.tell(1), Some(1), "only its own calls are told, and no refused ones");
        assert_eq!(bucket.tell(1), None);
    }

    #[test]
    fn few_calls_are_told_when_they_have_become_more() {
        let (bucket, pace) = (Bucket::default(), Pace::per_minute(600, 60));
        assert_eq!((pace.untold(1), pace.untold(3), pace.untold(100)), (15, 5, 1));
        for _ in 0..4 {
            bucket.take(pace, 0, NONE);
        }
        assert_eq!(bucket.tell(5), None);
        bucket.take(pace, 0, NONE);
        assert_eq!(bucket.tell(5), Some(5));
    }

    #[test]
    fn rest_earns_no_more_than_the_burst() {
        let (bucket, pace) = (Bucket::default(), Pace::per_minute(600, 5));
        let later = 3_600 * SECOND;
        let passed = (0..100).filter(|_| bucket.take(pace, later, NONE) == Turn::Now).count();
        assert_eq!(passed, 5);
    }

    /// Shows C6.
    #[test]
    fn wrong_keys_count_by_address_and_one_neighbourhood_of_ipv6_is_one_address() {
        let bad = BadKeys::new(Pace::per_minute(20, 2));
        let at = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(bad.note(at("192.0.2.1"), 0), Turn::Now);
        assert_eq!(bad.note(at("192.0.2.1"), 0), Turn::Now);
        assert_eq!(bad.note(at("192.0.2.1"), 0), Turn::Refused(Duration::from_secs(3)));
        assert_eq!(bad.note(at("192.0.2.2"), 0), Turn::Now);
        assert_eq!(bad.note(at("2001:db8::1"), 0), Turn::Now);
        assert_eq!(bad.note(at("2001:db8::2"), 0), Turn::Now);
        assert!(matches!(bad.note(at("2001:db8::3"), 0), Turn::Refused(_)));
        assert_eq!(bad.note(at("::ffff:192.0.2.2"), 0), Turn::Now, "mapped IPv4 is IPv4");
        assert!(matches!(bad.note(at("192.0.2.2"), 0), Turn::Refused(_)));
    }

    #[test]
    fn the_table_of_addresses_does_not_grow_without_end() {
        let bad = BadKeys::new(Pace::per_minute(20, 2));
        for n in (0_u32..).take(limits::BAD_KEY_ADDRESSES + 1_000) {
            bad.note(IpAddr::from(n.to_be_bytes()), 1);
        }
        let kept = |bad: &BadKeys| bad.seen.lock().expect("not poisoned").rested.len();
        assert_eq!(kept(&bad), limits::BAD_KEY_ADDRESSES);
        bad.note(IpAddr::from([255, 255, 255, 1]), 600 * SECOND);
        assert_eq!(kept(&bad), 1, "the rested ones made room");
    }
}
