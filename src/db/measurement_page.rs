//! Lists of measurements: filters, keyset pages, one device or many.
//!
//! Every list has the total order (`measured_at`, `device_id`, seq), so a cursor names one position, and rows that
//! arrive between two pages can't shift what follows.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder};

use super::{
    DbError,
    device::to_bigints,
    fence::push_wanted_devices,
    measurement_filter::{has_stable_plan, push_filter},
    measurement_projection::MeasurementProjection,
    measurement_readings::{JoinStrategy, MeasurementRows, ReadingsJoin},
    measurement_total,
    total::{CountMode, Total, count_or_estimate},
};
use crate::domain::{
    device::DeviceId,
    filter::Filter,
    measurement::{Measurement, MeasurementKey},
    pruned_months::OpenSpan,
};

/// One page of a list of measurements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MeasurementPage {
    /// Filter. The devices that it names are left to the function that reads the page.
    pub filter: Filter,
    /// Newest first.
    pub descending: bool,
    /// Only measurements after this one in the list.
    pub after: Option<MeasurementKey>,
    /// Only measurements before this one in the list.
    pub before: Option<MeasurementKey>,
    /// Maximum number of measurements; with several devices at once, of each device.
    pub limit: i64,
}

impl MeasurementPage {
    /// Whether this many measurements are as many as it may have.
    pub(super) fn is_filled_by(&self, rows: usize) -> bool {
        i64::try_from(rows).is_ok_and(|rows| rows >= self.limit)
    }

    /// The half-open time span whose measurements decide what the rows of a page are: a full page ends at its last row, any
    /// other page at the end of the list.
    #[must_use]
    pub fn searched_span(&self, rows: &[Measurement]) -> OpenSpan {
        let last = rows.last().filter(|_| self.is_filled_by(rows.len())).map(|row| row.key).or(self.before);
        let (earliest, latest) = if self.descending { (last, self.after) } else { (self.after, last) };
        let (earliest, latest) = (earliest.map(|key| key.measured_at), latest.map(|key| key.measured_at));
        let end = |time: DateTime<Utc>| time + TimeDelta::microseconds(1); // the end is exclusive
        let from = earliest.into_iter().chain(self.filter.from).max();
        let to = latest.map(end).into_iter().chain(self.filter.to).min();
        (from, to)
    }
}

/// One page over all devices.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.list", skip_all, fields(limit = page.limit))]
pub async fn list<R: MeasurementRows>(
    db: impl PgExecutor<'_>,
    page: &MeasurementPage,
    columns: MeasurementProjection,
) -> Result<R, DbError> {
    let with = readings_join(page, columns, false, page.limit);
    let mut query = with.start();
    push_page(&mut query, page, columns, PageScope::AllDevices);
    fetch(db, query, page, with).await
}

/// One page over several devices together. Reads each device through its own index range, at most one page of rows per
/// device, so the cost grows with devices × limit and not with the archive.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.list_by_devices", skip_all, fields(devices = ids.len(), limit = page.limit))]
pub async fn list_by_devices<R: MeasurementRows>(
    db: impl PgExecutor<'_>,
    ids: &[DeviceId],
    page: &MeasurementPage,
    columns: MeasurementProjection,
) -> Result<R, DbError> {
    let with = readings_join(page, columns, ids.len() == 1, page.limit);
    let mut query = with.start();
    push_each(&mut query, ids, page, columns);
    if ids.len() != 1 {
        push_order(&mut query, page.descending);
        query.push(" limit ").push_bind(page.limit);
    }
    fetch(db, query, page, with).await
}

/// The same page for each of these devices, in one statement.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.list_per_device", skip_all, fields(devices = ids.len(), limit = page.limit))]
pub async fn list_per_device(
    db: impl PgExecutor<'_>,
    ids: &[DeviceId],
    page: &MeasurementPage,
    columns: MeasurementProjection,
) -> Result<HashMap<DeviceId, Vec<Measurement>>, DbError> {
    let max_rows = page.limit.saturating_mul(i64::try_from(ids.len()).unwrap_or(i64::MAX));
    let with = readings_join(page, columns, ids.len() == 1, max_rows);
    let mut query = with.start();
    push_each(&mut query, ids, page, columns);
    let mut lists: HashMap<_, Vec<_>> = HashMap::with_capacity(ids.len());
    for measurement in fetch_unsorted::<Vec<Measurement>>(db, query, page, &with).await? {
        lists.entry(measurement.key.device_id).or_default().push(measurement);
    }
    for list in lists.values_mut() {
        list.sort(page.descending);
    }
    Ok(lists)
}

/// Number of measurements that match the filter.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.count", skip_all)]
pub async fn count(db: impl PgExecutor<'_> + Copy, filter: &Filter) -> Result<Total, DbError> {
    let reading = if filter.conditions.is_empty() { CountMode::Bounded } else { CountMode::Unbounded };
    let counted = count_or_estimate(db, reading, |query| {
        query.push("select 1 from measurement m where true");
        if let Some(ids) = &filter.devices {
            query.push(" and m.device_id = any(").push_bind(to_bigints(ids)).push(")");
        }
        push_filter(query, filter);
    })
    .await?;
    // Expensive conditions on few measurements are counted exactly all the same.
    if counted.is_estimate
        && reading == CountMode::Unbounded
        && let Some(rows) = measurement_total::count_by_scan(db, filter).await?
    {
        return Ok(Total::exact(rows));
    }
    Ok(counted)
}

