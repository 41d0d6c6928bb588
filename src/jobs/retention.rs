//! Forgetting, while the gateway serves: at its start and then every now and then.

use std::time::Duration;

use chrono::TimeDelta;

use crate::{
    clock::Clock,
    db::{
        DbError,
        connect::Database,
        feed,
        retention::{DroppedPartitions, drop_old_partitions},
    },
    domain::retention::RetentionPolicy,
    shutdown::ShutdownSignal,
};

/// A month ends once a month; so many hours later is soon enough.
const UPLINK_CHECK_INTERVAL: Duration = Duration::from_hours(6);
/// When to try again what could not be done.
const UPLINK_RETRY_DELAY: Duration = Duration::from_mins(10);
/// The feed grows all the time, and is cut a little at a time.
const FEED_TRIM_INTERVAL: Duration = Duration::from_mins(5);

/// What is kept for how long.
#[derive(Clone, Copy, Debug)]
pub struct RetentionPolicies {
    /// What arrived, as it came.
    pub uplinks: RetentionPolicy,
    /// What those who follow the feed may have missed.
    pub feed: TimeDelta,
}

/// Forgets what is older than what is kept, until the gateway ends.
pub async fn run(database: Database, clock: Clock, policies: RetentionPolicies, shutdown: ShutdownSignal) {
    tokio::join!(
        trim_feed(&database, &clock, policies.feed, &shutdown),
        drop_old_uplinks(&database, &clock, policies.uplinks, &shutdown)
    );
}

async fn trim_feed(database: &Database, clock: &Clock, kept: TimeDelta, shutdown: &ShutdownSignal) {
    loop {
        if let Err(error) = feed::trim_before(&database.jobs, clock.now() - kept).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old changes could not be forgotten");
        }
        tokio::select! {
            () = tokio::time::sleep(FEED_TRIM_INTERVAL) => {}
            () = shutdown.triggered() => return,
        }
    }
}

/// Forgets the uplinks that are older than what is kept.
async fn drop_old_uplinks(database: &Database, clock: &Clock, uplinks: RetentionPolicy, shutdown: &ShutdownSignal) {
    if uplinks == RetentionPolicy::Forever {
        return;
    }
    loop {
        let next = match drop_expired_uplinks(database, clock, uplinks).await {
            Ok(DroppedPartitions { in_use, .. }) if in_use.is_empty() => UPLINK_CHECK_INTERVAL,
            Ok(DroppedPartitions { in_use, .. }) => {
                tracing::info!(months = in_use.len(), "old uplinks are in use; forgetting them later");
                UPLINK_RETRY_DELAY
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "old uplinks could not be forgotten");
                UPLINK_RETRY_DELAY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            () = shutdown.triggered() => return,
        }
    }
}

async fn drop_expired_uplinks(
    database: &Database,
    clock: &Clock,
    uplinks: RetentionPolicy,
) -> Result<DroppedPartitions, DbError> {
    let mut connection = database.jobs.acquire().await?;
    drop_old_partitions(&mut connection, uplinks, clock.now()).await
}
