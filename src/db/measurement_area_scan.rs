//! Lists of the newest measurements in an area.
//!
//! Where most of the newest measurements lie in the area, they are read in the order of time (`measurement_time_walk`).
//!
//! The index on cells finds the measurements of an area, but in the order of cells: for the newest hundred, the rows of
//! all of them would be read, and in a large archive each row is in a block of its own. The index also contains the
//! time. So an index-only scan first determines from which time on there are enough entries, and then only the rows
//! from there on are read. With many measurements in the area, or without a bound in time, Postgres chooses the plan,
//! which may follow the index on time instead.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder};

use super::{
    DbError,
    fence::FENCE,
    measurement_area::{CellSpans, push_exact},
    measurement_filter::push_span,
    measurement_page,
    measurement_page::{MeasurementPage, push_cursors, push_order},
    measurement_projection::MeasurementProjection,
    measurement_readings::{JoinStrategy, MeasurementRows, ReadingsJoin},
    measurement_time_walk,
};
use crate::domain::{area::SharedArea, filter::Condition};

/// Maximum number of index entries to scan. Scanning them takes as long as finding out that there are more.
const MAX_SCANNED_ENTRIES: i64 = 10_000;

/// One page over all devices, like [`measurement_page::list`].
///
/// # Errors
/// When the database fails.
pub async fn list<R: MeasurementRows>(
    db: impl PgExecutor<'_> + Copy,
    page: &MeasurementPage,
    columns: MeasurementProjection,
) -> Result<R, DbError> {
    if let [Condition::Within(area)] = page.filter.conditions.as_slice() {
        if let Some(rows) = measurement_time_walk::list(db, page, columns, area).await? {
            return Ok(rows);
        }
        if page.filter.from.is_some()
            && let Some(rows) = list_in_small_area(db, page, columns, area).await?
        {
            return Ok(rows);
        }
    }
    measurement_page::list(db, page, columns).await
}

/// `None` with too many measurements in the area, or after a concurrent deletion.
async fn list_in_small_area<R: MeasurementRows>(
    db: impl PgExecutor<'_> + Copy,
    page: &MeasurementPage,
    columns: MeasurementProjection,
    area: &SharedArea,
) -> Result<Option<R>, DbError> {
    let spans = CellSpans::from_area(area);
    if spans.has_coarse_cells() {
        return Ok(None);
    }
    let (entries, bound) = look_ahead(db, page, &spans).await?;
    if entries > MAX_SCANNED_ENTRIES {
        return Ok(None);
    }
    let with = ReadingsJoin::<R>::new(columns, JoinStrategy::Key, page.limit);
    let mut query = with.start();
    query.push("select ").push(columns.select()).push(" from ");
    push_each(&mut query, page, &spans, columns.select().as_str());
    if let Some(bound) = bound {
        query.push(if page.descending { " and m.measured_at >= " } else { " and m.measured_at <= " }).push_bind(bound);
    }
    query.push(" and ");
    push_exact(&mut query, area);
    query.push(") as m");
    push_order(&mut query, page.descending);
    query.push(" limit ").push_bind(page.limit);
    with.finish(&mut query);
    let rows = query.build().persistent(false).fetch_all(db).await?;
    let mut measurements = with.read(&rows)?;
    if bound.is_some() && !page.is_filled_by(measurements.row_count()) {
        return Ok(None);
    }
    measurements.sort(page.descending);
    Ok(Some(measurements))
}

/// Number of index entries, counted up to one above [`MAX_SCANNED_ENTRIES`], and the time from which on (in an
/// ascending list: up to which) there are enough entries for the page, if the area contains enough.
async fn look_ahead(
    db: impl PgExecutor<'_> + Copy,
    page: &MeasurementPage,
    spans: &CellSpans,
) -> Result<(i64, Option<DateTime<Utc>>), DbError> {
    let mut query = QueryBuilder::new("with entry as materialized (select span.inside, m.measured_at from ");
    push_each(&mut query, page, spans, "m.measured_at");
    query.push(") as m limit ").push_bind(MAX_SCANNED_ENTRIES + 1);
    query.push(") select (select count(*) from entry), (select measured_at from entry where inside");
    // Measurements at the exact time of a cursor may or may not belong to the page.
    for key in [page.after, page.before].into_iter().flatten() {
        query.push(" and measured_at <> ").push_bind(key.measured_at);
    }
    query.push(if page.descending { " order by measured_at desc" } else { " order by measured_at" });
    query.push(" limit 1 offset ").push_bind((page.limit - 1).max(0)).push(")");
    Ok(query.build_query_as().persistent(false).fetch_one(db).await?)
}

/// Begins a select of the entries between the ends of the page in each range of cells. Isolated from the rest of the
/// statement by a fence: Postgres doesn't know how narrow the ranges are.
fn push_each(query: &mut QueryBuilder<Postgres>, page: &MeasurementPage, spans: &CellSpans, columns: &str) {
    let each = || spans.inside.iter().map(|span| (span, true)).chain(spans.border.iter().map(|span| (span, false)));
    query.push("unnest(").push_bind(each().map(|(span, _)| span.0).collect::<Vec<_>>());
    query.push("::bigint[], ").push_bind(each().map(|(span, _)| span.1).collect::<Vec<_>>());
    query.push("::bigint[], ").push_bind(each().map(|(_, inside)| inside).collect::<Vec<_>>());
    query.push("::boolean[]) as span (low, high, inside) cross join lateral (select ").push(columns);
    query.push(FENCE).push(" from measurement m where m.cell between span.low and span.high");
    push_span(query, "m.measured_at", page.filter.from, page.filter.to);
    push_cursors(query, page);
}
