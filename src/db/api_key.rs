//! Table `api_key`: storing, finding and revoking API keys.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, FromRow, PgConnection, PgExecutor, Row as _, postgres::PgRow};

use super::DbError;
use crate::domain::{
    api_key::{ApiKey, ApiKeyId, Role},
    device::{DeviceId, DeviceKey},
};

/// Reads what [`ApiKeyRow`] needs; conditions are appended.
pub(super) const SELECT_API_KEY: &str =
    "select api_key_id, api_key.name, role, coalesce(device.key, deleted_device), api_key.created_at,
                             expires_at, revoked_at, last_used_at, hash, created_by
                      from api_key left join device using (device_id)";

/// Advisory lock that serialises creating the first admin key among gateways that start together. The value is
/// arbitrary.
const FIRST_KEY_LOCK_ID: i64 = 0x6169_7267_0002;

/// An API key as a row of [`SELECT_API_KEY`].
pub(super) struct ApiKeyRow(pub ApiKey);

impl FromRow<'_, PgRow> for ApiKeyRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self(ApiKey {
            id: ApiKeyId(row.try_get(0)?),
            name: row.try_get(1)?,
            role: Role::from_stored(row.try_get(2)?),
            device: row.try_get::<Option<String>, _>(3)?.map(DeviceKey::from_stored),
            created_at: row.try_get(4)?,
            expires_at: row.try_get(5)?,
            revoked_at: row.try_get(6)?,
            last_used_at: row.try_get(7)?,
            created_by: row.try_get::<Option<i64>, _>(9)?.map(ApiKeyId),
        }))
    }
}

/// An API key to insert.
#[derive(Clone, Debug)]
pub struct NewApiKey<'a> {
    /// Display name.
    pub name: &'a str,
    /// Role of the key.
    pub role: Role,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// The only device that the key may write for. None: any device.
    pub device_id: Option<DeviceId>,
    /// When the key expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// The key that creates this one.
    pub created_by: Option<ApiKeyId>,
}

/// Inserts a key. Returns `None` when the creating key is no longer valid. Locks the row of the creating key, so that a
/// revocation with descendants either prevents this insert or waits for it and finds the new key.
///
/// # Errors
/// When the database fails; a violation of `api_key_hash_unique` when a key with this hash exists.
#[tracing::instrument(name = "db.api_key.insert", skip_all)]
pub async fn insert(
    db: impl PgExecutor<'_>,
    new: &NewApiKey<'_>,
    now: DateTime<Utc>,
) -> Result<Option<ApiKeyId>, DbError> {
    let id = sqlx::query_scalar!(
        "with creator as materialized (
             select from api_key
             where api_key_id = $7 and revoked_at is null and (expires_at is null or expires_at > $6) for share
         )
         insert into api_key (name, role, hash, device_id, expires_at, created_at, created_by)
         select $1, $2, $3, $4, $5, $6, $7 where $7::bigint is null or exists (select from creator)
         returning api_key_id",
        new.name,
        new.role.as_str(),
        &new.hash,
        new.device_id.map(|id| id.0),
        new.expires_at,
        now,
        new.created_by.map(|id| id.0),
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(ApiKeyId))
}

/// The keys with these hashes, valid or not.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.api_key.find_by_hashes", skip_all, fields(count = hashes.len()))]
pub async fn find_by_hashes(
    db: impl PgExecutor<'_>,
    hashes: &[[u8; 32]],
) -> Result<HashMap<[u8; 32], ApiKey>, DbError> {
    let hashes: Vec<_> = hashes.iter().map(<[u8; 32]>::as_slice).collect();
    let mut query = sqlx::QueryBuilder::new(SELECT_API_KEY);
    let rows = query.push(" where hash = any(").push_bind(hashes).push(")").build().fetch_all(db).await?;
    rows.iter().map(|row| Ok((row.try_get(8)?, ApiKeyRow::from_row(row)?.0))).collect()
}

/// The key with this row number.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.api_key.find_by_id", skip_all)]
pub async fn find_by_id(db: impl PgExecutor<'_>, id: ApiKeyId) -> Result<Option<ApiKey>, DbError> {
    let mut query = sqlx::QueryBuilder::new(SELECT_API_KEY);
    let row: Option<ApiKeyRow> =
        query.push(" where api_key_id = ").push_bind(id.0).build_query_as().fetch_optional(db).await?;
    Ok(row.map(|row| row.0))
}

