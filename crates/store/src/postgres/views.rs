//! Questions of doors and people, each over an index that its table names.
//!
//! In: ids, cursors. Out: committed rows, from the primary alone: a door that answers out of a standby would deny an
//! order that it has just taken (invariants.md I12, 1.11). A customer's question carries the customer into the
//! `where`, so that a stranger's order is as unknown as none (C8). What several statements answer is asked in one
//! snapshot.

use std::collections::HashMap;

use panelworks_core::audit::Violation;
use panelworks_core::catalogue::Service;
use panelworks_core::customer::{Account, ApiKey, Customer};
use panelworks_core::ids::{
    CancelId, CustomerId, OrderId, ProviderAccountId, RefillId, ServiceId, TransferId,
};
use panelworks_core::ledger::{LedgerAccount, account_code, account_of};
use panelworks_core::money::{Amount, Rate};
use panelworks_core::operator::{Operator, Username};
use panelworks_core::order::{Cancel, Order, OrderFile, Refill};
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::Timestamp;
use panelworks_core::world::{PriceVersion, Transfer};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::audit;
use super::error::Failure;
use super::queue::{after, read_files, whole};
use super::reads::PostgresViews;
use super::rows::{self, columns, currency, details, get, id, known, natural};
use super::values::two;
use crate::ports::{Counts, StoreError, Views};

type Result<T> = std::result::Result<T, Failure>;
type Answer<T> = std::result::Result<T, StoreError>;

const ACCOUNT: &str = concat!("select ", columns!(account), " from account where customer = $1");

/// A customer's own among some: where they are worked on; and, for what is missing there, in both places by one
/// statement, which sees one state of the books, in which nothing is between them.
struct Own {
    present: &'static str,
    anywhere: &'static str,
}

macro_rules! own {
    ($columns:expr, $table:literal) => {
        Own {
            present: concat!("select ", $columns, " from ", $table, " where id = any($1) and customer = $2"),
            anywhere: concat!(
                "select ",
                $columns,
                " from ",
                $table,
                " where id = any($1) and customer = $2 union all select ",
                $columns,
                " from archived_",
                $table,
                " where id = any($1) and customer = $2"
            ),
        }
    };
}

const ORDERS: Own = own!(columns!(orders), "orders");
const REFILLS: Own = own!(columns!(refill), "refill");
const CANCELS: Own = own!(columns!(cancel), "cancel");

/// By the partial index `held_orders`.
const HELD: &str = "select id from orders where hold_at is not null and id > $1 order by id limit $2";

const PREPAID: &str = "select cast(coalesce(sum(amount), 0) as bigint) from prepaid where account = $1";

pub(super) const CUSTOMERS: &str = "select account.customer, currency, balance, credit_limit, standing, details \
     from account join customer on customer.id = account.customer where account.customer > $1 \
     order by account.customer limit $2";

const OPERATOR: &str = concat!("select ", columns!(operator), " from operator where username = $1");

/// By the index `transfer_to`.
const TRANSFERS: &str = "select id, to_kind, to_id, amount, currency, at, note from transfer \
     where to_kind = $1 and to_id = $2 order by id desc limit $3";

pub(super) const SERVICES: &str = "select details from service order by id";
pub(super) const PRICES: &str = "select service, version, rate, since from price order by service, version";
pub(super) const PROVIDERS: &str = "select details, sealed_key from provider order by id";
pub(super) const API_KEYS: &str = "select hash, customer, label, revoked from api_key order by hash";
pub(super) const OPERATORS: &str = concat!("select ", columns!(operator), " from operator order by id");

/// What the last batches of all nodes say, and what the indexes of open and held orders hold.
const COUNTS: &str = "select \
       cast(coalesce(sum(last.orders), 0) as bigint), cast(coalesce(sum(last.last_entry), 0) as bigint), \
       cast(coalesce(sum(last.place), 0) as bigint), (select count(*) from orders where open), \
       (select count(*) from orders where hold_at is not null), (select count(*) from account), \
       (select count(*) from service), (select cast(coalesce(sum(orders), 0) as bigint) from archive) \
     from node cross join lateral (select place, last_entry, orders from batch where batch.node = node.id \
       order by epoch desc, sequence desc limit 1) as last";