/// Without conditions a page holds all measurements of a device between its first and its last one in the page.
fn readings_join<R: MeasurementRows>(
    page: &MeasurementPage,
    columns: MeasurementProjection,
    is_one_device: bool,
    max_rows: i64,
) -> ReadingsJoin<R> {
    let lookup = match (page.filter.conditions.is_empty(), is_one_device) {
        (true, true) => JoinStrategy::DeviceRange,
        (true, false) => JoinStrategy::Range,
        (false, _) => JoinStrategy::Key,
    };
    ReadingsJoin::new(columns, lookup, max_rows)
}

/// Pushes a select of the page for each of these devices.
fn push_each(
    query: &mut QueryBuilder<Postgres>,
    ids: &[DeviceId],
    page: &MeasurementPage,
    columns: MeasurementProjection,
) {
    query.push("select m.* from ");
    if let [id] = ids {
        query.push("(");
        push_page(query, page, columns, PageScope::Device(*id));
    } else {
        push_wanted_devices(query, ids);
        query.push(" cross join lateral (");
        push_page(query, page, columns, PageScope::WantedDevice);
    }
    query.push(") as m");
}

/// The devices whose measurements a page consists of.
#[derive(Clone, Copy)]
enum PageScope {
    AllDevices,
    Device(DeviceId),
    /// The device `wanted.device_id` of a lateral join.
    WantedDevice,
}

/// Literal limits in the text of a statement; the smallest one at or above the limit of the page is used.
const LIMIT_CLASSES: [i64; 6] = [2, 11, 51, 101, 1001, 10_001];

/// Pushes the whole select of a page, of the measurements for which a condition holds.
///
/// Planning takes longer than reading a page, and grows with the number of months. Postgres reuses a generic plan only
/// when it looks no more expensive than a custom one. For a bound limit the generic plan assumes a tenth of the table,
/// which always looks more expensive; so the text contains a literal limit above the bound one. Where values decide
/// which index is right, each page gets a custom plan.
fn push_page(
    query: &mut QueryBuilder<Postgres>,
    page: &MeasurementPage,
    columns: MeasurementProjection,
    scope: PageScope,
) {
    let bound = LIMIT_CLASSES.into_iter().find(|&bound| bound >= page.limit && has_stable_plan(&page.filter));
    if bound.is_some() {
        query.push("select m.* from (");
    }
    query.push("select ").push(columns.select()).push(" from measurement m where ");
    let push_order = match scope {
        PageScope::AllDevices => {
            query.push("true");
            push_order
        }
        PageScope::Device(id) => {
            query.push("m.device_id = ").push_bind(id.0);
            push_order_of_one_device
        }
        PageScope::WantedDevice => {
            query.push("m.device_id = wanted.device_id");
            push_order_of_one_device
        }
    };
    push_filter(query, &page.filter);
    push_cursors(query, page);
    push_order(query, page.descending);
    if let Some(bound) = bound {
        query.push(format!(" limit {bound}) as m"));
        push_order(query, page.descending); // the rows are already in this order, so this is free
    }
    query.push(" limit ").push_bind(page.limit);
}

/// Pushes the conditions that a measurement lies between the cursors.
pub(super) fn push_cursors(query: &mut QueryBuilder<Postgres>, page: &MeasurementPage) {
    let (forward, back) = if page.descending { ("<", ">") } else { (">", "<") };
    for (key, comparison) in [(page.after, forward), (page.before, back)] {
        let Some(key) = key else { continue };
        // The first condition is implied by the second, but an index and partition pruning can use it.
        query.push(format!(" and m.measured_at {comparison}= ")).push_bind(key.measured_at);
        query.push(format!(" and (m.measured_at, m.device_id, m.seq) {comparison} (")).push_bind(key.measured_at);
        query.push(", ").push_bind(key.device_id.0).push(", ").push_bind(key.seq).push(")");
    }
}

/// Pushes the order of a list.
pub(super) fn push_order(query: &mut QueryBuilder<Postgres>, descending: bool) {
    let direction = if descending { "desc" } else { "asc" };
    query.push(format!(" order by m.measured_at {direction}, m.device_id {direction}, m.seq {direction}"));
}

/// The same order for measurements of one device. Outside a subquery that names the device, Postgres doesn't know that all
/// rows have the same, and would sort them again.
fn push_order_of_one_device(query: &mut QueryBuilder<Postgres>, descending: bool) {
    let direction = if descending { "desc" } else { "asc" };
    query.push(format!(" order by m.measured_at {direction}, m.seq {direction}"));
}

async fn fetch<R: MeasurementRows>(
    db: impl PgExecutor<'_>,
    query: QueryBuilder<Postgres>,
    page: &MeasurementPage,
    with: ReadingsJoin<R>,
) -> Result<R, DbError> {
    let mut measurements = fetch_unsorted(db, query, page, &with).await?;
    measurements.sort(page.descending);
    Ok(measurements)
}

async fn fetch_unsorted<R: MeasurementRows>(
    db: impl PgExecutor<'_>,
    mut query: QueryBuilder<Postgres>,
    page: &MeasurementPage,
    with: &ReadingsJoin<R>,
) -> Result<R, DbError> {
    with.finish(&mut query);
    let rows = query.build().persistent(has_stable_plan(&page.filter)).fetch_all(db).await?;
    with.read(&rows)
}
