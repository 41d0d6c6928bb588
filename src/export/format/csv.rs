//! CSV as in RFC 4180: a header, fields separated by commas, lines that end with CRLF. A missing value is an empty
//! field, an empty text is `""`. Names in a list are separated by spaces.

use super::TimeFormat;
use crate::{
    export::{
        columns::ExportColumn,
        rows::{ExportValue, Row},
    },
    graphql::fast_json::json,
};

const LINE_END: &[u8] = b"\r\n";

/// Writes rows as CSV.
pub struct CsvEncoder {
    times: TimeFormat,
}

impl CsvEncoder {
    pub fn new(times: TimeFormat) -> Self {
        Self { times }
    }

    /// The line with the names of the columns.
    pub fn header(columns: &[ExportColumn]) -> Vec<u8> {
        let mut out = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            text(&column.name, &mut out);
        }
        out.extend_from_slice(LINE_END);
        out
    }

    /// The line of a row.
    pub fn row(&self, row: Row<'_>, columns: &[ExportColumn], out: &mut Vec<u8>) {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.value(&row.value(column), out);
        }
        out.extend_from_slice(LINE_END);
    }

    fn value(&self, value: &ExportValue<'_>, out: &mut Vec<u8>) {
        match value {
            ExportValue::Null => {}
            ExportValue::Text(value) => text(value, out),
            ExportValue::Timestamp(time) => self.times.write(*time, out),
            ExportValue::Float(value) => json::float(*value, out),
            ExportValue::Float32(value) => json::float32(*value, out),
            ExportValue::Integer(value) => json::integer(*value, out),
            ExportValue::Boolean(value) => json::boolean(*value, out),
            ExportValue::Names(names) => {
                for (at, name) in names.iter().enumerate() {
                    if at > 0 {
                        out.push(b' ');
                    }
                    out.extend_from_slice(name.as_bytes());
                }
            }
        }
    }
}

/// A field, quoted if it must be.
fn text(value: &str, out: &mut Vec<u8>) {
    if !value.is_empty() && memchr::memchr3(b',', b'"', b'\n', value.as_bytes()).is_none() && !value.contains('\r') {
        return out.extend_from_slice(value.as_bytes());
    }
    out.push(b'"');
    for part in value.split_inclusive('"') {
        out.extend_from_slice(part.as_bytes());
        if part.ends_with('"') {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn quoted_text_is_read_back(fields in prop::collection::vec("[a,\"\r\n é]{0,6}", 1..5)) {
            let mut line = Vec::new();
            for (at, field) in fields.iter().enumerate() {
                if at > 0 {
                    line.push(b',');
                }
                text(field, &mut line);
            }
            line.extend_from_slice(LINE_END);
            let mut reader = ::csv::ReaderBuilder::new().has_headers(false).terminator(::csv::Terminator::CRLF).from_reader(&*line);
            let record = reader.records().next().expect("a record").expect("valid");
            prop_assert_eq!(record.iter().collect::<Vec<_>>(), fields);
        }
    }
}
