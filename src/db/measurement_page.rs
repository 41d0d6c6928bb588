//! Lists of measurements: filters, keyset pages, one device or many.
//!
//! Every list has the total order (`measured_at`, `device_id`, seq), so a cursor names one place in it and rows that
//! arrive while somebody pages can't shift what follows.

use std::collections::HashMap;

use sqlx::{PgExecutor, Postgres, QueryBuilder};

use super::{
    DbError,
    device::to_bigints,
    measurement_filter::{has_stable_plan, push_filter},
    measurement_projection::MeasurementProjection,
    measurement_readings::{JoinStrategy, ReadingsJoin},
    measurement_total,
    total::{CountMode, Total, count_or_estimate},
};
use crate::domain::{
    device::DeviceId,
    filter::Filter,
    measurement::{Measurement, MeasurementKey},
};

/// One page of a list of measurements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MeasurementPage {
    /// Which. The devices it names are left to the function that reads the page.
    pub filter: Filter,
    /// Newest first.
    pub descending: bool,
    /// Only those that come after this one in the list.
    pub after: Option<MeasurementKey>,
    /// Only those that come before this one in the list.
    pub before: Option<MeasurementKey>,
    /// At most so many; for several devices at once, so many of each.
    pub limit: i64,
}

/// One page over all devices.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.list", skip_all, fields(limit = page.limit))]
pub async fn list(
    db: impl PgExecutor<'_>,
    page: &MeasurementPage,
    columns: MeasurementProjection,
) -> Result<Vec<Measurement>, DbError> {
    let with = readings_join(page, columns);
    let mut query = with.start();
    push_page(&mut query, page, columns, |query| _ = query.push("true"));
    fetch(db, query, page, with).await
}

/// One page over some devices taken together. Each device's rows are read through its own index range and no more of
/// them than the page can hold, so the cost grows with devices × limit and not with the archive.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.measurement.list_by_devices", skip_all, fields(devices = ids.len(), limit = page.limit))]
pub async fn list_by_devices(
    db: impl PgExecutor<'_>,
    ids: &[DeviceId],
    page: &MeasurementPage,
    columns: MeasurementProjection,
) -> Result<Vec<Measurement>, DbError> {
    let with = readings_join(page, columns);
    let mut query = with.start();
    push_each(&mut query, ids, page, columns);
    push_order(&mut query, page.descending);
    query.push(" limit ").push_bind(page.limit);
    fetch(db, query, page, with).await
}

/// The same page of each of some devices, in one statement.
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
    let with = readings_join(page, columns);
    let mut query = with.start();
    push_each(&mut query, ids, page, columns);
    let mut lists: HashMap<_, Vec<_>> = HashMap::with_capacity(ids.len());
    for measurement in fetch(db, query, page, with).await? {
        lists.entry(measurement.key.device_id).or_default().push(measurement);
    }
    Ok(lists)
}

/// How many measurements the filter lets through.
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
    // Costly conditions on few measurements are counted all the same.
    if counted.is_estimate
        && reading == CountMode::Unbounded
        && let Some(rows) = measurement_total::count_by_scan(db, filter).await?
    {
        return Ok(Total::exact(rows));
    }
    Ok(counted)
}

/// Without conditions a page holds all measurements of a device from its first to its last in the page.
fn readings_join(page: &MeasurementPage, columns: MeasurementProjection) -> ReadingsJoin {
    let lookup = if page.filter.conditions.is_empty() { JoinStrategy::Range } else { JoinStrategy::Key };
    ReadingsJoin::new(columns, lookup)
}

/// Pushes a select of the page of each of these devices.
fn push_each(
    query: &mut QueryBuilder<Postgres>,
    ids: &[DeviceId],
    page: &MeasurementPage,
    columns: MeasurementProjection,
) {
    query.push("select m.* from ");
    if let [id] = ids {
        query.push("(");
        push_page(query, page, columns, |query| _ = query.push("m.device_id = ").push_bind(id.0));
    } else {
        query.push("unnest(").push_bind(to_bigints(ids)).push("::bigint[]) as wanted (device_id) cross join lateral (");
        push_page(query, page, columns, |query| _ = query.push("m.device_id = wanted.device_id"));
    }
    query.push(") as m");
}

/// Bounds that stand in the text of a statement, one of which is at or above any page's limit.
const LIMIT_CLASSES: [i64; 6] = [2, 11, 51, 101, 1001, 10_001];

/// Pushes a whole select of the page, of the measurements for which a condition holds.
///
/// Planning takes longer than reading a page, the more so the more months there are; Postgres saves itself that when a
/// plan for any arguments looks no dearer than one for these. For a limit that it isn't told it supposes a tenth of the
/// table, which always looks dearer; so there is a bound in the text, above the limit. Where values decide which index is
/// the right one, each page is planned by its own.
fn push_page(
    query: &mut QueryBuilder<Postgres>,
    page: &MeasurementPage,
    columns: MeasurementProjection,
    condition: impl FnOnce(&mut QueryBuilder<Postgres>),
) {
    let bound = LIMIT_CLASSES.into_iter().find(|&bound| bound >= page.limit && has_stable_plan(&page.filter));
    if bound.is_some() {
        query.push("select m.* from (");
    }
    query.push("select ").push(columns.select()).push(" from measurement m where ");
    condition(query);
    push_filter(query, &page.filter);
    push_cursors(query, page);
    push_order(query, page.descending);
    if let Some(bound) = bound {
        query.push(format!(" limit {bound}) as m"));
        push_order(query, page.descending); // which it has; this costs nothing
    }
    query.push(" limit ").push_bind(page.limit);
}

/// Adds the conditions that a measurement lies between the cursors.
pub(super) fn push_cursors(query: &mut QueryBuilder<Postgres>, page: &MeasurementPage) {
    let (forward, back) = if page.descending { ("<", ">") } else { (">", "<") };
    for (key, comparison) in [(page.after, forward), (page.before, back)] {
        let Some(key) = key else { continue };
        // The first condition says nothing that the second doesn't, but an index and the choice of partitions can use it.
        query.push(format!(" and m.measured_at {comparison}= ")).push_bind(key.measured_at);
        query.push(format!(" and (m.measured_at, m.device_id, m.seq) {comparison} (")).push_bind(key.measured_at);
        query.push(", ").push_bind(key.device_id.0).push(", ").push_bind(key.seq).push(")");
    }
}

/// Adds the order of a list.
pub(super) fn push_order(query: &mut QueryBuilder<Postgres>, descending: bool) {
    let direction = if descending { "desc" } else { "asc" };
    query.push(format!(" order by m.measured_at {direction}, m.device_id {direction}, m.seq {direction}"));
}

async fn fetch(
    db: impl PgExecutor<'_>,
    mut query: QueryBuilder<Postgres>,
    page: &MeasurementPage,
    with: ReadingsJoin,
) -> Result<Vec<Measurement>, DbError> {
    with.finish(&mut query);
    let rows = query.build().persistent(has_stable_plan(&page.filter)).fetch_all(db).await?;
    let mut measurements = with.read(&rows)?;
    sort(&mut measurements, page.descending);
    Ok(measurements)
}

/// Puts measurements in the order of a list. Rows mostly arrive in it, which costs one comparison each; but no statement
/// here orders the whole of several lists or of a join.
pub(super) fn sort(measurements: &mut [Measurement], descending: bool) {
    let place = |row: &Measurement| (row.key.measured_at, row.key.device_id, row.key.seq);
    measurements.sort_by(|a, b| if descending { place(b).cmp(&place(a)) } else { place(a).cmp(&place(b)) });
}
