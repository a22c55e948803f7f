//! How much there is of each table: the same questions in both dialects.
//!
//! In: rows of a currency, a count, and a sum in two halves, so that no sum overflows before it is put together. Out:
//! a [`Tally`]. Tables that a store derives for itself are not among them.

use super::Tally;

/// What is asked, of which table.
pub(crate) struct Question {
    pub(crate) table: &'static str,
    pub(crate) sql: &'static str,
}

/// The lower half of a sum has so many bits.
const HALF: u32 = 20;

macro_rules! counted {
    ($table:literal) => {
        Question {
            table: $table,
            sql: concat!(
                "select cast('' as text), count(*), cast(0 as bigint), cast(0 as bigint) from ",
                $table
            ),
        }
    };
    ($table:literal, $amount:literal, $currency:literal) => {
        Question {
            table: $table,
            sql: concat!(
                "select ",
                $currency,
                ", count(*), cast(sum(",
                $amount,
                " >> 20) as bigint), cast(sum(",
                $amount,
                " & 1048575) as bigint) from ",
                $table,
                " group by 1"
            ),
        }
    };
}

/// A table, and what of it is in the archive.
macro_rules! counted_with_archive {
    ($table:literal) => {
        Question {
            table: $table,
            sql: concat!(
                "select cast('' as text), count(*), cast(0 as bigint), cast(0 as bigint) from (select id from ",
                $table,
                " union all select id from archived_",
                $table,
                ") as places"
            ),
        }
    };
    ($table:literal, $amount:literal) => {
        Question {
            table: $table,
            sql: concat!(
                "select currency, count(*), cast(sum(",
                $amount,
                " >> 20) as bigint), cast(sum(",
                $amount,
                " & 1048575) as bigint) from (select currency, ",
                $amount,
                " from ",
                $table,
                " union all select currency, ",
                $amount,
                " from archived_",
                $table,
                ") as places group by 1"
            ),
        }
    };
}

/// Every table that is carried; and, apart, what of the orders is in the archive.
pub(crate) const TALLIES: [Question; 15] = [
    counted!("account", "balance", "currency"),
    counted!("customer"),
    counted!("api_key"),
    counted!("service"),
    counted!("price"),
    counted!("provider"),
    counted!("operator"),
    counted!("transfer", "amount", "currency"),
    counted_with_archive!("orders", "charge"),
    counted_with_archive!("attempt", "booked_cost"),
    counted_with_archive!("refill"),
    counted_with_archive!("cancel"),
    counted!("archived_orders", "charge", "currency"),
    counted!("entry", "amount", "currency"),
    counted!("batch"),
];

/// One row of an answer: currency, rows, and the sum's halves.
pub(crate) type Part = (String, i64, i64, i64);

/// The answer's rows as one.
pub(crate) fn joined(table: &'static str, parts: Vec<Part>) -> Tally {
    let mut tally = Tally { table, rows: 0, sums: std::collections::BTreeMap::new() };
    for (currency, rows, high, low) in parts {
        tally.rows += u64::try_from(rows).unwrap_or(0);
        if !currency.is_empty() {
            *tally.sums.entry(currency).or_default() += (i128::from(high) << HALF) + i128::from(low);
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_in_halves_is_the_sum_whatever_the_signs() {
        for amount in [0, 1, -1, 1_048_576, -1_048_577, i64::MAX, i64::MIN] {
            let part = ("USD".to_owned(), 1, amount >> HALF, amount & 0xf_ffff);
            assert_eq!(joined("account", vec![part]).sums["USD"], i128::from(amount));
        }
    }

    #[test]
    fn no_table_is_asked_for_twice() {
        let names: std::collections::BTreeSet<&str> = TALLIES.iter().map(|question| question.table).collect();
        assert_eq!(names.len(), TALLIES.len());
    }
}
