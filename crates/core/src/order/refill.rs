//! Refills: asked for within the guarantee, forwarded to the provider that delivered, followed to their end.
//!
//! A refill moves no customer's money. Rules: `domain.md`, Refills; `api-v2.md` §6 and §9.

use serde::{Deserialize, Serialize};

use crate::catalogue::RefillTerms;
use crate::ids::{CustomerId, OrderId, RefillId};
use crate::limits;
use crate::order::cancel::unclear_wait;
use crate::order::{Order, OrderStatus, Part};
use crate::outcome::{Decision, Done, Refusal};
use crate::time::{Span, Timestamp};
use crate::world::World;

/// One request to refill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refill {
    pub id: RefillId,
    pub state: RefillState,
    pub requested_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Times the provider was asked, without a clear answer yet.
    pub tries: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefillState {
    /// To be asked upstream, not before `due`. Without a provider it waits for an operator.
    Pending {
        due: Timestamp,
    },
    /// The provider took it; its id, if it gave one.
    Taken {
        provider_refill: Option<String>,
        running: bool,
    },
    Completed,
    Rejected,
    Error,
}

impl RefillState {
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Pending { .. } | Self::Taken { .. } => true,
            Self::Completed | Self::Rejected | Self::Error => false,
        }
    }
}

/// What the provider answered to the forwarded request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefillAnswer {
    Taken {
        provider_refill: Option<String>,
    },
    /// One of ours is open there already: the same as taken, without an id.
    AlreadyOpen,
    Refused,
    Unclear,
}

/// What the provider says of a refill it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefillSeen {
    Waiting,
    Running,
    Completed,
    Rejected,
    Error,
}

/// A request by the order's owner.
pub fn request_refill(world: &mut World, now: Timestamp, customer: CustomerId, id: OrderId) -> Decision {
    let mut file =
        world.order(id)?.filter(|file| file.order.customer == customer).ok_or(Refusal::UnknownOrder)?.clone();
    if matches!(file.order.part, Part::DripFeed(_) | Part::Subscription(_)) {
        return Err(Refusal::RefillUnavailable.into());
    }
    let service = world.service(file.order.service)?.ok_or(Refusal::UnknownService)?;
    let terms = service.refill.ok_or(Refusal::RefillDisabled)?;
    if !is_delivered(&file.order, terms) {
        return Err(Refusal::OrderNotCompleted.into());
    }
    if file.refills.iter().any(|refill| refill.state.is_open()) {
        return Err(Refusal::RefillOpen.into());
    }
    let completed_at = completed_at(&file.order);
    let last = file
        .refills
        .iter()
        .filter_map(|refill| refill.ended_at)
        .max()
        .map_or(completed_at, |at| at.max(completed_at));
    if now.since(last) < limits::REFILL_COOL_DOWN {
        return Err(Refusal::RefillTooEarly.into());
    }
    if !lasts(&file.order, terms, now) {
        return Err(Refusal::RefillUnavailable.into());
    }
    let refill = world.next_refill().ok_or(Refusal::IdsExhausted)?;
    file.refills.push(Refill {
        id: refill,
        state: RefillState::Pending { due: now },
        requested_at: now,
        ended_at: None,
        tries: 0,
    });
    world.put_order(file);
    Ok(Done::RefillRequested { refill })
}

/// Whether a refill of it may still be asked for, now or later.
pub fn is_in_guarantee(order: &Order, terms: RefillTerms, now: Timestamp) -> bool {
    let is_parent = matches!(order.part, Part::DripFeed(_) | Part::Subscription(_));
    !is_parent && is_delivered(order, terms) && lasts(order, terms, now)
}

const fn is_delivered(order: &Order, terms: RefillTerms) -> bool {
    match order.status {
        OrderStatus::Completed => true,
        OrderStatus::Partial => terms.partial,
        OrderStatus::Pending
        | OrderStatus::Processing
        | OrderStatus::InProgress
        | OrderStatus::Canceled
        | OrderStatus::Expired => false,
    }
}

fn lasts(order: &Order, terms: RefillTerms, now: Timestamp) -> bool {
    terms.days.is_none_or(|days| now.since(completed_at(order)) <= Span::days(i64::from(days)))
}

