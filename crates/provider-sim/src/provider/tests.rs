//! The provider through its front door: requests in, answers out, and the witness beside them.

mod add;
mod faults;

mod life;
mod parts;

use super::*;
use crate::delivery::Speed;

/// 2026-11-21T00:00:00Z: some moment to begin at.
const START: i64 = 1_795_219_200_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn provider() -> Provider {
    Provider::new(Catalogue::full(), 7)
}

fn provider_with(settings: Settings) -> Provider {
    Provider::open(Catalogue::full(), settings)
}

fn fast() -> Provider {
    provider_with(Settings { speed: Speed::DEMO, ..Settings::default() })
}
