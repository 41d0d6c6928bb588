//! A stored sample.

use chrono::{DateTime, Utc};

use super::{
    device::DeviceId, joined_readings::JoinedReadings, position::Position, quality::QualityFlags, quantity::Quantity,
};

/// Key of a stored sample: its device, its time, and its number among the samples with the same device and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeasurementKey {
    /// The device.
    pub device_id: DeviceId,
    /// When the sample was taken, in whole microseconds.
    pub measured_at: DateTime<Utc>,
    /// 0 for the first sample of the device with this time.
    pub seq: i32,
}

/// A stored sample: a row of `measurement` and the readings of other tables that were loaded with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Its key.
    pub key: MeasurementKey,
    /// When it was stored.
    pub recorded_at: DateTime<Utc>,
    /// Position of the sample.
    pub position: Option<Position>,
    /// PM1, µg/m³.
    pub pm1: Option<f32>,
    /// PM2.5, µg/m³.
    pub pm2_5: Option<f32>,
    /// PM4, µg/m³.
    pub pm4: Option<f32>,
    /// PM10, µg/m³.
    pub pm10: Option<f32>,
    /// Quality flags.
    pub flags: QualityFlags,
    /// Maximum error of `measured_at`, in seconds; `None` if the sensor sent the time.
    pub time_uncertainty_s: Option<i32>,
    /// Weather, gases, motion and status, if loaded.
    pub readings: JoinedReadings,
}

impl Measurement {
    /// The value of a particulate quantity; `None` for any other quantity.
    #[must_use]
    pub fn particulate(&self, quantity: Quantity) -> Option<f32> {
        match quantity {
            Quantity::Pm1 => self.pm1,
            Quantity::Pm2_5 => self.pm2_5,
            Quantity::Pm4 => self.pm4,
            Quantity::Pm10 => self.pm10,
            _ => None,
        }
    }
}
