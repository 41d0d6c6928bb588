//! All SQL of the gateway: one file per table or read model.
//!
//! Functions take an executor, keys, a time, and return plain domain types. Static statements are checked against the
//! schema at compile time (`.sqlx` caches the metadata, so that a build needs no database); statements that depend on a
//! filter are built with `QueryBuilder`, with every value as a bind.

pub mod api_key;
pub mod api_key_page;
pub mod archive;
pub mod batcher;
mod binary_array;
pub mod cache_invalidation;
pub mod cancellation;
pub mod citus_workers;
pub mod connect;
mod copy;
pub mod covering_index;
pub mod deletion;
pub mod device;
pub mod device_deletion;
pub mod device_page;
pub mod device_sensor;
pub mod dialect;
pub mod distribution;
pub mod error;
pub mod feed;
mod fence;
pub mod hourly_mean;
pub mod kept_connections;
pub mod latest;
pub mod measurement;
mod measurement_area;
pub mod measurement_area_scan;
pub mod measurement_columns;
mod measurement_filter;
pub mod measurement_page;
pub mod measurement_projection;
pub mod measurement_readings;
mod measurement_time_walk;
pub mod measurement_total;
mod multi_insert;
mod notifications;
pub mod packet;
pub mod partition;
pub mod prune;
pub mod pruned_month;
pub mod read_your_writes;
pub mod readings;
pub mod recorder_batch;
pub mod recorder_context;
mod replaced_migrations;
pub mod replay_rows;
pub mod replicas;
pub mod retention;
pub mod rollup;
pub mod row_counts;
pub mod row_removal;
mod server_check;
pub mod server_info;
pub mod stalled_session;
pub mod statistics;
mod tls;
pub mod total;
pub mod trip;
pub mod uplink;
pub mod uplink_page;
mod validity;

pub use copy::MIN_COPY_ROWS;
pub use embedded_postgres as embedded;
pub use error::DbError;
