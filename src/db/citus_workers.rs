//! The workers of a Citus cluster: which are reachable, and how much they store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{PgExecutor, PgPool};

use super::{DbError, batcher::with_timeout, kept_connections::KeptConnections};

/// A worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerStatus {
    /// Its `host:port`.
    pub address: String,
    /// Size of the database there; `None` when it is not reachable.
    pub database_bytes: Option<i64>,
}

/// The workers as they were seen last; none without Citus.
#[derive(Clone, Debug, Default)]
pub struct CitusWorkers(Arc<Mutex<Vec<WorkerStatus>>>);

impl CitusWorkers {
    /// The workers as they were seen last.
    #[must_use]
    pub fn snapshot(&self) -> Vec<WorkerStatus> {
        self.lock().clone()
    }

    /// Queries all workers. When that fails, as without the coordinator, none are known.
    ///
    /// # Errors
    /// When the database fails, or doesn't answer in time.
    pub async fn refresh(&self, pool: &PgPool) -> Result<(), DbError> {
        let workers = with_timeout(&KeptConnections::none(pool), async |connection| list(connection).await).await;
        let (workers, outcome) = workers.map_or_else(|error| (Vec::new(), Err(error)), |workers| (workers, Ok(())));
        self.replace(workers);
        outcome
    }

    /// Replaces all workers.
    pub fn replace(&self, workers: Vec<WorkerStatus>) {
        *self.lock() = workers;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<WorkerStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a panic leaves the list intact
    }
}

#[tracing::instrument(name = "db.citus_workers.list", skip_all)]
async fn list(db: impl PgExecutor<'_>) -> Result<Vec<WorkerStatus>, DbError> {
    // Not a checked query: the function exists in Citus only.
    let rows: Vec<(String, Option<i64>)> = sqlx::query_as(
        "select nodename || ':' || nodeport, case when success then result::bigint end
         from run_command_on_workers('select pg_database_size(current_database())') order by 1",
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(address, database_bytes)| WorkerStatus { address, database_bytes }).collect())
}

/// The workers that the coordinator can't connect to, as `host:port`.
///
/// # Errors
/// When the database fails, or is no Citus coordinator.
pub async fn list_unreachable(db: impl PgExecutor<'_>) -> Result<Vec<String>, DbError> {
    // Not a checked query: the function exists in Citus only.
    let workers = sqlx::query_scalar(
        "select nodename || ':' || nodeport from pg_dist_node
         where groupid > 0 and isactive and not citus_check_connection_to_node(nodename, nodeport)",
    );
    Ok(workers.fetch_all(db).await?)
}
