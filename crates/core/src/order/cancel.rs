//! Cancel requests: asked, forwarded, and carried out only when the provider shows it.
//!
//! What was not yet sent stops at once, with everything back; what was sent is asked upstream, and money moves
//! only with the order's own end (invariants.md B20). Rules: `domain.md`, Cancels; `api-v2.md` §7.

use serde::{Deserialize, Serialize};

use crate::ids::{CancelId, CustomerId, OrderId};
use crate::order::attempt::{self, AttemptState};
use crate::order::settle::{End, settle};
use crate::order::{OrderFile, OrderStatus, Part, dripfeed, observe, subscription};
use crate::outcome::{CancelKind, Decision, Done, Refusal, Stop};
use crate::planted::Bug;
use crate::time::{Span, Timestamp};
use crate::world::World;

/// One request to cancel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    pub id: CancelId,
    pub state: CancelState,
    pub requested_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Times the provider was asked, without a clear answer yet.
    pub tries: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelState {
    /// To be asked upstream, not before `due`; waits as well while nobody knows whether the order was taken.
    Pending {
        due: Timestamp,
    },
    /// The provider took the request; its id, if it gave one.
    Taken {
        provider_cancel: Option<String>,
    },
    Completed,
    Rejected,
}

impl CancelState {
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Pending { .. } | Self::Taken { .. } => true,
            Self::Completed | Self::Rejected => false,
        }
    }
}

/// What the provider answered to a forwarded request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelAnswer {
    /// Taken now or earlier.
    Taken {
        provider_cancel: Option<String>,
    },
    Refused,
    /// Ask again later: no answer, or one that says later. Asking twice is harmless.
    Unclear,
}

/// A request by the order's owner. Order of refusals: `api-v2.md` §9.
pub fn request_cancel(world: &mut World, now: Timestamp, customer: CustomerId, id: OrderId) -> Decision {
    let mut file =
        world.order(id)?.filter(|file| file.order.customer == customer).ok_or(Refusal::UnknownOrder)?.clone();
    let kind = kind_of(&file);
    if file.cancels.iter().any(|cancel| cancel.state != CancelState::Rejected) {
        return Err(Refusal::CancelRepeated.into());
    }
    let service = world.service(file.order.service)?.ok_or(Refusal::UnknownService)?;
    if !service.cancel || file.order.status.has_ended() {
        return Err(Refusal::CancelUnavailable.into());
    }
    let cancel = open_request(world, now, &mut file)?;
    if world.planted.has(Bug::RefundOnCancelRequest) {
        settle(world, now, &mut file, End::Canceled)?;
    }
    match file.order.part {
        Part::Whole | Part::Run { .. } | Part::Post { .. } => {
            let before = world.order(id)?.ok_or(Refusal::UnknownOrder)?.order.clone();
            stop_if_not_sent(world, now, &mut file)?;
            let after = file.order.clone();
            world.put_order(file);
            observe::tell_parent(world, now, &before, &after)?;
        }
        Part::DripFeed(_) => {
            world.put_order(file);
            dripfeed::cancel(world, now, id)?;
        }
        Part::Subscription(_) => {
            subscription::cancel(world, now, &mut file)?;
            world.put_order(file);
        }
    }
    Ok(Done::CancelRequested { cancel, kind })
}

pub const fn kind_of(file: &OrderFile) -> CancelKind {
    match file.order.part {
        Part::Whole | Part::Run { .. } | Part::Post { .. } => CancelKind::Order,
        Part::DripFeed(_) => CancelKind::DripFeed,
        Part::Subscription(_) => CancelKind::Subscription,
    }
}

/// Writes the request down as `Pending`.
pub fn open_request(world: &mut World, now: Timestamp, file: &mut OrderFile) -> Result<CancelId, Stop> {
    let id = world.next_cancel().ok_or(Refusal::IdsExhausted)?;
    file.cancels.push(Cancel {
        id,
        state: CancelState::Pending { due: now },
        requested_at: now,
        ended_at: None,
        tries: 0,
    });
    Ok(id)
}

/// *Not yet sent*: no attempt in sending, unknown, accepted or adopted, and nobody at work on it by hand. Then it
/// ends here, and at once.
pub fn stop_if_not_sent(world: &mut World, now: Timestamp, file: &mut OrderFile) -> Result<(), Stop> {
    if attempt::may_have_spent(file) || file.order.status != OrderStatus::Pending {
        return Ok(());
    }
    carry_out(world, now, file)
}

/// Ends an order whose cancel nothing stands in the way of: what was planned is voided, everything goes back.
pub fn carry_out(world: &mut World, now: Timestamp, file: &mut OrderFile) -> Result<(), Stop> {
    attempt::void_planned(file);
    if matches!(file.order.part, Part::Subscription(_)) {
        return subscription::end_cancelled(world, now, file);
    }
    settle(world, now, file, End::Canceled)
}

