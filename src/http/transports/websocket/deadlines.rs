//! What is to be done on a socket when.

use tokio::time::Instant;

use super::sockets::SocketTimeouts;

/// The next moments at which something is to be done.
pub(super) struct Deadlines {
    pub init: Option<Instant>,
    pub ping: Instant,
    pub key_recheck: Option<Instant>,
    pub drain: Option<Instant>,
}

impl Deadlines {
    /// Of a socket that was opened now.
    pub fn new(now: Instant, pace: SocketTimeouts) -> Self {
        Self { init: Some(now + pace.init), ping: now + pace.ping_interval, key_recheck: None, drain: None }
    }

    /// The first of them.
    pub fn next(&self) -> Instant {
        [self.init, self.key_recheck, self.drain].into_iter().flatten().fold(self.ping, Instant::min)
    }
}
