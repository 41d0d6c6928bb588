//! JSON text of single values, identical to that of async-graphql and `serde_json`.

use chrono::{DateTime, Datelike as _, SecondsFormat, Timelike as _, Utc};

use crate::domain::readings::to_decimal;

/// JSON null.
pub const NULL: &[u8] = b"null";

/// An optional value.
pub fn nullable<T>(value: Option<T>, write: impl FnOnce(T, &mut Vec<u8>), out: &mut Vec<u8>) {
    match value {
        Some(value) => write(value, out),
        None => out.extend_from_slice(NULL),
    }
}

/// Any string, escaped.
pub fn string(value: &str, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, value); // writing a string to a vector can't fail
}

/// A string that needs no escaping: without quotation mark, backslash or control character.
pub fn unescaped_string(value: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

/// A list.
pub fn list<T>(values: &[T], write: impl Fn(&T, &mut Vec<u8>), out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(value, out);
    }
    out.push(b']');
}

/// A boolean.
pub fn boolean(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// An integer.
pub fn integer(value: impl Into<i64>, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, &value.into()); // writing a number to a vector can't fail
}

/// A number; null when it is not finite.
pub fn float(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(NULL);
    }
}

/// The shortest decimal number of a 32-bit float.
pub fn float32(value: f32, out: &mut Vec<u8>) {
    // In this range 32-bit and 64-bit floats are written the same way. Outside, one of them may have an exponent.
    if value == 0.0 || (1e-3..1e6).contains(&value.abs()) {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        float(to_decimal(value), out);
    }
}

/// A time in RFC 3339, in UTC.
pub fn timestamp(value: DateTime<Utc>, out: &mut Vec<u8>) {
    out.push(b'"');
    unquoted_timestamp(value, out);
    out.push(b'"');
}

/// The same without quotation marks.
pub fn unquoted_timestamp(value: DateTime<Utc>, out: &mut Vec<u8>) {
    let (date, clock) = (value.date_naive(), value.time());
    let (seconds, nanos) = (clock.num_seconds_from_midnight(), clock.nanosecond());
    let Ok(year @ 0..=9999) = u32::try_from(date.year()) else {
        return out.extend_from_slice(value.to_rfc3339_opts(SecondsFormat::AutoSi, true).as_bytes());
    };
    if nanos % 1000 != 0 || nanos >= 1_000_000_000 {
        return out.extend_from_slice(value.to_rfc3339_opts(SecondsFormat::AutoSi, true).as_bytes());
    }
    let mut text = *b"0000-00-00T00:00:00.000000";
    zero_padded(year, &mut text[0..4]);
    zero_padded(date.month(), &mut text[5..7]);
    zero_padded(date.day(), &mut text[8..10]);
    zero_padded(seconds / 3600, &mut text[11..13]);
    zero_padded(seconds / 60 % 60, &mut text[14..16]);
    zero_padded(seconds % 60, &mut text[17..19]);
    zero_padded(nanos / 1000, &mut text[20..26]);
    let whole = match nanos {
        0 => 19,
        _ if nanos % 1_000_000 == 0 => 23,
        _ => 26,
    };
    out.extend_from_slice(&text[..whole]);
    out.push(b'Z');
}

/// Writes a number with fixed width and leading zeros.
fn zero_padded(mut value: u32, place: &mut [u8]) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ScalarType as _, Value};
    use proptest::prelude::*;

    use super::*;
    use crate::graphql::scalar;

    fn write_to_string<T>(value: T, write: impl FnOnce(T, &mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(value, &mut out);
        String::from_utf8(out).expect("text")
    }

    fn async_graphql_json(value: &Value) -> String {
        serde_json::to_string(value).expect("text")
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5000, ..ProptestConfig::default() })]

        #[test]
        fn numbers_match_async_graphql(double: u64, single: u32, tenths in -20_000_000_i32..20_000_000) {
            for value in [f64::from_bits(double), f64::from(tenths) / 10.0] {
                prop_assert_eq!(write_to_string(value, float), async_graphql_json(&value.to_value()));
            }
            #[expect(clippy::cast_precision_loss, reason = "any number will do")]
            for value in [f32::from_bits(single), tenths as f32 / 10.0, tenths as f32 * 1e-7] {
                prop_assert_eq!(write_to_string(value, float32), async_graphql_json(&to_decimal(value).to_value()));
            }
            prop_assert_eq!(write_to_string(tenths, integer), async_graphql_json(&tenths.to_value()));
        }

        #[test]
        fn timestamps_match_async_graphql(micros in -62_167_219_200_000_000..253_402_300_799_999_999_i64, grain in 0_u32..7, nanos in 0_u32..2) {
            let micros = micros / 10_i64.pow(grain) * 10_i64.pow(grain);
            let time = DateTime::from_timestamp_micros(micros).expect("a time") + chrono::TimeDelta::nanoseconds(nanos.into());
            prop_assert_eq!(write_to_string(time, super::timestamp), async_graphql_json(&scalar::DateTime(time).to_value()));
        }
    }

    #[test]
    fn extreme_values_match_async_graphql() {
        for value in [
            f32::MIN_POSITIVE,
            f32::MAX,
            f32::MIN,
            -0.0,
            0.0,
            1e-3,
            0.000_999_999,
            1e6,
            999_999.94,
            f32::NAN,
            f32::INFINITY,
        ] {
            assert_eq!(write_to_string(value, float32), async_graphql_json(&to_decimal(value).to_value()), "{value}");
        }
        for time in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(write_to_string(time, super::timestamp), async_graphql_json(&scalar::DateTime(time).to_value()));
        }
    }
}
