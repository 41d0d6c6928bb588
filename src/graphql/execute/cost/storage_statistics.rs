//! Statistics of stored data for the cost analysis: rows per month as estimated by Postgres. They are refreshed every
//! few minutes, so the cost of a request grows with the stored data. Unknown counts are zero.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgPool;

use super::arguments::TimeSpan;
use crate::{db, domain::month::Month};

/// Interval between refreshes.
const REFRESH_INTERVAL: Duration = Duration::from_mins(5);
/// Timeout of a refresh.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Numbers of stored rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageStatistics {
    devices: u64,
    months: BTreeMap<NaiveDate, db::row_counts::MonthCounts>,
}

impl StorageStatistics {
    /// The statistics of these counts.
    #[must_use]
    pub fn new(devices: u64, months: impl IntoIterator<Item = (NaiveDate, db::row_counts::MonthCounts)>) -> Self {
        Self { devices, months: months.into_iter().collect() }
    }

    /// Number of devices.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.devices
    }

    /// The end of the last month with rows.
    #[must_use]
    pub fn last_month_end(&self) -> Option<DateTime<Utc>> {
        let (&last, _) = self.months.iter().rfind(|(_, month)| month.measurements > 0)?;
        Some(Month::from_time(last.and_time(chrono::NaiveTime::MIN).and_utc()).next().start())
    }

    /// Number of measurements in a span, of all devices or of this number of devices.
    #[must_use]
    pub fn measurements(&self, span: TimeSpan, devices: Option<u64>) -> u64 {
        self.sum(span, devices, |month| month.measurements)
    }

    /// Number of hourly device rollups in a span.
    #[must_use]
    pub fn device_hours(&self, span: TimeSpan, devices: Option<u64>) -> u64 {
        self.sum(span, devices, |month| month.device_hours)
    }

    /// Number of hourly cell rollups in a span.
    #[must_use]
    pub fn cell_hours(&self, span: TimeSpan) -> u64 {
        self.sum(span, None, |month| month.cell_hours)
    }

    fn sum(&self, span: TimeSpan, devices: Option<u64>, of: impl Fn(&db::row_counts::MonthCounts) -> u64) -> u64 {
        let mut sum = 0_u128;
        for (&first_day, month) in &self.months {
            let start = first_day.and_time(chrono::NaiveTime::MIN).and_utc();
            let end = Month::from_time(start).next().start();
            sum += u128::from(of(month)) * overlap_seconds(span, start, end) / seconds_between(start, end).max(1);
        }
        if let Some(devices) = devices
            && devices < self.devices
        {
            sum = sum * u128::from(devices) / u128::from(self.devices.max(1));
        }
        u64::try_from(sum).unwrap_or(u64::MAX)
    }
}

fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> u128 {
    u128::try_from((to - from).num_seconds()).unwrap_or(0)
}

/// Seconds of a month that are in a span.
fn overlap_seconds(span: TimeSpan, start: DateTime<Utc>, end: DateTime<Utc>) -> u128 {
    seconds_between(span.from.map_or(start, |from| from.max(start)), span.to.map_or(end, |to| to.min(end)))
}

/// Periodically refreshed storage statistics. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StorageStatisticsCache(Arc<Mutex<CachedStatistics>>);

#[derive(Debug)]
struct CachedStatistics {
    statistics: Arc<StorageStatistics>,
    /// Time of the last refresh, or of the start of a running one.
    refreshed_at: Option<Instant>,
}

impl Default for StorageStatisticsCache {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(CachedStatistics { statistics: Arc::default(), refreshed_at: None })))
    }
}

impl StorageStatisticsCache {
    /// The cached statistics. When they are older than the interval, a refresh is started in the background.
    #[must_use]
    pub fn current(&self, pool: &PgPool) -> Arc<StorageStatistics> {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner); // fields are consistent after a panic
        if cached.refreshed_at.is_none_or(|since| since.elapsed() > REFRESH_INTERVAL) {
            cached.refreshed_at = Some(Instant::now());
            let (this, pool) = (self.clone(), pool.clone());
            tokio::spawn(async move { this.refresh(&pool).await });
        }
        cached.statistics.clone()
    }

    /// Refreshes the statistics.
    pub async fn refresh(&self, pool: &PgPool) {
        match tokio::time::timeout(READ_TIMEOUT, db::row_counts::count_by_month(pool)).await {
            Ok(Ok((devices, months))) => {
                let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                cached.statistics = Arc::new(StorageStatistics::new(devices, months));
                cached.refreshed_at = Some(Instant::now());
            }
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "estimates of stored rows not read");
            }
            Err(_) => tracing::debug!("estimates of stored rows not read in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_prorated_by_time_span_and_devices() {
        let month =
            |measurements| db::row_counts::MonthCounts { measurements, device_hours: measurements / 10, cell_hours: 0 };
        let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).expect("a day");
        let archive = StorageStatistics::new(20, [(day(4, 1), month(3000)), (day(5, 1), month(3100))]);
        let at = |text: &str| Some(text.parse().expect("a time"));
        let span = |from, to| TimeSpan { from, to };
        assert_eq!(archive.measurements(TimeSpan::default(), None), 6100);
        let days = span(at("2026-04-30T00:00:00Z"), at("2026-05-02T00:00:00Z"));
        assert_eq!((archive.measurements(days, None), archive.device_hours(days, None)), (200, 20));
        assert_eq!((archive.measurements(days, Some(2)), archive.measurements(days, Some(99))), (20, 200));
        assert_eq!(archive.measurements(span(at("2026-06-01T00:00:00Z"), None), None), 0);
        assert_eq!(archive.measurements(span(at("2026-05-02T00:00:00Z"), at("2026-05-01T00:00:00Z")), None), 0);
    }
}
