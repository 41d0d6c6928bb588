//! Ends sessions whose gateway stopped in the middle of a message.
//!
//! Postgres ends a transaction that waits for its gateway between two statements
//! (`idle_in_transaction_session_timeout`), but no timeout of Postgres applies while it waits for the rest of a `COPY`,
//! or for a result to be read. Such a session keeps its locks for as long as its gateway is frozen, so the other
//! gateways end it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::DbError;

/// How long a session may wait for its gateway in the middle of a message.
const STALL_TIMEOUT: Duration = Duration::from_secs(2);

/// A statement that waits for its gateway, and the progress of its `COPY`.
type StalledKey = (i32, DateTime<Utc>, i64);

/// Finds stalled sessions by repeated checks.
#[derive(Debug, Default)]
pub struct StalledSessions {
    /// When each was first seen waiting.
    since: HashMap<StalledKey, Instant>,
}

impl StalledSessions {
    /// Checks once, and ends the sessions without progress for [`STALL_TIMEOUT`]. Returns their number. Affects only
    /// sessions of this role on this database that hold locks.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "db.stalled_session.terminate_stalled", skip_all)]
    pub async fn terminate_stalled(&mut self, pool: &PgPool) -> Result<usize, DbError> {
        let waiting: Vec<StalledKey> = sqlx::query_as(
            "select activity.pid, activity.query_start, coalesce(copy.bytes_processed, 0)
             from pg_stat_activity activity
             left join pg_stat_progress_copy copy using (pid)
             where activity.datname = current_database() and activity.usename = current_user
               and activity.application_name like 'airgraph%' and activity.state = 'active'
               and activity.wait_event_type = 'Client' and activity.query_start is not null
               and (activity.backend_xid is not null
                    or activity.pid in (select pid from pg_locks where locktype = 'advisory' and granted))",
        )
        .fetch_all(pool)
        .await?;
        let now = Instant::now();
        self.since = waiting.into_iter().map(|key| (key, *self.since.get(&key).unwrap_or(&now))).collect();
        let mut ended = 0;
        for (&(pid, query_start, _), &since) in &self.since {
            if now - since < STALL_TIMEOUT {
                continue;
            }
            // Not if the session has progressed since, or the process id belongs to another process by now.
            let is_ended: Option<bool> = sqlx::query_scalar(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where pid = $1 and query_start = $2 and state = 'active' and wait_event_type = 'Client'",
            )
            .bind(pid)
            .bind(query_start)
            .fetch_optional(pool)
            .await?;
            if is_ended == Some(true) {
                ended += 1;
                tracing::warn!(pid, %query_start, "stalled session ended");
            }
        }
        Ok(ended)
    }
}
