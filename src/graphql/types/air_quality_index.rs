//! Air-quality indices of a device, and of a cell of the map.

use async_graphql::{Context, Enum, SimpleObject};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use h3o::CellIndex;

use super::quantity::Quantity;
use crate::{
    api_error::ApiError,
    domain::{
        air_quality_index as domain,
        air_quality_index::{HourlyMeans, Level, Pollutant, Scale},
        device::DeviceId,
        rollup::hour_of,
        validity::CountedValues,
    },
    graphql::{
        context::ContextExt as _,
        execute::cost::MAX_SERIES_ITEMS,
        inputs::{
            interval,
            interval::{BucketLimits, Buckets, Interval},
        },
        loaders::HourlyMeansKey,
        scalar,
    },
};

/// Published air-quality scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Scale")]
pub enum AirQualityScale {
    /// UK Daily Air Quality Index: 1 to 10, from the mean of 24 hours.
    UkDaqi,
    /// European Air Quality Index: 1 (good) to 6 (extremely poor), from the mean of one hour.
    #[graphql(name = "EUROPEAN_AQI")]
    European,
    /// US EPA Air Quality Index: 0 to 500, from the mean of 24 hours.
    UsEpa,
    /// US EPA Air Quality Index with NowCast: 0 to 500, from a weighted mean of 12 hours in which recent hours have
    /// more weight.
    UsNowcast,
}

/// Air-quality index: the higher one of the indices of PM2.5 and PM10. Indicative only: low-cost sensors are not
/// reference stations, and pollutants that are not measured may be worse.
#[derive(SimpleObject)]
pub struct AirQualityIndex {
    /// Scale of the index.
    scale: AirQualityScale,
    /// Pollutant with the highest index, which is the overall index; the first one when equal. Null when there is no
    /// value.
    pollutant: Option<Quantity>,
    /// Share of hours of the period with data of `pollutant`, 0 to 1; when `pollutant` is null, the larger share of the
    /// two pollutants. An hour has data when it has one valid value.
    coverage: f64,
    /// Start of the averaging period (inclusive).
    start: scalar::DateTime,
    /// End of the averaging period (exclusive): the end of its last full hour.
    end: scalar::DateTime,
    /// Index of each pollutant.
    sub_indices: Vec<AirQualitySubIndex>,
    /// Edition of the scale: source and date.
    version: &'static str,
    /// Bucket of the series; the index is the one at its end. Null outside `airQualityIndices`.
    bucket: Option<TimeBucket>,
    #[graphql(flatten)]
    scale_position: ScalePosition,
}

/// Bucket of time in a series.
#[derive(SimpleObject)]
pub struct TimeBucket {
    /// Start of the bucket (inclusive).
    start: scalar::DateTime,
    /// `start` as local time of `timeZone`, in RFC 3339 with the offset from UTC, such as `2026-03-29T03:00:00+02:00`.
    start_local: String,
    /// End of the bucket (exclusive).
    end: scalar::DateTime,
    /// Length of the bucket: `every`, or the interval chosen for `every: AUTO`.
    interval: Interval,
}

/// Air-quality index of one pollutant.
#[derive(SimpleObject)]
pub struct AirQualitySubIndex {
    /// Pollutant of this index.
    pollutant: Quantity,
    /// Concentration that the index is computed from, in µg/m³: the mean of the period, or the NowCast value. Null when
    /// there is no value.
    concentration: Option<f64>,
    /// Share of hours of the period with data of the pollutant, 0 to 1.
    coverage: f64,
    #[graphql(flatten)]
    scale_position: ScalePosition,
}

/// Position of a concentration on a scale.
#[derive(SimpleObject)]
pub struct ScalePosition {
    /// Index value. Null when fewer than 75 % of the hours of the period have data; for NowCast, when fewer than two of
    /// the latest three have data.
    value: Option<u16>,
    /// Name of the band on the scale, in English, such as `Good`. Null when `value` is null.
    band: Option<&'static str>,
    /// Colour of the band on the scale, as `#rrggbb`. Null when `value` is null.
    colour: Option<&'static str>,
    /// Whether the concentration is above the end of the scale; `value` is then the scale's maximum.
    above_scale: bool,
}

impl From<Option<Level>> for ScalePosition {
    fn from(level: Option<Level>) -> Self {
        Self {
            value: level.map(|level| level.value),
            band: level.map(|level| level.band.name),
            colour: level.map(|level| level.band.colour),
            above_scale: level.is_some_and(|level| level.above_scale),
        }
    }
}

/// The index of a device over the full hours before `at`, by default before now.
///
/// # Errors
/// When the database fails.
pub async fn device_index(
    ctx: &Context<'_>,
    device: DeviceId,
    scale: AirQualityScale,
    at: Option<scalar::DateTime>,
    counted: CountedValues,
) -> Result<AirQualityIndex, ApiError> {
    let hours = hourly_means_key(ctx, device, scale, at, counted);
    Ok(index_from_means(scale, &hours, ctx.loader().load_one(hours).await?))
}

/// The index of a map cell of resolution 0 to 12, over the full hours before `at`, by default before now.
///
/// # Errors
/// When the database fails.
pub async fn cell_index(
    ctx: &Context<'_>,
    cell: CellIndex,
    scale: AirQualityScale,
    at: Option<scalar::DateTime>,
    counted: CountedValues,
) -> Result<AirQualityIndex, ApiError> {
    let hours = hourly_means_key(ctx, cell, scale, at, counted);
    Ok(index_from_means(scale, &hours, ctx.loader().load_one(hours).await?))
}

