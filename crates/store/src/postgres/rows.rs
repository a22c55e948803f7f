//! Rows of the tables as values of the core.
//!
//! In: a row in the order of the columns named here. Out: the value it was written from, equal in every field;
//! or a failure that names the column. What a variant carries as text is written by `details.rs`. Never: a default
//! for what can't be read.

use panelworks_core::catalogue::Service;
use panelworks_core::customer::{Account, ApiKey, KeyHash};
use panelworks_core::ids::{
    CancelId, CustomerId, NodeId, OperatorId, OrderId, ProviderAccountId, ProviderOrderId, RefillId,
    ServiceId,
};
use panelworks_core::ledger::{Entry, account_of, cause_of};
use panelworks_core::money::{Amount, Currency, Rate};
use panelworks_core::operator::{Operator, PasswordHash, Username};
use panelworks_core::order::{
    Attempt, AttemptState, Cancel, CancelState, Hold, HoldReason, IdempotencyMark, Order, OrderKind, Part,
    Refill, RefillState, Sums,
};
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::Timestamp;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::error::Failure;
use super::values::Hash;
use crate::codes::{operator_standing_of, purpose_of, role_of, standing_of, status_of};

type Result<T> = std::result::Result<T, Failure>;

/// Columns of a table in the order in which the function of its name reads them, for `concat!`.
macro_rules! columns {
    (orders) => {
        "id, customer, service, status, kind, part, quantity, remains, currency, rate, price_version, charge, \
         debited, returned, refunded, in_flight, entries, guarded, accepted_at, ended_at, start_count, parent, \
         part_number, hold_at, mark, link, kind_details, part_details, hold"
    };
    (attempt) => {
        "order_id, number, purpose, account, service, expected_cost, booked_cost, currency, entries, state, \
         state_at, planned_at, provider_order, details, recall"
    };
    (refill) => {
        "id, order_id, state, due, provider_refill, tries, requested_at, ended_at"
    };
    (cancel) => {
        "id, order_id, state, due, provider_cancel, tries, requested_at, ended_at"
    };
    (entry) => {
        "cause_id, cause_kind, cause_part, sequence, number, from_kind, from_id, to_kind, to_id, amount, currency, node"
    };
    (operator) => {
        "id, username, password, admin_key, role, standing, opened_at, password_changed_at, sessions_since"
    };
    (account) => {
        "customer, currency, balance, credit_limit, standing"
    };
}
pub(super) use columns;

/// One column.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T> {
    row.try_get(column).map_err(|why| Failure::of(&why))
}

fn unreadable(row: &Row, column: usize, why: impl std::fmt::Display) -> Failure {
    let name = row.columns().get(column).map_or("?", tokio_postgres::Column::name);
    Failure::value(format!("column {name}: {why}"))
}

pub(super) fn known<T>(row: &Row, column: usize, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| unreadable(row, column, "a value that this program does not know"))
}

/// A number that is never negative, in its own width.
pub(super) fn natural<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<T> {
    let number: i64 = get(row, column)?;
    T::try_from(number).map_err(|_| unreadable(row, column, format!("{number} does not fit")))
}

/// The same of a column of four bytes: ids, counts.
pub(super) fn id<T: TryFrom<i32>>(row: &Row, column: usize) -> Result<T> {
    let number: i32 = get(row, column)?;
    T::try_from(number).map_err(|_| unreadable(row, column, format!("{number} does not fit")))
}

fn code(row: &Row, column: usize) -> Result<i64> {
    get::<i16>(row, column).map(i64::from)
}

pub(super) fn currency(row: &Row, column: usize) -> Result<Currency> {
    known(row, column, Currency::new(get(row, column)?))
}

pub(super) fn details<T: DeserializeOwned>(row: &Row, column: usize) -> Result<Option<T>> {
    let text: Option<&str> = get(row, column)?;
    text.map(|text| serde_json::from_str(text).map_err(|why| unreadable(row, column, why))).transpose()
}

