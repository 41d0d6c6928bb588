//! Limits of TCP connections.

use std::time::Duration;

/// How many connections may be open, and how long each may make no progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections of one client address, `WebSocket`s included. Connections of trusted proxies are not counted by address.
    pub max_per_address: usize,
    /// Connections of all clients.
    pub max_total: usize,
    /// Time from the first byte of a request head to its last.
    pub head_timeout: Duration,
    /// Time without a request. Longer than the 60 s after which proxies close their idle connections, so that no proxy sends
    /// a request on a connection that is being closed.
    pub idle_timeout: Duration,
    /// Time in which a client reads at least [`Self::min_bytes_per_write_window`] of an answer that waits to be sent.
    pub write_window: Duration,
    /// Bytes of an answer that a client reads in each [`Self::write_window`].
    pub min_bytes_per_write_window: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_per_address: 500,
            max_total: 30_000,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_window: Duration::from_secs(30),
            min_bytes_per_write_window: 30 << 10,
        }
    }
}
