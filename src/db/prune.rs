//! Removes the measurements of a month that is in an archive, and restores them.
//!
//! 1. [`freeze`] adds the month to `pruned_month`, and a trigger to its partition of `measurement`. From then on no
//!    transaction adds or removes a measurement of the month, whichever gateway or version it comes from.
//! 2. The caller compares the archive with the database.
//! 3. [`remove`] removes all measurements but the newest of each device. Rollups stay: an hour can't be recomputed, since
//!    nothing is removed from it afterwards.
//!
//! [`restore`] inserts the measurements of a month again without adding them to the rollups. When all are stored, the month is
//! deleted from `pruned_month`, and the trigger allows changes.

use std::{collections::HashSet, fmt::Write as _, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgExecutor};

use super::{
    DbError,
    connect::{Database, set_timeouts},
    dialect::Dialect,
    measurement::{self, NewMeasurement},
    partition, readings,
    row_removal::{lock_exclusive, tables},
};
use crate::domain::{measurement::MeasurementKey, month::Month, period::Period};

/// Advisory lock of the process that removes months. The value is arbitrary.
const PRUNE_LOCK_ID: i64 = 0x6169_7267_0010;
/// How long a statement waits for a lock. All later statements on the partition queue behind it.
const LOCK_TIMEOUT: Duration = Duration::from_millis(200);
/// Time limit of each statement that runs while readers of the month wait.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(1);
/// Allows this transaction to change a pruned month (trigger `protect_pruned_month`).
const ALLOW_CHANGES: &str = "set local airgraph.changes_pruned_month = 'on'";

/// Lock of the process that removes months. Held until it is dropped, by a connection of its own: a pooler may serve each
/// transaction with another one.
pub struct PruneLock(#[expect(dead_code, reason = "holds the lock")] PgConnection);

impl PruneLock {
    /// Takes the lock; `None` while another process has it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn acquire(database: &Database) -> Result<Option<Self>, DbError> {
        let mut connection = PgConnection::connect_with(&database.direct).await?;
        let is_locked = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "is_locked!""#, PRUNE_LOCK_ID);
        Ok(is_locked.fetch_one(&mut connection).await?.then_some(Self(connection)))
    }
}

/// Number and content of the rollups of a month: changes whenever measurements are added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollupFingerprint {
    hours: i64,
    hash: i64,
}

/// The fingerprint of the rollups of a month.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.prune.rollup_fingerprint", skip_all)]
pub async fn rollup_fingerprint(db: impl PgExecutor<'_>, month: Month) -> Result<RollupFingerprint, DbError> {
    let statement = "select count(*), coalesce(bit_xor(hash_record_extended(h, 0)), 0)
                     from device_hour h where hour >= $1 and hour < $2";
    let query = sqlx::query_as(statement).bind(month.start()).bind(month.next().start());
    let (hours, hash) = query.fetch_one(db).await?;
    Ok(RollupFingerprint { hours, hash })
}

