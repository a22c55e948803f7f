//! What decisions read: each key of a need, answered into the world.
//!
//! In: keys in order, inside the batch's transaction. Out: the rows, absent ones as absent. Open guarded links
//! and idempotency keys are found by [`super::marks`] and verified here on the order's row.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use panelworks_core::catalogue::Service;
use panelworks_core::customer::{Account, ApiKey, KeyHash};
use panelworks_core::ids::{AttemptId, CustomerId, OrderId, ProviderAccountId, ProviderOrderId, ServiceId};
use panelworks_core::limits::{DUPLICATE_EVIDENCE, IDEMPOTENCY_KEPT};
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::Timestamp;
use panelworks_core::world::{Changes, GuardKey, IdempotencyHit, Key, World};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::archive::Place;
use super::files::FileStatements;
use super::marks::{Marks, Salt};
use super::operators;
use super::rows::{self, details, known};
use crate::limits;

pub(super) const ACCOUNT: &str =
    "select customer, currency, balance, credit_limit, standing from account where customer = ?1";

pub(super) const SERVICE: &str = "select id, details from service where id = ?1";

pub(super) const PROVIDER: &str = "select id, sealed_key, details from provider where id = ?1";

/// Wherever its order is.
pub(super) const CLAIM: &str = "select order_id, number from attempt where account = ?1 and provider_order = ?2 \
     union all select order_id, number from archived_attempt where account = ?1 and provider_order = ?2";

/// State 6 is unknown, 8 absent: the latter only as long as it counts as evidence.
pub(super) const DOUBTS: &str = "select order_id, number, state from attempt \
     where account = ?1 and state in (6, 8) and (state = 6 or state_at >= ?2)";

/// Services, providers and accounts as values: the folder is locked, so they change only with our commits, which they
/// follow and never lead. Reading a balance again for every order would cost a thirtieth of it (performance.md P1).
#[derive(Debug, Default)]
pub(super) struct Kept {
    accounts: HashMap<CustomerId, Account>,
    services: HashMap<ServiceId, Arc<Service>>,
    providers: HashMap<ProviderAccountId, ProviderAccount>,
}

impl Kept {
    /// Follows a commit.
    pub(super) fn follow(&mut self, changes: &Changes) {
        for account in &changes.accounts {
            self.keep_account(*account);
        }
        for service in &changes.services {
            self.services.remove(&service.id);
        }
        for provider in &changes.providers {
            self.providers.remove(&provider.id);
        }
    }

    fn account(&mut self, connection: &Connection, id: CustomerId) -> Result<Option<Account>> {
        if let Some(account) = self.accounts.get(&id) {
            return Ok(Some(*account));
        }
        let account = connection.prepare_cached(ACCOUNT)?.query_row([id.0], rows::account).optional()?;
        if let Some(account) = account {
            self.keep_account(account);
        }
        Ok(account)
    }

    fn keep_account(&mut self, account: Account) {
        if self.accounts.len() >= limits::ACCOUNT_ROWS && !self.accounts.contains_key(&account.customer) {
            self.accounts.clear();
        }
        self.accounts.insert(account.customer, account);
    }

    fn service(&mut self, connection: &Connection, id: ServiceId) -> Result<Option<Arc<Service>>> {
        if let Some(service) = self.services.get(&id) {
            return Ok(Some(service.clone()));
        }
        let mut statement = connection.prepare_cached(SERVICE)?;
        let service = statement.query_row([id.0], service).optional()?.map(Arc::new);
        if let Some(service) = &service {
            if self.services.len() >= limits::CATALOGUE_ROWS {
                self.services.clear();
            }
            self.services.insert(id, service.clone());
        }
        Ok(service)
    }

    fn provider(
        &mut self,
        connection: &Connection,
        id: ProviderAccountId,
    ) -> Result<Option<ProviderAccount>> {
        if let Some(provider) = self.providers.get(&id) {
            return Ok(Some(provider.clone()));
        }
        let mut statement = connection.prepare_cached(PROVIDER)?;
        let provider = statement.query_row([id.0], provider).optional()?;
        if let Some(provider) = &provider {
            if self.providers.len() >= limits::CATALOGUE_ROWS {
                self.providers.clear();
            }
            self.providers.insert(id, provider.clone());
        }
        Ok(provider)
    }
}

pub(super) fn service(row: &Row<'_>) -> Result<Service> {
    known(1, details(row, 1)?)
}

pub(super) fn provider(row: &Row<'_>) -> Result<ProviderAccount> {
    let open: ProviderAccount = known(2, details(row, 2)?)?;
    Ok(ProviderAccount { sealed_key: row.get(1)?, ..open })
}

pub(super) fn api_key(row: &Row<'_>) -> Result<ApiKey> {
    Ok(ApiKey {
        hash: KeyHash(row.get(0)?),
        customer: CustomerId(row.get(1)?),
        label: row.get(2)?,
        revoked: row.get(3)?,
    })
}

