//! The statement behind statistics: parts (rows, or hours of a rollup, or both), grouped and summed up.

use h3o::Resolution;
use sqlx::{Postgres, QueryBuilder};

use super::{
    StatisticsQuery,
    source::{RollupTable, Source, TimeSpan},
};
use crate::{
    db::{
        device::to_bigints,
        measurement::as_decimal,
        measurement_filter::{push_filter, push_span},
        readings,
        validity::{has_valid_position, is_invalid, is_valid},
    },
    domain::{
        cell::{ROLLUP_RESOLUTION, STORED_RESOLUTION, ancestor_masks, child_ranges},
        filter::Filter,
        quantity::{Group, Quantity},
        time_zone::Offsets,
        validity::{CountedValues, at_valid_positions},
    },
};

type Statement = QueryBuilder<Postgres>;

/// The statement. Its columns: what it is grouped by, the count, the hours, and for each quantity count, mean, standard
/// deviation, minimum, maximum, number of invalid values and percentiles.
pub(super) fn build_statement(question: &StatisticsQuery, source: &Source, limit: usize) -> Statement {
    let mut statement = Statement::new("select ");
    let groups = push_groups(&mut statement, question);
    let from_rows = matches!(source, Source::Rows);
    statement.push(if from_rows { "count(*)" } else { "sum(n)::bigint" });
    if question.coverage {
        statement.push(", count(distinct date_trunc('hour', at, 'UTC')) filter (where covers)");
    }
    for (place, percentiles) in question.quantities.values().enumerate() {
        if from_rows {
            push_row_aggregates(&mut statement, place, question.counted);
        } else {
            push_merged_aggregates(&mut statement, place);
        }
        if question.invalid_counts {
            statement.push(format!(", count(i{place})"));
        }
        if !percentiles.is_empty() {
            let fractions: Vec<_> = percentiles.iter().map(|percentile| percentile.fraction()).collect();
            statement.push(", percentile_cont(").push_bind(fractions);
            statement.push(format!("::float8[]) within group (order by v{place})"));
        }
    }
    statement.push(" from (");
    match source {
        Source::Rows => {
            let span = TimeSpan { from: question.filter.from, to: question.filter.to };
            push_rows(&mut statement, question, span, None, false);
        }
        Source::Rollups { table, hours, rest } => {
            push_partial_aggregates(&mut statement, question, table, *hours, rest);
        }
    }
    statement.push(") as part");
    if groups > 0 {
        let places: Vec<_> = (1..=groups).map(|place| place.to_string()).collect();
        let places = places.join(", ");
        statement.push(format!(" group by {places} order by {places}"));
    } else {
        statement.push(" having count(*) > 0");
    }
    statement.push(" limit ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    statement
}

/// What tells groups apart, each a bigint; gives their number.
fn push_groups(statement: &mut Statement, question: &StatisticsQuery) -> usize {
    let mut groups = 0;
    let mut next = || groups += 1;
    if question.bounds.len() > 1 {
        statement.push("width_bucket(at, ").push_bind(question.bounds.clone()).push("::timestamptz[])::bigint, ");
        next();
    }
    if question.by_device {
        statement.push("device_id, ");
        next();
    }
    if question.by_cell.is_some() {
        statement.push("cell, ");
        next();
    }
    for (field, offsets) in [("hour", &question.by_hour_of_day), ("isodow", &question.by_day_of_week)] {
        if let Some(offsets) = offsets {
            push_clock(statement, field, offsets);
            next();
        }
    }
    groups
}

/// A field of what clocks show at the time of a part.
fn push_clock(statement: &mut Statement, field: &str, offsets: &Offsets) {
    statement.push(format!("extract({field} from (at + interval '1 s' * ("));
    statement.push_bind(offsets.seconds.clone()).push("::int[])[1 + width_bucket(at, ");
    statement.push_bind(offsets.changes.clone()).push("::timestamptz[])]) at time zone 'UTC')::bigint, ");
}

fn push_row_aggregates(statement: &mut Statement, place: usize, counted: CountedValues) {
    // Postgres' own aggregate of deviations stays exact where values are large and differ little.
    let (mean, deviation) = match counted {
        CountedValues::Valid => (format!("avg(v{place})"), format!("stddev_samp(v{place})")),
        CountedValues::All => (without_overflow("avg", place), without_overflow("stddev_samp", place)),
    };
    statement.push(format!(", count(v{place}), {mean}, {deviation}, min(v{place}), max(v{place})"));
}

/// An aggregate of values of any size. The squares of values beyond 1e150 would be an error of Postgres, so with such a value
/// all are scaled down before.
fn without_overflow(aggregate: &str, place: usize) -> String {
    format!(
        "case when count(v{place}) = 0 then null
              when greatest(max(v{place}), -min(v{place})) < 1e150
              then {aggregate}(v{place}) filter (where v{place} > -1e150 and v{place} < 1e150)
              else least({aggregate}(v{place} * 1e-160::float8), 1.79e148) * 1e160::float8 end"
    )
}

fn push_merged_aggregates(statement: &mut Statement, place: usize) {
    // Values that are all the same differ by nothing, whatever their sums were rounded to.
    statement.push(format!(
        ", coalesce(sum(c{place}), 0)::bigint, sum(s{place}) / nullif(sum(c{place}), 0),
           case when sum(c{place}) < 2 then null
                when min(l{place}) = max(h{place}) then 0
                else sqrt(greatest(sum(q{place}) - sum(s{place}) * sum(s{place}) / sum(c{place}), 0)
                          / (sum(c{place}) - 1)) end,
           min(l{place}), max(h{place})"
    ));
}

/// Hours of a rollup, and rows where it can't tell.
fn push_partial_aggregates(
    statement: &mut Statement,
    question: &StatisticsQuery,
    table: &RollupTable,
    hours: TimeSpan,
    rest: &[TimeSpan],
) {
    push_rollup(statement, question, table, hours);
    if let RollupTable::Cells(Some(cover)) = table
        && !cover.border.is_empty()
    {
        statement.push(" union all ");
        push_rows(statement, question, hours, Some(child_ranges(&cover.border, STORED_RESOLUTION)), true);
    }
    for &span in rest {
        statement.push(" union all ");
        push_rows(statement, question, span, None, true);
    }
}

fn push_rollup(statement: &mut Statement, question: &StatisticsQuery, table: &RollupTable, hours: TimeSpan) {
    statement.push("select r.hour as at, ");
    if question.by_device {
        statement.push("r.device_id, ");
    }
    push_cell(statement, "r.cell", ROLLUP_RESOLUTION, question.by_cell);
    statement.push("r.count as n");
    if question.coverage {
        statement.push(", r.count > r.invalid_count as covers");
    }
    for (place, quantity) in question.quantities.keys().enumerate() {
        let name = quantity.definition().name;
        statement.push(format!(
            ", r.{name}_count as c{place}, r.{name}_sum as s{place}, r.{name}_sum_of_squares as q{place},
               r.{name}_min::float8 as l{place}, r.{name}_max::float8 as h{place}"
        ));
    }
    match table {
        RollupTable::Devices => {
            statement.push(" from device_hour r where true");
            push_devices(statement, "r", &question.filter);
            push_span(statement, "r.hour", hours.from, hours.to);
        }
        RollupTable::Cells(None) => {
            statement.push(" from cell_hour r where true");
            push_span(statement, "r.hour", hours.from, hours.to);
        }
        RollupTable::Cells(Some(cover)) => {
            push_each_range(statement, "cell_hour r", "r.hour", child_ranges(&cover.inside, ROLLUP_RESOLUTION), hours);
            statement.push(" as r");
        }
    }
}

/// Rows that the filter lets through, of a span and perhaps of some ranges of cells: their values, or as parts of one row.
fn push_rows(
    statement: &mut Statement,
    question: &StatisticsQuery,
    span: TimeSpan,
    cells: Option<Vec<(i64, i64)>>,
    as_parts: bool,
) {
    statement.push("select m.measured_at as at, ");
    if question.by_device {
        statement.push("m.device_id, ");
    }
    push_cell(statement, "m.cell", STORED_RESOLUTION, question.by_cell);
    statement.push("1 as n");
    if question.coverage {
        let covers = match question.counted {
            CountedValues::Valid => format!("({}) is not true", is_invalid()),
            CountedValues::All => "true".to_owned(),
        };
        statement.push(format!(", {covers} as covers"));
    }
    for (place, &quantity) in question.quantities.keys().enumerate() {
        let value = value(quantity, question.counted);
        statement.push(if as_parts {
            format!(
                ", ({value} is not null)::int as c{place}, {value} as s{place}, ({value}) ^ 2 as q{place},
                   {value} as l{place}, {value} as h{place}"
            )
        } else {
            format!(", {value} as v{place}")
        });
        if question.invalid_counts {
            statement
                .push(format!(", case when not ({}) then 1 end as i{place}", is_valid(&column(quantity), quantity)));
        }
    }
    let mut filter = Filter { from: span.from, to: span.to, ..question.filter.clone() };
    if question.counted == CountedValues::Valid {
        filter.conditions = at_valid_positions(&filter.conditions);
    }
    if let Some(cells) = cells {
        push_each_range(statement, "measurement m", "m.measured_at", cells, span);
        statement.push(" as m");
        (filter.from, filter.to) = (None, None); // seen to
    } else {
        statement.push(" from measurement m");
    }
    for group in readings::SIDE_TABLE_GROUPS {
        if question.quantities.keys().any(|quantity| quantity.definition().group == group) {
            let table = readings::table(group);
            statement.push(format!(
                " left join {table} on {table}.device_id = m.device_id and {table}.measured_at = m.measured_at
                  and {table}.seq = m.seq"
            ));
            push_span(statement, &format!("{table}.measured_at"), span.from, span.to); // so that other months are left alone
        }
    }
    statement.push(" where true");
    if question.by_cell.is_some() {
        statement.push(" and m.cell is not null");
        if question.counted == CountedValues::Valid {
            statement.push(" and ").push(has_valid_position());
        }
    }
    push_devices(statement, "m", &question.filter);
    push_filter(statement, &filter);
}

/// The value of a quantity in a row, null where it does not count: of particulates, which are kept as 32-bit floats, the
/// decimal that was sent.
fn value(quantity: Quantity, counted: CountedValues) -> String {
    let column = column(quantity);
    let value = match quantity.definition().group {
        Group::Air => as_decimal(&column),
        Group::Weather | Group::Ambient | Group::Motion | Group::Status => column.clone(),
    };
    match counted {
        CountedValues::Valid => format!("case when {} then {value} end", is_valid(&column, quantity)),
        CountedValues::All => value,
    }
}

/// The column of a quantity.
fn column(quantity: Quantity) -> String {
    let definition = quantity.definition();
    match definition.group {
        Group::Air => format!("m.{}", definition.name),
        group => format!("{}.{}", readings::table(group), definition.name),
    }
}

/// The ancestor of a cell at a resolution, where one is asked for: an index holds those of all its ancestors.
fn push_cell(statement: &mut Statement, cell: &str, resolution: Resolution, wanted: Option<Resolution>) {
    match wanted {
        Some(wanted) if wanted < resolution => {
            let (keep, set) = ancestor_masks(wanted);
            statement.push(format!("({cell} & ")).push_bind(keep).push(") | ").push_bind(set).push(" as cell, ");
        }
        Some(_) => {
            statement.push(format!("{cell} as cell, "));
        }
        None => {}
    }
}

/// The rows of a table, told with the name it goes by, in each of these ranges of cells and in a span of its time. Apart from
/// the rest of the statement (`offset 0`): Postgres knows nothing of the ranges, and would rather read the whole month once
/// and hold each row against all of them.
fn push_each_range(statement: &mut Statement, table: &str, time: &str, ranges: Vec<(i64, i64)>, span: TimeSpan) {
    let (first, last): (Vec<_>, Vec<_>) = ranges.into_iter().unzip();
    statement.push(" from unnest(").push_bind(first).push("::bigint[], ").push_bind(last);
    statement.push(format!(
        "::bigint[]) as range (low, high)
         cross join lateral (select * from {table} where cell between range.low and range.high"
    ));
    push_span(statement, time, span.from, span.to);
    statement.push(" offset 0)");
}

fn push_devices(statement: &mut Statement, table: &str, filter: &Filter) {
    if let Some(devices) = &filter.devices {
        statement.push(format!(" and {table}.device_id = any(")).push_bind(to_bigints(devices)).push(")");
    }
}
