//! The CSV form: `sensorId,value[,createdAt[,lng,lat[,height]]]`, one value in each line.
//!
//! Usually there is no header. A header names the columns in any order: openSenseMap's own exports have
//! `sensorId,createdAt,value,lat,lon`.

use csv::ByteRecord;

use super::{
    MomentGatherer, check_value_count,
    value::{Scalar, SensorValue},
};
use crate::{
    DecodeError,
    csv::dialect,
    ignored::truncate_name,
    parse::{Reason, without_byte_order_mark},
    timestamp::ZoneRule,
};

/// The meaning of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Sensor,
    Value,
    CreatedAt,
    Longitude,
    Latitude,
    Height,
    /// A description in openSenseMap's exports.
    Description,
}

/// Names of columns, in lower case.
const NAMES: &[(&str, Column)] = &[
    ("sensorid", Column::Sensor),
    ("value", Column::Value),
    ("createdat", Column::CreatedAt),
    ("timestamp", Column::CreatedAt),
    ("time", Column::CreatedAt),
    ("lng", Column::Longitude),
    ("lon", Column::Longitude),
    ("longitude", Column::Longitude),
    ("lat", Column::Latitude),
    ("latitude", Column::Latitude),
    ("height", Column::Height),
    ("altitude", Column::Height),
    ("boxid", Column::Description),
    ("boxname", Column::Description),
    ("exposure", Column::Description),
    ("phenomenon", Column::Description),
    ("unit", Column::Description),
    ("sensortype", Column::Description),
];

/// The columns of a body or file.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    order: Vec<Column>,
    /// Minimum number of fields in a line.
    min_fields: usize,
    /// Whether numbers may have a decimal comma, since the comma is not the delimiter.
    allows_decimal_comma: bool,
}

impl Columns {
    /// The columns of lines without a header.
    pub(crate) fn without_header(delimiter: u8) -> Self {
        let columns =
            vec![Column::Sensor, Column::Value, Column::CreatedAt, Column::Longitude, Column::Latitude, Column::Height];
        Self { order: columns, min_fields: 2, allows_decimal_comma: delimiter != b',' }
    }

    /// Whether a first line is a header: it has the sensor's column, or those of value and time.
    pub(crate) fn is_header(first: &ByteRecord) -> bool {
        let has = |name: &[u8]| first.iter().any(|field| field.trim_ascii().eq_ignore_ascii_case(name));
        has(b"sensorId") || (has(b"value") && has(b"createdAt"))
    }

    /// The columns of a header.
    ///
    /// # Errors
    /// If a column is unknown or duplicate, or the value's column is missing.
    pub(crate) fn of_header(header: &ByteRecord, delimiter: u8) -> Result<Self, DecodeError> {
        let mut columns = Vec::with_capacity(header.len());
        for field in header {
            let name = String::from_utf8_lossy(field.trim_ascii());
            let known = NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
            let Some(&(_, column)) = known else {
                let detail = format!(
                    "header: unknown column {:?}; known are sensorId, value, createdAt, lat, lon or lng, height",
                    truncate_name(&name)
                );
                return Err(DecodeError::new("UNKNOWN_COLUMN", detail));
            };
            if column != Column::Description && columns.contains(&column) {
                let detail = format!("header: column {:?} is there twice", truncate_name(&name));
                return Err(DecodeError::new("DUPLICATE_COLUMN", detail));
            }
            columns.push(column);
        }
        let at = |wanted| columns.iter().position(|column| *column == wanted);
        let Some((sensor, value)) = at(Column::Sensor).zip(at(Column::Value)) else {
            return Err(DecodeError::new("MISSING_COLUMN", "header: columns sensorId and value are required"));
        };
        // A header may name only the first columns of the usual order.
        let usual = Self::without_header(delimiter);
        if usual.order.starts_with(&columns) {
            return Ok(usual);
        }
        let min_fields = sensor.max(value) + 1;
        Ok(Self { order: columns, min_fields, allows_decimal_comma: delimiter != b',' })
    }

    /// The text of a line's time, empty if it has none.
    pub(crate) fn created_at<'a>(&self, record: &'a ByteRecord) -> &'a [u8] {
        let at = self.order.iter().position(|column| *column == Column::CreatedAt);
        at.and_then(|at| record.get(at)).unwrap_or_default()
    }

    /// The value of a line. An empty field has no meaning.
    ///
    /// # Errors
    /// A code and the reason why the line has none.
    pub(crate) fn value<'a>(&self, record: &'a ByteRecord) -> Result<SensorValue<'a>, Reason> {
        if !(self.min_fields..=self.order.len()).contains(&record.len()) {
            let detail = format!("{} fields; a line has {} to {}", record.len(), self.min_fields, self.order.len());
            return Err(("WRONG_LENGTH", detail));
        }
        let mut value = SensorValue {
            zone: ZoneRule::UtcByDefault,
            allows_decimal_comma: self.allows_decimal_comma,
            ..SensorValue::default()
        };
        for (at, (column, field)) in self.order.iter().zip(record).enumerate() {
            if *column == Column::Description {
                continue;
            }
            let text = str::from_utf8(field)
                .map_err(|_| ("INVALID_UTF8", format!("field {at} (from 0) is no text in UTF-8")))?;
            if text.trim().is_empty() {
                continue;
            }
            match column {
                Column::Sensor => value.sensor = text,
                Column::Value => value.number = Some(Scalar::Text(text)),
                Column::CreatedAt => value.created_at = Some(text),
                Column::Longitude => value.longitude = Some(Scalar::Text(text)),
                Column::Latitude => value.latitude = Some(Scalar::Text(text)),
                Column::Height => value.height = Some(Scalar::Text(text)),
                Column::Description => {}
            }
        }
        if value.sensor.is_empty() {
            return Err(("MISSING_SENSOR", "the line names no sensor".to_owned()));
        }
        Ok(value)
    }
}

/// Parses a body; the index of a value is its line, from 0.
///
/// Every newline ends a line, and every delimiter a field: firmware does not quote, and a stray quote must not
/// affect the following lines.
///
/// # Errors
/// If it has too many values, or its header an unknown column.
pub(super) fn read(body: &[u8], moments: &mut MomentGatherer<'_>) -> Result<(), DecodeError> {
    let body = without_byte_order_mark(body);
    let line_end = if body.contains(&b'\n') { b'\n' } else { b'\r' };
    let lines = body.split(|&byte| byte == line_end).map(<[u8]>::trim_ascii).enumerate();
    let mut format: Option<(u8, Columns)> = None;
    let mut count = 0;
    for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let delimiter = format.as_ref().map_or_else(|| dialect::delimiter(line), |(delimiter, _)| *delimiter);
        let fields = line.split(|&byte| byte == delimiter).map(<[u8]>::trim_ascii);
        let record = ByteRecord::from(fields.collect::<Vec<_>>());
        let columns = match &format {
            Some((_, columns)) => columns,
            None if Columns::is_header(&record) => {
                format = Some((delimiter, Columns::of_header(&record, delimiter)?));
                continue;
            }
            None => &format.insert((delimiter, Columns::without_header(delimiter))).1,
        };
        count += 1;
        check_value_count(count)?;
        moments.add_result(index, columns.value(&record));
    }
    Ok(())
}
