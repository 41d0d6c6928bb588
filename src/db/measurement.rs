//! Table `measurement`: inserting rows and reading them by key. Lists are in `measurement_page`.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use h3o::CellIndex;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, postgres::PgRow};
use uuid::Uuid;

use super::{
    DbError,
    copy::{MIN_COPY_ROWS, copy},
    dialect::Dialect,
    fence::{few_devices, of_few_devices},
    measurement_projection::MeasurementProjection,
    multi_insert::{MultiInsert, Record as _, insert_returning, record},
};
use crate::domain::{
    cell::to_bigint,
    device::DeviceId,
    measurement::{Measurement, MeasurementKey},
    position::Position,
    quality::QualityFlags,
    quantity::Quantity,
    readings::to_f32,
    sample::Sample,
    sample_history::SampleHistory,
};

/// SQL expression that returns a particulate column as the decimal that was sent: 12.4, not 12.399999618530273 as in
/// the 32-bit float.
pub(super) fn as_decimal(column: &str) -> String {
    format!("{column}::text::float8")
}

const ALL_COLUMNS: MeasurementProjection = MeasurementProjection::ALL;

/// A position from two columns that are null together; stored values are valid.
pub(super) fn position(latitude: Option<f64>, longitude: Option<f64>) -> Option<Position> {
    Position::try_new(latitude?, longitude?).ok()
}

/// A row to insert.
#[derive(Clone, Copy, Debug)]
pub struct NewMeasurement<'a> {
    /// Primary key.
    pub key: MeasurementKey,
    /// The sample.
    pub sample: &'a Sample,
    /// The cell of its position, at the stored resolution.
    pub cell: Option<CellIndex>,
    /// Quality flags: those of the sample, and those derived from the samples before it.
    pub flags: QualityFlags,
    /// History that the next sample is validated against.
    pub history: SampleHistory,
    /// The uplink that contained it. None for samples of an imported file.
    pub uplink_id: Option<Uuid>,
}

/// A [`NewMeasurement`] as type `new_measurement`.
#[derive(sqlx::Encode)]
pub(super) struct MeasurementInsert {
    device_id: i64,
    measured_at: DateTime<Utc>,
    seq: i32,
    recorded_at: DateTime<Utc>,
    uplink_id: Option<Uuid>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    cell: Option<i64>,
    flags: i32,
    time_uncertainty_s: Option<i32>,
    pm1: Option<f32>,
    pm2_5: Option<f32>,
    pm4: Option<f32>,
    pm10: Option<f32>,
}

record!(
    MeasurementInsert,
    "measurement",
    "new_measurement",
    "device_id, measured_at, seq, recorded_at, uplink_id, latitude, longitude, cell, flags, time_uncertainty_s, \
     pm1, pm2_5, pm4, pm10"
);

