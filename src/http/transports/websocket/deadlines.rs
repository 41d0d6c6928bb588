//! What is to be done on a socket when.

use tokio::time::Instant;

use super::sockets::Pace;

/// The next moments at which something is to be done.
pub(super) struct Deadlines {
    pub init: Option<Instant>,
    pub ping: Instant,
    pub key: Option<Instant>,
    pub leave: Option<Instant>,
}

impl Deadlines {
    /// Of a socket that was opened now.
    pub fn new(now: Instant, pace: Pace) -> Self {
        Self { init: Some(now + pace.init), ping: now + pace.ping, key: None, leave: None }
    }

    /// The first of them.
    pub fn next(&self) -> Instant {
        [self.init, self.key, self.leave].into_iter().flatten().fold(self.ping, Instant::min)
    }
}
