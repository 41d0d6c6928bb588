//! `measurement`: storing rows and reading them by key. Lists are in `measurement_page`.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, PgExecutor, Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{DbError, copy::copy};
use crate::domain::{
    cell::{STORED_RESOLUTION, cell_at, to_bigint},
    device::DeviceId,
    measurement::{Measurement, MeasurementKey},
    position::Position,
    quality::QualityFlags,
    quantity::Quantity,
    readings::narrow,
    sample::Sample,
    trace::Trace,
};

/// The columns that [`MeasurementRow`] reads, by their place; the table goes by the name `m`.
pub(super) const COLUMNS: &str = "m.device_id, m.measured_at, m.seq, m.recorded_at, m.latitude, m.longitude, m.pm1, \
                                  m.pm2_5, m.pm4, m.pm10, m.flags, m.time_uncertainty_s";

/// A row of [`COLUMNS`]. Read by place: by name costs a look-up in a map for every value.
pub(super) struct MeasurementRow(pub Measurement);

impl FromRow<'_, PgRow> for MeasurementRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self(Measurement {
            key: MeasurementKey {
                device_id: DeviceId(row.try_get(0)?),
                measured_at: row.try_get(1)?,
                seq: row.try_get(2)?,
            },
            recorded_at: row.try_get(3)?,
            position: position(row.try_get(4)?, row.try_get(5)?),
            pm1: row.try_get(6)?,
            pm2_5: row.try_get(7)?,
            pm4: row.try_get(8)?,
            pm10: row.try_get(9)?,
            flags: QualityFlags::from_bits(row.try_get(10)?),
            time_uncertainty_s: row.try_get(11)?,
        }))
    }
}

/// A position from two columns that are null together; what was stored was valid.
pub(super) fn position(latitude: Option<f64>, longitude: Option<f64>) -> Option<Position> {
    Position::try_new(latitude?, longitude?).ok()
}

/// A row to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewMeasurement<'a> {
    /// Its key.
    pub key: MeasurementKey,
    /// What it tells.
    pub sample: &'a Sample,
    /// Reasons to doubt it: those that the sample brings, and those of what came before it.
    pub flags: QualityFlags,
    /// What the next one is judged by.
    pub trace: Trace,
    /// The uplink that brought it; none for what a file told.
    pub uplink_id: Option<Uuid>,
}

/// Stores the rows whose key is free, and tells which these were. The rows must be sorted by key, so that two writers
/// wait for each other in one order.
///
/// # Errors
/// When the database fails; [`DbError::MissingPartition`] when a month has none.
#[tracing::instrument(name = "db.measurement.add", skip_all, fields(count = rows.len()))]
pub async fn add(
    db: impl PgExecutor<'_>,
    rows: &[NewMeasurement<'_>],
    recorded_at: DateTime<Utc>,
) -> Result<HashSet<MeasurementKey>, DbError> {
    fn column<'a, T>(rows: &[NewMeasurement<'a>], value: impl Fn(&NewMeasurement<'a>) -> T) -> Vec<T> {
        rows.iter().map(value).collect()
    }
    let pm = |quantity| column(rows, move |row| row.sample.readings.get(quantity).map(narrow));
    let added = sqlx::query!(
        "insert into measurement (device_id, measured_at, seq, recorded_at, uplink_id, latitude, longitude, cell,
                                  flags, time_uncertainty_s, pm1, pm2_5, pm4, pm10)
         select device_id, measured_at, seq, $4, uplink_id, latitude, longitude, cell, flags, time_uncertainty_s,
                pm1, pm2_5, pm4, pm10
         from unnest($1::bigint[], $2::timestamptz[], $3::int[], $5::uuid[], $6::float8[], $7::float8[], $8::bigint[],
                     $9::int[], $10::int[], $11::real[], $12::real[], $13::real[], $14::real[])
              as new (device_id, measured_at, seq, uplink_id, latitude, longitude, cell, flags, time_uncertainty_s,
                      pm1, pm2_5, pm4, pm10)
         on conflict do nothing
         returning device_id, measured_at, seq",
        &column(rows, |row| row.key.device_id.0),
        &column(rows, |row| row.key.measured_at),
        &column(rows, |row| row.key.seq),
        recorded_at,
        &column(rows, |row| row.uplink_id) as &[Option<Uuid>],
        &column(rows, |row| row.sample.position.map(Position::latitude)) as &[Option<f64>],
        &column(rows, |row| row.sample.position.map(Position::longitude)) as &[Option<f64>],
        &column(rows, |row| row.sample.position.map(|place| to_bigint(cell_at(place, STORED_RESOLUTION))))
            as &[Option<i64>],
        &column(rows, |row| row.flags.bits()),
        &column(rows, |row| row.sample.time_uncertainty_s) as &[Option<i32>],
        &pm(Quantity::Pm1) as &[Option<f32>],
        &pm(Quantity::Pm2_5) as &[Option<f32>],
        &pm(Quantity::Pm4) as &[Option<f32>],
        &pm(Quantity::Pm10) as &[Option<f32>],
    )
    .fetch_all(db)
    .await?;
    Ok(added
        .into_iter()
        .map(|row| MeasurementKey { device_id: DeviceId(row.device_id), measured_at: row.measured_at, seq: row.seq })
        .collect())
}

