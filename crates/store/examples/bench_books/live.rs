//! Orders through their whole lives in batches as a busy panel makes them: what an order costs on disk (P13).
//!
//! Each order is placed, claimed, accepted, seen in progress and seen completed, each in another batch, with many
//! other orders in between: pages are written full and changed later, as they are in life.

use std::collections::VecDeque;
use std::error::Error;
use std::path::Path;

use panelworks_core::command::Command;
use panelworks_core::ids::OrderId;
use panelworks_core::time::{Span, Timestamp};

use crate::fill::{accept, begin, complete, progress};
use crate::shop::Shop;

/// Commands of one batch (`performance.md`, What follows 1: 22 at 64 connections, 56 to 100 at 256).
const BATCH: u32 = 50;
const CUSTOMERS: u32 = 1_000;
/// Batches of new orders from an order's acceptance to each next step of its life.
const STEPS: [Step; 4] = [(1, begin), (2, accept), (40, progress), (400, complete)];

/// After so many batches, this.
type Step = (usize, fn(OrderId) -> Command);

/// Lets the orders live in an empty folder; gives the bytes of the file after everything is in it.
pub(crate) fn live(folder: &Path, orders: u32) -> Result<u64, Box<dyn Error>> {
    let mut shop = Shop::open(folder)?;
    let mut now = Timestamp(1_767_261_600_000);
    shop.furnish(now, CUSTOMERS, 1)?;
    let mut waiting: [VecDeque<Vec<OrderId>>; 4] = Default::default();
    let mut first = 0;
    while first < orders || waiting.iter().any(|queue| !queue.is_empty()) {
        now = now.after(Span::seconds(1));
        if first < orders {
            let placed = shop.place(now, first..orders.min(first + BATCH), CUSTOMERS, 1)?;
            first += BATCH;
            waiting[0].push_back(placed);
        }
        step(&mut shop, now, &mut waiting, first >= orders)?;
    }
    drop(shop);
    Ok(std::fs::metadata(folder.join("panelworks.db"))?.len())
}

/// Moves the oldest batch of each step on, if it has waited long enough or nothing new comes.
fn step(
    shop: &mut Shop,
    now: Timestamp,
    waiting: &mut [VecDeque<Vec<OrderId>>; 4],
    is_last: bool,
) -> Result<(), Box<dyn Error>> {
    for (place, (batches, command)) in STEPS.into_iter().enumerate() {
        let since = if place == 0 { 0 } else { STEPS[place - 1].0 };
        if waiting[place].len() > batches - since - 1 || is_last {
            let Some(orders) = waiting[place].pop_front() else { continue };
            let commands: Vec<Command> = orders.iter().map(|order| command(*order)).collect();
            shop.run(now, &commands)?;
            if let Some(next) = waiting.get_mut(place + 1) {
                next.push_back(orders);
            }
        }
    }
    Ok(())
}
