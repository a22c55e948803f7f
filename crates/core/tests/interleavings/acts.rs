//! What anybody may do next: all of it, as far as it makes a difference.
//!
//! In: a stage. Out: each act that is possible there, as the commands it becomes. Reports come from polls and from
//! whoever pushes them, at any time, in any order and as often as they like: after a cancel, before an answer to it,
//! after the end.

use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, OrderId};
use panelworks_core::order::attempt::{AttemptResult, AttemptState, Verdict};
use panelworks_core::order::cancel::CancelAnswer;
use panelworks_core::order::{CancelState, OrderFile, Part};
use panelworks_core::provider::{Observation, RejectionClass, SeenRemains, SeenStatus};
use panelworks_core::testing::{Stage, not_sent, place, provider_order, refused, seen, seen_left, unknown};
use panelworks_core::time::{Span, Timestamp};

use crate::scenes::{Scene, Shop};

/// Longer than several intervals of a drip-feed.
const LATE: Span = Span::hours(5);

/// Something that somebody does.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// What sort of act it is.
    pub(crate) name: &'static str,
    pub(crate) command: Command,
    /// It waits until then.
    pub(crate) not_before: Option<Timestamp>,
}

const fn now(name: &'static str, command: Command) -> Act {
    Act { name, command, not_before: None }
}

/// Everything that may happen next.
pub(crate) fn possible(stage: &Stage, scene: &Scene, shop: &Shop) -> Vec<Act> {
    let mut acts = Vec::new();
    let placed = stage.orders.values().filter(|file| file.order.part.parent().is_none()).count();
    if placed < scene.orders {
        acts.push(now("order", place(shop.customer, shop.service, shop.draft.clone())));
    }
    for file in stage.orders.values() {
        of_attempts(file, &mut acts);
        of_cancels(file, shop, &mut acts);
        of_part(file, &mut acts);
    }
    acts
}

fn of_attempts(file: &OrderFile, acts: &mut Vec<Act>) {
    for attempt in &file.attempts {
        let id = AttemptId { order: file.order.id, number: attempt.number };
        match &attempt.state {
            AttemptState::Planned { due } => {
                let command = Command::BeginAttempt { attempt: id };
                acts.push(Act { name: "begin", command, not_before: Some(*due) });
            }
            AttemptState::Sending { .. } => acts.extend(
                outcomes(id).map(|result| now("finish", Command::FinishAttempt { attempt: id, result })),
            ),
            AttemptState::Accepted { .. } | AttemptState::Adopted { .. } | AttemptState::FoundLate { .. } => {
                acts.extend(words().map(|seen| now("report", Command::Observe { attempt: id, seen })));
            }
            AttemptState::Unknown { .. } | AttemptState::Absent { .. } | AttemptState::WrittenOff { .. } => {
                resolve(id, acts);
            }
            AttemptState::Rejected { .. } if file.order.hold.is_some() => resolve(id, acts),
            AttemptState::Rejected { .. } | AttemptState::NotSent { .. } | AttemptState::Voided => {}
        }
        if attempt.recall.is_some() {
            let answers = [CancelAnswer::Taken { provider_cancel: None }, CancelAnswer::Refused];
            let recall = |answer| now("answer a recall", Command::AnswerRecall { attempt: id, answer });
            acts.extend(answers.map(recall));
        }
    }
}

/// One of each kind that is treated in its own way.
fn outcomes(id: AttemptId) -> impl Iterator<Item = AttemptResult> {
    let taken = AttemptResult::Accepted { order: provider_order(&format!("{}-{}", id.order, id.number)) };
    // Somebody else's id, if there is somebody (B2).
    let repeated = AttemptResult::Accepted { order: provider_order("1-1") };
    let refusals = [
        RejectionClass::Service,
        RejectionClass::Duplicate,
        RejectionClass::Input { reroutable: false },
        RejectionClass::Unrecognised,
    ];
    let is_first = id.order.0 == 1 && id.number == 1;
    std::iter::once(taken)
        .chain((!is_first).then_some(repeated))
        .chain(refusals.into_iter().map(refused))
        .chain([not_sent(), unknown()])
}

