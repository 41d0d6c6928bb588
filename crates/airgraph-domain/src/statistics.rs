//! Statistics of many measurements: their number and the distribution of their values.

use chrono::{DateTime, TimeDelta, Utc};
use h3o::CellIndex;

use super::{
    device::DeviceId,
    quantity::{Group, Quantity},
    readings::{to_decimal, to_f32},
    rollup::hour_of,
};

/// A percentile rank, from 0 (the minimum) to 100 (the maximum).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percentile(u64); // bits of a non-negative float have the float's order

impl Percentile {
    /// The percentile, if the rank is in range.
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

/// The distribution of a quantity's values, in its unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantitySummary {
    /// Number of values.
    pub count: i64,
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// Sample standard deviation (n − 1); `None` for a single value.
    pub standard_deviation: Option<f64>,
    /// The least value.
    pub min: Option<f64>,
    /// The greatest value.
    pub max: Option<f64>,
    /// Number of values out of the quantity's range, if counted.
    pub invalid_count: i64,
    /// The requested percentiles, interpolated between neighbours.
    pub percentiles: Vec<(Percentile, f64)>,
}

impl QuantitySummary {
    /// A requested percentile; `None` if there are no values.
    #[must_use]
    pub fn percentile(&self, percentile: Percentile) -> Option<f64> {
        self.percentiles.iter().find(|(rank, _)| *rank == percentile).map(|&(_, value)| value)
    }

    /// Minimum and maximum as the decimals that were sent: rollups store those of particulates as 32-bit floats.
    #[must_use]
    pub fn rounded_to_precision(mut self, quantity: Quantity) -> Self {
        if quantity.definition().group == Group::Air {
            let ends = [&mut self.min, &mut self.max];
            ends.into_iter().flatten().for_each(|end| *end = to_decimal(to_f32(*end)));
        }
        self
    }
}

/// The statistics of one group of measurements; each group key is set if the query groups by it.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The bucket, counted from 0.
    pub bucket: Option<usize>,
    /// The device.
    pub device: Option<DeviceId>,
    /// The cell.
    pub cell: Option<CellIndex>,
    /// The local hour, from 0 to 23.
    pub hour_of_day: Option<i32>,
    /// The day of the week, from 1 (Monday) to 7.
    pub day_of_week: Option<i32>,
    /// Number of measurements.
    pub count: i64,
    /// Number of UTC hours with at least one valid measurement, if requested.
    pub hours: Option<i64>,
    /// The requested quantities, in the order of the request.
    pub summaries: Vec<QuantitySummary>,
}

/// Number of UTC hours that a span touches.
#[must_use]
pub fn hours_overlapping(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    if from >= to {
        return 0;
    }
    (hour_at_or_after(to) - hour_of(from)).num_hours()
}

/// The first whole UTC hour at or after a time.
#[must_use]
pub fn hour_at_or_after(time: DateTime<Utc>) -> DateTime<Utc> {
    let hour = hour_of(time);
    if hour < time { hour + TimeDelta::hours(1) } else { hour }
}
