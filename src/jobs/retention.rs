//! Deletes expired data: at the start and then at intervals.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    db::{
        DbError,
        connect::Database,
        feed,
        retention::{DroppedPartitions, drop_old_partitions},
    },
    domain::retention::RetentionPolicy,
};

/// A month ends once a month, so a delay of hours is acceptable.
const UPLINK_CHECK_INTERVAL: Duration = Duration::from_hours(6);
/// Delay before a retry.
const UPLINK_RETRY_DELAY: Duration = Duration::from_mins(10);
/// The feed grows continuously, and is trimmed in small steps.
const FEED_TRIM_INTERVAL: Duration = Duration::from_mins(5);

/// Retention periods.
#[derive(Clone, Copy, Debug)]
pub struct RetentionPolicies {
    /// Received request bodies.
    pub uplinks: RetentionPolicy,
    /// Feed changes, for subscribers that reconnect.
    pub feed: TimeDelta,
}

/// Deletes expired data until shutdown.
pub async fn run(database: Database, clock: Clock, policies: RetentionPolicies, shutdown: CancellationToken) {
    tokio::join!(
        trim_feed(&database, &clock, policies.feed, &shutdown),
        drop_old_uplinks(&database, &clock, policies.uplinks, &shutdown)
    );
}

async fn trim_feed(database: &Database, clock: &Clock, kept: TimeDelta, shutdown: &CancellationToken) {
    loop {
        if let Err(error) = feed::trim_before(&database.jobs, clock.now() - kept).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "expired feed changes not deleted");
        }
        tokio::select! {
            () = tokio::time::sleep(FEED_TRIM_INTERVAL) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Deletes expired uplinks.
async fn drop_old_uplinks(database: &Database, clock: &Clock, uplinks: RetentionPolicy, shutdown: &CancellationToken) {
    if uplinks == RetentionPolicy::Forever {
        return;
    }
    loop {
        let next = match drop_expired_uplinks(database, clock, uplinks).await {
            Ok(DroppedPartitions { in_use, .. }) if in_use.is_empty() => UPLINK_CHECK_INTERVAL,
            Ok(DroppedPartitions { in_use, .. }) => {
                tracing::info!(months = in_use.len(), "expired uplinks are in use; retrying later");
                UPLINK_RETRY_DELAY
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "expired uplinks not deleted");
                UPLINK_RETRY_DELAY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            () = shutdown.cancelled() => return,
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
