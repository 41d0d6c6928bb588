//! Terminates sessions of other gateways that stopped in the middle of a message.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::db::{connect::Database, stalled_session::StalledSessions};

const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Delay after a failure: the database is unavailable, which is reported elsewhere.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Checks every second until shutdown.
pub async fn run(database: Database, shutdown: CancellationToken) {
    let work = async {
        let mut stalled = StalledSessions::default();
        loop {
            let checked = stalled.terminate_stalled(&database.jobs).await;
            sleep(if checked.is_ok() { CHECK_INTERVAL } else { RETRY_DELAY }).await;
        }
    };
    let _: Option<()> = shutdown.run_until_cancelled(work).await;
}
