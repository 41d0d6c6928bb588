-- A sensor device. The rows are few (thousands) and never deleted: measurements refer to them.
create table device (
    device_id bigint generated always as identity primary key,
    -- What the sensor calls itself. Compared and sorted by bytes, the same on every machine.
    key text collate "C" not null constraint device_key_unique unique,
    name text,
    kind text not null constraint device_kind_known check (kind in ('mobile', 'fixed')),
    -- Where a fixed device stands, in degrees (WGS 84); both or neither.
    latitude double precision constraint device_latitude_valid check (latitude between -90 and 90),
    longitude double precision constraint device_longitude_valid check (longitude >= -180 and longitude < 180),
    -- What its data may be used for, and who is to be named when they are.
    licence text,
    attribution text,
    created_at timestamptz not null,
    constraint device_position_whole check ((latitude is null) = (longitude is null))
);

create index device_created_at on device (created_at, device_id);
