-- A database written by the first commit that could record (3794146): its four migrations without their comments, and rows as
-- its statements wrote them. It has no `ambient`, no rollups and no feed, and the checksums are those of its migrations.
create table device (
    device_id bigint generated always as identity primary key,
    key text collate "C" not null constraint device_key_unique unique,
    name text,
    kind text not null constraint device_kind_known check (kind in ('mobile', 'fixed')),
    latitude double precision constraint device_latitude_valid check (latitude between -90 and 90),
    longitude double precision constraint device_longitude_valid check (longitude >= -180 and longitude < 180),
    licence text,
    attribution text,
    created_at timestamptz not null,
    constraint device_position_whole check ((latitude is null) = (longitude is null))
);

create index device_created_at on device (created_at, device_id);

create table uplink (
    uplink_id uuid not null,
    received_at timestamptz not null,
    format text not null,
    device_id bigint,
    api_key_id bigint,
    frame_counter bigint,
    body bytea not null,
    outcome text not null constraint uplink_outcome_known check (outcome in ('recorded', 'undecodable')),
    error text,
    recorded integer not null,
    duplicates integer not null,
    rejected integer not null,
    primary key (received_at, uplink_id)
) partition by range (received_at);

create index uplink_device on uplink (device_id, received_at);

create table measurement (
    device_id bigint not null,
    measured_at timestamptz not null,
    recorded_at timestamptz not null,
    uplink_id uuid,
    latitude double precision,
    longitude double precision,
    cell bigint,
    seq integer not null,
    flags integer not null,
    time_uncertainty_s integer,
    pm1 real,
    pm2_5 real,
    pm4 real,
    pm10 real,
    primary key (device_id, measured_at, seq)
) partition by range (measured_at);

create index measurement_time on measurement (measured_at, device_id, seq);

create table weather (
    device_id bigint not null,
    measured_at timestamptz not null,
    seq integer not null,
    temperature double precision,
    ambient_temperature double precision,
    humidity double precision,
    dew_point double precision,
    pressure double precision,
    wind_speed double precision,
    wind_gust double precision,
    wind_direction double precision,
    rain double precision,
    sunshine double precision,
    primary key (device_id, measured_at, seq)
) partition by range (measured_at);

create table motion (
    device_id bigint not null,
    measured_at timestamptz not null,
    seq integer not null,
    altitude double precision,
    speed double precision,
    acceleration_x double precision,
    acceleration_y double precision,
    acceleration_z double precision,
    acceleration_magnitude double precision,
    rotation_x double precision,
    rotation_y double precision,
    rotation_z double precision,
    rotation_magnitude double precision,
    primary key (device_id, measured_at, seq)
) partition by range (measured_at);

create table device_status (
    device_id bigint not null,
    measured_at timestamptz not null,
    seq integer not null,
    battery_voltage double precision,
    signal_strength double precision,
    satellites double precision,
    gps_updated double precision,
    sample_counter double precision,
    uptime double precision,
    accelerometer_samples double precision,
    primary key (device_id, measured_at, seq)
) partition by range (measured_at);

create table latest (
    device_id bigint primary key references device,
    measured_at timestamptz not null,
    seq integer not null
) with (fillfactor = 50);

create table api_key (
    api_key_id bigint generated always as identity primary key,
    name text not null,
    role text not null constraint api_key_role_known check (role in ('reader', 'sensor', 'admin')),
    hash bytea not null constraint api_key_hash_unique unique,
    device_id bigint references device,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    constraint api_key_device_of_sensor check (device_id is null or role = 'sensor')
);

create table _sqlx_migrations (
    version bigint primary key,
    description text not null,
    installed_on timestamptz not null default now(),
    success boolean not null,
    checksum bytea not null,
    execution_time bigint not null
);

insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values
    (1, 'device', '2026-04-22T13:24:00Z', true, '\x159d21d3fcb7451acb06ca89e16c4e40132887d1b756924c82556021276134b3e450ec5c199ab1bfab45e9c3b8a93334', 5000000),
    (2, 'uplink', '2026-04-22T13:24:00Z', true, '\x88cc208c6ed88596522abf4eb7e93c56eeb6259207027431625918174395120334e01f24170e7dfd1529ea4a558c425a', 5000000),
    (3, 'measurement', '2026-04-22T13:24:00Z', true, '\x22f072a13b839b5b7ea84a58fd634ebe1eb393b4847502ec02c8f1f1df34805f8a278e9f81ddd02f969dc273d6aaba87', 5000000),
    (4, 'api key', '2026-04-22T13:24:00Z', true, '\x9fbc3244514a7df9f8d0491fd9cabb1aa5a155d0d91d07cb0709eca2554d94e9012d01d0c37ff3929c72c61fb84f5753', 5000000);

create table measurement_2026_03 (like measurement including all);
alter table measurement attach partition measurement_2026_03 for values from ('2026-03-01T00:00:00Z') to ('2026-04-01T00:00:00Z');

create table weather_2026_03 (like weather including all);
alter table weather attach partition weather_2026_03 for values from ('2026-03-01T00:00:00Z') to ('2026-04-01T00:00:00Z');

create table motion_2026_03 (like motion including all);
alter table motion attach partition motion_2026_03 for values from ('2026-03-01T00:00:00Z') to ('2026-04-01T00:00:00Z');

create table device_status_2026_03 (like device_status including all);
alter table device_status attach partition device_status_2026_03 for values from ('2026-03-01T00:00:00Z') to ('2026-04-01T00:00:00Z');

create table measurement_2026_04 (like measurement including all);
alter table measurement attach partition measurement_2026_04 for values from ('2026-04-01T00:00:00Z') to ('2026-05-01T00:00:00Z');

create table weather_2026_04 (like weather including all);
alter table weather attach partition weather_2026_04 for values from ('2026-04-01T00:00:00Z') to ('2026-05-01T00:00:00Z');

create table motion_2026_04 (like motion including all);
alter table motion attach partition motion_2026_04 for values from ('2026-04-01T00:00:00Z') to ('2026-05-01T00:00:00Z');

create table device_status_2026_04 (like device_status including all);
alter table device_status attach partition device_status_2026_04 for values from ('2026-04-01T00:00:00Z') to ('2026-05-01T00:00:00Z');

create table uplink_2026_04 (like uplink including all);
alter table uplink attach partition uplink_2026_04 for values from ('2026-04-01T00:00:00Z') to ('2026-05-01T00:00:00Z');

insert into api_key (name, role, hash, device_id, created_at, expires_at, revoked_at, last_used_at) values
    ('admin', 'admin', '\x940cf18e63e75d153db5d4cd90738958ff11cce74619c095e321fa0f2b8ff8c4', null, '2026-04-22T13:25:00Z', null, null, '2026-04-22T13:33:00Z');

insert into device (key, name, kind, latitude, longitude, licence, attribution, created_at) values
    ('school', 'St Mary''s', 'fixed', 52.2, 0.12, 'CC-BY-4.0', 'The pupils', '2026-04-22T13:26:00Z'),
    ('bike-07', null, 'mobile', null, null, null, null, '2026-04-22T13:30:00.25Z'),
    ('lab', null, 'mobile', null, null, null, null, '2026-04-22T13:31:00Z');

