//! Amounts as the provider counts them: whole micro-units (10⁻⁶) of its one currency, never a float.
//!
//! In: micro-units and quantities. Out: charges and shares of them, rounded up to the micro-unit
//! (`domain.md`, Money). Their decimal text is `wire`'s.

/// What `quantity` units cost at `rate_micros` per 1000, rounded up; `None` beyond 64 bits.
pub(crate) fn per_thousand(rate_micros: i64, quantity: u64) -> Option<i64> {
    ratio_up(rate_micros, quantity, 1000)
}

/// The share of `amount` that `part` of `whole` is worth, rounded up; the whole amount where `whole` is 0.
pub(crate) fn share_up(amount: i64, part: u64, whole: u64) -> i64 {
    if whole == 0 || part >= whole {
        return amount;
    }
    ratio_up(amount, part, whole).expect("a share of an amount is no larger than the amount")
}

fn ratio_up(amount: i64, part: u64, whole: u64) -> Option<i64> {
    let product = i128::from(amount) * i128::from(part);
    let whole = i128::from(whole);
    i64::try_from(product.div_euclid(whole) + i128::from(product.rem_euclid(whole) != 0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_round_up_to_the_micro_unit() {
        assert_eq!(per_thousand(900_000, 100), Some(90_000));
        assert_eq!(per_thousand(1, 1), Some(1));
        assert_eq!(per_thousand(0, 50), Some(0));
        assert_eq!(per_thousand(i64::MAX, 1_000_000), None);
    }

    #[test]
    fn a_share_is_rounded_up_and_never_above_the_whole() {
        assert_eq!(share_up(10, 1, 3), 4);
        assert_eq!(share_up(10, 0, 3), 0);
        assert_eq!(share_up(10, 3, 3), 10);
        assert_eq!(share_up(10, 9, 3), 10);
    }
}
