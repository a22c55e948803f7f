//! The write-set of a batch, table by table in key order, as differences to what was loaded.
//!
//! In: [`Changes`], inside the batch's transaction. Out: rows. New orders, attempts and entries are appended;
//! of a changed order only the rows that differ are touched. Rules: architecture.md, The store. Never: a
//! decision, a commit.

use std::collections::BTreeMap;

use panelworks_core::customer::Account;
use panelworks_core::ids::{OrderId, ProviderAccountId, ProviderOrderId};
use panelworks_core::ledger::{Entry, LedgerAccount, account_code, cause_code};
use panelworks_core::order::{Attempt, Cancel, CancelState, Order, OrderFile, Refill, RefillState};
use panelworks_core::provider::ProviderAccount;
use panelworks_core::world::{Changes, OrderChange};
use rusqlite::{CachedStatement, Connection, Result, params};

use super::error::{unreadable, unwritable};
use super::operators;
use super::rows::integer;
use crate::codes::{
    attempt_code, cancel_code, kind_code, part_code, purpose_code, refill_code, standing_code, status_code,
};
use crate::details::{
    ended_at, json, kind_details, mark, part_details, part_number, state_at, state_details,
};

pub(super) const INSERT_ORDER: &str = "insert into orders (id, customer, service, status, kind, part, quantity, remains, currency, \
     rate, price_version, charge, debited, returned, refunded, in_flight, entries, guarded, requests, \
     accepted_at, ended_at, start_count, parent, part_number, hold_at, mark, link, kind_details, part_details, hold, room) \
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, \
     ?24, ?25, ?26, ?27, ?28, ?29, ?30, zeroblob(?31))";

/// Leaves the indexes of open and held orders alone.
pub(super) const MOVE_ORDER: &str = "update orders set remains = ?2, charge = ?3, debited = ?4, returned = ?5, refunded = ?6, in_flight = ?7, \
     entries = ?8, requests = ?9, start_count = ?10, part_details = ?11, room = null where id = ?1";

pub(super) const STATUS_OF_ORDER: &str =
    "update orders set status = ?2, ended_at = ?3, hold_at = ?4, hold = ?5 where id = ?1";

pub(super) const INSERT_ATTEMPT: &str = "insert into attempt (order_id, number, purpose, account, service, expected_cost, booked_cost, currency, entries, \
     state, state_at, planned_at, provider_order, details, room) \
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, zeroblob(?15))";

pub(super) const UPDATE_ATTEMPT: &str = "update attempt set expected_cost = ?3, booked_cost = ?4, currency = ?5, entries = ?6, state = ?7, \
     state_at = ?8, provider_order = ?9, details = ?10, room = null where order_id = ?1 and number = ?2";

/// Apart from the statement above, which every order needs twice.
pub(super) const RECALL_ATTEMPT: &str = "update attempt set recall = ?3 where order_id = ?1 and number = ?2";

/// An observed cost: the provider's order stays what it is, and with it the index.
pub(super) const BOOK_ATTEMPT: &str =
    "update attempt set booked_cost = ?3, entries = ?4 where order_id = ?1 and number = ?2";

pub(super) const INSERT_ENTRY: &str = "insert into entry (cause_id, cause_kind, cause_part, sequence, number, from_kind, from_id, to_kind, to_id, \
     amount, currency) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

pub(super) const UPDATE_ACCOUNT: &str =
    "update account set currency = ?2, balance = ?3, credit_limit = ?4, standing = ?5 where customer = ?1";

const INSERT_ACCOUNT: &str =
    "insert into account (customer, currency, balance, credit_limit, standing) values (?1, ?2, ?3, ?4, ?5)";

pub(super) const PUT_REFILL: &str = "insert into refill (id, order_id, state, due, provider_refill, tries, requested_at, ended_at) \
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict (id) do update set state = excluded.state, due = excluded.due, \
     provider_refill = excluded.provider_refill, tries = excluded.tries, ended_at = excluded.ended_at";

pub(super) const PUT_CANCEL: &str = "insert into cancel (id, order_id, state, due, provider_cancel, tries, requested_at, ended_at) \
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict (id) do update set state = excluded.state, due = excluded.due, \
     provider_cancel = excluded.provider_cancel, tries = excluded.tries, ended_at = excluded.ended_at";

pub(super) const MOVE_PREPAID: &str = "insert into prepaid (account, amount) values (?1, ?2) on conflict (account) do update set amount = amount + excluded.amount";

