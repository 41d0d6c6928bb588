//! Retention of uplinks: expired months are dropped as whole partitions, which frees their space immediately, at a cost
//! independent of their size.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{DbError, partition};
use crate::domain::{month::Month, period::Period, retention::RetentionPolicy};

/// Advisory lock that serialises dropping partitions among all gateways on one database. The value is arbitrary.
const DROP_LOCK_ID: i64 = 0x6169_7267_0003;
/// How long the drop waits for statements that use the table. All later statements queue behind it.
const LOCK_TIMEOUT: &str = "200ms";

/// Outcome for the expired months.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DroppedPartitions {
    /// Dropped months.
    pub dropped: Vec<Month>,
    /// Months that a statement was using; the next round tries again.
    pub in_use: Vec<Month>,
}

/// Drops the expired months of uplinks. Does nothing while another gateway does it.
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
                tracing::info!(month = month.suffix(), "uplink partition dropped");
                forgotten.dropped.push(month);
            }
            Ok(false) => {}
            Err(DbError::Locked(_)) => forgotten.in_use.push(month),
            Err(error) => return Err(error),
        }
    }
    Ok(forgotten)
}

/// Drops the partition of a month. False when another gateway drops partitions, or has dropped it already.
async fn drop_partition(db: &mut PgConnection, month: Month) -> Result<bool, DbError> {
    let mut transaction = db.begin().await?;
    let mine = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "mine!""#, DROP_LOCK_ID);
    let partition = format!("uplink_{}", month.suffix());
    if !mine.fetch_one(&mut *transaction).await? || !partition::exists(&mut *transaction, &partition).await? {
        return Ok(false);
    }
    // The interpolated names are constants and a month's digits.
    let drop = format!(
        "set local lock_timeout = '{LOCK_TIMEOUT}';
         drop table {partition}"
    );
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(true)
}
