-- Months whose measurements are in an archive and were removed from the database (`airgraph archive --prune`). Their rows of
-- device_hour and cell_hour stay, and so does the newest measurement of each device in the month, which latest may refer to.
create table pruned_month (
    -- First day of the month, UTC.
    month date primary key check (month = date_trunc('month', month)::date),
    -- When its measurements were removed. Null while they are verified: from then on none is added or removed.
    pruned_at timestamptz,
    -- Number of its measurements in the archive.
    measurements bigint not null,
    -- SHA-256 of the archive's file, in hexadecimal.
    sha256 text not null
);

-- Trigger of partitions of measurement that have contained a pruned month. A rollup can't be kept right there: a sample may be
-- one that was removed, and a recomputed hour would lack the removed rows. An update is ignored, so that the row stays the one
-- in the archive.
create function protect_pruned_month() returns trigger language plpgsql as $$
declare
    sample_time timestamptz := case tg_op when 'INSERT' then new.measured_at else old.measured_at end;
begin
    if coalesce(current_setting('airgraph.changes_pruned_month', true), '') <> 'on'
       and exists (select from pruned_month where month = date_trunc('month', sample_time at time zone 'UTC')::date) then
        if tg_op = 'UPDATE' then
            return null;
        end if;
        raise exception 'the measurements of % are in an archive', to_char(sample_time at time zone 'UTC', 'YYYY-MM')
            using errcode = 'check_violation', constraint = 'measurement_not_in_pruned_month';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end
$$;
