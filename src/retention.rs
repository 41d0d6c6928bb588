//! Forgetting, while the gateway serves: at its start and then every few hours.

use std::time::Duration;

use tokio::sync::watch;

use crate::{
    clock::Clock,
    db::{
        DbError,
        connect::Database,
        retention::{Forgotten, forget_uplinks},
    },
    domain::retention::Retention,
};

/// A month ends once a month; so many hours later is soon enough.
const EVERY: Duration = Duration::from_hours(6);
/// When to try again what could not be done.
const AGAIN_AFTER: Duration = Duration::from_mins(10);

/// Forgets the uplinks that are older than what is kept, until it is told to stop.
pub async fn run(database: Database, clock: Clock, uplinks: Retention, mut stop: watch::Receiver<bool>) {
    if uplinks == Retention::Forever {
        return;
    }
    loop {
        let next = match round(&database, &clock, uplinks).await {
            Ok(Forgotten { in_use, .. }) if in_use.is_empty() => EVERY,
            Ok(Forgotten { in_use, .. }) => {
                tracing::info!(months = in_use.len(), "old uplinks are in use; forgetting them later");
                AGAIN_AFTER
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "old uplinks could not be forgotten");
                AGAIN_AFTER
            }
        };
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn round(database: &Database, clock: &Clock, uplinks: Retention) -> Result<Forgotten, DbError> {
    let mut connection = database.writes.acquire().await?;
    forget_uplinks(&mut connection, uplinks, clock.now()).await
}
