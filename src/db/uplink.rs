//! `uplink`: what arrived, verbatim.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::DbError;

/// An uplink with what became of it.
#[derive(Clone, Debug)]
pub struct UplinkRow<'a> {
    /// A `UUIDv7` made from `received_at`.
    pub uplink_id: Uuid,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// The decoder's name.
    pub format: &'a str,
    /// The one device it spoke of.
    pub device_id: Option<i64>,
    /// The key that vouched for it.
    pub api_key_id: Option<i64>,
    /// What named the device outside the body.
    pub named: Option<&'a str>,
    /// The kind of event that was told outside the body.
    pub event: Option<&'a str>,
    /// LoRaWAN frame counter.
    pub frame_counter: Option<i64>,
    /// The body, as it came.
    pub body: &'a [u8],
    /// Why it could not be decoded.
    pub error: Option<&'a str>,
    /// Samples stored.
    pub recorded: i32,
    /// Samples that were stored before.
    pub duplicates: i32,
    /// Samples that can't be true.
    pub rejected: i32,
}

/// Stores uplinks.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.uplink.add", skip_all, fields(count = rows.len()))]
pub async fn add(db: impl PgExecutor<'_>, rows: &[UplinkRow<'_>]) -> Result<(), DbError> {
    /// The values of one column.
    fn column<'r, T>(rows: &'r [UplinkRow<'r>], value: impl Fn(&'r UplinkRow<'r>) -> T) -> Vec<T> {
        rows.iter().map(value).collect()
    }
    sqlx::query!(
        "insert into uplink (uplink_id, received_at, format, device_id, api_key_id, frame_counter, named, event, body,
                             outcome, error, recorded, duplicates, rejected)
         select uplink_id, received_at, format, device_id, api_key_id, frame_counter, named, event, body,
                case when error is null then 'recorded' else 'undecodable' end,
                error, recorded, duplicates, rejected
         from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[],
                     $8::text[], $9::int[], $10::int[], $11::int[], $12::text[], $13::text[])
              as new (uplink_id, received_at, format, device_id, api_key_id, frame_counter, body, error, recorded,
                      duplicates, rejected, named, event)",
        &column(rows, |row| row.uplink_id),
        &column(rows, |row| row.received_at),
        &column(rows, |row| row.format) as &[&str],
        &column(rows, |row| row.device_id) as &[Option<i64>],
        &column(rows, |row| row.api_key_id) as &[Option<i64>],
        &column(rows, |row| row.frame_counter) as &[Option<i64>],
        &column(rows, |row| row.body) as &[&[u8]],
        &column(rows, |row| row.error) as &[Option<&str>],
        &column(rows, |row| row.recorded),
        &column(rows, |row| row.duplicates),
        &column(rows, |row| row.rejected),
        &column(rows, |row| row.named) as &[Option<&str>],
        &column(rows, |row| row.event) as &[Option<&str>],
    )
    .execute(db)
    .await?;
    Ok(())
}
