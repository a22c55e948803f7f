//! The write-set of a batch as columns: what is new, and what differs from what was loaded.
//!
//! In: [`Changes`], and what the batch has read. Out: statements with their parameters, table by table, in an order
//! in which references stand; and how many rows each must write where that is not certain. Rules: architecture.md, The
//! store. Never: a decision, a round trip.

use std::collections::BTreeMap;

use panelworks_core::ids::{CustomerId, NodeId, OrderId, ProviderAccountId, ProviderOrderId};
use panelworks_core::ledger::{Cause, Entry, LedgerAccount, account_code, cause_code};
use panelworks_core::order::{Attempt, Order, OrderFile};
use panelworks_core::provider::ProviderAccount;
use panelworks_core::world::{Changes, Cursors, GuardKey, OrderChange};
use tokio_postgres::types::ToSql;

use super::archive::Moves;
use super::columns::{
    Accounts, ApiKeys, Cancels, Details, Entries, ExpiredMarks, FreshAttempts, FreshOrders, Marks,
    MovedAttempts, MovedOrders, NewAttempts, NewOrders, Operators, Prepaid, Prices, Providers, Refills,
    Transfers,
};
use super::error::Failure;
use super::load::Read;
use super::statements as sql;
use super::values::{Hash, eight, four, two};
use crate::codes::{
    attempt_code, kind_code, operator_standing_code, part_code, purpose_code, role_code, standing_code,
    status_code,
};
use crate::details::{
    ended_at, json, kind_details, mark, part_details, part_number, state_at, state_details,
};

type Result<T> = std::result::Result<T, Failure>;

/// One statement with its parameters.
pub(super) struct Write<'w> {
    pub(super) sql: &'static str,
    pub(super) params: Vec<&'w (dyn ToSql + Sync)>,
    /// Rows it must write; fewer: somebody else was there.
    pub(super) rows: Option<u64>,
}

/// Everything that a batch writes but its own row.
#[derive(Debug, Default)]
pub(super) struct Writes<'a> {
    node: i32,
    new_accounts: Accounts<'a>,
    accounts: Accounts<'a>,
    new_customers: Details<'a>,
    customers: Details<'a>,
    new_api_keys: ApiKeys<'a>,
    api_keys: ApiKeys<'a>,
    new_services: Details<'a>,
    services: Details<'a>,
    prices: Prices<'a>,
    new_providers: Providers<'a>,
    providers: Providers<'a>,
    transfers: Transfers<'a>,
    new_operators: Operators<'a>,
    operators: Operators<'a>,
    fresh_orders: FreshOrders<'a>,
    new_orders: NewOrders<'a>,
    orders: MovedOrders<'a>,
    fresh_attempts: FreshAttempts<'a>,
    new_attempts: NewAttempts<'a>,
    attempts: MovedAttempts<'a>,
    refills: Refills<'a>,
    cancels: Cancels<'a>,
    expired: ExpiredMarks<'a>,
    marks: Marks<'a>,
    entries: Entries<'a>,
    prepaid: Prepaid<'a>,
    moves: Moves,
}

impl<'a> Writes<'a> {
    /// `first`: the numbers with which the batch began; what is not below them is new.
    pub(super) fn of(changes: &'a Changes, node: NodeId, first: Cursors, read: &Read) -> Result<Self> {
        let moves = Moves::of(changes, node, read)?;
        let mut writes = Self { node: four(node.0)?, moves, ..Self::default() };
        writes.accounts(changes, first)?;
        writes.rarely_changed(changes, first, read)?;
        for change in &changes.orders {
            writes.order(change, read)?;
        }
        writes.entries(changes)?;
        Ok(writes)
    }

    /// Orders of the past: whose idempotency keys are still honoured is found out when all are there.
    pub(super) fn without_marks(self) -> Self {
        Self { expired: ExpiredMarks::default(), marks: Marks::default(), ..self }
    }

