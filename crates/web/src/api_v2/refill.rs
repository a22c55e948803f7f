//! `action=refill` and `action=refill_status` (`api-v2.md` §6).
//!
//! In: ids as sent. Out: one answer, or a row per id in their order. A list is handed in whole and decided in its
//! order; each id has an outcome of its own.

use panelworks_core::command::Command;
use panelworks_core::ids::{CustomerId, OrderId, RefillId};
use panelworks_core::order::{Refill, RefillState};
use panelworks_core::outcome::{Done, Outcome};
use panelworks_store::executor::Undecided;
use panelworks_wire::request::{Ask, AskedId};
use panelworks_wire::response::{RefillRow, RefillStatusRow, RefillWord};
use panelworks_wire::{ErrorText, Response};

use super::batch::{Batch, number};
use super::refusal;
use crate::known::Caller;
use crate::panel::{Panel, Ticket};

pub(super) async fn refill(panel: &Panel, caller: &Caller, ask: Ask) -> Response {
    match ask {
        Ask::One(id) => match request(panel, caller.customer, number(&id)) {
            Ok(ticket) => taken(ticket.outcome().await).map_or_else(Response::Error, Response::Refill),
            Err(text) => Response::Error(text),
        },
        Ask::Many(ids) => {
            let batch = Batch::new(ids);
            let tickets: Vec<_> =
                batch.distinct().iter().map(|id| request(panel, caller.customer, *id)).collect();
            let mut results = Vec::with_capacity(tickets.len());
            for ticket in tickets {
                results.push(match ticket {
                    Ok(ticket) => taken(ticket.outcome().await),
                    Err(text) => Err(text),
                });
            }
            let rows = batch.rows(&results).into_iter();
            Response::RefillMany(rows.map(|(order, result)| RefillRow { order, result }).collect())
        }
    }
}

fn request(panel: &Panel, customer: CustomerId, order: Option<u32>) -> Result<Ticket, ErrorText> {
    let order = order.map(OrderId).ok_or(ErrorText::IncorrectOrderId)?;
    Ok(panel.order(customer, Command::RequestRefill { customer, order }))
}

fn taken(outcome: Result<Outcome, Undecided>) -> Result<u64, ErrorText> {
    match outcome {
        Ok(Ok(Done::RefillRequested { refill })) => Ok(u64::from(refill.0)),
        Ok(Ok(done)) => {
            tracing::error!(?done, "a refill was answered with something else");
            Err(ErrorText::SomethingWentWrong)
        }
        Ok(Err(refused)) => Err(refusal::refused(&refused)),
        Err(undecided) => Err(refusal::undecided(&undecided)),
    }
}

pub(super) async fn refill_status(panel: &Panel, caller: &Caller, ask: Ask) -> Response {
    match ask {
        Ask::One(id) => match words(panel, caller.customer, vec![id]).await {
            Ok((batch, results)) => match batch.rows(&results).pop() {
                Some((_, Ok(word))) => Response::RefillStatus(word),
                Some((_, Err(text))) => Response::Error(text),
                None => Response::Error(ErrorText::RefillNotFound),
            },
            Err(text) => Response::Error(text),
        },
        Ask::Many(ids) => match words(panel, caller.customer, ids).await {
            Ok((batch, results)) => {
                let rows = batch.rows(&results).into_iter();
                Response::RefillStatusMany(
                    rows.map(|(refill, result)| RefillStatusRow { refill, result }).collect(),
                )
            }
            Err(text) => Response::Error(text),
        },
    }
}

type Words = Vec<Result<RefillWord, ErrorText>>;

async fn words(panel: &Panel, customer: CustomerId, ids: Vec<AskedId>) -> Result<(Batch, Words), ErrorText> {
    let batch = Batch::new(ids);
    let numbers = batch.numbers(RefillId);
    let found = if numbers.is_empty() {
        Vec::new()
    } else {
        let asked = panel.ask(move |views| views.refills(customer, &numbers)).await;
        asked.map_err(|why| refusal::unanswered(&why))?
    };
    let words = batch.spread(found).into_iter();
    let words = words.map(|refill| refill.as_ref().map(word).ok_or(ErrorText::RefillNotFound)).collect();
    Ok((batch, words))
}

/// What a provider took and doesn't work on yet is still waiting, in the customer's eyes.
const fn word(refill: &Refill) -> RefillWord {
    match refill.state {
        RefillState::Pending { .. } | RefillState::Taken { running: false, .. } => RefillWord::Pending,
        RefillState::Taken { running: true, .. } => RefillWord::InProgress,
        RefillState::Completed => RefillWord::Completed,
        RefillState::Rejected => RefillWord::Rejected,
        RefillState::Error => RefillWord::Error,
    }
}
