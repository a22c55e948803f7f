//! The statements that write: one per table and batch, however many rows; `columns.rs` has their parameters.
//!
//! Each row is found by its primary key. Never: a scan, which a test of their plans would find.

pub(super) use super::fresh::{INSERT_FRESH_ATTEMPTS, INSERT_FRESH_ORDERS};
use super::{archive, books, files, keeper, listener, load, node, queue};

pub(super) const INSERT_ACCOUNTS: &str = "insert into account (customer, currency, balance, credit_limit, standing) select given.* from \
     unnest(cast($1 as integer[]), cast($2 as text[]), cast($3 as bigint[]), cast($4 as bigint[]), \
     cast($5 as smallint[])) as given";

/// Their rows are locked since they were loaded.
pub(super) const UPDATE_ACCOUNTS: &str = "update account set currency = given.currency, balance = given.balance, credit_limit = \
     given.credit_limit, standing = given.standing from unnest(cast($1 as integer[]), cast($2 as text[]), \
     cast($3 as bigint[]), cast($4 as bigint[]), cast($5 as smallint[])) as given (customer, currency, \
     balance, credit_limit, standing) where account.customer = given.customer";

macro_rules! insert_orders {
    ($table:literal) => {
        concat!(
            "insert into ",
            $table,
            " (quantity, remains, rate, charge, debited, returned, refunded, in_flight, \
     accepted_at, ended_at, id, customer, service, price_version, entries, status, kind, part, open, \
     guarded, currency, start_count, hold_at, parent, part_number, guard, mark, link, kind_details, \
     part_details, hold, node) select given.*, cast($32 as integer) from unnest(cast($1 as bigint[]), \
     cast($2 as bigint[]), cast($3 as bigint[]), cast($4 as bigint[]), cast($5 as bigint[]), cast($6 as \
     bigint[]), cast($7 as bigint[]), cast($8 as bigint[]), cast($9 as bigint[]), cast($10 as bigint[]), \
     cast($11 as integer[]), cast($12 as integer[]), cast($13 as integer[]), cast($14 as integer[]), \
     cast($15 as integer[]), cast($16 as smallint[]), cast($17 as smallint[]), cast($18 as smallint[]), \
     cast($19 as boolean[]), cast($20 as boolean[]), cast($21 as text[]), cast($22 as bigint[]), cast($23 \
     as bigint[]), cast($24 as integer[]), cast($25 as integer[]), cast($26 as uuid[]), cast($27 as \
     bytea[]), cast($28 as text[]), cast($29 as text[]), cast($30 as text[]), cast($31 as text[])) as \
     given"
        )
    };
}
pub(super) const INSERT_ORDERS: &str = insert_orders!("orders");

/// By primary key. Stays within its page as long as the order neither ends nor is held.
pub(super) const UPDATE_ORDERS: &str = "update orders set status = given.status, open = given.open, remains = given.remains, charge = \
     given.charge, debited = given.debited, returned = given.returned, refunded = given.refunded, \
     in_flight = given.in_flight, entries = given.entries, ended_at = given.ended_at, start_count = \
     given.start_count, hold_at = given.hold_at, part_details = given.part_details, hold = given.hold \
     from unnest(cast($1 as integer[]), cast($2 as integer[]), cast($3 as smallint[]), cast($4 as \
     boolean[]), cast($5 as bigint[]), cast($6 as bigint[]), cast($7 as bigint[]), cast($8 as bigint[]), \
     cast($9 as bigint[]), cast($10 as bigint[]), cast($11 as integer[]), cast($12 as bigint[]), cast($13 \
     as bigint[]), cast($14 as bigint[]), cast($15 as text[]), cast($16 as text[])) as given (id, \
     customer, status, open, remains, charge, debited, returned, refunded, in_flight, entries, ended_at, \
     start_count, hold_at, part_details, hold) where orders.id = given.id and orders.customer = \
     given.customer";

