//! Creates indexes of past months: at the start and then at intervals.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    db::{DbError, connect::Database, covering_index},
};

/// A month ends once a month, so a delay of hours is acceptable.
const BUILD_INTERVAL: Duration = Duration::from_hours(6);

/// Creates missing indexes until shutdown. An index in progress is dropped at shutdown, and created the next time.
pub async fn run(database: Database, clock: Clock, shutdown: CancellationToken) {
    let work = async {
        loop {
            if let Err(error) = build_missing_indexes(&database, clock.now()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "index of a past month not created");
            }
            tokio::time::sleep(BUILD_INTERVAL).await;
        }
    };
    let _: Option<()> = shutdown.run_until_cancelled(work).await;
}

async fn build_missing_indexes(database: &Database, now: DateTime<Utc>) -> Result<(), DbError> {
    // Creating an index is slow: neither the statement timeout of the role nor the log of slow statements applies.
    let options = database.direct.clone().options([("statement_timeout", "0")]);
    let mut connection = options.log_slow_statements(log::LevelFilter::Off, Duration::ZERO).connect().await?;
    covering_index::build_missing(&mut connection, now).await?;
    connection.close().await?;
    Ok(())
}
