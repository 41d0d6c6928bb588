//! Columns of measurements that a query selects. Lists read only these.

use async_graphql::SelectionField;

use crate::{
    db::measurement_projection::MeasurementProjection,
    domain::quantity::Group,
    graphql::types::readings::{group_by_field, quantity_by_field},
};

/// Columns for a field of type `Measurement` or a list of them.
#[must_use]
pub fn for_measurement(field: SelectionField<'_>) -> MeasurementProjection {
    let each = field.selection_set().map(|field| match field.name() {
        "id" | "device" | "measuredAt" | "__typename" => MeasurementProjection::KEY,
        "recordedAt" => MeasurementProjection::RECORDED_AT,
        "latitude" | "longitude" | "cell" => MeasurementProjection::POSITION,
        "pm1" => MeasurementProjection::PM1,
        "pm25" => MeasurementProjection::PM2_5,
        "pm4" => MeasurementProjection::PM4,
        "pm10" => MeasurementProjection::PM10,
        "flags" => MeasurementProjection::FLAGS,
        "timeUncertainty" => MeasurementProjection::TIME_UNCERTAINTY,
        name => group_by_field(name).map_or(MeasurementProjection::ALL, |group| for_readings(group, field)),
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

fn for_edges(field: SelectionField<'_>) -> MeasurementProjection {
    let each = field.selection_set().map(|field| match field.name() {
        "node" => for_measurement(field),
        "cursor" | "__typename" => MeasurementProjection::KEY,
        _ => MeasurementProjection::ALL,
    });
    each.fold(MeasurementProjection::KEY, |all, one| all | one)
}