macro_rules! insert_attempts {
    ($table:literal) => {
        concat!(
            "insert into ",
            $table,
            " (expected_cost, booked_cost, planned_at, state_at, order_id, customer, purpose, \
     account, entries, number, state, doubt, currency, service, provider_order, details, recall) select given.* \
     from unnest(cast($1 as bigint[]), cast($2 as bigint[]), cast($3 as bigint[]), cast($4 as bigint[]), \
     cast($5 as integer[]), cast($6 as integer[]), cast($7 as bigint[]), cast($8 as integer[]), cast($9 \
     as integer[]), cast($10 as integer[]), cast($11 as smallint[]), cast($12 as boolean[]), cast($13 as \
     text[]), cast($14 as text[]), cast($15 as text[]), cast($16 as text[]), cast($17 as text[])) as given"
        )
    };
}
pub(super) const INSERT_ATTEMPTS: &str = insert_attempts!("attempt");

/// By primary key.
pub(super) const UPDATE_ATTEMPTS: &str = "update attempt set expected_cost = given.expected_cost, booked_cost = given.booked_cost, currency = \
     given.currency, entries = given.entries, state = given.state, doubt = given.doubt, state_at = \
     given.state_at, provider_order = given.provider_order, details = given.details, recall = given.recall from unnest(cast($1 \
     as integer[]), cast($2 as integer[]), cast($3 as integer[]), cast($4 as bigint[]), cast($5 as \
     bigint[]), cast($6 as text[]), cast($7 as integer[]), cast($8 as smallint[]), cast($9 as boolean[]), \
     cast($10 as bigint[]), cast($11 as text[]), cast($12 as text[]), cast($13 as text[])) as given (order_id, number, \
     customer, expected_cost, booked_cost, currency, entries, state, doubt, state_at, provider_order, \
     details, recall) where attempt.order_id = given.order_id and attempt.number = given.number and \
     attempt.customer = given.customer";

macro_rules! put_refills {
    ($table:literal) => {
        concat!(
            "insert into ",
            $table,
            " (id, order_id, customer, state, open, due, provider_refill, tries, requested_at, \
     ended_at) select given.* from unnest(cast($1 as integer[]), cast($2 as integer[]), cast($3 as \
     integer[]), cast($4 as smallint[]), cast($5 as boolean[]), cast($6 as bigint[]), cast($7 as text[]), \
     cast($8 as integer[]), cast($9 as bigint[]), cast($10 as bigint[])) as given on conflict (id, \
     customer) do update set state = excluded.state, open = excluded.open, due = excluded.due, \
     provider_refill = excluded.provider_refill, tries = excluded.tries, ended_at = excluded.ended_at"
        )
    };
}
pub(super) const PUT_REFILLS: &str = put_refills!("refill");

macro_rules! put_cancels {
    ($table:literal) => {
        concat!(
            "insert into ",
            $table,
            " (id, order_id, customer, state, due, provider_cancel, tries, requested_at, \
     ended_at) select given.* from unnest(cast($1 as integer[]), cast($2 as integer[]), cast($3 as \
     integer[]), cast($4 as smallint[]), cast($5 as bigint[]), cast($6 as text[]), cast($7 as integer[]), \
     cast($8 as bigint[]), cast($9 as bigint[])) as given on conflict (id, customer) do update set state \
     = excluded.state, due = excluded.due, provider_cancel = excluded.provider_cancel, tries = \
     excluded.tries, ended_at = excluded.ended_at"
        )
    };
}
pub(super) const PUT_CANCELS: &str = put_cancels!("cancel");

/// The arrays are unpacked side by side, see `fresh.rs`.
pub(super) const INSERT_ENTRIES: &str = "insert into entry (number, amount, cause_id, cause_part, sequence, customer, from_id, to_id, \
     cause_kind, from_kind, to_kind, currency, node) select unnest(cast($1 as bigint[])), \
     unnest(cast($2 as bigint[])), unnest(cast($3 as integer[])), unnest(cast($4 as integer[])), \
     unnest(cast($5 as integer[])), unnest(cast($6 as integer[])), unnest(cast($7 as integer[])), \
     unnest(cast($8 as integer[])), unnest(cast($9 as smallint[])), unnest(cast($10 as smallint[])), \
     unnest(cast($11 as smallint[])), unnest(cast($12 as text[])), cast($13 as integer)";

