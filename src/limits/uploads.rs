//! Limits of file uploads.

use std::time::Duration;

/// How many files may be uploaded at the same time, and how slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadLimits {
    /// Uploads of one API key.
    pub max_per_key: usize,
    /// Uploads of all callers.
    pub max_total: usize,
    /// Time spent waiting for the client in which it sends at least [`Self::min_bytes_per_window`].
    pub rate_window: Duration,
    /// Bytes of the file, decompressed, that come in each [`Self::rate_window`].
    pub min_bytes_per_window: usize,
    /// Time of one upload.
    pub max_duration: Duration,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self {
            max_per_key: 2,
            max_total: 16,
            rate_window: Duration::from_secs(30),
            min_bytes_per_window: 30 << 10,
            max_duration: Duration::from_hours(1),
        }
    }
}
