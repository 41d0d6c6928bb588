//! Limits of what one key may add to the database by recording.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::domain::time::EARLIEST_TIME;

/// Limits of the samples and bodies of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingLimits {
    /// Devices that the samples of a sensor's key may add in an hour.
    pub new_devices_per_hour: u32,
    /// The same for an admin's key.
    pub new_devices_per_hour_of_admin: u32,
    /// Months or years of samples that a sensor's key may have partitions created for in an hour.
    pub new_months_per_hour: u32,
    /// The same for an admin's key, which is used to upload archives.
    pub new_months_per_hour_of_admin: u32,
    /// Bytes of request bodies that are stored for each key in a day.
    pub uplink_bytes_per_day: u64,
    /// Bytes that are stored of an undecodable body.
    pub undecodable_body_bytes: usize,
    /// Data folder of the embedded Postgres, if it is used: bodies are stored while its disk has room.
    pub data_folder: Option<PathBuf>,
    /// Bytes that must stay free there.
    pub min_free_disk_bytes: u64,
    /// Earliest valid time of a sample.
    pub earliest_time: DateTime<Utc>,
}

impl Default for RecordingLimits {
    fn default() -> Self {
        Self {
            new_devices_per_hour: 1000,
            new_devices_per_hour_of_admin: 100_000,
            new_months_per_hour: 24,
            new_months_per_hour_of_admin: 600,
            uplink_bytes_per_day: 256 << 20,
            undecodable_body_bytes: 64 << 10,
            data_folder: None,
            min_free_disk_bytes: 1 << 30,
            earliest_time: EARLIEST_TIME,
        }
    }
}