fn completed_at(order: &Order) -> Timestamp {
    order.ended_at.unwrap_or(order.accepted_at)
}

/// The provider's answer to the forwarded request.
pub fn answer_refill(
    world: &mut World,
    now: Timestamp,
    order: OrderId,
    id: RefillId,
    answer: &RefillAnswer,
) -> Decision {
    change(world, order, id, |refill| match answer {
        RefillAnswer::Taken { provider_refill } => {
            refill.state = RefillState::Taken { provider_refill: provider_refill.clone(), running: false };
        }
        RefillAnswer::AlreadyOpen => {
            refill.state = RefillState::Taken { provider_refill: None, running: false }
        }
        RefillAnswer::Refused => end(refill, RefillState::Rejected, now),
        RefillAnswer::Unclear => {
            refill.tries = refill.tries.saturating_add(1);
            refill.state = RefillState::Pending { due: now.after(unclear_wait(refill.tries)) };
        }
    })
}

/// What the provider says of a refill it took.
pub fn observe_refill(
    world: &mut World,
    now: Timestamp,
    order: OrderId,
    id: RefillId,
    seen: RefillSeen,
) -> Decision {
    change(world, order, id, |refill| match seen {
        RefillSeen::Waiting => {}
        RefillSeen::Running => {
            if let RefillState::Taken { running, .. } = &mut refill.state {
                *running = true;
            }
        }
        RefillSeen::Completed => end(refill, RefillState::Completed, now),
        RefillSeen::Rejected => end(refill, RefillState::Rejected, now),
        RefillSeen::Error => end(refill, RefillState::Error, now),
    })
}

fn end(refill: &mut Refill, state: RefillState, now: Timestamp) {
    refill.state = state;
    refill.ended_at = Some(now);
}

