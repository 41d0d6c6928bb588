//! Coordination of concurrent work: fair queues, retries, caches with expiry.

pub mod fair_queue;
pub mod generational_map;
pub mod prehashed;
pub mod retry;
pub mod ttl_cache;
