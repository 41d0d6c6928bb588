//! Layers around the routes: limits, body handling, compression, CORS, tracing, timeouts.

pub(crate) mod body_memory;
pub(crate) mod compression;
pub mod concurrency_limit;
pub(crate) mod cors;
pub(crate) mod decompression;
pub(crate) mod drain_body;
pub(crate) mod origin;
pub(crate) mod request_id;
pub(crate) mod response_memory;
pub(crate) mod timeout;
pub(crate) mod trace_context;
