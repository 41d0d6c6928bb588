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
    let columns = SpanColumns::from_spans(spans);
    // No total order, which would read all samples, however many: the limit ends the scan.
    let rows = sqlx::query_as!(
        TripSampleRow,
        r#"select span.n as "n!", m.measured_at, m.seq, m.latitude, m.longitude, m.pm2_5, m.pm10, m.flags
           from (
               select device_id,
                      generate_series(($2::int[])[width_bucket(device_id, $1::bigint[])],
                                      ($3::int[])[width_bucket(device_id, $1::bigint[])]) as n
               from latest where device_id = any($1)
           ) as span
           cross join lateral (
               select * from measurement m
               where m.device_id = span.device_id
                   and m.measured_at >= coalesce(($4::timestamptz[])[span.n], '-infinity')
                   and m.measured_at < coalesce(($5::timestamptz[])[span.n], 'infinity')
               order by m.measured_at, m.seq limit $6
           ) as m
           limit $6"#,
        &columns.devices,
        &columns.first,
        &columns.last,
        &columns.from as &[Option<DateTime<Utc>>],
        &columns.to as &[Option<DateTime<Utc>>],
        i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1),
    )
    .fetch_all(db)
    .await?;
    if rows.len() > limit {
        return Ok(None);
    }
    Ok(Some(columns.group(spans, rows)))
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
    let columns = SpanColumns::from_spans(spans);
    let rows = sqlx::query_as!(
        TripSampleRow,
        r#"select span.n as "n!", m.measured_at, m.seq, m.latitude, m.longitude, m.pm2_5, m.pm10, m.flags
           from (
               select device_id,
                      generate_series(($2::int[])[width_bucket(device_id, $1::bigint[])],
                                      ($3::int[])[width_bucket(device_id, $1::bigint[])]) as n
               from latest where device_id = any($1)
           ) as span
           cross join lateral (
               select * from measurement m
               where m.device_id = span.device_id
                   and m.measured_at >= coalesce(($4::timestamptz[])[span.n], '-infinity')
                   and m.measured_at < coalesce(($5::timestamptz[])[span.n], 'infinity')
               order by m.measured_at desc, m.seq desc limit $6
           ) as m"#,
        &columns.devices,
        &columns.first,
        &columns.last,
        &columns.from as &[Option<DateTime<Utc>>],
        &columns.to as &[Option<DateTime<Utc>>],
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
    Ok(columns.group(spans, rows).into_iter().map(newest).collect())
}

/// Spans as arrays. `latest` has the devices, each with its spans by their number, because Citus joins rows of a table with
/// those of its shards, but not those of `unnest`.
#[derive(Debug, Default, PartialEq, Eq)]
struct SpanColumns {
    /// The devices, each once, sorted, so that `width_bucket` finds one by bisection.
    devices: Vec<i64>,
    /// Number of the first span of each device, counted from 1.
    first: Vec<i32>,
    /// Number of its last span.
    last: Vec<i32>,
    /// Start of each span.
    from: Vec<Option<DateTime<Utc>>>,
    /// End of each span.
    to: Vec<Option<DateTime<Utc>>>,
    /// Position of each span in the caller's order.
    positions: Vec<usize>,
}

impl SpanColumns {
    fn from_spans(spans: &[DeviceSpan]) -> Self {
        let mut columns = Self { positions: (0..spans.len()).collect(), ..Self::default() };
        columns.positions.sort_by_key(|&position| spans[position].device);
        for (number, &position) in (1..).zip(&columns.positions) {
            let span = spans[position];
            if columns.devices.last() == Some(&span.device.0) {
                columns.last.pop();
            } else {
                columns.devices.push(span.device.0);
                columns.first.push(number);
            }
            columns.last.push(number);
            columns.from.push(span.from);
            columns.to.push(span.to);
        }
        columns
    }

    /// Groups the samples by span, in the order of time.
    fn group(&self, spans: &[DeviceSpan], rows: Vec<TripSampleRow>) -> Vec<Vec<TripSample>> {
        let mut found: Vec<Vec<_>> = spans.iter().map(|_| Vec::new()).collect();
        for row in rows {
            let Some(&index) = usize::try_from(row.n - 1).ok().and_then(|index| self.positions.get(index)) else {
                continue;
            };
            let (Some(span), Some(samples)) = (spans.get(index), found.get_mut(index)) else { continue };
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
}

/// A sample with the number of its span.
struct TripSampleRow {
    n: i32,
    measured_at: DateTime<Utc>,
    seq: i32,
    latitude: Option<f64>,
    longitude: Option<f64>,
    pm2_5: Option<f32>,
    pm10: Option<f32>,
    flags: i32,
}

/// Rows mostly arrive in order; only an `order by` over all of them would guarantee it.
fn sort_by_seq(mut samples: Vec<(i32, TripSample)>) -> Vec<TripSample> {
    samples.sort_by_key(|(seq, sample)| (sample.measured_at, *seq));
    samples.into_iter().map(|(_, sample)| sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_numbered_by_device() {
        let span = |device| DeviceSpan { device: DeviceId(device), from: None, to: None, counted: CountedValues::All };
        let columns = SpanColumns::from_spans(&[5, 2, 5, 9, 2, 5].map(span));
        assert_eq!((columns.devices, columns.first, columns.last), (vec![2, 5, 9], vec![1, 3, 6], vec![2, 5, 6]));
        assert_eq!(columns.positions, [1, 4, 0, 2, 5, 3]);
        assert_eq!(SpanColumns::from_spans(&[]), SpanColumns::default());
    }
}
