//! A stored sample.

use chrono::{DateTime, Utc};

use super::{device::DeviceId, joined_readings::JoinedReadings, position::Position, quality::QualityFlags};

/// What names a stored sample: its device, its time, and its number among the samples with the same of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeasurementKey {
    /// The device.
    pub device_id: DeviceId,
    /// When the sample was taken, in whole microseconds.
    pub measured_at: DateTime<Utc>,
    /// 0 for the first sample of the device with this time.
    pub seq: i32,
}

/// A stored sample, as a row of `measurement` holds it, with the readings of other tables that were read with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// What names it.
    pub key: MeasurementKey,
    /// When it was stored.
    pub recorded_at: DateTime<Utc>,
    /// Where it was taken.
    pub position: Option<Position>,
    /// PM1, µg/m³.
    pub pm1: Option<f32>,
    /// PM2.5, µg/m³.
    pub pm2_5: Option<f32>,
    /// PM4, µg/m³.
    pub pm4: Option<f32>,
    /// PM10, µg/m³.
    pub pm10: Option<f32>,
    /// Reasons to doubt it.
    pub flags: QualityFlags,
    /// By how many seconds it may be older than its time says; `None` where the sensor told the time itself.
    pub time_uncertainty_s: Option<i32>,
    /// Weather, gases, motion and status, as far as they were read.
    pub readings: JoinedReadings,
}
