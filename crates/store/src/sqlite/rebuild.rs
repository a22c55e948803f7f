//! The indexes in memory, built again at a start from what the rows say.
//!
//! In: a connection of its own. Out: every open guarded order, and every idempotency key of the last 24 hours,
//! except what a run of `spilled` holds already. Reads rows in order of their ids, once.

use panelworks_core::ids::{CustomerId, OrderId, ServiceId};
use panelworks_core::limits::IDEMPOTENCY_KEPT;
use panelworks_core::order::OrderKind;
use panelworks_core::time::Timestamp;
use panelworks_core::world::GuardKey;
use rusqlite::{Connection, Result};

use super::marks::{Kind, Marks, Salt};
use super::rows::details;
use crate::limits;

pub(super) const OPEN_GUARDED: &str = "select id, customer, service, link, kind_details, guarded, kind from orders indexed by open_orders \
     where status <= 3 and id > ?1 order by id";

pub(super) const YOUNGEST_FIRST: &str =
    "select id, accepted_at, customer, mark from orders where id > ?1 order by id desc";

/// Kind 16 is a subscription: it is guarded by its username.
const SUBSCRIPTION: i64 = 16;

pub(super) fn guards(connection: &Connection, salt: Salt) -> Result<Marks> {
    let mut marks = Marks::open(connection, Kind::Guard)?;
    let mut statement = connection.prepare(OPEN_GUARDED)?;
    let mut rows = statement.query([marks.covered().0])?;
    while let Some(row) = rows.next()? {
        if !row.get::<_, bool>(5)? {
            continue;
        }
        let (customer, service) = (CustomerId(row.get(1)?), ServiceId(row.get(2)?));
        let fingerprint = |target: &str| salt.of_guard(&GuardKey::new(customer, service, target));
        let fingerprint = if row.get::<_, i64>(6)? == SUBSCRIPTION {
            match details(row, 4)? {
                Some(OrderKind::Subscriptions(asked)) => Some(fingerprint(&asked.username)),
                Some(_) | None => None,
            }
        } else {
            row.get_ref(3)?.as_str_or_null().ok().flatten().map(fingerprint)
        };
        if let Some(fingerprint) = fingerprint {
            marks.insert(fingerprint, OrderId(row.get(0)?));
        }
    }
    Ok(marks)
}

pub(super) fn idempotency(connection: &Connection, salt: Salt) -> Result<Marks> {
    let mut marks = Marks::open(connection, Kind::Idempotency)?;
    let mut statement = connection.prepare(YOUNGEST_FIRST)?;
    let mut rows = statement.query([marks.covered().0])?;
    let mut youngest: Option<Timestamp> = None;
    let mut too_old = 0;
    while let Some(row) = rows.next()? {
        let accepted_at = Timestamp(row.get(1)?);
        let youngest = *youngest.get_or_insert(accepted_at);
        if youngest.since(accepted_at) > IDEMPOTENCY_KEPT {
            too_old += 1;
            if too_old > limits::STRAY_ORDERS {
                break;
            }
            continue;
        }
        too_old = 0;
        if let Some(mark) = row.get::<_, Option<[u8; 32]>>(3)? {
            let mut key = [0; 16];
            key.copy_from_slice(&mark[..16]);
            marks.insert(salt.of_idempotency(CustomerId(row.get(2)?), &key), OrderId(row.get(0)?));
        }
    }
    Ok(marks)
}
