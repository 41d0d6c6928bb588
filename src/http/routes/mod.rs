//! The routes.

mod content_security_policy;
pub(crate) mod csv_import;
pub(crate) mod export;
pub(crate) mod graphql;
pub(crate) mod health;
pub(crate) mod influxdb;
pub(crate) mod ingest;
mod map_file;
pub mod metrics;
pub(crate) mod pages;
pub(crate) mod precompressed;
pub(crate) mod static_files;
