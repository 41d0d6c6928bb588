//! Deletes a device: its rows in every table, and finally its own row.
//!
//! Recorders keep running with the device's number in their cache. Each transaction that stores measurements writes the
//! `latest` row of their devices, which references `device`. [`finish`] locks both rows before it looks for remaining
//! rows. A concurrent recorder has either committed, and its rows are seen, or it waits. After the wait it finds no
//! `latest` row, inserts one, and violates the foreign key. Nothing of it is stored. It reloads the devices
//! ([`DbError::Conflict`]) and finds the key unknown: the samples become those of a new device.
//!
//! In Citus each worker checks the foreign key with its own copy of `device`, which the lock of the row doesn't reach. So the
//! row is deleted, on all servers, before [`finish`] looks for remaining rows. When a recorder has stored a `latest` row in
//! between, deleting it violates the foreign key, and nothing is deleted.

use std::time::Duration;

use chrono::{DateTime, Utc};
use h3o::CellIndex;
use sqlx::{Connection as _, PgConnection, PgExecutor};

use super::{
    DbError,
    cache_invalidation::notify_device_deletion,
    connect::set_timeouts,
    feed,
    feed::FeedRecord,
    row_removal::{self, lock_exclusive, remove},
};
use crate::domain::{
    api_key::ApiKeyId, cell::from_bigint, device::DeviceId, measurement::MeasurementKey, quality::QualityFlags,
    validity::has_valid_position,
};

/// Maximum number of uplinks deleted in one transaction.
pub const UPLINK_BATCH_SIZE: i64 = 1000;
/// Maximum number of measurements that [`finish`] deletes while recorders of the device wait.
const MAX_REMAINING: i64 = 500;
/// Lock timeout of [`finish`]. Shorter than a recorder's, so that [`finish`] fails first when both wait for each other.
const LOCK_TIMEOUT: Duration = Duration::from_millis(100);
/// Time limit of each statement of [`finish`].
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Rows deleted by the last transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// Measurements recorded in the meantime.
    pub measurements: Vec<MeasurementKey>,
    /// Number of uplinks that arrived in the meantime.
    pub uplinks: u64,
    /// API keys bound to the device in the meantime, revoked now.
    pub revoked_keys: Vec<ApiKeyId>,
}

/// Revokes the API keys that are bound to a device, and returns those that were valid.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device_deletion.revoke_keys", skip_all)]
pub async fn revoke_keys(
    db: impl PgExecutor<'_>,
    device: DeviceId,
    now: DateTime<Utc>,
) -> Result<Vec<ApiKeyId>, DbError> {
    let rows = sqlx::query!(
        r#"update api_key set revoked_at = $2 where device_id = $1 and revoked_at is null
           returning api_key_id, (expires_at is null or expires_at > $2) as "was_valid!""#,
        device.0,
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter(|row| row.was_valid).map(|row| ApiKeyId(row.api_key_id)).collect())
}

/// The valid API keys that are bound to a device.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device_deletion.valid_keys", skip_all)]
pub async fn valid_keys(
    db: impl PgExecutor<'_>,
    device: DeviceId,
    now: DateTime<Utc>,
) -> Result<Vec<ApiKeyId>, DbError> {
    let rows = sqlx::query_scalar!(
        "select api_key_id from api_key
         where device_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)",
        device.0,
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(ApiKeyId).collect())
}

/// Number of uplinks that belong to this device only.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device_deletion.count_uplinks", skip_all)]
pub async fn count_uplinks(db: impl PgExecutor<'_>, device: DeviceId) -> Result<u64, DbError> {
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from uplink where device_id = $1"#, device.0);
    Ok(u64::try_from(count.fetch_one(db).await?).unwrap_or(0))
}

