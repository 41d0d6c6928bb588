//! What the air was like on a ride.

use chrono::{DateTime, Utc};

/// What one quantity was on a ride.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exposure {
    /// Its mean over time, µg/m³.
    pub mean: f64,
    /// Its greatest value, µg/m³.
    pub max: f32,
    /// How many samples tell it.
    pub count: usize,
}

/// The exposure of a ride's samples that tell the quantity, in the order of time; none where none does.
///
/// The mean is weighted by time: between two samples the value is taken to go from one to the other in a straight line
/// (the trapezoidal rule), so that where samples come thick and fast they count no more than their time. Nothing is
/// made up before the first sample and after the last. Samples that all have the same time count alike.
pub(super) fn from_values(told: impl Iterator<Item = (DateTime<Utc>, f32)>) -> Option<Exposure> {
    let (mut area, mut seconds, mut sum) = (0.0, 0.0, 0.0);
    let (mut count, mut least, mut greatest) = (0, f32::INFINITY, f32::NEG_INFINITY);
    let mut before: Option<(DateTime<Utc>, f64)> = None;
    for (time, value) in told {
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
    #[expect(clippy::cast_precision_loss, reason = "a ride has far fewer than 2^52 samples")]
    let mean = if seconds > 0.0 { area / seconds } else { sum / count as f64 };
    // A mean lies between the values; the last bit of its reckoning may not.
    Some(Exposure { mean: mean.clamp(least.into(), greatest.into()), max: greatest, count })
}