/// The node has a row of its own: no other node waits for it.
pub(super) const MOVE_PREPAID: &str = "insert into prepaid (account, amount, node) select given.*, cast($3 as integer) from unnest(cast($1 \
     as integer[]), cast($2 as bigint[])) as given on conflict (account, node) do update set amount = \
     prepaid.amount + excluded.amount";

pub(super) const INSERT_MARKS: &str = "insert into idempotency (customer, key, parameters, order_id, accepted_at) select given.* from \
     unnest(cast($1 as integer[]), cast($2 as uuid[]), cast($3 as uuid[]), cast($4 as integer[]), cast($5 \
     as bigint[])) as given";

/// Their day is over, as this batch has read.
pub(super) const DELETE_MARKS: &str = "delete from idempotency using unnest(cast($1 as integer[]), cast($2 as uuid[])) as given (customer, \
     key) where idempotency.customer = given.customer and idempotency.key = given.key";

pub(super) const INSERT_CUSTOMERS: &str = "insert into customer (id, revision, details) select given.* from unnest(cast($1 as integer[]), \
     cast($2 as bigint[]), cast($3 as text[])) as given";

/// Nothing, where somebody else has written it since.
pub(super) const UPDATE_CUSTOMERS: &str = "update customer set details = given.details, revision = customer.revision + 1 from unnest(cast($1 as \
     integer[]), cast($2 as bigint[]), cast($3 as text[])) as given (id, revision, details) where \
     customer.id = given.id and customer.revision = given.revision";

pub(super) const INSERT_SERVICES: &str = "insert into service (id, revision, details) select given.* from unnest(cast($1 as integer[]), \
     cast($2 as bigint[]), cast($3 as text[])) as given";

/// Nothing, where somebody else has written it since.
pub(super) const UPDATE_SERVICES: &str = "update service set details = given.details, revision = service.revision + 1 from unnest(cast($1 as \
     integer[]), cast($2 as bigint[]), cast($3 as text[])) as given (id, revision, details) where \
     service.id = given.id and service.revision = given.revision";

pub(super) const INSERT_PROVIDERS: &str = "insert into provider (id, revision, sealed_key, details) select given.* from unnest(cast($1 as \
     integer[]), cast($2 as bigint[]), cast($3 as bytea[]), cast($4 as text[])) as given";

/// Nothing, where somebody else has written it since.
pub(super) const UPDATE_PROVIDERS: &str = "update provider set sealed_key = given.sealed_key, details = given.details, revision = \
     provider.revision + 1 from unnest(cast($1 as integer[]), cast($2 as bigint[]), cast($3 as bytea[]), \
     cast($4 as text[])) as given (id, revision, sealed_key, details) where provider.id = given.id and \
     provider.revision = given.revision";

pub(super) const INSERT_API_KEYS: &str = "insert into api_key (hash, customer, label, revoked) select given.* from unnest(cast($1 as bytea[]), \
     cast($2 as integer[]), cast($3 as text[]), cast($4 as boolean[])) as given";

pub(super) const UPDATE_API_KEYS: &str = "update api_key set label = given.label, revoked = given.revoked from unnest(cast($1 as bytea[]), \
     cast($2 as integer[]), cast($3 as text[]), cast($4 as boolean[])) as given (hash, customer, label, \
     revoked) where api_key.hash = given.hash and api_key.customer = given.customer";

pub(super) const INSERT_PRICES: &str = "insert into price (service, version, rate, since) select given.* from unnest(cast($1 as integer[]), \
     cast($2 as integer[]), cast($3 as bigint[]), cast($4 as bigint[])) as given";

