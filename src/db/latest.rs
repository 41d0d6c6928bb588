//! `latest`: the newest measurement of each device.

use std::collections::HashMap;

use sqlx::PgExecutor;

use super::{
    DbError,
    measurement::{COLUMNS, MeasurementRow},
};
use crate::domain::{
    device::DeviceId,
    measurement::{Measurement, MeasurementKey},
};

/// Moves `latest` forward to these measurements, where they are newer. At most one key a device, sorted by device, so
/// that two writers wait for each other in one order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.latest.advance", skip_all, fields(count = newest.len()))]
pub async fn advance(db: impl PgExecutor<'_>, newest: &[MeasurementKey]) -> Result<(), DbError> {
    let devices: Vec<_> = newest.iter().map(|key| key.device_id.0).collect();
    let times: Vec<_> = newest.iter().map(|key| key.measured_at).collect();
    let seqs: Vec<_> = newest.iter().map(|key| key.seq).collect();
    sqlx::query!(
        "insert into latest (device_id, measured_at, seq)
         select * from unnest($1::bigint[], $2::timestamptz[], $3::int[])
         on conflict (device_id) do update set measured_at = excluded.measured_at, seq = excluded.seq
         where (excluded.measured_at, excluded.seq) > (latest.measured_at, latest.seq)",
        &devices,
        &times,
        &seqs,
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
