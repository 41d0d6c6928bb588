//! What an archive of measurements needs to know of a month: its devices, and a fingerprint of its rows.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, QueryBuilder};

use super::{
    DbError,
    readings::{SIDE_TABLE_GROUPS, table},
};
use crate::domain::device::DeviceId;

/// Number and content of the rows of a time span. Equal for equal rows in the same database, in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowFingerprint {
    /// Number of measurements.
    pub rows: i64,
    /// Exclusive or of the hashes of all rows.
    pub hash: i64,
}

/// The times of the first and the last measurement; `None` without measurements.
///
/// # Errors
/// When the database fails.
pub async fn find_time_span(db: impl PgExecutor<'_>) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, DbError> {
    let (first, last): (Option<_>, Option<_>) =
        sqlx::query_as("select min(measured_at), max(measured_at) from measurement").fetch_one(db).await?;
    Ok(first.zip(last))
}

/// The devices with measurements in a span of whole hours, by their row number.
///
/// # Errors
/// When the database fails.
pub async fn list_devices(
    db: impl PgExecutor<'_>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<DeviceId>, DbError> {
    let ids = sqlx::query_scalar::<_, i64>(
        "select distinct device_id from device_hour where hour >= $1 and hour < $2 order by device_id",
    );
    Ok(ids.bind(from).bind(to).fetch_all(db).await?.into_iter().map(DeviceId).collect())
}

/// The fingerprint of the measurements in a span and their readings in other tables. Reads all of them.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.archive.fingerprint", skip_all)]
pub async fn fingerprint(
    db: impl PgExecutor<'_>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<RowFingerprint, DbError> {
    // Without the uplink: a replay may assign rows to another one and leave their values unchanged.
    let tables = SIDE_TABLE_GROUPS.map(table);
    let hashes = tables.map(|table| format!(" # {table}.hash")).concat();
    let mut query = QueryBuilder::new(format!(
        "select measurement.rows, measurement.hash{hashes} from (
             select count(*) as rows, coalesce(bit_xor(hash_record_extended(row(
                 device_id, measured_at, seq, recorded_at, latitude, longitude, flags, time_uncertainty_s, pm1, pm2_5, pm4, pm10
             ), 0)), 0) as hash from measurement where measured_at >= "
    ));
    query.push_bind(from).push(" and measured_at < ").push_bind(to).push(") as measurement");
    for (table, seed) in tables.into_iter().zip(1..) {
        query.push(format!(
            " cross join (select coalesce(bit_xor(hash_record_extended(r, {seed})), 0) as hash from {table} r
              where r.measured_at >= "
        ));
        query.push_bind(from).push(" and r.measured_at < ").push_bind(to).push(format!(") as {table}"));
    }
    let (rows, hash) = query.build_query_as().persistent(false).fetch_one(db).await?;
    Ok(RowFingerprint { rows, hash })
}
