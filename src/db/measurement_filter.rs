//! A filter of measurements as SQL conditions.
//!
//! Null counts as false: a condition on a missing value is null, `and` and `or` propagate null, and a negation is `is
//! not true`.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

use super::{device::to_bigints, measurement_area::push_area, readings};
use crate::domain::{
    filter::{Condition, Filter, ValueRange, side_table_groups},
    quantity::{Group, Quantity},
    readings::to_f32,
};

/// Pushes `and …` for each condition on measurement `m`. The devices at the top level are left to the statement, since
/// they determine its access path.
pub(super) fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    push_span(query, "m.measured_at", filter.from, filter.to);
    push_conditions(query, filter);
}

/// Pushes `and …` for each condition but the time span.
pub(super) fn push_conditions(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    push_all(query, &filter.conditions);
}

/// Whether one plan suits all values. The best access path of an area depends on its value: a town without recent
/// measurements by its cells, a continent by time. A prepared statement switches to a generic plan, which is the same
/// for all values: with generic plans, a query of `tests/it/postgres/plans.rs` exceeds the time limit.
pub(super) fn has_stable_plan(filter: &Filter) -> bool {
    filter.conditions.is_empty()
}

/// Pushes `and …` for the ends of a span of a column.
pub(super) fn push_span(
    query: &mut QueryBuilder<Postgres>,
    column: &str,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) {
    for (comparison, end) in [(">=", from), ("<", to)] {
        if let Some(end) = end {
            query.push(format!(" and {column} {comparison} ")).push_bind(end);
        }
    }
}

/// Pushes `and …` for each of these conditions.
fn push_all(query: &mut QueryBuilder<Postgres>, conditions: &[Condition]) {
    let (beside, own): (Vec<_>, Vec<_>) =
        conditions.iter().partition(|&condition| !side_table_groups([condition]).is_empty());
    // Separate terms, since an index may serve each of them.
    for condition in own {
        query.push(" and ");
        push(query, condition);
    }
    if beside.iter().all(|condition| only_required_group(condition).is_some()) {
        for group in side_table_groups(beside.iter().copied()) {
            let of_group: Vec<_> =
                beside.iter().copied().filter(|condition| only_required_group(condition) == Some(group)).collect();
            query.push(" and ");
            push_lookup(query, group, &of_group);
        }
    } else {
        query.push(" and ");
        push_lookups(query, &beside);
    }
}

/// The only other table that a condition reads, if the condition fails for measurements without a row there.
fn only_required_group(condition: &Condition) -> Option<Group> {
    let mut groups = side_table_groups([condition]).into_iter();
    let group = groups.next()?;
    (groups.next().is_none() && requires_row(condition)).then_some(group)
}

/// Whether a condition fails without a row in the only other table that it reads.
fn requires_row(condition: &Condition) -> bool {
    match condition {
        Condition::Between(quantity, _) => quantity.definition().group != Group::Air,
        Condition::All(conditions) => conditions.iter().any(requires_row),
        Condition::Any(conditions) => conditions.iter().all(requires_row),
        _ => false,
    }
}

/// Pushes conditions that fail without a row in one other table as one lookup of that row. A scalar subquery, because
/// Postgres turns `exists` and an outer join into joins that may read the whole of the other table.
fn push_lookup(query: &mut QueryBuilder<Postgres>, group: Group, conditions: &[&Condition]) {
    let table = readings::table(group);
    push_select(query, conditions);
    query.push(format!(
        " from {table} {table}_beside where {table}_beside.device_id = m.device_id
             and {table}_beside.measured_at = m.measured_at and {table}_beside.seq = m.seq)"
    ));
}

/// Pushes any conditions that read other tables as one lookup: a row of each table is read once for all conditions.
/// The aggregates make one row of at most one: a measurement without a row in a table has nulls, which fail conditions
/// and satisfy their negations. An outer join would too, but Citus copies the whole table for it to all workers.
fn push_lookups(query: &mut QueryBuilder<Postgres>, conditions: &[&Condition]) {
    let mut quantities = Vec::new();
    for condition in conditions {
        collect_quantities(condition, &mut quantities);
    }
    push_select(query, conditions);
    for (at, group) in side_table_groups(conditions.iter().copied()).into_iter().enumerate() {
        let (table, join) = (readings::table(group), if at == 0 { "from" } else { "cross join" });
        let of_group = quantities.iter().map(|quantity| quantity.definition()).filter(|it| it.group == group);
        let columns: Vec<_> = of_group.map(|it| format!("max(beside.{0}) as {0}", it.name)).collect();
        query.push(format!(
            " {join} (
                 select {} from {table} beside
                 where beside.device_id = m.device_id and beside.measured_at = m.measured_at and beside.seq = m.seq
             ) as {table}_beside",
            columns.join(", ")
        ));
    }
    query.push(")");
}

fn push_select(query: &mut QueryBuilder<Postgres>, conditions: &[&Condition]) {
    query.push("(select ");
    for (at, condition) in conditions.iter().enumerate() {
        query.push(if at == 0 { "" } else { " and " });
        push(query, condition);
    }
}

/// Adds the quantities that a condition compares, each once.
fn collect_quantities(condition: &Condition, quantities: &mut Vec<Quantity>) {
    match condition {
        Condition::Between(quantity, _) if !quantities.contains(quantity) => quantities.push(*quantity),
        Condition::All(conditions) | Condition::Any(conditions) => {
            for condition in conditions {
                collect_quantities(condition, quantities);
            }
        }
        Condition::Not(condition) => collect_quantities(condition, quantities),
        _ => {}
    }
}

