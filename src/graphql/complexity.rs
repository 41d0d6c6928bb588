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

/// Why a subscription is refused whose events would cost too much.
#[must_use]
pub fn too_dear_an_event(cost: usize) -> String {
    format!(
        "each event would cost more than {MAX_OF_AN_EVENT}, namely {cost}: subscribe to less of it, and query the rest when \
         it is needed"
    )
}

/// The dearest event: what is told again and again may not cost what is asked once.
pub const MAX_OF_AN_EVENT: usize = 10_000;

/// The most that is told of events at once, so that none keeps a processor for long: as much as a page of a thousand rows.
const MAX_OF_EVENTS: usize = 50_000;
/// Events that are told at once at most. All look-ups for them are one statement a kind; more at once would only take more
/// memory.
const MAX_EVENTS: usize = 500;

/// How many events can be told at once that cost so much each.
#[must_use]
pub fn events_at_once(cost: usize) -> usize {
    (MAX_OF_EVENTS / cost.max(1)).clamp(1, MAX_EVENTS)
}

/// The cost of an area in a filter of devices, for which the positions of all of them are read.
pub const AREA_OF_DEVICES: usize = 100;

/// The cost of the newest measurement with a quantity, for which up to 10,000 are read.
pub const LATEST_OF_QUANTITY: usize = 50;

/// The cost of a list of the newest rides, for which up to 100,000 samples are read and cut.
pub const NEWEST_TRIPS: usize = 10_000;

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

/// Items that a series has at most; as it holds all hours of its span, the price is that of the longest one.
pub const MAX_SERIES: usize = 1000;

/// The cost of a series.
#[must_use]
pub fn of_series(child: usize) -> usize {
    MAX_SERIES.saturating_mul(child).saturating_add(1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearer_events_are_the_fewer_are_told_at_once() {
        assert_eq!((events_at_once(0), events_at_once(10)), (MAX_EVENTS, MAX_EVENTS));
        assert_eq!((events_at_once(500), events_at_once(MAX_OF_AN_EVENT)), (100, 5));
        assert_eq!(events_at_once(usize::MAX), 1);
    }
}