pub(super) const INSERT_TRANSFERS: &str = "insert into transfer (id, to_kind, to_id, amount, currency, at, note) select given.* from \
     unnest(cast($1 as integer[]), cast($2 as smallint[]), cast($3 as integer[]), cast($4 as bigint[]), \
     cast($5 as text[]), cast($6 as bigint[]), cast($7 as text[])) as given";

pub(super) const INSERT_OPERATORS: &str = "insert into operator (id, username, password, admin_key, role, standing, opened_at, \
     password_changed_at, sessions_since) select given.* from unnest(cast($1 as integer[]), cast($2 as \
     text[]), cast($3 as text[]), cast($4 as bytea[]), cast($5 as smallint[]), cast($6 as smallint[]), \
     cast($7 as bigint[]), cast($8 as bigint[]), cast($9 as bigint[])) as given";

/// The name stays.
pub(super) const UPDATE_OPERATORS: &str = "update operator set password = given.password, admin_key = given.admin_key, role = given.role, \
     standing = given.standing, opened_at = given.opened_at, password_changed_at = \
     given.password_changed_at, sessions_since = given.sessions_since from unnest(cast($1 as integer[]), \
     cast($2 as text[]), cast($3 as text[]), cast($4 as bytea[]), cast($5 as smallint[]), cast($6 as \
     smallint[]), cast($7 as bigint[]), cast($8 as bigint[]), cast($9 as bigint[])) as given (id, \
     username, password, admin_key, role, standing, opened_at, password_changed_at, sessions_since) where \
     operator.id = given.id and operator.username = given.username";

/// The statement that puts the same rows into the archive, of those that put an order into its tables.
pub(super) fn in_archive(statement: &'static str) -> &'static str {
    const TWINS: [(&str, &str); 4] = [
        (INSERT_ORDERS, insert_orders!("archived_orders")),
        (INSERT_ATTEMPTS, insert_attempts!("archived_attempt")),
        (PUT_REFILLS, put_refills!("archived_refill")),
        (PUT_CANCELS, put_cancels!("archived_cancel")),
    ];
    TWINS.into_iter().find(|(present, _)| *present == statement).map_or(statement, |(_, archived)| archived)
}

/// Every statement that runs while somebody waits: batches, the engine's start. Each must find its rows by an index; a
/// test asks for their plans.
pub fn hot_statements() -> Vec<&'static str> {
    let mut all = vec![
        INSERT_ACCOUNTS,
        UPDATE_ACCOUNTS,
        INSERT_FRESH_ORDERS,
        INSERT_ORDERS,
        UPDATE_ORDERS,
        INSERT_FRESH_ATTEMPTS,
        INSERT_ATTEMPTS,
        UPDATE_ATTEMPTS,
        PUT_REFILLS,
        PUT_CANCELS,
        INSERT_ENTRIES,
        MOVE_PREPAID,
        INSERT_MARKS,
        DELETE_MARKS,
        books::OPEN_BATCH,
        books::OPEN_BATCH_AND_RENEW,
        books::CLOSE_BATCH,
        files::LOCKED_ORDERS,
        files::ORDERS,
        files::ATTEMPTS,
        files::REFILLS,
        files::CANCELS,
        keeper::SWEEP,
        listener::NEWS,
        listener::PLACES,
        load::ACCOUNTS,
        load::CUSTOMERS,
        load::API_KEYS,
        load::SERVICES,
        load::PROVIDERS,
        load::GUARDS,
        load::IDEMPOTENCY,
        load::CLAIMS,
        load::DOUBTS,
        node::LAST_BATCH,
        node::HIGHEST,
        node::RENEW,
        queue::OPEN,
        queue::FROM_ID,
        queue::OLD,
        archive::COUNT,
        archive::FINDS,
        archive::LOCKED_ORDERS,
    ];
    all.extend(archive::PUT.into_iter().chain(archive::TAKE).flatten().chain(files::OF_ARCHIVE));
    all
}
