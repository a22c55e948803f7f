//! The actions that name ids: `status`, `refill`, `refill_status`, `cancel` and the states of cancels.
//!
//! In: one id or a list as asked. Out: an answer of the shape that belongs to it (`api-v2.md` §5-§7): a map
//! for many states of orders, a row per piece for all else. A repeated id repeats its row and does nothing
//! again; ids beyond the hundredth are left out of the map and refused in rows. Rules: `domain.md`, Refills,
//! Cancels.

use std::collections::{HashMap, HashSet};

use panelworks_wire::request::{Ask, AskedId};
use panelworks_wire::response::{
    self, CancelKind, CancelRow, CancelStatusRow, RefillRow, RefillStatusRow, StatusExtra, StatusRow,
    StatusWord,
};
use panelworks_wire::{ErrorText, Response, decimal};

use super::Provider;
use super::distort::HUGE;
use crate::books::{CancelWord, Child, Order, Part, RefillWord, View, Word};
use crate::civil;
use crate::delivery::{RefillPlan, Stage};
use crate::draw::{Draw, Purpose};
use crate::event::Event;
use crate::limits;

impl Provider {
    pub(super) fn status(&self, ask: &Ask) -> Response {
        match ask {
            Ask::One(asked) => self.status_of(asked).map_or_else(Response::Error, Response::Status),
            Ask::Many(asked) => {
                let mut seen = HashSet::new();
                let distinct = asked.iter().filter(|asked| seen.insert(asked.text.as_str()));
                let rows = distinct.take(limits::IDS_PER_CALL);
                Response::StatusMany(rows.map(|asked| (asked.text.clone(), self.status_of(asked))).collect())
            }
        }
    }

    fn status_of(&self, asked: &AskedId) -> Result<StatusRow, ErrorText> {
        Ok(self.status_row(&self.books.view(self.ours(asked)?)))
    }

    /// The row of an order in this provider's currency.
    pub(super) fn status_row(&self, view: &View) -> StatusRow {
        StatusRow {
            charge: decimal::format(view.charge.into()),
            start_count: view.start_count.into(),
            status: status_word(view.word),
            remains: view.remains,
            currency: self.settings.currency.clone(),
            extra: match &view.child {
                Child::None => StatusExtra::Plain,
                Child::Runs(orders) => {
                    StatusExtra::DripFeed { runs: orders.len() as u64, orders: orders.clone() }
                }
                Child::Posts { posts, expires_at, orders } => StatusExtra::Subscription {
                    posts: (*posts).into(),
                    expiry: expires_at.map(|end| civil::day_text(end - 1)),
                    orders: orders.clone(),
                },
            },
        }
    }

    pub(super) fn refill(&mut self, at: i64, ask: &Ask) -> Response {
        match ask {
            Ask::One(asked) => self.take_refill(at, asked).map_or_else(Response::Error, Response::Refill),
            Ask::Many(asked) => Response::RefillMany(
                once_each(asked, |asked| self.take_refill(at, asked))
                    .map(|(order, result)| RefillRow { order, result })
                    .collect(),
            ),
        }
    }

    fn take_refill(&mut self, at: i64, asked: &AskedId) -> Result<u64, ErrorText> {
        let order = self.ours(asked)?;
        self.refillable(at, order)?;
        let (refill, order) = (self.books.next_refill(), order.id);
        let mut draw = Draw::of(self.books.seed(), Purpose::Refill, refill);
        let plan = RefillPlan::draw(&mut draw, self.settings.speed, at);
        self.write(Event::RefillTaken { refill, order, at, plan });
        Ok(refill)
    }

    fn refillable(&self, at: i64, order: &Order) -> Result<(), ErrorText> {
        if !self.catalogue.find(order.service).is_some_and(|service| service.refill) {
            return Err(ErrorText::RefillDisabled);
        }
        if !matches!(order.part, Part::Single { .. }) {
            return Err(ErrorText::RefillNotAvailable);
        }
        let completed = self.books.view(order).word == Word::Plain(Stage::Completed);
        let Some(ended_at) = self.books.ended_at(order).filter(|_| completed) else {
            return Err(ErrorText::OrderNotCompleted);
        };
        if at - ended_at > limits::GUARANTEE_MS {
            return Err(ErrorText::RefillNotAvailable);
        }
        let last = self.books.last_refill_of(order.id);
        if last.is_some_and(|last| at < last.plan.ends_at) {
            return Err(ErrorText::RefillOpen);
        }
        let since = last.map_or(ended_at, |last| last.at.max(ended_at));
        if at - since < self.settings.speed.shrink(limits::REFILL_REST_MS) {
            return Err(ErrorText::RefillTooEarly);
        }
        Ok(())
    }

