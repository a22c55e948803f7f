//! How one order is delivered: a plan drawn once, and where it stands at a moment.
//!
//! In: a service's profile, a quantity, the provider's speed and a stream of draws; later a time. Out: the
//! plan (when it starts, when it ends, how much is delivered by then), and its progress. Nothing ticks:
//! progress is a function of plan and time, so a provider may sleep for a month between two questions. It
//! never touches money; what a stop costs is the books' business. Words: `domain.md`, Orders.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::catalogue::Profile;
use crate::draw::Draw;
use crate::limits;

const MINUTE_MS: u64 = 60_000;

/// How many times faster than a real provider's hours this one lives: 1 is real, 600 shows an order from
/// Pending to its end within about a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Speed(pub NonZeroU32);

impl Speed {
    /// As slow as the real world.
    pub const REAL: Speed = Speed(NonZeroU32::MIN);
    /// For demonstrations: hours become seconds.
    pub const DEMO: Speed = Speed(NonZeroU32::new(600).expect("600 is not zero"));

    /// Milliseconds that `ms` of the provider's own world take here; at least one where there was any.
    pub(crate) fn shrink(self, ms: i64) -> i64 {
        if ms <= 0 { 0 } else { (ms / i64::from(self.0.get())).max(1) }
    }

    pub(crate) fn minutes(self, minutes: u64) -> i64 {
        self.shrink(whole(minutes.saturating_mul(MINUTE_MS)))
    }

    /// A time drawn between two numbers of minutes.
    pub(crate) fn drawn(self, draw: &mut Draw, (low, high): (u64, u64)) -> i64 {
        self.shrink(whole(draw.between(low * MINUTE_MS, high * MINUTE_MS)))
    }
}

fn whole(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// The states of a plain order, in the words of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Accepted, untouched.
    Pending,
    /// Taken up, not started.
    Processing,
    /// Being delivered.
    InProgress,
    /// All delivered.
    Completed,
    /// Stopped midway; the rest is paid back.
    Partial,
    /// Nothing delivered; all is paid back.
    Canceled,
}

impl Stage {
    /// True for the three ends.
    pub fn is_end(self) -> bool {
        match self {
            Stage::Completed | Stage::Partial | Stage::Canceled => true,
            Stage::Pending | Stage::Processing | Stage::InProgress => false,
        }
    }
}

/// What will happen to an order unless it is stopped. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// When it leaves `Pending`.
    pub taken_at: i64,
    /// When the first unit is delivered.
    pub starts_at: i64,
    /// When it ends.
    pub ends_at: i64,
    /// Units delivered by then: all, some or none of the quantity.
    pub delivers: u64,
    /// What the counter showed before.
    pub start_count: u32,
}

/// Where an order stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Its state.
    pub stage: Stage,
    /// Units delivered so far.
    pub delivered: u64,
    /// The counter before the start; 0 until it started.
    pub start_count: u32,
}

impl Plan {
    /// Draws the plan of `quantity` units accepted at `at`. What is `sold_whole` is never cut midway.
    pub(crate) fn draw(
        draw: &mut Draw,
        profile: &Profile,
        quantity: u64,
        sold_whole: bool,
        speed: Speed,
        at: i64,
    ) -> Plan {
        let (soonest, latest) = profile.start_min;
        let wait = speed.drawn(draw, (soonest.into(), latest.into()));
        let lasts = speed.shrink(lasting_ms(draw, profile, quantity));
        let start_count = u32::try_from(draw.between(0, 60_000)).unwrap_or(0);
        let delivers = delivered_in_all(draw, profile, quantity, sold_whole);
        let starts_at = at.saturating_add(wait);
        Plan {
            taken_at: at.saturating_add(wait / 3),
            starts_at,
            // What is cancelled unserved is cancelled soon after its turn came.
            ends_at: starts_at.saturating_add(if delivers == 0 { wait / 4 + 1 } else { lasts }),
            delivers,
            start_count,
        }
    }

    /// When it really ends, if it is to be stopped at `stop`.
    pub fn end(&self, stop: Option<i64>) -> i64 {
        stop.map_or(self.ends_at, |stop| stop.min(self.ends_at))
    }

    /// Where an order of `quantity` stands at `now`.
    pub fn progress(&self, quantity: u64, stop: Option<i64>, now: i64) -> Progress {
        let end = self.end(stop);
        let delivered = self.delivered_at(now.min(end));
        let stage = if now >= end {
            match delivered {
                0 => Stage::Canceled,
                all if all >= quantity => Stage::Completed,
                _ => Stage::Partial,
            }
        } else if now >= self.starts_at {
            Stage::InProgress
        } else if now >= self.taken_at {
            Stage::Processing
        } else {
            Stage::Pending
        };
        let started = now >= self.starts_at && end >= self.starts_at;
        Progress { stage, delivered, start_count: if started { self.start_count } else { 0 } }
    }

    fn delivered_at(&self, moment: i64) -> u64 {
        if moment >= self.ends_at {
            return self.delivers;
        }
        let (Ok(gone), Ok(lasts)) =
            (u128::try_from(moment - self.starts_at), u128::try_from(self.ends_at - self.starts_at))
        else {
            return 0;
        };
        let share = u128::from(self.delivers) * gone / lasts.max(1);
        u64::try_from(share).expect("a share of the delivery is no larger than the delivery")
    }
}

