//! Number of measurements of each of several devices.
//!
//! At most a fixed share of rows is read per device. Beyond that, `device_hour` provides the total, and the share of
//! matching rows is extrapolated.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder};

use super::{
    DbError,
    device::to_bigints,
    fence::push_wanted_devices,
    measurement_filter::{has_stable_plan, push_conditions, push_span},
    total::{MAX_EXACT_TOTAL, Total},
};
use crate::domain::{device::DeviceId, filter::Filter, rollup::hour_of};

/// Minimum number of rows read per device, however many devices there are.
const MIN_ROWS_PER_DEVICE: i64 = 1000;

/// Expensive conditions reduce the number of rows read by this factor.
const LOOKUP_DIVISOR: i64 = 10;

/// Maximum number of polygon edge comparisons over all rows; half a microsecond each. A ring has 20 edges in a band, a
/// scribble of 10,000 points has 4000.
const MAX_EDGES: i64 = 400_000;

/// Minimum number of rows read, whatever the polygon.
const MIN_ROWS_IN_POLYGON: i64 = 50;

/// Number of rows that can be compared with the polygons of a filter.
fn rows_in_polygon(filter: &Filter) -> i64 {
    let edges = i64::try_from(filter.polygon_edges()).unwrap_or(i64::MAX);
    if edges == 0 { i64::MAX } else { (MAX_EDGES / edges).max(MIN_ROWS_IN_POLYGON) }
}

/// Maximum number of rows read per device.
fn rows_per_device(devices: usize) -> i64 {
    let devices = i64::try_from(devices.max(1)).unwrap_or(i64::MAX);
    (MAX_EXACT_TOTAL / devices).max(MIN_ROWS_PER_DEVICE)
}

/// Number of measurements of each device that match the filter.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.count_per_device", skip_all, fields(devices = ids.len()))]
pub async fn count_per_device(
    db: impl PgExecutor<'_> + Copy,
    ids: &[DeviceId],
    filter: &Filter,
) -> Result<HashMap<DeviceId, Total>, DbError> {
    // A lookup in another table, and a polygon, cost as much as many rows.
    let share = if filter.side_table_groups().is_empty() && filter.polygon_edges() == 0 { 1 } else { LOOKUP_DIVISOR };
    let devices = i64::try_from(ids.len().max(1)).unwrap_or(i64::MAX);
    let bound = (rows_per_device(ids.len()) / share).min((rows_in_polygon(filter) / devices).max(1));
    let read = scan(db, ids, filter, bound).await?;
    let large: Vec<_> = read.iter().filter(|row| row.scanned > bound).map(|row| row.device).collect();
    let all = if large.is_empty() { HashMap::new() } else { load_stored_counts(db, &large, filter).await? };
    let total = |row: &ScanCount| match all.get(&row.device) {
        Some(&all) if is_exact(filter) => Total::exact(all),
        Some(&all) => Total::estimate(row.estimate(all)),
        None if row.scanned > bound => Total::estimate(row.found),
        None => Total::exact(row.found),
    };
    let mut totals: HashMap<_, _> = ids.iter().map(|&device| (device, Total::exact(0))).collect();
    totals.extend(read.iter().map(|row| (row.device, total(row))));
    Ok(totals)
}

/// Result of the scan of one device.
struct ScanCount {
    device: DeviceId,
    /// Number of rows scanned.
    scanned: i64,
    /// Number of matching rows among them.
    found: i64,
}

impl ScanCount {
    /// Extrapolates the share of matching rows to `all` rows.
    fn estimate(&self, all: i64) -> i64 {
        let estimate = i128::from(all) * i128::from(self.found) / i128::from(self.scanned.max(1));
        i64::try_from(estimate).unwrap_or(i64::MAX).max(self.found)
    }
}

