//! What decisions read: all keys of a need in one flight, answered into the world.
//!
//! In: keys in order, inside the batch's transaction. Out: the rows, absent ones as absent. Accounts are locked
//! first, then orders, each in order of their ids, and every later statement of the flight sees what was committed
//! before it got those locks: so a guard or an idempotency key that another node wrote for the same customer is seen.
//! Services and providers are kept as values and read again only when their revision has moved.

use std::collections::{BTreeSet, HashMap, HashSet};

use panelworks_core::catalogue::Service;
use panelworks_core::customer::{KeyHash, Standing};
use panelworks_core::ids::{
    AttemptId, CustomerId, OperatorId, OrderId, ProviderAccountId, ProviderOrderId, ServiceId,
};
use panelworks_core::limits::{DUPLICATE_EVIDENCE, IDEMPOTENCY_KEPT};
use panelworks_core::money::Amount;
use panelworks_core::order::{OrderFile, OrderKind};
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::Timestamp;
use panelworks_core::world::{GuardKey, IdempotencyHit, Key, World};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::archive;
use super::connection::{Answer, Connection, Step};
use super::error::Failure;
use super::files;
use super::rows::{self, columns, details, get, hash, id};
use super::values::Hash;
use crate::limits;

type Result<T> = std::result::Result<T, Failure>;

pub(super) const ACCOUNTS: &str = concat!(
    "select ",
    columns!(account),
    " from account where customer = any($1) order by customer for no key update"
);

pub(super) const CUSTOMERS: &str = "select id, revision, details from customer where id = any($1)";

pub(super) const API_KEYS: &str = "select hash, customer, label, revoked from api_key where hash = any($1)";

/// No details where the caller has this revision already.
pub(super) const SERVICES: &str = "select service.id, service.revision, \
       case when service.revision = known.revision then null else service.details end \
     from unnest(cast($1 as integer[]), cast($2 as bigint[])) as known (id, revision) \
     join service on service.id = known.id";

pub(super) const PROVIDERS: &str = "select provider.id, provider.revision, \
       case when provider.revision = known.revision then null else provider.details end, provider.sealed_key \
     from unnest(cast($1 as integer[]), cast($2 as bigint[])) as known (id, revision) \
     join provider on provider.id = known.id";

/// By the unique index `guarded_orders`.
pub(super) const GUARDS: &str = "select orders.customer, orders.service, orders.guard, orders.id \
     from unnest(cast($1 as integer[]), cast($2 as integer[]), cast($3 as uuid[])) as asked (customer, service, guard) \
     join orders on orders.customer = asked.customer and orders.service = asked.service \
       and orders.guard = asked.guard and orders.open and orders.guard is not null";

pub(super) const IDEMPOTENCY: &str = "select kept.customer, kept.key, kept.order_id, kept.parameters, kept.accepted_at \
     from unnest(cast($1 as integer[]), cast($2 as uuid[])) as asked (customer, key) \
     join idempotency as kept on kept.customer = asked.customer and kept.key = asked.key";

/// By the unique indexes `attempt_claim` and `archived_claim`.
pub(super) const CLAIMS: &str = "select attempt.account, attempt.provider_order, attempt.order_id, attempt.number \
     from unnest(cast($1 as integer[]), cast($2 as text[])) as asked (account, provider_order) \
     join attempt on attempt.account = asked.account and attempt.provider_order = asked.provider_order \
       and attempt.provider_order is not null \
     union all \
     select archived.account, archived.provider_order, archived.order_id, archived.number \
     from unnest(cast($1 as integer[]), cast($2 as text[])) as asked (account, provider_order) \
     join archived_attempt as archived on archived.account = asked.account \
       and archived.provider_order = asked.provider_order and archived.provider_order is not null";

/// By the partial index `attempt_doubt`.
pub(super) const DOUBTS: &str = "select attempt.account, attempt.order_id, attempt.number, attempt.state, attempt.state_at, \
       orders.open, orders.kind, orders.link, orders.kind_details \
     from attempt join orders on orders.id = attempt.order_id \
     where attempt.doubt and attempt.account = any($1) order by attempt.order_id, attempt.number";

