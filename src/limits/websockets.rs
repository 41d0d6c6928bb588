//! Limits of `WebSocket`s.

/// How many `WebSocket`s may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSocketLimits {
    /// Open `WebSocket`s of one caller: of a key, or of an address without one.
    pub max_per_caller: usize,
    /// Open `WebSocket`s of all callers. An idle one takes less than 20 kB.
    pub max_total: usize,
}

impl Default for WebSocketLimits {
    fn default() -> Self {
        Self { max_per_caller: 500, max_total: 20_000 }
    }
}