/// Pushes one condition, within the lookup of the tables that it reads.
fn push(query: &mut QueryBuilder<Postgres>, condition: &Condition) {
    match condition {
        Condition::Devices(devices) => {
            query.push("m.device_id = any(").push_bind(to_bigints(devices)).push(")");
        }
        Condition::MeasuredBetween { from: None, to: None } => {
            query.push(ALWAYS);
        }
        Condition::MeasuredBetween { from, to } => {
            query.push("(true");
            push_span(query, "m.measured_at", *from, *to);
            query.push(")");
        }
        Condition::Within(area) => push_area(query, area),
        Condition::Between(quantity, range) => push_between(query, *quantity, *range),
        Condition::AnyFlag(flags) => {
            query.push("m.flags & ").push_bind(flags.bits()).push(" <> 0");
        }
        Condition::NoFlag(flags) => {
            query.push("m.flags & ").push_bind(flags.bits()).push(" = 0");
        }
        Condition::All(conditions) => push_each(query, ALWAYS, " and ", conditions),
        Condition::Any(conditions) => push_each(query, NEVER, " or ", conditions),
        Condition::Not(condition) => {
            query.push("(");
            push(query, condition);
            query.push(") is not true");
        }
    }
}

/// Conditions that hold for each measurement, and for none. Citus rejects statements with a constant for them.
const ALWAYS: &str = "m.seq >= 0";
const NEVER: &str = "m.seq < 0";

fn push_each(query: &mut QueryBuilder<Postgres>, of_none: &str, operator: &str, conditions: &[Condition]) {
    query.push("(");
    for (at, condition) in conditions.iter().enumerate() {
        query.push(if at == 0 { "" } else { operator });
        push(query, condition);
    }
    query.push(if conditions.is_empty() { of_none } else { "" }).push(")");
}

fn push_between(query: &mut QueryBuilder<Postgres>, quantity: Quantity, range: ValueRange) {
    let definition = quantity.definition();
    let column = match definition.group {
        Group::Air => format!("m.{}", definition.name),
        group => format!("{}_beside.{}", readings::table(group), definition.name),
    };
    query.push(format!("({column} is not null"));
    for (end, comparison) in [(range.min, ">="), (range.max, "<=")] {
        let Some(end) = end else { continue };
        query.push(format!(" and {column} {comparison} "));
        if definition.group == Group::Air {
            // Compared as 32-bit floats, as stored: 12.4 then equals the 12.4 that a sensor sent.
            query.push_bind(to_f32(end));
        } else {
            query.push_bind(end);
        }
    }
    query.push(")");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn condition_tree_joins_each_table_once() {
        let range = |min: i32| ValueRange { min: Some(f64::from(min)), max: None };
        let one = |number| {
            Condition::All(vec![
                Condition::Between(Quantity::Temperature, range(number)),
                Condition::Not(Box::new(Condition::Between(Quantity::Speed, range(number)))),
            ])
        };
        let mut filter = Filter::default();
        filter.add(Condition::Any((0..49).map(one).collect())).expect("no contradiction");
        filter.add(Condition::Between(Quantity::Humidity, range(1))).expect("no contradiction");
        let mut query = QueryBuilder::new("");
        push_filter(&mut query, &filter);
        let sql = query.sql();
        for table in ["weather", "motion"] {
            assert_eq!(sql.as_str().matches(&format!(" from {table} ")).count(), 1, "{}", sql.as_str());
        }
        assert_eq!(sql.as_str().matches("(select ").count(), 1, "one look-up: {}", sql.as_str());
    }

    #[test]
    fn conditions_that_need_a_row_are_looked_up_without_aggregates() {
        let at_least = |quantity| Condition::Between(quantity, ValueRange { min: Some(1.0), max: None });
        let lookups = |conditions: Vec<Condition>| {
            let mut filter = Filter::default();
            for condition in conditions {
                filter.add(condition).expect("no contradiction");
            }
            let mut query = QueryBuilder::new("");
            push_filter(&mut query, &filter);
            let sql = query.sql();
            (sql.as_str().matches("(select (").count(), sql.as_str().matches("max(").count())
        };
        let (warm, humid, fast) =
            (at_least(Quantity::Temperature), at_least(Quantity::Humidity), at_least(Quantity::Speed));
        assert_eq!(lookups(vec![warm.clone(), humid.clone()]), (1, 0));
        assert_eq!(lookups(vec![warm.clone(), fast.clone()]), (2, 0));
        assert_eq!(lookups(vec![Condition::Any(vec![warm.clone(), humid.clone()])]), (1, 0));
        let all = Condition::All(vec![at_least(Quantity::Pm10), warm.clone()]);
        assert_eq!(lookups(vec![all, fast.clone()]), (2, 0));
        // These hold for some measurements without a row.
        assert_eq!(lookups(vec![Condition::Any(vec![warm.clone(), fast.clone()])]), (1, 2));
        assert_eq!(lookups(vec![Condition::Any(vec![warm.clone(), at_least(Quantity::Pm10)])]), (1, 1));
        assert_eq!(lookups(vec![Condition::Not(Box::new(warm)), humid]), (1, 2));
    }
}
