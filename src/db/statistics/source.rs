//! Chooses where statistics are read from.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::StatisticsQuery;
use crate::domain::{
    area::{Cover, SharedArea},
    cell::ROLLUP_RESOLUTION,
    filter::{Condition, Filter},
    quantity::Group,
    rollup::hour_of,
    statistics::hour_at_or_after,
    time_zone::Offsets,
    validity::CountedValues,
};

/// Maximum number of cells that cover an area. With more cells, fewer rows are read at its border.
const MAX_CELLS: usize = 4000;

/// A half-open time span; an end that is `None` is unbounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TimeSpan {
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

/// What is read.
#[derive(Debug)]
pub(super) enum Source {
    /// Only rows.
    Rows,
    /// Rollups of these hours, and rows of the remainders at both ends of the span.
    Rollups { table: RollupTable, hours: TimeSpan, rest: Vec<TimeSpan> },
}

/// A rollup table.
#[derive(Debug)]
pub(super) enum RollupTable {
    /// `device_hour`.
    Devices,
    /// `cell_hour`: of all cells, or of those inside an area; at its border the rows themselves are read.
    Cells(Option<Arc<Cover>>),
}

impl Source {
    /// The spans of which measurements are read.
    pub(super) fn row_spans(&self, filter: &Filter) -> Vec<TimeSpan> {
        match self {
            Self::Rows => vec![TimeSpan { from: filter.from, to: filter.to }],
            Self::Rollups { table, hours, rest } => {
                let reads_border =
                    matches!(table, RollupTable::Cells(Some(cover)) if !cover.border.is_empty()).then_some(*hours);
                rest.iter().copied().chain(reads_border).collect()
            }
        }
    }
}

/// The cheapest exact source.
pub(super) fn choose_source(query: &StatisticsQuery) -> Source {
    let Some(table) = choose_rollup_table(query) else { return Source::Rows };
    let (from, to) = (query.filter.from, query.filter.to);
    let hours = TimeSpan { from: from.map(hour_at_or_after), to: to.map(hour_of) };
    if hours.from.zip(hours.to).is_some_and(|(from, to)| from >= to) {
        return Source::Rows;
    }
    let rest = [TimeSpan { from, to: hours.from }, TimeSpan { from: hours.to, to }];
    let is_nonempty = |span: &TimeSpan| span.from.is_some() && span.to.is_some() && span.from != span.to;
    Source::Rollups { table, hours, rest: rest.into_iter().filter(is_nonempty).collect() }
}

