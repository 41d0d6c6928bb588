//! Rows of an export, whatever they were read from, and their values by column.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use async_graphql::connection::CursorType as _;
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::columns::{ColumnSource, ColumnType, ExportColumn, measurement::MeasurementField};
use crate::{
    api_error::ApiError,
    db::measurement_columns::{MeasurementColumns, MeasurementRow, StoredValue},
    domain::{
        device::{DeviceId, DeviceKey},
        position::Position,
        quantity::Quantity,
        time,
    },
    graphql::{
        cursor::MeasurementCursor,
        types::{enum_name, quality_flag},
    },
};

/// A page of rows.
pub struct RowPage {
    /// The rows.
    pub rows: PageRows,
    /// Cursor of the last row; `None` for a subject without cursors, and without rows.
    pub end_cursor: Option<String>,
}

/// Keys of devices.
pub type DeviceKeys = HashMap<DeviceId, DeviceKey>;

/// The rows of a page.
pub enum PageRows {
    /// Measurements, and the keys of devices, at least of theirs.
    Measurements(MeasurementColumns, Arc<DeviceKeys>),
    /// Items of a GraphQL list, as JSON.
    Objects(Vec<Box<RawValue>>),
}

/// One row.
#[derive(Clone, Copy)]
pub enum Row<'a> {
    /// A measurement of a device.
    Measurement(MeasurementRow<'a>, &'a DeviceKey),
    /// An item of a GraphQL list.
    Object(&'a serde_json::Value),
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum ExportValue<'a> {
    Null,
    Text(Cow<'a, str>),
    Timestamp(DateTime<Utc>),
    Float(f64),
    /// Written as its shortest decimal number.
    Float32(f32),
    Integer(i64),
    Boolean(bool),
    /// Names of quality flags.
    Names(Vec<&'a str>),
}

impl PageRows {
    /// Calls a function with each row. A measurement whose device was deleted in the meantime is left out.
    ///
    /// # Errors
    /// Those of the function; or the JSON of a row can't be parsed.
    pub fn try_for_each(&self, mut each: impl FnMut(Row<'_>) -> Result<(), ApiError>) -> Result<(), ApiError> {
        match self {
            Self::Measurements(columns, devices) => columns.rows().try_for_each(|row| {
                devices.get(&row.key.device_id).map_or(Ok(()), |device| each(Row::Measurement(row, device)))
            }),
            Self::Objects(rows) => rows.iter().try_for_each(|row| {
                let value = serde_json::from_str(row.get()).map_err(|error| ApiError::Internal(error.into()))?;
                each(Row::Object(&value))
            }),
        }
    }
}

impl<'a> Row<'a> {
    /// The value of a column.
    pub fn value(self, column: &ExportColumn) -> ExportValue<'a> {
        match (self, &column.source) {
            (Self::Measurement(row, device), ColumnSource::Measurement(field)) => {
                measurement_value(row, device, *field)
            }
            (Self::Object(object), ColumnSource::Json { key, member, .. }) => {
                let value = object.get(key.as_ref());
                let value = member.map_or(value, |member| value.and_then(|value| value.get(member)));
                json_value(value.unwrap_or(&serde_json::Value::Null), column.value_type)
            }
            _ => ExportValue::Null, // the columns of a subject have its source
        }
    }
}

fn measurement_value<'a>(row: MeasurementRow<'a>, device: &'a DeviceKey, field: MeasurementField) -> ExportValue<'a> {
    match field {
        MeasurementField::Device => ExportValue::Text(device.as_str().into()),
        MeasurementField::MeasuredAt => ExportValue::Timestamp(row.key.measured_at),
        MeasurementField::RecordedAt => ExportValue::Timestamp(row.recorded_at()),
        MeasurementField::TimeUncertainty => {
            row.time_uncertainty_s().map_or(ExportValue::Null, |seconds| ExportValue::Integer(seconds.into()))
        }
        MeasurementField::Latitude => float(row.position().map(Position::latitude)),
        MeasurementField::Longitude => float(row.position().map(Position::longitude)),
        MeasurementField::Quantity(quantity) => match row.value(quantity) {
            None => ExportValue::Null,
            Some(StoredValue::Float32(value)) => ExportValue::Float32(value),
            Some(StoredValue::Float64(value)) if quantity == Quantity::GpsUpdated => ExportValue::Boolean(value != 0.0),
            Some(StoredValue::Float64(value)) => ExportValue::Float(value),
        },
        MeasurementField::Flags => ExportValue::Names(
            row.flags().iter().map(|flag| enum_name(quality_flag::QualityFlag::from(flag))).collect(),
        ),
        MeasurementField::Seq => ExportValue::Integer(row.key.seq.into()),
        MeasurementField::Cursor => ExportValue::Text(MeasurementCursor(row.key).encode_cursor().into()),
    }
}

/// A number; null when it is not finite, as in GraphQL.
fn float<'a>(value: Option<f64>) -> ExportValue<'a> {
    value.filter(|value| value.is_finite()).map_or(ExportValue::Null, ExportValue::Float)
}

fn json_value(value: &serde_json::Value, value_type: ColumnType) -> ExportValue<'_> {
    use serde_json::Value;
    match (value, value_type) {
        (Value::String(text), ColumnType::Timestamp) => {
            time::parse(text).map_or_else(|| ExportValue::Text(text.into()), ExportValue::Timestamp)
        }
        (Value::String(text), _) => ExportValue::Text(text.into()),
        (Value::Bool(value), _) => ExportValue::Boolean(*value),
        (Value::Number(number), ColumnType::Integer) => number.as_i64().map_or(ExportValue::Null, ExportValue::Integer),
        (Value::Number(number), _) => float(number.as_f64()),
        (Value::Array(items), _) => ExportValue::Names(items.iter().filter_map(Value::as_str).collect()),
        (Value::Null | Value::Object(_), _) => ExportValue::Null,
    }
}
