//! Days and times of day in UTC, from and to milliseconds since 1970, without a clock or a time zone.
//!
//! In: milliseconds, or the day a subscription expires. Out: RFC 3339 text for the witness log, the end of
//! that day, the wire's `d/m/Y`.

const DAY_MS: i64 = 86_400_000;

/// `2026-11-21T07:40:00Z`; whole seconds, rounded down.
pub(crate) fn instant_text(ms: i64) -> String {
    let (year, month, day) = civil_from_days(ms.div_euclid(DAY_MS));
    let second = ms.rem_euclid(DAY_MS) / 1000;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `31/12/2026`, the day in which `ms` lies.
pub(crate) fn day_text(ms: i64) -> String {
    let (year, month, day) = civil_from_days(ms.div_euclid(DAY_MS));
    format!("{day:02}/{month:02}/{year:04}")
}

/// The first millisecond after a day that exists, given as year, month and day.
pub(crate) fn end_of_day((year, month, day): (i16, i8, i8)) -> i64 {
    (days_from_civil(year.into(), month.into(), day.into()) + 1) * DAY_MS
}

/// Days since 1970-01-01. The year is counted from March, so that the leap day is its last; 400 such years
/// (an era) always have 146,097 days.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let march_year = if month <= 2 { year - 1 } else { year };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_246_800_999, "2026-11-21T07:40:00Z"),
        ] {
            assert_eq!(instant_text(ms), text);
        }
    }

    #[test]
    fn every_day_of_two_centuries_survives_the_round_trip() {
        for days in -36_525..36_525 {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn an_expiry_ends_with_its_day() {
        let end = end_of_day((2026, 12, 31));
        assert_eq!(instant_text(end), "2027-01-01T00:00:00Z");
        assert_eq!(day_text(end - 1), "31/12/2026");
        assert_eq!(day_text(end_of_day((2028, 2, 29)) - 1), "29/02/2028");
    }
}
