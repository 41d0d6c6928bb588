//! Stored state of the keys and devices of a recorder batch: one statement on plain Postgres, three on Citus.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    DbError, device,
    dialect::Dialect,
    measurement::position,
    packet::Packet,
    recorder_batch::{BatchContext, KnownDevice, RowVersion},
};
use crate::domain::{api_key::ApiKeyId, device::DeviceId, readings::to_decimal, sample_history::SampleHistory};

/// A device with its rows in `latest` and `packet`.
struct ContextRow {
    /// The valid keys; the same in each row.
    valid: Option<Vec<i64>>,
    /// The device's key, where it is looked up too.
    key: Option<String>,
    /// `None` in a row without a device.
    device_id: Option<i64>,
    latest_at: Option<DateTime<Utc>>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    pm2_5: Option<f32>,
    pm10: Option<f32>,
    exact_time: Option<bool>,
    steady_since: Option<DateTime<Utc>>,
    latest_version: Option<i64>,
    frame_counter: Option<i64>,
    received_at: Option<DateTime<Utc>>,
    uplink_id: Option<Uuid>,
    first_at: Option<DateTime<Utc>>,
    last_at: Option<DateTime<Utc>>,
    packet_latitude: Option<f64>,
    packet_longitude: Option<f64>,
    packet_version: Option<i64>,
}

/// Checked query of [`ContextRow`]s, from `latest l` and `packet p`.
macro_rules! context_rows {
    ($first_columns:tt, $from:tt, $($bind:expr),+) => {
        sqlx::query_as!(
            ContextRow,
            $first_columns
                + r#", l.measured_at as "latest_at?", l.latitude as "latitude?", l.longitude as "longitude?",
                  l.pm2_5 as "pm2_5?", l.pm10 as "pm10?", l.exact_time as "exact_time?", l.steady_since as "steady_since?",
                  l.version as "latest_version?", p.frame_counter as "frame_counter?", p.received_at as "received_at?",
                  p.uplink_id as "uplink_id?", p.first_at as "first_at?", p.last_at as "last_at?",
                  p.latitude as "packet_latitude?", p.longitude as "packet_longitude?", p.version as "packet_version?" "#
                + $from,
            $($bind),+
        )
    };
}

/// Looks up devices and keys.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.recorder_context.load", skip_all, fields(count = devices.len()))]
pub async fn load(
    db: &mut PgConnection,
    devices: &[&str],
    keys: &[ApiKeyId],
    now: DateTime<Utc>,
    dialect: Dialect,
) -> Result<BatchContext, DbError> {
    let keys: Vec<_> = keys.iter().map(|key| key.0).collect();
    if dialect.is_citus {
        load_from_citus(db, devices, &keys, now).await
    } else {
        load_at_once(db, devices, &keys, now).await
    }
}

async fn load_at_once(
    db: &mut PgConnection,
    devices: &[&str],
    keys: &[i64],
    now: DateTime<Utc>,
) -> Result<BatchContext, DbError> {
    let rows = context_rows!(
        r#"select keys.valid as "valid?", device.key as "key?", device.device_id as "device_id?""#,
        "from (
             select array(select api_key_id from api_key
                          where api_key_id = any($2) and revoked_at is null and (expires_at is null or expires_at > $3))
         ) as keys (valid)
         left join device on key = any($1)
         left join latest l using (device_id)
         left join packet p using (device_id)",
        devices as &[&str],
        keys,
        now
    );
    let mut rows = rows.fetch_all(db).await?;
    let valid = rows.first_mut().and_then(|first| first.valid.take()).unwrap_or_default();
    let device = |row: ContextRow| known_device(&row).and_then(|device| Some((row.key?, device)));
    Ok(BatchContext {
        valid_keys: valid.into_iter().map(ApiKeyId).collect(),
        devices: rows.into_iter().filter_map(device).collect(),
    })
}

/// Keys and devices are read on the coordinator, the rest only from workers that have these devices: Citus copies a part of a
/// statement about both to all workers, so that one that is lost would stop the recording of all devices.
async fn load_from_citus(
    db: &mut PgConnection,
    devices: &[&str],
    keys: &[i64],
    now: DateTime<Utc>,
) -> Result<BatchContext, DbError> {
    let valid = sqlx::query_scalar!(
        "select api_key_id from api_key
         where api_key_id = any($1) and revoked_at is null and (expires_at is null or expires_at > $2)",
        keys,
        now,
    );
    let valid = valid.fetch_all(&mut *db).await?;
    let devices = device::load_ids_by_keys(&mut *db, devices).await?;
    let ids: Vec<_> = devices.values().map(|id| id.0).collect();
    let rows = context_rows!(
        r#"select null::bigint[] as "valid?", null::text as "key?", device_id as "device_id?""#,
        "from (select * from latest where device_id = any($1)) as l
         full join (select * from packet where device_id = any($1)) as p using (device_id)",
        &ids
    );
    let states = rows.fetch_all(db).await?;
    let states: HashMap<_, _> =
        states.iter().filter_map(known_device).map(|device| (device.device_id, device)).collect();
    let known = |id| states.get(&id).copied().unwrap_or_else(|| KnownDevice::without_rows(id));
    Ok(BatchContext {
        valid_keys: valid.into_iter().map(ApiKeyId).collect(),
        devices: devices.into_iter().map(|(key, id)| (key, known(id))).collect(),
    })
}

fn known_device(row: &ContextRow) -> Option<KnownDevice> {
    let device_id = DeviceId(row.device_id?);
    let history = row.latest_at.zip(row.exact_time).zip(row.steady_since);
    let history = history.map(|((measured_at, exact_time), steady_since)| SampleHistory {
        measured_at,
        exact_time,
        position: position(row.latitude, row.longitude),
        pm2_5: row.pm2_5.map(to_decimal),
        pm10: row.pm10.map(to_decimal),
        steady_since,
    });
    let packet = || {
        Some(Packet {
            device_id,
            frame_counter: row.frame_counter?,
            received_at: row.received_at?,
            uplink_id: row.uplink_id?,
            first_at: row.first_at?,
            last_at: row.last_at?,
            end: position(row.packet_latitude, row.packet_longitude)?,
        })
    };
    Some(KnownDevice {
        device_id,
        latest_at: row.latest_at,
        history,
        packet: packet(),
        latest_version: row.latest_version.map(RowVersion),
        packet_version: row.packet_version.map(RowVersion),
    })
}
