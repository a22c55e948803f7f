//! From an order's file to what is due for it: the engine's only view of an order.
//!
//! Called for every committed change and for every open order at a start; doing it twice changes nothing.

use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, OrderId, ProviderOrderId};
use panelworks_core::limits::{HOLD_LIMIT, SUBSCRIPTION_SILENCE};
use panelworks_core::order::attempt::{
    Attempt, AttemptResult, AttemptState, Purpose, RESTARTED, Recall, may_have_spent,
};
use panelworks_core::order::subscription::SubscriptionState;
use panelworks_core::order::{
    CancelState, HoldReason, OrderFile, OrderKind, Part, RefillState, Subscription,
};
use panelworks_core::time::Timestamp;

use crate::chores::Chore;
use crate::dispatch::Followed;
use crate::engine::{Act, Due, Engine, Recheck};
use crate::limits;

impl Engine {
    pub(crate) fn track(&mut self, file: &OrderFile, now: Timestamp) {
        for attempt in &file.attempts {
            self.track_attempt(file, attempt, now);
        }
        self.track_part(file, now);
        self.track_hold(file);
        self.track_refills(file, now);
        self.track_cancels(file, now);
    }

    /// An attempt found in `sending` at a start, or among the work of a node that fell silent: nobody will ever hear its
    /// answer, unless it was begun here since.
    pub(crate) fn own_up(&mut self, file: &OrderFile) {
        for attempt in &file.attempts {
            let id = AttemptId { order: file.order.id, number: attempt.number };
            let lane = self.lanes.get(&attempt.account);
            let is_ours = lane.is_some_and(|lane| lane.queued.contains(&id));
            if matches!(attempt.state, AttemptState::Sending { .. }) && !is_ours {
                let attempt = id;
                let result = AttemptResult::Unknown { why: RESTARTED.to_owned() };
                self.outcome(Command::FinishAttempt { attempt, result });
            }
        }
    }

    fn track_attempt(&mut self, file: &OrderFile, attempt: &Attempt, now: Timestamp) {
        let id = AttemptId { order: file.order.id, number: attempt.number };
        let open = !file.order.status.has_ended();
        if !open || matches!(attempt.state, AttemptState::FoundLate { .. }) {
            self.track_recall(attempt, id, now);
        }
        let Some(lane) = self.lanes.get_mut(&attempt.account) else { return };
        match &attempt.state {
            AttemptState::Planned { due } if open => {
                if *due <= now && !lane.planned.contains(&id) {
                    // As nearly every new order's: it need not go by the agenda.
                    lane.make_ready(id);
                } else if !lane.queued.contains(&id) {
                    lane.planned.insert(id);
                    self.agenda.set(Due::Begin(id), *due);
                }
                return;
            }
            AttemptState::Accepted { order } | AttemptState::Adopted { order }
                if open && !is_past_segment(file, attempt) =>
            {
                lane.follow(id, order, file.order.accepted_at, now, self.pace.poll_first);
            }
            AttemptState::Unknown { since, why } if open => {
                if why != RESTARTED {
                    lane.health.unknown(id, now);
                }
                if lane.honours_keys && self.agenda.due(&Due::AskAgain(id)).is_none() {
                    self.agenda.set(Due::AskAgain(id), since.after(limits::ASK_AGAIN_FIRST));
                }
                return;
            }
            AttemptState::Planned { .. }
            | AttemptState::Sending { .. }
            | AttemptState::Accepted { .. }
            | AttemptState::Adopted { .. }
            | AttemptState::Rejected { .. }
            | AttemptState::NotSent { .. }
            | AttemptState::Unknown { .. }
            | AttemptState::Absent { .. }
            | AttemptState::WrittenOff { .. }
            | AttemptState::FoundLate { .. }
            | AttemptState::Voided => {
                if attempt.recall.is_none() && (!open || attempt.state.provider_order().is_some()) {
                    lane.unfollow(id);
                }
            }
        }
        lane.health.resolved(id);
        self.agenda.remove(&Due::AskAgain(id));
        if lane.planned.remove(&id) {
            self.agenda.remove(&Due::Begin(id));
        }
    }

