//! Retries while the database is unavailable, so that its restart loses no event.

use std::time::{Duration, Instant};

use tokio::time::sleep;

/// Maximum duration of the retries.
const MAX_RETRY_DURATION: Duration = Duration::from_mins(1);
/// Bounds of the delay; each delay doubles the one before.
const MIN_RETRY_DELAY: Duration = Duration::from_millis(100);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(5);

/// The retries of one operation.
pub(crate) struct RetryBackoff {
    since: Instant,
    delay: Duration,
}

impl RetryBackoff {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), delay: MIN_RETRY_DELAY }
    }

    /// Waits after a failure; returns whether to retry.
    pub(crate) async fn wait(&mut self) -> bool {
        if self.since.elapsed() > MAX_RETRY_DURATION {
            return false;
        }
        sleep(self.delay).await;
        self.delay = (self.delay * 2).min(MAX_RETRY_DELAY);
        true
    }
}
