//! One sample, as a decoder understood it, before it is stored.

use chrono::{DateTime, Utc};

use super::{position::Position, quality::QualityFlags, readings::Readings, time::normalize};

/// One sample of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When it was taken, [normalized](normalize) by [`Sample::new`].
    pub measured_at: DateTime<Utc>,
    /// By how many seconds the sample may be older than `measured_at`; `None` where the sensor told the time itself.
    pub time_uncertainty_s: Option<i32>,
    /// Where it was taken.
    pub position: Option<Position>,
    /// What was measured.
    pub readings: Readings,
    /// Doubts that only the decoder can have; the recorder adds those of [`super::quality::assess`].
    pub flags: QualityFlags,
}

impl Sample {
    /// A sample that tells nothing yet.
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

    /// Whether both tell the same: same place, same values. Two samples of one device with the same time are one
    /// sample, told twice, exactly when this holds.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        self.position == other.position && self.readings == other.readings
    }
}
