-- What an hour comes to, of each device and of each place: kept up to date by whatever stores or takes back measurements, in
-- the same transaction. A row is there where and only where there is at least one measurement, and always equals what the
-- rows of measurement come to. A gateway from before these tables would store measurements that they miss: stop it before
-- this migration. Partitioned by month like measurement; the partitions are made together (src/db/partition.rs).
create table device_hour (
    device_id bigint not null,
    -- The first moment of the hour, UTC.
    hour timestamptz not null,
    -- Measurements, whatever they tell.
    count integer not null default 0,
    -- Of each particulate quantity, micrograms per cubic metre: how many of the measurements tell it, the sum of their
    -- values (as the decimals that were sent: 12.4) and that of the squares, the least and the greatest one; null where none
    -- does.
    pm1_count integer not null default 0,
    pm1_sum double precision not null default 0,
    pm1_sum_of_squares double precision not null default 0,
    pm1_min real,
    pm1_max real,
    pm2_5_count integer not null default 0,
    pm2_5_sum double precision not null default 0,
    pm2_5_sum_of_squares double precision not null default 0,
    pm2_5_min real,
    pm2_5_max real,
    pm4_count integer not null default 0,
    pm4_sum double precision not null default 0,
    pm4_sum_of_squares double precision not null default 0,
    pm4_min real,
    pm4_max real,
    pm10_count integer not null default 0,
    pm10_sum double precision not null default 0,
    pm10_sum_of_squares double precision not null default 0,
    pm10_min real,
    pm10_max real,
    primary key (device_id, hour)
) partition by range (hour);

-- The same of the measurements that have a position.
create table cell_hour (
    -- The H3 cell at resolution 9 (about 200 m) that holds measurement.cell by its index.
    cell bigint not null,
    hour timestamptz not null,
    count integer not null default 0,
    pm1_count integer not null default 0,
    pm1_sum double precision not null default 0,
    pm1_sum_of_squares double precision not null default 0,
    pm1_min real,
    pm1_max real,
    pm2_5_count integer not null default 0,
    pm2_5_sum double precision not null default 0,
    pm2_5_sum_of_squares double precision not null default 0,
    pm2_5_min real,
    pm2_5_max real,
    pm4_count integer not null default 0,
    pm4_sum double precision not null default 0,
    pm4_sum_of_squares double precision not null default 0,
    pm4_min real,
    pm4_max real,
    pm10_count integer not null default 0,
    pm10_sum double precision not null default 0,
    pm10_sum_of_squares double precision not null default 0,
    pm10_min real,
    pm10_max real,
    primary key (cell, hour)
) partition by range (hour);

-- Rows on their way there.
create type new_device_hour as (
    device_id bigint,
    hour timestamptz,
    count integer,
    pm1_count integer,
    pm1_sum double precision,
    pm1_sum_of_squares double precision,
    pm1_min real,
    pm1_max real,
    pm2_5_count integer,
    pm2_5_sum double precision,
    pm2_5_sum_of_squares double precision,
    pm2_5_min real,
    pm2_5_max real,
    pm4_count integer,
    pm4_sum double precision,
    pm4_sum_of_squares double precision,
    pm4_min real,
    pm4_max real,
    pm10_count integer,
    pm10_sum double precision,
    pm10_sum_of_squares double precision,
    pm10_min real,
    pm10_max real
);

create type new_cell_hour as (
    cell bigint,
    hour timestamptz,
    count integer,
    pm1_count integer,
    pm1_sum double precision,
    pm1_sum_of_squares double precision,
    pm1_min real,
    pm1_max real,
    pm2_5_count integer,
    pm2_5_sum double precision,
    pm2_5_sum_of_squares double precision,
    pm2_5_min real,
    pm2_5_max real,
    pm4_count integer,
    pm4_sum double precision,
    pm4_sum_of_squares double precision,
    pm4_min real,
    pm4_max real,
    pm10_count integer,
    pm10_sum double precision,
    pm10_sum_of_squares double precision,
    pm10_min real,
    pm10_max real
);

-- The months that there are, filled from what is stored.
do $$
declare
    names text;
    summaries text;
    stored record;
    rollup record;
begin
    lock table measurement in share row exclusive mode;
    select string_agg(format('%1$s_count, %1$s_sum, %1$s_sum_of_squares, %1$s_min, %1$s_max', pm), ', '),
           string_agg(format('count(%1$s), coalesce(sum(%1$s::text::float8), 0), coalesce(sum(%1$s::text::float8 ^ 2), 0),
                              min(%1$s), max(%1$s)', pm), ', ')
    into names, summaries
    from unnest(array['pm1', 'pm2_5', 'pm4', 'pm10']) as pm;
    for stored in
        select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'measurement'::regclass
        order by c.relname
    loop
        for rollup in
            select * from (values
                ('device_hour', 'device_id', 'device_id', 'true'),
                -- The ancestor at resolution 9: another resolution (bits 52 to 55), and no digits after the ninth.
                ('cell_hour', 'cell', '(cell & ~(15::bigint << 52)) | (9::bigint << 52) | ((1 << 18) - 1)', 'cell is not null')
            ) as rollup (name, key, expression, which)
        loop
            execute format('create table %I partition of %I %s with (fillfactor = 80)',
                           rollup.name || substr(stored.name, length('measurement') + 1), rollup.name, stored.bounds);
            execute format('insert into %I (%I, hour, count, %s)
                            select %s, date_trunc(''hour'', measured_at, ''UTC''), count(*), %s
                            from %I where %s group by 1, 2',
                           rollup.name, rollup.key, names, rollup.expression, summaries, stored.name, rollup.which);
        end loop;
    end loop;
end
$$;
