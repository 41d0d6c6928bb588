-- What the sensors of a device measure, for formats that tell a value by its sensor's id alone (openSenseMap).
create table device_sensor (
    device_id bigint not null references device,
    -- The sensor's id, as the firmware sends it. Compared by bytes, the same on every machine.
    sensor text collate "C" not null,
    -- The quantity's name in src/domain/quantity.rs. Unchecked, so that a new quantity needs no change here.
    quantity text not null,
    primary key (device_id, sensor)
);
