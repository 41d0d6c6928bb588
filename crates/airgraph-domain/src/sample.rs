//! A decoded sample before it is stored.

use chrono::{DateTime, Utc};

use super::{position::Position, quality::QualityFlags, readings::Readings, time::normalize};

/// One sample of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When it was taken, [normalized](normalize) by [`Sample::new`].
    pub measured_at: DateTime<Utc>,
    /// Maximum error of `measured_at`, in seconds; `None` if the sensor sent the time.
    pub time_uncertainty_s: Option<i32>,
    /// Position of the sample.
    pub position: Option<Position>,
    /// Measured values.
    pub readings: Readings,
    /// Flags that only the decoder can set; the recorder adds those of [`super::quality::assess`].
    pub flags: QualityFlags,
}

impl Sample {
    /// A sample without values.
    #[must_use]
    pub fn new(measured_at: DateTime<Utc>) -> Self {
        Self {
            measured_at: normalize(measured_at),
            time_uncertainty_s: None,
            position: None,
            readings: Readings::default(),
            flags: QualityFlags::default(),
        }
    }

    /// Whether both have the same position and the same values. Two samples of one device with the same time are
    /// duplicates if and only if this holds.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        self.position == other.position && self.readings == other.readings
    }
}
