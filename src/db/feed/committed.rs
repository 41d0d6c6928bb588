//! Transactions that are committed in parts: prepared transactions, as Citus uses for more than one server.
//!
//! The row of the feed is visible first, then the rows of the other servers, and only then is the lock of
//! `next_feed_number()` released (migration 0018). Where a server fails in between, its transaction stays prepared until
//! it is recovered, which Citus tries every minute.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgExecutor};
use tokio::time::{Instant, sleep};

use super::{DbError, FeedEntry};
use crate::{
    db::{dialect::Dialect, measurement},
    domain::measurement::{Measurement, MeasurementKey},
};

/// How long a removal waits for transactions that stay prepared. It holds locks meanwhile.
const MAX_REMOVAL_WAIT: Duration = Duration::from_millis(500);
/// Delay before prepared transactions are looked up again.
const RETRY_DELAY: Duration = Duration::from_millis(20);
/// A transaction is prepared within this time of its row in the feed, by the clock of another server.
const PREPARE_TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// A span of times of commits, both ends inclusive.
pub type TimeSpan = (DateTime<Utc>, DateTime<Utc>);

/// Reads the measurements of batches of the feed. A measurement that is missing was deleted, unless its transaction is
/// still prepared.
#[derive(Debug, Default)]
pub struct CommittedReader {
    /// The transactions that were prepared when rows were missing first, as far as they still are.
    prepared: Option<HashSet<String>>,
}

impl CommittedReader {
    /// The measurements with these keys, of batches from this span; `None` while some may still become visible. Call it
    /// with the same keys until it returns them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load<C>(
        &mut self,
        db: &mut C,
        keys: &[MeasurementKey],
        committed: TimeSpan,
    ) -> Result<Option<HashMap<MeasurementKey, Measurement>>, DbError>
    where
        C: Send + ?Sized,
        for<'c> &'c mut C: PgExecutor<'c>,
    {
        let found = measurement::load_by_keys(&mut *db, keys).await?;
        if keys.iter().all(|key| found.contains_key(key)) {
            return Ok(Some(found));
        }
        let dialect = Dialect::detect(&mut *db).await?;
        let span = (committed.0 - PREPARE_TOLERANCE, committed.1 + PREPARE_TOLERANCE);
        let now_prepared = prepared_transactions(&mut *db, dialect, Some(span)).await?;
        let prepared = match self.prepared.take() {
            Some(before) => before.intersection(&now_prepared).cloned().collect(),
            None => now_prepared,
        };
        if !prepared.is_empty() {
            self.prepared = Some(prepared);
            return Ok(None);
        }
        if !dialect.has_prepared_transactions {
            return Ok(Some(found));
        }
        // Read again: the last of them may have been committed between the two statements.
        Ok(Some(measurement::load_by_keys(db, keys).await?))
    }
}

/// The span in which these batches, which are in order, were committed.
#[must_use]
pub fn commit_span(entries: &[FeedEntry]) -> TimeSpan {
    let times = || entries.iter().map(|entry| entry.committed_at);
    (times().min().unwrap_or_default(), times().max().unwrap_or_default())
}

/// Waits until each transaction that holds or held the lock of the feed is visible everywhere. The caller holds locks
/// that keep further ones from touching its rows.
///
/// # Errors
/// When the database fails; [`DbError::Locked`] when a transaction stays prepared.
pub(in crate::db) async fn wait_until_committed(db: &mut PgConnection, dialect: Dialect) -> Result<(), DbError> {
    if !dialect.has_prepared_transactions {
        return Ok(());
    }
    sqlx::query!("select wait_for_feed_commits()").execute(&mut *db).await?;
    let mut prepared = prepared_transactions(&mut *db, dialect, None).await?;
    let deadline = Instant::now() + MAX_REMOVAL_WAIT;
    while !prepared.is_empty() {
        if Instant::now() >= deadline {
            let reason = "a prepared transaction is not committed; see pg_prepared_xacts";
            tracing::warn!(?prepared, "{reason}");
            return Err(DbError::Locked(sqlx::Error::Protocol(reason.to_owned())));
        }
        sleep(RETRY_DELAY).await;
        let now_prepared = prepared_transactions(&mut *db, dialect, None).await?;
        prepared.retain(|transaction| now_prepared.contains(transaction));
    }
    Ok(())
}

/// The names of the transactions of this database that were prepared in a span, or at any time, in Citus on all of its
/// servers.
async fn prepared_transactions(
    db: impl PgExecutor<'_>,
    dialect: Dialect,
    span: Option<TimeSpan>,
) -> Result<HashSet<String>, DbError> {
    if !dialect.has_prepared_transactions {
        return Ok(HashSet::new());
    }
    // Not a checked query: the function exists in Citus only. A server that doesn't answer counts as one transaction.
    let names: Vec<String> = sqlx::query_scalar(if dialect.is_citus {
        "select format('%s %s', nodeid, name)
         from run_command_on_all_nodes(format(
                  'select string_agg(gid, '' '') from pg_prepared_xacts
                   where database = current_database() and prepared between %L and %L',
                  coalesce($1, '-infinity'), coalesce($2, 'infinity'))),
              string_to_table(result, ' ') as name
         where name <> ''"
    } else {
        "select gid from pg_prepared_xacts where database = current_database() and prepared >= coalesce($1, '-infinity')
           and prepared <= coalesce($2, 'infinity')"
    })
    .bind(span.map(|(from, _)| from))
    .bind(span.map(|(_, to)| to))
    .fetch_all(db)
    .await?;
    Ok(names.into_iter().collect())
}
