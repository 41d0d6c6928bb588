-- A transaction of several statements takes its feed number inside its commit. Before this, it held the lock of
-- next_feed_number() from its last statement to the arrival of COMMIT: a gateway that froze in between kept all others from
-- recording.

-- Temporary numbers, negative, of rows that are not committed yet. No reader ever sees one.
create sequence feed_draft_number;

-- Inserts into the feed go through this view, except those of a transaction that consists of one statement, whose commit
-- follows without another message from the gateway.
create view feed_at_commit as select number, recorded, changed from feed;
alter view feed_at_commit alter column number set default -nextval('feed_draft_number');

create function number_feed_row() returns trigger language plpgsql as $$
declare
    committed_number bigint := next_feed_number();
begin
    update feed set number = committed_number, committed_at = clock_timestamp() where number = new.number;
    return null;
end
$$;

-- Deferred triggers run inside COMMIT, so the lock of next_feed_number() is held while Postgres commits and no longer.
create constraint trigger feed_number_at_commit after insert on feed
    deferrable initially deferred
    for each row when (new.number < 0) execute function number_feed_row();