    /// In the order in which they are sent.
    pub(super) fn statements(&self) -> Vec<Write<'_>> {
        let mut all = Vec::new();
        macro_rules! put {
            ($table:ident . $key:ident, $sql:ident) => {
                put!(@ $table, $key, $sql, None, [])
            };
            ($table:ident . $key:ident, $sql:ident, checked) => {
                put!(@ $table, $key, $sql, Some(self.$table.$key.len() as u64), [])
            };
            ($table:ident . $key:ident, $sql:ident, node) => {
                put!(@ $table, $key, $sql, None, [&self.node])
            };
            (@ $table:ident, $key:ident, $sql:ident, $rows:expr, [$($more:expr)?]) => {
                if !self.$table.$key.is_empty() {
                    let mut params = self.$table.params();
                    let more: Vec<&(dyn ToSql + Sync)> = vec![$($more)?];
                    params.extend(more);
                    all.push(Write { sql: sql::$sql, params, rows: $rows });
                }
            };
        }
        self.moves.back(&mut all);
        put!(new_accounts.customer, INSERT_ACCOUNTS);
        put!(accounts.customer, UPDATE_ACCOUNTS);
        put!(new_customers.id, INSERT_CUSTOMERS);
        put!(customers.id, UPDATE_CUSTOMERS, checked);
        put!(new_api_keys.hash, INSERT_API_KEYS);
        put!(api_keys.hash, UPDATE_API_KEYS, checked);
        put!(new_services.id, INSERT_SERVICES);
        put!(services.id, UPDATE_SERVICES, checked);
        put!(prices.service, INSERT_PRICES);
        put!(new_providers.id, INSERT_PROVIDERS);
        put!(providers.id, UPDATE_PROVIDERS, checked);
        put!(transfers.id, INSERT_TRANSFERS);
        put!(new_operators.id, INSERT_OPERATORS);
        put!(operators.id, UPDATE_OPERATORS, checked);
        // Before the new ones: an order that ends lets go of its link.
        put!(orders.id, UPDATE_ORDERS);
        put!(fresh_orders.id, INSERT_FRESH_ORDERS, node);
        put!(new_orders.id, INSERT_ORDERS, node);
        put!(attempts.order_id, UPDATE_ATTEMPTS);
        put!(fresh_attempts.order_id, INSERT_FRESH_ATTEMPTS);
        put!(new_attempts.order_id, INSERT_ATTEMPTS);
        put!(refills.id, PUT_REFILLS);
        put!(cancels.id, PUT_CANCELS);
        put!(expired.customer, DELETE_MARKS);
        put!(marks.customer, INSERT_MARKS);
        put!(entries.number, INSERT_ENTRIES, node);
        put!(prepaid.account, MOVE_PREPAID, node);
        self.moves.away(&mut all);
        all
    }

    fn accounts(&mut self, changes: &'a Changes, first: Cursors) -> Result<()> {
        for account in &changes.accounts {
            let to = if account.customer.0 >= first.customer {
                &mut self.new_accounts
            } else {
                &mut self.accounts
            };
            to.customer.push(four(account.customer.0)?);
            to.currency.push(account.currency.as_str());
            to.balance.push(account.balance.0);
            to.credit_limit.push(account.credit_limit.0);
            to.standing.push(two(standing_code(account.standing))?);
        }
        Ok(())
    }

    /// Tables that operators write, a few rows a day.
    fn rarely_changed(&mut self, changes: &'a Changes, first: Cursors, read: &Read) -> Result<()> {
        for customer in &changes.customers {
            let is_new = customer.id.0 >= first.customer;
            let to = if is_new { &mut self.new_customers } else { &mut self.customers };
            details_row(to, customer.id.0, is_new, &read.customers, text(customer)?)?;
        }
        for service in &changes.services {
            let is_new = service.id.0 >= first.service;
            let to = if is_new { &mut self.new_services } else { &mut self.services };
            details_row(to, service.id.0, is_new, &read.services, text(service)?)?;
        }
        for provider in &changes.providers {
            let is_new = provider.id.0 >= first.provider;
            let to = if is_new { &mut self.new_providers } else { &mut self.providers };
            let id = four(provider.id.0)?;
            to.id.push(id);
            to.revision.push(revision(is_new, read.providers.get(&id)));
            to.sealed_key.push(&provider.sealed_key);
            to.details.push(text(&ProviderAccount { sealed_key: Vec::new(), ..provider.clone() })?);
        }
        for key in &changes.api_keys {
            let is_known = read.api_keys.contains(&key.hash);
            let to = if is_known { &mut self.api_keys } else { &mut self.new_api_keys };
            to.hash.push(&key.hash.0);
            to.customer.push(four(key.customer.0)?);
            to.label.push(&key.label);
            to.revoked.push(key.revoked);
        }
        for price in &changes.prices {
            self.prices.service.push(four(price.service.0)?);
            self.prices.version.push(four(price.version)?);
            self.prices.rate.push(price.rate.micros());
            self.prices.since.push(price.since.0);
        }
        for transfer in &changes.transfers {
            let (to_kind, to_id) = account_code(transfer.to);
            self.transfers.id.push(four(transfer.id.0)?);
            self.transfers.to_kind.push(i16::from(to_kind));
            self.transfers.to_id.push(four(to_id)?);
            self.transfers.amount.push(transfer.amount.0);
            self.transfers.currency.push(transfer.currency.as_str());
            self.transfers.at.push(transfer.at.0);
            self.transfers.note.push(&transfer.note);
        }
        for operator in &changes.operators {
            let is_known = read.operators.contains(&operator.id);
            let to = if is_known { &mut self.operators } else { &mut self.new_operators };
            to.id.push(four(operator.id.0)?);
            to.username.push(operator.username.as_str());
            to.password.push(operator.password.expose());
            to.admin_key.push(operator.admin_key.as_ref().map(|key| key.0.as_slice()));
            to.role.push(two(role_code(operator.role))?);
            to.standing.push(two(operator_standing_code(operator.standing))?);
            to.opened_at.push(operator.opened_at.0);
            to.password_changed_at.push(operator.password_changed_at.0);
            to.sessions_since.push(operator.sessions_since.0);
        }
        Ok(())
    }

    fn order(&mut self, change: &'a OrderChange, read: &Read) -> Result<()> {
        let OrderChange { before, after } = change;
        match before {
            None => {
                if FreshOrders::are_like(&after.order) {
                    self.fresh_orders.push(&after.order)?;
                } else {
                    self.new_order(&after.order)?;
                }
                self.mark(&after.order, read)?;
            }
            Some(before) if before.order != after.order => self.moved_order(&after.order)?,
            Some(_) => {}
        }
        let customer = four(after.order.customer.0)?;
        for attempt in &after.attempts {
            match before.as_ref().and_then(|before| before.attempt(attempt.number)) {
                None if FreshAttempts::are_like(attempt) => {
                    self.fresh_attempts.push(after.order.id, customer, attempt)?;
                }
                None => self.new_attempt(after.order.id, customer, attempt)?,
                Some(old) if old == attempt => {}
                Some(_) => self.moved_attempt(after.order.id, customer, attempt)?,
            }
        }
        self.requests(before.as_deref(), after, customer)
    }

    fn new_order(&mut self, order: &'a Order) -> Result<()> {
        let to = &mut self.new_orders;
        to.quantity.push(eight(order.quantity)?);
        to.remains.push(eight(order.remains)?);
        to.rate.push(order.rate.micros());
        to.charge.push(order.charge.0);
        to.debited.push(order.sums.debited.0);
        to.returned.push(order.sums.returned.0);
        to.refunded.push(order.sums.refunded.0);
        to.in_flight.push(in_flight(order)?);
        to.accepted_at.push(order.accepted_at.0);
        to.ended_at.push(ended_at(order).0);
        to.id.push(four(order.id.0)?);
        to.customer.push(four(order.customer.0)?);
        to.service.push(four(order.service.0)?);
        to.price_version.push(four(order.price_version)?);
        to.entries.push(four(order.sums.entries)?);
        to.status.push(two(status_code(order.status))?);
        to.kind.push(two(kind_code(order.kind.service_type()))?);
        to.part.push(two(part_code(&order.part))?);
        to.open.push(!order.status.has_ended());
        to.guarded.push(order.guarded);
        to.currency.push(order.currency.as_str());
        to.start_count.push(order.start_count);
        to.hold_at.push(order.hold.as_ref().map(|hold| hold.since.0));
        to.parent.push(order.part.parent().map(|parent| four(parent.0)).transpose()?);
        to.part_number.push(part_number(order).map(four).transpose()?);
        to.guard.push(GuardKey::of(order).map(|guard| Hash::of_guard(&guard)));
        to.mark.push(mark(order).map(Vec::from));
        to.link.push(order.link.as_deref());
        to.kind_details.push(kind_details(&order.kind).map_err(unwritable)?);
        to.part_details.push(part_details(&order.part).map_err(unwritable)?);
        to.hold.push(hold(order)?);
        Ok(())
    }

    fn moved_order(&mut self, order: &Order) -> Result<()> {
        let to = &mut self.orders;
        to.id.push(four(order.id.0)?);
        to.customer.push(four(order.customer.0)?);
        to.status.push(two(status_code(order.status))?);
        to.open.push(!order.status.has_ended());
        to.remains.push(eight(order.remains)?);
        to.charge.push(order.charge.0);
        to.debited.push(order.sums.debited.0);
        to.returned.push(order.sums.returned.0);
        to.refunded.push(order.sums.refunded.0);
        to.in_flight.push(in_flight(order)?);
        to.entries.push(four(order.sums.entries)?);
        to.ended_at.push(ended_at(order).0);
        to.start_count.push(order.start_count);
        to.hold_at.push(order.hold.as_ref().map(|hold| hold.since.0));
        to.part_details.push(part_details(&order.part).map_err(unwritable)?);
        to.hold.push(hold(order)?);
        Ok(())
    }

    fn mark(&mut self, order: &Order, read: &Read) -> Result<()> {
        let Some(mark) = order.mark else { return Ok(()) };
        let customer = four(order.customer.0)?;
        if read.expired.contains(&(customer, mark.key)) {
            self.expired.customer.push(customer);
            self.expired.key.push(Hash(mark.key));
        }
        self.marks.customer.push(customer);
        self.marks.key.push(Hash(mark.key));
        self.marks.parameters.push(Hash(mark.parameters));
        self.marks.order_id.push(four(order.id.0)?);
        self.marks.accepted_at.push(order.accepted_at.0);
        Ok(())
    }

    fn new_attempt(&mut self, order: OrderId, customer: i32, attempt: &'a Attempt) -> Result<()> {
        let to = &mut self.new_attempts;
        to.expected_cost.push(attempt.expected_cost.0);
        to.booked_cost.push(attempt.booked_cost.0);
        to.planned_at.push(attempt.planned_at.0);
        to.state_at.push(state_at(&attempt.state).map(|at| at.0));
        to.order_id.push(four(order.0)?);
        to.customer.push(customer);
        to.purpose.push(purpose_code(attempt.purpose));
        to.account.push(four(attempt.account.0)?);
        to.entries.push(four(attempt.entries)?);
        to.number.push(i32::from(attempt.number));
        to.state.push(two(attempt_code(&attempt.state))?);
        to.doubt.push(attempt.state.is_in_doubt(true));
        to.currency.push(attempt.currency.as_str());
        to.service.push(&attempt.service);
        to.provider_order.push(attempt.state.provider_order().map(ProviderOrderId::as_str));
        to.details.push(state_details(&attempt.state).map_err(unwritable)?);
        to.recall.push(attempt.recall.as_ref().map(json).transpose().map_err(unwritable)?);
        Ok(())
    }

    fn moved_attempt(&mut self, order: OrderId, customer: i32, attempt: &'a Attempt) -> Result<()> {
        let to = &mut self.attempts;
        to.order_id.push(four(order.0)?);
        to.number.push(i32::from(attempt.number));
        to.customer.push(customer);
        to.expected_cost.push(attempt.expected_cost.0);
        to.booked_cost.push(attempt.booked_cost.0);
        to.currency.push(attempt.currency.as_str());
        to.entries.push(four(attempt.entries)?);
        to.state.push(two(attempt_code(&attempt.state))?);
        to.doubt.push(attempt.state.is_in_doubt(true));
        to.state_at.push(state_at(&attempt.state).map(|at| at.0));
        to.provider_order.push(attempt.state.provider_order().map(ProviderOrderId::as_str));
        to.details.push(state_details(&attempt.state).map_err(unwritable)?);
        to.recall.push(attempt.recall.as_ref().map(json).transpose().map_err(unwritable)?);
        Ok(())
    }

    fn requests(&mut self, before: Option<&'a OrderFile>, after: &'a OrderFile, customer: i32) -> Result<()> {
        let order = four(after.order.id.0)?;
        for refill in &after.refills {
            if !before.is_some_and(|before| before.refills.contains(refill)) {
                self.refills.push(order, customer, refill)?;
            }
        }
        for cancel in &after.cancels {
            if !before.is_some_and(|before| before.cancels.contains(cancel)) {
                self.cancels.push(order, customer, cancel)?;
            }
        }
        Ok(())
    }

    fn entries(&mut self, changes: &'a Changes) -> Result<()> {
        let mut prepaid: BTreeMap<ProviderAccountId, i64> = BTreeMap::new();
        for entry in &changes.entries {
            let (cause_kind, cause_id, cause_part) = cause_code(entry.cause);
            let (from_kind, from_id) = account_code(entry.from);
            let (to_kind, to_id) = account_code(entry.to);
            let to = &mut self.entries;
            to.number.push(eight(entry.number)?);
            to.amount.push(entry.amount.0);
            to.cause_id.push(four(cause_id)?);
            to.cause_part.push(four(cause_part)?);
            to.sequence.push(four(entry.sequence)?);
            to.customer.push(four(customer_of(entry, &changes.orders).map_or(0, |customer| customer.0))?);
            to.from_id.push(four(from_id)?);
            to.to_id.push(four(to_id)?);
            to.cause_kind.push(i16::from(cause_kind));
            to.from_kind.push(i16::from(from_kind));
            to.to_kind.push(i16::from(to_kind));
            to.currency.push(entry.currency.as_str());
            for (account, by) in [(entry.from, -entry.amount.0), (entry.to, entry.amount.0)] {
                if let LedgerAccount::Prepaid(account) = account {
                    let sum = prepaid.entry(account).or_default();
                    *sum = sum.checked_add(by).ok_or_else(|| Failure::value("a sum does not fit"))?;
                }
            }
        }
        for (account, by) in prepaid {
            self.prepaid.account.push(four(account.0)?);
            self.prepaid.amount.push(by);
        }
        Ok(())
    }
}

