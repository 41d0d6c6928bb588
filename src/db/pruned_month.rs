//! Table `pruned_month`: months whose measurements are in an archive and no longer in the database.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgExecutor, PgPool};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::DbError;
use crate::domain::{device::DeviceId, month::Month, pruned_months::PrunedMonths};

/// Constraint that the trigger `protect_pruned_month` reports.
pub(super) const PROTECTED_MONTH_CONSTRAINT: &str = "measurement_not_in_pruned_month";
/// Time between two reads for [`PrunedMonthCache`].
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// Time limit of a read.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(1);
/// After this time, every gateway that reaches the database knows a month that was added or removed.
pub const PROPAGATION_TIME: Duration = Duration::from_secs(4);

/// A pruned month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrunedMonth {
    /// The month.
    pub month: Month,
    /// When its measurements were removed; `None` while they are verified.
    pub pruned_at: Option<DateTime<Utc>>,
    /// Number of its measurements in the archive.
    pub measurements: i64,
    /// SHA-256 of the archive's file, in hexadecimal.
    pub sha256: String,
}

/// The pruned months in order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.pruned_month.list", skip_all)]
pub async fn list(db: impl PgExecutor<'_>) -> Result<Vec<PrunedMonth>, DbError> {
    let rows = sqlx::query!("select month, pruned_at, measurements, sha256 from pruned_month order by month");
    let month = rows.fetch_all(db).await?.into_iter().map(|row| PrunedMonth {
        month: Month::from_date(row.month),
        pruned_at: row.pruned_at,
        measurements: row.measurements,
        sha256: row.sha256,
    });
    Ok(month.collect())
}

/// The pruned months alone.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.pruned_month.list_months", skip_all)]
pub async fn list_months(db: impl PgExecutor<'_>) -> Result<PrunedMonths, DbError> {
    let months = sqlx::query_scalar!("select month from pruned_month").fetch_all(db).await?;
    Ok(months.into_iter().map(Month::from_date).collect())
}

/// The pruned months in which a device has measurements.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.pruned_month.list_months_of_device", skip_all)]
pub async fn list_months_of_device(db: impl PgExecutor<'_>, device: DeviceId) -> Result<PrunedMonths, DbError> {
    let months = sqlx::query_scalar!(
        "select month from pruned_month
         where month in (select date_trunc('month', hour at time zone 'UTC')::date from device_hour where device_id = $1)",
        device.0
    );
    Ok(months.fetch_all(db).await?.into_iter().map(Month::from_date).collect())
}

/// Removes a month from the table: its measurements are in the database again, or still.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.pruned_month.delete", skip_all)]
pub async fn delete(db: impl PgExecutor<'_>, month: Month) -> Result<(), DbError> {
    let month: NaiveDate = month.first_day();
    sqlx::query!("delete from pruned_month where month = $1", month).execute(db).await?;
    Ok(())
}

/// Removes the months from the table whose measurements were not removed.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.pruned_month.delete_unfinished", skip_all)]
pub async fn delete_unfinished(db: impl PgExecutor<'_>) -> Result<(), DbError> {
    sqlx::query!("delete from pruned_month where pruned_at is null").execute(db).await?;
    Ok(())
}

/// The pruned months as of about a second ago, read by a task that ends with the last clone. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PrunedMonthCache(watch::Receiver<Option<Arc<PrunedMonths>>>);

impl PrunedMonthCache {
    /// Begins to read the months.
    #[must_use]
    pub fn start(db: PgPool) -> Self {
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(refresh(db, sender));
        Self(receiver)
    }

    /// The pruned months, once they have been read for the first time. While they can't be read, the last known ones, or none.
    pub async fn current(&self) -> Arc<PrunedMonths> {
        let mut receiver = self.0.clone();
        // Fails only when the task has ended, at a shutdown.
        let known = receiver.wait_for(Option::is_some).await.ok().and_then(|months| months.clone());
        known.unwrap_or_default()
    }

    /// The same without waiting: none before they have been read for the first time.
    #[must_use]
    pub fn known(&self) -> Arc<PrunedMonths> {
        self.0.borrow().clone().unwrap_or_default()
    }
}

async fn refresh(db: PgPool, sender: watch::Sender<Option<Arc<PrunedMonths>>>) {
    let mut is_failing = false;
    while !db.is_closed() {
        let outcome = read(&db).await;
        let failed_before = std::mem::replace(&mut is_failing, outcome.is_err());
        match outcome {
            Ok(months) => _ = sender.send_replace(Some(Arc::new(months))),
            Err(error) => {
                if !failed_before {
                    tracing::warn!(error = &error as &dyn std::error::Error, "archived months not read");
                }
                sender.send_if_modified(|known| {
                    let is_first = known.is_none();
                    known.get_or_insert_with(Arc::default);
                    is_first
                });
            }
        }
        tokio::select! {
            () = sleep(REFRESH_INTERVAL) => {}
            () = sender.closed() => return,
        }
    }
}

async fn read(db: &PgPool) -> Result<PrunedMonths, DbError> {
    let limit = Instant::now() + REFRESH_TIMEOUT;
    let Ok(connection) = timeout(REFRESH_TIMEOUT, db.acquire()).await else { return Err(DbError::timed_out()) };
    let mut connection = connection?;
    let rest = limit.saturating_duration_since(Instant::now());
    let Ok(months) = timeout(rest, list_months(&mut *connection)).await else {
        connection.close_on_drop(); // a statement is in progress on it
        return Err(DbError::timed_out());
    };
    months
}
