//! Removes measurements with everything derived from them, and keeps the hourly rollups correct.
//!
//! A recorder only adds to an hour, in the transaction that stores the rows. A removal could subtract, but the minimum
//! and the maximum can't be restored that way, and sums would drift; so the hour is recomputed from the remaining rows.
//! Under read committed, with concurrent recorders, this order is correct:
//!
//! 1. A removal excludes other removals at the same device ([`lock_devices`](super::replay_rows::lock_devices) for
//!    replays, [`lock_exclusive`] for all devices). So the rows found afterwards stay until they are removed here, and
//!    so do their hours, which are therefore found.
//! 2. The hours are locked, first those of devices, then those of cells, each sorted, in the order of recorders, and
//!    the rows are deleted ([`remove`]).
//! 3. At the end of the transaction, after everything that it stores has been added to the hours, the locked hours are
//!    recomputed ([`finish`]) from all stored rows, including its own.
//!
//! A recorder that added to such an hour before step 2 has committed, since otherwise the lock would not have been
//! granted: the statement of step 3, which starts later, sees and counts its rows. A recorder that comes after step 2
//! waits for the hour, and so can't commit before this transaction does: its rows are not counted here, and its sums
//! are added to the recomputed hour, or create the hour if it was deleted.
//!
//! With prepared transactions, as in Citus, the lock of an hour of cells is free a moment before the rows of its
//! recorder are visible on another server. So after step 2 the removal waits until all transactions that hold the lock
//! of the feed, as recorders do, are committed everywhere, and fails when one stays prepared
//! ([`wait_until_committed`](super::feed::committed::wait_until_committed)).

use h3o::CellIndex;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor};

use super::{
    DbError,
    dialect::Dialect,
    feed::committed::wait_until_committed,
    fence::{few_devices, of_few_devices},
    measurement::key_columns,
    readings,
    rollup::{self, AffectedHours},
};
use crate::domain::{measurement::MeasurementKey, quantity::Group};

/// Advisory lock: held shared by replays, exclusively by removals that may touch any device. The value is arbitrary.
const REMOVAL_LOCK_ID: i64 = 0x6169_7267_0005;

/// Waits for all other removals and blocks them until the end of the transaction.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.row_removal.lock_exclusive", skip_all)]
pub async fn lock_exclusive(db: impl PgExecutor<'_>) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock($1)", REMOVAL_LOCK_ID).execute(db).await?;
    Ok(())
}

/// Waits for removals that may touch any device and blocks them until the end of the transaction.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.row_removal.lock_shared", skip_all)]
pub(super) async fn lock_shared(db: impl PgExecutor<'_>) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock_shared($1)", REMOVAL_LOCK_ID).execute(db).await?;
    Ok(())
}

/// Deletes rows that were read under the lock, each with the cell that counts it, and returns the hours to recompute.
/// The keys must be sorted, so that concurrent writers wait for each other in one order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.row_removal.remove", skip_all, fields(count = rows.len()))]
pub async fn remove(
    db: &mut PgConnection,
    rows: &[(MeasurementKey, Option<CellIndex>)],
) -> Result<AffectedHours, DbError> {
    let touched = AffectedHours::from_keys(rows);
    let dialect = Dialect::detect(&mut *db).await?;
    rollup::lock_hours(&mut *db, &touched, dialect.is_citus).await?;
    wait_until_committed(&mut *db, dialect).await?;
    let keys: Vec<_> = rows.iter().map(|&(key, _)| key).collect();
    let (devices, times, seqs) = key_columns(&keys);
    for table in tables() {
        // The interpolated table is a constant name; the values are binds.
        let statement = format!(
            "delete from {table} m
             using unnest($1::bigint[], $2::timestamptz[], $3::int[]) as stale (device_id, measured_at, seq)
             where m.device_id = stale.device_id and m.measured_at = stale.measured_at and m.seq = stale.seq
               and {of_few_devices}",
            of_few_devices = of_few_devices("$4"),
        );
        let query = sqlx::query(AssertSqlSafe(statement)).bind(&devices).bind(&times).bind(&seqs);
        query.bind(few_devices(&devices)).execute(&mut *db).await?;
    }
    Ok(touched)
}

/// Recomputes the hours from which rows were removed. The transaction must not add to these hours afterwards.
///
/// # Errors
/// When the database fails.
pub async fn finish(db: &mut PgConnection, touched: &AffectedHours) -> Result<(), DbError> {
    rollup::recompute(db, touched).await
}

/// `measurement` and its side tables.
pub(super) fn tables() -> impl Iterator<Item = &'static str> {
    std::iter::once(Group::Air).chain(readings::SIDE_TABLE_GROUPS).map(readings::table)
}
