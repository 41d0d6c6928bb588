//! `latest`: the newest measurement of each device, and what the next one is judged by.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::{
    DbError,
    measurement::{COLUMNS, MeasurementRow, position},
};
use crate::domain::{
    device::DeviceId,
    measurement::{Measurement, MeasurementKey},
    position::Position,
    readings::{decimal, narrow},
    trace::Trace,
};

/// A device that was heard of before.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its row number.
    pub device_id: DeviceId,
    /// What its next sample is judged by.
    pub trace: Option<Trace>,
}

/// The devices with these keys, where there are such, each with what its next sample is judged by.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.latest.known", skip_all, fields(count = keys.len()))]
pub async fn known(db: impl PgExecutor<'_>, keys: &[&str]) -> Result<HashMap<String, Known>, DbError> {
    let rows = sqlx::query!(
        r#"select device.device_id as "device_id!", key as "key!", latest.measured_at as "measured_at?", latest.latitude,
                  latest.longitude, pm2_5, pm10, exact_time, steady_since
           from device left join latest using (device_id) where key = any($1)"#,
        keys as &[&str]
    )
    .fetch_all(db)
    .await?;
    let known = rows.into_iter().map(|row| {
        let trace = row.measured_at.zip(row.exact_time).zip(row.steady_since);
        let trace = trace.map(|((measured_at, exact_time), steady_since)| Trace {
            measured_at,
            exact_time,
            position: position(row.latitude, row.longitude),
            pm2_5: row.pm2_5.map(decimal),
            pm10: row.pm10.map(decimal),
            steady_since,
        });
        (row.key, Known { device_id: DeviceId(row.device_id), trace })
    });
    Ok(known.collect())
}

/// Moves `latest` forward to these measurements, where they are newer. At most one a device, sorted by device, so that
/// two writers wait for each other in one order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.latest.advance", skip_all, fields(count = newest.len()))]
pub async fn advance(db: impl PgExecutor<'_>, newest: &[(MeasurementKey, Trace)]) -> Result<(), DbError> {
    fn column<T>(newest: &[(MeasurementKey, Trace)], value: impl Fn(&MeasurementKey, &Trace) -> T) -> Vec<T> {
        newest.iter().map(|(key, trace)| value(key, trace)).collect()
    }
    sqlx::query!(
        "insert into latest as l (device_id, measured_at, seq, latitude, longitude, pm2_5, pm10, exact_time, steady_since)
         select * from unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::float8[], $5::float8[], $6::real[],
                              $7::real[], $8::bool[], $9::timestamptz[])
         on conflict (device_id) do update
         set (measured_at, seq, latitude, longitude, pm2_5, pm10, exact_time, steady_since)
             = (excluded.measured_at, excluded.seq, excluded.latitude, excluded.longitude, excluded.pm2_5, excluded.pm10,
                excluded.exact_time, excluded.steady_since)
         where (excluded.measured_at, excluded.seq) > (l.measured_at, l.seq)",
        &column(newest, |key, _| key.device_id.0),
        &column(newest, |key, _| key.measured_at),
        &column(newest, |key, _| key.seq),
        &column(newest, |_, trace| trace.position.map(Position::latitude)) as &[Option<f64>],
        &column(newest, |_, trace| trace.position.map(Position::longitude)) as &[Option<f64>],
        &column(newest, |_, trace| trace.pm2_5.map(narrow)) as &[Option<f32>],
        &column(newest, |_, trace| trace.pm10.map(narrow)) as &[Option<f32>],
        &column(newest, |_, trace| trace.exact_time),
        &column(newest, |_, trace| trace.steady_since),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The newest measurement of each of these devices that has one.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.latest.by_devices", skip_all, fields(count = ids.len()))]
pub async fn by_devices(db: impl PgExecutor<'_>, ids: &[DeviceId]) -> Result<HashMap<DeviceId, Measurement>, DbError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut query = sqlx::QueryBuilder::new(format!(
        "select {COLUMNS} from latest join measurement m using (device_id, measured_at, seq) where latest.device_id = any("
    ));
    let rows: Vec<MeasurementRow> = query.push_bind(ids).push(")").build_query_as().fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.0.key.device_id, row.0)).collect())
}

/// Tells `latest` anew of those devices whose newest measurement is of one of these times, at which rows were replaced.
/// The times must be sorted, so that two writers wait for each other in one order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.latest.restate", skip_all, fields(count = times.len()))]
pub async fn restate(db: impl PgExecutor<'_>, times: &[(DeviceId, DateTime<Utc>)]) -> Result<(), DbError> {
    let devices: Vec<i64> = times.iter().map(|(device, _)| device.0).collect();
    let times: Vec<_> = times.iter().map(|&(_, time)| time).collect();
    sqlx::query!(
        "update latest l
         set (seq, latitude, longitude, pm2_5, pm10, exact_time, steady_since)
             = (m.seq, m.latitude, m.longitude, m.pm2_5, m.pm10, m.time_uncertainty_s is null,
                case when (m.pm2_5, m.pm10) is not distinct from (l.pm2_5, l.pm10) then l.steady_since
                     else m.measured_at end)
         from unnest($1::bigint[], $2::timestamptz[]) as replaced (device_id, measured_at)
         cross join lateral (
             select * from measurement m
             where m.device_id = replaced.device_id and m.measured_at = replaced.measured_at
             order by seq desc limit 1
         ) as m
         where l.device_id = replaced.device_id and l.measured_at = replaced.measured_at",
        &devices,
        &times,
    )
    .execute(db)
    .await?;
    Ok(())
}
