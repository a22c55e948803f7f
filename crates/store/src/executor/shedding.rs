//! When to refuse new work although there is room: while more waits than is ever worth waiting for, and has for a while.
//!
//! A burst is taken whole, up to the queue's bound: it is over before anybody minds. A queue that stands only makes
//! everybody wait: each command that is taken then costs those behind it as much as it gains (invariants.md A7, I24).
//! In: how much is left after each batch, and when. Out: whether new work is to be refused. A store that stands still
//! finishes no batch, and what waits for it is no sign of too many callers: nothing is noted then.

use std::time::Instant;

use crate::limits;

/// See the module's head.
#[derive(Debug, Default)]
pub(super) struct Shedding {
    /// Since when more than [`limits::QUEUE_STANDING`] were left after every batch.
    crowded_since: Option<Instant>,
    /// Until less than half of it is left.
    active: bool,
}

impl Shedding {
    /// A batch was taken at `now`, and so many commands are left.
    pub(super) fn note(&mut self, left: usize, now: Instant) {
        if left <= limits::QUEUE_STANDING {
            self.crowded_since = None;
            self.active &= left > limits::QUEUE_STANDING / 2;
            return;
        }
        let since = *self.crowded_since.get_or_insert(now);
        self.active |= now.duration_since(since) >= limits::BURST_TIME;
    }

    /// Whether one more command of somebody who has `own` of the `waiting` ones, of so many who have any, is refused:
    /// those with less than their part are let in still.
    pub(super) const fn refuses(&self, own: usize, waiting: usize, askers: usize) -> bool {
        self.active && waiting >= limits::QUEUE_STANDING && own * askers >= waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MANY: usize = limits::QUEUE_STANDING + 1;
    const TICK: Duration = Duration::from_millis(10);

    /// So many batches, one every ten milliseconds, each leaving so much behind.
    fn after(batches: u32, left: usize, shedding: &mut Shedding, from: Instant) -> Instant {
        for batch in 0..=batches {
            shedding.note(left, from + TICK * batch);
        }
        from + TICK * batches
    }

    #[test]
    fn a_burst_is_taken_whole_and_a_queue_that_stands_is_not() {
        let (mut shedding, begun) = (Shedding::default(), Instant::now());
        let now = after(24, MANY, &mut shedding, begun);
        assert!(!shedding.refuses(MANY, MANY, 1), "a burst of a quarter of a second");
        after(2, MANY, &mut shedding, now);
        assert!(shedding.refuses(MANY, MANY, 1), "it stands");
        assert!(
            !shedding.refuses(limits::QUEUE_STANDING - 1, limits::QUEUE_STANDING - 1, 1),
            "there is room again"
        );
    }

    #[test]
    fn who_has_less_than_his_part_is_let_in_still() {
        let (mut shedding, begun) = (Shedding::default(), Instant::now());
        after(30, MANY, &mut shedding, begun);
        assert!(shedding.refuses(MANY - 1, MANY, 2), "nearly all of it is his");
        assert!(!shedding.refuses(1, MANY, 2));
        assert!(!shedding.refuses(0, MANY, 1_000));
    }

    #[test]
    fn it_ends_when_half_is_gone_and_begins_no_sooner_than_the_first_time() {
        let (mut shedding, begun) = (Shedding::default(), Instant::now());
        let now = after(30, MANY, &mut shedding, begun);
        shedding.note(limits::QUEUE_STANDING, now + TICK);
        assert!(shedding.refuses(MANY, MANY, 1), "not yet");
        shedding.note(limits::QUEUE_STANDING / 2, now + TICK * 2);
        assert!(!shedding.refuses(MANY, MANY, 1));
        after(10, MANY, &mut shedding, now + TICK * 3);
        assert!(!shedding.refuses(MANY, MANY, 1), "a new burst");
    }

    #[test]
    fn a_store_that_stands_still_is_no_crowd() {
        let (mut shedding, begun) = (Shedding::default(), Instant::now());
        shedding.note(0, begun);
        shedding.note(MANY, begun + Duration::from_secs(30));
        assert!(!shedding.refuses(MANY, MANY, 1), "the first batch after it tells of the stillness alone");
    }
}
