//! The two JSON forms: an array of values, and an object of values by their sensors' ids.

use super::{
    MomentGatherer, check_value_count,
    value::{Scalar, SensorValue},
};
use crate::{
    DecodeError,
    parse::{self, JsonValue, Reason},
};

/// Parses a body; the index of a value is its index in the array or the object, from 0.
///
/// # Errors
/// If it isn't JSON, or has too many values.
pub(super) fn read(body: &[u8], moments: &mut MomentGatherer<'_>) -> Result<(), DecodeError> {
    match parse::json(body)? {
        JsonValue::Array(elements) => {
            check_value_count(elements.len())?;
            elements.iter().enumerate().for_each(|(index, element)| moments.add_result(index, of_element(element)));
        }
        JsonValue::Object(entries) => {
            check_value_count(entries.len())?;
            // A duplicate sensor id means two values, as in the other forms.
            let values = entries.iter().map(|(sensor, field)| of_entry(sensor, field));
            values.enumerate().for_each(|(index, value)| moments.add_result(index, value));
        }
        _ => return Err(DecodeError::new("WRONG_TYPE", "the body must be an array or an object")),
    }
    Ok(())
}

/// Parses a body that is one value of the sensor in the path: `{"value":…,"createdAt":…,"location":…}`.
///
/// # Errors
/// If it isn't JSON.
pub(super) fn read_single(body: &[u8], sensor: &str, moments: &mut MomentGatherer<'_>) -> Result<(), DecodeError> {
    let element = parse::json(body)?;
    moments.add_result(0, fields(&element).and_then(|value| named(SensorValue { sensor, ..value })));
    Ok(())
}

/// `{"sensor":…,"value":…,"createdAt":…,"location":…}`.
fn of_element(element: &JsonValue) -> Result<SensorValue<'_>, Reason> {
    fields(element).and_then(named)
}

fn fields(element: &JsonValue) -> Result<SensorValue<'_>, Reason> {
    let JsonValue::Object(entries) = element else {
        return Err(("WRONG_TYPE", "a value must be an object".to_owned()));
    };
    let mut value = SensorValue::default();
    for (key, field) in parse::check_distinct_keys(entries)? {
        match key.as_str() {
            "sensor" => value.sensor = text(key, field)?.unwrap_or_default(),
            "value" => value.number = scalar(field),
            "createdAt" => value.created_at = text(key, field)?,
            "location" => place(&mut value, field)?,
            _ => {}
        }
    }
    Ok(value)
}

/// `"<sensor>": value` or `"<sensor>": [value, createdAt, location]`.
fn of_entry<'a>(sensor: &'a str, field: &'a JsonValue) -> Result<SensorValue<'a>, Reason> {
    let mut value = SensorValue { sensor, ..SensorValue::default() };
    match field {
        JsonValue::Array(parts) if (1..=3).contains(&parts.len()) => {
            value.number = scalar(&parts[0]);
            value.created_at = parts.get(1).map(|part| text("createdAt", part)).transpose()?.flatten();
            parts.get(2).map(|part| place(&mut value, part)).transpose()?;
        }
        JsonValue::Array(parts) => {
            return Err(("WRONG_LENGTH", format!("{} elements; [value, createdAt, location] has 1 to 3", parts.len())));
        }
        field => value.number = scalar(field),
    }
    named(value)
}

fn named(value: SensorValue<'_>) -> Result<SensorValue<'_>, Reason> {
    if value.sensor.trim().is_empty() {
        return Err(("MISSING_SENSOR", "\"sensor\" must name the sensor".to_owned()));
    }
    Ok(value)
}

/// `[lng, lat]`, `[lng, lat, height]` or `{"lng":…,"lat":…,"height":…}`, or with unabbreviated names.
fn place<'a>(value: &mut SensorValue<'a>, location: &'a JsonValue) -> Result<(), Reason> {
    match location {
        JsonValue::Null => {}
        JsonValue::Array(parts) if (2..=3).contains(&parts.len()) => {
            value.longitude = scalar(&parts[0]);
            value.latitude = scalar(&parts[1]);
            value.height = parts.get(2).and_then(scalar);
        }
        JsonValue::Object(entries) => {
            for (key, field) in parse::check_distinct_keys(entries)? {
                let slot = match key.as_str() {
                    "lng" | "longitude" => &mut value.longitude,
                    "lat" | "latitude" => &mut value.latitude,
                    "height" => &mut value.height,
                    _ => continue,
                };
                if let Some(field) = scalar(field)
                    && slot.replace(field).is_some()
                {
                    return Err(("DUPLICATE_KEY", format!("location has {key} twice, by two names")));
                }
            }
        }
        _ => {
            let detail =
                "location must be [longitude, latitude], with a height perhaps, or an object of lng, lat, height";
            return Err(("INVALID_POSITION", detail.to_owned()));
        }
    }
    Ok(())
}

fn scalar(field: &JsonValue) -> Option<Scalar<'_>> {
    match field {
        JsonValue::Null => None,
        JsonValue::Text(text) => Some(Scalar::Text(text)),
        field => Some(field.as_number().map_or(Scalar::Other, Scalar::Number)),
    }
}

fn text<'a>(key: &str, field: &'a JsonValue) -> Result<Option<&'a str>, Reason> {
    match field {
        JsonValue::Null => Ok(None),
        field => field.as_text().map(Some).ok_or_else(|| ("WRONG_TYPE", format!("{key} must be a text"))),
    }
}