insert into uplink (uplink_id, received_at, format, device_id, api_key_id, frame_counter, body, outcome, error, recorded, duplicates, rejected) values
    ('019db562-20ba-7123-8000-000000000001', '2026-04-22T13:30:00.25Z', 'ttn-v2', 2, 1, 41, '\x7b226170705f6964223a22636c65616e6379636c65222c226465765f6964223a2262696b652d3037222c22636f756e746572223a34312c227061796c6f61645f726177223a2264426d7442347a4e776755416f3531776756417041567767574170473177675841704e647767594170543977675a4170616c77676141706846776762416f414141414141222c226d65746164617461223a7b2274696d65223a22323032362d30342d32325431333a33303a30305a227d7d', 'recorded', null, 8, 0, 0),
    ('019db562-48c4-7123-8000-000000000002', '2026-04-22T13:30:10.5Z', 'ttn-v2', 2, 1, 41, '\x7b226170705f6964223a22636c65616e6379636c65222c226465765f6964223a2262696b652d3037222c22636f756e746572223a34312c227061796c6f61645f726177223a2264426d7442347a4e776755416f3531776756417041567767574170473177675841704e647767594170543977675a4170616c77676141706846776762416f414141414141222c226d65746164617461223a7b2274696d65223a22323032362d30342d32325431333a33303a30305a227d7d', 'recorded', null, 0, 8, 0),
    ('019db563-0a20-7123-8000-000000000003', '2026-04-22T13:31:00Z', 'graphql', null, 1, null, '\x7b6d6561737572656d656e74733a205b7b6465766963653a20227363686f6f6c222c206d6561737572656441743a2022323032362d30342d32325431323a31353a30305a222c20706d32353a20372e32352c20706d31303a2031322e342c20776561746865723a207b74656d70657261747572653a20382e32352c2068756d69646974793a2039312e357d7d2c207b6465766963653a20227363686f6f6c222c206d6561737572656441743a2022323032362d30342d32325431323a34353a30305a222c20706d32353a20382e352c20706d31303a2031332e312c20776561746865723a207b74656d70657261747572653a20382e352c2068756d69646974793a2036307d7d2c207b6465766963653a20227363686f6f6c222c206d6561737572656441743a2022323032362d30342d32325431333a31353a30305a222c20706d32353a20313230302c20776561746865723a207b68756d69646974793a2036307d7d2c207b6465766963653a20226c6162222c206d6561737572656441743a2022323032362d30342d32325431333a30303a30305a222c206c617469747564653a2035322e3230353132333435363738392c206c6f6e6769747564653a20302e313231382c20706d313a20332e332c20706d31303a203939392e392c206d6f74696f6e3a207b616c7469747564653a203230352e352c2073706565643a20392e357d2c207374617475733a207b62617474657279566f6c746167653a20352e30332c20677073557064617465643a20747275657d7d2c207b6465766963653a20226c6162222c206d6561737572656441743a2022323032362d30342d32325431333a30303a30305a222c206c617469747564653a2035322e3230353132333435363738392c206c6f6e6769747564653a20302e313231382c20706d313a20342e347d5d7d', 'recorded', null, 5, 0, 0),
    ('019db563-f480-7123-8000-000000000004', '2026-04-22T13:32:00Z', 'ttn-v2', null, 1, null, '\x7b226465765f6964223a2262696b652d3037227d', 'undecodable', 'it has neither payload_raw nor payload_fields', 0, 0, 0),
    ('019db564-dee0-7123-8000-000000000005', '2026-04-22T13:33:00Z', 'graphql', 2, 1, null, '\x7b6d6561737572656d656e74733a205b7b6465766963653a202262696b652d3037222c206d6561737572656441743a2022323032362d30332d33315432333a35393a35392e355a222c206c617469747564653a20302c206c6f6e6769747564653a20302c20706d32353a20322e322c20706d31303a20312e312c206d6f74696f6e3a207b73706565643a2031372e357d2c207374617475733a207b677073557064617465643a2066616c73657d7d5d7d', 'recorded', null, 1, 0, 0);

