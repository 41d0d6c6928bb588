//! Arguments of statistics.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::{Enum, InputType as _, SelectionField, Value};
use chrono::{DateTime, TimeDelta, Utc};
use h3o::Resolution;

use super::interval::{BucketLimits, Buckets, Interval, time_zone};
use crate::{
    api_error::ApiError,
    db::statistics::{EmptyBuckets, StatisticsQuery},
    domain,
    domain::{filter::Filter, statistics::Percentile, time, time_zone::offsets, validity::CountedValues},
    graphql::types::{
        quantity::Quantity,
        statistics::{BucketLabels, particulate_quantity},
    },
};

/// Dimension of statistics, in addition to the bucket of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum StatisticsGroup {
    /// One group for each device.
    Device,
    /// One group for each H3 cell. Measurements without a position are excluded.
    Cell,
    /// One group for each local hour of the day, 0 to 23.
    HourOfDay,
    /// One group for each local day of the week, 1 (Monday) to 7 (Sunday).
    DayOfWeek,
}

/// What is returned for buckets of time without measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum StatisticsFill {
    /// Nothing: only buckets with measurements are returned.
    None,
    /// An item with `count` 0; the values of its quantities are null.
    Null,
}

/// Limits of the buckets of statistics.
pub const BUCKET_LIMITS: BucketLimits =
    BucketLimits { min_interval: domain::interval::Interval::Minute, max_buckets: 10_000 };
/// Default H3 resolution of cells.
pub const DEFAULT_CELL_RESOLUTION: i32 = 8;

/// Arguments that define the groups of statistics.
#[derive(Clone, Debug)]
pub struct Grouping {
    /// Length of the buckets of time.
    pub every: Option<Interval>,
    /// Maximum number of buckets for `every: AUTO`.
    pub max_buckets: Option<i32>,
    /// Result for buckets without measurements.
    pub fill: StatisticsFill,
    /// Time zone of buckets, hours and days.
    pub time_zone: String,
    /// Further dimensions.
    pub group_by: Vec<StatisticsGroup>,
    /// H3 resolution of cells.
    pub cell_resolution: i32,
    /// Values and positions that count.
    pub counted: CountedValues,
}

impl Grouping {
    /// The query for the requested statistics of a filter, and the labels of its buckets. Buckets end at `now` when the
    /// filter has no end.
    ///
    /// # Errors
    /// Names the invalid argument.
    pub fn to_query(
        self,
        mut filter: Filter,
        requested: RequestedStatistics,
        now: DateTime<Utc>,
    ) -> Result<(StatisticsQuery, BucketLabels), ApiError> {
        let zone = time_zone(&self.time_zone)?;
        let empty_buckets = self.check_fill()?;
        let mut buckets = None;
        if let Some(every) = self.every {
            let from = filter.from.ok_or_else(|| {
                ApiError::bad_input("filter.measuredAt.from", "required with `every`: the first bucket starts there")
            })?;
            let to = filter.to.unwrap_or_else(|| now.max(from + TimeDelta::microseconds(1)));
            filter.to = Some(to);
            buckets = Some(Buckets::check(every, self.max_buckets, BUCKET_LIMITS, zone, (from, to))?);
        } else if self.max_buckets.is_some() {
            return Err(Buckets::unexpected_max_buckets());
        }
        let (interval, bounds) = buckets.map(|buckets| (buckets.interval, buckets.bounds)).unzip();
        let is_by = |group| self.group_by.contains(&group);
        let clock = |group| {
            is_by(group).then(|| {
                // No measurement is stored outside this span.
                let (first, last) = (time::EARLIEST_TIME, now + time::MAX_CLOCK_SKEW);
                let from = filter.from.unwrap_or(first).clamp(first, last);
                offsets(zone, from, filter.to.unwrap_or(last).clamp(from, last))
            })
        };
        let query = StatisticsQuery {
            bounds: bounds.unwrap_or_default(),
            empty_buckets,
            by_device: is_by(StatisticsGroup::Device),
            by_cell: is_by(StatisticsGroup::Cell)
                .then(|| resolution("cellResolution", self.cell_resolution))
                .transpose()?,
            by_hour_of_day: clock(StatisticsGroup::HourOfDay),
            by_day_of_week: clock(StatisticsGroup::DayOfWeek),
            coverage: requested.coverage,
            counted: self.counted,
            invalid_counts: requested.invalid_counts,
            quantities: requested.quantities,
            filter,
        };
        Ok((query, BucketLabels { time_zone: zone, interval }))
    }

    fn check_fill(&self) -> Result<EmptyBuckets, ApiError> {
        let by_clock = [StatisticsGroup::HourOfDay, StatisticsGroup::DayOfWeek];
        match self.fill {
            StatisticsFill::None => Ok(EmptyBuckets::Omit),
            StatisticsFill::Null if self.every.is_none() => {
                Err(ApiError::bad_input("fill", "NULL needs `every`: without it there are no buckets to fill"))
            }
            StatisticsFill::Null if self.group_by.iter().any(|group| by_clock.contains(group)) => {
                Err(ApiError::bad_input("fill", "NULL can't be combined with groupBy: HOUR_OF_DAY or DAY_OF_WEEK"))
            }
            StatisticsFill::Null => Ok(EmptyBuckets::Return),
        }
    }
}

/// Checks an H3 resolution. Cells are stored up to resolution 12.
///
/// # Errors
/// Names the argument when the resolution is not supported.
pub fn resolution(argument: &str, given: i32) -> Result<Resolution, ApiError> {
    let resolution = u8::try_from(given).ok().and_then(|given| Resolution::try_from(given).ok());
    resolution
        .filter(|&resolution| resolution <= domain::cell::STORED_RESOLUTION)
        .ok_or_else(|| ApiError::bad_input(argument, format!("must be an H3 resolution between 0 and 12, not {given}")))
}

/// The statistics that a selection needs.
#[derive(Clone, Debug, Default)]
pub struct RequestedStatistics {
    /// Whether coverage is selected.
    coverage: bool,
    /// Whether counts of invalid values are selected.
    invalid_counts: bool,
    /// The selected quantities and their percentiles.
    quantities: BTreeMap<domain::quantity::Quantity, BTreeSet<Percentile>>,
}

impl RequestedStatistics {
    /// The statistics selected by a field of type `Statistics` or `Cell`.
    #[must_use]
    pub fn from_selection(selected: SelectionField<'_>) -> Self {
        let mut requested = Self::default();
        for field in selected.selection_set() {
            let quantity = match field.name() {
                "coverage" => {
                    requested.coverage = true;
                    continue;
                }
                "quantity" => {
                    field_argument(&field, "of").and_then(|of| Quantity::parse(Some(of)).ok()).map(Into::into)
                }
                name => particulate_quantity(name),
            };
            let Some(quantity) = quantity else { continue };
            requested.invalid_counts |= field.selection_set().any(|field| field.name() == "invalidCount");
            // The resolver rejects an invalid percentile.
            let percentiles = field.selection_set().filter(|field| field.name() == "percentile").filter_map(|field| {
                let Some(Value::Number(percent)) = field_argument(&field, "p") else { return None };
                Percentile::try_new(percent.as_f64()?)
            });
            requested.quantities.entry(quantity).or_default().extend(percentiles);
        }
        requested
    }
}

/// The value of an argument of a field.
fn field_argument(field: &SelectionField<'_>, name: &str) -> Option<Value> {
    field.arguments().ok()?.into_iter().find_map(|(given, value)| (given == name).then_some(value))
}
