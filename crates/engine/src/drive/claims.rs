//! How long ago claims were asked for: an attempt is sent soon after its claim, or not at all.
//!
//! In: what the engine wishes, and the replies. Out: a failure in place of a call that comes too late. Both drivers keep
//! one, each with its own clock that nobody sets. Rules: invariants.md A12, A13. Never: a decision over the attempt.

use std::collections::HashMap;

use panelworks_client::{Failure, Phase};
use panelworks_core::command::Command;
use panelworks_core::outcome::Done;
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::executor::Reply;

use crate::engine::{Calls, Claim, Ticket};
use crate::limits;

/// When claims that may still be sent under were asked for, by a clock of type `I`.
#[derive(Debug)]
pub(super) struct Claims<I>(HashMap<Ticket, I>);

impl<I> Default for Claims<I> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<I: Copy> Claims<I> {
    pub(super) fn asked(&mut self, ticket: Ticket, command: &Command, at: I) {
        if matches!(command, Command::BeginAttempt { .. } | Command::AskAgain { .. }) {
            self.0.insert(ticket, at);
        }
    }

    /// One that was not granted is not sent under.
    pub(super) fn decided(&mut self, ticket: Ticket, reply: &Reply) {
        if !matches!(reply, Ok(Ok(Done::Began(_)))) {
            self.0.remove(&ticket);
        }
    }

    /// When the claim of a call was asked for; None where it needs none.
    pub(super) fn take(&mut self, kind: Calls) -> Option<I> {
        match kind {
            Calls::Add(Claim { ticket, .. }) => self.0.remove(&ticket),
            Calls::Question => None,
        }
    }
}

/// Why a call must not leave any more, if so: `since` its claim was asked for, or the wall's clock says so.
pub(super) fn too_late(kind: Calls, since: Option<Span>, now: Timestamp) -> Option<Failure> {
    let Calls::Add(Claim { asked, .. }) = kind else { return None };
    let late =
        since.is_some_and(|since| since > limits::SENT_WITHIN) || now > asked.after(limits::SENT_WITHIN);
    late.then(|| Failure {
        phase: Phase::NotSent,
        why: "it was claimed too long ago: the panel was frozen, or its store is slow".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use panelworks_core::ids::{AttemptId, OrderId};
    use panelworks_core::outcome::Refusal;

    const CLAIM: Claim = Claim { ticket: Ticket(1), asked: Timestamp(1_000) };
    const ADD: Calls = Calls::Add(CLAIM);

    fn later(span: Span) -> Timestamp {
        CLAIM.asked.after(span)
    }

    /// Shows A12.
    #[test]
    fn an_attempt_is_sent_soon_after_its_claim_or_not_at_all() {
        let (soon, late) = (limits::SENT_WITHIN, Span(limits::SENT_WITHIN.0 + 1));
        assert_eq!(too_late(ADD, Some(soon), later(soon)), None);
        for (since, now) in [(Some(late), later(soon)), (Some(soon), later(late)), (None, later(late))] {
            assert_eq!(too_late(ADD, since, now).expect("refused").phase, Phase::NotSent);
        }
    }

    /// Shows A13.
    #[test]
    fn a_clock_that_was_set_back_makes_no_old_claim_fresh() {
        assert!(too_late(ADD, Some(Span::minutes(1)), later(Span::hours(-1))).is_some());
    }

    #[test]
    fn a_question_may_always_be_asked() {
        assert_eq!(too_late(Calls::Question, None, Timestamp(i64::MAX)), None);
    }

    #[test]
    fn a_claim_that_was_refused_is_forgotten() {
        let attempt = AttemptId { order: OrderId(1), number: 1 };
        let mut claims = Claims::default();
        claims.asked(CLAIM.ticket, &Command::BeginAttempt { attempt }, 7);
        claims.decided(CLAIM.ticket, &Ok(Err(Refusal::UnknownOrder)));
        assert_eq!(claims.take(ADD), None);
    }
}
