//! Instants and spans as plain numbers. The core never asks for the time; it is given it.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub i64);

impl Span {
    pub const fn seconds(n: i64) -> Self {
        Self(n.saturating_mul(1000))
    }
    pub const fn minutes(n: i64) -> Self {
        Self::seconds(n.saturating_mul(60))
    }
    pub const fn hours(n: i64) -> Self {
        Self::minutes(n.saturating_mul(60))
    }
    pub const fn days(n: i64) -> Self {
        Self::hours(n.saturating_mul(24))
    }
}

impl Timestamp {
    /// Later by `span`; at the ends of time it stays there.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// From `earlier` to here; negative when the clock went back.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

/// A civil date, for a subscription's expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Date(jiff::civil::Date);

impl Date {
    /// None when there is no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        jiff::civil::Date::new(year, month, day).ok().map(Self)
    }

    /// The first instant after this day, in UTC (`domain.md`, Subscription: "the end of that day, UTC").
    #[must_use]
    pub fn end(self) -> Timestamp {
        let next = self.0.tomorrow().unwrap_or(self.0);
        let end = next
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_or(i64::MAX, |zoned| zoned.timestamp().as_millisecond());
        Timestamp(end)
    }

    /// `31/12/2026`, as the wire writes it (`api-v2.md` §4).
    #[must_use]
    pub fn day_month_year(self) -> String {
        format!("{:02}/{:02}/{:04}", self.0.day(), self.0.month(), self.0.year())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_ends_at_the_next_midnight_utc() {
        let date = Date::new(1970, 1, 1).expect("a day");
        assert_eq!(date.end(), Timestamp(86_400_000));
        assert_eq!(date.day_month_year(), "01/01/1970");
    }

    #[test]
    fn there_is_no_thirtieth_of_february() {
        assert_eq!(Date::new(2026, 2, 30), None);
    }
}
