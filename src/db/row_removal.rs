//! Taking measurements back: all that a row left behind goes with it, and what the hours come to stays true.
//!
//! A recorder only ever adds to an hour, in the transaction that stores the rows. Taking rows back could subtract, but the
//! least and the greatest value would not come back, and sums would drift; so the hour is told anew from the rows that are
//! left. Under read committed, with recorders at work, that is right because of the order:
//!
//! 1. Whoever takes rows back keeps others from doing it at the same device ([`replacement::lock`](super::replay_rows::lock)
//!    for replays, [`lock_exclusive`] for everybody). So the rows, which are seen to be there after that, stay until they are
//!    taken back here; and so do their hours, which are therefore found.
//! 2. The hours are locked, those of devices and then those of cells, each sorted, as recorders go about it, and the rows
//!    deleted ([`remove`]).
//! 3. At the end of the transaction, when all that it stores is added to the hours like anything else, the hours that were
//!    locked are told anew ([`settle`]): whatever was added, the rows are there now, its own included.
//!
//! A recorder that added to such an hour before 2 has committed, or the lock would not have been given: the statement of 3,
//! which begins later, sees its rows and counts them. One that comes after 2 waits at the hour, and so can't commit before
//! this transaction does: its rows are not counted, and what it adds comes on top of what is told anew, or begins the hour
//! when nothing was left of it.

use h3o::CellIndex;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor};

use super::{
    DbError,
    measurement::key_columns,
    readings,
    rollup::{self, AffectedHours},
};
use crate::domain::{measurement::MeasurementKey, quantity::Group};

/// Held shared by replays, alone by who takes back rows of any device. Any number will do.
const REMOVAL_LOCK_ID: i64 = 0x6169_7267_0005;

/// Within a transaction: waits for all who take rows back, and has them wait.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.row_removal.lock_exclusive", skip_all)]
pub async fn lock_exclusive(db: impl PgExecutor<'_>) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock($1)", REMOVAL_LOCK_ID).execute(db).await?;
    Ok(())
}

/// Within a transaction: waits for who takes back rows of any device, and has such wait.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.row_removal.lock_shared", skip_all)]
pub(super) async fn lock_shared(db: impl PgExecutor<'_>) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock_shared($1)", REMOVAL_LOCK_ID).execute(db).await?;
    Ok(())
}

/// Deletes rows that were read under the lock, each with the cell that it counts in, and gives the hours that are to be settled. The keys must
/// be sorted, so that two writers wait for each other in one order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.row_removal.remove", skip_all, fields(count = rows.len()))]
pub async fn remove(
    db: &mut PgConnection,
    rows: &[(MeasurementKey, Option<CellIndex>)],
) -> Result<AffectedHours, DbError> {
    let touched = AffectedHours::from_keys(rows);
    rollup::lock_hours(&mut *db, &touched).await?;
    let keys: Vec<_> = rows.iter().map(|&(key, _)| key).collect();
    let (devices, times, seqs) = key_columns(&keys);
    for table in tables() {
        // Safe to put together: the table is a name of ours; the values are binds.
        let statement = format!(
            "delete from {table} t
             using unnest($1::bigint[], $2::timestamptz[], $3::int[]) as stale (device_id, measured_at, seq)
             where t.device_id = stale.device_id and t.measured_at = stale.measured_at and t.seq = stale.seq"
        );
        sqlx::query(AssertSqlSafe(statement)).bind(&devices).bind(&times).bind(&seqs).execute(&mut *db).await?;
    }
    Ok(touched)
}

/// Tells the hours anew of which rows were taken back. Nothing may be added to the hours after that.
///
/// # Errors
/// When the database fails.
pub async fn finish(db: &mut PgConnection, touched: &AffectedHours) -> Result<(), DbError> {
    rollup::recompute(db, touched).await
}

/// `measurement` and what belongs to it.
pub(super) fn tables() -> impl Iterator<Item = &'static str> {
    std::iter::once(Group::Air).chain(readings::SIDE_TABLE_GROUPS).map(readings::table)
}