/// Binds values in their order and runs the statement. `params!` would ask each value for its type through a table of
/// functions, for some sixty values of an order.
macro_rules! run {
    ($statement:expr, $($value:expr),+ $(,)?) => {{
        let statement = &mut *$statement;
        let mut place = 0;
        $(
            place += 1;
            statement.raw_bind_parameter(place, $value)?;
        )+
        statement.raw_execute()
    }};
}

/// Writes everything but the batch's own row.
pub(super) fn write(connection: &Connection, changes: &Changes) -> Result<()> {
    accounts(connection, &changes.accounts)?;
    rarely_changed(connection, changes)?;
    orders(connection, &changes.orders)?;
    entries(connection, &changes.entries)?;
    prepaid(connection, &changes.entries)
}

fn accounts(connection: &Connection, accounts: &[Account]) -> Result<()> {
    if accounts.is_empty() {
        return Ok(());
    }
    let mut update = connection.prepare_cached(UPDATE_ACCOUNT)?;
    for account in accounts {
        let row = params![
            account.customer.0,
            account.currency.as_str(),
            account.balance.0,
            account.credit_limit.0,
            standing_code(account.standing)
        ];
        if update.execute(row)? == 0 {
            connection.prepare_cached(INSERT_ACCOUNT)?.execute(row)?;
        }
    }
    Ok(())
}

/// Tables that operators write, a few rows a day.
fn rarely_changed(connection: &Connection, changes: &Changes) -> Result<()> {
    for customer in &changes.customers {
        connection
            .prepare_cached("insert into customer (id, details) values (?1, ?2) on conflict (id) do update set details = excluded.details")?
            .execute(params![customer.id.0, json(customer).map_err(unwritable)?])?;
    }
    for key in &changes.api_keys {
        connection
            .prepare_cached(
                "insert into api_key (hash, customer, label, revoked) values (?1, ?2, ?3, ?4) \
                 on conflict (hash) do update set label = excluded.label, revoked = excluded.revoked",
            )?
            .execute(params![key.hash.0, key.customer.0, key.label, key.revoked])?;
    }
    for service in &changes.services {
        connection
            .prepare_cached("insert into service (id, details) values (?1, ?2) on conflict (id) do update set details = excluded.details")?
            .execute(params![service.id.0, json(service).map_err(unwritable)?])?;
    }
    for price in &changes.prices {
        connection
            .prepare_cached("insert into price (service, version, rate, since) values (?1, ?2, ?3, ?4)")?
            .execute(params![price.service.0, price.version, price.rate.micros(), price.since.0])?;
    }
    for provider in &changes.providers {
        let open = ProviderAccount { sealed_key: Vec::new(), ..provider.clone() };
        connection
            .prepare_cached(
                "insert into provider (id, sealed_key, details) values (?1, ?2, ?3) \
                 on conflict (id) do update set sealed_key = excluded.sealed_key, details = excluded.details",
            )?
            .execute(params![provider.id.0, provider.sealed_key, json(&open).map_err(unwritable)?])?;
    }
    for transfer in &changes.transfers {
        let (to_kind, to_id) = account_code(transfer.to);
        connection
            .prepare_cached("insert into transfer (id, to_kind, to_id, amount, currency, at, note) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![
                transfer.id.0,
                to_kind,
                to_id,
                transfer.amount.0,
                transfer.currency.as_str(),
                transfer.at.0,
                transfer.note
            ])?;
    }
    operators::put(connection, &changes.operators)
}

fn orders(connection: &Connection, changes: &[OrderChange]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut insert_order = connection.prepare_cached(INSERT_ORDER)?;
    let mut insert_attempt = connection.prepare_cached(INSERT_ATTEMPT)?;
    for change in changes {
        let OrderChange { before, after } = change;
        match before {
            None => append_order(&mut insert_order, after)?,
            Some(before) => change_order(connection, before, after)?,
        }
        attempts(connection, &mut insert_attempt, before.as_deref(), after)?;
        requests(connection, before.as_deref(), after)?;
    }
    Ok(())
}

/// Bytes that an order's way to its end will need: a start count, a longer status.
const ROOM_OF_ORDER: i64 = 6;
/// Bytes that a planned attempt needs to become an accepted one: the provider's order id and the cost, less its
/// due time.
const ROOM_OF_ATTEMPT: i64 = 8;

