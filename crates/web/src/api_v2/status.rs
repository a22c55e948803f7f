//! `action=status` (`api-v2.md` §5): where orders stand, one or up to a hundred, in one query of committed rows.
//!
//! In: ids as sent. Out: the five fields, with what drip-feeds and subscriptions add; or nothing at all: trouble of
//! our own is never told as an `error` here (rule 11). Unknown, foreign and malformed ids answer the same.

use panelworks_core::customer::Switches;
use panelworks_core::ids::OrderId;
use panelworks_core::order::subscription::SubscriptionState;
use panelworks_core::order::{DripFeed, Order, OrderKind, OrderStatus, Part, Subscription};
use panelworks_wire::limits::BATCH_IDS;
use panelworks_wire::request::{Ask, AskedId};
use panelworks_wire::response::{StatusExtra, StatusRow, StatusWord};
use panelworks_wire::{ErrorText, Response};

use super::batch::number;
use super::refusal;
use crate::known::Caller;
use crate::panel::Panel;

/// None: there is no answer that would be true.
pub(super) async fn status(panel: &Panel, caller: &Caller, ask: Ask) -> Option<Response> {
    match ask {
        Ask::One(id) => one(panel, caller, &id).await,
        Ask::Many(ids) => many(panel, caller, ids).await,
    }
}

async fn one(panel: &Panel, caller: &Caller, id: &AskedId) -> Option<Response> {
    let Some(id) = number(id) else { return Some(Response::Error(ErrorText::IncorrectOrderId)) };
    let row = orders(panel, caller, vec![OrderId(id)]).await?.pop().flatten();
    Some(match row {
        Some(row) => Response::Status(row),
        None => Response::Error(ErrorText::IncorrectOrderId),
    })
}

/// A map keyed by the ids as sent, the first hundred distinct ones; the rest is left out.
async fn many(panel: &Panel, caller: &Caller, ids: Vec<AskedId>) -> Option<Response> {
    let ids = first_distinct(ids);
    let known: Vec<OrderId> = ids.iter().filter_map(number).map(OrderId).collect();
    let mut found = orders(panel, caller, known).await?.into_iter();
    let row = |id: &AskedId| number(id).and_then(|_| found.next().flatten());
    let rows: Vec<Option<StatusRow>> = ids.iter().map(row).collect();
    let texts = ids.into_iter().map(|id| id.text);
    Some(Response::StatusMany(
        texts.zip(rows).map(|(text, row)| (text, row.ok_or(ErrorText::IncorrectOrderId))).collect(),
    ))
}

/// Each text is a key of its own in the answer, so here ids are distinct by their text.
fn first_distinct(ids: Vec<AskedId>) -> Vec<AskedId> {
    let mut seen = std::collections::HashSet::with_capacity(ids.len().min(BATCH_IDS));
    ids.into_iter().filter(|id| seen.insert(id.text.clone())).take(BATCH_IDS).collect()
}

async fn orders(panel: &Panel, caller: &Caller, ids: Vec<OrderId>) -> Option<Vec<Option<StatusRow>>> {
    if ids.is_empty() {
        return Some(Vec::new());
    }
    let (customer, switches) = (caller.customer, caller.switches);
    // Encoded beside the query, so that the thread that answers requests is not held up.
    let rows = panel.ask(move |views| {
        let orders = views.orders(customer, &ids)?;
        Ok(orders.iter().map(|order| order.as_ref().map(|order| row(order, switches))).collect())
    });
    rows.await.inspect_err(|why| drop(refusal::unanswered(why))).ok()
}

fn row(order: &Order, switches: Switches) -> StatusRow {
    let (status, extra) = match &order.part {
        Part::Whole | Part::Run { .. } | Part::Post { .. } => (word(order.status), StatusExtra::Plain),
        Part::DripFeed(drip) => drip_feed(order, drip, switches),
        Part::Subscription(subscription) => posts(order, subscription, switches),
    };
    StatusRow {
        charge: order.net_charge().to_string(),
        start_count: order.start_count.unwrap_or(0),
        status,
        remains: order.remains,
        currency: order.currency.to_string(),
        extra,
    }
}

const fn word(status: OrderStatus) -> StatusWord {
    match status {
        OrderStatus::Pending => StatusWord::Pending,
        OrderStatus::Processing => StatusWord::Processing,
        OrderStatus::InProgress => StatusWord::InProgress,
        OrderStatus::Completed => StatusWord::Completed,
        OrderStatus::Partial => StatusWord::Partial,
        OrderStatus::Canceled => StatusWord::Canceled,
        OrderStatus::Expired => StatusWord::Expired,
    }
}

/// Panels of one family pay a drip-feed's `Partial` back at every poll; their accounts are shown `Completed` (§5).
fn drip_feed(order: &Order, drip: &DripFeed, switches: Switches) -> (StatusWord, StatusExtra) {
    let status = match word(order.status) {
        StatusWord::Partial if switches.dripfeed_partial_as_completed => StatusWord::Completed,
        other => other,
    };
    (status, StatusExtra::DripFeed { runs: drip.made.len() as u64, orders: ids(&drip.made) })
}

/// A pause is shown as `Active`, unless the account asks for `Paused` (§5).
fn posts(order: &Order, subscription: &Subscription, switches: Switches) -> (StatusWord, StatusExtra) {
    let status = match (&subscription.state, order.status.has_ended()) {
        (_, true) | (SubscriptionState::Ended, _) => word(order.status),
        (SubscriptionState::PausedForFunds, false) if switches.shows_paused => StatusWord::Paused,
        (SubscriptionState::PausedForFunds | SubscriptionState::Active { .. }, false) => StatusWord::Active,
    };
    let expiry = match &order.kind {
        OrderKind::Subscriptions(asked) => asked.expiry,
        _only_subscriptions_make_posts => None,
    };
    let extra = StatusExtra::Subscription {
        posts: subscription.made.len() as u64,
        expiry: expiry.map(panelworks_core::time::Date::day_month_year),
        orders: ids(&subscription.made),
    };
    (status, extra)
}

fn ids(orders: &[OrderId]) -> Vec<u64> {
    orders.iter().map(|order| u64::from(order.0)).collect()
}
