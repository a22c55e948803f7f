//! Rows of the tables as values of the core, and the details that a column of JSON keeps of them.
//!
//! In: a row in the order of the columns named here. Out: the value it was written from, equal in every field;
//! or an error that names the column. Never: a default for what can't be read.

use panelworks_core::customer::Account;
use panelworks_core::ids::{
    CancelId, CustomerId, OrderId, ProviderAccountId, ProviderOrderId, RefillId, ServiceId,
};
use panelworks_core::ledger::{Entry, account_of, cause_of};
use panelworks_core::money::{Amount, Currency, Rate};
use panelworks_core::order::{
    Attempt, AttemptState, Cancel, CancelState, Hold, HoldReason, IdempotencyMark, Order, OrderKind, Part,
    Refill, RefillState, Sums,
};
use panelworks_core::time::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Result, Row};
use serde::de::DeserializeOwned;

use super::error::unreadable;
use crate::codes::{purpose_of, standing_of, status_of};

pub(super) const ORDER_COLUMNS: &str = "id, customer, service, status, kind, part, quantity, remains, currency, \
     rate, price_version, charge, debited, returned, refunded, in_flight, entries, guarded, requests, \
     accepted_at, ended_at, start_count, parent, part_number, hold_at, mark, link, kind_details, part_details, hold";

pub(super) const ATTEMPT_COLUMNS: &str = "order_id, number, purpose, account, service, expected_cost, booked_cost, currency, entries, \
     state, state_at, planned_at, provider_order, details, recall";

pub(super) const REFILL_COLUMNS: &str =
    "id, order_id, state, due, provider_refill, tries, requested_at, ended_at";

pub(super) const CANCEL_COLUMNS: &str =
    "id, order_id, state, due, provider_cancel, tries, requested_at, ended_at";

pub(super) const ENTRY_COLUMNS: &str = "cause_id, cause_kind, cause_part, sequence, number, from_kind, from_id, to_kind, to_id, amount, currency";

/// An order's row, and whether refills or cancels hang on it.
pub(super) fn order(row: &Row<'_>) -> Result<(Order, bool)> {
    let status = known(3, status_of(row.get(3)?))?;
    let accepted_at = Timestamp(row.get(19)?);
    let [debited, returned, refunded, in_flight] =
        [row.get(12)?, row.get(13)?, row.get(14)?, row.get::<_, i64>(15)?].map(Amount);
    let recognised =
        debited.minus(returned).and_then(|rest| rest.minus(refunded)).and_then(|rest| rest.minus(in_flight));
    let sums =
        Sums { debited, returned, refunded, recognised: known(15, recognised)?, entries: row.get(16)? };
    let requests: i64 = row.get(18)?;
    let order = Order {
        id: OrderId(row.get(0)?),
        customer: CustomerId(row.get(1)?),
        service: ServiceId(row.get(2)?),
        kind: kind(row)?,
        link: row.get(26)?,
        quantity: natural(row, 6)?,
        part: part(row)?,
        currency: currency(row, 8)?,
        rate: known(9, Rate::from_micros(row.get(9)?))?,
        price_version: row.get(10)?,
        charge: Amount(row.get(11)?),
        sums,
        status,
        remains: natural(row, 7)?,
        start_count: row.get(21)?,
        accepted_at,
        ended_at: status.has_ended().then(|| row.get(20).map(Timestamp)).transpose()?,
        hold: hold(row)?,
        mark: mark(row)?,
        guarded: row.get(17)?,
    };
    Ok((order, requests > 0))
}

fn kind(row: &Row<'_>) -> Result<OrderKind> {
    if let Some(kind) = details(row, 27)? {
        return Ok(kind);
    }
    match row.get::<_, i64>(4)? {
        1 => Ok(OrderKind::Default),
        10 => Ok(OrderKind::Package),
        other => Err(unreadable(4, format!("kind {other} without details"))),
    }
}

fn part(row: &Row<'_>) -> Result<Part> {
    match row.get::<_, i64>(5)? {
        0 => Ok(Part::Whole),
        1 => known(28, details(row, 28)?).map(Part::DripFeed),
        2 => known(28, details(row, 28)?).map(Part::Subscription),
        3 => Ok(Part::Run { parent: OrderId(row.get(22)?), number: row.get(23)? }),
        4 => Ok(Part::Post { parent: OrderId(row.get(22)?), number: row.get(23)? }),
        other => Err(unreadable(5, format!("part {other} is not known"))),
    }
}

fn hold(row: &Row<'_>) -> Result<Option<Hold>> {
    let Some(since) = row.get::<_, Option<i64>>(24)? else { return Ok(None) };
    let reason: HoldReason = known(29, details(row, 29)?)?;
    Ok(Some(Hold { reason, since: Timestamp(since) }))
}

fn mark(row: &Row<'_>) -> Result<Option<IdempotencyMark>> {
    let Some(both) = row.get::<_, Option<[u8; 32]>>(25)? else { return Ok(None) };
    let mut mark = IdempotencyMark { key: [0; 16], parameters: [0; 16] };
    mark.key.copy_from_slice(&both[..16]);
    mark.parameters.copy_from_slice(&both[16..]);
    Ok(Some(mark))
}

