-- Version 5: the archive, for finished orders that nothing moves any more (sqlite/archive.rs). The columns are those of
-- the tables they come from, but for the room that only a row under way needs. An order is in one place with all that
-- hangs on it; its entries stay in the ledger, which is never moved. Indexed is only what is asked for: an order's
-- number, and who owns a provider's order (invariants.md I16).

create table archived_orders (
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
    in_flight integer not null,
    entries integer not null,
    guarded integer not null,
    requests integer not null,
    accepted_at integer not null,
    ended_at integer not null,
    start_count integer,
    parent integer,
    part_number integer,
    hold_at integer,
    mark blob,
    link text,
    kind_details text,
    part_details text,
    hold text,
    check (refunded >= 0 and refunded <= charge)
) strict;

create table archived_attempt (
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
    state_at integer,
    planned_at integer not null,
    provider_order text,
    details text,
    recall text,
    primary key (order_id, number)
) strict, without rowid;
create unique index archived_claim on archived_attempt (account, provider_order) where provider_order is not null;

create table archived_refill (
    id integer primary key,
    order_id integer not null,
    state integer not null,
    due integer,
    provider_refill text,
    tries integer not null,
    requested_at integer not null,
    ended_at integer
) strict;
create index archived_refill_order on archived_refill (order_id, id);

create table archived_cancel (
    id integer primary key,
    order_id integer not null,
    state integer not null,
    due integer,
    provider_cancel text,
    tries integer not null,
    requested_at integer not null,
    ended_at integer
) strict;
create index archived_cancel_order on archived_cancel (order_id, id);

-- How many orders the archive holds; the audit counts again.
alter table node add column archived integer not null default 0;
