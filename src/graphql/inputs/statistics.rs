//! Which statistics, of what.

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

/// What measurements are told apart by, beside the bucket of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum StatisticsGroup {
    /// The device.
    Device,
    /// The H3 cell; those without a position are left out.
    Cell,
    /// The hour on the clock, from 0 to 23.
    HourOfDay,
    /// The day of the week, from 1 (Monday) to 7.
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

/// The buckets of statistics.
pub const BUCKET_LIMITS: BucketLimits =
    BucketLimits { min_interval: domain::interval::Interval::Minute, max_buckets: 10_000 };
/// The size of cells, where none is told.
pub const DEFAULT_CELL_RESOLUTION: i32 = 8;

/// How measurements are parted, as the arguments say.
#[derive(Clone, Debug)]
pub struct Grouping {
    /// Into which buckets of time.
    pub every: Option<Interval>,
    /// Into how many of them at most, where `every` is `AUTO`.
    pub max_buckets: Option<i32>,
    /// What is returned for those without measurements.
    pub fill: StatisticsFill,
    /// By which time zone.
    pub time_zone: String,
    /// By what else.
    pub group_by: Vec<StatisticsGroup>,
    /// Into how large cells.
    pub cell_resolution: i32,
    /// Which values and positions count.
    pub counted: CountedValues,
}

impl Grouping {
    /// The question, for what is wanted of the statistics of this filter, and how its buckets are labelled. Buckets end now,
    /// where the filter has no end.
    ///
    /// # Errors
    /// Names the argument that can't be.
    pub fn to_query(
        self,
        mut filter: Filter,
        wanted: RequestedStatistics,
        now: DateTime<Utc>,
    ) -> Result<(StatisticsQuery, BucketLabels), ApiError> {
        let zone = time_zone(&self.time_zone)?;
        let empty_buckets = self.check_fill()?;
        let mut buckets = None;
        if let Some(every) = self.every {
            let from = filter.from.ok_or_else(|| {
                ApiError::bad_input("filter.measuredAt.from", "is needed with `every`, as buckets must begin somewhere")
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
                // There are no measurements before or after.
                let (first, last) = (time::EARLIEST_TIME, now + time::MAX_CLOCK_SKEW);
                let from = filter.from.unwrap_or(first).clamp(first, last);
                offsets(zone, from, filter.to.unwrap_or(last).clamp(from, last))
            })
        };
        let question = StatisticsQuery {
            bounds: bounds.unwrap_or_default(),
            empty_buckets,
            by_device: is_by(StatisticsGroup::Device),
            by_cell: is_by(StatisticsGroup::Cell)
                .then(|| resolution("cellResolution", self.cell_resolution))
                .transpose()?,
            by_hour_of_day: clock(StatisticsGroup::HourOfDay),
            by_day_of_week: clock(StatisticsGroup::DayOfWeek),
            coverage: wanted.coverage,
            counted: self.counted,
            invalid_counts: wanted.invalid_counts,
            quantities: wanted.quantities,
            filter,
        };
        Ok((question, BucketLabels { time_zone: zone, interval }))
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

/// A resolution of cells that measurements can be sorted into.
///
/// # Errors
/// Names the argument, as which it was given, when there is none such.
pub fn resolution(argument: &str, given: i32) -> Result<Resolution, ApiError> {
    let resolution = u8::try_from(given).ok().and_then(|given| Resolution::try_from(given).ok());
    resolution.filter(|&resolution| resolution <= domain::cell::STORED_RESOLUTION).ok_or_else(|| {
        ApiError::bad_input(argument, format!("{given} is no resolution of cells here; they go from 0 to 12"))
    })
}

/// What a selection of statistics needs.
#[derive(Clone, Debug, Default)]
pub struct RequestedStatistics {
    /// Whether the coverage.
    coverage: bool,
    /// Whether the number of invalid values.
    invalid_counts: bool,
    /// Of which quantities which percentiles.
    quantities: BTreeMap<domain::quantity::Quantity, BTreeSet<Percentile>>,
}

impl RequestedStatistics {
    /// What this field, which is statistics, selects of them.
    #[must_use]
    pub fn from_selection(selected: SelectionField<'_>) -> Self {
        let mut wanted = Self::default();
        for field in selected.selection_set() {
            let quantity = match field.name() {
                "coverage" => {
                    wanted.coverage = true;
                    continue;
                }
                "quantity" => {
                    field_argument(&field, "of").and_then(|of| Quantity::parse(Some(of)).ok()).map(Into::into)
                }
                name => particulate_quantity(name),
            };
            let Some(quantity) = quantity else { continue };
            wanted.invalid_counts |= field.selection_set().any(|field| field.name() == "invalidCount");
            // A percentile that can't be is refused where it is told.
            let percentiles = field.selection_set().filter(|field| field.name() == "percentile").filter_map(|field| {
                let Some(Value::Number(percent)) = field_argument(&field, "p") else { return None };
                Percentile::try_new(percent.as_f64()?)
            });
            wanted.quantities.entry(quantity).or_default().extend(percentiles);
        }
        wanted
    }
}

/// The value of an argument of a field.
fn field_argument(field: &SelectionField<'_>, name: &str) -> Option<Value> {
    field.arguments().ok()?.into_iter().find_map(|(given, value)| (given == name).then_some(value))
}
