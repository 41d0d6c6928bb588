//! Columns of measurements that a query selects. Lists read only these.

use async_graphql::SelectionField;

use crate::{
    db::measurement_projection::MeasurementProjection,
    domain::quantity::Group,
    graphql::types::{
        measurement::MeasurementRow,
        readings::{group_by_field, quantity_by_field},
    },
};

/// Columns for a field of type `Measurement` or a list of them.
#[must_use]
pub fn for_measurement(field: SelectionField<'_>) -> MeasurementProjection {
    let each = field.selection_set().map(|field| match field.name() {
        "id" | "device" | "__typename" => MeasurementProjection::KEY,
        "cell" => MeasurementProjection::POSITION,
        name => match group_by_field(name) {
            Some(group) => for_readings(group, field),
            None => MeasurementRow::columns(name).unwrap_or(MeasurementProjection::ALL),
        },
    });
    each.fold(MeasurementProjection::KEY, |all, one| all | one)
}

/// Columns for a field that returns the readings of a group.
fn for_readings(group: Group, field: SelectionField<'_>) -> MeasurementProjection {
    let each = field.selection_set().filter_map(|field| quantity_by_field(group, field.name()));
    each.fold(MeasurementProjection::group(group), |all, one| all | MeasurementProjection::quantity(one))
}

/// Columns for a field that returns a page of measurements.
#[must_use]
pub fn for_page(field: SelectionField<'_>) -> MeasurementProjection {
    let each = field.selection_set().map(|field| match field.name() {
        "nodes" => for_measurement(field),
        "edges" => for_edges(field),
        "pageInfo" | "totalCount" | "totalCountIsEstimate" | "__typename" => MeasurementProjection::KEY,
        _ => MeasurementProjection::ALL,
    });
    each.fold(MeasurementProjection::KEY, |all, one| all | one)
}

/// Whether a selection on a page needs its rows, and not only the total count.
#[must_use]
pub fn selects_rows(field: SelectionField<'_>) -> bool {
    field.selection_set().any(|field| !matches!(field.name(), "totalCount" | "totalCountIsEstimate" | "__typename"))
}

/// Whether a selection on a page needs to know whether there are further rows.
#[must_use]
pub fn selects_page_info(field: SelectionField<'_>) -> bool {
    let without = ["nodes", "edges", "totalCount", "totalCountIsEstimate", "__typename"];
    field.selection_set().any(|field| !without.contains(&field.name()))
}

fn for_edges(field: SelectionField<'_>) -> MeasurementProjection {
    let each = field.selection_set().map(|field| match field.name() {
        "node" => for_measurement(field),
        "cursor" | "__typename" => MeasurementProjection::KEY,
        _ => MeasurementProjection::ALL,
    });
    each.fold(MeasurementProjection::KEY, |all, one| all | one)
}
