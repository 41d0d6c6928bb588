//! Rows of measurements that a replay of their uplink deletes or takes over; [`row_removal`](super::row_removal)
//! deletes them.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use h3o::CellIndex;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor};
use uuid::Uuid;

use super::{
    DbError,
    device::to_bigints,
    measurement::key_columns,
    row_removal::{lock_shared, tables},
};
use crate::domain::{
    cell::from_bigint, device::DeviceId, measurement::MeasurementKey, quality::QualityFlags,
    validity::has_valid_position,
};

/// Provenance of a stored row.
#[derive(Clone, Copy, Debug)]
pub struct RowProvenance {
    /// The uplink that contained it.
    pub uplink_id: Uuid,
    /// The row's flags.
    pub flags: QualityFlags,
    /// The cell that counts the row.
    pub cell: Option<CellIndex>,
}

/// Advisory lock class that serialises replays of one device among all gateways on one database. The value is
/// arbitrary.
const DEVICE_LOCK_CLASS: i32 = 0x6169_7204;

/// Waits for other transactions that remove rows of these devices, which must be sorted. Requires a transaction.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.replay_rows.lock_devices", skip_all, fields(count = devices.len()))]
pub async fn lock_devices(db: &mut PgConnection, devices: &[DeviceId]) -> Result<(), DbError> {
    lock_shared(&mut *db).await?;
    let devices = to_bigints(devices);
    sqlx::query!(
        "select pg_advisory_xact_lock($1, (id & 2147483647)::int) from unnest($2::bigint[]) as device (id)",
        DEVICE_LOCK_CLASS,
        &devices
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those of these rows that came in an uplink, each with its provenance.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.replay_rows.load_provenance", skip_all, fields(count = keys.len()))]
pub async fn load_provenance(
    db: impl PgExecutor<'_>,
    keys: &[MeasurementKey],
) -> Result<BTreeMap<MeasurementKey, RowProvenance>, DbError> {
    let (devices, times, seqs) = key_columns(keys);
    let rows = sqlx::query!(
        r#"select m.device_id, m.measured_at, m.seq, m.flags, m.cell, m.uplink_id as "uplink_id!"
           from unnest($1::bigint[], $2::timestamptz[], $3::int[]) as wanted (device_id, measured_at, seq)
           join measurement m using (device_id, measured_at, seq)
           where m.uplink_id is not null"#,
        &devices,
        &times,
        &seqs,
    )
    .fetch_all(db)
    .await?;
    let row = rows.into_iter().map(|row| {
        let key = MeasurementKey { device_id: DeviceId(row.device_id), measured_at: row.measured_at, seq: row.seq };
        let flags = QualityFlags::from_bits(row.flags);
        let cell = row.cell.filter(|_| has_valid_position(flags)).and_then(from_bigint);
        (key, RowProvenance { uplink_id: row.uplink_id, flags, cell })
    });
    Ok(row.collect())
}

/// Reassigns these rows, sorted by key, to these uplinks, which contain them too.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.replay_rows.assign_uplink", skip_all, fields(count = rows.len()))]
pub async fn assign_uplink(db: impl PgExecutor<'_>, rows: &BTreeMap<MeasurementKey, Uuid>) -> Result<(), DbError> {
    let (devices, times, seqs) = key_columns(&rows.keys().copied().collect::<Vec<_>>());
    sqlx::query!(
        "update measurement m set uplink_id = new.uplink_id
         from unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::uuid[])
              as new (device_id, measured_at, seq, uplink_id)
         where m.device_id = new.device_id and m.measured_at = new.measured_at and m.seq = new.seq",
        &devices,
        &times,
        &seqs,
        &rows.values().copied().collect::<Vec<_>>(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Number of rows of each uplink at the given devices and times.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.replay_rows.count_by_uplink", skip_all, fields(count = moments.len()))]
pub async fn count_by_uplink(
    db: impl PgExecutor<'_>,
    moments: &[(DeviceId, DateTime<Utc>, Uuid)],
) -> Result<HashMap<Uuid, i64>, DbError> {
    let devices: Vec<_> = moments.iter().map(|moment| moment.0.0).collect();
    let times: Vec<_> = moments.iter().map(|moment| moment.1).collect();
    let uplinks: Vec<_> = moments.iter().map(|moment| moment.2).collect();
    let rows = sqlx::query!(
        r#"select m.uplink_id as "uplink_id!", count(*) as "count!"
           from unnest($1::bigint[], $2::timestamptz[], $3::uuid[]) as sample (device_id, measured_at, uplink_id)
           join measurement m using (device_id, measured_at, uplink_id)
           group by m.uplink_id"#,
        &devices,
        &times,
        &uplinks,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.uplink_id, row.count)).collect())
}

/// Sets `seq` of these rows to 0, which must be free at their devices and times.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.replay_rows.move_to_seq_zero", skip_all, fields(count = keys.len()))]
pub async fn move_to_seq_zero(db: &mut PgConnection, keys: &[MeasurementKey]) -> Result<(), DbError> {
    for table in tables() {
        let (devices, times, seqs) = key_columns(keys);
        // The interpolated table is a constant name; the values are binds.
        let statement = format!(
            "update {table} t set seq = 0
             from unnest($1::bigint[], $2::timestamptz[], $3::int[]) as moved (device_id, measured_at, seq)
             where t.device_id = moved.device_id and t.measured_at = moved.measured_at and t.seq = moved.seq"
        );
        sqlx::query(AssertSqlSafe(statement)).bind(devices).bind(times).bind(seqs).execute(&mut *db).await?;
    }
    Ok(())
}