    /// What nobody here wants any more is asked back, and followed until it has ended there.
    fn track_recall(&mut self, attempt: &Attempt, id: AttemptId, now: Timestamp) {
        let due = Due::Recall(id);
        let Some((recall, order)) = attempt.recall.zip(attempt.state.provider_order()) else {
            self.drop_chore(&due);
            return;
        };
        if let Some(lane) = self.lanes.get_mut(&attempt.account) {
            // Its age here says nothing about when it stops there.
            lane.follow(id, order, now, now, self.pace.poll_first);
        }
        match recall {
            Recall::Asking { due: at, tries: _ } => {
                let chore = Chore::Recall { attempt: id, provider_order: order.to_string(), not_before: at };
                self.set_chore(due, attempt, chore, at);
            }
            Recall::Followed => self.drop_chore(&due),
        }
    }

    fn track_part(&mut self, file: &OrderFile, now: Timestamp) {
        let id = file.order.id;
        let open = !file.order.status.has_ended();
        match &file.order.part {
            Part::DripFeed(drip) => match drip.due().filter(|_| open) {
                Some(due) => self.agenda.set(Due::Run(id), due),
                None => self.agenda.remove(&Due::Run(id)),
            },
            Part::Subscription(subscription) if open => {
                self.agenda.set(Due::Tend(id), tending(file, subscription, now));
                let waits_for_money = matches!(subscription.state, SubscriptionState::PausedForFunds);
                let waiting = self.paused.entry(file.order.customer).or_default();
                if waits_for_money {
                    waiting.insert(id)
                } else {
                    waiting.remove(&id)
                };
            }
            Part::Subscription(_) => {
                self.agenda.remove(&Due::Tend(id));
                if let Some(waiting) = self.paused.get_mut(&file.order.customer) {
                    waiting.remove(&id);
                }
            }
            Part::Whole | Part::Run { .. } | Part::Post { .. } => {}
        }
    }

    /// A hold runs out unless money may have been spent upstream, or a person is meant to do the work.
    fn track_hold(&mut self, file: &OrderFile) {
        let id = file.order.id;
        let spent = may_have_spent(file);
        let hold = file.order.hold.as_ref().filter(|hold| hold.reason != HoldReason::Manual && !spent);
        match hold.filter(|_| !file.order.status.has_ended()) {
            Some(hold) => {
                let limit = self.hold_limits.get(&file.order.service).copied().unwrap_or(HOLD_LIMIT);
                self.agenda.set(Due::HoldEnd(id), hold.since.after(limit));
            }
            None => self.agenda.remove(&Due::HoldEnd(id)),
        }
    }

    fn track_refills(&mut self, file: &OrderFile, now: Timestamp) {
        let Some((attempt, provider_order)) = delivering(file) else { return };
        for refill in &file.refills {
            let due = Due::Refill(file.order.id, refill.id);
            let (order, id) = (file.order.id, refill.id);
            match &refill.state {
                RefillState::Pending { due: at } => {
                    let provider_order = provider_order.to_string();
                    let chore = Chore::Refill { order, refill: id, provider_order, not_before: *at };
                    self.set_chore(due, attempt, chore, *at);
                }
                RefillState::Taken { provider_refill: Some(provider_refill), .. } => {
                    let chore =
                        Chore::RefillStatus { order, refill: id, provider_refill: provider_refill.clone() };
                    self.set_chore(due, attempt, chore, now.after(self.pace.chore_poll));
                }
                RefillState::Taken { provider_refill: None, .. }
                | RefillState::Completed
                | RefillState::Rejected
                | RefillState::Error => {
                    self.drop_chore(&due);
                }
            }
        }
    }

    fn track_cancels(&mut self, file: &OrderFile, now: Timestamp) {
        for cancel in &file.cancels {
            let due = Due::Cancel(file.order.id, cancel.id);
            let (order, id) = (file.order.id, cancel.id);
            let at_provider = delivering(file).filter(|_| !file.order.status.has_ended());
            match (&cancel.state, at_provider) {
                (CancelState::Pending { due: at }, Some((attempt, provider_order))) => {
                    let provider_order = provider_order.to_string();
                    let chore = Chore::Cancel { order, cancel: id, provider_order, not_before: *at };
                    self.set_chore(due, attempt, chore, *at);
                }
                (CancelState::Taken { provider_cancel: Some(provider_cancel) }, Some((attempt, _))) => {
                    let chore =
                        Chore::CancelStatus { order, cancel: id, provider_cancel: provider_cancel.clone() };
                    self.set_chore(due, attempt, chore, now.after(self.pace.chore_poll));
                }
                (
                    CancelState::Pending { .. }
                    | CancelState::Taken { .. }
                    | CancelState::Completed
                    | CancelState::Rejected,
                    _,
                ) => {
                    self.drop_chore(&due);
                }
            }
        }
    }