/// Everything that a load looks at.
#[derive(Debug)]
pub(super) struct Loader<'a> {
    pub(super) connection: &'a Connection,
    pub(super) files: &'a FileStatements,
    pub(super) kept: &'a mut Kept,
    pub(super) guards: &'a Marks,
    pub(super) idempotency: &'a Marks,
    /// Hears of orders that were found in the archive.
    pub(super) archived: &'a mut BTreeSet<OrderId>,
    pub(super) salt: Salt,
    /// The batch's time.
    pub(super) now: Timestamp,
}

impl Loader<'_> {
    pub(super) fn load(&mut self, key: &Key, world: &mut World) -> Result<()> {
        let connection = self.connection;
        match key {
            Key::Account(id) => world.accounts.load(*id, self.kept.account(connection, *id)?),
            Key::Customer(id) => {
                let mut statement =
                    connection.prepare_cached("select details from customer where id = ?1")?;
                let customer = statement.query_row([id.0], |row| known(0, details(row, 0)?)).optional()?;
                world.customers.load(*id, customer);
            }
            Key::ApiKey(hash) => {
                let mut statement = connection
                    .prepare_cached("select hash, customer, label, revoked from api_key where hash = ?1")?;
                world.api_keys.load(*hash, statement.query_row([hash.0], api_key).optional()?);
            }
            Key::Service(id) => world.services.load(*id, self.kept.service(connection, *id)?),
            Key::Provider(id) => world.providers.load(*id, self.kept.provider(connection, *id)?),
            Key::Order(id) => {
                let found = self.files.find(connection, *id)?;
                if let Some((_, Place::Archive)) = &found {
                    self.archived.insert(*id);
                }
                world.orders.load(*id, found.map(|(file, _)| Box::new(file)));
            }
            Key::Guard(guard) => {
                let holder = self.guard(guard)?;
                world.guards.load(guard.clone(), holder);
            }
            Key::Idempotency(customer, key) => {
                let hit = self.idempotency(*customer, key)?;
                world.idempotency.load((*customer, *key), hit);
            }
            Key::Claim(account, order) => {
                let owner = self.claim(*account, order)?;
                world.claims.load((*account, order.clone()), owner);
            }
            Key::Doubts(account, link) => {
                let doubts = self.doubts(*account, link)?;
                world.doubts.load((*account, link.clone()), Some(doubts).filter(|all| !all.is_empty()));
            }
            Key::Staff => world.staff.load((), Some(operators::all(connection)?.into_iter().collect())),
        }
        Ok(())
    }

    fn guard(&self, guard: &GuardKey) -> Result<Option<OrderId>> {
        for id in self.guards.candidates(self.connection, self.salt.of_guard(guard))? {
            let Some(file) = self.files.read(self.connection, id)? else { continue };
            if !file.order.status.has_ended() && GuardKey::of(&file.order).as_ref() == Some(guard) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn idempotency(&self, customer: CustomerId, key: &[u8; 16]) -> Result<Option<IdempotencyHit>> {
        let fingerprint = self.salt.of_idempotency(customer, key);
        for id in self.idempotency.candidates(self.connection, fingerprint)? {
            let Some(file) = self.files.read(self.connection, id)? else { continue };
            let Some(mark) = file.order.mark.filter(|mark| mark.key == *key) else { continue };
            if file.order.customer == customer && self.now.since(file.order.accepted_at) <= IDEMPOTENCY_KEPT {
                return Ok(Some(IdempotencyHit { order: id, parameters: mark.parameters }));
            }
        }
        Ok(None)
    }

    fn claim(&self, account: ProviderAccountId, order: &ProviderOrderId) -> Result<Option<AttemptId>> {
        self.connection
            .prepare_cached(CLAIM)?
            .query_row(params![account.0, order.as_str()], |row| {
                Ok(AttemptId { order: OrderId(row.get(0)?), number: row.get(1)? })
            })
            .optional()
    }

    /// Unknown; or lately absent while its order is open. In order of ids.
    fn doubts(&self, account: ProviderAccountId, link: &str) -> Result<Vec<AttemptId>> {
        let since = self.now.0.saturating_sub(DUPLICATE_EVIDENCE.0);
        let mut statement = self.connection.prepare_cached(DOUBTS)?;
        let mut found = statement.query(params![account.0, since])?;
        let mut doubts = Vec::new();
        while let Some(row) = found.next()? {
            let id = AttemptId { order: OrderId(row.get(0)?), number: row.get(1)? };
            let unknown = row.get::<_, i64>(2)? == 6;
            let Some(file) = self.files.read(self.connection, id.order)? else { continue };
            if file.order.target() == Some(link) && (unknown || !file.order.status.has_ended()) {
                doubts.push(id);
            }
        }
        doubts.sort_unstable();
        Ok(doubts)
    }
}
