//! What many measurements have in common: how many, and how their values lie.

use chrono::{DateTime, TimeDelta, Utc};
use h3o::CellIndex;

use super::{
    device::DeviceId,
    quantity::{Group, Quantity},
    readings::{to_decimal, to_f32},
    rollup::hour_of,
};

/// A share of values, from 0 (the least) to 100 (the greatest), of which a percentile is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percentile(u64); // the bits of a float that is not negative have its order

impl Percentile {
    /// The percentile, where there is such a one.
    #[must_use]
    pub fn try_new(percent: f64) -> Option<Self> {
        (0.0..=100.0).contains(&percent).then(|| Self((percent + 0.0).to_bits())) // −0 becomes 0
    }

    /// As a share from 0 to 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from_bits(self.0) / 100.0
    }
}

/// How the values of a quantity lie, in its unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantitySummary {
    /// How many values.
    pub count: i64,
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// Of a sample (by n − 1); none for a single value.
    pub standard_deviation: Option<f64>,
    /// The least value.
    pub min: Option<f64>,
    /// The greatest value.
    pub max: Option<f64>,
    /// Number of values out of the quantity's range, where they were counted.
    pub invalid_count: i64,
    /// Those that were asked for, interpolated between neighbours.
    pub percentiles: Vec<(Percentile, f64)>,
}

impl QuantitySummary {
    /// A percentile that was asked for; none where there are no values.
    #[must_use]
    pub fn percentile(&self, percentile: Percentile) -> Option<f64> {
        self.percentiles.iter().find(|(asked, _)| *asked == percentile).map(|&(_, value)| value)
    }

    /// With the ends as the decimals that were sent: rollups keep those of particulates as 32-bit floats.
    #[must_use]
    pub fn rounded_to_precision(mut self, quantity: Quantity) -> Self {
        if quantity.definition().group == Group::Air {
            let ends = [&mut self.min, &mut self.max];
            ends.into_iter().flatten().for_each(|end| *end = to_decimal(to_f32(*end)));
        }
        self
    }
}

/// The measurements of one bucket, device, cell and so on, as far as they were told apart by them.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The bucket, counted from 0.
    pub bucket: Option<usize>,
    /// The device.
    pub device: Option<DeviceId>,
    /// The cell.
    pub cell: Option<CellIndex>,
    /// The hour on the clock, from 0 to 23.
    pub hour_of_day: Option<i32>,
    /// The day of the week, from 1 (Monday) to 7.
    pub day_of_week: Option<i32>,
    /// How many measurements.
    pub count: i64,
    /// Hours of UTC with at least one that is not invalid, where that was asked.
    pub hours: Option<i64>,
    /// Of the quantities that were asked for, in that order.
    pub summaries: Vec<QuantitySummary>,
}

/// How many hours of UTC a span touches.
#[must_use]
pub fn hours_overlapping(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    if from >= to {
        return 0;
    }
    (hour_at_or_after(to) - hour_of(from)).num_hours()
}

/// The first whole hour of UTC from a moment on.
#[must_use]
pub fn hour_at_or_after(time: DateTime<Utc>) -> DateTime<Utc> {
    let hour = hour_of(time);
    if hour < time { hour + TimeDelta::hours(1) } else { hour }
}