fn append_order(insert: &mut CachedStatement<'_>, file: &OrderFile) -> Result<()> {
    let order = &file.order;
    let (parent, number) =
        order.part.parent().map_or((None, None), |parent| (Some(parent.0), part_number(order)));
    run!(
        insert,
        order.id.0,
        order.customer.0,
        order.service.0,
        status_code(order.status),
        kind_code(order.kind.service_type()),
        part_code(&order.part),
        integer(order.quantity),
        integer(order.remains),
        order.currency.as_str(),
        order.rate.micros(),
        order.price_version,
        order.charge.0,
        order.sums.debited.0,
        order.sums.returned.0,
        order.sums.refunded.0,
        in_flight(order)?,
        order.sums.entries,
        order.guarded,
        request_count(file),
        order.accepted_at.0,
        ended_at(order).0,
        order.start_count,
        parent,
        number,
        order.hold.as_ref().map(|hold| hold.since.0),
        mark(order),
        &order.link,
        kind_details(&order.kind).map_err(unwritable)?,
        part_details(&order.part).map_err(unwritable)?,
        order.hold.as_ref().map(|hold| json(&hold.reason)).transpose().map_err(unwritable)?,
        if order.status.has_ended() { 0 } else { ROOM_OF_ORDER },
    )?;
    Ok(())
}

fn in_flight(order: &Order) -> Result<i64> {
    let rest = order.sums.in_flight();
    rest.map(|rest| rest.0)
        .ok_or_else(|| unreadable(15, format!("the sums of order {} do not fit", order.id)))
}

fn request_count(file: &OrderFile) -> i64 {
    integer((file.refills.len() + file.cancels.len()) as u64)
}

fn change_order(connection: &Connection, before: &OrderFile, after: &OrderFile) -> Result<()> {
    let (old, new) = (&before.order, &after.order);
    let same_requests = request_count(before) == request_count(after);
    if old == new && same_requests {
        return Ok(());
    }
    if old.status != new.status || old.hold != new.hold || old.ended_at != new.ended_at {
        connection.prepare_cached(STATUS_OF_ORDER)?.execute(params![
            new.id.0,
            status_code(new.status),
            ended_at(new).0,
            new.hold.as_ref().map(|hold| hold.since.0),
            new.hold.as_ref().map(|hold| json(&hold.reason)).transpose().map_err(unwritable)?,
        ])?;
    }
    let moved = old.remains != new.remains
        || old.charge != new.charge
        || old.sums != new.sums
        || old.start_count != new.start_count
        || old.part != new.part;
    if moved || !same_requests {
        connection.prepare_cached(MOVE_ORDER)?.execute(params![
            new.id.0,
            integer(new.remains),
            new.charge.0,
            new.sums.debited.0,
            new.sums.returned.0,
            new.sums.refunded.0,
            in_flight(new)?,
            new.sums.entries,
            request_count(after),
            new.start_count,
            part_details(&new.part).map_err(unwritable)?,
        ])?;
    }
    Ok(())
}

fn attempts(
    connection: &Connection,
    insert: &mut CachedStatement<'_>,
    before: Option<&OrderFile>,
    after: &OrderFile,
) -> Result<()> {
    for attempt in &after.attempts {
        match before.and_then(|before| before.attempt(attempt.number)) {
            None => {
                append_attempt(insert, after.order.id, attempt)?;
                if attempt.recall.is_some() {
                    put_recall(connection, after.order.id, attempt)?;
                }
            }
            Some(old) if old == attempt => {}
            Some(old) => change_attempt(connection, after.order.id, old, attempt)?,
        }
    }
    Ok(())
}

fn append_attempt(insert: &mut CachedStatement<'_>, order: OrderId, attempt: &Attempt) -> Result<()> {
    run!(
        insert,
        order.0,
        attempt.number,
        purpose_code(attempt.purpose),
        attempt.account.0,
        &attempt.service,
        attempt.expected_cost.0,
        attempt.booked_cost.0,
        attempt.currency.as_str(),
        attempt.entries,
        attempt_code(&attempt.state),
        state_at(&attempt.state).map(|at| at.0),
        attempt.planned_at.0,
        attempt.state.provider_order().map(ProviderOrderId::as_str),
        state_details(&attempt.state).map_err(unwritable)?,
        ROOM_OF_ATTEMPT,
    )?;
    Ok(())
}

