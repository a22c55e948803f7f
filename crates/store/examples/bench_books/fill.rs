//! Many orders quickly: a past of thirty days, nearly all of it ended, some orders still open.

use std::error::Error;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, OrderId, ProviderOrderId};
use panelworks_core::order::attempt::AttemptResult;
use panelworks_core::provider::{Observation, SeenCharge, SeenRemains, SeenStatus};
use panelworks_core::time::{Span, Timestamp};

use crate::shop::Shop;

/// Orders of one transaction.
const ORDERS: u32 = 10_000;
/// Of this many orders one is still open.
const OPEN_ONE_OF: u32 = 50;
/// How long ago the first order was placed.
const PAST: Span = Span::days(30);

/// Fills an empty folder; gives the number of orders.
pub(crate) fn fill(folder: &Path, orders: u32, customers: u32, services: u32) -> Result<u32, Box<dyn Error>> {
    let now = now()?;
    let began = now - PAST.0;
    let at = |number: u32| Timestamp(began + PAST.0 * i64::from(number) / i64::from(orders.max(1)));
    let mut shop = Shop::open(folder)?;
    shop.furnish(Timestamp(began), customers, services)?;
    for first in (0..orders).step_by(ORDERS as usize) {
        let placed = shop.place(at(first), first..orders.min(first + ORDERS), customers, 1)?;
        let ended: Vec<OrderId> = placed.into_iter().filter(|order| order.0 % OPEN_ONE_OF != 0).collect();
        deliver(&mut shop, at(first), &ended)?;
    }
    shop.switch_provider_off(Timestamp(now))?;
    Ok(orders)
}

/// Adds to filled books, that are at their first orders, orders that are all open: under way at `accounts` accounts, which
/// are there from number 2 on, and accepted in even steps over the last `seconds`. Gives the number of orders.
pub(crate) fn open(
    folder: &Path,
    orders: u32,
    customers: u32,
    accounts: u32,
    seconds: u32,
) -> Result<u32, Box<dyn Error>> {
    let (now, past) = (now()?, Span::seconds(i64::from(seconds)));
    let at = |number: u32| Timestamp(now - past.0 + past.0 * i64::from(number) / i64::from(orders.max(1)));
    let mut shop = Shop::open(folder)?;
    shop.serve_from(at(0), 2..2 + accounts)?;
    for first in (0..orders).step_by(ORDERS as usize) {
        let placed = shop.place(at(first), first..orders.min(first + ORDERS), customers, accounts)?;
        for step in [begin, accept, progress] {
            let commands: Vec<Command> = placed.iter().map(|order| step(*order)).collect();
            shop.run(at(first), &commands)?;
        }
    }
    Ok(orders)
}

/// Milliseconds since 1970.
fn now() -> Result<i64, Box<dyn Error>> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}

pub(crate) fn deliver(shop: &mut Shop, now: Timestamp, orders: &[OrderId]) -> Result<(), Box<dyn Error>> {
    for step in [begin, accept, complete] {
        let commands: Vec<Command> = orders.iter().map(|order| step(*order)).collect();
        shop.run(now, &commands)?;
    }
    Ok(())
}

/// The first attempt of an order.
const fn first(order: OrderId) -> AttemptId {
    AttemptId { order, number: 1 }
}

pub(crate) fn begin(order: OrderId) -> Command {
    Command::BeginAttempt { attempt: first(order) }
}

/// The provider counts in its own way, and with more digits.
pub(crate) fn accept(order: OrderId) -> Command {
    let theirs = ProviderOrderId::new(&(40_000_000 + u64::from(order.0)).to_string());
    let order_there = theirs.expect("digits are an id");
    Command::FinishAttempt { attempt: first(order), result: AttemptResult::Accepted { order: order_there } }
}

pub(crate) fn progress(order: OrderId) -> Command {
    observe(order, SeenStatus::InProgress, 60)
}

pub(crate) fn complete(order: OrderId) -> Command {
    observe(order, SeenStatus::Completed, 0)
}

fn observe(order: OrderId, status: SeenStatus, remains: i64) -> Command {
    let seen = Observation {
        status: Some(status),
        charge: SeenCharge::Micros(50_000),
        start_count: Some(12_345),
        remains: SeenRemains::Is(remains),
        ..Observation::default()
    };
    Command::Observe { attempt: first(order), seen }
}
