-- The tables of a panel script, as they are usually made: money as decimals, an index for every question of its pages.
create schema peer;
create table peer.users (
    id serial primary key,
    username text not null,
    api_key text not null unique,
    balance numeric(20, 6) not null,
    status text not null default 'active'
);
create table peer.services (
    id serial primary key,
    name text not null,
    min integer not null,
    max integer not null,
    rate numeric(20, 6) not null,
    status text not null default 'active'
);
create table peer.orders (
    id bigserial primary key,
    user_id integer not null references peer.users (id),
    service_id integer not null references peer.services (id),
    link text not null,
    quantity integer not null,
    charge numeric(20, 6) not null,
    start_count integer,
    remains integer not null,
    status text not null default 'pending',
    created_at timestamptz not null default now()
);
create index orders_user on peer.orders (user_id);
create index orders_link on peer.orders (service_id, link);
create index orders_status on peer.orders (status);
create table peer.transactions (
    id bigserial primary key,
    user_id integer not null references peer.users (id),
    order_id bigint references peer.orders (id),
    amount numeric(20, 6) not null,
    balance numeric(20, 6) not null,
    created_at timestamptz not null default now()
);
create index transactions_user on peer.transactions (user_id);
insert into peer.users (username, api_key, balance)
    select 'customer ' || n, lpad(n::text, 32, '0'), 1000000 from generate_series(0, 999) as n;
insert into peer.services (name, min, max, rate) values ('Followers', 10, 1000000, 0.9);
