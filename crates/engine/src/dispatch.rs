//! Sending attempts: claimed by a commit, sent once, and what came back recorded.
//!
//! One lane per provider account, with its own connections and health, so that one slow provider never delays
//! another (invariants.md B14). A place in the lane is taken before the claim, so that nothing claimed waits.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use panelworks_client::{Exchanged, Failure};
use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, ProviderAccountId, ProviderOrderId};
use panelworks_core::money::Currency;
use panelworks_core::order::attempt::AttemptResult;
use panelworks_core::outcome::{Done, Refusal};
use panelworks_core::planted::{Bug, Planted};
use panelworks_core::provider::{Observation, ProviderAccount, RejectionClass};
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::executor::{Lane as Priority, Reply};

use crate::agenda::Agenda;
use crate::chores::Chore;
use crate::engine::{Act, Calls, Claim, Due, Engine, Ticket, Waiting};
use crate::health::Health;
use crate::limits;
use crate::provider::{classify, encode};

/// Everything that happens at one provider account.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) currency: Currency,
    /// Whether it answers an `add` with the same key as it answered the first.
    pub(crate) honours_keys: bool,
    enabled: bool,
    connections: u16,
    pub(crate) health: Health,
    /// Attempts on the agenda.
    pub(crate) planned: HashSet<AttemptId>,
    /// Due, first first.
    pub(crate) ready: VecDeque<AttemptId>,
    /// In `ready`, or being claimed or sent.
    pub(crate) queued: HashSet<AttemptId>,
    /// Being claimed or sent.
    under_way: u16,
    pub(crate) followed: HashMap<AttemptId, Followed>,
    pub(crate) polls: Agenda<AttemptId>,
    pub(crate) polls_under_way: u16,
    /// Ids in one question; 1 where the provider knows no lists.
    pub(crate) poll_ids: usize,
    pub(crate) chores: VecDeque<Chore>,
    pub(crate) chores_under_way: u16,
}

/// An order at the provider that we ask about.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(crate) provider_order: Box<str>,
    pub(crate) since: Timestamp,
    /// Of the last answer that was submitted.
    pub(crate) fingerprint: u64,
    /// Asked a single time, for a correction after the end.
    pub(crate) once: bool,
}

impl Followed {
    pub(crate) fn once(provider_order: &ProviderOrderId, since: Timestamp) -> Self {
        Self { provider_order: provider_order.as_str().into(), since, fingerprint: 0, once: true }
    }

    /// Whether this is news since the last answer.
    pub(crate) fn notice(&mut self, seen: &Observation) -> bool {
        let mut hasher = DefaultHasher::new();
        (&seen.start_count, &seen.posts, &seen.orders).hash(&mut hasher);
        format!("{:?}{:?}{:?}", seen.status, seen.charge, seen.remains).hash(&mut hasher);
        let fingerprint = hasher.finish();
        std::mem::replace(&mut self.fingerprint, fingerprint) != fingerprint
    }
}

impl Lane {
    pub(crate) fn new(provider: &ProviderAccount) -> Self {
        Self {
            currency: provider.currency,
            honours_keys: provider.keys_kept_hours.is_some(),
            enabled: provider.enabled,
            connections: provider.connections,
            health: Health::default(),
            planned: HashSet::new(),
            ready: VecDeque::new(),
            queued: HashSet::new(),
            under_way: 0,
            followed: HashMap::new(),
            polls: Agenda::default(),
            polls_under_way: 0,
            poll_ids: limits::BATCH_IDS,
            chores: VecDeque::new(),
            chores_under_way: 0,
        }
    }

    pub(crate) fn change(&mut self, provider: &ProviderAccount) {
        self.enabled = provider.enabled;
        self.honours_keys = provider.keys_kept_hours.is_some();
        self.connections = provider.connections.max(1);
    }

    pub(crate) fn follow(
        &mut self,
        id: AttemptId,
        provider_order: &ProviderOrderId,
        since: Timestamp,
        now: Timestamp,
        first: Span,
    ) {
        let known = self.followed.get(&id).is_some_and(|followed| !followed.once);
        if known {
            return;
        }
        let followed =
            Followed { provider_order: provider_order.as_str().into(), since, fingerprint: 0, once: false };
        self.followed.insert(id, followed);
        self.polls.set(id, now.after(first));
    }

    pub(crate) fn unfollow(&mut self, id: AttemptId) {
        self.followed.remove(&id);
        self.polls.remove(&id);
    }

    /// When this lane can do more without hearing anything.
    pub(crate) fn wake(&mut self, now: Timestamp) -> Option<Timestamp> {
        let poll = if self.polls_under_way < limits::POLLS_UNDER_WAY { self.polls.next_due() } else { None };
        let circuit = if self.ready.is_empty() { None } else { self.health.closed_until(now) };
        [poll, circuit].into_iter().flatten().min()
    }

