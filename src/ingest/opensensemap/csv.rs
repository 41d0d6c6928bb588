//! The CSV form: `sensorId,value[,createdAt[,lng,lat[,height]]]`, a line a value, usually without a header.

use csv::ByteRecord;

use super::{
    Moments,
    value::{Scalar, Value},
    within_limit,
};
use crate::ingest::{
    DecodeError,
    parse::{Reason, without_byte_order_mark},
};

/// Reads a body; the index of a value is its line, from 0.
///
/// Lines end and fields part wherever a newline or a comma stands: firmware quotes nothing, and a stray quote must not
/// swallow the lines that follow.
///
/// # Errors
/// When it holds too many values.
pub(super) fn read(body: &[u8], moments: &mut Moments<'_>) -> Result<(), DecodeError> {
    let lines = without_byte_order_mark(body).split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
    let mut count = 0;
    for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let record = ByteRecord::from(line.split(|&byte| byte == b',').collect::<Vec<_>>());
        if count == 0 && is_header(&record) {
            continue;
        }
        count += 1;
        within_limit(count)?;
        moments.take(index, value_of_record(&record));
    }
    Ok(())
}

/// Whether a file's first record is openSenseMap's header, `sensorId,value,createdAt,lng,lat,height` or a beginning of it.
pub(in crate::ingest) fn is_header(record: &ByteRecord) -> bool {
    let is = |at, name: &[u8]| record.get(at).is_some_and(|field: &[u8]| field.trim_ascii().eq_ignore_ascii_case(name));
    is(0, b"sensorId") && is(1, b"value")
}

/// The value that a record tells. An empty field tells nothing.
///
/// # Errors
/// A code and the reason why the record tells none.
pub(in crate::ingest) fn value_of_record(record: &ByteRecord) -> Result<Value<'_>, Reason> {
    if !(2..=6).contains(&record.len()) {
        let detail = format!("{} fields; a line has 2 to 6: sensorId,value,createdAt,lng,lat,height", record.len());
        return Err(("WRONG_LENGTH", detail));
    }
    let field = |at| match record.get(at).map(std::str::from_utf8) {
        Some(Ok(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(Err(_)) => Err(("INVALID_UTF8", format!("field {at} (from 0) is no text in UTF-8"))),
        None => Ok(None),
    };
    Ok(Value {
        sensor: field(0)?.ok_or_else(|| ("MISSING_SENSOR", "the line names no sensor".to_owned()))?,
        number: field(1)?.map(Scalar::Text),
        created_at: field(2)?,
        longitude: field(3)?.map(Scalar::Text),
        latitude: field(4)?.map(Scalar::Text),
        height: field(5)?.map(Scalar::Text),
    })
}
