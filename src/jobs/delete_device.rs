//! Deletes a device with all its data. The row of the device is deleted last, so that the same request continues an
//! interrupted deletion.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::time::{sleep, timeout};

use super::delete_measurements::{DELETE_BATCH_TIMEOUT, DeletionReport, delete_matching};
use crate::{
    db::{
        DbError,
        device_deletion::{self, Finished, UPLINK_BATCH_SIZE},
    },
    domain::{api_key::ApiKeyId, device::DeviceId, filter::Filter},
};

/// Attempts of the last transaction, which fails while a recorder stores a sample of the device.
const MAX_FINISH_ATTEMPTS: u32 = 30;
/// Delay between two attempts.
const FINISH_RETRY_DELAY: Duration = Duration::from_millis(50);

/// What was deleted with a device, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletedDevice {
    /// Its measurements.
    pub measurements: u64,
    /// Uplinks with samples of this device and no other.
    pub uplinks: u64,
    /// Valid API keys that were bound to it.
    pub revoked_keys: Vec<ApiKeyId>,
}

/// What [`delete`] would delete now.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "deletion.device.count", skip_all)]
pub async fn count(pool: &PgPool, device: DeviceId, now: DateTime<Utc>) -> Result<DeletedDevice, DbError> {
    let mut measurements = DeletionReport::default();
    delete_matching(pool, all_of(device), true, &mut measurements).await?;
    Ok(DeletedDevice {
        measurements: measurements.measurements,
        uplinks: device_deletion::count_uplinks(pool, device).await?,
        revoked_keys: device_deletion::valid_keys(pool, device, now).await?,
    })
}

/// Deletes a device. Samples of it that arrive meanwhile are deleted too, or recorded for a new device with the same
/// key.
///
/// # Errors
/// When the database fails, or recorders block the deletion for long. What was deleted until then stays deleted.
#[tracing::instrument(name = "deletion.device", skip_all)]
pub async fn delete(pool: &PgPool, device: DeviceId, now: DateTime<Utc>) -> Result<DeletedDevice, DbError> {
    let mut deleted = DeletedDevice {
        revoked_keys: device_deletion::revoke_keys(pool, device, now).await?,
        ..DeletedDevice::default()
    };
    let finished = delete_all(pool, device, now, &mut deleted).await?;
    deleted.measurements += u64::try_from(finished.measurements.len()).unwrap_or(0);
    deleted.uplinks += finished.uplinks;
    deleted.revoked_keys.extend(finished.revoked_keys);
    // Bodies without new samples: their transactions don't wait for the deletion. The device is deleted even if this
    // fails: these uplinks expire with their retention.
    if let Err(error) = delete_uplinks(pool, device, &mut deleted).await {
        tracing::warn!(
            device = device.0,
            error = &error as &dyn std::error::Error,
            "uplinks of a deleted device not deleted"
        );
    }
    let (measurements, uplinks, revoked_keys) = (deleted.measurements, deleted.uplinks, deleted.revoked_keys.len());
    tracing::info!(device = device.0, measurements, uplinks, revoked_keys, "device deleted");
    Ok(deleted)
}

async fn delete_all(
    pool: &PgPool,
    device: DeviceId,
    now: DateTime<Utc>,
    deleted: &mut DeletedDevice,
) -> Result<Finished, DbError> {
    for attempt in 1..=MAX_FINISH_ATTEMPTS {
        let mut measurements = DeletionReport::default();
        delete_matching(pool, all_of(device), false, &mut measurements).await?;
        deleted.measurements += measurements.measurements;
        delete_uplinks(pool, device, deleted).await?;
        let mut connection = pool.acquire().await?;
        let Ok(finished) = timeout(DELETE_BATCH_TIMEOUT, device_deletion::finish(&mut connection, device, now)).await
        else {
            connection.close_on_drop(); // a statement is in progress on it
            return Err(DbError::timed_out());
        };
        match finished {
            Ok(Some(finished)) => return Ok(finished),
            Ok(None) => tracing::debug!(attempt, "device still has new samples; deletion continues"),
            Err(error @ (DbError::Locked(_) | DbError::Conflict(_))) => {
                tracing::debug!(
                    attempt,
                    error = &error as &dyn std::error::Error,
                    "device is in use; deletion retries"
                );
            }
            Err(error) => return Err(error),
        }
        drop(connection);
        sleep(FINISH_RETRY_DELAY).await;
    }
    Err(DbError::conflict())
}

async fn delete_uplinks(pool: &PgPool, device: DeviceId, deleted: &mut DeletedDevice) -> Result<(), DbError> {
    loop {
        let batch = device_deletion::delete_uplinks(pool, device).await?;
        deleted.uplinks += batch;
        if i64::try_from(batch).is_ok_and(|batch| batch < UPLINK_BATCH_SIZE) {
            return Ok(());
        }
    }
}

fn all_of(device: DeviceId) -> Filter {
    Filter { devices: Some(vec![device]), ..Filter::default() }
}
