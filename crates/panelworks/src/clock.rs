//! The time of this panel: the machine's, except that it never goes back and never stands still.
//!
//! In: the wall's clock and the machine's own, which nobody sets. Out: milliseconds since 1970. When the wall's clock is
//! set back, time goes on from where it was, a thousandth slower, until the wall's is later again: schedules go on, and
//! what is written stays in order (invariants.md A13). Never: a jump forward that the wall's clock did not make.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use panelworks_core::time::Timestamp;

/// Of the machine's own time this part is taken off while the wall's clock is behind, so that it catches up by itself
/// where it only runs a little slower.
const HELD_BACK: i64 = 1_000;

/// Copies show the same time.
#[derive(Debug, Clone, Default)]
pub struct SystemClock(Arc<Mutex<Option<Anchor>>>);

/// When the wall's clock was last the later one, and what it showed.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    moment: Instant,
    shown: Timestamp,
}

impl SystemClock {
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.at(Timestamp(milliseconds(since)), Instant::now())
    }

    fn at(&self, wall: Timestamp, moment: Instant) -> Timestamp {
        let mut anchor = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Anchor { moment: then, shown }) = *anchor {
            let gone_by = milliseconds(moment.saturating_duration_since(then));
            let own = Timestamp(shown.0.saturating_add(gone_by - gone_by / HELD_BACK));
            if own > wall {
                return own;
            }
        }
        *anchor = Some(Anchor { moment, shown: wall });
        wall
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: i64 = 3_600_000;

    #[test]
    fn it_shows_what_the_wall_shows() {
        let (clock, begun) = (SystemClock::default(), Instant::now());
        assert_eq!(clock.at(Timestamp(5_000), begun), Timestamp(5_000));
        assert_eq!(clock.at(Timestamp(6_000), begun + SECOND), Timestamp(6_000));
        assert_eq!(clock.at(Timestamp(HOUR), begun + SECOND * 2), Timestamp(HOUR), "it may be set on");
    }

    /// Shows A13.
    #[test]
    fn a_clock_that_was_set_back_goes_on_and_never_back() {
        let (clock, begun) = (SystemClock::default(), Instant::now());
        clock.at(Timestamp(2 * HOUR), begun);
        let mut last = clock.at(Timestamp(HOUR), begun + Duration::from_micros(1));
        assert_eq!(last, Timestamp(2 * HOUR));
        // Asked so often that less than a millisecond goes by each time.
        for tenth in 0..100_000_u32 {
            let gone_by = Duration::from_micros(100) * tenth;
            let now = clock.at(Timestamp(HOUR + milliseconds(gone_by)), begun + gone_by);
            assert!(now >= last);
            last = now;
        }
        assert!(last.0 > 2 * HOUR + 9_900, "ten seconds went by: {last:?}");
    }

    #[test]
    fn it_shows_the_walls_time_again_when_that_is_later() {
        let (clock, begun) = (SystemClock::default(), Instant::now());
        clock.at(Timestamp(10_000), begun);
        assert_eq!(clock.at(Timestamp(9_990), begun), Timestamp(10_000), "ten milliseconds back");
        let later = begun + SECOND * 20;
        assert_eq!(clock.at(Timestamp(29_990), later), Timestamp(29_990));
    }
}
