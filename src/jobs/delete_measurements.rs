//! Deleting measurements: a bounded number in a transaction, so that recorders never wait for long, until none is left that
//! the filter means. What was deleted when it ends early stays deleted; the same again goes on from there.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    db::{
        DbError, deletion, measurement_page, measurement_page::MeasurementPage,
        measurement_projection::MeasurementProjection,
    },
    domain::{device::DeviceId, filter::Filter, measurement::MeasurementKey},
};

/// Measurements in one transaction at most, for which others wait.
const DELETE_BATCH_SIZE: i64 = 10_000;
/// How often a transaction is tried that lost against another.
const MAX_DELETE_ATTEMPTS: u32 = 5;
/// What finding and deleting so many may take: where no index helps, months may be read through for them.
pub(super) const DELETE_BATCH_TIMEOUT: Duration = Duration::from_mins(5);

/// Lets one deletion run at a time: each may read months of measurements. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DeletionLock(Arc<Semaphore>);

impl Default for DeletionLock {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl DeletionLock {
    /// Waits until no other deletion runs; none when that takes too long.
    pub async fn acquire(&self, max_wait: Duration) -> Option<OwnedSemaphorePermit> {
        timeout(max_wait, self.0.clone().acquire_owned()).await.ok()?.ok()
    }
}

/// What was deleted, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletionReport {
    /// How many measurements.
    pub measurements: u64,
    /// Of which devices.
    pub devices: BTreeSet<DeviceId>,
    /// When the first and the last of them were taken.
    pub span: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl DeletionReport {
    fn add(&mut self, keys: &[MeasurementKey]) {
        for key in keys {
            self.measurements += 1;
            self.devices.insert(key.device_id);
            let (first, last) = self.span.unwrap_or((key.measured_at, key.measured_at));
            self.span = Some((first.min(key.measured_at), last.max(key.measured_at)));
        }
    }
}

/// Deletes the measurements that the filter means; on a dry run, only looks which these are.
///
/// # Errors
/// When the database fails; what was deleted until then stays deleted.
#[tracing::instrument(name = "deletion", skip_all, fields(dry_run))]
pub async fn run(pool: &PgPool, filter: &Filter, dry_run: bool) -> Result<DeletionReport, DbError> {
    let mut deleted = DeletionReport::default();
    match &filter.devices {
        // One after the other, since the rows of one lie together.
        Some(devices) => {
            for &device in devices {
                let filter = Filter { devices: Some(vec![device]), ..filter.clone() };
                delete_matching(pool, filter, dry_run, &mut deleted).await?;
            }
        }
        None => delete_matching(pool, filter.clone(), dry_run, &mut deleted).await?,
    }
    let (measurements, devices) = (deleted.measurements, deleted.devices.len());
    tracing::info!(measurements, devices, dry_run, "measurements deleted");
    Ok(deleted)
}

/// Goes through what the filter means in the order of time.
pub(super) async fn delete_matching(
    pool: &PgPool,
    filter: Filter,
    dry_run: bool,
    deleted: &mut DeletionReport,
) -> Result<(), DbError> {
    let mut page = MeasurementPage { filter, descending: false, after: None, before: None, limit: DELETE_BATCH_SIZE };
    loop {
        // A connection for each turn: between two of them others have theirs.
        let mut connection = pool.acquire().await?;
        let Ok(turn) = timeout(DELETE_BATCH_TIMEOUT, delete_page(&mut connection, &page, dry_run)).await else {
            connection.close_on_drop(); // it is in the middle of something
            return Err(DbError::timed_out());
        };
        let (keys, last) = turn?;
        deleted.add(&keys);
        if last.is_none() {
            return Ok(());
        }
        page.after = last;
    }
}

/// Deletes what is on one page, and gives those measurements and the last one seen, where there was any.
async fn delete_page(
    connection: &mut PgConnection,
    page: &MeasurementPage,
    dry_run: bool,
) -> Result<(Vec<MeasurementKey>, Option<MeasurementKey>), DbError> {
    let found = match &page.filter.devices {
        Some(devices) => {
            measurement_page::list_by_devices(&mut *connection, devices, page, MeasurementProjection::KEY).await?
        }
        None => measurement_page::list(&mut *connection, page, MeasurementProjection::KEY).await?,
    };
    let mut keys: Vec<_> = found.into_iter().map(|measurement| measurement.key).collect();
    let last = keys.last().copied();
    keys.sort_unstable();
    if dry_run || keys.is_empty() {
        return Ok((keys, last));
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let mut transaction = connection.begin().await?;
        match deletion::delete(&mut transaction, &keys, &page.filter).await {
            Ok(deleted) => {
                transaction.commit().await?;
                return Ok((deleted, last));
            }
            Err(DbError::Conflict(_) | DbError::Locked(_)) if tries < MAX_DELETE_ATTEMPTS => {
                transaction.rollback().await?;
            }
            Err(error) => return Err(error),
        }
    }
}