fn change_attempt(connection: &Connection, order: OrderId, old: &Attempt, new: &Attempt) -> Result<()> {
    if old.recall != new.recall {
        put_recall(connection, order, new)?;
    }
    if old.state == new.state && old.expected_cost == new.expected_cost && old.currency == new.currency {
        let row = params![order.0, new.number, new.booked_cost.0, new.entries];
        connection.prepare_cached(BOOK_ATTEMPT)?.execute(row)?;
        return Ok(());
    }
    connection.prepare_cached(UPDATE_ATTEMPT)?.execute(params![
        order.0,
        new.number,
        new.expected_cost.0,
        new.booked_cost.0,
        new.currency.as_str(),
        new.entries,
        attempt_code(&new.state),
        state_at(&new.state).map(|at| at.0),
        new.state.provider_order().map(ProviderOrderId::as_str),
        state_details(&new.state).map_err(unwritable)?,
    ])?;
    Ok(())
}

fn put_recall(connection: &Connection, order: OrderId, attempt: &Attempt) -> Result<()> {
    let recall = attempt.recall.as_ref().map(json).transpose().map_err(unwritable)?;
    connection.prepare_cached(RECALL_ATTEMPT)?.execute(params![order.0, attempt.number, recall])?;
    Ok(())
}

fn requests(connection: &Connection, before: Option<&OrderFile>, after: &OrderFile) -> Result<()> {
    let order = after.order.id;
    for refill in &after.refills {
        if !before.is_some_and(|before| before.refills.contains(refill)) {
            put_refill(connection, order, refill)?;
        }
    }
    for cancel in &after.cancels {
        if !before.is_some_and(|before| before.cancels.contains(cancel)) {
            put_cancel(connection, order, cancel)?;
        }
    }
    Ok(())
}

fn put_refill(connection: &Connection, order: OrderId, refill: &Refill) -> Result<()> {
    let (due, provider_refill) = match &refill.state {
        RefillState::Pending { due } => (Some(due.0), None),
        RefillState::Taken { provider_refill, .. } => (None, provider_refill.as_deref()),
        RefillState::Completed | RefillState::Rejected | RefillState::Error => (None, None),
    };
    connection.prepare_cached(PUT_REFILL)?.execute(params![
        refill.id.0,
        order.0,
        refill_code(&refill.state),
        due,
        provider_refill,
        refill.tries,
        refill.requested_at.0,
        refill.ended_at.map(|at| at.0)
    ])?;
    Ok(())
}

fn put_cancel(connection: &Connection, order: OrderId, cancel: &Cancel) -> Result<()> {
    let (due, provider_cancel) = match &cancel.state {
        CancelState::Pending { due } => (Some(due.0), None),
        CancelState::Taken { provider_cancel } => (None, provider_cancel.as_deref()),
        CancelState::Completed | CancelState::Rejected => (None, None),
    };
    connection.prepare_cached(PUT_CANCEL)?.execute(params![
        cancel.id.0,
        order.0,
        cancel_code(&cancel.state),
        due,
        provider_cancel,
        cancel.tries,
        cancel.requested_at.0,
        cancel.ended_at.map(|at| at.0)
    ])?;
    Ok(())
}

/// Entries in order of their numbers; those of new orders are in order of their keys as well.
fn entries(connection: &Connection, entries: &[Entry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(INSERT_ENTRY)?;
    for entry in entries {
        let (cause_kind, cause_id, cause_part) = cause_code(entry.cause);
        let (from_kind, from_id) = account_code(entry.from);
        let (to_kind, to_id) = account_code(entry.to);
        run!(
            insert,
            cause_id,
            cause_kind,
            cause_part,
            entry.sequence,
            integer(entry.number),
            from_kind,
            from_id,
            to_kind,
            to_id,
            entry.amount.0,
            entry.currency.as_str()
        )?;
    }
    Ok(())
}

/// What each provider account gained or lost, one row each.
fn prepaid(connection: &Connection, entries: &[Entry]) -> Result<()> {
    let mut moved: BTreeMap<ProviderAccountId, i64> = BTreeMap::new();
    for entry in entries {
        for (account, by) in [(entry.from, -entry.amount.0), (entry.to, entry.amount.0)] {
            if let LedgerAccount::Prepaid(account) = account {
                let sum = moved.entry(account).or_default();
                let fits = sum.checked_add(by);
                *sum =
                    fits.ok_or_else(|| unreadable(1, format!("the sum of account {account} does not fit")))?;
            }
        }
    }
    for (account, by) in moved {
        connection.prepare_cached(MOVE_PREPAID)?.execute(params![account.0, by])?;
    }
    Ok(())
}