/// An order's row.
pub(super) fn order(row: &Row) -> Result<Order> {
    let status = known(row, 3, status_of(code(row, 3)?))?;
    let [debited, returned, refunded, in_flight] =
        [get(row, 12)?, get(row, 13)?, get(row, 14)?, get(row, 15)?].map(Amount);
    let recognised =
        debited.minus(returned).and_then(|rest| rest.minus(refunded)).and_then(|rest| rest.minus(in_flight));
    let recognised = known(row, 15, recognised)?;
    Ok(Order {
        id: OrderId(id(row, 0)?),
        customer: CustomerId(id(row, 1)?),
        service: ServiceId(id(row, 2)?),
        kind: kind(row)?,
        link: get(row, 25)?,
        quantity: natural(row, 6)?,
        part: part(row)?,
        currency: currency(row, 8)?,
        rate: known(row, 9, Rate::from_micros(get(row, 9)?))?,
        price_version: id(row, 10)?,
        charge: Amount(get(row, 11)?),
        sums: Sums { debited, returned, refunded, recognised, entries: id(row, 16)? },
        status,
        remains: natural(row, 7)?,
        start_count: get(row, 20)?,
        accepted_at: Timestamp(get(row, 18)?),
        ended_at: status.has_ended().then(|| get(row, 19).map(Timestamp)).transpose()?,
        hold: hold(row)?,
        mark: mark(row)?,
        guarded: get(row, 17)?,
    })
}

fn kind(row: &Row) -> Result<OrderKind> {
    if let Some(kind) = details(row, 26)? {
        return Ok(kind);
    }
    match code(row, 4)? {
        1 => Ok(OrderKind::Default),
        10 => Ok(OrderKind::Package),
        other => Err(unreadable(row, 4, format!("kind {other} without details"))),
    }
}

fn part(row: &Row) -> Result<Part> {
    let of_parent = || Ok((OrderId(id(row, 21)?), id(row, 22)?));
    match code(row, 5)? {
        0 => Ok(Part::Whole),
        1 => known(row, 27, details(row, 27)?).map(Part::DripFeed),
        2 => known(row, 27, details(row, 27)?).map(Part::Subscription),
        3 => of_parent().map(|(parent, number)| Part::Run { parent, number }),
        4 => of_parent().map(|(parent, number)| Part::Post { parent, number }),
        other => Err(unreadable(row, 5, format!("part {other} is not known"))),
    }
}

fn hold(row: &Row) -> Result<Option<Hold>> {
    let Some(since) = get::<Option<i64>>(row, 23)? else { return Ok(None) };
    let reason: HoldReason = known(row, 28, details(row, 28)?)?;
    Ok(Some(Hold { reason, since: Timestamp(since) }))
}

fn mark(row: &Row) -> Result<Option<IdempotencyMark>> {
    let Some(both) = get::<Option<&[u8]>>(row, 24)? else { return Ok(None) };
    let (Some(key), Some(parameters), 32) =
        (both.first_chunk().copied(), both.last_chunk().copied(), both.len())
    else {
        return Err(unreadable(row, 24, "not 32 bytes"));
    };
    Ok(Some(IdempotencyMark { key, parameters }))
}

/// An attempt's row, and the order it belongs to.
pub(super) fn attempt(row: &Row) -> Result<(OrderId, Attempt)> {
    let attempt = Attempt {
        number: id(row, 1)?,
        purpose: known(row, 2, purpose_of(get(row, 2)?))?,
        account: ProviderAccountId(id(row, 3)?),
        service: get(row, 4)?,
        expected_cost: Amount(get(row, 5)?),
        booked_cost: Amount(get(row, 6)?),
        currency: currency(row, 7)?,
        entries: id(row, 8)?,
        state: attempt_state(row)?,
        planned_at: Timestamp(get(row, 11)?),
        recall: details(row, 14)?,
    };
    Ok((OrderId(id(row, 0)?), attempt))
}

fn attempt_state(row: &Row) -> Result<AttemptState> {
    let since = || get(row, 10).map(Timestamp);
    let order = || provider_order(row, 12);
    Ok(match code(row, 9)? {
        1 => AttemptState::Planned { due: since()? },
        2 => AttemptState::Sending { since: since()? },
        3 => AttemptState::Accepted { order: order()? },
        4..=6 => known(row, 13, details(row, 13)?)?,
        7 => AttemptState::Adopted { order: order()? },
        8 => AttemptState::Absent { since: since()? },
        9 => AttemptState::WrittenOff { since: since()? },
        10 => AttemptState::Voided,
        11 => AttemptState::FoundLate { order: order()? },
        other => return Err(unreadable(row, 9, format!("state {other} is not known"))),
    })
}

pub(super) fn provider_order(row: &Row, column: usize) -> Result<ProviderOrderId> {
    known(row, column, ProviderOrderId::new(get(row, column)?))
}

