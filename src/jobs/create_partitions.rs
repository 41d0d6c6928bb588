//! Creates the partitions of the coming month: at the start and then at intervals.
//!
//! The recorder creates them too, when the first sample of a month arrives. That sample waits for them, and in Citus, where
//! they are created on all servers, it fails while one of these is not reachable.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    db::{
        DbError,
        connect::Database,
        partition::{PartitionCache, PartitionFamily},
    },
    domain::month::Month,
};

/// Time between the creation of a month's partitions and the month, at least; there are partitions of the present month too.
const LEAD_TIME: TimeDelta = TimeDelta::days(7);
const CHECK_INTERVAL: Duration = Duration::from_hours(6);

/// Creates missing partitions until shutdown.
pub async fn run(database: Database, clock: Clock, shutdown: CancellationToken) {
    let work = async {
        loop {
            if let Err(error) = create_coming_partitions(&database, clock.now()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "partitions of the coming month not created");
            }
            tokio::time::sleep(CHECK_INTERVAL).await;
        }
    };
    let _: Option<()> = shutdown.run_until_cancelled(work).await;
}

/// Creates the missing partitions of the present month and of the one that begins within a week.
///
/// # Errors
/// When the database fails.
pub async fn create_coming_partitions(database: &Database, now: DateTime<Utc>) -> Result<(), DbError> {
    let months = [Month::from_time(now), Month::from_time(now + LEAD_TIME)];
    let families = [PartitionFamily::Measurement, PartitionFamily::Uplink];
    let wanted = months.into_iter().flat_map(|month| families.map(|family| (family, month)));
    let mut connection = database.jobs.acquire().await?;
    PartitionCache::default().create_missing(&mut connection, wanted, now).await
}
