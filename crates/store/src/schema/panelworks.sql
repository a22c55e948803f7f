-- The books of one panel in one SQLite file, version 4. Later versions are steps of their own, in files beside this one:
-- archive.sql (5). Version: pragma user_version, see sqlite/schema.rs.
--
-- Codes of kinds, states and accounts stand in sqlite/codes.rs and panelworks-core's ledger.rs; they are for
-- ever. Amounts are micro-units, times milliseconds since 1970. JSON only where a kind has details.
-- Every row that an `add` writes is appended in key order, but for the account's.

create table node (
    id integer primary key,
    -- Raised by every start; nothing of an older epoch commits after it.
    epoch integer not null,
    -- Order ids below are never drawn: 1, or beyond a restored backup's.
    order_floor integer not null,
    -- The ledger's name, the same in all its copies.
    ledger blob not null,
    -- Mixed into fingerprints, so that nobody can choose links that share one.
    salt blob not null,
    -- Device and inode of the file that this ledger was last opened in as itself.
    place text not null,
    -- Where the books were carried to; nothing starts on those that are left. See carry.rs.
    moved_to text
) strict;

-- The proof that a commit happened, and a link of the chain over all entries. The first link of an epoch
-- follows the last one of the epoch before.
create table batch (
    node integer not null,
    epoch integer not null,
    sequence integer not null,
    at integer not null,
    -- Place in the node's stream, from 1 without gaps.
    place integer not null,
    -- Number of the last entry up to here.
    last_entry integer not null,
    -- Orders there are since this batch.
    orders integer not null,
    link blob not null,
    -- Ids of what its entries are about, as ranges; and a digest of the balances and orders they left. See sqlite/tail.rs.
    causes blob not null,
    balances blob not null,
    primary key (node, epoch, sequence)
) strict, without rowid;

create table account (
    customer integer primary key,
    currency text not null,
    balance integer not null,
    credit_limit integer not null,
    standing integer not null,
    -- A second wall: an active account is never below its limit (invariants.md C1).
    check (balance >= -credit_limit or standing <> 1)
) strict;

create table customer (
    id integer primary key references account (customer),
    details text not null
) strict;

create table api_key (
    hash blob primary key,
    customer integer not null references account (customer),
    label text not null,
    revoked integer not null
) strict, without rowid;

create table service (
    id integer primary key,
    details text not null
) strict;

create table price (
    service integer not null references service (id),
    version integer not null,
    rate integer not null,
    since integer not null,
    primary key (service, version)
) strict, without rowid;

create table provider (
    id integer primary key,
    -- Encrypted; `details` has it empty.
    sealed_key blob not null,
    details text not null
) strict;

create table transfer (
    id integer primary key,
    to_kind integer not null,
    to_id integer not null,
    amount integer not null,
    currency text not null,
    at integer not null,
    note text not null
) strict;
create index transfer_to on transfer (to_kind, to_id, id);

-- Rows are never deleted. What an operator did stays his.
create table operator (
    id integer primary key,
    username text not null unique,
    -- Argon2id in the PHC string format, with its own salt and parameters.
    password text not null,
    -- SHA-256 of the admin API key; null: none.
    admin_key blob unique,
    role integer not null,
    standing integer not null,
    opened_at integer not null,
    password_changed_at integer not null,
    -- A session that did not begin after this is over.
    sessions_since integer not null
) strict;

-- No reference to the customer and the service, nor from an attempt to its order and provider account: each would
-- be looked up for every add (0.2 us); all were read or written by the decision and are never deleted, and the
-- audit asks for them.
create table orders (
    id integer primary key,
    customer integer not null,
    service integer not null,
    status integer not null,
    kind integer not null,
    part integer not null,
    quantity integer not null,
    remains integer not null,
    currency text not null,
    rate integer not null,
    price_version integer not null,
    charge integer not null,
    debited integer not null,
    returned integer not null,
    refunded integer not null,
    -- What is left of `debited`. What was earned is the rest, so that an end makes the row shorter, not longer.
    in_flight integer not null,
    entries integer not null,
    guarded integer not null,
    -- Refills and cancels there are: 0 spares two look-ups.
    requests integer not null,
    accepted_at integer not null,
    -- As long as the order is open: when it was accepted, so that the row keeps its length.
    ended_at integer not null,
    start_count integer,
    parent integer,
    part_number integer,
    hold_at integer,
    -- The hashes of idempotency key and parameters, 16 bytes each.
    mark blob,
    link text,
    kind_details text,
    part_details text,
    hold text,
    -- Given back by the first change: a page full of new orders need not be split when they move on.
    room blob,
    check (refunded >= 0 and refunded <= charge)
) strict;
create index open_orders on orders (id) where status <= 3;
create index held_orders on orders (id) where hold_at is not null;

create table attempt (
    order_id integer not null,
    number integer not null,
    purpose integer not null,
    account integer not null,
    service text not null,
    expected_cost integer not null,
    booked_cost integer not null,
    currency text not null,
    entries integer not null,
    state integer not null,
    -- When it is due, or since when it is in this state, for the states that say so.
    state_at integer,
    planned_at integer not null,
    provider_order text,
    details text,
    -- Asked back from the provider by the panel itself; null in nearly every row.
    recall text,
    room blob,
    primary key (order_id, number)
) strict, without rowid;
-- A provider's order belongs to one attempt (invariants.md I16).
create unique index attempt_claim on attempt (account, provider_order) where provider_order is not null;
-- Unknown (6) and absent (8): few, and asked for by account.
create index attempt_doubt on attempt (account, state, state_at) where state in (6, 8);
create index open_recall on attempt (order_id) where recall is not null;

create table refill (
    id integer primary key,
    order_id integer not null references orders (id),
    state integer not null,
    due integer,
    provider_refill text,
    tries integer not null,
    requested_at integer not null,
    ended_at integer
) strict;
create index refill_order on refill (order_id, id);
create index open_refill on refill (order_id) where state <= 3;

create table cancel (
    id integer primary key,
    order_id integer not null references orders (id),
    state integer not null,
    due integer,
    provider_cancel text,
    tries integer not null,
    requested_at integer not null,
    ended_at integer
) strict;
create index cancel_order on cancel (order_id, id);

-- The ledger. Keyed by cause, so that an order's entries lie together and no second tree is written; that
-- numbers are dense is checked by the audit, batch by batch.
create table entry (
    cause_id integer not null,
    cause_kind integer not null,
    cause_part integer not null,
    sequence integer not null,
    number integer not null,
    from_kind integer not null,
    from_id integer not null,
    to_kind integer not null,
    to_id integer not null,
    amount integer not null,
    currency text not null,
    primary key (cause_id, cause_kind, cause_part, sequence),
    check (amount > 0)
) strict, without rowid;

-- What the ledger has at each provider account, folded to one change per batch: a checkpoint of the only system
-- account that pages ask for. The audit adds it up again.
create table prepaid (
    account integer primary key references provider (id),
    amount integer not null
) strict;

-- The older part of an index that is kept in memory, when it outgrows its limit: runs in key order.
create table spill (
    kind integer not null,
    run integer not null,
    last_order integer not null,
    primary key (kind, run)
) strict, without rowid;
create table spilled (
    kind integer not null,
    run integer not null,
    fingerprint integer not null,
    order_id integer not null,
    primary key (kind, run, fingerprint, order_id)
) strict, without rowid;