/// What is said about an order of a hundred.
fn words() -> impl Iterator<Item = Observation> {
    let partial = |remains| Observation { remains, ..seen(SeenStatus::Partial) };
    [
        seen(SeenStatus::InProgress),
        seen(SeenStatus::Completed),
        seen_left(SeenStatus::Partial, 30),
        seen_left(SeenStatus::Partial, 60),
        partial(SeenRemains::Is(-5)),
        partial(SeenRemains::Is(1_000)),
        partial(SeenRemains::Missing),
        seen(SeenStatus::Canceled),
        seen(SeenStatus::Failed("Fail".to_owned())),
    ]
    .into_iter()
}

fn resolve(id: AttemptId, acts: &mut Vec<Act>) {
    let theirs = provider_order(&format!("{}-{}", id.order, id.number));
    for verdict in [Verdict::Adopt { order: theirs }, Verdict::Absent, Verdict::WriteOff] {
        acts.push(now("resolve", Command::ResolveAttempt { attempt: id, verdict }));
    }
}

fn of_cancels(file: &OrderFile, shop: &Shop, acts: &mut Vec<Act>) {
    let order = file.order.id;
    if !file.cancels.iter().any(|cancel| cancel.state.is_open()) {
        acts.push(now("cancel", Command::RequestCancel { customer: shop.customer, order }));
    }
    for cancel in &file.cancels {
        let id = cancel.id;
        match cancel.state {
            CancelState::Pending { .. } => {
                let answers = [
                    CancelAnswer::Taken { provider_cancel: None },
                    CancelAnswer::Refused,
                    CancelAnswer::Unclear,
                ];
                let command = |answer| Command::AnswerCancel { order, cancel: id, answer };
                acts.extend(answers.map(|answer| now("answer a cancel", command(answer))));
            }
            CancelState::Taken { .. } => {
                let denied = Command::ObserveCancel { order, cancel: id, rejected: true };
                acts.push(now("deny a cancel", denied));
            }
            CancelState::Completed | CancelState::Rejected => {}
        }
    }
}

fn of_part(file: &OrderFile, acts: &mut Vec<Act>) {
    let order = file.order.id;
    if let Some(hold) = &file.order.hold {
        let ends = hold.since.after(panelworks_core::limits::HOLD_LIMIT);
        let command = Command::ExpireHold { order };
        acts.push(Act { name: "expire a hold", command, not_before: Some(ends) });
    }
    match &file.order.part {
        Part::DripFeed(drip) => {
            // In time, or after hours in which nothing ran (A13).
            for late in [Span(0), LATE] {
                let command = Command::MakeRun { parent: order };
                acts.push(Act { name: "make a run", command, not_before: Some(drip.next_due.after(late)) });
            }
        }
        Part::Subscription(_) => {
            let link = format!("https://example.com/{order}");
            acts.push(now("report a post", Command::ReportPost { subscription: order, link }));
            acts.push(now("tend", Command::TendSubscription { subscription: order }));
        }
        Part::Whole | Part::Run { .. } | Part::Post { .. } => {}
    }
    if by_hand(file) {
        let attempt = AttemptId::by_hand(order);
        acts.extend(words().map(|seen| now("by hand", Command::Observe { attempt, seen })));
    }
}

/// Nobody but a person moves it.
fn by_hand(file: &OrderFile) -> bool {
    file.attempts.is_empty() && matches!(file.order.part, Part::Whole | Part::Post { .. })
}

/// Whose order an act is about, where it is one.
pub(crate) const fn about(command: &Command) -> Option<OrderId> {
    match command {
        Command::BeginAttempt { attempt }
        | Command::FinishAttempt { attempt, .. }
        | Command::Observe { attempt, .. }
        | Command::ResolveAttempt { attempt, .. } => Some(attempt.order),
        _of_no_attempt => None,
    }
}
