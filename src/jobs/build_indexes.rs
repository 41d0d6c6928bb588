//! Indexes of months that are over, made while the gateway serves: at its start and then every now and then.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::{
    clock::Clock,
    db::{DbError, connect::Database, covering_index},
    shutdown::ShutdownSignal,
};

/// A month ends once a month; so many hours later is soon enough.
const BUILD_INTERVAL: Duration = Duration::from_hours(6);

/// Makes what is missing, until the gateway ends. What is being made then is given up, and made the next time.
pub async fn run(database: Database, clock: Clock, shutdown: ShutdownSignal) {
    let work = async {
        loop {
            if let Err(error) = build_missing_indexes(&database, clock.now()).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an index of a month that is over could not be made"
                );
            }
            tokio::time::sleep(BUILD_INTERVAL).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = shutdown.triggered() => {}
    }
}

async fn build_missing_indexes(database: &Database, now: DateTime<Utc>) -> Result<(), DbError> {
    // It takes its time: neither a bound of statements that its role may have nor a line in the log is for this.
    let options = database.direct.clone().options([("statement_timeout", "0")]);
    let mut connection = options.log_slow_statements(log::LevelFilter::Off, Duration::ZERO).connect().await?;
    covering_index::build_missing(&mut connection, now).await?;
    connection.close().await?;
    Ok(())
}