/// The provider's answer to the forwarded request.
pub fn answer_cancel(
    world: &mut World,
    now: Timestamp,
    order: OrderId,
    id: CancelId,
    answer: &CancelAnswer,
) -> Decision {
    let mut file = world.order(order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let taken =
        |state: &AttemptState| matches!(state, AttemptState::Accepted { .. } | AttemptState::Adopted { .. });
    let under_way = file.attempts.iter().any(|attempt| taken(&attempt.state)) || is_worked_on_by_hand(&file);
    let cancel = pending(&mut file, id)?;
    if !under_way {
        return Err(Refusal::OutOfTurn("nobody works on the order yet").into());
    }
    match answer {
        CancelAnswer::Taken { provider_cancel } => {
            cancel.state = CancelState::Taken { provider_cancel: provider_cancel.clone() };
        }
        CancelAnswer::Refused => {
            cancel.state = CancelState::Rejected;
            cancel.ended_at = Some(now);
        }
        CancelAnswer::Unclear => {
            cancel.tries = cancel.tries.saturating_add(1);
            cancel.state = CancelState::Pending { due: now.after(unclear_wait(cancel.tries)) };
        }
    }
    world.put_order(file);
    Ok(Done::Noted)
}

/// From an answer that says nothing to the next asking: 20 s after the first, doubling, at most 43 minutes.
pub fn unclear_wait(tries: u16) -> Span {
    Span::seconds(10 << tries.min(8))
}

/// The provider's word on a request it had taken. `Completed` moves nothing: the order's own status will.
pub fn observe_cancel(
    world: &mut World,
    now: Timestamp,
    order: OrderId,
    id: CancelId,
    rejected: bool,
) -> Decision {
    let mut file = world.order(order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let cancel = pending(&mut file, id)?;
    if rejected {
        cancel.state = CancelState::Rejected;
        cancel.ended_at = Some(now);
        world.put_order(file);
    }
    Ok(Done::Noted)
}

/// Moved on by a person, without a provider: that person answers for a cancel too.
fn is_worked_on_by_hand(file: &OrderFile) -> bool {
    file.order.status != OrderStatus::Pending && !attempt::may_have_spent(file)
}

fn pending(file: &mut OrderFile, id: CancelId) -> Result<&mut Cancel, Refusal> {
    let cancel = file.cancels.iter_mut().find(|cancel| cancel.id == id);
    cancel.filter(|cancel| cancel.state.is_open()).ok_or(Refusal::OutOfTurn("the cancel request is not open"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::ServiceType;
    use crate::command::Command;
    use crate::ids::AttemptId;
    use crate::order::attempt::Verdict;
    use crate::provider::{RejectionClass, SeenStatus};
    use crate::testing::{
        Stage, draft, not_sent, provider_order, refused, seen, seen_left, service, unknown,
    };

    fn placed() -> (Stage, CustomerId, OrderId) {
        let mut stage = Stage::default();
        let (sold, _) = stage.routed();
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, draft("https://example.com/p", 100));
        (stage, anna, order)
    }

    fn state(stage: &Stage, order: OrderId) -> CancelState {
        stage.file(order).cancels.last().expect("a request").state.clone()
    }

    fn status(stage: &Stage, order: OrderId) -> OrderStatus {
        stage.order(order).status
    }

    fn answer(stage: &mut Stage, order: OrderId, cancel: CancelId, answer: CancelAnswer) {
        stage.run(Command::AnswerCancel { order, cancel, answer }).expect("answered");
    }

    /// Shows I8.
    #[test]
    fn what_was_not_sent_stops_at_once_with_everything_back() {
        let (mut stage, anna, order) = placed();
        assert_eq!(stage.cancel(anna, order), Ok(CancelId(1_000)));
        assert_eq!((status(&stage, order), stage.balance(anna)), (OrderStatus::Canceled, 1_000_000));
        assert_eq!(state(&stage, order), CancelState::Completed);
        assert_eq!(stage.file(order).attempts[0].state, AttemptState::Voided);
    }

    #[test]
    fn what_waits_to_be_sent_again_is_not_sent_either() {
        let (mut stage, anna, order) = placed();
        stage.send(order, not_sent());
        stage.cancel(anna, order).expect("cancelled");
        assert_eq!(stage.balance(anna), 1_000_000);
    }

    #[test]
    fn a_request_is_made_once_and_only_by_the_owner_where_the_service_allows_it() {
        let (mut stage, anna, order) = placed();
        let ben = stage.customer(0);
        assert_eq!(stage.cancel(ben, order), Err(Refusal::UnknownOrder));
        assert_eq!(stage.cancel(anna, OrderId(99)), Err(Refusal::UnknownOrder));
        let service = stage.order(order).service;
        stage.change(service, |service| service.cancel = false);
        assert_eq!(stage.cancel(anna, order), Err(Refusal::CancelUnavailable));
        stage.change(service, |service| service.cancel = true);
        stage.cancel(anna, order).expect("cancelled");
        assert_eq!(stage.cancel(anna, order), Err(Refusal::CancelRepeated));
    }

    #[test]
    fn an_order_that_has_ended_can_not_be_cancelled() {
        let (mut stage, anna, order) = placed();
        let attempt = stage.accept(order, "p1");
        stage.observe(attempt, seen(SeenStatus::Completed));
        assert_eq!(stage.cancel(anna, order), Err(Refusal::CancelUnavailable));
    }

    #[test]
    fn a_request_while_it_is_being_sent_waits_and_stops_what_was_refused() {
        for result in [not_sent(), refused(RejectionClass::Funds), refused(RejectionClass::Unrecognised)] {
            let (mut stage, anna, order) = placed();
            let attempt = stage.begin(order).attempt;
            stage.cancel(anna, order).expect("asked");
            assert_eq!((status(&stage, order), stage.balance(anna)), (OrderStatus::Pending, 910_000));
            stage.finish(attempt, result);
            assert_eq!((status(&stage, order), stage.balance(anna)), (OrderStatus::Canceled, 1_000_000));
            assert_eq!(state(&stage, order), CancelState::Completed);
        }
    }

    #[test]
    fn a_request_on_an_unknown_outcome_waits_for_its_resolution() {
        let resolved = |verdict: Verdict| {
            let (mut stage, anna, order) = placed();
            let attempt = stage.send(order, unknown());
            stage.cancel(anna, order).expect("asked");
            assert_eq!(stage.balance(anna), 910_000);
            stage.run(Command::ResolveAttempt { attempt, verdict }).expect("resolved");
            (status(&stage, order), state(&stage, order).is_open(), stage.balance(anna))
        };
        assert_eq!(resolved(Verdict::Absent), (OrderStatus::Canceled, false, 1_000_000));
        assert_eq!(resolved(Verdict::WriteOff), (OrderStatus::Canceled, false, 1_000_000));
        let adopt = Verdict::Adopt { order: provider_order("p1") };
        assert_eq!(resolved(adopt), (OrderStatus::Processing, true, 910_000));
    }

    #[test]
    fn a_request_stays_when_an_active_link_reopens_the_orders_own_doubt() {
        let (mut stage, anna, order) = placed();
        let attempt = stage.send(order, unknown());
        stage.run(Command::ResolveAttempt { attempt, verdict: Verdict::Absent }).expect("absent");
        let again = stage.begin(order).attempt;
        stage.cancel(anna, order).expect("asked");
        stage.finish(again, refused(RejectionClass::Duplicate));
        assert!(state(&stage, order).is_open(), "the first may have been taken after all");
        assert_eq!(stage.balance(anna), 910_000);
    }

    /// Shows B20.
    #[test]
    fn money_moves_only_when_the_provider_shows_it() {
        let (mut stage, anna, order) = placed();
        let attempt = stage.accept(order, "p1");
        let cancel = stage.cancel(anna, order).expect("asked");
        answer(&mut stage, order, cancel, CancelAnswer::Unclear);
        answer(&mut stage, order, cancel, CancelAnswer::Taken { provider_cancel: Some("77".to_owned()) });
        assert_eq!(stage.balance(anna), 910_000);
        stage.observe(attempt, seen_left(SeenStatus::Partial, 60));
        assert_eq!((state(&stage, order), stage.balance(anna)), (CancelState::Completed, 964_000));
    }

    #[test]
    fn an_order_that_completes_rejects_its_cancel() {
        let (mut stage, anna, order) = placed();
        let attempt = stage.accept(order, "p1");
        stage.cancel(anna, order).expect("asked");
        stage.observe(attempt, seen(SeenStatus::Completed));
        assert_eq!(state(&stage, order), CancelState::Rejected);
    }

    #[test]
    fn after_a_refusal_it_may_be_asked_again() {
        let (mut stage, anna, order) = placed();
        stage.accept(order, "p1");
        let first = stage.cancel(anna, order).expect("asked");
        answer(&mut stage, order, first, CancelAnswer::Refused);
        assert_eq!(state(&stage, order), CancelState::Rejected);
        let second = stage.cancel(anna, order).expect("asked again");
        assert_eq!(second, CancelId(first.0 + 1));
        stage.run(Command::ObserveCancel { order, cancel: second, rejected: true }).expect("rejected");
        let late = Command::AnswerCancel { order, cancel: second, answer: CancelAnswer::Refused };
        assert_eq!(stage.run(late), Err(Refusal::OutOfTurn("the cancel request is not open")));
    }

    #[test]
    fn what_a_person_has_begun_by_hand_is_theirs_to_stop() {
        let mut stage = Stage::default();
        let sold = stage.service(service(ServiceType::Default));
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, draft("anna", 100));
        let by_hand = AttemptId::by_hand(order);
        stage.observe(by_hand, seen(SeenStatus::InProgress));
        let cancel = stage.cancel(anna, order).expect("asked");
        assert_eq!((status(&stage, order), stage.balance(anna)), (OrderStatus::InProgress, 910_000));
        answer(&mut stage, order, cancel, CancelAnswer::Taken { provider_cancel: None });
        stage.observe(by_hand, seen_left(SeenStatus::Partial, 50));
        assert_eq!((state(&stage, order), stage.balance(anna)), (CancelState::Completed, 955_000));
    }
}
