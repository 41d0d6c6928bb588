//! Statistics of many measurements: in buckets of time, by device, cell, hour and day.
//!
//! The hourly rollups are read where they are exact ([`source`] decides), together with the rows of those parts of an
//! hour or an area that the rollups can't resolve; otherwise only the rows. The gateway computes bucket bounds and
//! local times, so that only one program's time zone rules apply.

mod fill;
mod source;
mod statement;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use h3o::Resolution;
use sqlx::{PgExecutor, Row as _, postgres::PgRow};

use super::{DbError, measurement_filter::has_stable_plan};
use crate::domain::{
    cell::from_bigint,
    device::DeviceId,
    filter::Filter,
    pruned_months::OpenSpan,
    quantity::Quantity,
    statistics::{Percentile, QuantitySummary, Statistics},
    time_zone::Offsets,
    validity::CountedValues,
};

/// Maximum number of rows of one query.
pub const MAX_ROWS: usize = 20_000;

/// Handling of time buckets without measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmptyBuckets {
    /// They are omitted.
    Omit,
    /// They are returned with empty statistics. Not in combination with hours of the day or days of the week.
    Return,
}

/// A statistics query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StatisticsQuery {
    /// Filter.
    pub filter: Filter,
    /// Bounds of the buckets, including the end of the last one; with fewer than two there is one bucket of all time.
    pub bounds: Vec<DateTime<Utc>>,
    /// Handling of buckets without measurements.
    pub empty_buckets: EmptyBuckets,
    /// Whether to group by device.
    pub by_device: bool,
    /// Groups by cell of this resolution, at most 12.
    pub by_cell: Option<Resolution>,
    /// Groups by hour of the day in local time, with these offsets.
    pub by_hour_of_day: Option<Offsets>,
    /// Groups by day of the week in local time, with these offsets.
    pub by_day_of_week: Option<Offsets>,
    /// Whether hours with measurements are counted.
    pub coverage: bool,
    /// Which values and positions count.
    pub counted: CountedValues,
    /// Whether invalid values are counted in addition.
    pub invalid_counts: bool,
    /// The aggregated quantities with their percentiles.
    pub quantities: BTreeMap<Quantity, BTreeSet<Percentile>>,
}

/// Runs the query and returns the first `limit` rows, in the order of time.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.statistics.list", skip_all)]
pub async fn list(db: impl PgExecutor<'_>, query: &StatisticsQuery, limit: usize) -> Result<Vec<Statistics>, DbError> {
    let mut statement = statement::build_statement(query, &source::choose_source(query), limit);
    let rows = statement.build().persistent(has_stable_plan(&query.filter)).fetch_all(db).await?;
    let rows = rows.iter().map(|row| read(row, query)).collect::<Result<_, _>>()?;
    Ok(match query.empty_buckets {
        EmptyBuckets::Omit => rows,
        EmptyBuckets::Return => fill::fill_empty_buckets(rows, query, limit),
    })
}

/// The half-open time spans of which the query reads measurements; of the others it reads rollups. An end that is `None` is
/// open.
#[must_use]
pub fn row_spans(query: &StatisticsQuery) -> Vec<OpenSpan> {
    source::choose_source(query).row_spans(&query.filter).iter().map(|span| (span.from, span.to)).collect()
}

/// Parses the columns of `statement`, by index.
fn read(row: &PgRow, query: &StatisticsQuery) -> Result<Statistics, DbError> {
    let mut column = 0..;
    let mut next = || column.next().unwrap_or_default();
    let mut group = |is_selected: bool| is_selected.then(|| row.try_get::<i64, _>(next())).transpose();
    let bucket = group(query.bounds.len() > 1)?;
    let device = group(query.by_device)?;
    let cell = group(query.by_cell.is_some())?;
    let hour_of_day = group(query.by_hour_of_day.is_some())?;
    let day_of_week = group(query.by_day_of_week.is_some())?;
    let count = row.try_get(next())?;
    let hours = if query.coverage { Some(row.try_get(next())?) } else { None };
    let mut summaries = Vec::with_capacity(query.quantities.len());
    for (&quantity, percentiles) in &query.quantities {
        let mut summary = QuantitySummary {
            count: row.try_get(next())?,
            mean: row.try_get(next())?,
            standard_deviation: row.try_get(next())?,
            min: row.try_get(next())?,
            max: row.try_get(next())?,
            invalid_count: if query.invalid_counts { row.try_get(next())? } else { 0 },
            percentiles: Vec::new(),
        };
        if !percentiles.is_empty() {
            let values: Option<Vec<f64>> = row.try_get(next())?; // null for a quantity without values
            summary.percentiles = percentiles.iter().copied().zip(values.into_iter().flatten()).collect();
        }
        summaries.push(summary.rounded_to_precision(quantity));
    }
    let small = |number: Option<i64>| number.and_then(|number| i32::try_from(number).ok());
    Ok(Statistics {
        bucket: bucket.and_then(|bucket| usize::try_from(bucket - 1).ok()), // 1-based in Postgres
        device: device.map(DeviceId),
        cell: cell.and_then(from_bigint),
        hour_of_day: small(hour_of_day),
        day_of_week: small(day_of_week),
        count,
        hours,
        summaries,
    })
}