fn change(world: &mut World, order: OrderId, id: RefillId, act: impl FnOnce(&mut Refill)) -> Decision {
    let mut file = world.order(order)?.ok_or(Refusal::UnknownOrder)?.clone();
    let refill = file.refills.iter_mut().find(|refill| refill.id == id && refill.state.is_open());
    let refill = refill.ok_or(Refusal::OutOfTurn("the refill is not open"))?;
    let before = refill.clone();
    act(refill);
    if *refill != before {
        world.put_order(file);
    }
    Ok(Done::Noted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::RefillTerms;
    use crate::command::Command;
    use crate::ids::AttemptId;
    use crate::provider::SeenStatus;
    use crate::testing::{Stage, draft, dripping, seen, seen_left};

    fn accepted() -> (Stage, CustomerId, AttemptId) {
        let mut stage = Stage::default();
        let (sold, _) = stage.routed();
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, draft("https://example.com/p", 100));
        let attempt = stage.accept(order, "p1");
        (stage, anna, attempt)
    }

    /// Completed a day ago.
    fn completed() -> (Stage, CustomerId, OrderId) {
        let (mut stage, anna, attempt) = accepted();
        stage.observe(attempt, seen(SeenStatus::Completed));
        stage.wait(Span::hours(24));
        (stage, anna, attempt.order)
    }

    fn state(stage: &Stage, order: OrderId) -> RefillState {
        stage.file(order).refills.last().expect("a request").state.clone()
    }

    fn answer(stage: &mut Stage, order: OrderId, refill: RefillId, answer: RefillAnswer) {
        stage.run(Command::AnswerRefill { order, refill, answer }).expect("answered");
    }

    fn see(stage: &mut Stage, order: OrderId, refill: RefillId, seen: RefillSeen) {
        stage.run(Command::ObserveRefill { order, refill, seen }).expect("seen");
    }

    #[test]
    fn a_completed_order_may_be_refilled_and_no_money_moves() {
        let (mut stage, anna, order) = completed();
        let (balance, entries) = (stage.balance(anna), stage.entries.len());
        let refill = stage.refill(anna, order).expect("asked");
        answer(&mut stage, order, refill, RefillAnswer::Taken { provider_refill: Some("5".to_owned()) });
        see(&mut stage, order, refill, RefillSeen::Waiting);
        see(&mut stage, order, refill, RefillSeen::Running);
        assert!(matches!(state(&stage, order), RefillState::Taken { running: true, .. }));
        see(&mut stage, order, refill, RefillSeen::Completed);
        assert_eq!(state(&stage, order), RefillState::Completed);
        assert_eq!((stage.balance(anna), stage.entries.len()), (balance, entries));
    }

    #[test]
    fn only_the_owner_may_ask_and_only_where_the_service_refills() {
        let (mut stage, anna, order) = completed();
        let ben = stage.customer(0);
        assert_eq!(stage.refill(ben, order), Err(Refusal::UnknownOrder));
        let service = stage.order(order).service;
        stage.change(service, |service| service.refill = None);
        assert_eq!(stage.refill(anna, order), Err(Refusal::RefillDisabled));
    }

    #[test]
    fn an_order_under_way_or_canceled_is_not_completed() {
        let (mut stage, anna, attempt) = accepted();
        assert_eq!(stage.refill(anna, attempt.order), Err(Refusal::OrderNotCompleted));
        stage.observe(attempt, seen(SeenStatus::Canceled));
        assert_eq!(stage.refill(anna, attempt.order), Err(Refusal::OrderNotCompleted));
    }

    #[test]
    fn a_partial_order_may_be_refilled_only_if_the_service_says_so() {
        let (mut stage, anna, attempt) = accepted();
        stage.observe(attempt, seen_left(SeenStatus::Partial, 10));
        stage.wait(Span::hours(24));
        assert_eq!(stage.refill(anna, attempt.order), Err(Refusal::OrderNotCompleted));
        let service = stage.order(attempt.order).service;
        stage.change(service, |service| service.refill = Some(RefillTerms { days: None, partial: true }));
        assert!(stage.refill(anna, attempt.order).is_ok());
    }

    #[test]
    fn it_is_too_early_within_a_day_of_completion_or_of_the_last_refill() {
        let (mut stage, anna, attempt) = accepted();
        stage.observe(attempt, seen(SeenStatus::Completed));
        stage.wait(Span(limits::REFILL_COOL_DOWN.0 - 1));
        assert_eq!(stage.refill(anna, attempt.order), Err(Refusal::RefillTooEarly));
        stage.wait(Span(1));
        let refill = stage.refill(anna, attempt.order).expect("asked");
        assert_eq!(stage.refill(anna, attempt.order), Err(Refusal::RefillOpen));
        answer(&mut stage, attempt.order, refill, RefillAnswer::Refused);
        assert_eq!(state(&stage, attempt.order), RefillState::Rejected);
        assert_eq!(stage.refill(anna, attempt.order), Err(Refusal::RefillTooEarly));
        stage.wait(limits::REFILL_COOL_DOWN);
        assert!(stage.refill(anna, attempt.order).is_ok());
    }

    #[test]
    fn the_guarantee_ends_with_its_last_day() {
        let (mut stage, anna, order) = completed();
        stage.wait(Span::days(29));
        assert!(stage.refill(anna, order).is_ok());
        let (mut stage, anna, order) = completed();
        stage.wait(Span(Span::days(29).0 + 1));
        assert_eq!(stage.refill(anna, order), Err(Refusal::RefillUnavailable));
    }

    #[test]
    fn a_drip_feed_as_a_whole_is_not_refilled() {
        let mut stage = Stage::default();
        let (sold, _) = stage.routed();
        let anna = stage.customer(1_000_000);
        let parent = stage.placed(anna, sold, dripping("anna", 100, 2, 30));
        assert_eq!(stage.refill(anna, parent), Err(Refusal::RefillUnavailable));
    }

    /// Shows B20.
    #[test]
    fn an_unclear_answer_asks_again_later_and_an_open_one_there_counts_as_taken() {
        let (mut stage, anna, order) = completed();
        let refill = stage.refill(anna, order).expect("asked");
        answer(&mut stage, order, refill, RefillAnswer::Unclear);
        assert_eq!(state(&stage, order), RefillState::Pending { due: stage.now.after(Span::seconds(20)) });
        answer(&mut stage, order, refill, RefillAnswer::AlreadyOpen);
        assert_eq!(state(&stage, order), RefillState::Taken { provider_refill: None, running: false });
        see(&mut stage, order, refill, RefillSeen::Error);
        let late = Command::AnswerRefill { order, refill, answer: RefillAnswer::Refused };
        assert_eq!(stage.run(late), Err(Refusal::OutOfTurn("the refill is not open")));
    }
}
