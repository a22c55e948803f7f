//! Questions of doors and people, each one query over an index that is named beside it.
//!
//! In: ids, cursors. Out: committed rows. A connection of its own per thread, read-only: the write-ahead log
//! shows every commit at once, and no reader waits for the writer. A customer's question carries the customer
//! into the `where`, so that a stranger's order is as unknown as none (invariants.md C8).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

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
use rusqlite::{Connection, OpenFlags, OptionalExtension, Result as SqlResult, Row, Transaction, params};

use super::archive::Place;
use super::error::doing;
use super::files::FileStatements;
use super::rows::{self, CANCEL_COLUMNS, ORDER_COLUMNS, REFILL_COLUMNS, currency, details, known};
use super::{audit, load, operators, schema};
use crate::limits;
use crate::ports::{Counts, StoreError, Views};

/// Makes readers of one store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SqliteReads {
    file: PathBuf,
}

impl SqliteReads {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.to_owned() }
    }

    /// A reader for one thread.
    pub fn views(&self) -> Result<SqliteViews, StoreError> {
        Ok(SqliteViews { connection: self.connection()?, files: FileStatements::new() })
    }

    pub(super) fn connection(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || -> SqlResult<Connection> {
            let connection = Connection::open_with_flags(&self.file, flags)?;
            super::steady(&connection)?;
            connection.pragma_update(None, "cache_size", -limits::READER_CACHE_KIB)?;
            Ok(connection)
        };
        open().map_err(doing("opening the file to read"))
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct SqliteViews {
    pub(super) connection: Connection,
    pub(super) files: FileStatements,
}

/// Sizes of `in (…)` lists: few statements, and an answer to one id does not pay for a hundred.
const LISTS: [usize; 4] = [1, 8, 32, limits::IDS_PER_QUERY];

/// What an in-list is asked of.
type Statement = fn(usize, Place) -> String;

pub(super) fn orders_of(length: usize, place: Place) -> String {
    let (prefix, list) = (place.prefix(), places(length));
    format!("select {ORDER_COLUMNS} from {prefix}orders where id in ({list}) and customer = ?1")
}

pub(super) fn refills_of(length: usize, place: Place) -> String {
    requests_of("refill", REFILL_COLUMNS, length, place)
}

pub(super) fn cancels_of(length: usize, place: Place) -> String {
    requests_of("cancel", CANCEL_COLUMNS, length, place)
}

fn requests_of(table: &str, columns: &str, length: usize, place: Place) -> String {
    let columns: Vec<String> = columns.split(", ").map(|column| format!("request.{column}")).collect();
    format!(
        "select {columns} from {prefix}{table} as request join {prefix}orders as owner on owner.id = request.order_id \
         where request.id in ({list}) and owner.customer = ?1",
        columns = columns.join(", "),
        prefix = place.prefix(),
        list = places(length)
    )
}

/// One statement over both places, for what was not found in the present: it sees one state of the books, in which
/// nothing is between them.
pub(super) fn anywhere(statement: Statement, length: usize) -> String {
    format!("{} union all {}", statement(length, Place::Present), statement(length, Place::Archive))
}

/// `?2, ?3, …`: the customer is ?1.
fn places(length: usize) -> String {
    (2..length + 2).map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ")
}

impl SqliteViews {
    /// What belongs to `customer` among `ids`, in the order asked. The archive is asked only for what is missing.
    fn own<T: Clone>(
        &self,
        statement: Statement,
        customer: CustomerId,
        ids: &[u32],
        read: impl Fn(&Row<'_>) -> SqlResult<(u32, T)>,
    ) -> SqlResult<Vec<Option<T>>> {
        let mut found: HashMap<u32, T> = HashMap::with_capacity(ids.len());
        self.list(|length| statement(length, Place::Present), customer, ids, &read, &mut found)?;
        let missing: Vec<u32> = ids.iter().copied().filter(|id| !found.contains_key(id)).collect();
        self.list(|length| anywhere(statement, length), customer, &missing, &read, &mut found)?;
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    /// Places of a list that are left over are null, which is in no list.
    fn list<T>(
        &self,
        statement: impl Fn(usize) -> String,
        customer: CustomerId,
        ids: &[u32],
        read: &impl Fn(&Row<'_>) -> SqlResult<(u32, T)>,
        found: &mut HashMap<u32, T>,
    ) -> SqlResult<()> {
        for ids in ids.chunks(limits::IDS_PER_QUERY) {
            let length = LISTS.into_iter().find(|length| ids.len() <= *length).unwrap_or(ids.len());
            let mut statement = self.connection.prepare_cached(&statement(length))?;
            statement.raw_bind_parameter(1, customer.0)?;
            for place in 0..length {
                statement.raw_bind_parameter(place + 2, ids.get(place).copied())?;
            }
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                let (id, value) = read(row)?;
                found.insert(id, value);
            }
        }
        Ok(())
    }

    /// One state of the books for several questions.
    pub(super) fn snapshot(&self) -> Result<Transaction<'_>, StoreError> {
        self.connection.unchecked_transaction().map_err(doing("beginning to read"))
    }

    pub(super) fn read_files(&self, ids: &[OrderId]) -> SqlResult<Vec<OrderFile>> {
        let mut files = Vec::with_capacity(ids.len());
        for id in ids {
            files.extend(self.files.read(&self.connection, *id)?);
        }
        Ok(files)
    }

    fn all<T>(&self, statement: &str, read: fn(&Row<'_>) -> SqlResult<T>) -> SqlResult<Vec<T>> {
        self.connection.prepare_cached(statement)?.query_map([], read)?.collect()
    }
}

impl Views for SqliteViews {
    fn account(&self, customer: CustomerId) -> Result<Option<Account>, StoreError> {
        let mut statement =
            self.connection.prepare_cached(load::ACCOUNT).map_err(doing("reading an account"))?;
        statement.query_row([customer.0], rows::account).optional().map_err(doing("reading an account"))
    }

    fn orders(&self, customer: CustomerId, ids: &[OrderId]) -> Result<Vec<Option<Order>>, StoreError> {
        let ids: Vec<u32> = ids.iter().map(|id| id.0).collect();
        let read = |row: &Row<'_>| rows::order(row).map(|(order, _)| (order.id.0, order));
        self.own(orders_of, customer, &ids, read).map_err(doing("reading orders"))
    }

    fn refills(&self, customer: CustomerId, ids: &[RefillId]) -> Result<Vec<Option<Refill>>, StoreError> {
        let ids: Vec<u32> = ids.iter().map(|id| id.0).collect();
        let read = |row: &Row<'_>| rows::refill(row).map(|(_, refill)| (refill.id.0, refill));
        self.own(refills_of, customer, &ids, read).map_err(doing("reading refills"))
    }

    fn cancels(&self, customer: CustomerId, ids: &[CancelId]) -> Result<Vec<Option<Cancel>>, StoreError> {
        let ids: Vec<u32> = ids.iter().map(|id| id.0).collect();
        let read = |row: &Row<'_>| rows::cancel(row).map(|(_, cancel)| (cancel.id.0, cancel));
        self.own(cancels_of, customer, &ids, read).map_err(doing("reading cancels"))
    }

    fn file(&self, id: OrderId) -> Result<Option<OrderFile>, StoreError> {
        let _snapshot = self.snapshot()?;
        self.files.read(&self.connection, id).map_err(doing("reading an order"))
    }

    fn held(&self, after: OrderId, limit: usize) -> Result<Vec<OrderFile>, StoreError> {
        let _snapshot = self.snapshot()?;
        let held = || -> SqlResult<Vec<OrderFile>> {
            let mut statement = self.connection.prepare_cached(HELD)?;
            let ids = statement.query_map(params![after.0, whole(limit)], |row| row.get(0).map(OrderId))?;
            self.read_files(&ids.collect::<SqlResult<Vec<_>>>()?)
        };
        held().map_err(doing("reading held orders"))
    }

    fn services(&self) -> Result<Vec<Service>, StoreError> {
        self.all("select id, details from service order by id", load::service)
            .map_err(doing("reading services"))
    }

    fn prices(&self) -> Result<Vec<PriceVersion>, StoreError> {
        let prices = "select service, version, rate, since from price order by service, version";
        self.all(prices, price).map_err(doing("reading prices"))
    }

    fn providers(&self) -> Result<Vec<ProviderAccount>, StoreError> {
        let providers = "select id, sealed_key, details from provider order by id";
        self.all(providers, load::provider).map_err(doing("reading providers"))
    }

    fn prepaid(&self, account: ProviderAccountId) -> Result<Amount, StoreError> {
        let prepaid = || -> SqlResult<Option<i64>> {
            let mut statement = self.connection.prepare_cached(PREPAID)?;
            statement.query_row([account.0], |row| row.get(0)).optional()
        };
        prepaid().map(|amount| Amount(amount.unwrap_or(0))).map_err(doing("reading a provider's balance"))
    }

    fn customers(&self, after: CustomerId, limit: usize) -> Result<Vec<(Customer, Account)>, StoreError> {
        let customers = || -> SqlResult<Vec<(Customer, Account)>> {
            let mut statement = self.connection.prepare_cached(CUSTOMERS)?;
            let found = statement.query_map(params![after.0, whole(limit)], |row| {
                Ok((known(5, details(row, 5)?)?, rows::account(row)?))
            })?;
            found.collect()
        };
        customers().map_err(doing("reading customers"))
    }

    fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let keys = "select hash, customer, label, revoked from api_key order by hash";
        self.all(keys, load::api_key).map_err(doing("reading API keys"))
    }

    fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        operators::all(&self.connection).map_err(doing("reading operators"))
    }

    fn operator(&self, username: &Username) -> Result<Option<Operator>, StoreError> {
        operators::by_name(&self.connection, username).map_err(doing("reading an operator"))
    }

    fn transfers(&self, customer: CustomerId, limit: usize) -> Result<Vec<Transfer>, StoreError> {
        let (kind, id) = account_code(LedgerAccount::Customer(customer));
        let transfers = || -> SqlResult<Vec<Transfer>> {
            let mut statement = self.connection.prepare_cached(TRANSFERS)?;
            statement.query_map(params![kind, id, whole(limit)], transfer)?.collect()
        };
        transfers().map_err(doing("reading transfers"))
    }

    fn counts(&self) -> Result<Counts, StoreError> {
        let _snapshot = self.snapshot()?;
        let counts = || -> SqlResult<Counts> {
            let count = |statement: &str| -> SqlResult<u64> {
                self.connection.prepare_cached(statement)?.query_row([], |row| rows::natural(row, 0))
            };
            let tip = schema::tip(&self.connection)?;
            Ok(Counts {
                orders: tip.orders,
                archived_orders: schema::archived(&self.connection)?,
                open_orders: count(COUNT_OPEN)?,
                held_orders: count(COUNT_HELD)?,
                entries: tip.last_entry,
                customers: count("select count(*) from account")?,
                services: count("select count(*) from service")?,
                batches: tip.place,
            })
        };
        counts().map_err(doing("counting"))
    }

    fn audit(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Violation>, StoreError> {
        let _snapshot = self.snapshot()?;
        audit::audit(&self.connection, progress).map_err(doing("auditing the books"))
    }
}

pub(super) const PREPAID: &str = "select amount from prepaid where account = ?1";

pub(super) const HELD: &str =
    "select id from orders indexed by held_orders where hold_at is not null and id > ?1 order by id limit ?2";

pub(super) const CUSTOMERS: &str = "select account.customer, currency, balance, credit_limit, standing, details \
     from account join customer on customer.id = account.customer where account.customer > ?1 order by account.customer limit ?2";

pub(super) const TRANSFERS: &str = "select id, to_kind, to_id, amount, currency, at, note from transfer where to_kind = ?1 and to_id = ?2 order by id desc limit ?3";

const COUNT_OPEN: &str = "select count(*) from orders indexed by open_orders where status <= 3";
const COUNT_HELD: &str = "select count(*) from orders indexed by held_orders where hold_at is not null";

fn price(row: &Row<'_>) -> SqlResult<PriceVersion> {
    Ok(PriceVersion {
        service: ServiceId(row.get(0)?),
        version: row.get(1)?,
        rate: known(2, Rate::from_micros(row.get(2)?))?,
        since: Timestamp(row.get(3)?),
    })
}

pub(super) fn transfer(row: &Row<'_>) -> SqlResult<Transfer> {
    Ok(Transfer {
        id: TransferId(row.get(0)?),
        to: known(1, account_of(row.get(1)?, row.get(2)?))?,
        amount: Amount(row.get(3)?),
        currency: currency(row, 4)?,
        at: Timestamp(row.get(5)?),
        note: row.get(6)?,
    })
}

/// A limit of rows as SQL takes it.
pub(super) fn whole(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
