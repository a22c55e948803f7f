//! From wherever an order stands, a provider that answers and a person who looks bring it to its end: no order is left
//! that nobody can end, and nothing stays in flight.

use panelworks_core::command::Command;
use panelworks_core::ids::AttemptId;
use panelworks_core::order::attempt::{AttemptState, Verdict};
use panelworks_core::order::{OrderFile, Part};
use panelworks_core::provider::SeenStatus;
use panelworks_core::testing::{Stage, seen, unknown};

use crate::scenes::Shop;

/// More than any scene has steps to its end.
const STEPS: usize = 64;

/// What stays open, if anything does.
pub(crate) fn comes_to_its_end(stage: &Stage, shop: &Shop) -> Result<(), String> {
    let mut stage = stage.clone();
    for _ in 0..STEPS {
        let Some(file) = stage.orders.values().rev().find(|file| !file.order.status.has_ended()) else {
            let in_flight = stage.booked(panelworks_core::ledger::LedgerAccount::InFlight);
            return if in_flight == 0 { Ok(()) } else { Err(format!("{in_flight} stays in flight")) };
        };
        let command = towards_its_end(file, shop);
        if let Command::BeginAttempt { attempt } = &command
            && let AttemptState::Planned { due } = stage.attempt(*attempt).state
        {
            stage.now = stage.now.max(due);
        }
        let outcome = stage.run(command.clone());
        if outcome.is_err() {
            return Err(format!("on the way to the end {command:?} is refused: {outcome:?}"));
        }
    }
    Err("it never ends".to_owned())
}

/// The next thing that a provider that works, or a person who looks, does about an open order.
fn towards_its_end(file: &OrderFile, shop: &Shop) -> Command {
    let order = file.order.id;
    let id = |number| AttemptId { order, number };
    for attempt in &file.attempts {
        let attempt_id = id(attempt.number);
        match &attempt.state {
            AttemptState::Sending { .. } => {
                return Command::FinishAttempt { attempt: attempt_id, result: unknown() };
            }
            AttemptState::Unknown { .. } => {
                return Command::ResolveAttempt { attempt: attempt_id, verdict: Verdict::WriteOff };
            }
            AttemptState::Accepted { .. } | AttemptState::Adopted { .. } => {
                return Command::Observe { attempt: attempt_id, seen: seen(SeenStatus::Completed) };
            }
            AttemptState::Planned { .. } => return Command::BeginAttempt { attempt: attempt_id },
            AttemptState::Rejected { .. }
            | AttemptState::NotSent { .. }
            | AttemptState::Absent { .. }
            | AttemptState::WrittenOff { .. }
            | AttemptState::FoundLate { .. }
            | AttemptState::Voided => {}
        }
    }
    if matches!(file.order.part, Part::DripFeed(_) | Part::Subscription(_)) {
        return Command::RequestCancel { customer: shop.customer, order };
    }
    match file.attempts.last() {
        Some(last) => Command::ResolveAttempt { attempt: id(last.number), verdict: Verdict::WriteOff },
        None => Command::Observe { attempt: AttemptId::by_hand(order), seen: seen(SeenStatus::Completed) },
    }
}
