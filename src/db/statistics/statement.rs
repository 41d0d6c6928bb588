//! The SQL statement for statistics: parts (rows, or hours of a rollup, or both), grouped and aggregated.

use h3o::Resolution;
use sqlx::{Postgres, QueryBuilder};

use super::{
    StatisticsQuery,
    source::{RollupTable, Source, TimeSpan},
};
use crate::{
    db::{
        device::to_bigints,
        fence::FENCE,
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

/// The statement. Its columns: the groups, the count, the hours, and for each quantity count, mean, standard deviation,
/// minimum, maximum, number of invalid values and percentiles.
pub(super) fn build_statement(query: &StatisticsQuery, source: &Source, limit: usize) -> Statement {
    let mut statement = Statement::new("select ");
    let groups = push_groups(&mut statement, query);
    let from_rows = matches!(source, Source::Rows);
    statement.push(if from_rows { "count(*)" } else { "sum(n)::bigint" });
    if query.coverage {
        statement.push(", count(distinct date_trunc('hour', at, 'UTC')) filter (where covers)");
    }
    for (index, percentiles) in query.quantities.values().enumerate() {
        if from_rows {
            push_row_aggregates(&mut statement, index, query.counted);
        } else {
            push_merged_aggregates(&mut statement, index);
        }
        if query.invalid_counts {
            statement.push(format!(", count(i{index})"));
        }
        if !percentiles.is_empty() {
            let fractions: Vec<_> = percentiles.iter().map(|percentile| percentile.fraction()).collect();
            statement.push(", percentile_cont(").push_bind(fractions);
            statement.push(format!("::float8[]) within group (order by v{index})"));
        }
    }
    statement.push(" from (");
    match source {
        Source::Rows => {
            let span = TimeSpan { from: query.filter.from, to: query.filter.to };
            push_rows(&mut statement, query, span, None, false);
        }
        Source::Rollups { table, hours, rest } => {
            push_partial_aggregates(&mut statement, query, table, *hours, rest);
        }
    }
    statement.push(") as part");
    if groups > 0 {
        let positions: Vec<_> = (1..=groups).map(|index| index.to_string()).collect();
        let positions = positions.join(", ");
        statement.push(format!(" group by {positions} order by {positions}"));
    } else {
        statement.push(" having count(*) > 0");
    }
    statement.push(" limit ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    statement
}

/// Pushes the group columns, each a bigint, and returns their number.
fn push_groups(statement: &mut Statement, query: &StatisticsQuery) -> usize {
    let mut groups = 0;
    let mut next = || groups += 1;
    if query.bounds.len() > 1 {
        statement.push("width_bucket(at, ").push_bind(query.bounds.clone()).push("::timestamptz[])::bigint, ");
        next();
    }
    if query.by_device {
        statement.push("device_id, ");
        next();
    }
    if query.by_cell.is_some() {
        statement.push("cell, ");
        next();
    }
    for (field, offsets) in [("hour", &query.by_hour_of_day), ("isodow", &query.by_day_of_week)] {
        if let Some(offsets) = offsets {
            push_clock(statement, field, offsets);
            next();
        }
    }
    groups
}

/// Pushes a field of the local time of a part.
fn push_clock(statement: &mut Statement, field: &str, offsets: &Offsets) {
    statement.push(format!("extract({field} from (at + interval '1 s' * ("));
    statement.push_bind(offsets.seconds.clone()).push("::int[])[1 + width_bucket(at, ");
    statement.push_bind(offsets.changes.clone()).push("::timestamptz[])]) at time zone 'UTC')::bigint, ");
}

fn push_row_aggregates(statement: &mut Statement, index: usize, counted: CountedValues) {
    // Postgres' own aggregate of deviations stays exact for large values with small differences.
    let (mean, deviation) = match counted {
        CountedValues::Valid => (format!("avg(v{index})"), format!("stddev_samp(v{index})")),
        CountedValues::All => (without_overflow("avg", index), without_overflow("stddev_samp", index)),
    };
    statement.push(format!(", count(v{index}), {mean}, {deviation}, min(v{index}), max(v{index})"));
}

/// An aggregate of values of any size. Squares of values beyond 1e150 are an error in Postgres, so if there are such
/// values, all are scaled down first.
fn without_overflow(aggregate: &str, index: usize) -> String {
    format!(
        "case when count(v{index}) = 0 then null
              when greatest(max(v{index}), -min(v{index})) < 1e150
              then {aggregate}(v{index}) filter (where v{index} > -1e150 and v{index} < 1e150)
              else least({aggregate}(v{index} * 1e-160::float8), 1.79e148) * 1e160::float8 end"
    )
}

fn push_merged_aggregates(statement: &mut Statement, index: usize) {
    // Equal values have a deviation of exactly 0, despite rounded sums.
    statement.push(format!(
        ", coalesce(sum(c{index}), 0)::bigint, sum(s{index}) / nullif(sum(c{index}), 0),
           case when sum(c{index}) < 2 then null
                when min(l{index}) = max(h{index}) then 0
                else sqrt(greatest(sum(q{index}) - sum(s{index}) * sum(s{index}) / sum(c{index}), 0)
                          / (sum(c{index}) - 1)) end,
           min(l{index}), max(h{index})"
    ));
}

/// Pushes hours of a rollup, and rows where the rollup can't resolve the query.
fn push_partial_aggregates(
    statement: &mut Statement,
    query: &StatisticsQuery,
    table: &RollupTable,
    hours: TimeSpan,
    rest: &[TimeSpan],
) {
    push_rollup(statement, query, table, hours);
    if let RollupTable::Cells(Some(cover)) = table
        && !cover.border.is_empty()
    {
        statement.push(" union all ");
        push_rows(statement, query, hours, Some(child_ranges(&cover.border, STORED_RESOLUTION)), true);
    }
    for &span in rest {
        statement.push(" union all ");
        push_rows(statement, query, span, None, true);
    }
}

fn push_rollup(statement: &mut Statement, query: &StatisticsQuery, table: &RollupTable, hours: TimeSpan) {
    statement.push("select r.hour as at, ");
    if query.by_device {
        statement.push("r.device_id, ");
    }
    push_cell(statement, "r.cell", ROLLUP_RESOLUTION, query.by_cell);
    statement.push("r.count as n");
    if query.coverage {
        statement.push(", r.count > r.invalid_count as covers");
    }
    for (index, quantity) in query.quantities.keys().enumerate() {
        let name = quantity.definition().name;
        statement.push(format!(
            ", r.{name}_count as c{index}, r.{name}_sum as s{index}, r.{name}_sum_of_squares as q{index},
               r.{name}_min::float8 as l{index}, r.{name}_max::float8 as h{index}"
        ));
    }
    match table {
        RollupTable::Devices => {
            statement.push(" from device_hour r where true");
            push_devices(statement, "r", &query.filter);
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

/// Pushes the matching rows of a span, and optionally of some ranges of cells: as values, or as parts of one row each.
fn push_rows(
    statement: &mut Statement,
    query: &StatisticsQuery,
    span: TimeSpan,
    cells: Option<Vec<(i64, i64)>>,
    as_parts: bool,
) {
    statement.push("select m.measured_at as at, ");
    if query.by_device {
        statement.push("m.device_id, ");
    }
    push_cell(statement, "m.cell", STORED_RESOLUTION, query.by_cell);
    statement.push("1 as n");
    if query.coverage {
        let covers = match query.counted {
            CountedValues::Valid => format!("({}) is not true", is_invalid()),
            CountedValues::All => "true".to_owned(),
        };
        statement.push(format!(", {covers} as covers"));
    }
    for (index, &quantity) in query.quantities.keys().enumerate() {
        let value = value(quantity, query.counted);
        statement.push(if as_parts {
            format!(
                ", ({value} is not null)::int as c{index}, {value} as s{index}, ({value}) ^ 2 as q{index},
                   {value} as l{index}, {value} as h{index}"
            )
        } else {
            format!(", {value} as v{index}")
        });
        if query.invalid_counts {
            statement
                .push(format!(", case when not ({}) then 1 end as i{index}", is_valid(&column(quantity), quantity)));
        }
    }
    let mut filter = Filter { from: span.from, to: span.to, ..query.filter.clone() };
    if query.counted == CountedValues::Valid {
        filter.conditions = at_valid_positions(&filter.conditions);
    }
    if let Some(cells) = cells {
        push_each_range(statement, "measurement m", "m.measured_at", cells, span);
        statement.push(" as m");
        (filter.from, filter.to) = (None, None); // handled by the ranges
    } else {
        statement.push(" from measurement m");
    }
    for group in readings::SIDE_TABLE_GROUPS {
        if query.quantities.keys().any(|quantity| quantity.definition().group == group) {
            let table = readings::table(group);
            statement.push(format!(
                " left join {table} on {table}.device_id = m.device_id and {table}.measured_at = m.measured_at
                  and {table}.seq = m.seq"
            ));
            push_span(statement, &format!("{table}.measured_at"), span.from, span.to); // enables partition pruning
        }
    }
    statement.push(" where true");
    if query.by_cell.is_some() {
        statement.push(" and m.cell is not null");
        if query.counted == CountedValues::Valid {
            statement.push(" and ").push(has_valid_position());
        }
    }
    push_devices(statement, "m", &query.filter);
    push_filter(statement, &filter);
}

/// The value of a quantity in a row, null if it is excluded: of particulates, which are stored as 32-bit floats, the
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

/// Pushes the ancestor of a cell at a resolution, if grouped by cell: an H3 index contains all its ancestors.
fn push_cell(statement: &mut Statement, cell: &str, resolution: Resolution, target: Option<Resolution>) {
    match target {
        Some(target) if target < resolution => {
            let (keep, set) = ancestor_masks(target);
            statement.push(format!("({cell} & ")).push_bind(keep).push(") | ").push_bind(set).push(" as cell, ");
        }
        Some(_) => {
            statement.push(format!("{cell} as cell, "));
        }
        None => {}
    }
}

/// Pushes the rows of a table, named by its alias, in each of these ranges of cells and in a span of its time. Isolated
/// from the rest of the statement by a fence: Postgres has no statistics on the ranges, and would rather scan the
/// whole month once and compare each row with all of them.
fn push_each_range(statement: &mut Statement, table: &str, time: &str, ranges: Vec<(i64, i64)>, span: TimeSpan) {
    let (first, last): (Vec<_>, Vec<_>) = ranges.into_iter().unzip();
    statement.push(" from unnest(").push_bind(first).push("::bigint[], ").push_bind(last);
    statement.push(format!(
        "::bigint[]) as range (low, high)
         cross join lateral (select *{FENCE} from {table} where cell between range.low and range.high"
    ));
    push_span(statement, time, span.from, span.to);
    statement.push(")");
}

fn push_devices(statement: &mut Statement, table: &str, filter: &Filter) {
    if let Some(devices) = &filter.devices {
        statement.push(format!(" and {table}.device_id = any(")).push_bind(to_bigints(devices)).push(")");
    }
}
