//! A JSON object on each line, with all columns; a missing value is null.

use super::TimeFormat;
use crate::{
    export::{
        columns::ExportColumn,
        rows::{ExportValue, Row},
    },
    graphql::fast_json::json,
};

/// Writes rows as lines of JSON.
pub struct NdjsonEncoder {
    times: TimeFormat,
    /// `{"device":`, `,"measured_at":` and so on.
    keys: Vec<Vec<u8>>,
}

impl NdjsonEncoder {
    pub fn new(columns: &[ExportColumn], times: TimeFormat) -> Self {
        Self { times, keys: object_keys(columns) }
    }

    /// The line of a row.
    pub fn row(&self, row: Row<'_>, columns: &[ExportColumn], out: &mut Vec<u8>) {
        for (column, key) in columns.iter().zip(&self.keys) {
            out.extend_from_slice(key);
            write_value(&row.value(column), self.times, out);
        }
        out.extend_from_slice(b"}\n");
    }
}

/// The texts before the values of an object with these columns.
pub fn object_keys<'a>(columns: impl IntoIterator<Item = &'a ExportColumn>) -> Vec<Vec<u8>> {
    let key = |(at, column): (usize, &ExportColumn)| {
        let mut text = vec![if at == 0 { b'{' } else { b',' }];
        json::string(&column.name, &mut text);
        text.push(b':');
        text
    };
    columns.into_iter().enumerate().map(key).collect()
}

/// A value as JSON.
pub fn write_value(value: &ExportValue<'_>, times: TimeFormat, out: &mut Vec<u8>) {
    match value {
        ExportValue::Null => out.extend_from_slice(json::NULL),
        ExportValue::Text(value) => json::string(value, out),
        ExportValue::Timestamp(time) => times.write_json(*time, out),
        ExportValue::Float(value) => json::float(*value, out),
        ExportValue::Float32(value) => json::float32(*value, out),
        ExportValue::Integer(value) => json::integer(*value, out),
        ExportValue::Boolean(value) => json::boolean(*value, out),
        ExportValue::Names(names) => json::list(names, |name, out| json::unescaped_string(name, out), out),
    }
}
