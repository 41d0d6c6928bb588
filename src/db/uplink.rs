//! Table `uplink`: received bodies, verbatim.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgExecutor, Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{DbError, multi_insert::record};
use crate::domain::{
    api_key::ApiKeyId,
    device::DeviceId,
    uplink::{Uplink, UplinkKey, UplinkOutcome},
};

/// The columns that [`StoredUplink`] reads by index; the table is `u`. The length of a body is known without reading
/// it.
pub(super) const UPLINK_COLUMNS: &str = "u.uplink_id, u.received_at, u.format, u.device_id, u.api_key_id, u.named, u.event, \
                                  u.frame_counter, octet_length(u.body), u.outcome, u.error, u.recorded, \
                                  u.duplicates, u.rejected, u.cut_from";

/// A row of [`UPLINK_COLUMNS`].
pub(super) struct StoredUplink(pub Uplink);

impl FromRow<'_, PgRow> for StoredUplink {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self(Uplink {
            key: UplinkKey { id: row.try_get(0)?, received_at: row.try_get(1)? },
            format: row.try_get(2)?,
            device_id: row.try_get::<Option<i64>, _>(3)?.map(DeviceId),
            api_key_id: row.try_get::<Option<i64>, _>(4)?.map(ApiKeyId),
            device_hint: row.try_get(5)?,
            event: row.try_get(6)?,
            frame_counter: row.try_get(7)?,
            bytes: row.try_get(8)?,
            outcome: UplinkOutcome::from_stored(row.try_get(9)?),
            error: row.try_get(10)?,
            recorded: row.try_get(11)?,
            duplicates: row.try_get(12)?,
            rejected: row.try_get(13)?,
            cut_from: row.try_get(14)?,
        }))
    }
}

/// An uplink with its outcome.
#[derive(Clone, Debug)]
pub struct UplinkRow<'a> {
    /// A `UUIDv7` derived from `received_at`.
    pub uplink_id: Uuid,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// The decoder's name.
    pub format: &'a str,
    /// The device, if all samples are of one device.
    pub device_id: Option<i64>,
    /// The API key that authenticated it.
    pub api_key_id: Option<i64>,
    /// Device named outside the body.
    pub device_hint: Option<&'a str>,
    /// Other parts of the URL that describe the body: a kind of event, `precision=ms`, `sensor=<id>`.
    pub event: Option<&'a str>,
    /// LoRaWAN frame counter.
    pub frame_counter: Option<i64>,
    /// The body as received, or the part that is kept.
    pub body: &'a [u8],
    /// Size of the received body, if only a part is kept.
    pub cut_from: Option<i32>,
    /// Why decoding failed.
    pub error: Option<String>,
    /// Number of samples stored.
    pub recorded: i32,
    /// Number of samples that were already stored.
    pub duplicates: i32,
    /// Number of implausible samples.
    pub rejected: i32,
}

/// An [`UplinkRow`] as type `new_uplink`.
#[derive(sqlx::Encode)]
pub(super) struct UplinkInsert<'a> {
    uplink_id: Uuid,
    received_at: DateTime<Utc>,
    format: &'a str,
    device_id: Option<i64>,
    api_key_id: Option<i64>,
    device_hint: Option<&'a str>,
    event: Option<&'a str>,
    frame_counter: Option<i64>,
    body: &'a [u8],
    outcome: &'static str,
    error: Option<String>,
    recorded: i32,
    duplicates: i32,
    rejected: i32,
    cut_from: Option<i32>,
}

record!(
    UplinkInsert<'_>,
    "uplink",
    "new_uplink",
    "uplink_id, received_at, format, device_id, api_key_id, named, event, frame_counter, body, outcome, error, \
     recorded, duplicates, rejected, cut_from"
);

/// Uplinks as rows to insert.
pub(super) fn to_inserts<'a>(rows: &[UplinkRow<'a>]) -> Vec<UplinkInsert<'a>> {
    rows.iter()
        .map(|row| UplinkInsert {
            uplink_id: row.uplink_id,
            received_at: row.received_at,
            format: row.format,
            device_id: row.device_id,
            api_key_id: row.api_key_id,
            device_hint: row.device_hint,
            event: row.event,
            frame_counter: row.frame_counter,
            body: row.body,
            outcome: if row.error.is_some() { UplinkOutcome::Undecodable } else { UplinkOutcome::Recorded }.as_str(),
            error: row.error.clone(),
            recorded: row.recorded,
            duplicates: row.duplicates,
            rejected: row.rejected,
            cut_from: row.cut_from,
        })
        .collect()
}

/// The uplinks with these keys, without their bodies. Unknown keys have no entry.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.uplink.load_by_keys", skip_all, fields(count = keys.len()))]
pub async fn load_by_keys(db: impl PgExecutor<'_>, keys: &[UplinkKey]) -> Result<HashMap<UplinkKey, Uplink>, DbError> {
    let (times, ids) = key_columns(keys);
    let mut query = sqlx::QueryBuilder::new(format!("select {UPLINK_COLUMNS} from unnest("));
    query
        .push_bind(times)
        .push("::timestamptz[], ")
        .push_bind(ids)
        .push("::uuid[]) as wanted (received_at, uplink_id) join uplink u using (received_at, uplink_id)");
    let rows: Vec<StoredUplink> = query.build_query_as().fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.0.key, row.0)).collect())
}

