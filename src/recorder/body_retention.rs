//! Retention of bodies.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use nix::sys::statvfs::{Statvfs, statvfs};

use super::{RecordError, Source, Submission, budgets::SenderBudgets};
use crate::{
    limits::{Limit, RecordingLimits},
    observability::metrics::recorder::{BodyTruncation, RecorderMetrics},
};

/// How long a reading of the free disk space is valid.
const FREE_SPACE_TTL: Duration = Duration::from_secs(10);

/// Decides how much of a body is kept, by the budget of its key and the free disk space.
pub(super) struct BodyRetention {
    max_undecodable_bytes: usize,
    disk: Option<DiskSpace>,
}

struct DiskSpace {
    folder: PathBuf,
    min_free: u64,
    reading: Mutex<Option<(Instant, u64)>>,
}

impl BodyRetention {
    pub fn new(limits: &RecordingLimits) -> Self {
        let disk = |folder: &PathBuf| DiskSpace {
            folder: folder.clone(),
            min_free: limits.min_free_disk_bytes,
            reading: Mutex::default(),
        };
        Self { max_undecodable_bytes: limits.undecodable_body_bytes, disk: limits.data_folder.as_ref().map(disk) }
    }

    /// Truncates a received body to the part that is kept. Samples are recorded whatever is kept of their body.
    ///
    /// # Errors
    /// When no part of a body without samples would be kept: nothing would be recorded.
    pub fn truncate(
        &self,
        mut submission: Submission,
        budgets: &SenderBudgets,
        recording: &RecorderMetrics,
        now: DateTime<Utc>,
    ) -> Result<Submission, RecordError> {
        let is_decoded = submission.decoded.is_ok();
        let Source::Arrival(arrival) = &submission.source else { return Ok(submission) };
        let length = arrival.body.len();
        let mut kept = if is_decoded { length } else { length.min(self.max_undecodable_bytes) };
        let mut reason = (kept < length).then_some(BodyTruncation::Undecodable);
        let refusal = if self.disk.as_ref().is_some_and(DiskSpace::is_low) {
            Some((BodyTruncation::Disk, RecordError::LimitReached(Limit::DiskSpace, None)))
        } else {
            let spent = budgets.spend_uplink_bytes(&submission, kept, now);
            spent.err().map(|error| (BodyTruncation::BytesPerDay, error))
        };
        if let Some((cause, error)) = refusal {
            if !is_decoded {
                return Err(error);
            }
            (kept, reason) = (0, Some(cause));
        }
        if let (Some(reason), Source::Arrival(arrival)) = (reason, &mut submission.source)
            && kept < length
        {
            recording.count_truncated_body(reason);
            arrival.body.truncate(kept);
            arrival.cut_from = Some(length);
        }
        Ok(submission)
    }

    /// Free bytes on the disk of the embedded Postgres; `None` without one.
    pub fn free_disk_bytes(&self) -> Option<u64> {
        self.disk.as_ref()?.free_bytes()
    }
}

#[cfg_attr(
    target_os = "linux",
    expect(clippy::useless_conversion, reason = "the numbers have fewer bits on other systems")
)]
fn bytes_available(disk: &Statvfs) -> u64 {
    u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size()))
}

impl DiskSpace {
    fn is_low(&self) -> bool {
        self.free_bytes().is_some_and(|free| free < self.min_free)
    }

    /// `None` if it can't be read.
    fn free_bytes(&self) -> Option<u64> {
        // a panic leaves the reading intact
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, free)) = *reading
            && at.elapsed() < FREE_SPACE_TTL
        {
            return Some(free);
        }
        match statvfs(&self.folder) {
            Ok(disk) => {
                let free = bytes_available(&disk);
                *reading = Some((Instant::now(), free));
                Some(free)
            }
            Err(error) => {
                tracing::warn!(%error, "free disk space of the data folder not readable");
                None
            }
        }
    }
}
