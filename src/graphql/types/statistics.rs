//! Statistics of measurements.

use std::sync::Arc;

use async_graphql::{Context, Object};
use chrono::Utc;
use chrono_tz::Tz;

use super::{device::Device, quantity::Quantity, summary::Summary};
use crate::{
    api_error::ApiError,
    db::statistics::StatisticsQuery,
    domain,
    domain::statistics::hours_overlapping,
    graphql::{
        context::ContextExt as _,
        fast_json::{JsonRows, row_fields::row_fields},
        inputs::interval::{Interval, local_time},
        scalar::DateTime,
    },
};

/// Statistics of one group of measurements: of one bucket of time, device, cell, hour of the day or day of the week.
pub struct Statistics {
    /// Row of the database.
    pub row: domain::statistics::Statistics,
    /// The query that returned the row.
    pub query: Arc<StatisticsQuery>,
    /// Labels of the bucket.
    pub labels: BucketLabels,
}

/// Labels of buckets of time.
#[derive(Clone, Copy, Debug)]
pub struct BucketLabels {
    /// Time zone of local times.
    pub time_zone: Tz,
    /// Length of the buckets; `None` without buckets.
    pub interval: Option<domain::interval::Interval>,
}

row_fields! {
    /// The values of a row of statistics.
    StatisticsRow(group: &Statistics) {
        /// Start of the bucket (inclusive). Without `every`: the start of the filter. Null when the filter has no
        /// start.
        start: Option<DateTime> = group.span().0.map(Into::into);
        /// `start` as local time of `timeZone`, in RFC 3339 with the offset from UTC, such as
        /// `2026-03-29T03:00:00+02:00`. The offset distinguishes two buckets of the same local hour when clocks go
        /// back. Null when `start` is null.
        start_local: Option<String> = group.span().0.map(|start| local_time(start, group.labels.time_zone));
        /// End of the bucket (exclusive). Without `every`: the end of the filter. Null when the filter has no end.
        end: Option<DateTime> = group.span().1.map(Into::into);
        /// Length of the bucket: `every`, or the interval chosen for `every: AUTO`. Null without `every`.
        interval: Option<Interval> = group.labels.interval.map(Into::into);
        /// Index of the H3 cell of the group. Null when statistics are not grouped by cell.
        cell: Option<String> = group.row.cell.map(|cell| cell.to_string());
        /// Local hour of the day in `timeZone`, 0 to 23. Null when statistics are not grouped by hour of the day.
        hour_of_day: Option<i32> = group.row.hour_of_day;
        /// Local day of the week in `timeZone`, 1 (Monday) to 7 (Sunday). Null when statistics are not grouped by day
        /// of the week.
        day_of_week: Option<i32> = group.row.day_of_week;
        /// Number of measurements, with or without valid values.
        count: i64 = group.row.count;
        /// Share of hours with measurements, 0 to 1: UTC hours from `start` to `end`, limited to the span of the
        /// filter. A measurement flagged `OUT_OF_RANGE` without a valid particulate, weather, gas, sound or light value
        /// covers no hour, unless `includeInvalid` is set. Null when `start` or `end` is null, and when grouped by hour
        /// of the day or day of the week.
        coverage: Option<f64> = group.coverage_share();
    }
}

/// Statistics of one group of measurements: of one bucket of time, device, cell, hour of the day or day of the week.
#[Object]
impl Statistics {
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn row_fields(&self) -> StatisticsRow<'_> {
        StatisticsRow(self)
    }

    /// Device of the group. Null when statistics are not grouped by device.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>, ApiError> {
        let Some(id) = self.row.device else { return Ok(None) };
        Ok(ctx.loader().load_one(id).await?.map(Into::into))
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn summaries(&self) -> Summaries<'_> {
        Summaries(self)
    }
}

/// Summaries of quantities: fields of `Statistics` and `Cell`.
pub struct Summaries<'a>(pub &'a Statistics);

#[Object]
impl Summaries<'_> {
    /// Summary of particulate matter up to 1 µm, in µg/m³.
    async fn pm1(&self) -> Summary {
        self.0.summary(domain::quantity::Quantity::Pm1)
    }

    /// Summary of particulate matter up to 2.5 µm, in µg/m³.
    async fn pm25(&self) -> Summary {
        self.0.summary(domain::quantity::Quantity::Pm2_5)
    }

    /// Summary of particulate matter up to 4 µm, in µg/m³.
    async fn pm4(&self) -> Summary {
        self.0.summary(domain::quantity::Quantity::Pm4)
    }

    /// Summary of particulate matter up to 10 µm, in µg/m³.
    async fn pm10(&self) -> Summary {
        self.0.summary(domain::quantity::Quantity::Pm10)
    }

    /// Summary of any quantity, in its unit (see `Quantity`).
    async fn quantity(&self, #[graphql(desc = "Quantity to summarise.")] of: Quantity) -> Summary {
        self.0.summary(of.into())
    }
}

/// The rows of a query as GraphQL objects.
pub(in crate::graphql) fn from_rows(
    rows: Vec<domain::statistics::Statistics>,
    query: &Arc<StatisticsQuery>,
    labels: BucketLabels,
) -> JsonRows<Statistics> {
    JsonRows(rows.into_iter().map(|row| Statistics { row, query: query.clone(), labels }).collect())
}

/// The particulate quantity that a field of `Statistics` or `Cell` summarises; `None` for other fields.
pub(in crate::graphql) fn particulate_quantity(field: &str) -> Option<domain::quantity::Quantity> {
    match field {
        "pm1" => Some(domain::quantity::Quantity::Pm1),
        "pm25" => Some(domain::quantity::Quantity::Pm2_5),
        "pm4" => Some(domain::quantity::Quantity::Pm4),
        "pm10" => Some(domain::quantity::Quantity::Pm10),
        _ => None,
    }
}

type Moment = chrono::DateTime<Utc>;

impl Statistics {
    /// Start and end of the bucket, or of the filter.
    fn span(&self) -> (Option<Moment>, Option<Moment>) {
        let bounds = self.row.bucket.and_then(|bucket| self.query.bounds.get(bucket..=bucket + 1));
        match bounds {
            Some(bounds) => (bounds.first().copied(), bounds.last().copied()),
            None => (self.query.filter.from, self.query.filter.to),
        }
    }

    /// See `coverage`.
    pub(super) fn coverage_share(&self) -> Option<f64> {
        if self.row.hour_of_day.or(self.row.day_of_week).is_some() {
            return None;
        }
        let (start, end) = self.span();
        let start = start.max(self.query.filter.from)?;
        let end = end?.min(self.query.filter.to.unwrap_or(Moment::MAX_UTC));
        #[expect(clippy::cast_precision_loss, reason = "hours are far below 2^52")]
        let share = self.row.hours? as f64 / hours_overlapping(start, end) as f64;
        Some(share)
    }

    /// Summary of a quantity of the selection.
    pub(in crate::graphql) fn summary(&self, quantity: domain::quantity::Quantity) -> Summary {
        let index = self.query.quantities.keys().position(|&requested| requested == quantity);
        Summary(index.and_then(|index| self.row.summaries.get(index)).cloned().unwrap_or_default())
    }
}
