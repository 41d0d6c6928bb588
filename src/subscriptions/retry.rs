//! Retries while the database is unavailable, so that its restart loses no event.

use std::time::{Duration, Instant};

/// Maximum duration of the retries.
const MAX_RETRY_DURATION: Duration = Duration::from_mins(1);

/// The time in which an operation is retried.
#[derive(Clone, Copy)]
pub(crate) struct RetryPeriod(Instant);

impl RetryPeriod {
    /// Begins now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Whether another attempt may follow.
    pub(crate) fn is_open(self) -> bool {
        self.0.elapsed() <= MAX_RETRY_DURATION
    }
}