/// A refill's row, and the order it belongs to.
pub(super) fn refill(row: &Row) -> Result<(OrderId, Refill)> {
    let taken = |running| -> Result<RefillState> {
        Ok(RefillState::Taken { provider_refill: get(row, 4)?, running })
    };
    let state = match code(row, 2)? {
        1 => RefillState::Pending { due: Timestamp(get(row, 3)?) },
        2 => taken(false)?,
        3 => taken(true)?,
        4 => RefillState::Completed,
        5 => RefillState::Rejected,
        6 => RefillState::Error,
        other => return Err(unreadable(row, 2, format!("state {other} is not known"))),
    };
    let refill = Refill {
        id: RefillId(id(row, 0)?),
        state,
        tries: id(row, 5)?,
        requested_at: Timestamp(get(row, 6)?),
        ended_at: get::<Option<i64>>(row, 7)?.map(Timestamp),
    };
    Ok((OrderId(id(row, 1)?), refill))
}

/// A cancel's row, and the order it belongs to.
pub(super) fn cancel(row: &Row) -> Result<(OrderId, Cancel)> {
    let state = match code(row, 2)? {
        1 => CancelState::Pending { due: Timestamp(get(row, 3)?) },
        2 => CancelState::Taken { provider_cancel: get(row, 4)? },
        3 => CancelState::Completed,
        4 => CancelState::Rejected,
        other => return Err(unreadable(row, 2, format!("state {other} is not known"))),
    };
    let cancel = Cancel {
        id: CancelId(id(row, 0)?),
        state,
        tries: id(row, 5)?,
        requested_at: Timestamp(get(row, 6)?),
        ended_at: get::<Option<i64>>(row, 7)?.map(Timestamp),
    };
    Ok((OrderId(id(row, 1)?), cancel))
}

/// An entry, and the node in whose stream its number counts.
pub(super) fn entry(row: &Row) -> Result<(NodeId, Entry)> {
    let kind = |column| -> Result<u8> {
        u8::try_from(code(row, column)?).map_err(|why| unreadable(row, column, why))
    };
    let entry = Entry {
        number: natural(row, 4)?,
        cause: known(row, 1, cause_of(kind(1)?, id(row, 0)?, id(row, 2)?))?,
        sequence: id(row, 3)?,
        from: known(row, 5, account_of(kind(5)?, id(row, 6)?))?,
        to: known(row, 7, account_of(kind(7)?, id(row, 8)?))?,
        amount: Amount(get(row, 9)?),
        currency: currency(row, 10)?,
    };
    Ok((NodeId(id(row, 11)?), entry))
}

pub(super) fn account(row: &Row) -> Result<Account> {
    Ok(Account {
        customer: CustomerId(id(row, 0)?),
        currency: currency(row, 1)?,
        balance: Amount(get(row, 2)?),
        credit_limit: Amount(get(row, 3)?),
        standing: known(row, 4, standing_of(code(row, 4)?))?,
    })
}

pub(super) fn operator(row: &Row) -> Result<Operator> {
    let admin_key = get::<Option<&[u8]>>(row, 3)?;
    let admin_key = admin_key.map(|key| known(row, 3, key.try_into().ok()).map(KeyHash)).transpose()?;
    Ok(Operator {
        id: OperatorId(id(row, 0)?),
        username: known(row, 1, Username::parse(get(row, 1)?).ok())?,
        password: known(row, 2, PasswordHash::new(get(row, 2)?))?,
        admin_key,
        role: known(row, 4, role_of(code(row, 4)?))?,
        standing: known(row, 5, operator_standing_of(code(row, 5)?))?,
        opened_at: Timestamp(get(row, 6)?),
        password_changed_at: Timestamp(get(row, 7)?),
        sessions_since: Timestamp(get(row, 8)?),
    })
}

/// `hash, customer, label, revoked`.
pub(super) fn api_key(row: &Row) -> Result<ApiKey> {
    let hash: &[u8] = get(row, 0)?;
    Ok(ApiKey {
        hash: KeyHash(known(row, 0, hash.try_into().ok())?),
        customer: CustomerId(id(row, 1)?),
        label: get(row, 2)?,
        revoked: get(row, 3)?,
    })
}

/// `details` at `column`.
pub(super) fn service(row: &Row, column: usize) -> Result<Service> {
    known(row, column, details(row, column)?)
}

/// `details` at `column`, `sealed_key` after it.
pub(super) fn provider(row: &Row, column: usize) -> Result<ProviderAccount> {
    let open: ProviderAccount = known(row, column, details(row, column)?)?;
    Ok(ProviderAccount { sealed_key: get(row, column + 1)?, ..open })
}

/// A link of the chain, or another sixteen bytes.
pub(super) fn hash(row: &Row, column: usize) -> Result<[u8; 16]> {
    get::<Hash>(row, column).map(|hash| hash.0)
}
