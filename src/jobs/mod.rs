//! Background jobs and long deletions.

pub mod build_indexes;
pub mod create_partitions;
pub mod delete_device;
pub mod delete_measurements;
pub mod retention;
pub mod stalled_sessions;
pub mod watch_workers;
