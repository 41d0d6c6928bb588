//! Queries the workers of a Citus cluster at intervals, for the metrics.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::db::{citus_workers::CitusWorkers, connect::Database};

/// The usual interval at which Prometheus reads metrics.
const CHECK_INTERVAL: Duration = Duration::from_secs(15);

/// Refreshes the workers until shutdown; ends at once without Citus.
pub async fn run(database: Database, workers: CitusWorkers, shutdown: CancellationToken) {
    if !database.dialect.is_citus {
        return;
    }
    let work = async {
        loop {
            // A failure is that of the coordinator, which every request reports.
            let _ = workers.refresh(&database.jobs).await;
            tokio::time::sleep(CHECK_INTERVAL).await;
        }
    };
    let _: Option<()> = shutdown.run_until_cancelled(work).await;
}
