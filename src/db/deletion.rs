//! Deletes measurements that match a filter, in batches.

use chrono::{DateTime, Utc};
use h3o::CellIndex;
use sqlx::{PgConnection, QueryBuilder};

use super::{
    DbError, feed,
    feed::FeedRecord,
    latest,
    measurement::key_columns,
    measurement_filter::push_filter,
    packet,
    row_removal::{finish, lock_exclusive, remove},
    validity::has_valid_position,
};
use crate::domain::{cell::from_bigint, device::DeviceId, filter::Filter, measurement::MeasurementKey};

/// Deletes those of these measurements that exist and match the filter, with everything derived from them except their
/// uplinks, and returns the deleted keys. Requires a transaction and sorted keys.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.deletion.delete", skip_all, fields(count = keys.len()))]
pub async fn delete(
    db: &mut PgConnection,
    keys: &[MeasurementKey],
    filter: &Filter,
) -> Result<Vec<MeasurementKey>, DbError> {
    lock_exclusive(&mut *db).await?;
    // Concurrent deletions are excluded from here on, whatever changed since the keys were read.
    let rows = find_matching(&mut *db, keys, filter).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let touched = remove(&mut *db, &rows).await?;
    finish(&mut *db, &touched).await?;
    let keys: Vec<_> = rows.into_iter().map(|(key, _)| key).collect();
    let mut devices: Vec<_> = keys.iter().map(|key| key.device_id).collect();
    devices.dedup();
    latest::recompute(&mut *db, &devices).await?;
    packet::delete_without_measurements(&mut *db, &devices).await?;
    feed::append(db, &FeedRecord { recorded: Vec::new(), changed: devices }).await?;
    Ok(keys)
}

/// The rows that match the filter, sorted, each with the cell that counts it.
async fn find_matching(
    db: &mut PgConnection,
    keys: &[MeasurementKey],
    filter: &Filter,
) -> Result<Vec<(MeasurementKey, Option<CellIndex>)>, DbError> {
    let (devices, times, seqs) = key_columns(keys);
    let mut query = QueryBuilder::new(format!(
        "select m.device_id, m.measured_at, m.seq, case when {} then m.cell end from unnest(",
        has_valid_position()
    ));
    query.push_bind(devices).push("::bigint[], ").push_bind(times).push("::timestamptz[], ").push_bind(seqs).push(
        "::int[]) as wanted (device_id, measured_at, seq)
         join measurement m using (device_id, measured_at, seq) where true",
    );
    push_filter(&mut query, filter);
    query.push(" order by 1, 2, 3");
    let rows: Vec<(i64, DateTime<Utc>, i32, Option<i64>)> = query.build_query_as().fetch_all(db).await?;
    let row = |(device, measured_at, seq, cell): (_, _, _, Option<i64>)| {
        (MeasurementKey { device_id: DeviceId(device), measured_at, seq }, cell.and_then(from_bigint))
    };
    Ok(rows.into_iter().map(row).collect())
}
