-- Version 2: the archive, for finished orders that nothing moves any more (postgres/archive.rs). Its columns are those of
-- the tables they come from, in their order: a step that adds one adds it to both. An order is in one place with all
-- that hangs on it; its entries stay in the ledger, which is never moved. Indexed is only what is asked for: an order's
-- number, and who owns a provider's order (invariants.md I16). No table there was is changed or locked: a node of the
-- version before goes on.

create table archived_orders (like orders including constraints);
alter table archived_orders add primary key (id, customer);

create table archived_attempt (like attempt);
alter table archived_attempt add primary key (order_id, number, customer);
create unique index archived_claim on archived_attempt (account, provider_order) where provider_order is not null;

create table archived_refill (like refill);
alter table archived_refill add primary key (id, customer);
create index archived_refill_order on archived_refill (order_id, id);

create table archived_cancel (like cancel);
alter table archived_cancel add primary key (id, customer);
create index archived_cancel_order on archived_cancel (order_id, id);

-- Who finds orders in the archive: a node writes its epoch here when it starts. Nobody moves an order as long as a node
-- is alive that has not, for it would deny the order. And how many each has moved, less what it has brought back.
create table archive (
    node integer primary key,
    epoch integer not null,
    orders bigint not null
);