insert into measurement (device_id, measured_at, seq, recorded_at, uplink_id, latitude, longitude, cell, flags, time_uncertainty_s, pm1, pm2_5, pm4, pm10) values
    (2, '2026-04-22T13:29:39Z', 0, '2026-04-22T13:30:00.25Z', '019db562-20ba-7123-8000-000000000001', 52.19999885559082, 0.11999893188476562, 630949166731759103, 16, 1440, null, 10.0, null, 20.0),
    (2, '2026-04-22T13:29:42Z', 0, '2026-04-22T13:30:00.25Z', '019db562-20ba-7123-8000-000000000001', 52.20009994506836, 0.11999893188476562, 630949166731783167, 16, 1440, null, 10.0, null, 21.0),
    (2, '2026-04-22T13:29:45Z', 0, '2026-04-22T13:30:00.25Z', '019db562-20ba-7123-8000-000000000001', 52.200199127197266, 0.11999893188476562, 630949166731773439, 16, 1440, null, 10.0, null, 22.0),
    (2, '2026-04-22T13:29:48Z', 0, '2026-04-22T13:30:00.25Z', '019db562-20ba-7123-8000-000000000001', 52.20029830932617, 0.11999893188476562, 630949166731773439, 16, 1440, null, 10.0, null, 23.0),
    (2, '2026-04-22T13:29:51Z', 0, '2026-04-22T13:30:00.25Z', '019db562-20ba-7123-8000-000000000001', 52.20039939880371, 0.11999893188476562, 630949166731957247, 16, 1440, null, 10.0, null, 24.0),
    (2, '2026-04-22T13:29:54Z', 0, '2026-04-22T13:30:00.25Z', '019db562-20ba-7123-8000-000000000001', 52.20049858093262, 0.11999893188476562, 630949166731956735, 16, 1440, null, 10.0, null, 25.0),
    (2, '2026-04-22T13:29:57Z', 0, '2026-04-22T13:30:00.25Z', '019db562-20ba-7123-8000-000000000001', 52.200599670410156, 0.11999893188476562, 630949166731956735, 16, 1440, null, 10.0, null, 26.0),
    (2, '2026-04-22T13:30:00Z', 0, '2026-04-22T13:30:00.25Z', '019db562-20ba-7123-8000-000000000001', 52.20069885253906, 0.11999893188476562, 630949166731958783, 16, 1440, null, 10.0, null, 27.0),
    (1, '2026-04-22T12:15:00Z', 0, '2026-04-22T13:31:00Z', '019db563-0a20-7123-8000-000000000003', null, null, null, 32, null, null, 7.25, null, 12.4),
    (1, '2026-04-22T12:45:00Z', 0, '2026-04-22T13:31:00Z', '019db563-0a20-7123-8000-000000000003', null, null, null, 0, null, null, 8.5, null, 13.1),
    (1, '2026-04-22T13:15:00Z', 0, '2026-04-22T13:31:00Z', '019db563-0a20-7123-8000-000000000003', null, null, null, 1, null, null, 1200.0, null, null),
    (3, '2026-04-22T13:00:00Z', 0, '2026-04-22T13:31:00Z', '019db563-0a20-7123-8000-000000000003', 52.205123456789, 0.1218, 630949166726069247, 0, null, 3.3, null, null, 999.9),
    (3, '2026-04-22T13:00:00Z', 1, '2026-04-22T13:31:00Z', '019db563-0a20-7123-8000-000000000003', 52.205123456789, 0.1218, 630949166726069247, 0, null, 4.4, null, null, null),
    (2, '2026-03-31T23:59:59.5Z', 0, '2026-04-22T13:33:00Z', '019db564-dee0-7123-8000-000000000005', 0.0, 0.0, 632567620722400767, 14, null, null, 2.2, null, 1.1);

insert into weather (device_id, measured_at, seq, temperature, humidity) values
    (1, '2026-04-22T12:15:00Z', 0, 8.25, 91.5),
    (1, '2026-04-22T12:45:00Z', 0, 8.5, 60.0),
    (1, '2026-04-22T13:15:00Z', 0, null, 60.0);

insert into motion (device_id, measured_at, seq, altitude, speed) values
    (3, '2026-04-22T13:00:00Z', 0, 205.5, 9.5),
    (2, '2026-03-31T23:59:59.5Z', 0, null, 17.5);

insert into device_status (device_id, measured_at, seq, battery_voltage, gps_updated) values
    (3, '2026-04-22T13:00:00Z', 0, 5.03, 1.0),
    (2, '2026-03-31T23:59:59.5Z', 0, null, 0.0);

insert into latest (device_id, measured_at, seq) values
    (1, '2026-04-22T13:15:00Z', 0),
    (2, '2026-04-22T13:30:00Z', 0),
    (3, '2026-04-22T13:00:00Z', 1);
