-- What arrived, verbatim, whether or not it could be decoded. Partitioned by month, so that old months can be dropped.
create table uplink (
    -- A UUIDv7 whose time is received_at, to the millisecond.
    uplink_id uuid not null,
    received_at timestamptz not null,
    -- The name of the decoder in src/ingest, such as 'ttn-v2'.
    format text not null,
    -- The one device it spoke of; null for none (not decoded) and for several.
    device_id bigint,
    -- The key that vouched for it; null for what the gateway made itself (airgraph demo).
    api_key_id bigint,
    -- What named the device outside the body (a header, the path), and the kind of event that the query told.
    named text,
    event text,
    -- LoRaWAN frame counter, where the network server told it.
    frame_counter bigint,
    body bytea not null,
    -- recorded: decoded and stored (perhaps all duplicates); undecodable: kept for a replay, see error.
    outcome text not null constraint uplink_outcome_known check (outcome in ('recorded', 'undecodable')),
    error text,
    recorded integer not null,
    duplicates integer not null,
    rejected integer not null,
    primary key (received_at, uplink_id)
) partition by range (received_at);

create index uplink_device on uplink (device_id, received_at);
