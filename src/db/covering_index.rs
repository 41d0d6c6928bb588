//! An index of `cell_hour` that holds all that its rows do, of months that are over.
//!
//! Rows lie as they came, by the hour; a map asks by the place, so in a large archive each row that it reads is in a block of
//! its own. This index has those of a place side by side. While a month goes on its rows change with each sample, in place
//! only because no index holds what changes; so it is made once the month is over.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{DbError, partition, rollup::ROLLUP_COLUMNS};
use crate::domain::period::Period;

/// Serialises the making among all gateways on one database. Any number will do.
const BUILD_LOCK_ID: i64 = 0x6169_7267_0007;
/// Samples of a month come for a while after it: sensors without a network, cards that are read at the end of a ride.
const MIN_PARTITION_AGE: TimeDelta = TimeDelta::days(2);
/// Makes it for each month that is over and has none, and tells for which. Nothing when another gateway is doing it. Nobody who
/// reads or records waits; it takes as long as it takes, so it needs a connection to itself, with which its lock ends.
///
/// # Errors
/// When the database fails. What was begun then is done anew the next time.
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
        // Safe to put together: the names are ours and a month's digits. One by one, as none of them may be in a transaction.
        for statement in [
            format!("drop index concurrently if exists {index}"), // one that was not made to its end
            format!("create index concurrently {index} on {partition} (cell, hour) include ({ROLLUP_COLUMNS})"),
            format!("vacuum {partition}"), // so that the rows themselves need not be looked at
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *db).await?;
        }
        tracing::info!(period = period.suffix(), "index of a past month created");
        made.push(period);
    }
    Ok(made)
}

/// Whether it was made, and to its end.
async fn is_valid(db: &mut PgConnection, index: &str) -> Result<bool, DbError> {
    let whole = sqlx::query_scalar!(
        r#"select exists (select from pg_index where indexrelid = to_regclass($1) and indisvalid) as "whole!""#,
        index
    );
    Ok(whole.fetch_one(db).await?)
}
