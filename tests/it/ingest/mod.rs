//! Bodies of sensors and files: decoders, routes, the recorder.

mod airbeam;
mod bad_uplinks;
mod cleancycle;
mod csv_import;
mod enviro;
mod everyday_formats;
mod idempotence;
mod import;
mod influxdb;
mod invalid_values;
mod isolation;
mod isolation_devices;
mod network_servers;
mod opensensemap;
mod recorder;
mod replay;
mod sensor_routes;
mod unknown_devices;
mod uplinks;
