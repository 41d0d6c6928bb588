//! The delays between retries of work that needs the database.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::sleep;

/// Longest delay between two attempts.
pub const MAX_RETRY_DELAY: Duration = Duration::from_secs(5);

/// Delays between attempts: 100 ms, doubled each time, up to [`MAX_RETRY_DELAY`]. The caller decides when retries end.
pub const RETRY_DELAYS: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(MAX_RETRY_DELAY)
    .with_factor(2.0)
    .without_max_times();

/// The same delays in a loop that runs until it is stopped, such as one that keeps a connection open.
#[derive(Debug)]
pub struct Backoff(ExponentialBackoff);

impl Backoff {
    /// Starts with the shortest delay.
    #[must_use]
    pub fn new() -> Self {
        Self(RETRY_DELAYS.build())
    }

    /// Starts again with the shortest delay, after a success.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// Waits before the next attempt.
    pub async fn wait(&mut self) {
        sleep(self.0.next().unwrap_or(MAX_RETRY_DELAY)).await;
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum() {
        let delays: Vec<_> = RETRY_DELAYS.build().take(8).map(|delay| delay.as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }
}
