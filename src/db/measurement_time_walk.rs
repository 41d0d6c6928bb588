//! Lists of the newest measurements in an area, read in the order of time.
//!
//! Where a large part of the newest measurements lies in the area, reading those and testing each is much cheaper than
//! the index on cells. A first short walk shows how many of them do. Its statement has one plan for all pages and
//! areas, so it costs little where it leads to nothing.

use sqlx::{PgExecutor, Postgres, QueryBuilder};

use super::{
    DbError,
    measurement_area::push_exact,
    measurement_filter::push_span,
    measurement_page::{MeasurementPage, push_cursors, push_order},
    measurement_projection::MeasurementProjection,
    measurement_readings::{JoinStrategy, MeasurementRows, ReadingsJoin},
};
use crate::domain::area::SharedArea;

/// Measurements of the first walk for each one of the page.
const FIRST_WALK_FACTOR: i64 = 2;
/// Maximum number of measurements of the second walk for each one of the page.
const MAX_SECOND_WALK_FACTOR: i64 = 40;
/// A second walk is tried if it probably takes up to this multiple of the maximum. Rides come in crowds, so a page may be
/// full much sooner, and a walk in vain costs a fourth of the search by cells.
const CROWD_FACTOR: i64 = 4;
/// Maximum number of measurements that a walk needs. Beyond it, the index on cells is about as fast.
const MAX_WALK: i64 = 10_000;

/// A page of the measurements in an area; `None` when too few of those at its beginning lie in the area, or the page is
/// large.
///
/// # Errors
/// When the database fails.
pub(super) async fn list<R: MeasurementRows>(
    db: impl PgExecutor<'_> + Copy,
    page: &MeasurementPage,
    columns: MeasurementProjection,
    area: &SharedArea,
) -> Result<Option<R>, DbError> {
    let needed = page.limit.saturating_mul(FIRST_WALK_FACTOR);
    if needed > MAX_WALK {
        return Ok(None);
    }
    let first = length(needed);
    let rows: R = walk(db, page, columns, area, first).await?;
    if page.is_filled_by(rows.row_count()) {
        return Ok(Some(rows));
    }
    let Some(second) = second_length(page.limit, first, rows.row_count()) else { return Ok(None) };
    let rows: R = walk(db, page, columns, area, second).await?;
    Ok(page.is_filled_by(rows.row_count()).then_some(rows))
}

/// The length of a second walk that probably finds a full page, if that is worth while.
fn second_length(limit: i64, first: i64, found: usize) -> Option<i64> {
    let found = i64::try_from(found).ok().filter(|&found| found > 0)?;
    let expected = first.saturating_mul(limit) / found;
    let needed = expected.saturating_add(expected / 4); // they are not evenly distributed
    let longest = limit.saturating_mul(MAX_SECOND_WALK_FACTOR).min(MAX_WALK);
    (expected <= longest.saturating_mul(CROWD_FACTOR)).then(|| length(needed.min(longest)))
}

/// Few different lengths, since each is in the text of a statement of its own.
fn length(rows: i64) -> i64 {
    rows.max(16).unsigned_abs().next_power_of_two().try_into().unwrap_or(i64::MAX)
}

/// The measurements in an area among this many at the beginning of the list, up to the limit of the page.
async fn walk<R: MeasurementRows>(
    db: impl PgExecutor<'_>,
    page: &MeasurementPage,
    columns: MeasurementProjection,
    area: &SharedArea,
    length: i64,
) -> Result<R, DbError> {
    let with = ReadingsJoin::<R>::new(columns, JoinStrategy::Key, page.limit);
    let mut query = with.start();
    push_walk(&mut query, page, columns, area, length);
    with.finish(&mut query);
    let rows = query.build().fetch_all(db).await?;
    let mut measurements = with.read(&rows)?;
    measurements.sort(page.descending);
    Ok(measurements)
}

fn push_walk(
    query: &mut QueryBuilder<Postgres>,
    page: &MeasurementPage,
    columns: MeasurementProjection,
    area: &SharedArea,
    length: i64,
) {
    query.push("select ").push(columns.select()).push(" from (select m.* from measurement m where true");
    push_span(query, "m.measured_at", page.filter.from, page.filter.to);
    push_cursors(query, page);
    push_order(query, page.descending);
    query.push(format!(" limit {length}) as m where m.cell is not null and "));
    push_exact(query, area);
    push_order(query, page.descending); // the rows are already in this order, so this is free
    query.push(" limit ").push_bind(page.limit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_walk_is_long_enough_for_the_share_that_was_found() {
        assert_eq!(second_length(100, 256, 50), Some(1024), "640 rows are needed");
        assert_eq!(second_length(100, 256, 2), Some(4096), "the maximum");
        assert_eq!(second_length(100, 256, 1), None, "too few lie in the area");
        assert_eq!(second_length(100, 256, 0), None);
        assert_eq!(second_length(1000, 2048, 40), None, "more than a walk may read");
    }

    #[test]
    fn pages_of_similar_size_share_a_statement() {
        assert_eq!(length(1), 16);
        assert_eq!(length(200), length(256));
        assert_eq!(length(257), 512);
    }
}