fn lasting_ms(draw: &mut Draw, profile: &Profile, quantity: u64) -> i64 {
    let (shortest, longest) = profile.lasts_min;
    let ideal = quantity.saturating_mul(MINUTE_MS) / u64::from(profile.per_minute.max(1));
    let (low, high) = (u64::from(shortest) * MINUTE_MS, u64::from(longest) * MINUTE_MS);
    let bounded = ideal.max(low).min(high.max(low));
    whole(bounded * draw.between(80, 120) / 100)
}

fn delivered_in_all(draw: &mut Draw, profile: &Profile, quantity: u64, sold_whole: bool) -> u64 {
    let fate = draw.between(0, 999);
    let canceled = u64::from(profile.canceled_permille);
    let partial = canceled + u64::from(profile.partial_permille);
    if fate < canceled {
        0
    } else if fate < partial && !sold_whole && quantity > 1 {
        draw.between((quantity / 10).max(1), quantity - 1)
    } else {
        quantity
    }
}

/// How a refill goes: a plan of its own, without a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefillPlan {
    /// When it leaves `Pending`.
    pub taken_at: i64,
    /// When it is over.
    pub ends_at: i64,
    /// Whether it ends `Rejected`.
    pub rejected: bool,
}

impl RefillPlan {
    pub(crate) fn draw(draw: &mut Draw, speed: Speed, at: i64) -> RefillPlan {
        let takes = speed.drawn(draw, limits::REFILL_MIN);
        RefillPlan {
            taken_at: at.saturating_add(takes / 4),
            ends_at: at.saturating_add(takes),
            rejected: draw.chance(limits::REFILL_REJECTED_PERMILLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Purpose;

    const PROFILE: Profile = Profile {
        start_min: (10, 20),
        per_minute: 5,
        lasts_min: (30, 120),
        partial_permille: 300,
        canceled_permille: 200,
    };

    fn plan(id: u64, quantity: u64) -> Plan {
        Plan::draw(&mut Draw::of(3, Purpose::Plan, id), &PROFILE, quantity, false, Speed::REAL, 1_000)
    }

    #[test]
    fn an_order_only_moves_forward_and_ends_as_planned() {
        for id in 0..500 {
            let plan = plan(id, 200);
            let mut last = plan.progress(200, None, 1_000);
            assert_eq!(last.stage, Stage::Pending);
            for step in 1..=60 {
                let now = plan.progress(200, None, 1_000 + step * (plan.ends_at - 1_000) / 60);
                assert!(now.stage as u8 >= last.stage as u8 && now.delivered >= last.delivered);
                last = now;
            }
            assert!(last.stage.is_end());
            assert_eq!(last.delivered, plan.delivers);
        }
    }

    #[test]
    fn all_three_ends_happen_about_as_often_as_the_profile_says() {
        let mut counts = [0; 3];
        for id in 0..3_000 {
            let plan = plan(id, 50);
            match plan.progress(50, None, plan.ends_at).stage {
                Stage::Completed => counts[0] += 1,
                Stage::Partial => counts[1] += 1,
                Stage::Canceled => counts[2] += 1,
                Stage::Pending | Stage::Processing | Stage::InProgress => panic!("no end"),
            }
        }
        assert!((1350..1650).contains(&counts[0]), "{counts:?}");
        assert!((800..1000).contains(&counts[1]), "{counts:?}");
        assert!((500..700).contains(&counts[2]), "{counts:?}");
    }

    #[test]
    fn what_is_sold_whole_is_delivered_whole_or_not_at_all() {
        for id in 0..500 {
            let mut draw = Draw::of(3, Purpose::Plan, id);
            let plan = Plan::draw(&mut draw, &PROFILE, 1, true, Speed::REAL, 0);
            assert_ne!(plan.progress(1, None, plan.ends_at).stage, Stage::Partial);
        }
    }

    #[test]
    fn a_stop_freezes_what_was_delivered_until_then() {
        let plan = Plan { taken_at: 10, starts_at: 100, ends_at: 200, delivers: 50, start_count: 7 };
        let early = plan.progress(50, Some(60), 500);
        assert_eq!((early.stage, early.delivered, early.start_count), (Stage::Canceled, 0, 0));
        let midway = plan.progress(50, Some(150), 500);
        assert_eq!((midway.stage, midway.delivered, midway.start_count), (Stage::Partial, 25, 7));
        let late = plan.progress(50, Some(300), 500);
        assert_eq!((late.stage, late.delivered), (Stage::Completed, 50));
        assert_eq!(plan.progress(50, Some(150), 149).stage, Stage::InProgress);
    }

    #[test]
    fn the_demonstration_speed_ends_an_order_within_about_a_minute() {
        for service in crate::catalogue::Catalogue::full().services() {
            for id in 0..50 {
                let mut draw = Draw::of(1, Purpose::Plan, id);
                let plan = Plan::draw(&mut draw, &service.profile, 1_000, false, Speed::DEMO, 0);
                assert!((1_000..=75_000).contains(&plan.ends_at), "{} ms: {}", plan.ends_at, service.name);
            }
        }
    }
}
