//! Limits of `WebSocket`s.

/// How many `WebSocket`s there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSocketLimits {
    /// Open `WebSocket`s of one caller: of a key, or of an address without one.
    pub max_per_caller: usize,
    /// Open `WebSocket`s of all callers. One takes less than 20 kB when nothing happens on it.
    pub max_total: usize,
}

impl Default for WebSocketLimits {
    fn default() -> Self {
        Self { max_per_caller: 500, max_total: 20_000 }
    }
}
