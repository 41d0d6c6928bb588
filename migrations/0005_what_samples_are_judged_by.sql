-- What the next sample of a device is judged by, copied from its newest one: reading it there would have every recording
-- transaction plan over all partitions. Null before this migration, and then nothing is concluded from it.
alter table latest
    add column latitude double precision,
    add column longitude double precision,
    add column pm2_5 real,
    add column pm10 real,
    -- Whether the sensor told the time itself.
    add column exact_time boolean,
    -- Since when PM2.5 and PM10 have been what they are.
    add column steady_since timestamptz;

-- The newest CleanCycle packet of each device: the packet after it may show that its tail was misplaced.
create table packet (
    device_id bigint primary key references device,
    frame_counter bigint not null,
    received_at timestamptz not null,
    uplink_id uuid not null,
    -- The times of its first sample, whose position is absolute, and of its last one.
    first_at timestamptz not null,
    last_at timestamptz not null,
    -- Where it ended.
    latitude double precision not null,
    longitude double precision not null
) with (fillfactor = 50); -- updated all the time, in place (HOT)
