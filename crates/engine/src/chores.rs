//! Forwarding refills and cancels, asking cancels of the panel's own, and asking what became of them.
//!
//! Neither spends money, so both may be asked twice: no answer means asking again later. Rules: `domain.md`,
//! Refills and Cancels; invariants.md B20.

use panelworks_client::{ClientCall, Exchanged, Failure};
use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, CancelId, OrderId, ProviderAccountId, RefillId};
use panelworks_core::order::cancel::CancelAnswer;
use panelworks_core::order::refill::{RefillAnswer, RefillSeen};
use panelworks_core::time::Timestamp;
use panelworks_wire::error::{ErrorClass, classify};
use panelworks_wire::lenient::{
    self, BatchAnswer, CancelRowAnswer, CancelStatusRowAnswer, RefillRowAnswer, RefillStatusRowAnswer,
    SeenCancel, SeenRefill,
};

use crate::engine::{Act, Calls, Due, Engine, Waiting};
use crate::limits;

/// One call about one refill, cancel or recall. `not_before` is the core's word, later after each unclear answer: asking
/// at another time is another chore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chore {
    Refill { order: OrderId, refill: RefillId, provider_order: String, not_before: Timestamp },
    RefillStatus { order: OrderId, refill: RefillId, provider_refill: String },
    Cancel { order: OrderId, cancel: CancelId, provider_order: String, not_before: Timestamp },
    CancelStatus { order: OrderId, cancel: CancelId, provider_cancel: String },
    Recall { attempt: AttemptId, provider_order: String, not_before: Timestamp },
}

impl Chore {
    fn call(&self) -> ClientCall {
        match self {
            Self::Refill { provider_order, .. } => ClientCall::Refill(vec![provider_order.clone()]),
            Self::RefillStatus { provider_refill, .. } => {
                ClientCall::RefillStatus(vec![provider_refill.clone()])
            }
            Self::Cancel { provider_order, .. } | Self::Recall { provider_order, .. } => {
                ClientCall::Cancel(vec![provider_order.clone()])
            }
            Self::CancelStatus { provider_cancel, .. } => {
                ClientCall::CancelStatus(vec![provider_cancel.clone()])
            }
        }
    }

    const fn due(&self) -> Due {
        match self {
            Self::Refill { order, refill, .. } | Self::RefillStatus { order, refill, .. } => {
                Due::Refill(*order, *refill)
            }
            Self::Cancel { order, cancel, .. } | Self::CancelStatus { order, cancel, .. } => {
                Due::Cancel(*order, *cancel)
            }
            Self::Recall { attempt, .. } => Due::Recall(*attempt),
        }
    }
}

impl Engine {
    pub(crate) fn chore_due(&mut self, due: &Due) {
        let Some((account, chore)) = self.chores.get(due).cloned() else { return };
        if let Some(lane) = self.lanes.get_mut(&account) {
            lane.chores.push_back(chore);
        }
    }

    pub(crate) fn do_chores(&mut self, account: ProviderAccountId) {
        while let Some(chore) = self.lanes.get_mut(&account).and_then(|lane| {
            if lane.chores_under_way >= limits::CHORES_UNDER_WAY {
                return None;
            }
            let chore = lane.chores.pop_front()?;
            lane.chores_under_way += 1;
            Some(chore)
        }) {
            let call = chore.call();
            let ticket = self.ticket(Waiting::Chore { account, chore });
            self.outbox.push(Act::Ask { ticket, account, call, kind: Calls::Question });
        }
    }

