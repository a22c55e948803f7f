//! Asking for statuses: up to a hundred ids at a time, young orders often, old ones seldom.
//!
//! Answers are matched by id; an id that was not answered changes nothing, and "Incorrect order ID" for an order
//! we know is an alarm, not a cancel (invariants.md B19, B22). Only news become commands.

use panelworks_client::{ClientCall, Exchanged, Failure};
use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, ProviderAccountId};
use panelworks_core::planted::Bug;
use panelworks_core::provider::{Observation, SeenStatus};
use panelworks_core::time::{Span, Timestamp};
use panelworks_wire::error::{ErrorClass, classify};
use panelworks_wire::lenient::{self, RowAnswer, StatusAnswer};

use crate::engine::{Act, Calls, Engine, Waiting};
use crate::limits;
use crate::provider::translate;

impl Engine {
    pub(crate) fn poll(&mut self, account: ProviderAccountId, now: Timestamp) {
        while let Some((asked, ids)) = self.lanes.get_mut(&account).and_then(|lane| {
            if lane.polls_under_way >= limits::POLLS_UNDER_WAY {
                return None;
            }
            let mut asked = Vec::new();
            let mut ids = Vec::new();
            while ids.len() < lane.poll_ids {
                let Some(id) = lane.polls.pop_due(now) else { break };
                if let Some(followed) = lane.followed.get(&id) {
                    asked.push(id);
                    ids.push(followed.provider_order.to_string());
                }
            }
            lane.polls_under_way += u16::from(!ids.is_empty());
            (!ids.is_empty()).then_some((asked, ids))
        }) {
            let call = ClientCall::Status(ids.clone());
            let ticket = self.ticket(Waiting::Status { account, asked, ids });
            self.outbox.push(Act::Ask { ticket, account, call, kind: Calls::Question });
        }
    }

    pub(crate) fn status_answered(
        &mut self,
        now: Timestamp,
        account: ProviderAccountId,
        asked: &[AttemptId],
        ids: &[String],
        exchange: &Result<Exchanged, Failure>,
    ) {
        let (first, planted) = (self.pace.poll_first, self.planted);
        let Some(lane) = self.lanes.get_mut(&account) else { return };
        lane.polls_under_way = lane.polls_under_way.saturating_sub(1);
        let mut news = Vec::new();
        match exchange.as_ref().map(|answer| lenient::status(&answer.body, ids)) {
            Ok(StatusAnswer::Rows(rows)) => {
                for (turn, (provider_order, row)) in rows.into_iter().enumerate() {
                    let place = if planted.has(Bug::AnswersByPosition) {
                        Some(turn)
                    } else {
                        ids.iter().position(|id| *id == provider_order)
                    };
                    let Some(&attempt) = place.and_then(|place| asked.get(place)) else { continue };
                    match row {
                        RowAnswer::Seen(seen) => {
                            let seen = translate::observation(&seen, lane.currency);
                            let Some(followed) = lane.followed.get_mut(&attempt) else { continue };
                            if followed.notice(&seen) {
                                news.push(Command::Observe { attempt, seen });
                            }
                        }
                        RowAnswer::Error(text) => {
                            tracing::warn!(%attempt, %provider_order, %text, "the provider does not know an order of ours; nothing changes");
                            if planted.has(Bug::UnknownIdIsCanceled) {
                                let seen = Observation {
                                    status: Some(SeenStatus::Canceled),
                                    ..Observation::default()
                                };
                                news.push(Command::Observe { attempt, seen });
                            }
                            if planted.has(Bug::OneErrorStopsPoll) {
                                return;
                            }
                        }
                    }
                }
            }
            Ok(StatusAnswer::Whole { error }) => {
                tracing::warn!(%account, %error, ids = ids.len(), "a status question was refused as a whole");
                let knows_no_lists = matches!(
                    classify(&error),
                    ErrorClass::Input { .. } | ErrorClass::Gone | ErrorClass::Unrecognised
                );
                if ids.len() > 1 && knows_no_lists {
                    lane.poll_ids = 1;
                }
            }
            Ok(StatusAnswer::Unreadable { why }) => {
                tracing::warn!(%account, %why, "a status answer can't be read");
            }
            Err(failure) => tracing::debug!(%account, why = %failure.why, "no status answer"),
        }
        for id in asked {
            match lane.followed.get(id).map(|followed| (followed.once, followed.since)) {
                Some((true, _)) => lane.unfollow(*id),
                Some((false, since)) => lane.polls.set(*id, now.after(wait(now.since(since), first))),
                None => {}
            }
        }
        for command in news {
            self.outcome(command);
        }
    }
}

/// A share of the age, within bounds (performance.md P9).
fn wait(age: Span, first: Span) -> Span {
    Span((age.0 / limits::POLL_AGE_DIVISOR).clamp(first.0, limits::POLL_WAIT_MAX.0.max(first.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows I25.
    #[test]
    fn every_order_is_asked_within_two_minutes_or_a_twentieth_of_its_age() {
        for age in [0, 1, 60, 3_600, 72_000].map(Span::seconds) {
            let wait = wait(age, Span::seconds(15));
            assert!(wait <= Span::minutes(2).max(Span(age.0 / 20)), "{age:?} {wait:?}");
        }
        assert_eq!(wait(Span::days(30), Span::seconds(15)), limits::POLL_WAIT_MAX);
    }
}
