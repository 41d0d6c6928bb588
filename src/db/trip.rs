//! The samples that trips are made of.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::{DbError, measurement::position};
use crate::domain::{
    device::DeviceId, quality::QualityFlags, quantity::Quantity, readings::to_decimal, trip::TripSample,
    validity::CountedValues,
};

/// A time span of a device; an end that is `None` is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceSpan {
    /// The device.
    pub device: DeviceId,
    /// Start, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// End, exclusive.
    pub to: Option<DateTime<Utc>>,
    /// Which values the samples include.
    pub counted: CountedValues,
}

/// The samples of each span, in the order of time. `None` when all spans together have more than `limit` samples.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.trip.list_samples", skip_all, fields(spans = spans.len()))]
pub async fn list_samples(
    db: impl PgExecutor<'_>,
    spans: &[DeviceSpan],
    limit: usize,
) -> Result<Option<Vec<Vec<TripSample>>>, DbError> {
    let SpanColumns { devices, from, to } = SpanColumns::from_spans(spans);
    // No total order, which would read all samples, however many: the limit ends the scan.
    let rows = sqlx::query_as!(
        TripSampleRow,
        r#"select span.n as "n!", m.measured_at, m.seq, m.latitude, m.longitude, m.pm2_5, m.pm10, m.flags
           from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[])
               with ordinality as span (device_id, from_at, to_at, n)
           cross join lateral (
               select * from measurement m
               where m.device_id = span.device_id
                   and m.measured_at >= coalesce(span.from_at, '-infinity')
                   and m.measured_at < coalesce(span.to_at, 'infinity')
               order by m.measured_at, m.seq limit $4
           ) as m
           limit $4"#,
        &devices,
        &from as &[Option<DateTime<Utc>>],
        &to as &[Option<DateTime<Utc>>],
        i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1),
    )
    .fetch_all(db)
    .await?;
    if rows.len() > limit {
        return Ok(None);
    }
    Ok(Some(by_span(spans, rows)))
}

/// The newest samples of a span, in the order of time.
#[derive(Clone, Debug)]
pub struct NewestSamples {
    /// The samples.
    pub samples: Vec<TripSample>,
    /// Whether the span has older samples.
    pub has_older: bool,
}

/// The newest samples of each span, at most `max` per span.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.trip.list_newest_samples", skip_all, fields(spans = spans.len()))]
pub async fn list_newest_samples(
    db: impl PgExecutor<'_>,
    spans: &[DeviceSpan],
    max: usize,
) -> Result<Vec<NewestSamples>, DbError> {
    let SpanColumns { devices, from, to } = SpanColumns::from_spans(spans);
    let rows = sqlx::query_as!(
        TripSampleRow,
        r#"select span.n as "n!", m.measured_at, m.seq, m.latitude, m.longitude, m.pm2_5, m.pm10, m.flags
           from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[])
               with ordinality as span (device_id, from_at, to_at, n)
           cross join lateral (
               select * from measurement m
               where m.device_id = span.device_id
                   and m.measured_at >= coalesce(span.from_at, '-infinity')
                   and m.measured_at < coalesce(span.to_at, 'infinity')
               order by m.measured_at desc, m.seq desc limit $4
           ) as m"#,
        &devices,
        &from as &[Option<DateTime<Utc>>],
        &to as &[Option<DateTime<Utc>>],
        i64::try_from(max).unwrap_or(i64::MAX).saturating_add(1),
    )
    .fetch_all(db)
    .await?;
    let newest = |mut samples: Vec<TripSample>| {
        let has_older = samples.len() > max;
        if has_older {
            samples.remove(0);
        }
        NewestSamples { samples, has_older }
    };
    Ok(by_span(spans, rows).into_iter().map(newest).collect())
}

/// Spans as columns for `unnest`.
struct SpanColumns {
    devices: Vec<i64>,
    from: Vec<Option<DateTime<Utc>>>,
    to: Vec<Option<DateTime<Utc>>>,
}

impl SpanColumns {
    fn from_spans(spans: &[DeviceSpan]) -> Self {
        Self {
            devices: spans.iter().map(|span| span.device.0).collect(),
            from: spans.iter().map(|span| span.from).collect(),
            to: spans.iter().map(|span| span.to).collect(),
        }
    }
}

/// A sample with the number of its span, counted from 1.
struct TripSampleRow {
    n: i64,
    measured_at: DateTime<Utc>,
    seq: i32,
    latitude: Option<f64>,
    longitude: Option<f64>,
    pm2_5: Option<f32>,
    pm10: Option<f32>,
    flags: i32,
}

/// Groups the samples by span, in the order of time.
fn by_span(spans: &[DeviceSpan], rows: Vec<TripSampleRow>) -> Vec<Vec<TripSample>> {
    let mut found: Vec<Vec<_>> = spans.iter().map(|_| Vec::new()).collect();
    for row in rows {
        let Some(n) = usize::try_from(row.n - 1).ok() else { continue };
        let (Some(span), Some(samples)) = (spans.get(n), found.get_mut(n)) else { continue };
        let counted =
            |quantity, value: Option<f32>| value.filter(|&value| span.counted.count(quantity, to_decimal(value)));
        let sample = TripSample {
            measured_at: row.measured_at,
            position: position(row.latitude, row.longitude),
            pm2_5: counted(Quantity::Pm2_5, row.pm2_5),
            pm10: counted(Quantity::Pm10, row.pm10),
            flags: QualityFlags::from_bits(row.flags),
        };
        samples.push((row.seq, sample));
    }
    found.into_iter().map(sort_by_seq).collect()
}

/// Rows mostly arrive in order; only an `order by` over all of them would guarantee it.
fn sort_by_seq(mut samples: Vec<(i32, TripSample)>) -> Vec<TripSample> {
    samples.sort_by_key(|(seq, sample)| (sample.measured_at, *seq));
    samples.into_iter().map(|(_, sample)| sample).collect()
}
