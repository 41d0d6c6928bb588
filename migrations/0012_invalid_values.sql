-- Hourly rollups hold valid values only: those in the range of their quantity. Positions at (0, 0) count in no cell. The rules are
-- those of src/domain/validity.rs; the ranges below are the ones that this version has.
-- Only hours that hold a flagged measurement are recomputed. A gateway from before this migration would go on to add invalid
-- values: stop it before this migration.
do $$
declare
    columns text;
    recomputed text;
    summaries text;
    invalid text;
    stored text;
    first_hour timestamptz;
    last_hour timestamptz;
    index_name regclass;
begin
    lock table measurement in share row exclusive mode;
    -- Measurements in `count` that are flagged OUT_OF_RANGE and have no valid value that describes the air. An hour with no others
    -- is not covered.
    alter table device_hour add column invalid_count integer not null default 0;
    alter table cell_hour add column invalid_count integer not null default 0;
    alter type new_device_hour add attribute invalid_count integer;
    alter type new_cell_hour add attribute invalid_count integer;

    select string_agg(format('%1$s_count, %1$s_sum, %1$s_sum_of_squares, %1$s_min, %1$s_max', pm), ', '),
           string_agg(format('r.%1$s_count, r.%1$s_sum, r.%1$s_sum_of_squares, r.%1$s_min, r.%1$s_max', pm), ', '),
           string_agg(format($sql$
               count(m.%1$s) filter (where m.%1$s between 0::real and 999.9::real),
               coalesce(sum(m.%1$s::text::float8) filter (where m.%1$s between 0::real and 999.9::real), 0),
               coalesce(sum(m.%1$s::text::float8 ^ 2) filter (where m.%1$s between 0::real and 999.9::real), 0),
               min(m.%1$s) filter (where m.%1$s between 0::real and 999.9::real),
               max(m.%1$s) filter (where m.%1$s between 0::real and 999.9::real)$sql$, pm), ', ')
    into columns, recomputed, summaries
    from unnest(array['pm1', 'pm2_5', 'pm4', 'pm10']) as pm;

    -- 1 is OUT_OF_RANGE. Weather and gases are looked up only for measurements that have it.
    invalid := $sql$
        m.flags & 1 <> 0
        and (m.pm1 between 0::real and 999.9::real or m.pm2_5 between 0::real and 999.9::real
             or m.pm4 between 0::real and 999.9::real or m.pm10 between 0::real and 999.9::real) is not true
        and (select w.temperature between -40 and 125 or w.ambient_temperature between -90 and 60
                    or w.humidity between 0 and 100 or w.dew_point between -90 and 60 or w.pressure between 300 and 1100
                    or w.wind_speed between 0 and 120 or w.wind_gust between 0 and 120 or w.wind_direction between 0 and 360
                    or w.rain between 0 and 2000 or w.sunshine between 0 and 24
             from weather w
             where w.device_id = m.device_id and w.measured_at = m.measured_at and w.seq = m.seq) is not true
        and (select a.co2 between 0 and 40000 or a.no2 between 0 and 2000 or a.o3 between 0 and 2000
                    or a.co between 0 and 1000 or a.voc_index between 0 and 500 or a.nox_index between 0 and 500
                    or a.particles_0_3 between 0 and 65535 or a.noise between 0 and 200 or a.illuminance between 0 and 200000
             from ambient a
             where a.device_id = m.device_id and a.measured_at = m.measured_at and a.seq = m.seq) is not true
    $sql$;

    create temporary table flagged_device_hour (device_id bigint, hour timestamptz) on commit drop;
    create temporary table flagged_cell_hour (cell bigint, hour timestamptz) on commit drop;
    for stored in
        select c.relname
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'measurement'::regclass
        order by c.relname
    loop
        truncate flagged_device_hour, flagged_cell_hour;
        execute format($sql$
            insert into flagged_device_hour
            select distinct device_id, date_trunc('hour', measured_at, 'UTC') from %I where flags & 1 <> 0 order by 2, 1
        $sql$, stored);
        -- 4 is NULL_ISLAND. The ancestor at resolution 9 is as in 0010.
        execute format($sql$
            insert into flagged_cell_hour
            select distinct (cell & ~(15::bigint << 52)) | (9::bigint << 52) | ((1 << 18) - 1),
                   date_trunc('hour', measured_at, 'UTC')
            from %I where flags & 5 <> 0 and cell is not null
        $sql$, stored);
        select min(hour), max(hour) into first_hour, last_hour
        from (select hour from flagged_device_hour union all select hour from flagged_cell_hour) as flagged;
        continue when first_hour is null;
        analyze flagged_device_hour;
        analyze flagged_cell_hour;
        -- The primary key gives the rows of a device's hour. Those of cells are found by equality: the month is read once.
        execute format($sql$
            update device_hour h set (count, %s, invalid_count) = row (r.count, %s, r.invalid_count)
            from (
                select f.device_id, f.hour, count(*) as count, %s, count(*) filter (where %s) as invalid_count
                from flagged_device_hour f
                cross join lateral (
                    select * from %I m
                    where m.device_id = f.device_id and m.measured_at >= f.hour
                      and m.measured_at < f.hour + interval '1 hour' offset 0
                ) as m
                group by f.device_id, f.hour
            ) as r (device_id, hour, count, %s, invalid_count)
            where h.device_id = r.device_id and h.hour = r.hour and h.hour between %L and %L
        $sql$, columns, recomputed, summaries, invalid, stored, columns, first_hour, last_hour);
        execute format($sql$
            update cell_hour h set (count, %s, invalid_count) = row (r.count, %s, r.invalid_count)
            from (
                select f.cell, f.hour, count(m.device_id) as count, %s, count(*) filter (where %s) as invalid_count
                from flagged_cell_hour f
                left join %I m on ((m.cell & ~(15::bigint << 52)) | (9::bigint << 52) | ((1 << 18) - 1)) = f.cell
                    and date_trunc('hour', m.measured_at, 'UTC') = f.hour and m.flags & 4 = 0
                group by f.cell, f.hour
            ) as r (cell, hour, count, %s, invalid_count)
            where h.cell = r.cell and h.hour = r.hour and h.hour between %L and %L
        $sql$, columns, recomputed, summaries, invalid, stored, columns, first_hour, last_hour);
        delete from cell_hour h using flagged_cell_hour f
        where h.cell = f.cell and h.hour = f.hour and h.count = 0 and h.hour between first_hour and last_hour;
    end loop;

    -- The indexes of months that are over lack the new column. The gateway makes them anew while it serves.
    for index_name in
        select c.oid::regclass
        from pg_inherits i join pg_index x on x.indrelid = i.inhrelid join pg_class c on c.oid = x.indexrelid
        where i.inhparent = 'cell_hour'::regclass and c.relname like 'cell\_hour\_%\_whole'
    loop
        execute format('drop index %s', index_name);
    end loop;
end
$$;