/// The rollup that can answer the query, if any: only whole hours, valid values of particulates, and filters that don't
/// split the rows by value.
fn choose_rollup_table(query: &StatisticsQuery) -> Option<RollupTable> {
    if query.counted == CountedValues::All || query.invalid_counts {
        return None;
    }
    let whole = |&time: &DateTime<Utc>| hour_of(time) == time;
    let of_whole_hours = |offsets: &Offsets| {
        offsets.changes.iter().all(whole) && offsets.seconds.iter().all(|offset| offset % 3600 == 0)
    };
    let clocks = [&query.by_hour_of_day, &query.by_day_of_week];
    let summed_up = query
        .quantities
        .iter()
        .all(|(quantity, percentiles)| percentiles.is_empty() && quantity.definition().group == Group::Air);
    if !summed_up || !query.bounds.iter().all(whole) || !clocks.into_iter().flatten().all(of_whole_hours) {
        return None;
    }
    let area: Option<&SharedArea> = match query.filter.conditions.as_slice() {
        [] => None,
        [Condition::Within(area)] => Some(area),
        _ => return None,
    };
    match (area, query.by_cell) {
        (None, None) => Some(RollupTable::Devices),
        _ if query.by_device || query.filter.devices.is_some() => None,
        (_, Some(resolution)) if resolution > ROLLUP_RESOLUTION => None,
        (area, _) => Some(RollupTable::Cells(area.map(|area| area.cover(ROLLUP_RESOLUTION, MAX_CELLS)))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::TimeDelta;
    use h3o::Resolution;

    use super::{super::EmptyBuckets, *};
    use crate::domain::{
        area::{Area, Cells},
        quantity::Quantity,
        statistics::Percentile,
    };

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    /// PM2.5 of April, from 00:15.
    fn query() -> StatisticsQuery {
        let (from, to) = (at("2026-04-01T00:15:00Z"), at("2026-05-01T00:00:00Z"));
        StatisticsQuery {
            filter: Filter { from: Some(from), to: Some(to), ..Filter::default() },
            bounds: Vec::new(),
            empty_buckets: EmptyBuckets::Omit,
            by_device: false,
            by_cell: None,
            by_hour_of_day: None,
            by_day_of_week: None,
            coverage: false,
            counted: CountedValues::Valid,
            invalid_counts: false,
            quantities: [(Quantity::Pm2_5, BTreeSet::new())].into(),
        }
    }

    fn one_cell() -> Area {
        Area::Cells(Cells::try_new(&["8001fffffffffff".to_owned()]).expect("cells"))
    }

    #[test]
    fn whole_hours_are_read_from_the_rollup_and_the_rest_from_rows() {
        let Source::Rollups { table: RollupTable::Devices, hours, rest } = choose_source(&query()) else {
            panic!("rollups")
        };
        let hour = Some(at("2026-04-01T01:00:00Z"));
        assert_eq!(hours, TimeSpan { from: hour, to: query().filter.to });
        assert_eq!(rest, [TimeSpan { from: query().filter.from, to: hour }]);
    }

    #[test]
    fn map_of_an_area_is_read_from_the_cell_rollup() {
        let mut query = query();
        query.by_cell = Some(Resolution::Nine);
        assert!(matches!(choose_source(&query), Source::Rollups { table: RollupTable::Cells(None), .. }));
        query.filter.conditions.push(Condition::Within(one_cell().into()));
        let Source::Rollups { table: RollupTable::Cells(Some(cover)), .. } = choose_source(&query) else {
            panic!("rollups")
        };
        assert_eq!((cover.inside.len(), cover.border.len()), (1, 0));
    }

    /// Name of a change to the query, and the change.
    type Change<'a> = (&'a str, &'a dyn Fn(&mut StatisticsQuery));

    #[test]
    fn queries_rollups_cannot_answer_are_read_from_rows() {
        let quarter = Offsets { changes: Vec::new(), seconds: vec![20_700] };
        let changes: [Change<'_>; 11] = [
            ("within an hour", &|query| query.filter.to = query.filter.from.map(|from| from + TimeDelta::minutes(30))),
            ("buckets of parts of an hour", &|query| query.bounds = vec![at("2026-04-01T00:15:00Z")]),
            ("clocks at a quarter past", &|query| query.by_hour_of_day = Some(quarter.clone())),
            ("a percentile", &|query| {
                query.quantities.entry(Quantity::Pm10).or_default().extend(Percentile::try_new(50.0));
            }),
            ("another quantity", &|query| drop(query.quantities.insert(Quantity::Humidity, BTreeSet::new()))),
            ("another condition", &|query| query.filter.conditions.push(Condition::Any(Vec::new()))),
            ("invalid values too", &|query| query.counted = CountedValues::All),
            ("the number of invalid values", &|query| query.invalid_counts = true),
            ("finer cells", &|query| query.by_cell = Some(Resolution::Ten)),
            ("cells and devices", &|query| (query.by_cell, query.by_device) = (Some(Resolution::Five), true)),
            ("cells of devices", &|query| {
                (query.by_cell, query.filter.devices) = (Some(Resolution::Five), Some(Vec::new()));
            }),
        ];
        for (what, change) in changes {
            let mut query = query();
            change(&mut query);
            assert!(matches!(choose_source(&query), Source::Rows), "{what}");
        }
    }
}
