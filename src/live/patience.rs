//! Trying again what failed because the database was away for a moment, so that its restart costs nobody an event.

use std::time::{Duration, Instant};

use tokio::time::sleep;

/// For how long something is tried.
const PATIENCE: Duration = Duration::from_mins(1);
/// The first and the longest pause; each doubles the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Patience with one thing that is tried.
pub(super) struct Patience {
    since: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), pause: FIRST_PAUSE }
    }

    /// Waits a little after it failed; whether to try again.
    pub(super) async fn lasts(&mut self) -> bool {
        if self.since.elapsed() > PATIENCE {
            return false;
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}
