//! What a request may cost. Every field costs 1; a list costs its page size times what a row of it costs, so that
//! nesting lists is paid for before a single statement runs.

use super::page::DEFAULT_PAGE;

/// The dearest request: a full page of 10,000 measurements with twenty fields each.
pub const MAX: usize = 250_000;

/// Why a request is refused that would cost so much more.
#[must_use]
pub fn too_dear(cost: usize) -> String {
    format!(
        "the request would cost more than {MAX}, namely {cost}; every field costs 1, a list its page size times what a row \
         costs: ask for smaller pages"
    )
}

/// The deepest selection: GraphiQL's introspection takes 13 levels.
pub const MAX_DEPTH: usize = 15;

/// Statistics that a question has, as a rule: how many there will be only the database can tell.
const STATISTICS: usize = 100;
/// Cells that a map has, as a rule.
const CELLS: usize = 2000;

/// The cost of statistics.
#[must_use]
pub fn of_statistics(child: usize) -> usize {
    STATISTICS.saturating_mul(child).saturating_add(1)
}

/// The cost of a map.
#[must_use]
pub fn of_cells(child: usize) -> usize {
    CELLS.saturating_mul(child).saturating_add(1)
}

/// The cost of a page of a list.
#[must_use]
pub fn of_page(first: Option<i32>, last: Option<i32>, child: usize) -> usize {
    let rows = first.or(last).map_or(DEFAULT_PAGE, |rows| usize::try_from(rows).unwrap_or(0));
    rows.saturating_mul(child).saturating_add(1)
}

/// The cost of checking an argument with so many points, which is done for each parent anew: ten cost as much as a field.
#[must_use]
pub fn of_points(points: usize) -> usize {
    points / 10
}
