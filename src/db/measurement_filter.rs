//! A filter of measurements as conditions of SQL.
//!
//! What is null counts as false: a condition on what a measurement doesn't tell is null, `and` and `or` hand that on, and
//! a negation says `is not true`.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

use super::{device::numbers, measurement_area::push_area, readings};
use crate::domain::{
    filter::{Condition, Filter, ValueRange},
    quantity::{Group, Quantity},
    readings::narrow,
};

/// Adds `and …` for each condition on the measurement that goes by the name `m`. The devices at the top are left to the
/// statement, since they decide how it reads.
pub(super) fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    push_span(query, "m.measured_at", filter.from, filter.to);
    push_conditions(query, filter);
}

/// Adds `and …` for each condition but the span.
pub(super) fn push_conditions(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    push_all(query, &filter.conditions);
}

/// Whether one plan is good for all values. Where to look for an area depends on which it is: a town that was left years ago
/// by its cells, a continent by the time. A statement that is prepared for good gets a plan without values after a while,
/// which takes them all for the same: with such plans, a question of `tests/it/plans.rs` runs into the time limit.
pub(super) fn keeps_its_plan(filter: &Filter) -> bool {
    filter.conditions.is_empty()
}

/// Adds `and …` for the ends of a span of a column.
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

/// Adds `and …` for each of these conditions.
fn push_all(query: &mut QueryBuilder<Postgres>, conditions: &[Condition]) {
    for condition in conditions {
        if beside(condition).is_none() {
            query.push(" and ");
            push(query, condition);
        }
    }
    // Those on other tables come last and together: one look-up for each table.
    for group in readings::GROUPS {
        let ranges: Vec<_> = conditions.iter().filter_map(beside).filter(|&(of, ..)| of == group).collect();
        if !ranges.is_empty() {
            query.push(" and ");
            push_beside(query, group, ranges.iter().map(|&(_, quantity, range)| (quantity, range)));
        }
    }
}

/// A condition on what stands in another table: which, and what of it.
fn beside(condition: &Condition) -> Option<(Group, Quantity, ValueRange)> {
    let Condition::Between(quantity, range) = condition else { return None };
    let group = quantity.definition().group;
    (group != Group::Air).then_some((group, *quantity, *range))
}

fn push(query: &mut QueryBuilder<Postgres>, condition: &Condition) {
    match condition {
        Condition::Devices(devices) => {
            query.push("m.device_id = any(").push_bind(numbers(devices)).push(")");
        }
        Condition::Taken { from, to } => {
            query.push("(true");
            push_span(query, "m.measured_at", *from, *to);
            query.push(")");
        }
        Condition::Within(area) => push_area(query, area),
        Condition::Between(quantity, range) => match quantity.definition().group {
            Group::Air => push_particulate(query, *quantity, *range),
            group => push_beside(query, group, [(*quantity, *range)]),
        },
        Condition::AnyFlag(flags) => {
            query.push("m.flags & ").push_bind(flags.bits()).push(" <> 0");
        }
        Condition::NoFlag(flags) => {
            query.push("m.flags & ").push_bind(flags.bits()).push(" = 0");
        }
        Condition::All(conditions) => {
            query.push("(true");
            push_all(query, conditions);
            query.push(")");
        }
        Condition::Any(conditions) => {
            query.push("(false");
            for condition in conditions {
                query.push(" or ");
                push(query, condition);
            }
            query.push(")");
        }
        Condition::Not(condition) => {
            query.push("(");
            push(query, condition);
            query.push(") is not true");
        }
    }
}

fn push_particulate(query: &mut QueryBuilder<Postgres>, quantity: Quantity, range: ValueRange) {
    let column = quantity.definition().name;
    query.push(format!("(m.{column} is not null"));
    for (end, comparison) in [(range.min, ">="), (range.max, "<=")] {
        if let Some(end) = end {
            // Compared as 32-bit floats, as they are stored: 12.4 is then equal to the 12.4 that a sensor sent.
            query.push(format!(" and m.{column} {comparison} ")).push_bind(narrow(end));
        }
    }
    query.push(")");
}

/// A look-up of the row beside a measurement, by its key. A query for its value and not `exists`, which Postgres would
/// make a join that may read the whole of the other table.
fn push_beside(
    query: &mut QueryBuilder<Postgres>,
    group: Group,
    ranges: impl IntoIterator<Item = (Quantity, ValueRange)>,
) {
    query.push("(select true");
    for (quantity, range) in ranges {
        let column = quantity.definition().name;
        query.push(format!(" and beside.{column} is not null"));
        for (end, comparison) in [(range.min, ">="), (range.max, "<=")] {
            if let Some(end) = end {
                query.push(format!(" and beside.{column} {comparison} ")).push_bind(end);
            }
        }
    }
    let table = readings::table(group);
    query.push(format!(
        " from {table} beside where beside.device_id = m.device_id and beside.measured_at = m.measured_at
          and beside.seq = m.seq)"
    ));
}
