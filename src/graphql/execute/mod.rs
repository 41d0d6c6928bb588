//! Execution of requests: admission, cost, caching, routing and responses.

pub mod admission;
pub mod archive_notice;
pub(crate) mod argument_check;
pub mod complexity;
pub mod cost;
pub mod document_cache;
pub(crate) mod error_codes;
pub mod limits;
pub mod operation;
pub(crate) mod operation_metrics;
pub(crate) mod panics;
pub mod persisted;
pub mod projection;
pub mod read_pool;
pub mod read_servers;
pub mod replica_routing;
pub(crate) mod response_size;
pub(crate) mod response_writer;
pub(crate) mod shared_cache;
pub mod shared_reads;