/// Maximum hours from the start of the first bucket of a series to the end of the last one.
const MAX_SERIES_HOURS: i64 = 10_000;

/// Limits of the buckets of a series.
const BUCKET_LIMITS: BucketLimits =
    BucketLimits { min_interval: crate::domain::interval::Interval::Hour, max_buckets: MAX_SERIES_ITEMS };

/// The buckets of a series with the time zone of their labels.
pub struct SeriesBuckets {
    buckets: Buckets,
    time_zone: Tz,
}

/// Checks the buckets of a series. No bucket starts after now.
///
/// # Errors
/// Names the invalid argument.
pub fn buckets(
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    every: Interval,
    max_buckets: Option<i32>,
    time_zone: &str,
    now: DateTime<Utc>,
) -> Result<SeriesBuckets, ApiError> {
    let zone = interval::time_zone(time_zone)?;
    let from = from.ok_or_else(|| ApiError::bad_input("measuredAt.from", "required: the first bucket starts there"))?;
    let to = to.unwrap_or(now).min(now);
    if to - from > TimeDelta::hours(MAX_SERIES_HOURS) {
        return Err(ApiError::bad_input("measuredAt", format!("must not span more than {MAX_SERIES_HOURS} hours")));
    }
    let span = (from, to.max(from + TimeDelta::microseconds(1)));
    let mut buckets = Buckets::check(every, max_buckets, BUCKET_LIMITS, zone, span)?;
    if to <= from {
        buckets.bounds.clear();
    }
    Ok(SeriesBuckets { buckets, time_zone: zone })
}

/// The indices of a device at the end of each bucket, or now if that is earlier.
///
/// # Errors
/// When the database fails.
pub async fn device_index_series(
    ctx: &Context<'_>,
    device: DeviceId,
    scale: AirQualityScale,
    SeriesBuckets { buckets, time_zone: zone }: &SeriesBuckets,
    now: DateTime<Utc>,
    counted: CountedValues,
) -> Result<Vec<AirQualityIndex>, ApiError> {
    let [_, first, ..] = buckets.bounds[..] else { return Ok(Vec::new()) };
    let last = buckets.bounds.last().map_or(first, |&last| last.min(now));
    let hours = Scale::from(scale).hours();
    let period = TimeDelta::hours(i64::try_from(hours).unwrap_or(0)); // a day at most
    let all = HourlyMeansKey { parent: device, from: hour_of(first.min(now)) - period, to: hour_of(last), counted };
    let means = ctx.loader().load_one(all).await?.unwrap_or_default();
    let index = |bounds: &[DateTime<Utc>]| {
        let &[start, end] = bounds else { return None };
        let to = hour_of(end.min(now));
        let newer = usize::try_from((all.to - to).num_hours()).unwrap_or(0);
        let window = |means: &[Option<f64>]| means.iter().skip(newer).take(hours).copied().collect();
        let means = HourlyMeans { pm2_5: window(&means.pm2_5), pm10: window(&means.pm10) };
        let index =
            index_from_means(scale, &HourlyMeansKey { parent: device, from: to - period, to, counted }, Some(means));
        let bucket = TimeBucket {
            start: start.into(),
            start_local: interval::local_time(start, *zone),
            end: end.into(),
            interval: buckets.interval.into(),
        };
        Some(AirQualityIndex { bucket: Some(bucket), ..index })
    };
    Ok(buckets.bounds.windows(2).filter_map(index).collect())
}

fn hourly_means_key<P>(
    ctx: &Context<'_>,
    parent: P,
    scale: AirQualityScale,
    at: Option<scalar::DateTime>,
    counted: CountedValues,
) -> HourlyMeansKey<P> {
    let to = hour_of(at.map_or_else(|| ctx.state().clock.now(), |at| at.0));
    let hours = i64::try_from(Scale::from(scale).hours()).unwrap_or(0); // a day at most
    HourlyMeansKey { parent, from: to - TimeDelta::hours(hours), to, counted }
}

fn index_from_means<P>(
    scale: AirQualityScale,
    hours: &HourlyMeansKey<P>,
    means: Option<HourlyMeans>,
) -> AirQualityIndex {
    let edition = Scale::from(scale);
    let index = edition.index(&means.unwrap_or_default());
    AirQualityIndex {
        scale,
        pollutant: index.deciding.map(|(pollutant, _)| quantity(pollutant)),
        coverage: index.coverage,
        start: hours.from.into(),
        end: hours.to.into(),
        sub_indices: index
            .sub_indices
            .into_iter()
            .map(|sub| AirQualitySubIndex {
                pollutant: quantity(sub.pollutant),
                concentration: sub.concentration.filter(|_| sub.level.is_some()).map(domain::Concentration::value),
                coverage: sub.coverage,
                scale_position: sub.level.into(),
            })
            .collect(),
        version: edition.version(),
        bucket: None,
        scale_position: index.deciding.map(|(_, level)| level).into(),
    }
}

fn quantity(pollutant: Pollutant) -> Quantity {
    match pollutant {
        Pollutant::Pm2_5 => Quantity::Pm2_5,
        Pollutant::Pm10 => Quantity::Pm10,
    }
}
