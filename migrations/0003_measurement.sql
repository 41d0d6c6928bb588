-- One sample of the air. The natural key makes recording idempotent. Partitioned by month of measured_at; the
-- partitions are made when a month first appears (src/db/partition.rs).
-- There is no foreign key to device: it would cost a look-up for every row, and rows are only written by the
-- recorder, which reads the device in the same transaction; devices are never deleted.
create table measurement (
    device_id bigint not null,
    measured_at timestamptz not null,
    -- When the sample was stored, and the uplink that brought it.
    recorded_at timestamptz not null,
    uplink_id uuid,
    -- Degrees (WGS 84); both or neither.
    latitude double precision,
    longitude double precision,
    -- The H3 cell of the position at resolution 12 (about 10 m).
    cell bigint,
    -- Tells samples of one device with the same time apart.
    seq integer not null,
    -- Bits of domain::quality::QualityFlag.
    flags integer not null,
    -- measured_at may be earlier than told by this many seconds; null where the sensor told the time itself.
    time_uncertainty_s integer,
    -- Particulate matter, micrograms per cubic metre.
    pm1 real,
    pm2_5 real,
    pm4 real,
    pm10 real,
    primary key (device_id, measured_at, seq)
) partition by range (measured_at);

-- "The newest of all devices", paged by (measured_at, device_id, seq).
create index measurement_time on measurement (measured_at, device_id, seq);

-- The tables below hold a row only for measurements that have such readings. Units are those of domain::quantity.
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

create table ambient (
    device_id bigint not null,
    measured_at timestamptz not null,
    seq integer not null,
    co2 double precision,
    no2 double precision,
    o3 double precision,
    co double precision,
    voc_index double precision,
    nox_index double precision,
    particles_0_3 double precision,
    noise double precision,
    illuminance double precision,
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

-- The newest measurement of each device, moved forward in the transaction that stores it.
create table latest (
    device_id bigint primary key references device,
    measured_at timestamptz not null,
    seq integer not null
) with (fillfactor = 50); -- updated all the time, in place (HOT): no index holds the columns that change
