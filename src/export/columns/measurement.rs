//! Columns of measurements.

use super::{ColumnSource, ColumnType, ExportColumn};
use crate::{
    db::measurement_projection::MeasurementProjection,
    domain::quantity::{Group, Quantity},
    graphql,
    graphql::types::{quantity, readings},
};

/// Name of the column with the cursor of each row, which is only exported when it is named.
pub const CURSOR: &str = "cursor";
/// Name of the column of an archive with [`MeasurementField::Seq`].
pub const SEQ: &str = "seq";
/// Name of the group of quantities that are fields of `Measurement`; the other groups have the name of their field.
const AIR_GROUP: &str = "air";

/// A value of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasurementField {
    /// Key of its device.
    Device,
    /// Time of the sample.
    MeasuredAt,
    /// Time it was stored.
    RecordedAt,
    /// Maximum error of its time, in seconds.
    TimeUncertainty,
    /// Latitude.
    Latitude,
    /// Longitude.
    Longitude,
    /// A quantity.
    Quantity(Quantity),
    /// Quality flags.
    Flags,
    /// Position in the export.
    Cursor,
    /// Number among the samples of the device with the same time.
    Seq,
}

/// All columns.
pub fn columns() -> Vec<ExportColumn> {
    let of = |name: &'static str, field: &str, value_type, source| ExportColumn {
        name: name.into(),
        group: None,
        is_default: true,
        value_type,
        unit: None,
        description: graphql::types().description("Measurement", field).unwrap_or_default(),
        source: ColumnSource::Measurement(source),
    };
    let mut columns = vec![
        ExportColumn {
            description: "Key of the device that took the sample.".to_owned(),
            ..of("device", "device", ColumnType::Text, MeasurementField::Device)
        },
        of("measured_at", "measuredAt", ColumnType::Timestamp, MeasurementField::MeasuredAt),
        of("latitude", "latitude", ColumnType::Float, MeasurementField::Latitude).in_unit("deg"),
        of("longitude", "longitude", ColumnType::Float, MeasurementField::Longitude).in_unit("deg"),
    ];
    columns.extend(Quantity::ALL.iter().map(|&quantity| of_quantity(quantity)));
    columns.extend([
        of("flags", "flags", ColumnType::Names, MeasurementField::Flags),
        of("recorded_at", "recordedAt", ColumnType::Timestamp, MeasurementField::RecordedAt).on_request(),
        of("time_uncertainty", "timeUncertainty", ColumnType::Integer, MeasurementField::TimeUncertainty)
            .in_unit("s")
            .on_request(),
        ExportColumn {
            description: "Cursor of the row, to continue an export after it (parameter `after`).".to_owned(),
            ..of(CURSOR, "", ColumnType::Text, MeasurementField::Cursor).on_request()
        },
    ]);
    columns
}

/// The column of an archive that, with device and time, is the key of a row.
pub fn seq_column() -> ExportColumn {
    ExportColumn {
        name: SEQ.into(),
        group: None,
        is_default: false,
        value_type: ColumnType::Integer,
        unit: None,
        description:
            "0 for the first sample of a device with a time, 1 for a different one with the same time, and so on."
                .to_owned(),
        source: ColumnSource::Measurement(MeasurementField::Seq),
    }
}

fn of_quantity(quantity: Quantity) -> ExportColumn {
    let definition = quantity.definition();
    ExportColumn {
        name: definition.name.into(),
        group: Some(readings::field_of_group(definition.group).unwrap_or(AIR_GROUP)),
        is_default: definition.group == Group::Air,
        value_type: if quantity == Quantity::GpsUpdated { ColumnType::Boolean } else { ColumnType::Float },
        unit: Some(definition.unit),
        description: quantity::schema_description(quantity),
        source: ColumnSource::Measurement(MeasurementField::Quantity(quantity)),
    }
}

/// What is read from the database for these columns.
pub fn projection(columns: &[ExportColumn]) -> MeasurementProjection {
    let each = columns.iter().map(|column| match column.source {
        ColumnSource::Measurement(field) => field_projection(field),
        ColumnSource::Json { .. } => MeasurementProjection::KEY,
    });
    each.fold(MeasurementProjection::KEY, |all, one| all | one)
}

fn field_projection(field: MeasurementField) -> MeasurementProjection {
    match field {
        MeasurementField::Device | MeasurementField::MeasuredAt | MeasurementField::Cursor | MeasurementField::Seq => {
            MeasurementProjection::KEY
        }
        MeasurementField::RecordedAt => MeasurementProjection::RECORDED_AT,
        MeasurementField::TimeUncertainty => MeasurementProjection::TIME_UNCERTAINTY,
        MeasurementField::Latitude | MeasurementField::Longitude => MeasurementProjection::POSITION,
        MeasurementField::Flags => MeasurementProjection::FLAGS,
        MeasurementField::Quantity(quantity) => MeasurementProjection::quantity(quantity),
    }
}
