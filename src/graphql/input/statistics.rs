//! Which statistics, of what.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr as _,
};

use async_graphql::{Enum, InputType, SelectionField, Value};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use h3o::Resolution;

use crate::{
    db::statistics::Question,
    domain::{self, filter::Filter, statistics::Percentile, time, time_zone::offsets, validity::CountedValues},
    error::ApiError,
    graphql::model::{quantity::Quantity, statistics::particulate},
};

/// How time is cut into buckets. A bucket begins when clocks in the time zone show a whole multiple of its length; an hour
/// that they show twice in autumn is two buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::interval::Interval")]
pub enum Interval {
    /// 1 minute.
    Minute,
    /// 5 minutes.
    FiveMinutes,
    /// 10 minutes.
    TenMinutes,
    /// A quarter of an hour.
    FifteenMinutes,
    /// Half an hour.
    ThirtyMinutes,
    /// An hour.
    Hour,
    /// 3 hours.
    ThreeHours,
    /// 6 hours.
    SixHours,
    /// 12 hours.
    TwelveHours,
    /// A day from midnight: 23 hours when clocks go forward, 25 when they go back.
    Day,
    /// A week from Monday.
    Week,
    /// A month.
    Month,
    /// A quarter of a year from January, April, July or October.
    Quarter,
    /// A year.
    Year,
}

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

/// Whose clocks, where no time zone is told.
pub const DEFAULT_TIME_ZONE: &str = "UTC";
/// The size of cells, where none is told.
pub const DEFAULT_CELL_RESOLUTION: i32 = 8;

/// How measurements are parted, as the arguments say.
#[derive(Clone, Debug)]
pub struct Parting {
    /// Into which buckets of time.
    pub every: Option<Interval>,
    /// By which time zone.
    pub time_zone: String,
    /// By what else.
    pub group_by: Vec<StatisticsGroup>,
    /// Into how large cells.
    pub cell_resolution: i32,
    /// Which values and positions count.
    pub counted: CountedValues,
}

impl Parting {
    /// The question, for what is wanted of the statistics of this filter. Buckets end now, where the filter has no end.
    ///
    /// # Errors
    /// Names the argument that can't be.
    pub fn question(self, mut filter: Filter, wanted: Wanted, now: DateTime<Utc>) -> Result<Question, ApiError> {
        let zone = time_zone(&self.time_zone)?;
        let mut bounds = Vec::new();
        if let Some(every) = self.every {
            let from = filter.from.ok_or_else(|| {
                ApiError::bad_input("filter.measuredAt.from", "is needed with `every`, as buckets must begin somewhere")
            })?;
            let to = filter.to.unwrap_or_else(|| now.max(from + TimeDelta::microseconds(1)));
            filter.to = Some(to);
            bounds = check_bounds(every, zone, from, to)?;
        }
        let is_by = |group| self.group_by.contains(&group);
        let clock = |group| {
            is_by(group).then(|| {
                // There are no measurements before or after.
                let (first, last) = (time::EARLIEST, now + time::MAX_AHEAD);
                let from = filter.from.unwrap_or(first).clamp(first, last);
                offsets(zone, from, filter.to.unwrap_or(last).clamp(from, last))
            })
        };
        Ok(Question {
            bounds,
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
        })
    }
}

/// The time zone of that name.
///
/// # Errors
/// When there is none.
pub fn time_zone(name: &str) -> Result<Tz, ApiError> {
    Tz::from_str(name).map_err(|_| {
        let reason = format!("{name:?} is no time zone of the IANA database, such as Europe/London");
        ApiError::bad_input("timeZone", reason)
    })
}

fn check_bounds(
    every: Interval,
    zone: Tz,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, ApiError> {
    domain::interval::Interval::from(every).bounds(zone, from, to).map_err(|too_many| {
        let fitting = too_many.fitting.map_or_else(
            || "ask for a shorter span".to_owned(),
            |fitting| format!("{} would fit, or a shorter span", name(fitting.into())),
        );
        let reason = format!(
            "{} makes about {} buckets of this span, and there may be {}; {fitting}",
            name(every),
            too_many.about,
            domain::interval::MAX_BUCKETS
        );
        ApiError::bad_input("every", reason)
    })
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
pub struct Wanted {
    /// Whether the coverage.
    coverage: bool,
    /// Whether the number of invalid values.
    invalid_counts: bool,
    /// Of which quantities which percentiles.
    quantities: BTreeMap<domain::quantity::Quantity, BTreeSet<Percentile>>,
}

impl Wanted {
    /// What this field, which is statistics, selects of them.
    #[must_use]
    pub fn of(selected: SelectionField<'_>) -> Self {
        let mut wanted = Self::default();
        for field in selected.selection_set() {
            let quantity = match field.name() {
                "coverage" => {
                    wanted.coverage = true;
                    continue;
                }
                "quantity" => argument(&field, "of").and_then(|of| Quantity::parse(Some(of)).ok()).map(Into::into),
                name => particulate(name),
            };
            let Some(quantity) = quantity else { continue };
            wanted.invalid_counts |= field.selection_set().any(|field| field.name() == "invalidCount");
            // A percentile that can't be is refused where it is told.
            let percentiles = field.selection_set().filter(|field| field.name() == "percentile").filter_map(|field| {
                let Some(Value::Number(percent)) = argument(&field, "p") else { return None };
                Percentile::try_new(percent.as_f64()?)
            });
            wanted.quantities.entry(quantity).or_default().extend(percentiles);
        }
        wanted
    }
}

/// The value of an argument of a field.
fn argument(field: &SelectionField<'_>, name: &str) -> Option<Value> {
    field.arguments().ok()?.into_iter().find_map(|(given, value)| (given == name).then_some(value))
}

/// The name of an interval in the schema.
fn name(interval: Interval) -> String {
    InputType::to_value(&interval).to_string()
}
