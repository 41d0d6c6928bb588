//! A covering index of `cell_hour` for past months.
//!
//! Rows are stored in the order of arrival, by the hour. A map selects by place, so in a large archive each row that it
//! reads is in a block of its own. The covering index stores the rows of a place next to each other. During its month a
//! row changes with each sample, by HOT updates, which require that no index holds the changing columns; so the index
//! is created once the month is over.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{DbError, partition, rollup::ROLLUP_COLUMNS};
use crate::domain::period::Period;

/// Advisory lock that serialises building the index among all gateways on one database. The value is arbitrary.
const BUILD_LOCK_ID: i64 = 0x6169_7267_0007;
/// Samples of a month still arrive for a while after it: sensors without a network, cards that are read at the end of a
/// ride.
const MIN_PARTITION_AGE: TimeDelta = TimeDelta::days(2);
/// Builds the index for each past month that has none, and returns these months. Does nothing while another gateway is
/// building. Neither readers nor writers are blocked. It may run long, so it needs a session of its own, which holds
/// the lock.
///
/// # Errors
/// When the database fails. An unfinished index is rebuilt the next time.
#[tracing::instrument(name = "db.covering_index.build_missing", skip_all)]
pub async fn build_missing(db: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<Period>, DbError> {
    let mine = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "mine!""#, BUILD_LOCK_ID);
    if !mine.fetch_one(&mut *db).await? {
        return Ok(Vec::new());
    }
    let mut made = Vec::new();
    for period in partition::periods(&mut *db, "cell_hour").await? {
        let partition = format!("cell_hour_{}", period.suffix());
        let index = format!("{partition}_whole");
        if period.end() + MIN_PARTITION_AGE > now || is_valid(db, &index).await? {
            continue;
        }
        // The interpolated names are constants and a month's digits. Separate statements, as none of them may run in a
        // transaction.
        for statement in [
            format!("drop index concurrently if exists {index}"), // an invalid index of an unfinished build
            format!("create index concurrently {index} on {partition} (cell, hour) include ({ROLLUP_COLUMNS})"),
            format!("vacuum {partition}"), // sets the visibility map, so that index-only scans skip the heap
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *db).await?;
        }
        tracing::info!(period = period.suffix(), "index of a past month created");
        made.push(period);
    }
    Ok(made)
}

/// Whether the index exists and is valid.
async fn is_valid(db: &mut PgConnection, index: &str) -> Result<bool, DbError> {
    let whole = sqlx::query_scalar!(
        r#"select exists (select from pg_index where indexrelid = to_regclass($1) and indisvalid) as "whole!""#,
        index
    );
    Ok(whole.fetch_one(db).await?)
}
