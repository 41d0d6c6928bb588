//! Coordination of concurrent work: batching, fair queues, caches with expiry.

pub mod fair_queue;
pub mod generational_map;
pub mod ttl_cache;