    pub(super) fn refill_status(&self, ask: &Ask) -> Response {
        let word = |asked: &AskedId| {
            let refill = asked.id.and_then(|id| self.books.refill(id)).ok_or(ErrorText::RefillNotFound)?;
            Ok(match self.books.refill_word(refill) {
                RefillWord::Pending => response::RefillWord::Pending,
                RefillWord::InProgress => response::RefillWord::InProgress,
                RefillWord::Completed => response::RefillWord::Completed,
                RefillWord::Rejected => response::RefillWord::Rejected,
            })
        };
        match ask {
            Ask::One(asked) => word(asked).map_or_else(Response::Error, Response::RefillStatus),
            Ask::Many(asked) => Response::RefillStatusMany(
                once_each(asked, word).map(|(refill, result)| RefillStatusRow { refill, result }).collect(),
            ),
        }
    }

    /// Takes cancels; an `idle` provider says yes and never carries them out.
    pub(super) fn cancel(&mut self, at: i64, ask: &Ask, idle: bool) -> Response {
        match ask {
            Ask::One(asked) => {
                self.take_cancel(at, asked, idle).map_or_else(Response::Error, Response::Cancel)
            }
            Ask::Many(asked) => {
                let rows: Vec<_> = once_each(asked, |asked| self.take_cancel(at, asked, idle)).collect();
                Response::CancelMany(
                    rows.into_iter()
                        .map(|(order, result)| CancelRow { kind: self.kind_of(&order), order, result })
                        .collect(),
                )
            }
        }
    }

    fn take_cancel(&mut self, at: i64, asked: &AskedId, idle: bool) -> Result<u64, ErrorText> {
        let order = self.ours(asked)?;
        if self.books.is_cancel_taken(order.id) {
            return Err(ErrorText::CancelSentEarlier);
        }
        let offered = self.catalogue.find(order.service).is_some_and(|service| service.cancel);
        if !offered || self.books.view(order).is_over() {
            return Err(ErrorText::CancelNotAvailable);
        }
        let (cancel, order) = (self.books.next_cancel(), order.id);
        let mut draw = Draw::of(self.books.seed(), Purpose::Cancel, cancel);
        let takes = self.settings.speed.drawn(&mut draw, limits::CANCEL_MIN);
        let due = (!idle).then(|| at.saturating_add(takes));
        self.write(Event::CancelTaken { cancel, order, at, due });
        Ok(cancel)
    }

    fn kind_of(&self, asked: &AskedId) -> Option<CancelKind> {
        Some(match self.ours(asked).ok()?.part {
            Part::Single { .. } => CancelKind::Order,
            Part::DripFeed(_) => CancelKind::DripFeed,
            Part::Subscription(_) => CancelKind::Subscription,
        })
    }

    pub(super) fn cancel_status(&self, ask: &Ask) -> Response {
        let word = |asked: &AskedId| {
            let cancel = asked.id.and_then(|id| self.books.cancel(id)).ok_or(ErrorText::CancelNotFound)?;
            Ok(match self.books.cancel_word(cancel) {
                CancelWord::Pending => response::CancelWord::Pending,
                CancelWord::Completed => response::CancelWord::Completed,
                CancelWord::Rejected => response::CancelWord::Rejected,
            })
        };
        match ask {
            Ask::One(asked) => word(asked).map_or_else(Response::Error, Response::CancelStatus),
            Ask::Many(asked) => Response::CancelStatusMany(
                once_each(asked, word).map(|(cancel, result)| CancelStatusRow { cancel, result }).collect(),
            ),
        }
    }

    fn ours(&self, asked: &AskedId) -> Result<&Order, ErrorText> {
        let known = |id: u64| self.books.find(id).or_else(|| self.books.find(id.checked_sub(HUGE)?));
        asked.id.and_then(known).ok_or(ErrorText::IncorrectOrderId)
    }
}

fn status_word(word: Word) -> StatusWord {
    match word {
        Word::Plain(Stage::Pending) => StatusWord::Pending,
        Word::Plain(Stage::Processing) => StatusWord::Processing,
        Word::Plain(Stage::InProgress) => StatusWord::InProgress,
        Word::Plain(Stage::Completed) => StatusWord::Completed,
        Word::Plain(Stage::Partial) => StatusWord::Partial,
        Word::Plain(Stage::Canceled) => StatusWord::Canceled,
        Word::Active => StatusWord::Active,
        Word::Paused => StatusWord::Paused,
        Word::Expired => StatusWord::Expired,
    }
}

/// Each piece with its result, in the order asked; `act` runs once per distinct piece, for at most a hundred.
fn once_each<'a, T: Clone + 'a>(
    asked: &'a [AskedId],
    mut act: impl FnMut(&AskedId) -> Result<T, ErrorText> + 'a,
) -> impl Iterator<Item = (AskedId, Result<T, ErrorText>)> + 'a {
    let mut known: HashMap<&'a str, Result<T, ErrorText>> = HashMap::new();
    asked.iter().map(move |piece| {
        let room = known.len() < limits::IDS_PER_CALL;
        let result = match known.get(piece.text.as_str()) {
            Some(result) => result.clone(),
            None if room => {
                let result = act(piece);
                known.insert(&piece.text, result.clone());
                result
            }
            None => Err(ErrorText::TooManyIds),
        };
        (piece.clone(), result)
    })
}