/// The keys with these row numbers.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.api_key.load_by_ids", skip_all, fields(count = ids.len()))]
pub async fn load_by_ids(db: impl PgExecutor<'_>, ids: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, ApiKey>, DbError> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let mut query = sqlx::QueryBuilder::new(SELECT_API_KEY);
    let rows: Vec<ApiKeyRow> =
        query.push(" where api_key_id = any(").push_bind(ids).push(")").build_query_as().fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.0.id, row.0)).collect())
}

/// All keys, oldest first.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.api_key.list", skip_all)]
pub async fn list(db: impl PgExecutor<'_>) -> Result<Vec<ApiKey>, DbError> {
    let mut query = sqlx::QueryBuilder::new(SELECT_API_KEY);
    let rows: Vec<ApiKeyRow> = query.push(" order by api_key_id").build_query_as().fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Number of descendants of a revoked key: the keys created with it, directly or with another descendant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DescendantCounts {
    /// Descendants revoked by the call.
    pub revoked: i64,
    /// Descendants that are still valid.
    pub valid: i64,
}

/// Revokes a key and, with `include_descendants`, its descendants. A key that is already revoked keeps its time.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.api_key.revoke", skip_all)]
pub async fn revoke(
    db: &mut PgConnection,
    id: ApiKeyId,
    include_descendants: bool,
    now: DateTime<Utc>,
) -> Result<DescendantCounts, DbError> {
    let mut transaction = db.begin().await?;
    let mut revoked = 0;
    loop {
        // Repeats until no row changes: the next statement sees keys created in the meantime, and no key can be created
        // with one that this transaction has revoked.
        let rows = sqlx::query_scalar!(
            r#"with recursive descendant as (
                   select $1::bigint as api_key_id
                   union
                   select child.api_key_id from api_key child join descendant on child.created_by = descendant.api_key_id
                   where $3
               )
               update api_key set revoked_at = $2
               where api_key_id in (select api_key_id from descendant) and revoked_at is null
               returning api_key_id"#,
            id.0,
            now,
            include_descendants,
        )
        .fetch_all(&mut *transaction)
        .await?;
        if rows.is_empty() {
            break;
        }
        revoked += rows.iter().filter(|&&row| row != id.0).count();
    }
    let valid = sqlx::query_scalar!(
        r#"with recursive descendant as (
               select $1::bigint as api_key_id
               union
               select child.api_key_id from api_key child join descendant on child.created_by = descendant.api_key_id
           )
           select count(*) as "count!" from api_key join descendant using (api_key_id)
           where api_key_id <> $1 and revoked_at is null and (expires_at is null or expires_at > $2)"#,
        id.0,
        now,
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(DescendantCounts { revoked: i64::try_from(revoked).unwrap_or(i64::MAX), valid })
}

/// Whether a key was created with another key, directly or through its descendants.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.api_key.is_descendant", skip_all)]
pub async fn is_descendant(db: impl PgExecutor<'_>, id: ApiKeyId, ancestor: ApiKeyId) -> Result<bool, DbError> {
    let descends = sqlx::query_scalar!(
        r#"with recursive ancestor as (
               select created_by as api_key_id from api_key where api_key_id = $1
               union
               select created_by from api_key join ancestor using (api_key_id)
           )
           select exists (select from ancestor where api_key_id = $2) as "descends!""#,
        id.0,
        ancestor.0,
    );
    Ok(descends.fetch_one(db).await?)
}

/// Stores the time of the last use of a key.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.api_key.update_last_used_at", skip_all)]
pub async fn update_last_used_at(db: impl PgExecutor<'_>, id: ApiKeyId, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!(
        "update api_key set last_used_at = $2 where api_key_id = $1 and (last_used_at is null or last_used_at < $2)",
        id.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Waits for other gateways that create the first key, then returns whether a valid admin key exists. Requires a
/// transaction.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.api_key.has_valid_admin", skip_all)]
pub async fn has_valid_admin(transaction: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, DbError> {
    sqlx::query!("select pg_advisory_xact_lock($1)", FIRST_KEY_LOCK_ID).execute(&mut *transaction).await?;
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from api_key
               where role = 'admin' and revoked_at is null and (expires_at is null or expires_at > $1)
           ) as "exists!""#,
        now,
    )
    .fetch_one(transaction)
    .await?)
}