    /// Puts an attempt at the end of those that are due, unless it is there or under way already.
    pub(crate) fn make_ready(&mut self, id: AttemptId) {
        if self.queued.insert(id) {
            self.ready.push_back(id);
        }
    }

    fn room(&self, now: Timestamp) -> bool {
        let at_once = if self.health.is_probing() { 1 } else { self.connections };
        self.enabled && self.under_way < at_once && self.health.closed_until(now).is_none()
    }
}

impl Engine {
    pub(crate) fn make_ready(&mut self, attempt: AttemptId) {
        let lane = self.lanes.values_mut().find(|lane| lane.planned.contains(&attempt));
        if let Some(lane) = lane {
            lane.planned.remove(&attempt);
            lane.make_ready(attempt);
        }
    }

    /// Claims as many ready attempts as there is room for.
    pub(crate) fn dispatch(&mut self, account: ProviderAccountId, now: Timestamp) {
        while let Some(attempt) = self.lanes.get_mut(&account).and_then(|lane| {
            if !lane.room(now) {
                return None;
            }
            let attempt = lane.ready.pop_front()?;
            lane.under_way += 1;
            Some(attempt)
        }) {
            self.submit(
                Priority::Panel,
                Command::BeginAttempt { attempt },
                Waiting::Begin { attempt, account, asked: now },
            );
        }
    }

    /// Asks with the attempt's own key, if the books allow it.
    pub(crate) fn may_ask_again(&mut self, attempt: AttemptId, claim: Claim, reply: Reply) {
        match reply {
            Ok(Ok(Done::Began(outgoing))) => {
                let call = encode::add(&outgoing, &self.token(attempt));
                let ticket = self.ticket(Waiting::AddAgain(attempt));
                let kind = Calls::Add(self.under(claim));
                self.outbox.push(Act::Ask { ticket, account: outgoing.account, call, kind });
            }
            // Resolved meanwhile, or too late: a person decides.
            Ok(_) => self.agenda.remove(&Due::AskAgain(attempt)),
            Err(undecided) => {
                tracing::warn!(%attempt, %undecided, "could not ask about an unknown outcome; it is tried again");
            }
        }
    }

    /// Only an order's id is an answer; whatever else comes proves nothing, and it is asked again later.
    pub(crate) fn asked_again(&mut self, attempt: AttemptId, exchange: &Result<Exchanged, Failure>) {
        let result = classify::add_result(exchange);
        tracing::info!(%attempt, ?result, "asked about an unknown outcome");
        if let AttemptResult::Accepted { order } = result {
            self.outcome(Command::FinishAsk { attempt, order });
        }
    }

    /// Names an attempt to its provider, the same each time.
    fn token(&self, attempt: AttemptId) -> String {
        format!("{}{attempt}", self.pace.token_prefix)
    }

    /// A planted bug: nobody ever asked for this claim, so that it is never too old.
    fn under(&self, claim: Claim) -> Claim {
        if self.planted.has(Bug::SentHoweverLate) {
            Claim { ticket: Ticket(u64::MAX), asked: Timestamp(i64::MAX) }
        } else {
            claim
        }
    }

    /// The claim is durable: now, and only now, it may be sent, soon after it was asked for.
    pub(crate) fn begun(
        &mut self,
        now: Timestamp,
        (attempt, account): (AttemptId, ProviderAccountId),
        claim: Claim,
        reply: Reply,
    ) {
        match reply {
            Ok(Ok(Done::Began(outgoing))) => {
                let call = encode::add(&outgoing, &self.token(attempt));
                let ticket = self.ticket(Waiting::Add { attempt, account });
                let kind = Calls::Add(self.under(claim));
                self.outbox.push(Act::Ask { ticket, account, call, kind });
            }
            Ok(Ok(_)) => self.leave_lane(attempt, account),
            Ok(Err(Refusal::NotDue(due))) => {
                tracing::warn!(%attempt, "the clock went back; the attempt waits until it is due again");
                self.claim_later(attempt, account, due);
            }
            Ok(Err(refusal)) => {
                tracing::debug!(%attempt, %refusal, "an attempt is not sent");
                self.leave_lane(attempt, account);
            }
            Err(undecided) => {
                tracing::warn!(%attempt, %undecided, "an attempt could not be claimed; it is tried again");
                self.claim_later(attempt, account, now.after(limits::SUBMIT_AGAIN));
            }
        }
    }

    fn claim_later(&mut self, attempt: AttemptId, account: ProviderAccountId, at: Timestamp) {
        self.leave_lane(attempt, account);
        if let Some(lane) = self.lanes.get_mut(&account) {
            lane.planned.insert(attempt);
            self.agenda.set(Due::Begin(attempt), at);
        }
    }

    fn leave_lane(&mut self, attempt: AttemptId, account: ProviderAccountId) {
        if let Some(lane) = self.lanes.get_mut(&account) {
            lane.under_way = lane.under_way.saturating_sub(1);
            lane.queued.remove(&attempt);
        }
    }

