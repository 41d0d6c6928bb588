//! Forgetting, while the gateway serves: at its start and then every now and then.

use std::time::Duration;

use chrono::TimeDelta;

use crate::{
    clock::Clock,
    db::{
        DbError,
        connect::Database,
        feed,
        retention::{Forgotten, forget_uplinks},
    },
    domain::retention::Retention,
    shutdown::Shutdown,
};

/// A month ends once a month; so many hours later is soon enough.
const EVERY: Duration = Duration::from_hours(6);
/// When to try again what could not be done.
const AGAIN_AFTER: Duration = Duration::from_mins(10);
/// The feed grows all the time, and is cut a little at a time.
const FEED_EVERY: Duration = Duration::from_mins(5);

/// What is kept for how long.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// What arrived, as it came.
    pub uplinks: Retention,
    /// What those who follow the feed may have missed.
    pub feed: TimeDelta,
}

/// Forgets what is older than what is kept, until the gateway ends.
pub async fn run(database: Database, clock: Clock, kept: Kept, shutdown: Shutdown) {
    tokio::join!(cut_feed(&database, &clock, kept.feed, &shutdown), forget(&database, &clock, kept.uplinks, &shutdown));
}

async fn cut_feed(database: &Database, clock: &Clock, kept: TimeDelta, shutdown: &Shutdown) {
    loop {
        if let Err(error) = feed::forget_before(&database.jobs, clock.now() - kept).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old changes could not be forgotten");
        }
        tokio::select! {
            () = tokio::time::sleep(FEED_EVERY) => {}
            () = shutdown.begun() => return,
        }
    }
}

/// Forgets the uplinks that are older than what is kept.
async fn forget(database: &Database, clock: &Clock, uplinks: Retention, shutdown: &Shutdown) {
    if uplinks == Retention::Forever {
        return;
    }
    loop {
        let next = match round(database, clock, uplinks).await {
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
            () = shutdown.begun() => return,
        }
    }
}

async fn round(database: &Database, clock: &Clock, uplinks: Retention) -> Result<Forgotten, DbError> {
    let mut connection = database.jobs.acquire().await?;
    forget_uplinks(&mut connection, uplinks, clock.now()).await
}
