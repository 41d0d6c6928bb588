//! Deletions of measurements: one at a time, since each may read months of measurements.

use std::time::Duration;

/// Limits of deletions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionLimits {
    /// How long a deletion waits for the one that is running.
    pub turn_timeout: Duration,
}

impl Default for DeletionLimits {
    fn default() -> Self {
        Self { turn_timeout: Duration::from_secs(10) }
    }
}