/// An attempt's row, and the order it belongs to.
pub(super) fn attempt(row: &Row<'_>) -> Result<(OrderId, Attempt)> {
    let attempt = Attempt {
        number: row.get(1)?,
        purpose: known(2, purpose_of(row.get(2)?))?,
        account: ProviderAccountId(row.get(3)?),
        service: row.get(4)?,
        expected_cost: Amount(row.get(5)?),
        booked_cost: Amount(row.get(6)?),
        currency: currency(row, 7)?,
        entries: row.get(8)?,
        state: attempt_state(row)?,
        planned_at: Timestamp(row.get(11)?),
        recall: details(row, 14)?,
    };
    Ok((OrderId(row.get(0)?), attempt))
}

fn attempt_state(row: &Row<'_>) -> Result<AttemptState> {
    let since = || row.get(10).map(Timestamp);
    let order = || provider_order(row, 12);
    Ok(match row.get::<_, i64>(9)? {
        1 => AttemptState::Planned { due: since()? },
        2 => AttemptState::Sending { since: since()? },
        3 => AttemptState::Accepted { order: order()? },
        4..=6 => known(13, details(row, 13)?)?,
        7 => AttemptState::Adopted { order: order()? },
        8 => AttemptState::Absent { since: since()? },
        9 => AttemptState::WrittenOff { since: since()? },
        10 => AttemptState::Voided,
        11 => AttemptState::FoundLate { order: order()? },
        other => return Err(unreadable(9, format!("state {other} is not known"))),
    })
}

fn provider_order(row: &Row<'_>, column: usize) -> Result<ProviderOrderId> {
    let id = row.get_ref(column)?.as_str().map_err(|why| unreadable(column, why.to_string()))?;
    known(column, ProviderOrderId::new(id))
}

/// A refill's row, and the order it belongs to.
pub(super) fn refill(row: &Row<'_>) -> Result<(OrderId, Refill)> {
    let taken =
        |running| -> Result<RefillState> { Ok(RefillState::Taken { provider_refill: row.get(4)?, running }) };
    let state = match row.get::<_, i64>(2)? {
        1 => RefillState::Pending { due: Timestamp(row.get(3)?) },
        2 => taken(false)?,
        3 => taken(true)?,
        4 => RefillState::Completed,
        5 => RefillState::Rejected,
        6 => RefillState::Error,
        other => return Err(unreadable(2, format!("state {other} is not known"))),
    };
    let refill = Refill {
        id: RefillId(row.get(0)?),
        state,
        tries: row.get(5)?,
        requested_at: Timestamp(row.get(6)?),
        ended_at: row.get::<_, Option<i64>>(7)?.map(Timestamp),
    };
    Ok((OrderId(row.get(1)?), refill))
}

/// A cancel's row, and the order it belongs to.
pub(super) fn cancel(row: &Row<'_>) -> Result<(OrderId, Cancel)> {
    let state = match row.get::<_, i64>(2)? {
        1 => CancelState::Pending { due: Timestamp(row.get(3)?) },
        2 => CancelState::Taken { provider_cancel: row.get(4)? },
        3 => CancelState::Completed,
        4 => CancelState::Rejected,
        other => return Err(unreadable(2, format!("state {other} is not known"))),
    };
    let cancel = Cancel {
        id: CancelId(row.get(0)?),
        state,
        tries: row.get(5)?,
        requested_at: Timestamp(row.get(6)?),
        ended_at: row.get::<_, Option<i64>>(7)?.map(Timestamp),
    };
    Ok((OrderId(row.get(1)?), cancel))
}

pub(super) fn entry(row: &Row<'_>) -> Result<Entry> {
    Ok(Entry {
        number: natural(row, 4)?,
        cause: known(1, cause_of(row.get(1)?, row.get(0)?, row.get(2)?))?,
        sequence: row.get(3)?,
        from: known(5, account_of(row.get(5)?, row.get(6)?))?,
        to: known(7, account_of(row.get(7)?, row.get(8)?))?,
        amount: Amount(row.get(9)?),
        currency: currency(row, 10)?,
    })
}

pub(super) fn account(row: &Row<'_>) -> Result<Account> {
    Ok(Account {
        customer: CustomerId(row.get(0)?),
        currency: currency(row, 1)?,
        balance: Amount(row.get(2)?),
        credit_limit: Amount(row.get(3)?),
        standing: known(4, standing_of(row.get(4)?))?,
    })
}

pub(super) fn currency(row: &Row<'_>, column: usize) -> Result<Currency> {
    let code = row.get_ref(column)?.as_str().map_err(|why| unreadable(column, why.to_string()))?;
    known(column, Currency::new(code))
}

/// A number that is never negative.
pub(super) fn natural(row: &Row<'_>, column: usize) -> Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| unreadable(column, "a negative number"))
}

/// Numbers of the core that are bounded far below 2⁶³: quantities at 10⁹, sequences by time.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn known<T>(column: usize, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| unreadable(column, "a value that this program does not know"))
}

pub(super) fn details<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<Option<T>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        value => {
            let text = value.as_str().map_err(|why| unreadable(column, why.to_string()))?;
            serde_json::from_str(text).map(Some).map_err(|why| unreadable(column, why.to_string()))
        }
    }
}
