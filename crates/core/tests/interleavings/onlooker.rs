//! Somebody who hears every act and reads none of the books: how much each order may have given back, and whether it
//! may have been bought before.
//!
//! In: acts and whether they were taken. Out: what the books then say against it. Written without the core's own
//! sums, so that a mistake would have to be made twice.

use std::collections::BTreeMap;

use panelworks_core::command::Command;
use panelworks_core::ids::OrderId;
use panelworks_core::order::attempt::{AttemptResult, Verdict};
use panelworks_core::order::{Order, OrderStatus, Part};
use panelworks_core::outcome::{Done, Outcome};
use panelworks_core::provider::{Observation, SeenStatus};
use panelworks_core::testing::Stage;

use crate::acts::about;

/// See the module's head.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Onlooker {
    orders: BTreeMap<OrderId, Heard>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Heard {
    fates: BTreeMap<u16, Fate>,
    /// The most that a Partial with sense has left.
    most_left: Option<u64>,
    /// The provider, or a person in its place, has said that all of it was called off.
    called_off: bool,
    /// It ended while nobody had it: what is found afterwards changes that no more.
    undone: bool,
}

/// What became of an attempt, as far as anybody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Fate {
    /// Nobody has said yet.
    Open,
    Bought,
    NotBought,
    GivenUp,
    /// It is asked back, and nothing here follows it.
    FoundLate,
}

impl Onlooker {
    /// Before and after an act; what can't be.
    pub(crate) fn hears(
        &mut self,
        command: &Command,
        before: &Stage,
        outcome: &Outcome,
    ) -> Result<(), String> {
        let (Some(order), Ok(done)) = (about(command), outcome) else { return Ok(()) };
        let heard = self.orders.entry(order).or_default();
        match command {
            Command::BeginAttempt { attempt } if matches!(done, Done::Began(_)) => {
                if before.order(order).status.has_ended() {
                    return Err(format!("order {order} has ended and is sent"));
                }
                let earlier =
                    heard.fates.values().find(|fate| !matches!(fate, Fate::NotBought | Fate::FoundLate));
                if let Some(fate) = earlier {
                    return Err(format!("order {order} is sent again after an attempt that is {fate:?}"));
                }
                heard.fates.insert(attempt.number, Fate::Open);
            }
            Command::FinishAttempt { attempt, result } => {
                let fate = match result {
                    AttemptResult::Accepted { .. } => Fate::Bought,
                    AttemptResult::Rejected { .. } | AttemptResult::NotSent { .. } => Fate::NotBought,
                    AttemptResult::Unknown { .. } => Fate::Open,
                };
                heard.fates.insert(attempt.number, fate);
            }
            Command::ResolveAttempt { attempt, verdict } => {
                // Found when another was sent in its place: an order there that is nobody's here.
                let replaced = heard.fates.keys().any(|later| *later > attempt.number);
                let fate = match verdict {
                    Verdict::Adopt { .. } if replaced || heard.undone => Fate::FoundLate,
                    Verdict::Adopt { .. } => Fate::Bought,
                    Verdict::Absent => Fate::NotBought,
                    Verdict::WriteOff => Fate::GivenUp,
                };
                heard.fates.insert(attempt.number, fate);
            }
            Command::Observe { seen, .. } => heard.word(before.order(order), seen),
            _says_nothing => {}
        }
        Ok(())
    }

    /// The books against what was heard.
    pub(crate) fn agrees(&mut self, stage: &Stage) -> Result<(), String> {
        let mut spent = 0;
        for file in stage.orders.values() {
            let order = &file.order;
            if order.part.parent().is_none() {
                let sums = &order.sums;
                spent += sums.debited.0 - sums.returned.0 - sums.refunded.0;
            }
            if !matches!(order.part, Part::DripFeed(_) | Part::Subscription(_)) {
                self.orders.entry(order.id).or_default().agrees(order)?;
            }
        }
        let has: i64 = stage.accounts.values().map(|account| account.balance.0).sum();
        let had: i64 = stage.entries.first().map_or(0, |entry| entry.amount.0);
        if has + spent != had {
            return Err(format!("the customer had {had}, has {has}, and spent {spent}"));
        }
        Ok(())
    }
}

impl Heard {
    fn word(&mut self, order: &Order, seen: &Observation) {
        match &seen.status {
            Some(SeenStatus::Canceled) => self.called_off = true,
            Some(SeenStatus::Partial) => {
                let left = seen.remains.within(order.quantity);
                self.most_left = self.most_left.max(left);
            }
            _any_other_word => {}
        }
    }

    fn agrees(&mut self, order: &Order) -> Result<(), String> {
        let refunded = order.sums.refunded.0;
        let charge = order.charge.0;
        let nobody_has_it = self.fates.values().all(|fate| !matches!(fate, Fate::Open | Fate::Bought));
        self.undone |= nobody_has_it && order.status == OrderStatus::Canceled;
        let most = if self.called_off || self.undone {
            charge
        } else {
            // What was delivered is paid for to the last fraction of a micro-unit.
            let left = i64::try_from(self.most_left.unwrap_or(0)).unwrap_or(i64::MAX);
            let quantity = i64::try_from(order.quantity).unwrap_or(i64::MAX);
            charge * left / quantity
        };
        let id = order.id;
        if refunded > most {
            return Err(format!(
                "order {id} gave back {refunded} of {charge}, at most {most} was not delivered"
            ));
        }
        let exact = match order.status {
            OrderStatus::Canceled => charge,
            OrderStatus::Partial => return Ok(()),
            OrderStatus::Completed
            | OrderStatus::Pending
            | OrderStatus::Processing
            | OrderStatus::InProgress
            | OrderStatus::Expired => 0,
        };
        if refunded == exact {
            Ok(())
        } else {
            Err(format!("order {id} is {:?} and gave back {refunded} of {charge}", order.status))
        }
    }
}
