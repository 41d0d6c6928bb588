-- Rows on their way into the tables of these names. An array of rows is one value and one scan where a column each would be
-- a dozen, which is most of what a small insert costs. Types of their own and not those of the tables, so that a gateway
-- can go on while a newer one adds columns.
create type new_measurement as (
    device_id bigint,
    measured_at timestamptz,
    seq integer,
    recorded_at timestamptz,
    uplink_id uuid,
    latitude double precision,
    longitude double precision,
    cell bigint,
    flags integer,
    time_uncertainty_s integer,
    pm1 real,
    pm2_5 real,
    pm4 real,
    pm10 real
);

create type new_latest as (
    device_id bigint,
    measured_at timestamptz,
    seq integer,
    latitude double precision,
    longitude double precision,
    pm2_5 real,
    pm10 real,
    exact_time boolean,
    steady_since timestamptz
);

create type new_packet as (
    device_id bigint,
    frame_counter bigint,
    received_at timestamptz,
    uplink_id uuid,
    first_at timestamptz,
    last_at timestamptz,
    latitude double precision,
    longitude double precision
);

create type new_uplink as (
    uplink_id uuid,
    received_at timestamptz,
    format text,
    device_id bigint,
    api_key_id bigint,
    named text,
    event text,
    frame_counter bigint,
    body bytea,
    outcome text,
    error text,
    recorded integer,
    duplicates integer,
    rejected integer
);