/// The bodies of these uplinks, in full: limit the request by [`Uplink::bytes`].
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.uplink.load_bodies", skip_all, fields(count = keys.len()))]
pub async fn load_bodies(db: impl PgExecutor<'_>, keys: &[UplinkKey]) -> Result<HashMap<UplinkKey, Vec<u8>>, DbError> {
    let (times, ids) = key_columns(keys);
    let rows = sqlx::query!(
        "select received_at, uplink_id, body
         from unnest($1::timestamptz[], $2::uuid[]) as wanted (received_at, uplink_id)
         join uplink using (received_at, uplink_id)",
        &times,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let key = |received_at, id| Some(UplinkKey { received_at: received_at?, id: id? });
    Ok(rows.into_iter().filter_map(|row| Some((key(row.received_at, row.uplink_id)?, row.body))).collect())
}

/// Locks these uplinks until the end of the transaction, so that two replays of one uplink run one after the other, and
/// returns the existing ones.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.uplink.lock_uplinks", skip_all, fields(count = keys.len()))]
pub async fn lock_uplinks(db: impl PgExecutor<'_>, keys: &[UplinkKey]) -> Result<HashSet<Uuid>, DbError> {
    let (times, ids) = key_columns(keys);
    let there = sqlx::query_scalar!(
        "select u.uplink_id
         from unnest($1::timestamptz[], $2::uuid[]) as wanted (received_at, uplink_id)
         join uplink u using (received_at, uplink_id)
         order by u.received_at, u.uplink_id for update of u",
        &times,
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(there.into_iter().collect())
}

/// Outcome of a replayed uplink.
#[derive(Clone, Debug)]
pub struct RedecodedUplink {
    /// Key of the uplink.
    pub key: UplinkKey,
    /// The device, if all samples are of one device.
    pub device_id: Option<DeviceId>,
    /// LoRaWAN frame counter.
    pub frame_counter: Option<i64>,
    /// Number of samples that this uplink contributed.
    pub recorded: i32,
    /// Number of samples that other uplinks contributed.
    pub duplicates: i32,
    /// Number of implausible samples.
    pub rejected: i32,
    /// Why none of its samples is stored.
    pub error: Option<String>,
}

/// Updates these uplinks after a successful replay.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.uplink.update_redecoded", skip_all, fields(count = rows.len()))]
pub async fn update_redecoded(db: impl PgExecutor<'_>, rows: &[RedecodedUplink]) -> Result<(), DbError> {
    fn column<T>(rows: &[RedecodedUplink], value: impl Fn(&RedecodedUplink) -> T) -> Vec<T> {
        rows.iter().map(value).collect()
    }
    let (times, ids) = key_columns(&column(rows, |row| row.key));
    sqlx::query!(
        "update uplink u
         set (outcome, error, device_id, frame_counter, recorded, duplicates, rejected)
             = (case when new.error is null then 'recorded' else 'undecodable' end, new.error, new.device_id, new.frame_counter, new.recorded, new.duplicates, new.rejected)
         from unnest($1::timestamptz[], $2::uuid[], $3::bigint[], $4::bigint[], $5::int[], $6::int[], $7::int[], $8::text[])
              as new (received_at, uplink_id, device_id, frame_counter, recorded, duplicates, rejected, error)
         where u.received_at = new.received_at and u.uplink_id = new.uplink_id",
        &times,
        &ids,
        &column(rows, |row| row.device_id.map(|id| id.0)) as &[Option<i64>],
        &column(rows, |row| row.frame_counter) as &[Option<i64>],
        &column(rows, |row| row.recorded),
        &column(rows, |row| row.duplicates),
        &column(rows, |row| row.rejected),
        &column(rows, |row| row.error.clone()) as &[Option<String>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Stores why these uplinks still can't be decoded. An uplink whose samples are stored is left unchanged.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.uplink.update_undecodable", skip_all, fields(count = keys.len()))]
pub async fn update_undecodable(db: impl PgExecutor<'_>, keys: &[UplinkKey], errors: &[&str]) -> Result<(), DbError> {
    let (times, ids) = key_columns(keys);
    sqlx::query!(
        "update uplink u set error = new.error
         from unnest($1::timestamptz[], $2::uuid[], $3::text[]) as new (received_at, uplink_id, error)
         where u.received_at = new.received_at and u.uplink_id = new.uplink_id and u.outcome = 'undecodable'",
        &times,
        &ids,
        errors as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keys as the two arrays for `unnest`.
fn key_columns(keys: &[UplinkKey]) -> (Vec<DateTime<Utc>>, Vec<Uuid>) {
    (keys.iter().map(|key| key.received_at).collect(), keys.iter().map(|key| key.id).collect())
}