pub(super) const STAFF: &str =
    concat!("select ", columns!(operator), " from operator order by id for no key update");

/// Kind 16 is a subscription: its target is its username.
const SUBSCRIPTION: i16 = 16;
const UNKNOWN: i16 = 6;

/// Services and providers as values, each with the revision it was read at.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    services: HashMap<i32, (i64, std::sync::Arc<Service>)>,
    providers: HashMap<i32, (i64, ProviderAccount)>,
}

/// What a batch has read that its writing needs to know.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Of rows that are written only if nobody else has written them since.
    pub(super) customers: HashMap<i32, i64>,
    pub(super) services: HashMap<i32, i64>,
    pub(super) providers: HashMap<i32, i64>,
    /// Balance and standing.
    pub(super) accounts: HashMap<i32, (Amount, Standing)>,
    /// Orders that another node has accepted, and which.
    pub(super) strangers: HashMap<OrderId, i32>,
    /// Orders that were found in the archive.
    pub(super) archived: HashSet<OrderId>,
    /// Of rows that are written again, or for the first time.
    pub(super) api_keys: HashSet<KeyHash>,
    pub(super) operators: HashSet<OperatorId>,
    /// Idempotency keys whose day is over: they go before they are given again.
    pub(super) expired: BTreeSet<(i32, [u8; 16])>,
}

/// Keys by what they ask.
#[derive(Debug, Default)]
struct Asked<'k> {
    accounts: Vec<i32>,
    customers: Vec<i32>,
    api_keys: Vec<&'k [u8]>,
    services: Vec<i32>,
    service_revisions: Vec<i64>,
    providers: Vec<i32>,
    provider_revisions: Vec<i64>,
    orders: Vec<i32>,
    guards: Vec<&'k GuardKey>,
    guard_customers: Vec<i32>,
    guard_services: Vec<i32>,
    guard_hashes: Vec<Hash>,
    key_customers: Vec<i32>,
    key_hashes: Vec<Hash>,
    claim_accounts: Vec<i32>,
    claim_orders: Vec<&'k str>,
    doubts: Vec<(ProviderAccountId, &'k str)>,
    doubt_accounts: Vec<i32>,
    staff: bool,
}

/// Ids from outside may be beyond what a column holds: such a row does not exist.
fn column(id: u32) -> Option<i32> {
    i32::try_from(id).ok()
}

impl<'k> Asked<'k> {
    fn sort(keys: &'k BTreeSet<Key>, catalogue: &Catalogue) -> Self {
        let mut asked = Self::default();
        for key in keys {
            asked.add(key, catalogue);
        }
        asked
    }

    fn add(&mut self, key: &'k Key, catalogue: &Catalogue) {
        match key {
            Key::Account(id) => self.accounts.extend(column(id.0)),
            Key::Customer(id) => self.customers.extend(column(id.0)),
            Key::ApiKey(hash) => self.api_keys.push(&hash.0),
            Key::Service(id) => {
                if let Some(id) = column(id.0) {
                    self.services.push(id);
                    self.service_revisions.push(catalogue.services.get(&id).map_or(0, |known| known.0));
                }
            }
            Key::Provider(id) => {
                if let Some(id) = column(id.0) {
                    self.providers.push(id);
                    self.provider_revisions.push(catalogue.providers.get(&id).map_or(0, |known| known.0));
                }
            }
            Key::Order(id) => self.orders.extend(column(id.0)),
            Key::Guard(guard) => {
                if let Some((customer, service)) = column(guard.customer.0).zip(column(guard.service.0)) {
                    self.guards.push(guard);
                    self.guard_customers.push(customer);
                    self.guard_services.push(service);
                    self.guard_hashes.push(Hash::of_guard(guard));
                }
            }
            Key::Idempotency(customer, key) => {
                if let Some(customer) = column(customer.0) {
                    self.key_customers.push(customer);
                    self.key_hashes.push(Hash(*key));
                }
            }
            Key::Claim(account, order) => {
                if let Some(account) = column(account.0) {
                    self.claim_accounts.push(account);
                    self.claim_orders.push(order.as_str());
                }
            }
            Key::Doubts(account, link) => {
                if let Some(number) = column(account.0) {
                    self.doubts.push((*account, link));
                    self.doubt_accounts.push(number);
                }
            }
            Key::Staff => self.staff = true,
        }
    }
}

