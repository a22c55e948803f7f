//! What the archive costs: an add among many old orders, while they are moved, and when they are in the archive; and the
//! move itself.
//!
//! In: an empty folder, or one that names a database. Out: microseconds per order added, the slowest hundredth of batches,
//! and the time of the move. Without syncs of ours, which would hide what is measured.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use panelworks_core::command::Command;
use panelworks_core::ids::OrderId;
use panelworks_core::limits::ARCHIVE_AFTER;
use panelworks_core::outcome::Done;
use panelworks_core::time::Timestamp;

use crate::fill::deliver;
use crate::shop::Shop;

const CUSTOMERS: u32 = 1_000;
/// Orders of one transaction that is only about filling.
const FILLED: u32 = 10_000;
/// Adds of one batch, and batches of one measurement.
const ADDS: u32 = 50;
const BATCHES: u32 = 400;
/// As the chore moves them.
const MOVED: usize = 64;

/// What was measured, in words.
pub(crate) fn measure(folder: &Path, orders: u32) -> Result<String, Box<dyn Error>> {
    let mut told = String::new();
    let mut shop = Shop::open(folder)?;
    let mut now = Timestamp(1_767_261_600_000);
    shop.furnish(now, CUSTOMERS, 1)?;
    let mut old: Vec<OrderId> = Vec::new();
    for first in (0..orders).step_by(FILLED as usize) {
        let placed = shop.place(now, first..orders.min(first + FILLED), CUSTOMERS, 1)?;
        deliver(&mut shop, now, &placed)?;
        old.extend(placed);
    }
    now = now.after(ARCHIVE_AFTER);
    let mut adding = Adding { now, next: orders };
    adding.alone(&mut shop)?;
    say(&mut told, "adds beside the old orders", adding.alone(&mut shop)?)?;
    let (mut moves, mut adds) = (Vec::new(), Vec::new());
    for orders in old.chunks(MOVED) {
        let began = Instant::now();
        let command = Command::ArchiveOrders { orders: orders.to_vec(), kept: ARCHIVE_AFTER };
        let done = shop.run(now, &[command])?;
        moves.push(began.elapsed());
        if !matches!(done.as_slice(), [Done::Archived { orders: count }] if *count as usize == orders.len()) {
            return Err(format!("not archived: {done:?}").into());
        }
        if moves.len().is_multiple_of(8) {
            adds.push(adding.batch(&mut shop)?);
        }
    }
    say(&mut told, "adds while they are moved", adds)?;
    let all: Duration = moves.iter().sum();
    let per_100_000 = all.as_secs_f64() * 100_000.0 / f64::from(orders.max(1));
    let worst = sorted(&mut moves);
    writeln!(told, "the move: {per_100_000:.1} s per 100,000 orders; a command of {MOVED}: {worst}")?;
    say(&mut told, "adds beside the archive", adding.alone(&mut shop)?)?;
    Ok(told)
}

/// New orders, each on a link of its own.
struct Adding {
    now: Timestamp,
    next: u32,
}

impl Adding {
    /// How long one batch took.
    fn batch(&mut self, shop: &mut Shop) -> Result<Duration, Box<dyn Error>> {
        let began = Instant::now();
        shop.place(self.now, self.next..self.next + ADDS, CUSTOMERS, 1)?;
        self.next += ADDS;
        Ok(began.elapsed())
    }

    /// While nothing else is done.
    fn alone(&mut self, shop: &mut Shop) -> Result<Vec<Duration>, Box<dyn Error>> {
        (0..BATCHES).map(|_| self.batch(shop)).collect()
    }
}

fn say(told: &mut String, what: &str, mut batches: Vec<Duration>) -> Result<(), Box<dyn Error>> {
    let all: Duration = batches.iter().sum();
    let count = f64::from(u32::try_from(batches.len())?) * f64::from(ADDS);
    let each = all.as_secs_f64() * 1e6 / count.max(1.0);
    writeln!(told, "{what}: {each:.1} us per order; a batch of {ADDS}: {}", sorted(&mut batches))?;
    Ok(())
}

fn sorted(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 1000).min(times.len().saturating_sub(1)));
    let ms = |share| at(share).map_or(0.0, |time| time.as_secs_f64() * 1e3);
    format!("half within {:.2} ms, 99 % within {:.2} ms, all within {:.2} ms", ms(500), ms(990), ms(1000))
}
