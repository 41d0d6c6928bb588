//! `device`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder, Row as _, postgres::PgRow};

use super::DbError;
use crate::domain::{
    device::{Device, DeviceId, DeviceKey, DeviceKind},
    position::Position,
};

const COLUMNS: &str = "device_id, key, name, kind, latitude, longitude, licence, attribution, created_at";

/// What is told of a device when it is registered.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// What it calls itself.
    pub key: DeviceKey,
    /// What people call it.
    pub name: Option<String>,
    /// Whether it moves.
    pub kind: DeviceKind,
    /// Where it stands.
    pub position: Option<Position>,
    /// What its data may be used for.
    pub licence: Option<String>,
    /// Who is to be named.
    pub attribution: Option<String>,
}

/// The order of a list of devices; ties in time are broken by the row number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceOrder {
    /// By key.
    Key,
    /// By the time the gateway first heard of them.
    CreatedAt,
}

/// A place in an ordered list of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceKeyset {
    /// In the order of keys.
    Key(String),
    /// In the order of first hearing.
    CreatedAt(DateTime<Utc>, DeviceId),
}

/// Which devices are listed.
#[derive(Clone, Debug, Default)]
pub struct DeviceFilter {
    /// Those with one of these keys.
    pub keys: Option<Vec<String>>,
    /// Those of this kind.
    pub kind: Option<DeviceKind>,
}

/// One page of a list of devices.
#[derive(Clone, Debug)]
pub struct DevicePage {
    /// Which.
    pub filter: DeviceFilter,
    /// In which order.
    pub order: DeviceOrder,
    /// Whether the order is turned round.
    pub descending: bool,
    /// Only those that come after this in the list.
    pub after: Option<DeviceKeyset>,
    /// Only those that come before this in the list.
    pub before: Option<DeviceKeyset>,
    /// At most so many.
    pub limit: i64,
}

/// Row numbers, as Postgres takes them.
pub(super) fn numbers(ids: &[DeviceId]) -> Vec<i64> {
    ids.iter().map(|id| id.0).collect()
}

/// The devices with these row numbers.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.by_ids", skip_all, fields(count = ids.len()))]
pub async fn by_ids(db: impl PgExecutor<'_>, ids: &[DeviceId]) -> Result<HashMap<DeviceId, Device>, DbError> {
    let ids = numbers(ids);
    let mut query = QueryBuilder::<Postgres>::new(format!("select {COLUMNS} from device where device_id = any("));
    let rows = query.push_bind(ids).push(")").build().fetch_all(db).await?;
    rows.iter().map(|row| from_row(row).map(|device| (device.id, device))).collect()
}

/// The devices with these keys.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.by_keys", skip_all, fields(count = keys.len()))]
pub async fn by_keys(db: impl PgExecutor<'_>, keys: &[DeviceKey]) -> Result<HashMap<DeviceKey, Device>, DbError> {
    let keys: Vec<&str> = keys.iter().map(DeviceKey::as_str).collect();
    let mut query = QueryBuilder::<Postgres>::new(format!("select {COLUMNS} from device where key = any("));
    let rows = query.push_bind(keys).push(")").build().fetch_all(db).await?;
    rows.iter().map(|row| from_row(row).map(|device| (device.key.clone(), device))).collect()
}

/// The row numbers of the devices with these keys, where there are such devices.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.ids_by_keys", skip_all, fields(count = keys.len()))]
pub async fn ids_by_keys(db: impl PgExecutor<'_>, keys: &[&str]) -> Result<HashMap<String, DeviceId>, DbError> {
    let rows =
        sqlx::query!("select device_id, key from device where key = any($1)", keys as &[&str]).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.key, DeviceId(row.device_id))).collect())
}

/// Adds devices that were heard of for the first time; those that someone else added meanwhile are left as they are.
/// The keys must be sorted, so that two gateways wait for each other in one order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.add_heard_of", skip_all, fields(count = keys.len()))]
pub async fn add_heard_of(
    db: impl PgExecutor<'_>,
    keys: &[&str],
    kinds: &[&str],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into device (key, kind, created_at)
         select key, kind, $3 from unnest($1::text[], $2::text[]) as heard (key, kind)
         on conflict (key) do nothing",
        keys as &[&str],
        kinds as &[&str],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds a device; `None` when one with this key is there already.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.add", skip_all)]
pub async fn add(db: impl PgExecutor<'_>, new: &NewDevice, now: DateTime<Utc>) -> Result<Option<DeviceId>, DbError> {
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

/// Writes everything that can be changed of a device.
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

/// The device with this key, locked until the transaction ends, so that two changes of it can't lose each other.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.lookup_for_update", skip_all)]
pub async fn lookup_for_update(db: impl PgExecutor<'_>, key: &DeviceKey) -> Result<Option<Device>, DbError> {
    let mut query = QueryBuilder::<Postgres>::new(format!("select {COLUMNS} from device where key = "));
    let row = query.push_bind(key.as_str()).push(" for update").build().fetch_optional(db).await?;
    row.as_ref().map(from_row).transpose()
}

/// One page of devices, in the order asked for.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.list", skip_all, fields(limit = page.limit))]
pub async fn list(db: impl PgExecutor<'_>, page: &DevicePage) -> Result<Vec<Device>, DbError> {
    let mut query = QueryBuilder::<Postgres>::new(format!("select {COLUMNS} from device where true"));
    push_filter(&mut query, &page.filter);
    let (forward, back, direction) = if page.descending { (" < ", " > ", " desc") } else { (" > ", " < ", " asc") };
    for (keyset, comparison) in [(&page.after, forward), (&page.before, back)] {
        match keyset {
            Some(DeviceKeyset::Key(key)) => {
                query.push(" and key").push(comparison).push_bind(key.clone());
            }
            Some(DeviceKeyset::CreatedAt(time, id)) => {
                query.push(" and (created_at, device_id)").push(comparison).push("(").push_bind(*time);
                query.push(", ").push_bind(id.0).push(")");
            }
            None => {}
        }
    }
    match page.order {
        DeviceOrder::Key => query.push(" order by key").push(direction),
        DeviceOrder::CreatedAt => {
            query.push(" order by created_at").push(direction).push(", device_id").push(direction)
        }
    };
    query.push(" limit ").push_bind(page.limit);
    query.build().fetch_all(db).await?.iter().map(from_row).collect()
}

/// How many devices the filter lets through, counted up to `bound`.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.count", skip_all)]
pub async fn count(db: impl PgExecutor<'_>, filter: &DeviceFilter, bound: i64) -> Result<i64, DbError> {
    let mut query = QueryBuilder::<Postgres>::new("select count(*) from (select 1 from device where true");
    push_filter(&mut query, filter);
    query.push(" limit ").push_bind(bound).push(") as counted");
    Ok(query.build_query_scalar().fetch_one(db).await?)
}

fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &DeviceFilter) {
    if let Some(keys) = &filter.keys {
        query.push(" and key = any(").push_bind(keys.clone()).push(")");
    }
    if let Some(kind) = filter.kind {
        query.push(" and kind = ").push_bind(kind.as_str());
    }
}

fn from_row(row: &PgRow) -> Result<Device, DbError> {
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