/// Which statement of a flight asks what.
#[derive(Debug, Clone, Copy)]
enum Of {
    Accounts,
    Customers,
    ApiKeys,
    Services,
    Providers,
    Orders,
    Attempts,
    Refills,
    Cancels,
    Guards,
    Idempotency,
    Claims,
    Doubts,
    Staff,
}

/// Loads every key into the world. `now` is the batch's time, `own` the node's number.
pub(super) fn load(
    connection: &mut Connection,
    keys: &BTreeSet<Key>,
    now: Timestamp,
    catalogue: &mut Catalogue,
    (own, read): (i32, &mut Read),
    world: &mut World,
) -> Result<()> {
    let asked = Asked::sort(keys, catalogue);
    let answers = fly(connection, &asked)?;
    absent(keys, world);
    let mut found = files::Files::default();
    for (of, answer) in answers {
        let rows = &answer.rows;
        match of {
            Of::Accounts => each(rows, rows::account, |account| {
                if let Some(id) = column(account.customer.0) {
                    read.accounts.insert(id, (account.balance, account.standing));
                }
                world.accounts.load(account.customer, Some(account));
            })?,
            Of::Customers => {
                for row in rows {
                    read.customers.insert(get(row, 0)?, get(row, 1)?);
                    world.customers.load(CustomerId(id(row, 0)?), details(row, 2)?);
                }
            }
            Of::ApiKeys => each(rows, rows::api_key, |key| {
                read.api_keys.insert(key.hash);
                world.api_keys.load(key.hash, Some(key));
            })?,
            Of::Services => catalogue.found_services(rows, read, world)?,
            Of::Providers => catalogue.found_providers(rows, read, world)?,
            Of::Orders => {
                found.orders(rows)?;
                note_strangers(rows, own, read)?;
            }
            Of::Attempts => found.attempts(rows)?,
            Of::Refills => found.refills(rows)?,
            Of::Cancels => found.cancels(rows)?,
            Of::Guards => guards(rows, &asked, world)?,
            Of::Idempotency => idempotency(rows, now, read, world)?,
            Of::Claims => claims(rows, world)?,
            Of::Doubts => doubts(rows, &asked, now, world)?,
            Of::Staff => {
                let staff = rows.iter().map(rows::operator).collect::<Result<Vec<_>>>()?;
                read.operators.extend(staff.iter().map(|operator| operator.id));
                world.staff.load((), Some(staff.into_iter().collect()));
            }
        }
    }
    archive::load(connection, &asked.orders, own, read, &mut found)?;
    found.into_files().for_each(|file: OrderFile| world.orders.load(file.order.id, Some(Box::new(file))));
    Ok(())
}

