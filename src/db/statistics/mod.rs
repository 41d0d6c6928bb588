//! Statistics of many measurements: in buckets of time, by device, cell, hour and day.
//!
//! Where the hourly rollups are exact they are read ([`source`] says when), together with the rows of those parts of an
//! hour or an area that only rows can tell; otherwise the rows alone. Where buckets begin, and what clocks show, is
//! reckoned by the gateway, so that the zones' rules are those of one program.

mod fill;
mod source;
mod statement;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use h3o::Resolution;
use sqlx::{PgExecutor, Row as _, postgres::PgRow};

use super::DbError;
use crate::domain::{
    cell::from_bigint,
    device::DeviceId,
    filter::Filter,
    quantity::Quantity,
    statistics::{Percentile, QuantitySummary, Statistics},
    time_zone::Offsets,
    validity::CountedValues,
};

/// Answers to one question at most.
pub const MAX_ROWS: usize = 20_000;

/// What is returned for buckets of time without measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmptyBuckets {
    /// Nothing.
    Omit,
    /// Statistics of no measurements. Not together with hours of the day or days of the week.
    Return,
}

/// What is asked of which measurements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StatisticsQuery {
    /// Which.
    pub filter: Filter,
    /// Where buckets begin, and where the last one ends; with fewer than two there is one bucket of all time.
    pub bounds: Vec<DateTime<Utc>>,
    /// What is returned for buckets without measurements.
    pub empty_buckets: EmptyBuckets,
    /// Each device by itself.
    pub by_device: bool,
    /// Each cell of this resolution, at most 12, by itself.
    pub by_cell: Option<Resolution>,
    /// What clocks show, where hours of the day are told apart.
    pub by_hour_of_day: Option<Offsets>,
    /// What clocks show, where days of the week are told apart.
    pub by_day_of_week: Option<Offsets>,
    /// Whether hours with measurements are counted.
    pub coverage: bool,
    /// Which values and positions count.
    pub counted: CountedValues,
    /// Whether invalid values are counted beside the others.
    pub invalid_counts: bool,
    /// What is summed up, with which percentiles.
    pub quantities: BTreeMap<Quantity, BTreeSet<Percentile>>,
}

/// Asks, and gives the first `limit` of the answers, in the order of time.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.statistics.list", skip_all)]
pub async fn list(
    db: impl PgExecutor<'_>,
    question: &StatisticsQuery,
    limit: usize,
) -> Result<Vec<Statistics>, DbError> {
    let rows =
        statement::build_statement(question, &source::choose_source(question), limit).build().fetch_all(db).await?;
    let rows = rows.iter().map(|row| read(row, question)).collect::<Result<_, _>>()?;
    Ok(match question.empty_buckets {
        EmptyBuckets::Omit => rows,
        EmptyBuckets::Return => fill::fill_empty_buckets(rows, question, limit),
    })
}

/// Columns as `statement` writes them, by their place.
fn read(row: &PgRow, question: &StatisticsQuery) -> Result<Statistics, DbError> {
    let mut column = 0..;
    let mut next = || column.next().unwrap_or_default();
    let mut group = |wanted: bool| wanted.then(|| row.try_get::<i64, _>(next())).transpose();
    let bucket = group(question.bounds.len() > 1)?;
    let device = group(question.by_device)?;
    let cell = group(question.by_cell.is_some())?;
    let hour_of_day = group(question.by_hour_of_day.is_some())?;
    let day_of_week = group(question.by_day_of_week.is_some())?;
    let count = row.try_get(next())?;
    let hours = if question.coverage { Some(row.try_get(next())?) } else { None };
    let mut summaries = Vec::with_capacity(question.quantities.len());
    for (&quantity, percentiles) in &question.quantities {
        let mut summary = QuantitySummary {
            count: row.try_get(next())?,
            mean: row.try_get(next())?,
            standard_deviation: row.try_get(next())?,
            min: row.try_get(next())?,
            max: row.try_get(next())?,
            invalid_count: if question.invalid_counts { row.try_get(next())? } else { 0 },
            percentiles: Vec::new(),
        };
        if !percentiles.is_empty() {
            let values: Option<Vec<f64>> = row.try_get(next())?; // null where the quantity was never told
            summary.percentiles = percentiles.iter().copied().zip(values.into_iter().flatten()).collect();
        }
        summaries.push(summary.rounded_to_precision(quantity));
    }
    let small = |number: Option<i64>| number.and_then(|number| i32::try_from(number).ok());
    Ok(Statistics {
        bucket: bucket.and_then(|bucket| usize::try_from(bucket - 1).ok()), // Postgres counts them from 1
        device: device.map(DeviceId),
        cell: cell.and_then(from_bigint),
        hour_of_day: small(hour_of_day),
        day_of_week: small(day_of_week),
        count,
        hours,
        summaries,
    })
}
