//! Drip-feeds: one debit, many runs, each an order of its own that carries its allotted share of the charge.
//!
//! Runs are created when due, one at a time, never a burst after a stop. The parent's status and remains
//! follow its runs. Rules: `domain.md`, Drip-feed. Never: money created for a run; it comes from the parent.

use serde::{Deserialize, Serialize};

use crate::ids::OrderId;
use crate::money::{Amount, Quantity, share};
use crate::order::cancel::{open_request, stop_if_not_sent};
use crate::order::draft::Drip;
use crate::order::settle::{Movement, move_money};
use crate::order::{CancelState, Order, OrderFile, OrderKind, OrderStatus, Part, place};
use crate::outcome::{Decision, Done, Refusal, Stop};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Service, ServiceType};
    use crate::command::Command;
    use crate::ids::{AttemptId, CustomerId};
    use crate::ledger::LedgerAccount;
    use crate::money::Rate;
    use crate::provider::{RejectionClass, SeenStatus};
    use crate::testing::{Stage, dripping, refused, seen, seen_left, service, unknown};

    /// `runs` of 100, half an hour apart, at 90,000 micro-units each.
    fn placed(runs: u64) -> (Stage, CustomerId, OrderId) {
        let mut stage = Stage::default();
        let (sold, _) = stage.routed();
        let anna = stage.customer(1_000_000);
        let parent = stage.placed(anna, sold, dripping("https://example.com/p", 100, runs, 30));
        (stage, anna, parent)
    }

    fn made(stage: &Stage, parent: OrderId) -> Vec<OrderId> {
        let Part::DripFeed(drip) = &stage.order(parent).part else { panic!("no drip-feed") };
        drip.made.clone()
    }

    /// Half an hour later, the next run.
    fn next_run(stage: &mut Stage, parent: OrderId) -> OrderId {
        stage.wait(Span::minutes(30));
        stage.run(Command::MakeRun { parent }).expect("due");
        *made(stage, parent).last().expect("a run")
    }

    fn accept(stage: &mut Stage, run: OrderId) -> AttemptId {
        stage.accept(run, &format!("p{run}"))
    }

    fn complete(stage: &mut Stage, run: OrderId) -> AttemptId {
        let attempt = accept(stage, run);
        stage.observe(attempt, seen(SeenStatus::Completed));
        attempt
    }

    fn parent_is(stage: &Stage, parent: OrderId) -> (OrderStatus, u64) {
        (stage.order(parent).status, stage.order(parent).remains)
    }

    #[test]
    fn all_runs_are_charged_at_once_and_the_first_is_made_at_once() {
        let (stage, anna, parent) = placed(3);
        assert_eq!(stage.balance(anna), 730_000);
        assert_eq!((stage.order(parent).quantity, stage.order(parent).charge), (300, Amount(270_000)));
        let run = stage.order(made(&stage, parent)[0]);
        assert_eq!((run.quantity, run.charge, run.sums.debited), (100, Amount(90_000), Amount::ZERO));
        assert_eq!(run.part, Part::Run { parent, number: 1 });
        assert_eq!(parent_is(&stage, parent), (OrderStatus::Pending, 300));
    }

    /// Shows C3, C23, I11.
    #[test]
    fn allotted_charges_add_up_to_the_whole_exactly() {
        let mut stage = Stage::default();
        let odd = Service { rate: Rate::from_micros(7).expect("a rate"), ..service(ServiceType::Default) };
        let sold = stage.service(odd);
        let anna = stage.customer(1_000);
        // 11 × 7 at 7 per thousand: one micro-unit for seven runs.
        let parent = stage.placed(anna, sold, dripping("anna", 11, 7, 30));
        for _ in 1..7 {
            next_run(&mut stage, parent);
        }
        let charges: Vec<i64> = made(&stage, parent).iter().map(|run| stage.order(*run).charge.0).collect();
        assert_eq!(charges, [1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(stage.order(parent).charge, Amount(1));
        for run in made(&stage, parent) {
            stage.observe(AttemptId::by_hand(run), seen(SeenStatus::Completed));
        }
        assert_eq!(stage.booked(LedgerAccount::Revenue), 1);
    }

    /// Shows A13.
    #[test]
    fn runs_come_when_due_and_after_a_stop_never_in_a_burst() {
        let (mut stage, _, parent) = placed(5);
        let make = Command::MakeRun { parent };
        assert_eq!(stage.run(make.clone()), Err(Refusal::OutOfTurn("no run is due")));
        stage.wait(Span::hours(10));
        stage.run(make.clone()).expect("one");
        assert_eq!(stage.run(make), Err(Refusal::OutOfTurn("no run is due")));
        assert_eq!(made(&stage, parent).len(), 2);
    }

    #[test]
    fn it_is_in_progress_with_its_first_run_and_completed_with_its_last() {
        let (mut stage, anna, parent) = placed(2);
        let first = made(&stage, parent)[0];
        let attempt = accept(&mut stage, first);
        assert_eq!(parent_is(&stage, parent), (OrderStatus::InProgress, 200));
        stage.observe(attempt, seen_left(SeenStatus::InProgress, 30));
        assert_eq!(parent_is(&stage, parent), (OrderStatus::InProgress, 130));
        stage.observe(attempt, seen(SeenStatus::Completed));
        assert_eq!(parent_is(&stage, parent), (OrderStatus::InProgress, 100));
        let second = next_run(&mut stage, parent);
        complete(&mut stage, second);
        assert_eq!(parent_is(&stage, parent), (OrderStatus::Completed, 0));
        assert_eq!((stage.balance(anna), stage.booked(LedgerAccount::Revenue)), (820_000, 180_000));
    }

    #[test]
    fn a_run_that_nobody_takes_stops_it_and_later_runs_come_back_at_once() {
        let (mut stage, anna, parent) = placed(4);
        let first = made(&stage, parent)[0];
        complete(&mut stage, first);
        let second = next_run(&mut stage, parent);
        stage.send(second, refused(RejectionClass::Service));
        assert_eq!(parent_is(&stage, parent), (OrderStatus::Partial, 300));
        assert_eq!(stage.balance(anna), 910_000);
        stage.wait(Span::hours(1));
        assert!(stage.run(Command::MakeRun { parent }).is_err());
    }

    #[test]
    fn it_is_canceled_when_nothing_was_delivered() {
        let (mut stage, anna, parent) = placed(4);
        let first = made(&stage, parent)[0];
        stage.send(first, refused(RejectionClass::Service));
        assert_eq!(parent_is(&stage, parent), (OrderStatus::Canceled, 400));
        assert_eq!(stage.balance(anna), 1_000_000);
    }

    #[test]
    fn a_run_its_provider_cancels_does_not_stop_the_others() {
        let (mut stage, anna, parent) = placed(2);
        let first = made(&stage, parent)[0];
        let attempt = accept(&mut stage, first);
        stage.observe(attempt, seen_left(SeenStatus::Canceled, 0));
        assert_eq!(parent_is(&stage, parent), (OrderStatus::InProgress, 200));
        let second = next_run(&mut stage, parent);
        complete(&mut stage, second);
        assert_eq!(parent_is(&stage, parent), (OrderStatus::Partial, 100));
        assert_eq!(stage.balance(anna), 910_000);
    }

    /// Shows C23.
    #[test]
    fn cancelling_refunds_the_runs_not_made_and_asks_to_stop_those_under_way() {
        let (mut stage, anna, parent) = placed(5);
        let first = made(&stage, parent)[0];
        complete(&mut stage, first);
        let second = next_run(&mut stage, parent);
        let attempt = accept(&mut stage, second);
        let third = next_run(&mut stage, parent);

        stage.cancel(anna, parent).expect("asked");

        // Two runs not made, and the third that was not sent.
        assert_eq!(stage.balance(anna), 550_000 + 270_000);
        assert_eq!(stage.order(third).status, OrderStatus::Canceled);
        assert!(stage.file(second).asked_to_cancel());
        assert!(stage.file(parent).asked_to_cancel());
        assert_eq!(parent_is(&stage, parent), (OrderStatus::InProgress, 400));
        stage.observe(attempt, seen_left(SeenStatus::Partial, 50));
        assert_eq!(parent_is(&stage, parent), (OrderStatus::Partial, 350));
        assert_eq!(stage.file(parent).cancels[0].state, CancelState::Completed);
        assert_eq!(stage.balance(anna), 1_000_000 - 90_000 - 45_000);
    }

    #[test]
    fn cancelling_before_anything_was_sent_ends_it_at_once() {
        let (mut stage, anna, parent) = placed(5);
        stage.cancel(anna, parent).expect("asked");
        assert_eq!(parent_is(&stage, parent), (OrderStatus::Canceled, 500));
        assert_eq!(stage.balance(anna), 1_000_000);
        assert_eq!(stage.cancel(anna, parent), Err(Refusal::CancelRepeated));
    }

    #[test]
    fn a_cancel_that_comes_when_all_runs_are_made_and_complete_is_rejected() {
        let (mut stage, anna, parent) = placed(2);
        let first = made(&stage, parent)[0];
        complete(&mut stage, first);
        let second = next_run(&mut stage, parent);
        let attempt = accept(&mut stage, second);
        stage.cancel(anna, parent).expect("asked");
        stage.observe(attempt, seen(SeenStatus::Completed));
        assert_eq!(parent_is(&stage, parent), (OrderStatus::Completed, 0));
        assert_eq!(stage.file(parent).cancels[0].state, CancelState::Rejected);
    }

    #[test]
    fn a_correction_of_a_run_derives_the_parent_again_forward_only() {
        let (mut stage, anna, parent) = placed(2);
        let first = made(&stage, parent)[0];
        let one = complete(&mut stage, first);
        let second = next_run(&mut stage, parent);
        let two = complete(&mut stage, second);
        stage.observe(one, seen_left(SeenStatus::Partial, 40));
        assert_eq!(parent_is(&stage, parent), (OrderStatus::Partial, 40));
        assert_eq!(stage.balance(anna), 820_000 + 36_000);
        stage.observe(one, seen(SeenStatus::Canceled));
        stage.observe(two, seen(SeenStatus::Canceled));
        assert_eq!(parent_is(&stage, parent), (OrderStatus::Canceled, 200));
        assert_eq!((stage.balance(anna), stage.booked(LedgerAccount::Revenue)), (1_000_000, 0));
    }

    #[test]
    fn a_run_of_unknown_outcome_that_is_written_off_does_not_stop_the_others() {
        let (mut stage, anna, parent) = placed(2);
        let first = made(&stage, parent)[0];
        let attempt = stage.send(first, unknown());
        let verdict = crate::order::attempt::Verdict::WriteOff;
        stage.run(Command::ResolveAttempt { attempt, verdict }).expect("written off");
        let second = next_run(&mut stage, parent);
        complete(&mut stage, second);
        assert_eq!(parent_is(&stage, parent), (OrderStatus::Partial, 100));
        assert_eq!(stage.balance(anna), 910_000);
    }

    #[test]
    fn cancelling_one_run_leaves_the_others_alone() {
        let (mut stage, anna, parent) = placed(2);
        let first = made(&stage, parent)[0];
        let attempt = stage.begin(first).attempt;
        stage.cancel(anna, first).expect("asked");
        stage.finish(attempt, refused(RejectionClass::Limit));
        assert_eq!(stage.order(first).status, OrderStatus::Canceled);
        next_run(&mut stage, parent);
    }
}
