//! What many measurements have in common.

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
        fast_json::JsonRows,
        inputs::interval::{Interval, local_time},
        scalar::DateTime,
    },
};

/// What the measurements of one bucket of time, device, cell and so on have in common.
pub struct Statistics {
    /// The answer.
    pub row: domain::statistics::Statistics,
    /// What was asked.
    pub query: Arc<StatisticsQuery>,
    /// How the bucket is labelled.
    pub labels: BucketLabels,
}

/// How buckets of time are labelled.
#[derive(Clone, Copy, Debug)]
pub struct BucketLabels {
    /// By whose clocks.
    pub time_zone: Tz,
    /// How long they are; none where time is not cut.
    pub interval: Option<domain::interval::Interval>,
}

/// What the measurements of one bucket of time, device, cell and so on have in common.
#[Object]
impl Statistics {
    /// Start of the bucket. Without `every` the start that the filter sets; null when it sets none.
    async fn start(&self) -> Option<DateTime> {
        self.span().0.map(Into::into)
    }

    /// `start` on the clocks of `timeZone`, in RFC 3339 with the offset from UTC, such as `2026-03-29T03:00:00+02:00`. The
    /// offset distinguishes two buckets of the same local hour when clocks go back. Null when `start` is.
    async fn start_local(&self) -> Option<String> {
        self.start_local_text()
    }

    /// End of the bucket, which is not part of it. Without `every` the end that the filter sets; null when it sets none.
    async fn end(&self) -> Option<DateTime> {
        self.span().1.map(Into::into)
    }

    /// Length of the bucket: `every`, or what `every: AUTO` chose. Null without `every`.
    async fn interval(&self) -> Option<Interval> {
        self.labels.interval.map(Into::into)
    }

    /// The device, where devices are told apart.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>, ApiError> {
        let Some(id) = self.row.device else { return Ok(None) };
        Ok(ctx.loader().load_one(id).await?.map(Into::into))
    }

    /// The H3 cell, where cells are told apart.
    async fn cell(&self) -> Option<String> {
        self.row.cell.map(|cell| cell.to_string())
    }

    /// The hour on the clock in the time zone, from 0 to 23, where hours of the day are told apart.
    async fn hour_of_day(&self) -> Option<i32> {
        self.row.hour_of_day
    }

    /// The day of the week in the time zone, from 1 (Monday) to 7, where days of the week are told apart.
    async fn day_of_week(&self) -> Option<i32> {
        self.row.day_of_week
    }

    /// How many measurements, with valid values or without.
    async fn count(&self) -> i64 {
        self.row.count
    }

    /// The share of the hours (of UTC) from `start` to `end`, as far as the filter goes, in which there are measurements. A
    /// measurement flagged `OUT_OF_RANGE` without a valid value of the air (particulates, weather, gases, sound, light) covers
    /// no hour, unless `includeInvalid` is set. Null where these are open, and where hours or days of the week are told apart.
    async fn coverage(&self) -> Option<f64> {
        self.coverage_share()
    }

    /// Of particulate matter up to 1 µm, in `ug/m3`.
    async fn pm1(&self) -> Summary {
        self.summary(domain::quantity::Quantity::Pm1)
    }

    /// Of particulate matter up to 2.5 µm, in `ug/m3`.
    async fn pm25(&self) -> Summary {
        self.summary(domain::quantity::Quantity::Pm2_5)
    }

    /// Of particulate matter up to 4 µm, in `ug/m3`.
    async fn pm4(&self) -> Summary {
        self.summary(domain::quantity::Quantity::Pm4)
    }

    /// Of particulate matter up to 10 µm, in `ug/m3`.
    async fn pm10(&self) -> Summary {
        self.summary(domain::quantity::Quantity::Pm10)
    }

    /// Of any quantity, in its unit.
    async fn quantity(&self, #[graphql(desc = "Which.")] of: Quantity) -> Summary {
        self.summary(of.into())
    }
}

/// Answers to a question, as a list.
pub(in crate::graphql) fn from_rows(
    rows: Vec<domain::statistics::Statistics>,
    question: &Arc<StatisticsQuery>,
    labels: BucketLabels,
) -> JsonRows<Statistics> {
    JsonRows(rows.into_iter().map(|row| Statistics { row, query: question.clone(), labels }).collect())
}

/// The particulate quantity that a field of statistics or of a cell sums up; none where it is another field.
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
    /// From when to when these are.
    pub(in crate::graphql) fn span(&self) -> (Option<Moment>, Option<Moment>) {
        let bounds = self.row.bucket.and_then(|bucket| self.query.bounds.get(bucket..=bucket + 1));
        match bounds {
            Some(bounds) => (bounds.first().copied(), bounds.last().copied()),
            None => (self.query.filter.from, self.query.filter.to),
        }
    }

    /// See `startLocal`.
    pub(in crate::graphql) fn start_local_text(&self) -> Option<String> {
        self.span().0.map(|start| local_time(start, self.labels.time_zone))
    }

    /// See `coverage`.
    pub(in crate::graphql) fn coverage_share(&self) -> Option<f64> {
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

    /// Of a quantity that the selection asks for.
    pub(in crate::graphql) fn summary(&self, quantity: domain::quantity::Quantity) -> Summary {
        let place = self.query.quantities.keys().position(|&asked| asked == quantity);
        Summary(place.and_then(|place| self.row.summaries.get(place)).cloned().unwrap_or_default())
    }
}
