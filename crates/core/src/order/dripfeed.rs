//! Drip-feeds: one debit, many runs, each an order of its own that carries its allotted share of the charge.
//!
//! Runs are created when due, one at a time, never a burst after a stop. The parent's status and remains
//! follow its runs. Rules: `domain.md`, Drip-feed. Never: money created for a run; it comes from the parent.

use serde::{Deserialize, Serialize};

use crate::command::{Decision, Done, Refusal, Stop};
use crate::ids::OrderId;
use crate::money::{Amount, Quantity, share};
use crate::order::cancel::{open_request, stop_if_not_sent};
use crate::order::draft::Drip;
use crate::order::settle::{Movement, move_money};
use crate::order::{CancelState, Order, OrderFile, OrderKind, OrderStatus, Part, place};
use crate::planted::Bug;
use crate::time::{Span, Timestamp};
use crate::world::World;

/// The parent's own state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DripFeed {
    pub runs: u32,
    pub interval_min: u32,
    pub per_run: Quantity,
    /// Ids of the runs made so far, in order.
    pub made: Vec<OrderId>,
    pub next_due: Timestamp,
    /// No further runs: cancelled, or a run that nobody takes.
    pub stopped: bool,
    pub ended: u32,
    pub completed: u32,
    pub canceled: u32,
}

impl DripFeed {
    pub const fn new(drip: Drip, per_run: Quantity, now: Timestamp) -> Self {
        Self {
            runs: drip.runs,
            interval_min: drip.interval_min,
            per_run,
            made: Vec::new(),
            next_due: now,
            stopped: false,
            ended: 0,
            completed: 0,
            canceled: 0,
        }
    }

    fn made_count(&self) -> u32 {
        u32::try_from(self.made.len()).unwrap_or(u32::MAX)
    }

    /// When the next run is due; None when there will be none.
    pub fn due(&self) -> Option<Timestamp> {
        (!self.stopped && self.made_count() < self.runs).then_some(self.next_due)
    }

    fn over(&self) -> bool {
        (self.stopped || self.made_count() >= self.runs) && self.ended >= self.made_count()
    }

    /// What the first `count` runs cost together: the whole is met exactly by the last.
    fn allotted(&self, charge: Amount, count: u32) -> Result<Amount, Refusal> {
        share(charge, u64::from(count), u64::from(self.runs)).ok_or(Refusal::AmountOutOfRange)
    }
}

/// The parent's file and its drip-feed; anything else is out of turn.
fn load(world: &World, parent: OrderId) -> Result<(OrderFile, DripFeed), Stop> {
    let file = world.order(parent)?.ok_or(Refusal::UnknownOrder)?.clone();
    match &file.order.part {
        Part::DripFeed(drip) => {
            let drip = drip.clone();
            Ok((file, drip))
        }
        Part::Whole | Part::Subscription(_) | Part::Run { .. } | Part::Post { .. } => {
            Err(Refusal::OutOfTurn("not a drip-feed").into())
        }
    }
}

fn store(world: &mut World, mut file: OrderFile, drip: DripFeed) {
    file.order.part = Part::DripFeed(drip);
    world.put_order(file);
}

/// Creates the next run, if one is due now.
pub fn make_run(world: &mut World, now: Timestamp, parent: OrderId) -> Decision {
    let (file, mut drip) = load(world, parent)?;
    if file.order.status.has_ended() || drip.due().is_none_or(|due| due > now) {
        return Err(Refusal::OutOfTurn("no run is due").into());
    }
    let service = world.service(file.order.service)?.ok_or(Refusal::UnknownService)?.clone();
    let number = drip.made_count() + 1;
    let charge =
        drip.allotted(file.order.charge, number)?.above(drip.allotted(file.order.charge, number - 1)?);
    let id = world.next_order().ok_or(Refusal::IdsExhausted)?;
    let kind: OrderKind = file.order.kind.clone();
    let part = Part::Run { parent, number };
    let mut run = OrderFile::new(place::child_of(&file.order, id, part, kind, drip.per_run, charge, now));
    place::plan_first(&mut run, &service, now);
    drip.made.push(id);
    // From now, not from when it was due: runs that were missed don't come in a burst.
    let from = if world.planted.has(Bug::RunsCatchUp) { drip.next_due } else { now };
    drip.next_due = from.after(Span::minutes(i64::from(drip.interval_min)));
    store(world, file, drip);
    world.put_order(run);
    Ok(Done::Noted)
}