/// Scans each of these devices that has measurements.
async fn scan(
    db: impl PgExecutor<'_> + Copy,
    ids: &[DeviceId],
    filter: &Filter,
    bound: i64,
) -> Result<Vec<ScanCount>, DbError> {
    let mut query = QueryBuilder::<Postgres>::new("select wanted.device_id, counted.* from ");
    push_wanted_devices(&mut query, ids);
    query.push(" cross join lateral (");
    push_count(&mut query, filter);
    query.push(" where m.device_id = wanted.device_id");
    push_span(&mut query, "m.measured_at", filter.from, filter.to);
    query.push(" limit ").push_bind(bound + 1).push(") as m) as counted");
    let rows: Vec<(i64, i64, i64)> = query.build_query_as().persistent(has_stable_plan(filter)).fetch_all(db).await?;
    Ok(rows
        .into_iter()
        .map(|(device, scanned, found)| ScanCount { device: DeviceId(device), scanned, found })
        .collect())
}

/// Begins to count measurements and those that match, up to their `where`. Each is tested where it is read: Citus can't look up
/// rows of other tables for the result of a subquery.
fn push_count(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    query.push("select count(*), count(*) filter (where m.matches) from (select true");
    push_conditions(query, filter);
    query.push(" as matches from measurement m");
}

/// Maximum number of measurements evaluated; fewer with polygons of which many edges share a band.
const MAX_SCANNED_ROWS: i64 = 2000;

/// Exact number of matching measurements, if the devices and the span contain few; else `None`.
pub(super) async fn count_by_scan(db: impl PgExecutor<'_>, filter: &Filter) -> Result<Option<i64>, DbError> {
    let bound = MAX_SCANNED_ROWS.min(rows_in_polygon(filter));
    let mut query = QueryBuilder::<Postgres>::new("");
    push_count(&mut query, filter);
    query.push(" where true");
    if let Some(ids) = &filter.devices {
        query.push(" and m.device_id = any(").push_bind(to_bigints(ids)).push(")");
    }
    push_span(&mut query, "m.measured_at", filter.from, filter.to);
    query.push(" limit ").push_bind(bound + 1).push(") as m");
    let (scanned, found): (i64, i64) = query.build_query_as().persistent(false).fetch_one(db).await?;
    Ok((scanned <= bound).then_some(found))
}

/// Number of measurements of each device in the hours that the filter's span touches.
async fn load_stored_counts(
    db: impl PgExecutor<'_> + Copy,
    ids: &[DeviceId],
    filter: &Filter,
) -> Result<HashMap<DeviceId, i64>, DbError> {
    let mut query =
        QueryBuilder::<Postgres>::new("select device_id, sum(count)::bigint from device_hour where device_id = any(");
    query.push_bind(to_bigints(ids)).push(")");
    push_span(&mut query, "hour", filter.from.map(hour_of), filter.to);
    query.push(" group by device_id");
    let rows: Vec<(i64, i64)> = query.build_query_as().fetch_all(db).await?;
    Ok(rows.into_iter().map(|(device, count)| (DeviceId(device), count)).collect())
}

/// Whether whole hours give the exact number.
fn is_exact(filter: &Filter) -> bool {
    let is_whole = |end: Option<DateTime<Utc>>| end.is_none_or(|end| end - hour_of(end) == TimeDelta::zero());
    filter.conditions.is_empty() && is_whole(filter.from) && is_whole(filter.to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scanned_rows_are_divided_between_devices() {
        assert_eq!((rows_per_device(1), rows_per_device(50), rows_per_device(1000)), (100_000, 2000, 1000));
    }

    #[test]
    fn estimate_is_proportional_and_at_least_the_rows_found() {
        let read = ScanCount { device: DeviceId(1), scanned: 1001, found: 500 };
        assert_eq!((read.estimate(1_001_000), read.estimate(10)), (500_000, 500));
        assert_eq!(ScanCount { device: DeviceId(1), scanned: 0, found: 0 }.estimate(5), 0);
    }
}
