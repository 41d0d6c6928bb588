-- Versions of rows for the recorder's cache, in place of transaction ids (xmin), which Citus does not have across shards.

alter table latest add column version bigint;
alter table packet add column version bigint;
comment on column latest.version is
    'Random number of the statement that wrote the row last. Unchanged as long as the row is. Null before migration 0018.';
comment on column packet.version is 'Like latest.version.';

-- A gateway of an earlier version can write neither of these rows from here on, and so stores no measurements.
alter type new_latest add attribute version bigint;
alter type new_packet add attribute version bigint;

-- Whether each visible row of the feed has all rows of its transaction visible beside it. With prepared transactions,
-- which Citus uses, the feed's row is visible a moment before rows of other servers. The lock of next_feed_number() is
-- released after those, so the newest row is whole when the lock is free; the others are whole in any case.
create function is_feed_whole() returns boolean language plpgsql volatile as $$
begin
    if current_setting('max_prepared_transactions') = '0'
        and not exists (select from pg_extension where extname = 'citus') then
        return true;
    end if;
    -- One expression, so that the lock can't be kept. A lock of the transaction would be held while rows are sent.
    return case when pg_try_advisory_lock_shared(107105518813190)
                then pg_advisory_unlock_shared(107105518813190) else false end;
end
$$;

-- Waits until the transactions that have a number of the feed are visible everywhere. The lock is released at once: the
-- exception rolls back the block that took it.
create function wait_for_feed_commits() returns void language plpgsql volatile as $$
begin
    perform pg_advisory_xact_lock_shared(107105518813190);
    raise sqlstate 'AG001';
exception
    when sqlstate 'AG001' then return;
end
$$;