/// Measurements as rows to insert.
pub(super) fn to_inserts(rows: &[NewMeasurement<'_>], recorded_at: DateTime<Utc>) -> Vec<MeasurementInsert> {
    rows.iter().map(|row| to_insert(row, recorded_at)).collect()
}

/// A measurement as a row to insert.
pub(super) fn to_insert(row: &NewMeasurement<'_>, recorded_at: DateTime<Utc>) -> MeasurementInsert {
    let position = row.sample.position;
    let pm = |quantity| row.sample.readings.get(quantity).map(to_f32);
    MeasurementInsert {
        device_id: row.key.device_id.0,
        measured_at: row.key.measured_at,
        seq: row.key.seq,
        recorded_at,
        uplink_id: row.uplink_id,
        latitude: position.map(Position::latitude),
        longitude: position.map(Position::longitude),
        cell: row.cell.map(to_bigint),
        flags: row.flags.bits(),
        time_uncertainty_s: row.sample.time_uncertainty_s,
        pm1: pm(Quantity::Pm1),
        pm2_5: pm(Quantity::Pm2_5),
        pm4: pm(Quantity::Pm4),
        pm10: pm(Quantity::Pm10),
    }
}

/// Inserts the rows whose key is free, and returns the keys of the inserted rows. The rows must be sorted by key, so
/// that concurrent writers wait for each other in one order.
///
/// # Errors
/// When the database fails; [`DbError::MissingPartition`] when a month has none.
#[tracing::instrument(name = "db.measurement.insert", skip_all, fields(count = rows.len()))]
pub async fn insert(
    db: impl PgExecutor<'_>,
    rows: &[NewMeasurement<'_>],
    recorded_at: DateTime<Utc>,
) -> Result<HashSet<MeasurementKey>, DbError> {
    insert_free(db, to_inserts(rows, recorded_at)).await
}

/// Inserts the rows whose key is free, sorted by key, and returns the keys of the inserted rows.
pub(super) async fn insert_free(
    db: impl PgExecutor<'_>,
    rows: Vec<MeasurementInsert>,
) -> Result<HashSet<MeasurementKey>, DbError> {
    let suffix = "on conflict do nothing returning device_id, measured_at, seq";
    let added: Vec<(i64, DateTime<Utc>, i32)> = insert_returning(db, suffix, rows).await?;
    let key = |(device_id, measured_at, seq)| MeasurementKey { device_id: DeviceId(device_id), measured_at, seq };
    Ok(added.into_iter().map(key).collect())
}

/// Inserts rows whose keys are free; many rows by `COPY`.
///
/// # Errors
/// When the database fails; [`DbError::Violation`] when a key is taken; [`DbError::MissingPartition`] when a month has
/// none. No row is stored then, and the transaction is aborted.
#[tracing::instrument(name = "db.measurement.insert_new", skip_all, fields(count = rows.len()))]
pub async fn insert_new(
    db: &mut PgConnection,
    rows: &[NewMeasurement<'_>],
    recorded_at: DateTime<Utc>,
    dialect: Dialect,
) -> Result<(), DbError> {
    if rows.len() >= MIN_COPY_ROWS {
        return copy_new(db, rows, recorded_at).await;
    }
    let mut inserts = MultiInsert::new(dialect);
    inserts.add_records("", to_inserts(rows, recorded_at))?;
    inserts.execute(db).await?;
    Ok(())
}

async fn copy_new(
    db: &mut PgConnection,
    rows: &[NewMeasurement<'_>],
    recorded_at: DateTime<Utc>,
) -> Result<(), DbError> {
    copy(db, MeasurementInsert::TABLE, MeasurementInsert::COLUMNS, &to_inserts(rows, recorded_at), |row, fields| {
        fields.put(row.device_id).put(row.measured_at).put(row.seq).put(row.recorded_at).put(row.uplink_id);
        fields.put(row.latitude).put(row.longitude).put(row.cell).put(row.flags).put(row.time_uncertainty_s);
        fields.put(row.pm1).put(row.pm2_5).put(row.pm4).put(row.pm10)
    })
    .await
}

/// Those of these devices that have measurements in their time span, both ends inclusive. At most one span per device.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.list_devices_with_rows_in", skip_all, fields(count = spans.len()))]
pub async fn list_devices_with_rows_in(
    db: impl PgExecutor<'_>,
    spans: &[(DeviceId, DateTime<Utc>, DateTime<Utc>)],
) -> Result<HashSet<DeviceId>, DbError> {
    // Sorted, so that `width_bucket` finds a device by bisection.
    let mut spans = spans.to_vec();
    spans.sort_unstable();
    let devices: Vec<_> = spans.iter().map(|(device, ..)| device.0).collect();
    let first: Vec<_> = spans.iter().map(|&(_, first, _)| first).collect();
    let last: Vec<_> = spans.iter().map(|&(.., last)| last).collect();
    // With `limit` instead of `exists`, Postgres searches the index for each device, however large the archive is.
    let found = sqlx::query_scalar!(
        r#"select span.device_id as "device_id!"
           from (
               select device_id, ($2::timestamptz[])[width_bucket(device_id, $1::bigint[])] as first_at,
                      ($3::timestamptz[])[width_bucket(device_id, $1::bigint[])] as last_at
               from latest where device_id = any($1)
           ) as span
           cross join lateral (
               select m.seq from measurement m
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

/// All measurements of these devices at these times, with any `seq`: candidates for a duplicate sample.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.load_at_times", skip_all, fields(count = times.len()))]
pub async fn load_at_times(
    db: impl PgExecutor<'_>,
    times: &[(DeviceId, DateTime<Utc>)],
) -> Result<Vec<Measurement>, DbError> {
    let devices: Vec<i64> = times.iter().map(|(device, _)| device.0).collect();
    let times: Vec<_> = times.iter().map(|&(_, time)| time).collect();
    // The interpolated columns are constant names; the values are binds.
    let statement = format!(
        "select {columns} from unnest($1::bigint[], $2::timestamptz[]) as wanted (device_id, measured_at)
         join measurement m using (device_id, measured_at) where {of_few_devices}",
        columns = ALL_COLUMNS.select(),
        of_few_devices = of_few_devices("$3"),
    );
    let few = few_devices(&devices);
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(devices).bind(times).bind(few).fetch_all(db).await?;
    rows.iter().map(|row| Ok(ALL_COLUMNS.read(row)?)).collect()
}

/// The measurements with these keys. Unknown keys have no entry.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.load_by_keys", skip_all, fields(count = keys.len()))]
pub async fn load_by_keys(
    db: impl PgExecutor<'_>,
    keys: &[MeasurementKey],
) -> Result<HashMap<MeasurementKey, Measurement>, DbError> {
    let rows = fetch_by_keys(db, MeasurementInsert::TABLE, &ALL_COLUMNS.select(), keys).await?;
    rows.iter()
        .map(|row| ALL_COLUMNS.read(row).map(|row| (row.key, row)))
        .collect::<sqlx::Result<_>>()
        .map_err(Into::into)
}

/// The rows `m` of a table that have these keys. Table and columns are constant names.
pub(super) async fn fetch_by_keys(
    db: impl PgExecutor<'_>,
    table: &str,
    columns: &str,
    keys: &[MeasurementKey],
) -> Result<Vec<PgRow>, DbError> {
    let (devices, times, seqs) = key_columns(keys);
    let statement = format!(
        "select {columns} from unnest($1::bigint[], $2::timestamptz[], $3::int[]) as wanted (device_id, measured_at, seq)
         join {table} m using (device_id, measured_at, seq) where {of_few_devices}",
        of_few_devices = of_few_devices("$4"),
    );
    let few = few_devices(&devices);
    let query = sqlx::query(AssertSqlSafe(statement)).bind(devices).bind(times).bind(seqs).bind(few);
    Ok(query.fetch_all(db).await?)
}

/// Keys as the three arrays for `unnest`.
pub(super) fn key_columns(keys: &[MeasurementKey]) -> (Vec<i64>, Vec<DateTime<Utc>>, Vec<i32>) {
    (
        keys.iter().map(|key| key.device_id.0).collect(),
        keys.iter().map(|key| key.measured_at).collect(),
        keys.iter().map(|key| key.seq).collect(),
    )
}
