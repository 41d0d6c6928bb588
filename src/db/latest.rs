//! Table `latest`: the newest measurement of each device, and the history that the next sample is validated against.
//! Updated by [`batch`](super::recorder_batch).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use super::{
    DbError,
    device::to_bigints,
    dialect::Dialect,
    fence::push_wanted_devices,
    measurement_projection::MeasurementProjection,
    measurement_readings::{JoinStrategy, ReadingsJoin},
    multi_insert::record,
    readings,
    recorder_batch::RowVersion,
};
use crate::domain::{
    device::DeviceId,
    measurement::{Measurement, MeasurementKey},
    position::Position,
    quantity::Quantity,
    readings::to_f32,
    sample_history::SampleHistory,
};

/// Columns of the newest measurement that `latest` has the same values of. The position is not one: it is null here when
/// it is 0° N 0° E.
const COPIED_COLUMNS: MeasurementProjection = MeasurementProjection::PM2_5.union(MeasurementProjection::PM10);

/// Updates a row only if the new one is newer.
pub(super) const UPSERT_IF_NEWER: &str = "on conflict (device_id) do update
    set (measured_at, seq, latitude, longitude, pm2_5, pm10, exact_time, steady_since, version)
        = (excluded.measured_at, excluded.seq, excluded.latitude, excluded.longitude, excluded.pm2_5, excluded.pm10,
           excluded.exact_time, excluded.steady_since, excluded.version)
    where (excluded.measured_at, excluded.seq) > (latest.measured_at, latest.seq)";

/// A newest measurement as type `new_latest`.
#[derive(sqlx::Encode)]
pub(super) struct LatestInsert {
    device_id: i64,
    measured_at: DateTime<Utc>,
    seq: i32,
    latitude: Option<f64>,
    longitude: Option<f64>,
    pm2_5: Option<f32>,
    pm10: Option<f32>,
    exact_time: bool,
    steady_since: DateTime<Utc>,
    version: i64,
}

record!(
    LatestInsert,
    "latest",
    "new_latest",
    "device_id, measured_at, seq, latitude, longitude, pm2_5, pm10, exact_time, steady_since, version"
);

/// Newest measurements, each with the history that the next one is validated against, as rows to insert.
pub(super) fn to_inserts(newest: &[(MeasurementKey, SampleHistory)], version: RowVersion) -> Vec<LatestInsert> {
    newest
        .iter()
        .map(|(key, trace)| LatestInsert {
            device_id: key.device_id.0,
            measured_at: key.measured_at,
            seq: key.seq,
            latitude: trace.position.map(Position::latitude),
            longitude: trace.position.map(Position::longitude),
            pm2_5: trace.pm2_5.map(to_f32),
            pm10: trace.pm10.map(to_f32),
            exact_time: trace.exact_time,
            steady_since: trace.steady_since,
            version: version.0,
        })
        .collect()
}

/// The newest measurement of each of these devices, with these columns. A device without one has no entry. Times and
/// particulates of `latest` itself are read without the measurement, which is in one of many partitions.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.latest.load_by_device_ids", skip_all, fields(count = ids.len()))]
pub async fn load_by_device_ids(
    db: impl PgExecutor<'_>,
    ids: &[DeviceId],
    columns: MeasurementProjection,
) -> Result<HashMap<DeviceId, Measurement>, DbError> {
    let with = readings_join(columns, ids);
    let mut query = with.start();
    let from = if COPIED_COLUMNS.has(columns) {
        "latest m"
    } else {
        "latest l join measurement m using (device_id, measured_at, seq)"
    };
    query.push(format!("select {} from {from} where device_id = any(", columns.select()));
    query.push_bind(to_bigints(ids)).push(")");
    with.finish(&mut query);
    let rows = query.build().fetch_all(db).await?;
    Ok(with.read(&rows)?.into_iter().map(|row| (row.key.device_id, row)).collect())
}

