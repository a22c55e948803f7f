-- The books of one or more nodes in one schema of a PostgreSQL database, version 1. Later versions are steps of their
-- own, in files beside this one: postgres-archive.sql (2). Version: table schema_version, see postgres/schema.rs.
--
-- Names and codes are those of panelworks.sql, so that questions can be asked of both in the same words. Codes stand
-- in codes.rs and panelworks-core's ledger.rs; they are for ever. Amounts are micro-units, times milliseconds since
-- 1970. Details are JSON as text: it comes back byte for byte, and may hold every character.
--
-- Keys of the tables that grow begin with the id and include the customer, so that they can be partitioned or
-- sharded by either. What an index or its predicate names changes rarely (`open`, `doubt`): all other updates stay
-- within their page. No foreign keys on those tables: each would be a look-up per row; both sides were read by the
-- decision and are never deleted, and the audit asks for them. No sequences, no triggers, no rules.

-- One row: the ledger's name, the same in all its copies.
create table ledger (
    only_one smallint primary key check (only_one = 1),
    name uuid not null,
    -- Where the books were carried to; nothing starts on those that are left. See carry.rs.
    moved_to text
);

-- Who writes. Each has a stream of its own: batches, chain, entry numbers, id blocks, sub-accounts.
create table node (
    id integer primary key,
    -- Raised by every start; nothing of an older epoch commits after it.
    epoch integer not null,
    -- By this name a start finds its node again; no two running panels share one. Null: another node took it over.
    holder text unique,
    -- The node that works on what this one has accepted: itself, or the one that took it over.
    worked_by integer not null,
    -- By the clock of the database. Afterwards any start may take the node over.
    lease_until timestamptz not null
);

-- How often busy customers called each node lately, so that a limit holds over all of them; postgres/paces.rs. Not
-- logged: what a crash of the server takes, nobody misses.
create unlogged table pace (
    node integer primary key,
    epoch integer not null,
    rounds text not null
);

-- Ids are handed to nodes in blocks: `next_id` is the first that nobody has. Kinds: postgres/blocks.rs.
create table id_sequence (
    kind smallint primary key,
    next_id bigint not null
);
create table id_block (
    kind smallint not null,
    first_id bigint not null,
    last_id bigint not null,
    node integer not null references node (id),
    primary key (kind, first_id)
);
create index id_block_of_node on id_block (node, kind, first_id);

-- The proof that a commit happened, and a link of the chain over all entries of its node. The first link of an epoch
-- follows the last one of the epoch before. Written first in its transaction, completed last: a committed row has no
-- nulls.
create table batch (
    node integer not null,
    epoch integer not null,
    sequence bigint not null,
    at bigint not null,
    -- Place in the node's stream, from 1 without gaps.
    place bigint,
    -- Number of the node's last entry up to here.
    last_entry bigint,
    -- Orders the node has taken since this batch.
    orders bigint,
    link uuid,
    -- What other nodes must hear of it, postgres/news.rs; null in nearly every row. A node's batches are committed in
    -- the order of their numbers, so its news can be read after a place.
    news text,
    primary key (node, epoch, sequence)
);
create index batch_news on batch (node, epoch, sequence) where news is not null;

create table account (
    customer integer primary key,
    currency text not null,
    balance bigint not null,
    credit_limit bigint not null,
    standing smallint not null,
    -- A second wall: an active account is never below its limit (invariants.md C1).
    check (balance >= -credit_limit or standing <> 1)
) with (fillfactor = 50);

-- `revision` moves with every change: a writer that read an older one writes nothing.
create table customer (
    id integer primary key references account (customer),
    revision bigint not null,
    details text not null
);

create table api_key (
    hash bytea primary key,
    customer integer not null references account (customer),
    label text not null,
    revoked boolean not null
);

create table service (
    id integer primary key,
    revision bigint not null,
    details text not null
);

create table price (
    service integer not null references service (id),
    version integer not null,
    rate bigint not null,
    since bigint not null,
    primary key (service, version)
);

create table provider (
    id integer primary key,
    revision bigint not null,
    -- Encrypted; `details` has it empty.
    sealed_key bytea not null,
    details text not null
);

create table transfer (
    id integer primary key,
    to_kind smallint not null,
    to_id integer not null,
    amount bigint not null,
    currency text not null,
    at bigint not null,
    note text not null
);
create index transfer_to on transfer (to_kind, to_id, id);