fn fly(connection: &mut Connection, asked: &Asked<'_>) -> Result<Vec<(Of, Answer)>> {
    let orders: [&(dyn ToSql + Sync); 1] = [&asked.orders];
    let accounts: [&(dyn ToSql + Sync); 1] = [&asked.accounts];
    let customers: [&(dyn ToSql + Sync); 1] = [&asked.customers];
    let api_keys: [&(dyn ToSql + Sync); 1] = [&asked.api_keys];
    let services: [&(dyn ToSql + Sync); 2] = [&asked.services, &asked.service_revisions];
    let providers: [&(dyn ToSql + Sync); 2] = [&asked.providers, &asked.provider_revisions];
    let guards: [&(dyn ToSql + Sync); 3] =
        [&asked.guard_customers, &asked.guard_services, &asked.guard_hashes];
    let keys: [&(dyn ToSql + Sync); 2] = [&asked.key_customers, &asked.key_hashes];
    let claims: [&(dyn ToSql + Sync); 2] = [&asked.claim_accounts, &asked.claim_orders];
    let doubts: [&(dyn ToSql + Sync); 1] = [&asked.doubt_accounts];
    let has_orders = !asked.orders.is_empty();
    let all = [
        (Of::Accounts, !asked.accounts.is_empty(), Step::new(ACCOUNTS, &accounts)),
        (Of::Customers, !asked.customers.is_empty(), Step::new(CUSTOMERS, &customers)),
        (Of::ApiKeys, !asked.api_keys.is_empty(), Step::new(API_KEYS, &api_keys)),
        (Of::Services, !asked.services.is_empty(), Step::new(SERVICES, &services)),
        (Of::Providers, !asked.providers.is_empty(), Step::new(PROVIDERS, &providers)),
        (Of::Orders, has_orders, Step::new(files::LOCKED_ORDERS, &orders)),
        (Of::Attempts, has_orders, Step::new(files::ATTEMPTS, &orders)),
        (Of::Refills, has_orders, Step::new(files::REFILLS, &orders)),
        (Of::Cancels, has_orders, Step::new(files::CANCELS, &orders)),
        (Of::Guards, !asked.guards.is_empty(), Step::new(GUARDS, &guards)),
        (Of::Idempotency, !asked.key_hashes.is_empty(), Step::new(IDEMPOTENCY, &keys)),
        (Of::Claims, !asked.claim_orders.is_empty(), Step::new(CLAIMS, &claims)),
        (Of::Doubts, !asked.doubts.is_empty(), Step::new(DOUBTS, &doubts)),
        (Of::Staff, asked.staff, Step::plain(STAFF)),
    ];
    let (kinds, steps): (Vec<Of>, Vec<Step<'_>>) =
        all.into_iter().filter(|(_, is_asked, _)| *is_asked).map(|(of, _, step)| (of, step)).unzip();
    let answers = connection.fly(&steps).map_err(|fallen| fallen.failure)?;
    Ok(kinds.into_iter().zip(answers).collect())
}

pub(super) fn note_strangers(rows: &[Row], own: i32, read: &mut Read) -> Result<()> {
    for row in rows {
        let stream: i32 = get(row, files::STREAM)?;
        if stream != own {
            read.strangers.insert(OrderId(id(row, 0)?), stream);
        }
    }
    Ok(())
}

/// What no row answers is absent.
fn absent(keys: &BTreeSet<Key>, world: &mut World) {
    for key in keys {
        match key {
            Key::Account(id) => world.accounts.load(*id, None),
            Key::Customer(id) => world.customers.load(*id, None),
            Key::ApiKey(hash) => world.api_keys.load(*hash, None),
            Key::Service(id) => world.services.load(*id, None),
            Key::Provider(id) => world.providers.load(*id, None),
            Key::Order(id) => world.orders.load(*id, None),
            Key::Guard(guard) => world.guards.load(guard.clone(), None),
            Key::Idempotency(customer, key) => world.idempotency.load((*customer, *key), None),
            Key::Claim(account, order) => world.claims.load((*account, order.clone()), None),
            Key::Doubts(account, link) => world.doubts.load((*account, link.clone()), None),
            Key::Staff => world.staff.load((), None),
        }
    }
}

fn each<T>(rows: &[Row], read: fn(&Row) -> Result<T>, mut put: impl FnMut(T)) -> Result<()> {
    for row in rows {
        put(read(row)?);
    }
    Ok(())
}

impl Catalogue {
    fn found_services(&mut self, rows: &[Row], read: &mut Read, world: &mut World) -> Result<()> {
        for row in rows {
            let (number, revision): (i32, i64) = (get(row, 0)?, get(row, 1)?);
            read.services.insert(number, revision);
            if get::<Option<&str>>(row, 2)?.is_some() {
                if self.services.len() >= limits::CATALOGUE_ROWS {
                    self.services.clear();
                }
                self.services.insert(number, (revision, std::sync::Arc::new(rows::service(row, 2)?)));
            }
            let service = self.services.get(&number).map(|(_, service)| service.clone());
            world.services.load(ServiceId(id(row, 0)?), service);
        }
        Ok(())
    }

    fn found_providers(&mut self, rows: &[Row], read: &mut Read, world: &mut World) -> Result<()> {
        for row in rows {
            let (number, revision): (i32, i64) = (get(row, 0)?, get(row, 1)?);
            read.providers.insert(number, revision);
            if get::<Option<&str>>(row, 2)?.is_some() {
                if self.providers.len() >= limits::CATALOGUE_ROWS {
                    self.providers.clear();
                }
                self.providers.insert(number, (revision, rows::provider(row, 2)?));
            }
            let provider = self.providers.get(&number).map(|(_, provider)| provider.clone());
            world.providers.load(ProviderAccountId(id(row, 0)?), provider);
        }
        Ok(())
    }
}

fn guards(rows: &[Row], asked: &Asked<'_>, world: &mut World) -> Result<()> {
    let mut holders = HashMap::with_capacity(rows.len());
    for row in rows {
        let key: (i32, i32, [u8; 16]) = (get(row, 0)?, get(row, 1)?, hash(row, 2)?);
        holders.insert(key, OrderId(id(row, 3)?));
    }
    let places = asked.guard_customers.iter().zip(&asked.guard_services).zip(&asked.guard_hashes);
    for (guard, ((customer, service), hash)) in asked.guards.iter().zip(places) {
        if let Some(holder) = holders.get(&(*customer, *service, hash.0)) {
            world.guards.load((*guard).clone(), Some(*holder));
        }
    }
    Ok(())
}

fn idempotency(rows: &[Row], now: Timestamp, read: &mut Read, world: &mut World) -> Result<()> {
    for row in rows {
        let (customer, key) = (id(row, 0)?, hash(row, 1)?);
        if now.since(Timestamp(get(row, 4)?)) <= IDEMPOTENCY_KEPT {
            let hit = IdempotencyHit { order: OrderId(id(row, 2)?), parameters: hash(row, 3)? };
            world.idempotency.load((CustomerId(customer), key), Some(hit));
        } else {
            read.expired.insert((get(row, 0)?, key));
        }
    }
    Ok(())
}

fn claims(rows: &[Row], world: &mut World) -> Result<()> {
    for row in rows {
        let claim: (_, ProviderOrderId) = (ProviderAccountId(id(row, 0)?), rows::provider_order(row, 1)?);
        let owner = AttemptId { order: OrderId(id(row, 2)?), number: id(row, 3)? };
        world.claims.load(claim, Some(owner));
    }
    Ok(())
}

/// Unknown; or lately absent while its order is open. In order of ids, as the rows come.
fn doubts(rows: &[Row], asked: &Asked<'_>, now: Timestamp, world: &mut World) -> Result<()> {
    let since = now.0.saturating_sub(DUPLICATE_EVIDENCE.0);
    let mut found: HashMap<(u32, String), Vec<AttemptId>> = HashMap::new();
    for row in rows {
        let (state, at, open): (i16, Option<i64>, bool) = (get(row, 3)?, get(row, 4)?, get(row, 5)?);
        if state != UNKNOWN && !(open && at.is_some_and(|at| at >= since)) {
            continue;
        }
        if let Some(target) = target(row)? {
            let id = AttemptId { order: OrderId(id(row, 1)?), number: id(row, 2)? };
            found.entry((rows::id(row, 0)?, target)).or_default().push(id);
        }
    }
    for (account, link) in &asked.doubts {
        if let Some(doubts) = found.get(&(account.0, (*link).to_owned())) {
            world.doubts.load((*account, (*link).to_owned()), Some(doubts.clone()));
        }
    }
    Ok(())
}

/// As `Order::target` says it, without the rest of the order.
fn target(row: &Row) -> Result<Option<String>> {
    if get::<i16>(row, 6)? != SUBSCRIPTION {
        return get(row, 7);
    }
    Ok(match details(row, 8)? {
        Some(OrderKind::Subscriptions(asked)) => Some(asked.username),
        Some(_) | None => None,
    })
}
