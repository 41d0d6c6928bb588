//! Table `device`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder, Row as _, postgres::PgRow};

use super::DbError;
use crate::domain::{
    device::{Device, DeviceId, DeviceKey, DeviceKind},
    position::Position,
};

const DEVICE_COLUMNS: &str = "device_id, key, name, kind, latitude, longitude, licence, attribution, created_at";

/// A device to register.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Key of the device.
    pub key: DeviceKey,
    /// Display name.
    pub name: Option<String>,
    /// Stationary or mobile.
    pub kind: DeviceKind,
    /// Position of a stationary device.
    pub position: Option<Position>,
    /// Licence of its data.
    pub licence: Option<String>,
    /// Attribution that the licence requires.
    pub attribution: Option<String>,
}

/// Row numbers as an array for Postgres.
pub(super) fn to_bigints(ids: &[DeviceId]) -> Vec<i64> {
    ids.iter().map(|id| id.0).collect()
}

/// The devices with these row numbers.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.load_by_ids", skip_all, fields(count = ids.len()))]
pub async fn load_by_ids(db: impl PgExecutor<'_>, ids: &[DeviceId]) -> Result<HashMap<DeviceId, Device>, DbError> {
    let ids = to_bigints(ids);
    let mut query =
        QueryBuilder::<Postgres>::new(format!("select {DEVICE_COLUMNS} from device where device_id = any("));
    let rows = query.push_bind(ids).push(")").build().fetch_all(db).await?;
    rows.iter().map(|row| from_row(row).map(|device| (device.id, device))).collect()
}

/// The devices with these keys.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.load_by_keys", skip_all, fields(count = keys.len()))]
pub async fn load_by_keys(db: impl PgExecutor<'_>, keys: &[DeviceKey]) -> Result<HashMap<DeviceKey, Device>, DbError> {
    let keys: Vec<&str> = keys.iter().map(DeviceKey::as_str).collect();
    let mut query = QueryBuilder::<Postgres>::new(format!("select {DEVICE_COLUMNS} from device where key = any("));
    let rows = query.push_bind(keys).push(")").build().fetch_all(db).await?;
    rows.iter().map(|row| from_row(row).map(|device| (device.key.clone(), device))).collect()
}

/// The row numbers of the devices with these keys. Unknown keys have no entry.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.load_ids_by_keys", skip_all, fields(count = keys.len()))]
pub async fn load_ids_by_keys(db: impl PgExecutor<'_>, keys: &[&str]) -> Result<HashMap<String, DeviceId>, DbError> {
    let rows =
        sqlx::query!("select device_id, key from device where key = any($1)", keys as &[&str]).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.key, DeviceId(row.device_id))).collect())
}

/// Inserts devices that are not stored yet; existing ones are left unchanged. The keys must be sorted, so that
/// concurrent writers wait for each other in one order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.insert_missing", skip_all, fields(count = keys.len()))]
pub async fn insert_missing(
    db: impl PgExecutor<'_>,
    keys: &[&str],
    kinds: &[&str],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into device (key, kind, created_at)
         select key, kind, $3 from unnest($1::text[], $2::text[]) as new_device (key, kind)
         on conflict (key) do nothing",
        keys as &[&str],
        kinds as &[&str],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts a device. Returns `None` when a device with this key exists.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.insert", skip_all)]
pub async fn insert(db: impl PgExecutor<'_>, new: &NewDevice, now: DateTime<Utc>) -> Result<Option<DeviceId>, DbError> {
    let id = sqlx::query_scalar!(
        "insert into device (key, name, kind, latitude, longitude, licence, attribution, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (key) do nothing
         returning device_id",
        new.key.as_str(),
        new.name.as_deref(),
        new.kind.as_str(),
        new.position.map(Position::latitude),
        new.position.map(Position::longitude),
        new.licence.as_deref(),
        new.attribution.as_deref(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(DeviceId))
}

/// Updates all mutable columns of a device.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.update", skip_all)]
pub async fn update(db: impl PgExecutor<'_>, device: &Device) -> Result<(), DbError> {
    sqlx::query!(
        "update device
         set name = $2, kind = $3, latitude = $4, longitude = $5, licence = $6, attribution = $7
         where device_id = $1",
        device.id.0,
        device.name.as_deref(),
        device.kind.as_str(),
        device.position.map(Position::latitude),
        device.position.map(Position::longitude),
        device.licence.as_deref(),
        device.attribution.as_deref(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The device with this key, locked until the transaction ends, which prevents lost updates.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.find_by_key_for_update", skip_all)]
pub async fn find_by_key_for_update(db: impl PgExecutor<'_>, key: &DeviceKey) -> Result<Option<Device>, DbError> {
    let mut query = QueryBuilder::<Postgres>::new(format!("select {DEVICE_COLUMNS} from device where key = "));
    let row = query.push_bind(key.as_str()).push(" for update").build().fetch_optional(db).await?;
    row.as_ref().map(from_row).transpose()
}

/// Parses a device from a row that begins with its columns.
pub(super) fn from_row(row: &PgRow) -> Result<Device, DbError> {
    Ok(Device {
        id: DeviceId(row.try_get(0)?),
        key: DeviceKey::from_stored(row.try_get(1)?),
        name: row.try_get(2)?,
        kind: DeviceKind::from_stored(row.try_get(3)?),
        position: super::measurement::position(row.try_get(4)?, row.try_get(5)?),
        licence: row.try_get(6)?,
        attribution: row.try_get(7)?,
        created_at: row.try_get(8)?,
    })
}