/// Adds a month to `pruned_month` and protects its measurements from changes. False without a partition.
///
/// # Errors
/// When the database fails; [`DbError::Locked`] while a transaction writes to the partition.
#[tracing::instrument(name = "db.prune.freeze", skip_all)]
pub async fn freeze(db: &mut PgConnection, month: Month, measurements: i64, sha256: &str) -> Result<bool, DbError> {
    let mut transaction = db.begin().await?;
    set_timeouts(&mut transaction, LOCK_TIMEOUT, STATEMENT_TIMEOUT).await?;
    let Some(period) = find_period(&mut transaction, month).await? else { return Ok(false) };
    sqlx::query!(
        "insert into pruned_month (month, measurements, sha256) values ($1, $2, $3)",
        month.first_day(),
        measurements,
        sha256
    )
    .execute(&mut *transaction)
    .await?;
    // Waits for the transactions that write to the partition. Readers don't wait. The interpolated name is a constant and the
    // period's digits.
    let statement = format!(
        "create or replace trigger protect_pruned_month before insert or update or delete on measurement_{}
         for each row execute function protect_pruned_month()",
        period.suffix()
    );
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Removes the measurements of a frozen month but the newest of each device, unless the rollups have changed or the month is
/// no longer frozen. Returns whether they were removed.
///
/// # Errors
/// When the database fails; [`DbError::Locked`] while statements read the partition.
#[tracing::instrument(name = "db.prune.remove", skip_all)]
pub async fn remove(
    db: &mut PgConnection,
    month: Month,
    rollups: RollupFingerprint,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let mut transaction = db.begin().await?;
    set_timeouts(&mut transaction, LOCK_TIMEOUT, STATEMENT_TIMEOUT).await?;
    lock_exclusive(&mut *transaction).await?; // no measurement is deleted from here on
    let frozen = sqlx::query!(
        "update pruned_month set pruned_at = $2 where month = $1 and pruned_at is null",
        month.first_day(),
        now
    );
    if frozen.execute(&mut *transaction).await?.rows_affected() == 0
        || rollup_fingerprint(&mut *transaction, month).await? != rollups
    {
        return Ok(false);
    }
    let Some(period) = find_period(&mut transaction, month).await? else { return Ok(false) };
    keep_newest(&mut transaction, month).await?;
    // All interpolated text is constant names, digits of the period, and times.
    let statements = match period {
        Period::Month(_) => {
            let partitions: Vec<_> = tables().map(|table| format!("{table}_{}", period.suffix())).collect();
            let mut existing = Vec::new();
            for partition in partitions {
                if partition::exists(&mut *transaction, &partition).await? {
                    existing.push(partition);
                }
            }
            format!("truncate {}", existing.join(", "))
        }
        // It has other months, and few rows.
        Period::Year(_) => {
            let (from, to) = (month.start(), month.next().start());
            let delete = |table| format!("delete from {table} where measured_at >= '{from}' and measured_at < '{to}'");
            tables().map(delete).collect::<Vec<_>>().join("; ")
        }
    };
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut *transaction).await?;
    for table in tables() {
        let statement = format!("insert into {table} select * from kept_{table}");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    tracing::info!(month = month.suffix(), "measurements removed");
    Ok(true)
}

/// Copies the newest measurement of each device in the month to temporary tables.
async fn keep_newest(db: &mut PgConnection, month: Month) -> Result<(), DbError> {
    let (from, to) = (month.start(), month.next().start());
    // All interpolated text is constant names and times.
    let mut statement = format!(
        "{ALLOW_CHANGES};
         create temporary table kept_key on commit drop as
         select newest.device_id, newest.measured_at, newest.seq
         from (select distinct device_id from device_hour where hour >= '{from}' and hour < '{to}') as device
         cross join lateral (
             select m.device_id, m.measured_at, m.seq from measurement m
             where m.device_id = device.device_id and m.measured_at >= '{from}' and m.measured_at < '{to}'
             order by m.measured_at desc, m.seq desc limit 1
         ) as newest;"
    );
    for table in tables() {
        // Writing to a String can't fail.
        let _ = write!(
            statement,
            "create temporary table kept_{table} on commit drop as
             select t.* from {table} t join kept_key k
                 on (t.device_id, t.measured_at, t.seq) = (k.device_id, k.measured_at, k.seq)
             where t.measured_at >= '{from}' and t.measured_at < '{to}';"
        );
    }
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(db).await?;
    Ok(())
}

/// A measurement of an archive, and when it was first recorded.
#[derive(Clone, Copy, Debug)]
pub struct ArchivedMeasurement<'a> {
    /// The row.
    pub row: NewMeasurement<'a>,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// Inserts those of these measurements of a pruned month that are not stored, sorted by key. The rollups have them already.
/// Returns the number of inserted rows.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.prune.restore", skip_all, fields(count = rows.len()))]
pub async fn restore(db: &mut PgConnection, rows: &[ArchivedMeasurement<'_>]) -> Result<usize, DbError> {
    let mut transaction = db.begin().await?;
    sqlx::raw_sql(ALLOW_CHANGES).execute(&mut *transaction).await?;
    let inserts = rows.iter().map(|archived| measurement::to_insert(&archived.row, archived.recorded_at)).collect();
    let inserted: HashSet<MeasurementKey> = measurement::insert_free(&mut *transaction, inserts).await?;
    let new: Vec<_> = rows.iter().map(|archived| archived.row).filter(|row| inserted.contains(&row.key)).collect();
    readings::insert(&mut transaction, &new, Dialect::default()).await?;
    transaction.commit().await?;
    Ok(new.len())
}

/// Refreshes the planner's statistics of the tables of measurements of a month.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.prune.analyze", skip_all)]
pub async fn analyze(db: &mut PgConnection, month: Month) -> Result<(), DbError> {
    let Some(period) = find_period(&mut *db, month).await? else { return Ok(()) };
    for table in tables() {
        let partition = format!("{table}_{}", period.suffix());
        if partition::exists(&mut *db, &partition).await? {
            // The interpolated name is a constant and the period's digits.
            sqlx::raw_sql(AssertSqlSafe(format!("analyze {partition}"))).execute(&mut *db).await?;
        }
    }
    Ok(())
}

/// The period of the partition that contains a month.
async fn find_period(db: &mut PgConnection, month: Month) -> Result<Option<Period>, DbError> {
    Ok(partition::periods(db, "measurement").await?.into_iter().find(|period| period.contains(month)))
}