/// Every question that customers or operators wait for. Each must find its rows by an index; a test asks for their
/// plans.
pub const fn hot_questions() -> [&'static str; 12] {
    [
        ACCOUNT,
        ORDERS.present,
        ORDERS.anywhere,
        REFILLS.present,
        REFILLS.anywhere,
        CANCELS.present,
        CANCELS.anywhere,
        HELD,
        PREPAID,
        CUSTOMERS,
        OPERATOR,
        TRANSFERS,
    ]
}

/// Ids from outside may be beyond what a column holds: such a row does not exist.
fn columns_of(ids: impl Iterator<Item = u32>) -> Vec<i32> {
    ids.filter_map(|id| i32::try_from(id).ok()).collect()
}

impl PostgresViews {
    fn rows<T>(
        &self,
        what: &'static str,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
        read: impl Fn(&Row) -> Result<T>,
    ) -> Answer<Vec<T>> {
        self.ask(what, |connection| connection.ask(sql, params)?.rows.iter().map(&read).collect())
    }

    /// What belongs to `customer` among `ids`, in the order asked.
    fn own<T: Clone>(
        &self,
        what: &'static str,
        of: &Own,
        customer: CustomerId,
        ids: &[u32],
        read: impl Fn(&Row) -> Result<(u32, T)>,
    ) -> Answer<Vec<Option<T>>> {
        let (asked, owner) = (columns_of(ids.iter().copied()), columns_of([customer.0].into_iter()));
        let Some(owner) = owner.first().filter(|_| !asked.is_empty()) else {
            return Ok(vec![None; ids.len()]);
        };
        let mut found: HashMap<u32, T> =
            self.rows(what, of.present, &[&asked, owner], &read)?.into_iter().collect();
        let missing = columns_of(ids.iter().copied().filter(|id| !found.contains_key(id)));
        if !missing.is_empty() {
            found.extend(self.rows(what, of.anywhere, &[&missing, owner], &read)?);
        }
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }
}

impl Views for PostgresViews {
    fn account(&self, customer: CustomerId) -> Answer<Option<Account>> {
        let Ok(number) = i32::try_from(customer.0) else { return Ok(None) };
        let found = self.rows("reading an account", ACCOUNT, &[&number], rows::account)?;
        Ok(found.into_iter().next())
    }

    fn orders(&self, customer: CustomerId, ids: &[OrderId]) -> Answer<Vec<Option<Order>>> {
        let ids: Vec<u32> = ids.iter().map(|id| id.0).collect();
        let read = |row: &Row| rows::order(row).map(|order| (order.id.0, order));
        self.own("reading orders", &ORDERS, customer, &ids, read)
    }

    fn refills(&self, customer: CustomerId, ids: &[RefillId]) -> Answer<Vec<Option<Refill>>> {
        let ids: Vec<u32> = ids.iter().map(|id| id.0).collect();
        let read = |row: &Row| rows::refill(row).map(|(_, refill)| (refill.id.0, refill));
        self.own("reading refills", &REFILLS, customer, &ids, read)
    }

    fn cancels(&self, customer: CustomerId, ids: &[CancelId]) -> Answer<Vec<Option<Cancel>>> {
        let ids: Vec<u32> = ids.iter().map(|id| id.0).collect();
        let read = |row: &Row| rows::cancel(row).map(|(_, cancel)| (cancel.id.0, cancel));
        self.own("reading cancels", &CANCELS, customer, &ids, read)
    }

    fn file(&self, id: OrderId) -> Answer<Option<OrderFile>> {
        let ids = columns_of([id.0].into_iter());
        let found = self.snapshot("reading an order", |connection| read_files(connection, &ids))?;
        Ok(found.into_iter().next())
    }