/// A run changed: the parent's remains, counts and status follow.
pub fn follow_run(
    world: &mut World,
    now: Timestamp,
    parent: OrderId,
    before: &Order,
    after: &Order,
) -> Result<(), Stop> {
    let (mut file, mut drip) = load(world, parent)?;
    file.order.remains = (file.order.remains + undelivered(after)).saturating_sub(undelivered(before));
    if before.status != after.status {
        count(&mut drip, before.status, false);
        count(&mut drip, after.status, true);
    }
    if after.status != OrderStatus::Pending
        && file.order.status == OrderStatus::Pending
        && !after.status.has_ended()
    {
        file.order.status = OrderStatus::InProgress;
    }
    derive_end(&mut file, &drip, now);
    store(world, file, drip);
    Ok(())
}

/// What a run did not deliver for money: of a canceled one everything, whatever its provider says is left.
pub fn undelivered(run: &Order) -> Quantity {
    if run.status == OrderStatus::Canceled { run.quantity } else { run.remains }
}

fn count(drip: &mut DripFeed, status: OrderStatus, up: bool) {
    let step = |n: &mut u32| *n = if up { *n + 1 } else { n.saturating_sub(1) };
    match status {
        OrderStatus::Completed => {
            step(&mut drip.ended);
            step(&mut drip.completed);
        }
        OrderStatus::Canceled => {
            step(&mut drip.ended);
            step(&mut drip.canceled);
        }
        OrderStatus::Partial | OrderStatus::Expired => step(&mut drip.ended),
        OrderStatus::Pending | OrderStatus::Processing | OrderStatus::InProgress => {}
    }
}

/// The parent ends when all runs have and none will follow; a later correction derives it again, forward only.
fn derive_end(file: &mut OrderFile, drip: &DripFeed, now: Timestamp) {
    if !drip.over() {
        return;
    }
    let end = if drip.completed == drip.runs {
        OrderStatus::Completed
    } else if file.order.remains >= file.order.quantity {
        OrderStatus::Canceled
    } else {
        OrderStatus::Partial
    };
    if file.order.status.has_ended() && end <= file.order.status {
        return;
    }
    file.order.status = end;
    file.order.hold = None;
    if file.order.ended_at.is_none() {
        file.order.ended_at = Some(now);
        for cancel in file.cancels.iter_mut().filter(|cancel| cancel.state.is_open()) {
            cancel.ended_at = Some(now);
            cancel.state =
                if end == OrderStatus::Completed { CancelState::Rejected } else { CancelState::Completed };
        }
    }
}

/// No further runs: their share goes back at once.
pub fn stop(world: &mut World, now: Timestamp, parent: OrderId) -> Result<(), Stop> {
    let (mut file, mut drip) = load(world, parent)?;
    if drip.stopped || file.order.status.has_ended() {
        return Ok(());
    }
    drip.stopped = true;
    let unmade = file.order.charge.above(drip.allotted(file.order.charge, drip.made_count())?);
    move_money(world, &mut file, Movement::Refunded, unmade)?;
    derive_end(&mut file, &drip, now);
    store(world, file, drip);
    Ok(())
}

/// The owner's cancel: runs not made are refunded, runs under way are asked to stop.
pub fn cancel(world: &mut World, now: Timestamp, parent: OrderId) -> Result<(), Stop> {
    stop(world, now, parent)?;
    let (_, drip) = load(world, parent)?;
    for run in drip.made {
        let mut file = world.order(run)?.ok_or(Refusal::UnknownOrder)?.clone();
        if file.order.status.has_ended() || file.cancels.iter().any(|cancel| cancel.state.is_open()) {
            continue;
        }
        let before = file.order.clone();
        open_request(world, now, &mut file)?;
        stop_if_not_sent(world, now, &mut file)?;
        let after = file.order.clone();
        world.put_order(file);
        follow_run(world, now, parent, &before, &after)?;
    }
    Ok(())
}
