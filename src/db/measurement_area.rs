//! An area as SQL conditions: ranges of cells, which the index on `cell` serves, and the exact test.

use h3o::{CellIndex, Resolution};
use sqlx::{Postgres, QueryBuilder};

use crate::domain::{
    area::{Area, BoundingBox, Circle, Edge, LongitudeBands, Polygon, SharedArea},
    cell::{STORED_RESOLUTION, child_ranges},
};

/// Maximum number of ranges for an index scan. More ranges exclude few further rows, and each costs an index descent
/// per month.
const MAX_SPANS: usize = 64;

/// Maximum number of cells that sort measurements into inside, outside and border of a polygon.
const MAX_TEST_CELLS: usize = 1000;

/// The coarsest cells of a small area: about 36 km², smaller than a county.
const MIN_SMALL_AREA_RESOLUTION: Resolution = Resolution::Six;

/// Ranges of stored cells that cover an area, both ends inclusive.
pub(super) struct CellSpans {
    /// Ranges of cells that lie entirely inside.
    pub inside: Vec<(i64, i64)>,
    /// Ranges of cells at the border.
    pub border: Vec<(i64, i64)>,
    all: Vec<(i64, i64)>,
    has_coarse_cells: bool,
}

impl CellSpans {
    /// Ranges that cover an area.
    pub fn from_area(area: &SharedArea) -> Self {
        let cover = area.cover(STORED_RESOLUTION, MAX_SPANS);
        let spans = |cells: &[CellIndex]| child_ranges(cells, STORED_RESOLUTION);
        let all = [&*cover.inside, &*cover.border].concat();
        Self {
            inside: spans(&cover.inside),
            border: spans(&cover.border),
            has_coarse_cells: all.iter().any(|cell| cell.resolution() < MIN_SMALL_AREA_RESOLUTION),
            all: spans(&all),
        }
    }

    /// Whether the area is the size of a country rather than of a town.
    pub fn has_coarse_cells(&self) -> bool {
        self.has_coarse_cells
    }
}

/// Pushes the condition that measurement `m` lies in an area; null without a position.
pub(super) fn push_area(query: &mut QueryBuilder<Postgres>, area: &SharedArea) {
    let spans = CellSpans::from_area(area);
    query.push("((false");
    for (first, last) in &spans.all {
        query.push(" or m.cell between ").push_bind(*first).push(" and ").push_bind(*last);
    }
    query.push(") and ");
    push_exact(query, area);
    query.push(")");
}

/// Pushes the condition that a measurement `m` within the ranges of an area lies in it.
pub(super) fn push_exact(query: &mut QueryBuilder<Postgres>, area: &SharedArea) {
    match &**area {
        Area::BoundingBox(area) => push_box(query, *area),
        Area::Circle(area) => push_circle(query, *area),
        Area::Polygon(polygon) => {
            // Edges are counted only for measurements in cells at the border. The more edges, the finer these cells.
            let cells = polygon.edges().len().clamp(MAX_SPANS, MAX_TEST_CELLS);
            let cover = area.cover(STORED_RESOLUTION, cells);
            query.push("(");
            push_cells(query, &child_ranges(&cover.inside, STORED_RESOLUTION));
            query.push(" or (");
            push_cells(query, &child_ranges(&cover.border, STORED_RESOLUTION));
            query.push(" and ");
            push_polygon(query, polygon);
            query.push("))");
        }
        Area::Cells(area) => push_cells(query, area.ranges()),
    }
}

fn push_box(query: &mut QueryBuilder<Postgres>, area: BoundingBox) {
    let ((south, north), (west, east)) = (area.latitudes(), area.longitudes());
    query.push("m.latitude between ").push_bind(south).push(" and ").push_bind(north);
    let word = if west <= east { "and" } else { "or" };
    query.push(" and (m.longitude >= ").push_bind(west);
    query.push(format!(" {word} m.longitude <= ")).push_bind(east).push(")");
}

/// The same comparison of haversines as in [`Circle::contains`].
fn push_circle(query: &mut QueryBuilder<Postgres>, area: Circle) {
    let (north, east) = (area.centre().latitude(), area.centre().longitude());
    query.push("power(sin((radians(m.latitude) - ").push_bind(north.to_radians()).push(") / 2), 2) + ");
    query.push_bind(north.to_radians().cos()).push(" * cos(radians(m.latitude)) * power(sin(radians(m.longitude - ");
    query.push_bind(east).push(") / 2), 2) <= ").push_bind(area.haversine());
}

/// The same edge count as in [`Polygon::contains`], over the edges in the band of the measurement's longitude.
fn push_polygon(query: &mut QueryBuilder<Postgres>, area: &Polygon) {
    let LongitudeBands { starts, offsets, edges } = area.bands();
    let offsets: Vec<_> = offsets.iter().map(|&at| i32::try_from(at).unwrap_or(i32::MAX)).collect();
    let numbers = |of: fn(&Edge) -> f64| edges.iter().map(of).collect::<Vec<_>>();
    // Postgres merges both subqueries and looks the band up for each column, which costs as much as a fence.
    query.push("(select count(*) % 2 = 1 from (select 1 + width_bucket(m.longitude, ").push_bind(starts.clone());
    query.push("::float8[]) as number) as band cross join lateral (select (").push_bind(offsets.clone());
    query.push("::int[])[number] + 1 as first, (").push_bind(offsets).push("::int[])[number + 1] as last) as ends");
    query.push(" cross join lateral unnest(");
    let columns: [fn(&Edge) -> f64; 4] = [|edge| edge.from.0, |edge| edge.from.1, |edge| edge.to.0, |edge| edge.to.1];
    for (at, column) in columns.into_iter().enumerate() {
        query.push(if at == 0 { "(" } else { ", (" }).push_bind(numbers(column)).push("::float8[])[first:last]");
    }
    query.push(
        ") as edge (from_north, from_east, to_north, to_east)
         where m.latitude is not null and (from_east <= m.longitude) <> (to_east <= m.longitude)
           and m.latitude < from_north + (m.longitude - from_east) * (to_north - from_north)
               / nullif(to_east - from_east, 0))",
    );
}

/// One multirange value, built once and searched by bisection, however many ranges there are.
fn push_cells(query: &mut QueryBuilder<Postgres>, ranges: &[(i64, i64)]) {
    let (first, last): (Vec<_>, Vec<_>) = ranges.iter().copied().unzip();
    query.push("m.cell <@ (select range_agg(int8range(first, last, '[]')) from unnest(").push_bind(first);
    query.push("::bigint[], ").push_bind(last).push("::bigint[]) as span (first, last))");
}
