//! Chance, passed in: a stream of numbers that depends on nothing but a seed, a purpose and an id.
//!
//! In: the provider's seed, what the draw is for, and whom it is for. Out: numbers below a bound. It never
//! reads a clock or the system's generator, and its sequence is part of the books' format: the plan of order
//! 17 is the same on every machine and in every version, so a failing seed can be replayed for ever. That is
//! why it is written here (`SplitMix64`) instead of being taken from a crate whose streams may change.

/// What a stream is drawn for: two purposes of one order never share numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// How an order is delivered.
    Plan = 1,
    /// When a subscription's next post appears and how much it takes.
    Post = 2,
    /// How a refill ends.
    Refill = 3,
    /// How long a cancel takes.
    Cancel = 4,
    /// Ids that other customers of the provider take between two of ours.
    Gap = 5,
    /// Which fault strikes a request, and with which value.
    Fault = 6,
}

/// One stream.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The stream of one purpose and one id under `seed`.
    pub(crate) fn of(seed: u64, purpose: Purpose, id: u64) -> Draw {
        let mut start = Draw(seed ^ (purpose as u64).wrapping_mul(0xA24B_AED4_963E_E407));
        Draw(start.next() ^ id.wrapping_mul(0x9FB2_1C65_1E98_DF25))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `low..=high`; `low` where the range is empty.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        let width = u128::from(high.saturating_sub(low)) + 1;
        let share = (u128::from(self.next()) * width) >> 64;
        low + u64::try_from(share).expect("a share is below its width, which fits 64 bits")
    }

    /// True in `permille` of 1000 draws.
    pub(crate) fn chance(&mut self, permille: u16) -> bool {
        self.between(0, 999) < u64::from(permille)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_purpose_and_id_draw_the_same() {
        let drawn = |id| {
            let mut draw = Draw::of(7, Purpose::Plan, id);
            (0..8).map(|_| draw.next()).collect::<Vec<_>>()
        };
        assert_eq!(drawn(5), drawn(5));
        assert_ne!(drawn(5), drawn(6));
        assert_ne!(Draw::of(7, Purpose::Plan, 5).next(), Draw::of(7, Purpose::Refill, 5).next());
    }

    #[test]
    fn a_range_is_filled_and_never_left() {
        let mut draw = Draw::of(1, Purpose::Gap, 1);
        let mut seen = [false; 5];
        for _ in 0..500 {
            let number = draw.between(10, 14);
            assert!((10..=14).contains(&number));
            seen[usize::try_from(number - 10).unwrap_or(0)] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(draw.between(3, 3), 3);
        assert_eq!(draw.between(0, u64::MAX).leading_zeros() / 64, 0);
    }

    #[test]
    fn a_chance_holds_about_its_rate() {
        let mut draw = Draw::of(2, Purpose::Fault, 9);
        let hits = (0..10_000).filter(|_| draw.chance(100)).count();
        assert!((800..1200).contains(&hits), "{hits} of 10000 at 100 permille");
        assert!((0..1000).all(|_| !draw.chance(0)));
        assert!((0..1000).all(|_| draw.chance(1000)));
    }
}
