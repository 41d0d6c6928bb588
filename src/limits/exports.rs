//! Limits of exports.

use std::time::Duration;

/// How many exports may run at the same time, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportLimits {
    /// Exports of one caller.
    pub max_per_caller: usize,
    /// Exports of all callers.
    pub max_total: usize,
    /// Measurements that one statement reads. Larger pages are no faster, and take more memory.
    pub page_rows: usize,
    /// Time of one export. It can be continued after its last row.
    pub max_duration: Duration,
}

impl Default for ExportLimits {
    fn default() -> Self {
        Self { max_per_caller: 2, max_total: 16, page_rows: 4000, max_duration: Duration::from_hours(12) }
    }
}