/// Deletes at most [`UPLINK_BATCH_SIZE`] uplinks that belong to this device only, and returns how many.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device_deletion.delete_uplinks", skip_all)]
pub async fn delete_uplinks(db: impl PgExecutor<'_>, device: DeviceId) -> Result<u64, DbError> {
    let deleted = sqlx::query!(
        "delete from uplink u
         using (select received_at, uplink_id from uplink where device_id = $1 order by received_at limit $2) as batch
         where u.received_at = batch.received_at and u.uplink_id = batch.uplink_id",
        device.0,
        UPLINK_BATCH_SIZE,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}

/// Deletes the row of a device and the few rows stored since the rest was deleted, in a transaction of its own. Returns
/// `None`, and deletes nothing, when more than [`MAX_REMAINING`] rows remain.
///
/// # Errors
/// When the database fails; [`DbError::Locked`] when a recorder holds a row that has to be deleted.
#[tracing::instrument(name = "db.device_deletion.finish", skip_all)]
pub async fn finish(db: &mut PgConnection, device: DeviceId, now: DateTime<Utc>) -> Result<Option<Finished>, DbError> {
    let mut transaction = db.begin().await?;
    lock_exclusive(&mut *transaction).await?; // first, before this transaction holds locks that others need
    set_timeouts(&mut transaction, LOCK_TIMEOUT, STATEMENT_TIMEOUT).await?;
    if !lock(&mut transaction, device).await? {
        return Ok(Some(Finished::default())); // already deleted by another gateway
    }
    let revoked_keys = revoke_keys(&mut *transaction, device, now).await?;
    delete_row(&mut transaction, device).await?;
    let rows = remaining(&mut transaction, device).await?;
    if i64::try_from(rows.len()).is_ok_and(|rows| rows > MAX_REMAINING) {
        return Ok(None);
    }
    if !rows.is_empty() {
        let touched = remove(&mut transaction, &rows).await?;
        row_removal::finish(&mut transaction, &touched).await?;
    }
    let uplinks = delete_uplinks(&mut *transaction, device).await?;
    if i64::try_from(uplinks).is_ok_and(|uplinks| uplinks >= UPLINK_BATCH_SIZE) {
        return Ok(None);
    }
    notify_device_deletion(&mut *transaction, device).await?;
    feed::append(&mut transaction, &FeedRecord { recorded: Vec::new(), changed: vec![device] }).await?;
    transaction.commit().await?;
    Ok(Some(Finished { measurements: rows.into_iter().map(|(key, _)| key).collect(), uplinks, revoked_keys }))
}

/// Deletes the row of a device, and the rows that reference it.
async fn delete_row(db: &mut PgConnection, device: DeviceId) -> Result<(), DbError> {
    sqlx::query!(
        "update api_key set deleted_device = device.key, device_id = null
         from device where api_key.device_id = $1 and device.device_id = $1",
        device.0
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("delete from device_sensor where device_id = $1", device.0).execute(&mut *db).await?;
    sqlx::query!("delete from packet where device_id = $1", device.0).execute(&mut *db).await?;
    sqlx::query!("delete from latest where device_id = $1", device.0).execute(&mut *db).await?;
    sqlx::query!("delete from device where device_id = $1", device.0).execute(&mut *db).await?;
    Ok(())
}

/// Locks the rows that each transaction with measurements of a device inserts, updates or references. False when the
/// device doesn't exist.
async fn lock(db: &mut PgConnection, device: DeviceId) -> Result<bool, DbError> {
    let found = sqlx::query_scalar!("select device_id from device where device_id = $1 for update", device.0);
    if found.fetch_optional(&mut *db).await?.is_none() {
        return Ok(false);
    }
    let latest = sqlx::query_scalar!("select device_id from latest where device_id = $1 for update", device.0);
    latest.fetch_optional(&mut *db).await?;
    let packet = sqlx::query_scalar!("select device_id from packet where device_id = $1 for update", device.0);
    packet.fetch_optional(&mut *db).await?;
    Ok(true)
}

/// The measurements of a device, sorted, each with the cell that counts it; at most [`MAX_REMAINING`] + 1.
async fn remaining(
    db: &mut PgConnection,
    device: DeviceId,
) -> Result<Vec<(MeasurementKey, Option<CellIndex>)>, DbError> {
    let rows = sqlx::query!(
        "select measured_at, seq, flags, cell from measurement where device_id = $1 order by measured_at, seq limit $2",
        device.0,
        MAX_REMAINING + 1,
    )
    .fetch_all(db)
    .await?;
    let row = rows.into_iter().map(|row| {
        let key = MeasurementKey { device_id: device, measured_at: row.measured_at, seq: row.seq };
        let counts = has_valid_position(QualityFlags::from_bits(row.flags));
        (key, row.cell.filter(|_| counts).and_then(from_bigint))
    });
    Ok(row.collect())
}
