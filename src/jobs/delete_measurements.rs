//! Deletes measurements in bounded transactions, so that recorders never wait for long, until none matches the filter.
//! If it ends early, what was deleted stays deleted, and the same call continues.

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
    domain::{
        device::DeviceId,
        filter::Filter,
        measurement::{Measurement, MeasurementKey},
    },
};

/// Maximum measurements per transaction, for which other transactions wait.
const DELETE_BATCH_SIZE: i64 = 10_000;
/// Maximum attempts of a transaction after conflicts with others.
const MAX_DELETE_ATTEMPTS: u32 = 5;
/// Timeout of finding and deleting one batch: without a suitable index, months may be scanned for it.
pub(super) const DELETE_BATCH_TIMEOUT: Duration = Duration::from_mins(5);

/// Allows one deletion at a time: each may read months of measurements. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DeletionLock(Arc<Semaphore>);

impl Default for DeletionLock {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl DeletionLock {
    /// Waits until no other deletion runs; `None` after `max_wait`.
    pub async fn acquire(&self, max_wait: Duration) -> Option<OwnedSemaphorePermit> {
        timeout(max_wait, self.0.clone().acquire_owned()).await.ok()?.ok()
    }
}

/// What was deleted, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletionReport {
    /// Number of measurements.
    pub measurements: u64,
    /// Their devices.
    pub devices: BTreeSet<DeviceId>,
    /// Times of the first and the last of them.
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

/// Deletes the measurements that match the filter; on a dry run, only counts them.
///
/// # Errors
/// When the database fails; what was deleted until then stays deleted.
#[tracing::instrument(name = "deletion", skip_all, fields(dry_run))]
pub async fn run(pool: &PgPool, filter: &Filter, dry_run: bool) -> Result<DeletionReport, DbError> {
    let mut deleted = DeletionReport::default();
    match &filter.devices {
        // One device after the other: the rows of a device are stored together.
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

/// Visits the measurements that match the filter in the order of time.
pub(super) async fn delete_matching(
    pool: &PgPool,
    filter: Filter,
    dry_run: bool,
    deleted: &mut DeletionReport,
) -> Result<(), DbError> {
    let mut page = MeasurementPage { filter, descending: false, after: None, before: None, limit: DELETE_BATCH_SIZE };
    loop {
        // A new connection for each batch, so that others get it in between.
        let mut connection = pool.acquire().await?;
        let Ok(batch) = timeout(DELETE_BATCH_TIMEOUT, delete_page(&mut connection, &page, dry_run)).await else {
            connection.close_on_drop(); // a statement is in progress on it
            return Err(DbError::timed_out());
        };
        let (keys, last) = batch?;
        deleted.add(&keys);
        if last.is_none() {
            return Ok(());
        }
        page.after = last;
    }
}

/// Deletes one page. Returns the deleted measurements, and the last one found, if any.
async fn delete_page(
    connection: &mut PgConnection,
    page: &MeasurementPage,
    dry_run: bool,
) -> Result<(Vec<MeasurementKey>, Option<MeasurementKey>), DbError> {
    let found: Vec<Measurement> = match &page.filter.devices {
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
    let mut attempts = 0;
    loop {
        attempts += 1;
        let mut transaction = connection.begin().await?;
        match deletion::delete(&mut transaction, &keys, &page.filter).await {
            Ok(deleted) => {
                transaction.commit().await?;
                return Ok((deleted, last));
            }
            Err(DbError::Conflict(_) | DbError::Locked(_)) if attempts < MAX_DELETE_ATTEMPTS => {
                transaction.rollback().await?;
            }
            Err(error) => return Err(error),
        }
    }
}