/// Whose order, or whose transfer. An order with a new entry is among the changes: it counts its entries.
fn customer_of(entry: &Entry, orders: &[OrderChange]) -> Option<CustomerId> {
    let order = match entry.cause {
        Cause::Order(order) => order,
        Cause::Attempt(attempt) => attempt.order,
        Cause::Transfer(_) => {
            return [entry.to, entry.from].into_iter().find_map(LedgerAccount::customer);
        }
    };
    let found = orders.binary_search_by_key(&order, |change| change.after.order.id).ok()?;
    Some(orders[found].after.order.customer)
}

fn details_row(
    to: &mut Details<'_>,
    id: u32,
    is_new: bool,
    read: &std::collections::HashMap<i32, i64>,
    details: String,
) -> Result<()> {
    let id = four(id)?;
    to.id.push(id);
    to.revision.push(revision(is_new, read.get(&id)));
    to.details.push(details);
    Ok(())
}

/// A row that was changed without being read has no revision that could fit.
fn revision(is_new: bool, read: Option<&i64>) -> i64 {
    if is_new { 1 } else { read.copied().unwrap_or(0) }
}

fn in_flight(order: &Order) -> Result<i64> {
    let rest = order.sums.in_flight();
    rest.map(|rest| rest.0)
        .ok_or_else(|| Failure::value(format!("the sums of order {} do not fit", order.id)))
}

fn hold(order: &Order) -> Result<Option<String>> {
    order.hold.as_ref().map(|hold| json(&hold.reason)).transpose().map_err(unwritable)
}

fn text(value: &impl serde::Serialize) -> Result<String> {
    json(value).map_err(unwritable)
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn unwritable(why: serde_json::Error) -> Failure {
    Failure::value(why.to_string())
}
