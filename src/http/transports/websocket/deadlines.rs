//! Deadlines of a socket.

use tokio::time::Instant;

use super::sockets::SocketTimeouts;

/// The next deadlines.
pub(super) struct Deadlines {
    pub init: Option<Instant>,
    pub ping: Instant,
    pub key_recheck: Option<Instant>,
    pub drain: Option<Instant>,
}

impl Deadlines {
    /// Deadlines of a socket that was opened now.
    pub fn new(now: Instant, timeouts: SocketTimeouts) -> Self {
        Self { init: Some(now + timeouts.init), ping: now + timeouts.ping_interval, key_recheck: None, drain: None }
    }

    /// The earliest deadline.
    pub fn next(&self) -> Instant {
        [self.init, self.key_recheck, self.drain].into_iter().flatten().fold(self.ping, Instant::min)
    }
}
