//! Forgetting uplinks: months that are older than what is kept are dropped as whole partitions, which frees their space
//! at once and costs the same however full they are.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{DbError, partition};
use crate::domain::{month::Month, period::Period, retention::RetentionPolicy};

/// Serialises the dropping among all gateways on one database. Any number will do.
const DROP_LOCK_ID: i64 = 0x6169_7267_0003;
/// How long dropping may wait for those who use the table: all who come later wait behind it.
const LOCK_TIMEOUT: &str = "200ms";

/// What became of the months whose time is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DroppedPartitions {
    /// Those that were dropped.
    pub dropped: Vec<Month>,
    /// Those that somebody was using; the next round tries again.
    pub in_use: Vec<Month>,
}

/// Drops the months of uplinks whose time is over. Nothing when another gateway is doing it.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.retention.drop_old_partitions", skip_all)]
pub async fn drop_old_partitions(
    db: &mut PgConnection,
    retention: RetentionPolicy,
    now: DateTime<Utc>,
) -> Result<DroppedPartitions, DbError> {
    let mut forgotten = DroppedPartitions::default();
    for period in partition::periods(&mut *db, "uplink").await? {
        let Period::Month(month) = period else { continue };
        if !retention.is_over(month, now) {
            continue;
        }
        match drop_partition(db, month).await {
            Ok(true) => {
                tracing::info!(month = month.suffix(), "uplinks forgotten");
                forgotten.dropped.push(month);
            }
            Ok(false) => {}
            Err(DbError::Locked(_)) => forgotten.in_use.push(month),
            Err(error) => return Err(error),
        }
    }
    Ok(forgotten)
}

/// Drops the partition of a month; false when another gateway is dropping some, or was faster.
async fn drop_partition(db: &mut PgConnection, month: Month) -> Result<bool, DbError> {
    let mut transaction = db.begin().await?;
    let mine = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "mine!""#, DROP_LOCK_ID);
    let partition = format!("uplink_{}", month.suffix());
    if !mine.fetch_one(&mut *transaction).await? || !partition::exists(&mut *transaction, &partition).await? {
        return Ok(false);
    }
    // Safe to put together: the names are ours and a month's digits.
    let drop = format!(
        "set local lock_timeout = '{LOCK_TIMEOUT}';
         drop table {partition}"
    );
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(true)
}