    pub(crate) fn chore_answered(
        &mut self,
        now: Timestamp,
        account: ProviderAccountId,
        chore: Chore,
        exchange: &Result<Exchanged, Failure>,
    ) {
        if let Some(lane) = self.lanes.get_mut(&account) {
            lane.chores_under_way = lane.chores_under_way.saturating_sub(1);
        }
        let body = exchange.as_ref().map_or(&[][..], |answer| &answer.body);
        let due = chore.due();
        // Asked again if this answer changes nothing; a change makes a chore of its own.
        if self.chores.contains_key(&due) {
            self.agenda.set(due, now.after(self.pace.chore_poll));
        }
        match chore {
            Chore::Refill { order, refill, provider_order, .. } => {
                let answer = refill_answer(first(lenient::refill(body, &[provider_order])));
                self.outcome(Command::AnswerRefill { order, refill, answer });
            }
            Chore::RefillStatus { order, refill, provider_refill } => {
                if let Ok(RefillStatusRowAnswer::Seen(seen)) =
                    first(lenient::refill_status(body, &[provider_refill]))
                    && let Some(seen) = refill_seen(&seen)
                {
                    self.outcome(Command::ObserveRefill { order, refill, seen });
                }
            }
            Chore::Cancel { order, cancel, provider_order, .. } => {
                let answer = cancel_answer(first(lenient::cancel(body, &[provider_order])));
                self.outcome(Command::AnswerCancel { order, cancel, answer });
            }
            Chore::Recall { attempt, provider_order, .. } => {
                let answer = cancel_answer(first(lenient::cancel(body, &[provider_order])));
                self.outcome(Command::AnswerRecall { attempt, answer });
            }
            Chore::CancelStatus { order, cancel, provider_cancel } => {
                let seen = first(lenient::cancel_status(body, &[provider_cancel])).ok();
                if matches!(seen, Some(CancelStatusRowAnswer::Seen(SeenCancel::Rejected))) {
                    self.outcome(Command::ObserveCancel { order, cancel, rejected: true });
                }
            }
        }
    }
}

/// The row about the one id that was asked; the text of a whole refusal; or nothing that could be read.
fn first<T>(answer: BatchAnswer<T>) -> Result<T, Option<String>> {
    match answer {
        BatchAnswer::Rows(rows) => rows.into_iter().next().map(|(_, row)| row).ok_or(None),
        BatchAnswer::Whole { error } => Err(Some(error)),
        BatchAnswer::Unreadable { .. } => Err(None),
    }
}

fn refill_answer(row: Result<RefillRowAnswer, Option<String>>) -> RefillAnswer {
    match row {
        Ok(RefillRowAnswer::Taken { id }) => RefillAnswer::Taken { provider_refill: id },
        Ok(RefillRowAnswer::Refused { text }) | Err(Some(text)) => {
            let lower = text.to_lowercase();
            if lower.contains("refill task is not completed") || lower.contains("already active") {
                RefillAnswer::AlreadyOpen
            } else if comes_later(&text) {
                RefillAnswer::Unclear
            } else {
                RefillAnswer::Refused
            }
        }
        Err(None) => RefillAnswer::Unclear,
    }
}

fn cancel_answer(row: Result<CancelRowAnswer, Option<String>>) -> CancelAnswer {
    match row {
        Ok(CancelRowAnswer::Taken { id }) => CancelAnswer::Taken { provider_cancel: id },
        Ok(CancelRowAnswer::SentEarlier) => CancelAnswer::Taken { provider_cancel: None },
        Ok(CancelRowAnswer::Refused { text }) | Err(Some(text)) => {
            if comes_later(&text) {
                CancelAnswer::Unclear
            } else {
                CancelAnswer::Refused
            }
        }
        Err(None) => CancelAnswer::Unclear,
    }
}

/// Trouble of the moment says nothing about the request.
fn comes_later(text: &str) -> bool {
    matches!(classify(text), ErrorClass::Limit | ErrorClass::Temporary { .. } | ErrorClass::Auth)
}

const fn refill_seen(seen: &SeenRefill) -> Option<RefillSeen> {
    match seen {
        SeenRefill::Pending => Some(RefillSeen::Waiting),
        SeenRefill::InProgress => Some(RefillSeen::Running),
        SeenRefill::Completed => Some(RefillSeen::Completed),
        SeenRefill::Rejected => Some(RefillSeen::Rejected),
        SeenRefill::Error => Some(RefillSeen::Error),
        SeenRefill::Unknown(_) => None,
    }
}
