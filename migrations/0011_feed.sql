-- What was committed, batch after batch, for those who follow it.
create sequence feed_number;

-- Gives a batch its number, and says that there is a new one. Called last in a transaction: the lock is held until its end,
-- so that numbers are given in the order of the commits, and whoever has seen a number never sees a new one below it. Numbers
-- may be left out. Postgres itself lets only one transaction at a time commit a notification, so the lock costs no more.
create function next_feed_number() returns bigint language plpgsql volatile as $$
begin
    perform pg_advisory_xact_lock(107105518813190); -- 0x6169_7267_0006, see src/db/feed/mod.rs
    perform pg_notify('airgraph_feed', '');
    return nextval('feed_number');
end
$$;

-- A gateway from before this table would record past it: stop it before this migration.
create table feed (
    number bigint primary key default next_feed_number(),
    committed_at timestamptz not null default clock_timestamp(),
    -- The keys of the measurements that were stored, packed (src/db/feed/keys.rs).
    recorded bytea not null,
    -- Devices that were changed in another way: registered, updated, measurements taken back.
    changed bigint[] not null
);
-- Packed already.
alter table feed alter column recorded set storage external;

-- Everything up to this number was forgotten: one row.
create table feed_forgotten (
    number bigint not null,
    only_row boolean primary key default true check (only_row)
);
insert into feed_forgotten (number) values (0);

-- A row on its way into the table, as in 0008.
create type new_feed as (
    recorded bytea,
    changed bigint[]
);