    pub(crate) fn add_answered(
        &mut self,
        now: Timestamp,
        attempt: AttemptId,
        account: ProviderAccountId,
        exchange: &Result<Exchanged, Failure>,
    ) {
        self.leave_lane(attempt, account);
        let result = planted_resend(self.planted, exchange, classify::add_result(exchange));
        let retry_after = exchange.as_ref().ok().and_then(|answer| answer.retry_after);
        if let Some(lane) = self.lanes.get_mut(&account) {
            let asked_to_wait =
                retry_after.map(|wait| Span(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
            judge(&mut lane.health, now, attempt, &result, asked_to_wait);
        }
        if !matches!(result, AttemptResult::Accepted { .. }) {
            tracing::info!(%attempt, %account, ?result, "an attempt did not get through");
        }
        self.outcome(Command::FinishAttempt { attempt, result });
    }
}

/// Bugs 2 and 3 of the list: what nobody knows is taken for not sent.
fn planted_resend(
    planted: Planted,
    exchange: &Result<Exchanged, Failure>,
    result: AttemptResult,
) -> AttemptResult {
    let resent = match exchange {
        Ok(answer) => planted.has(Bug::RetryAfterServerError) && answer.status >= 500,
        Err(failure) => planted.has(Bug::RetryAfterReset) && failure.why.contains("closed"),
    };
    match result {
        AttemptResult::Unknown { why } if resent => AttemptResult::NotSent { why },
        other => other,
    }
}

/// What an attempt's result says about the provider.
fn judge(
    health: &mut Health,
    now: Timestamp,
    attempt: AttemptId,
    result: &AttemptResult,
    retry_after: Option<Span>,
) {
    match result {
        AttemptResult::Accepted { .. } => health.succeeded(),
        AttemptResult::NotSent { .. } => health.failed(now),
        AttemptResult::Unknown { .. } => {
            health.failed(now);
            health.unknown(attempt, now);
        }
        AttemptResult::Rejected { class, text } => match class {
            RejectionClass::Funds | RejectionClass::Auth => {
                health.refused(now, limits::PAUSE_AFTER_REFUSAL, text);
            }
            RejectionClass::Limit => health.refused(now, retry_after.unwrap_or(limits::PROBE_EVERY), text),
            RejectionClass::Temporary => {
                health.refused(now, retry_after.unwrap_or(limits::PROBE_EVERY), text);
            }
            RejectionClass::Service
            | RejectionClass::Input { .. }
            | RejectionClass::Duplicate
            | RejectionClass::Unrecognised => {
                health.succeeded();
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Pace;
    use panelworks_core::ids::OrderId;

    const ACCOUNT: ProviderAccountId = ProviderAccountId(1);
    const ATTEMPT: AttemptId = AttemptId { order: OrderId(1), number: 1 };

    /// An engine whose one lane has one attempt ready.
    fn ready() -> Engine {
        let provider = ProviderAccount {
            id: ACCOUNT,
            name: "one".to_owned(),
            url: "http://one.invalid/api/v2".to_owned(),
            sealed_key: Vec::new(),
            currency: Currency::USD,
            enabled: true,
            private_address: true,
            connections: 1,
            keys_kept_hours: None,
        };
        let mut engine = Engine::new(Pace::default());
        engine.know(&[provider], std::iter::empty());
        engine.lanes.get_mut(&ACCOUNT).expect("a lane").make_ready(ATTEMPT);
        engine
    }

    /// The ticket of the claim that the engine wants now, if it wants one.
    fn claim(engine: &mut Engine, now: Timestamp) -> Option<crate::engine::Ticket> {
        engine.next(now).acts.into_iter().find_map(|act| match act {
            Act::Submit { ticket, command: Command::BeginAttempt { attempt: ATTEMPT }, .. } => Some(ticket),
            _other_wish => None,
        })
    }

    /// Shows A13.
    /// Shows A13.
    #[test]
    fn an_attempt_that_waits_for_room_in_the_books_waits_no_longer_when_the_clock_is_set_back() {
        let (mut engine, now, back) = (ready(), Timestamp(7_200_000), Timestamp(3_600_000));
        let ticket = claim(&mut engine, now).expect("ready");
        engine.decided(now, ticket, Err(panelworks_store::executor::Undecided::NoRoom));
        assert_eq!(claim(&mut engine, back), None);
        assert!(claim(&mut engine, back.after(limits::SUBMIT_AGAIN)).is_some());
    }

    #[test]
    fn an_attempt_found_early_after_the_clock_went_back_is_claimed_again_when_it_is_due() {
        let (mut engine, now, due) = (ready(), Timestamp(0), Timestamp(3_600_000));
        let ticket = claim(&mut engine, now).expect("ready");
        engine.decided(now, ticket, Ok(Err(Refusal::NotDue(due))));
        assert_eq!(claim(&mut engine, Timestamp(due.0 - 1)), None);
        assert!(claim(&mut engine, due).is_some());
    }
}