/// Stores many rows whose keys are free, the fastest way there is.
///
/// # Errors
/// When the database fails; [`DbError::Violation`] when a key is not free after all; [`DbError::MissingPartition`] when a
/// month has none. Then none is stored, and the transaction is spoilt up to its last savepoint.
#[tracing::instrument(name = "db.measurement.add_many", skip_all, fields(count = rows.len()))]
pub async fn add_many(
    db: &mut PgConnection,
    rows: &[NewMeasurement<'_>],
    recorded_at: DateTime<Utc>,
) -> Result<(), DbError> {
    let columns = [
        "device_id",
        "measured_at",
        "seq",
        "recorded_at",
        "uplink_id",
        "latitude",
        "longitude",
        "cell",
        "flags",
        "time_uncertainty_s",
        "pm1",
        "pm2_5",
        "pm4",
        "pm10",
    ];
    copy(db, "measurement", &columns, rows, |row, fields| {
        let sample = row.sample;
        let pm = |quantity| sample.readings.get(quantity).map(narrow);
        fields.put(row.key.device_id.0).put(row.key.measured_at).put(row.key.seq).put(recorded_at).put(row.uplink_id);
        fields.put(sample.position.map(Position::latitude)).put(sample.position.map(Position::longitude));
        fields.put(sample.position.map(|place| to_bigint(cell_at(place, STORED_RESOLUTION))));
        fields.put(row.flags.bits()).put(sample.time_uncertainty_s);
        fields.put(pm(Quantity::Pm1)).put(pm(Quantity::Pm2_5)).put(pm(Quantity::Pm4)).put(pm(Quantity::Pm10));
    })
    .await
}

/// Which of these devices have measurements in their span of time, both ends included.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.with_any_in", skip_all, fields(count = spans.len()))]
pub async fn with_any_in(
    db: impl PgExecutor<'_>,
    spans: &[(DeviceId, DateTime<Utc>, DateTime<Utc>)],
) -> Result<HashSet<DeviceId>, DbError> {
    let devices: Vec<_> = spans.iter().map(|(device, ..)| device.0).collect();
    let first: Vec<_> = spans.iter().map(|&(_, first, _)| first).collect();
    let last: Vec<_> = spans.iter().map(|&(.., last)| last).collect();
    // The limit, and not `exists`, has it look into the index for each device, however large the archive is.
    let found = sqlx::query_scalar!(
        r#"select span.device_id as "device_id!"
           from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) as span (device_id, first_at, last_at)
           cross join lateral (
               select from measurement m
               where m.device_id = span.device_id and m.measured_at between span.first_at and span.last_at
               order by m.measured_at limit 1
           ) as found"#,
        &devices,
        &first,
        &last,
    )
    .fetch_all(db)
    .await?;
    Ok(found.into_iter().map(DeviceId).collect())
}

/// All measurements of these devices at these times, whatever their `seq`: the candidates for being the same sample.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.at_times", skip_all, fields(count = times.len()))]
pub async fn at_times(
    db: impl PgExecutor<'_>,
    times: &[(DeviceId, DateTime<Utc>)],
) -> Result<Vec<Measurement>, DbError> {
    let devices: Vec<i64> = times.iter().map(|(device, _)| device.0).collect();
    let times: Vec<_> = times.iter().map(|&(_, time)| time).collect();
    let mut query = sqlx::QueryBuilder::new(format!("select {COLUMNS} from unnest("));
    query
        .push_bind(devices)
        .push("::bigint[], ")
        .push_bind(times)
        .push("::timestamptz[]) as wanted (device_id, measured_at) join measurement m using (device_id, measured_at)");
    let rows: Vec<MeasurementRow> = query.build_query_as().fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The measurements with these keys, where there are such.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.by_keys", skip_all, fields(count = keys.len()))]
pub async fn by_keys(
    db: impl PgExecutor<'_>,
    keys: &[MeasurementKey],
) -> Result<HashMap<MeasurementKey, Measurement>, DbError> {
    let (devices, times, seqs) = columns_of(keys);
    let mut query = sqlx::QueryBuilder::new(format!("select {COLUMNS} from unnest("));
    query.push_bind(devices).push("::bigint[], ").push_bind(times).push("::timestamptz[], ").push_bind(seqs).push(
        "::int[]) as wanted (device_id, measured_at, seq) join measurement m using (device_id, measured_at, seq)",
    );
    let rows: Vec<MeasurementRow> = query.build_query_as().fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.0.key, row.0)).collect())
}

/// Keys as the three arrays that `unnest` takes.
pub(super) fn columns_of(keys: &[MeasurementKey]) -> (Vec<i64>, Vec<DateTime<Utc>>, Vec<i32>) {
    (
        keys.iter().map(|key| key.device_id.0).collect(),
        keys.iter().map(|key| key.measured_at).collect(),
        keys.iter().map(|key| key.seq).collect(),
    )
}