    fn held(&self, start: OrderId, limit: usize) -> Answer<Vec<OrderFile>> {
        self.snapshot("reading held orders", |connection| {
            let found = connection.ask(HELD, &[&after(start), &whole(limit)])?;
            let ids = found.rows.iter().map(|row| get(row, 0)).collect::<Result<Vec<i32>>>()?;
            read_files(connection, &ids)
        })
    }

    fn services(&self) -> Answer<Vec<Service>> {
        self.rows("reading services", SERVICES, &[], |row| rows::service(row, 0))
    }

    fn prices(&self) -> Answer<Vec<PriceVersion>> {
        self.rows("reading prices", PRICES, &[], price)
    }

    fn providers(&self) -> Answer<Vec<ProviderAccount>> {
        self.rows("reading providers", PROVIDERS, &[], |row| rows::provider(row, 0))
    }

    fn prepaid(&self, account: ProviderAccountId) -> Answer<Amount> {
        let Ok(number) = i32::try_from(account.0) else { return Ok(Amount::ZERO) };
        let read = |row: &Row| get(row, 0).map(Amount);
        let found = self.rows("reading a provider's balance", PREPAID, &[&number], read)?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    fn customers(&self, start: CustomerId, limit: usize) -> Answer<Vec<(Customer, Account)>> {
        let start = i32::try_from(start.0).unwrap_or(i32::MAX);
        let read = |row: &Row| Ok((known(row, 5, details(row, 5)?)?, rows::account(row)?));
        self.rows("reading customers", CUSTOMERS, &[&start, &whole(limit)], read)
    }

    fn api_keys(&self) -> Answer<Vec<ApiKey>> {
        self.rows("reading API keys", API_KEYS, &[], rows::api_key)
    }

    fn operators(&self) -> Answer<Vec<Operator>> {
        self.rows("reading operators", OPERATORS, &[], rows::operator)
    }

    fn operator(&self, username: &Username) -> Answer<Option<Operator>> {
        let name = username.as_str();
        let found = self.rows("reading an operator", OPERATOR, &[&name], rows::operator)?;
        Ok(found.into_iter().next())
    }

    fn transfers(&self, customer: CustomerId, limit: usize) -> Answer<Vec<Transfer>> {
        const WHAT: &str = "reading transfers";
        let (kind, id) = account_code(LedgerAccount::Customer(customer));
        let kind = two(kind).map_err(|failure| failure.doing(WHAT))?;
        let Ok(id) = i32::try_from(id) else { return Ok(Vec::new()) };
        self.rows(WHAT, TRANSFERS, &[&kind, &id, &whole(limit)], transfer)
    }

    fn counts(&self) -> Answer<Counts> {
        let found = self.rows("counting", COUNTS, &[], |row| {
            Ok(Counts {
                orders: natural(row, 0)?,
                entries: natural(row, 1)?,
                batches: natural(row, 2)?,
                open_orders: natural(row, 3)?,
                held_orders: natural(row, 4)?,
                customers: natural(row, 5)?,
                services: natural(row, 6)?,
                archived_orders: natural(row, 7)?,
            })
        })?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    fn audit(&self, progress: &mut dyn FnMut(u64, u64)) -> Answer<Vec<Violation>> {
        self.snapshot("auditing the books", |connection| audit::audit(connection, progress))
    }
}

pub(super) fn price(row: &Row) -> Result<PriceVersion> {
    Ok(PriceVersion {
        service: ServiceId(id(row, 0)?),
        version: id(row, 1)?,
        rate: known(row, 2, Rate::from_micros(get(row, 2)?))?,
        since: Timestamp(get(row, 3)?),
    })
}

pub(super) fn transfer(row: &Row) -> Result<Transfer> {
    let to = (u8::try_from(get::<i16>(row, 1)?).ok()).zip(u32::try_from(get::<i32>(row, 2)?).ok());
    Ok(Transfer {
        id: TransferId(id(row, 0)?),
        to: known(row, 1, to.and_then(|(kind, id)| account_of(kind, id)))?,
        amount: Amount(get(row, 3)?),
        currency: currency(row, 4)?,
        at: Timestamp(get(row, 5)?),
        note: get(row, 6)?,
    })
}