/// At most one measurement of each device.
fn readings_join(columns: MeasurementProjection, ids: &[DeviceId]) -> ReadingsJoin<Vec<Measurement>> {
    ReadingsJoin::new(columns, JoinStrategy::Key, i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// Maximum number of rows of a device searched backward for a value of a quantity.
const MAX_LOOKBACK_ROWS: i64 = 10_000;

/// The newest measurement of each of these devices that has a value of the quantity, with these columns. Searches the
/// newest [`MAX_LOOKBACK_ROWS`] rows of a device, or, for a quantity with a table of its own, the newest rows there.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.latest.load_with_quantity", skip_all, fields(count = ids.len()))]
pub async fn load_with_quantity(
    db: impl PgExecutor<'_>,
    ids: &[DeviceId],
    quantity: Quantity,
    columns: MeasurementProjection,
) -> Result<HashMap<DeviceId, Measurement>, DbError> {
    let definition = quantity.definition();
    let (table, column) = (readings::table(definition.group), definition.name);
    let with = readings_join(columns, ids);
    let mut query = with.start();
    query.push(format!("select {} from ", columns.select()));
    push_wanted_devices(&mut query, ids);
    query.push(format!(
        " cross join lateral (
             select found.measured_at, found.seq from (
                 select t.measured_at, t.seq, t.{column} from {table} t where t.device_id = wanted.device_id
                 order by t.measured_at desc, t.seq desc limit {MAX_LOOKBACK_ROWS}
             ) as found where found.{column} is not null
             order by found.measured_at desc, found.seq desc limit 1
         ) as found join measurement m
             on m.device_id = wanted.device_id and m.measured_at = found.measured_at and m.seq = found.seq"
    ));
    with.finish(&mut query);
    let rows = query.build().fetch_all(db).await?;
    Ok(with.read(&rows)?.into_iter().map(|row| (row.key.device_id, row)).collect())
}

/// Recomputes `latest` for those devices whose newest measurement has one of these times, at which rows were replaced.
/// The times must be sorted, so that concurrent writers wait for each other in one order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.latest.refresh_after_replay", skip_all, fields(count = times.len()))]
pub async fn refresh_after_replay(db: &mut PgConnection, times: &[(DeviceId, DateTime<Utc>)]) -> Result<(), DbError> {
    let devices: Vec<i64> = times.iter().map(|(device, _)| device.0).collect();
    let times: Vec<_> = times.iter().map(|&(_, time)| time).collect();
    lock(&mut *db, &devices).await?;
    sqlx::query!(
        "update latest l
         set (seq, latitude, longitude, pm2_5, pm10, exact_time, steady_since, version)
             = (m.seq, m.latitude, m.longitude, m.pm2_5, m.pm10, m.time_uncertainty_s is null,
                case when (m.pm2_5, m.pm10) is not distinct from (l.pm2_5, l.pm10) then l.steady_since
                     else m.measured_at end,
                coalesce(l.version, 0) + 1)
         from latest k
         join unnest($1::bigint[], $2::timestamptz[]) as replaced (device_id, measured_at)
             on replaced.device_id = k.device_id and replaced.measured_at = k.measured_at
         cross join lateral (
             select * from measurement m
             where m.device_id = k.device_id and m.measured_at = k.measured_at
             order by seq desc limit 1
         ) as m
         where l.device_id = k.device_id and k.device_id = any($1)",
        &devices,
        &times,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Recomputes `latest` for these devices, which must be sorted, within a transaction that deleted measurements. Deletes
/// the row of a device without measurements.
///
/// The rows are locked before the measurements are read: a concurrent recorder has committed by then, and its rows are
/// seen, or it waits, and then updates the row written here. (A recorder locks the row of its device even when it
/// leaves it unchanged.)
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.latest.recompute", skip_all, fields(count = devices.len()))]
pub async fn recompute(db: &mut PgConnection, devices: &[DeviceId]) -> Result<(), DbError> {
    let devices = to_bigints(devices);
    lock(&mut *db, &devices).await?;
    // History that can't be derived from the one row starts with it.
    sqlx::query!(
        "update latest l
         set (measured_at, seq, latitude, longitude, pm2_5, pm10, exact_time, steady_since, version)
             = (m.measured_at, m.seq,
                case when (m.latitude, m.longitude) is distinct from (0, 0) then m.latitude end,
                case when (m.latitude, m.longitude) is distinct from (0, 0) then m.longitude end,
                m.pm2_5, m.pm10, m.time_uncertainty_s is null, m.measured_at, coalesce(l.version, 0) + 1)
         from latest k
         cross join lateral (
             select * from measurement m where m.device_id = k.device_id
             order by m.measured_at desc, m.seq desc limit 1
         ) as m
         where k.device_id = any($1) and l.device_id = k.device_id and (l.measured_at, l.seq) <> (m.measured_at, m.seq)",
        &devices
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from latest l
         where l.device_id = any($1) and not exists (select from measurement m where m.device_id = l.device_id)",
        &devices
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks the rows of these devices, which must be sorted, in their order.
async fn lock(db: &mut PgConnection, devices: &[i64]) -> Result<(), DbError> {
    if !Dialect::detect(&mut *db).await?.is_citus {
        let lock = sqlx::query_scalar!(
            "select device_id from latest where device_id = any($1) order by device_id for update",
            devices
        );
        lock.fetch_all(db).await?;
        return Ok(());
    }
    // Citus locks rows of one shard only.
    let mut devices = devices.to_vec();
    devices.dedup();
    for device in devices {
        let lock = sqlx::query_scalar!("select device_id from latest where device_id = $1 for update", device);
        lock.fetch_optional(&mut *db).await?;
    }
    Ok(())
}
