//! `action=cancel` and the state of cancel requests (`api-v2.md` §7).
//!
//! In: ids as sent. Out: one answer, or a row per id in their order, the second seed's form: the caller's own orders
//! carry their kind, errors too; unknown ids never do. An account whose software demands the first seed's form gets
//! `1` and no kind (§10, 9).

use panelworks_core::command::Command;
use panelworks_core::ids::{CancelId, CustomerId, OrderId};
use panelworks_core::order::{Cancel, CancelState, Part};
use panelworks_core::outcome::{self, Done, Outcome, Refusal};
use panelworks_store::executor::Undecided;
use panelworks_wire::request::{Ask, AskedId};
use panelworks_wire::response::{CancelKind, CancelRow, CancelStatusRow, CancelWord};
use panelworks_wire::{ErrorText, Response};

use super::batch::{Batch, number};
use super::refusal;
use crate::known::Caller;
use crate::panel::{Panel, Ticket};

pub(super) async fn cancel(panel: &Panel, caller: &Caller, ask: Ask) -> Response {
    match ask {
        Ask::One(id) => one(panel, caller, &id).await,
        Ask::Many(ids) => many(panel, caller, ids).await,
    }
}

async fn one(panel: &Panel, caller: &Caller, id: &AskedId) -> Response {
    let told = match request(panel, caller.customer, number(id)) {
        Some(ticket) => told(ticket.outcome().await),
        None => Told::stranger(),
    };
    match told.result {
        Ok(_) if caller.switches.cancel_answers_one => Response::Cancel(1),
        Ok(cancel) => Response::Cancel(cancel),
        Err(text) => Response::Error(text),
    }
}

async fn many(panel: &Panel, caller: &Caller, ids: Vec<AskedId>) -> Response {
    let batch = Batch::new(ids);
    let tickets: Vec<_> = batch.distinct().iter().map(|id| request(panel, caller.customer, *id)).collect();
    let mut all = Vec::with_capacity(tickets.len());
    for ticket in tickets {
        all.push(match ticket {
            Some(ticket) => told(ticket.outcome().await),
            None => Told::stranger(),
        });
    }
    if !caller.switches.cancel_answers_one {
        name_refused(panel, caller.customer, batch.distinct(), &mut all).await;
    }
    let results: Vec<_> = all.into_iter().map(|told| Ok((told.kind, told.result))).collect();
    let first_form = caller.switches.cancel_answers_one;
    let rows = batch.rows(&results).into_iter().map(|(order, row)| match row {
        Ok((_, result)) if first_form => CancelRow { order, kind: None, result: result.map(|_| 1) },
        Ok((kind, result)) => CancelRow { order, kind, result },
        Err(text) => CancelRow { order, kind: None, result: Err(text) },
    });
    Response::CancelMany(rows.collect())
}

/// What became of one id.
struct Told {
    kind: Option<CancelKind>,
    /// The order is the caller's own, and its kind isn't known yet.
    unnamed: bool,
    result: Result<u64, ErrorText>,
}

impl Told {
    const fn stranger() -> Self {
        Self { kind: None, unnamed: false, result: Err(ErrorText::IncorrectOrderId) }
    }
}

fn request(panel: &Panel, customer: CustomerId, order: Option<u32>) -> Option<Ticket> {
    let order = OrderId(order?);
    Some(panel.order(customer, Command::RequestCancel { customer, order }))
}

fn told(outcome: Result<Outcome, Undecided>) -> Told {
    match outcome {
        Ok(Ok(Done::CancelRequested { cancel, kind })) => {
            Told { kind: Some(kind_word(kind)), unnamed: false, result: Ok(u64::from(cancel.0)) }
        }
        Ok(Ok(done)) => {
            tracing::error!(?done, "a cancel was answered with something else");
            Told { kind: None, unnamed: true, result: Err(ErrorText::SomethingWentWrong) }
        }
        Ok(Err(Refusal::UnknownOrder)) => Told::stranger(),
        Ok(Err(refused)) => Told { kind: None, unnamed: true, result: Err(refusal::refused(&refused)) },
        Err(undecided) => Told { kind: None, unnamed: true, result: Err(refusal::undecided(&undecided)) },
    }
}

/// A refusal doesn't say what it refused: the kinds of those orders are looked up, in one question.
async fn name_refused(panel: &Panel, customer: CustomerId, ids: &[Option<u32>], all: &mut [Told]) {
    let unnamed: Vec<OrderId> = ids
        .iter()
        .zip(all.iter())
        .filter_map(|(id, told)| id.filter(|_| told.unnamed).map(OrderId))
        .collect();
    if unnamed.is_empty() {
        return;
    }
    let kinds = panel.ask(move |views| {
        let orders = views.orders(customer, &unnamed)?;
        Ok(orders.into_iter().map(|order| order.map(|order| kind_of(&order.part))).collect::<Vec<_>>())
    });
    match kinds.await {
        Ok(kinds) => {
            for (told, kind) in all.iter_mut().filter(|told| told.unnamed).zip(kinds) {
                told.kind = kind;
            }
        }
        // The rows are true without their kind.
        Err(why) => drop(refusal::unanswered(&why)),
    }
}

const fn kind_of(part: &Part) -> CancelKind {
    match part {
        Part::Whole | Part::Run { .. } | Part::Post { .. } => CancelKind::Order,
        Part::DripFeed(_) => CancelKind::DripFeed,
        Part::Subscription(_) => CancelKind::Subscription,
    }
}

const fn kind_word(kind: outcome::CancelKind) -> CancelKind {
    match kind {
        outcome::CancelKind::Order => CancelKind::Order,
        outcome::CancelKind::DripFeed => CancelKind::DripFeed,
        outcome::CancelKind::Subscription => CancelKind::Subscription,
    }
}

pub(super) async fn cancel_status(panel: &Panel, caller: &Caller, ask: Ask) -> Response {
    match ask {
        Ask::One(id) => match words(panel, caller.customer, vec![id]).await {
            Ok((batch, results)) => match batch.rows(&results).pop() {
                Some((_, Ok(word))) => Response::CancelStatus(word),
                Some((_, Err(text))) => Response::Error(text),
                None => Response::Error(ErrorText::CancelNotFound),
            },
            Err(text) => Response::Error(text),
        },
        Ask::Many(ids) => match words(panel, caller.customer, ids).await {
            Ok((batch, results)) => {
                let rows = batch.rows(&results).into_iter();
                Response::CancelStatusMany(
                    rows.map(|(cancel, result)| CancelStatusRow { cancel, result }).collect(),
                )
            }
            Err(text) => Response::Error(text),
        },
    }
}

type Words = Vec<Result<CancelWord, ErrorText>>;

async fn words(panel: &Panel, customer: CustomerId, ids: Vec<AskedId>) -> Result<(Batch, Words), ErrorText> {
    let batch = Batch::new(ids);
    let numbers = batch.numbers(CancelId);
    let found = if numbers.is_empty() {
        Vec::new()
    } else {
        let asked = panel.ask(move |views| views.cancels(customer, &numbers)).await;
        asked.map_err(|why| refusal::unanswered(&why))?
    };
    let words = batch.spread(found).into_iter();
    let words = words.map(|cancel| cancel.as_ref().map(word).ok_or(ErrorText::CancelNotFound)).collect();
    Ok((batch, words))
}

const fn word(cancel: &Cancel) -> CancelWord {
    match cancel.state {
        CancelState::Pending { .. } | CancelState::Taken { .. } => CancelWord::Pending,
        CancelState::Completed => CancelWord::Completed,
        CancelState::Rejected => CancelWord::Rejected,
    }
}
