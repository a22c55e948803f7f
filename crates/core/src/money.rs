//! Amounts, rates and charges: integers in micro-units, products in 128 bits, rounded up once.
//!
//! Rules: `domain.md`, Money; invariants.md C2 and C3. Never a float, never a wrap-around: what does not fit
//! is `None`, and the caller refuses.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits;

/// An ISO 4217 code in upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    pub const USD: Self = Self(*b"USD");

    /// Three letters, any case; None for anything else.
    pub fn new(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.trim().as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_alphabetic).then(|| Self(letters.map(|b| b.to_ascii_uppercase())))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three ASCII letters by construction")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Self::new(&code).ok_or_else(|| serde::de::Error::custom(format!("{code:?} is not a currency code")))
    }
}

/// Micro-units (10⁻⁶) of a currency that the surrounding record names. Sums are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(pub i64);

impl Amount {
    pub const ZERO: Self = Self(0);

    pub const fn plus(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    pub const fn minus(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// What `self` is above `other`, and zero when it is not.
    #[must_use]
    pub fn above(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }

    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }
}

/// An amount and its currency, where both travel together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    pub amount: Amount,
    pub currency: Currency,
}

/// As the wire writes money: no exponent, at least two decimals, further zeros cut (`domain.md`, Money).
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, micros) = (self.0.unsigned_abs() / 1_000_000, self.0.unsigned_abs() % 1_000_000);
        let decimals = format!("{micros:06}");
        let shown = decimals.trim_end_matches('0').len().max(2);
        write!(f, "{sign}{whole}.{}", &decimals[..shown])
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// Units of what is delivered: 1 to [`limits::QUANTITY_MAX`].
pub type Quantity = u64;

/// The price of 1,000 units, or of one whole order for the package types; zero or more, in micro-units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(i64);

/// What a rate is the price of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RatePer {
    Thousand,
    WholeOrder,
}

impl Rate {
    /// None outside 0..=[`limits::RATE_MAX_MICROS`].
    pub fn from_micros(micros: i64) -> Option<Self> {
        (0..=limits::RATE_MAX_MICROS).contains(&micros).then_some(Self(micros))
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The rate with a percentage added, rounded up to the micro-unit. `percent` may be negative down to −100.
    pub fn marked_up(self, percent: i64) -> Option<Self> {
        let factor = 100_i128.checked_add(i128::from(percent)).filter(|factor| *factor >= 0)?;
        let micros = ceil_div(i128::from(self.0).checked_mul(factor)?, 100)?;
        Self::from_micros(i64::try_from(micros).ok()?)
    }

    /// What `quantity` costs: `ceil(rate × quantity / 1000)`, so at least one micro-unit when the rate is above
    /// zero. None when it does not fit.
    pub fn charge(self, per: RatePer, quantity: Quantity) -> Option<Amount> {
        let micros = match per {
            RatePer::WholeOrder => i128::from(self.0),
            RatePer::Thousand => ceil_div(i128::from(self.0).checked_mul(i128::from(quantity))?, 1000)?,
        };
        i64::try_from(micros).ok().map(Amount)
    }
}

/// What `delivered` of `quantity` is worth of `charge`, rounded up (`domain.md`, Partial).
pub fn share(charge: Amount, delivered: Quantity, quantity: Quantity) -> Option<Amount> {
    let product = i128::from(charge.0).checked_mul(i128::from(delivered))?;
    i64::try_from(ceil_div(product, i128::from(quantity))?).ok().map(Amount)
}

/// Rounds towards positive infinity; None for a divisor that is not positive.
fn ceil_div(dividend: i128, divisor: i128) -> Option<i128> {
    if divisor <= 0 {
        return None;
    }
    let floor = dividend.div_euclid(divisor);
    Some(if dividend.rem_euclid(divisor) == 0 { floor } else { floor + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(micros: i64) -> Rate {
        Rate::from_micros(micros).expect("a rate")
    }

    /// Shows C3.
    #[test]
    fn a_charge_is_rounded_up_to_the_micro_unit() {
        assert_eq!(rate(900_000).charge(RatePer::Thousand, 309), Some(Amount(278_100)));
        assert_eq!(rate(1).charge(RatePer::Thousand, 1), Some(Amount(1)));
        assert_eq!(rate(0).charge(RatePer::Thousand, 1000), Some(Amount(0)));
        assert_eq!(rate(8_000_000).charge(RatePer::WholeOrder, 1), Some(Amount(8_000_000)));
    }

    #[test]
    fn amounts_are_written_with_two_decimals_or_more_and_no_exponent() {
        let written = |micros| Amount(micros).to_string();
        assert_eq!(written(900_000), "0.90");
        assert_eq!(written(278_190), "0.27819");
        assert_eq!(written(8_000_000), "8.00");
        assert_eq!(written(-1), "-0.000001");
        assert_eq!(written(i64::MIN), "-9223372036854.775808");
    }

    /// Shows C2.
    #[test]
    fn what_does_not_fit_is_none_and_never_wraps() {
        assert_eq!(rate(limits::RATE_MAX_MICROS).charge(RatePer::Thousand, u64::MAX), None);
        assert_eq!(Amount(i64::MAX).plus(Amount(1)), None);
        assert_eq!(Rate::from_micros(-1), None);
    }

    proptest! {
        /// Shows C3.
        #[test]
        fn splitting_an_order_never_makes_it_cheaper(r in 0..=limits::RATE_MAX_MICROS, a in 1..=limits::QUANTITY_MAX, b in 1..=limits::QUANTITY_MAX) {
            let charge = |q| i128::from(rate(r).charge(RatePer::Thousand, q).expect("fits").0);
            prop_assert!(charge(a) + charge(b) >= charge(a + b));
        }

        /// Shows B6.
        #[test]
        fn a_share_lies_between_nothing_and_everything(charge in 0..=i64::MAX, quantity in 1..=limits::QUANTITY_MAX, part in 0..=limits::QUANTITY_MAX) {
            let delivered = part.min(quantity);
            let net = share(Amount(charge), delivered, quantity).expect("fits");
            prop_assert!((0..=charge).contains(&net.0));
            prop_assert_eq!(share(Amount(charge), quantity, quantity), Some(Amount(charge)));
            prop_assert_eq!(share(Amount(charge), 0, quantity), Some(Amount(0)));
        }

        /// Shows C2, C3.
        #[test]
        fn a_charge_agrees_with_the_exact_fraction(r in 0..=limits::RATE_MAX_MICROS, q in 1..=limits::QUANTITY_MAX) {
            let charge = i128::from(rate(r).charge(RatePer::Thousand, q).expect("fits").0);
            let exact_thousandths = i128::from(r) * i128::from(q);
            prop_assert!(charge * 1000 >= exact_thousandths);
            prop_assert!((charge - 1) * 1000 < exact_thousandths || charge == 0);
        }
    }
}