-- Rows are never deleted. What an operator did stays his.
create table operator (
    id integer primary key,
    username text not null unique,
    -- Argon2id in the PHC string format, with its own salt and parameters.
    password text not null,
    -- SHA-256 of the admin API key; null: none.
    admin_key bytea unique,
    role smallint not null,
    standing smallint not null,
    opened_at bigint not null,
    password_changed_at bigint not null,
    -- A session that did not begin after this is over.
    sessions_since bigint not null
);

create table orders (
    quantity bigint not null,
    remains bigint not null,
    rate bigint not null,
    charge bigint not null,
    debited bigint not null,
    returned bigint not null,
    refunded bigint not null,
    -- What is left of `debited`; what was earned is the rest.
    in_flight bigint not null,
    accepted_at bigint not null,
    -- As long as the order is open: when it was accepted.
    ended_at bigint not null,
    id integer not null,
    customer integer not null,
    service integer not null,
    -- The node that works on it.
    node integer not null,
    price_version integer not null,
    entries integer not null,
    status smallint not null,
    kind smallint not null,
    part smallint not null,
    open boolean not null,
    guarded boolean not null,
    currency text not null,
    start_count bigint,
    hold_at bigint,
    parent integer,
    part_number integer,
    -- The normalised link or username of a guarded order: the first 16 bytes of its SHA-256. Nobody finds two that
    -- share one, and whoever did would only stand in his own way.
    guard uuid,
    -- The hashes of idempotency key and parameters, 16 bytes each.
    mark bytea,
    link text,
    kind_details text,
    part_details text,
    hold text,
    primary key (id, customer),
    check (refunded >= 0 and refunded <= charge)
) with (fillfactor = 85);
create index orders_of_customer on orders (customer, id);
create index open_orders on orders (node, id) where open;
create index held_orders on orders (id) where hold_at is not null;
-- A customer's open guarded orders of one service are on different links (domain.md, Duplicate guard).
create unique index guarded_orders on orders (customer, service, guard) where open and guard is not null;

-- What an idempotency key made, for a day; swept afterwards.
create table idempotency (
    customer integer not null,
    key uuid not null,
    parameters uuid not null,
    order_id integer not null,
    accepted_at bigint not null,
    primary key (customer, key)
);
create index idempotency_age on idempotency (accepted_at);

create table attempt (
    expected_cost bigint not null,
    booked_cost bigint not null,
    planned_at bigint not null,
    -- When it is due, or since when it is in this state, for the states that say so.
    state_at bigint,
    order_id integer not null,
    customer integer not null,
    purpose bigint not null,
    account integer not null,
    entries integer not null,
    number integer not null,
    state smallint not null,
    -- Unknown (6) or absent (8): few, and asked for by account.
    doubt boolean not null,
    currency text not null,
    service text not null,
    provider_order text,
    details text,
    -- Asked back from the provider by the panel itself; null in nearly every row.
    recall text,
    primary key (order_id, number, customer)
) with (fillfactor = 80);
-- A provider's order belongs to one attempt (invariants.md I16).
create unique index attempt_claim on attempt (account, provider_order) where provider_order is not null;
create index attempt_doubt on attempt (account) where doubt;
create index open_recall on attempt (order_id) where recall is not null;

create table refill (
    id integer not null,
    order_id integer not null,
    customer integer not null,
    state smallint not null,
    open boolean not null,
    due bigint,
    provider_refill text,
    tries integer not null,
    requested_at bigint not null,
    ended_at bigint,
    primary key (id, customer)
);
create index refill_order on refill (order_id, id);
create index open_refill on refill (order_id) where open;

create table cancel (
    id integer not null,
    order_id integer not null,
    customer integer not null,
    state smallint not null,
    due bigint,
    provider_cancel text,
    tries integer not null,
    requested_at bigint not null,
    ended_at bigint,
    primary key (id, customer)
);
create index cancel_order on cancel (order_id, id);

-- The ledger. Keyed by cause, so that an order's entries lie together; that numbers are dense within a node is
-- checked by the audit, batch by batch. A system account has a sub-account per node: its balance is their sum.
create table entry (
    number bigint not null,
    amount bigint not null,
    node integer not null,
    cause_id integer not null,
    cause_part integer not null,
    sequence integer not null,
    -- Of the order, or of the transfer; 0 where there is none.
    customer integer not null,
    from_id integer not null,
    to_id integer not null,
    cause_kind smallint not null,
    from_kind smallint not null,
    to_kind smallint not null,
    currency text not null,
    primary key (cause_id, cause_kind, cause_part, sequence, customer),
    check (amount > 0)
);

-- What a node's entries have at each provider account, folded to one change per batch; the audit adds it up again.
create table prepaid (
    account integer not null references provider (id),
    node integer not null references node (id),
    amount bigint not null,
    primary key (account, node)
);