    fn set_chore(&mut self, due: Due, attempt: &Attempt, chore: Chore, at: Timestamp) {
        let same = self.chores.get(&due).is_some_and(|known| known.1 == chore);
        if same {
            return;
        }
        self.chores.insert(due.clone(), (attempt.account, chore));
        self.agenda.set(due, at);
    }

    fn drop_chore(&mut self, due: &Due) {
        self.chores.remove(due);
        self.agenda.remove(due);
    }

    /// Begins a walk over what ended long enough ago to be asked again.
    pub(crate) fn begin_recheck(&mut self, now: Timestamp) {
        self.recheck = Recheck { from: self.recheck.until.min(now), until: now };
        let oldest = now.after(panelworks_core::time::Span(
            -limits::RECHECKS[limits::RECHECKS.len() - 1].0 - limits::RECHECK_EVERY.0,
        ));
        self.outbox.push(Act::ReadEnded { after: OrderId(0), since: oldest });
        self.agenda.set(Due::Recheck, now.after(limits::RECHECK_EVERY));
    }

    pub(crate) fn recheck_found(&mut self, now: Timestamp, files: &[OrderFile], next: Option<OrderId>) {
        let Recheck { from, until } = self.recheck;
        for file in files {
            let Some(ended_at) = file.order.ended_at else { continue };
            let falls_due = limits::RECHECKS.iter().any(|after| {
                let mark = ended_at.after(*after);
                from < mark && mark <= until
            });
            let delivered = delivering(file).filter(|(attempt, _)| attempt.recall.is_none());
            if let (true, Some((attempt, provider_order))) = (falls_due, delivered) {
                let id = AttemptId { order: file.order.id, number: attempt.number };
                if let Some(lane) = self.lanes.get_mut(&attempt.account) {
                    lane.followed.insert(id, Followed::once(provider_order, file.order.accepted_at));
                    lane.polls.set(id, now);
                }
            }
        }
        if let Some(after) = next {
            let since = until.after(panelworks_core::time::Span(
                -limits::RECHECKS[limits::RECHECKS.len() - 1].0 - limits::RECHECK_EVERY.0,
            ));
            self.outbox.push(Act::ReadEnded { after, since });
        }
    }
}

/// When a subscription's own clock matters next: at its date, or after thirty days of silence.
fn tending(file: &OrderFile, subscription: &Subscription, now: Timestamp) -> Timestamp {
    let silence = subscription.last_post_at.after(SUBSCRIPTION_SILENCE);
    let date = match &file.order.kind {
        OrderKind::Subscriptions(asked) => asked.expiry,
        _other_kinds => None,
    };
    let date = date.map_or(silence, |date| date.end().after(limits::TEND_GRACE));
    silence.min(date).max(now.after(limits::TEND_EVERY))
}

/// The attempt that has an order at a provider, and that order; of a subscription its current segment.
fn delivering(file: &OrderFile) -> Option<(&Attempt, &ProviderOrderId)> {
    file.attempts.iter().rev().find_map(|attempt| match &attempt.state {
        AttemptState::Accepted { order } | AttemptState::Adopted { order } => Some((attempt, order)),
        // Found late: it delivers, but not for this order.
        AttemptState::FoundLate { .. }
        | AttemptState::Planned { .. }
        | AttemptState::Sending { .. }
        | AttemptState::Rejected { .. }
        | AttemptState::NotSent { .. }
        | AttemptState::Unknown { .. }
        | AttemptState::Absent { .. }
        | AttemptState::WrittenOff { .. }
        | AttemptState::Voided => None,
    })
}

/// An earlier post of a passed-on subscription: settled, and followed as a post of its own.
fn is_past_segment(file: &OrderFile, attempt: &Attempt) -> bool {
    match (attempt.purpose, &file.order.part) {
        (Purpose::Segment(number), Part::Subscription(subscription)) => number < subscription.segments,
        _whole_order => false,
    }
}

#[cfg(test)]
mod others;
#[cfg(test)]
mod tests;
