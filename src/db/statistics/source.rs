//! Where the answer to a question of statistics is read from.

use chrono::{DateTime, Utc};

use super::Question;
use crate::domain::{
    area::{Area, Cover},
    cell::ROLLUP_RESOLUTION,
    filter::Condition,
    quantity::Group,
    rollup::hour_of,
    statistics::hour_from,
    time_zone::Offsets,
};

/// Cells that an area is covered with at most. The more, the fewer rows are read at its rim.
const MOST_CELLS: usize = 4000;

/// A span of time, half open; an end that is missing is as far as there are measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

/// What is read.
#[derive(Debug)]
pub(super) enum Source {
    /// Rows alone.
    Rows,
    /// Rollups of these hours, and rows of what is left at both ends of the span.
    Rollups { table: Table, hours: Span, rest: Vec<Span> },
}

/// The rollups.
#[derive(Debug)]
pub(super) enum Table {
    /// `device_hour`.
    Devices,
    /// `cell_hour`: of all cells, or of those inside an area; the rows at its rim are read themselves.
    Cells(Option<Cover>),
}

/// The cheapest source that is exact.
pub(super) fn of(question: &Question) -> Source {
    let Some(table) = table(question) else { return Source::Rows };
    let (from, to) = (question.filter.from, question.filter.to);
    let hours = Span { from: from.map(hour_from), to: to.map(hour_of) };
    if hours.from.zip(hours.to).is_some_and(|(from, to)| from >= to) {
        return Source::Rows;
    }
    let rest = [Span { from, to: hours.from }, Span { from: hours.to, to }];
    let is_left = |span: &Span| span.from.is_some() && span.to.is_some() && span.from != span.to;
    Source::Rollups { table, hours, rest: rest.into_iter().filter(is_left).collect() }
}

/// The rollup that can tell what is asked, if any: of whole hours, of particulates, of everything that the filter doesn't
/// part by value.
fn table(question: &Question) -> Option<Table> {
    let whole = |&time: &DateTime<Utc>| hour_of(time) == time;
    let of_whole_hours = |offsets: &Offsets| {
        offsets.changes.iter().all(whole) && offsets.seconds.iter().all(|offset| offset % 3600 == 0)
    };
    let clocks = [&question.by_hour_of_day, &question.by_day_of_week];
    let summed_up = question
        .quantities
        .iter()
        .all(|(quantity, percentiles)| percentiles.is_empty() && quantity.definition().group == Group::Air);
    if !summed_up || !question.bounds.iter().all(whole) || !clocks.into_iter().flatten().all(of_whole_hours) {
        return None;
    }
    let area: Option<&Area> = match question.filter.conditions.as_slice() {
        [] => None,
        [Condition::Within(area)] => Some(area),
        _ => return None,
    };
    match (area, question.by_cell) {
        (None, None) => Some(Table::Devices),
        _ if question.by_device || question.filter.devices.is_some() => None,
        (_, Some(resolution)) if resolution > ROLLUP_RESOLUTION => None,
        (area, _) => Some(Table::Cells(area.map(|area| area.cover(ROLLUP_RESOLUTION, MOST_CELLS)))),
    }
}
