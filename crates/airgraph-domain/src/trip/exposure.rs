//! Exposure to particulates on a trip.

use chrono::{DateTime, Utc};

/// Exposure to one quantity on a trip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exposure {
    /// Time-weighted mean, µg/m³.
    pub mean: f64,
    /// Maximum, µg/m³.
    pub max: f32,
    /// Number of samples with a value.
    pub count: usize,
}

/// The exposure of a trip's samples with a value, in time order; `None` without samples.
///
/// The mean is weighted by time with linear interpolation between samples
/// (the trapezoidal rule), so a higher sample rate has no higher weight. Nothing is
/// extrapolated before the first and after the last sample. Samples at one time have equal weights.
pub(super) fn from_values(values: impl Iterator<Item = (DateTime<Utc>, f32)>) -> Option<Exposure> {
    let (mut area, mut seconds, mut sum) = (0.0, 0.0, 0.0);
    let (mut count, mut least, mut greatest) = (0, f32::INFINITY, f32::NEG_INFINITY);
    let mut before: Option<(DateTime<Utc>, f64)> = None;
    for (time, value) in values {
        (count, least, greatest) = (count + 1, least.min(value), greatest.max(value));
        let value = f64::from(value);
        sum += value;
        if let Some((earlier, other)) = before.replace((time, value)) {
            let passed = (time - earlier).as_seconds_f64();
            area += passed * f64::midpoint(value, other);
            seconds += passed;
        }
    }
    before?;
    #[expect(clippy::cast_precision_loss, reason = "a trip has far fewer than 2^52 samples")]
    let mean = if seconds > 0.0 { area / seconds } else { sum / count as f64 };
    // A mean lies between the values; rounding errors of its last bit may not.
    Some(Exposure { mean: mean.clamp(least.into(), greatest.into()), max: greatest, count })
}
