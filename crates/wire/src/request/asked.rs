//! Which ids a call asks about (`api-v2.md` §5-§7, §12): one or many, in the order of the request.
//!
//! Empty pieces are dropped; repeated and malformed ones are kept, because each answer says something about them.

use super::fields::digits;
use super::params::{Name, Params, Raw};
use crate::limits::ASKED_PIECES;

/// One id, or a list; the two have answers of different shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Empty text and no id when nothing was asked.
    One(AskedId),
    /// Never empty.
    Many(Vec<AskedId>),
}

/// An id as the customer sent it, without the spaces around.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AskedId {
    pub text: String,
    /// `Some` only for plain decimal digits above zero.
    pub id: Option<u64>,
}

impl AskedId {
    /// Reads one piece.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        Self { text: text.to_owned(), id: digits(text).filter(|&id| id > 0) }
    }
}

/// What `action=cancel` is about (`api-v2.md` §7, dispatch).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelAsk {
    /// Cancel these orders.
    Orders(Ask),
    /// The state of these cancel requests.
    Requests(Ask),
}

pub(super) fn orders(params: &mut Params<'_>) -> Ask {
    order_ids(params).unwrap_or_else(nothing)
}

/// The same, with the names one clone uses when those are missing.
pub(super) fn orders_to_refill(params: &mut Params<'_>) -> Ask {
    order_ids(params).unwrap_or_else(|| refills(params))
}

pub(super) fn refills(params: &mut Params<'_>) -> Ask {
    many(params, Name::Refills).or_else(|| one(params, Name::Refill)).unwrap_or_else(nothing)
}

pub(super) fn cancels(params: &mut Params<'_>) -> Ask {
    many(params, Name::Cancels).or_else(|| one(params, Name::Cancel)).unwrap_or_else(nothing)
}

pub(super) fn cancel(params: &mut Params<'_>) -> CancelAsk {
    if let Some(requests) = many(params, Name::Cancels) {
        return CancelAsk::Requests(requests);
    }
    if let Some(orders) = order_ids(params) {
        return CancelAsk::Orders(orders);
    }
    one(params, Name::Cancel).map_or_else(|| CancelAsk::Orders(nothing()), CancelAsk::Requests)
}

/// `orders` when it holds an id, else `order`.
fn order_ids(params: &mut Params<'_>) -> Option<Ask> {
    many(params, Name::Orders).or_else(|| one(params, Name::Order)).or_else(|| one(params, Name::OrderId))
}

fn nothing() -> Ask {
    Ask::One(AskedId::default())
}

fn many(params: &mut Params<'_>, name: Name) -> Option<Ask> {
    pieces(&params.take(name))
}

/// A comma or a list makes it many after all.
fn one(params: &mut Params<'_>, name: Name) -> Option<Ask> {
    match params.take(name) {
        Raw::Text(text) if !text.contains(',') => Some(Ask::One(AskedId::new(&text))),
        other @ (Raw::Text(_) | Raw::List(_) | Raw::Absent | Raw::Wrong) => pieces(&other),
    }
}

fn pieces(raw: &Raw<'_>) -> Option<Ask> {
    let mut ids = Vec::new();
    match raw {
        Raw::Absent | Raw::Wrong => {}
        Raw::Text(text) => push_pieces(&mut ids, text),
        Raw::List(items) => items.iter().for_each(|item| push_pieces(&mut ids, item)),
    }
    (!ids.is_empty()).then_some(Ask::Many(ids))
}

fn push_pieces(ids: &mut Vec<AskedId>, text: &str) {
    let room = ASKED_PIECES - ids.len();
    let pieces = text.split(',').map(str::trim).filter(|piece| !piece.is_empty()).take(room);
    ids.extend(pieces.map(AskedId::new));
}
