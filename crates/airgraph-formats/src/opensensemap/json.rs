//! The two JSON forms: an array of values, and an object of them by their sensors' ids.

use super::{
    MomentGatherer, check_value_count,
    value::{Scalar, SensorValue},
};
use crate::{
    DecodeError,
    parse::{self, JsonValue, Reason},
};

/// Reads a body; the index of a value is its place in the array or the object, from 0.
///
/// # Errors
/// When it isn't JSON, or holds too many values.
pub(super) fn read(body: &[u8], moments: &mut MomentGatherer<'_>) -> Result<(), DecodeError> {
    match parse::json(body)? {
        JsonValue::Array(elements) => {
            check_value_count(elements.len())?;
            elements.iter().enumerate().for_each(|(index, element)| moments.add_result(index, of_element(element)));
        }
        JsonValue::Object(entries) => {
            check_value_count(entries.len())?;
            // A sensor that stands twice tells two values, as it does in the other forms.
            let values = entries.iter().map(|(sensor, told)| of_entry(sensor, told));
            values.enumerate().for_each(|(index, value)| moments.add_result(index, value));
        }
        _ => return Err(DecodeError::new("WRONG_TYPE", "the body must be an array or an object")),
    }
    Ok(())
}

/// Reads a body that is one value of the sensor that the path names: `{"value":…,"createdAt":…,"location":…}`.
///
/// # Errors
/// When it isn't JSON.
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
    for (key, told) in parse::check_distinct_keys(entries)? {
        match key.as_str() {
            "sensor" => value.sensor = text(key, told)?.unwrap_or_default(),
            "value" => value.number = scalar(told),
            "createdAt" => value.created_at = text(key, told)?,
            "location" => place(&mut value, told)?,
            _ => {}
        }
    }
    Ok(value)
}

/// `"<sensor>": value` or `"<sensor>": [value, createdAt, location]`.
fn of_entry<'a>(sensor: &'a str, told: &'a JsonValue) -> Result<SensorValue<'a>, Reason> {
    let mut value = SensorValue { sensor, ..SensorValue::default() };
    match told {
        JsonValue::Array(parts) if (1..=3).contains(&parts.len()) => {
            value.number = scalar(&parts[0]);
            value.created_at = parts.get(1).map(|part| text("createdAt", part)).transpose()?.flatten();
            parts.get(2).map(|part| place(&mut value, part)).transpose()?;
        }
        JsonValue::Array(parts) => {
            return Err(("WRONG_LENGTH", format!("{} elements; [value, createdAt, location] has 1 to 3", parts.len())));
        }
        told => value.number = scalar(told),
    }
    named(value)
}

fn named(value: SensorValue<'_>) -> Result<SensorValue<'_>, Reason> {
    if value.sensor.trim().is_empty() {
        return Err(("MISSING_SENSOR", "\"sensor\" must name the sensor".to_owned()));
    }
    Ok(value)
}

/// `[lng, lat]`, `[lng, lat, height]` or `{"lng":…,"lat":…,"height":…}`, whose names may be written out.
fn place<'a>(value: &mut SensorValue<'a>, location: &'a JsonValue) -> Result<(), Reason> {
    match location {
        JsonValue::Null => {}
        JsonValue::Array(parts) if (2..=3).contains(&parts.len()) => {
            value.longitude = scalar(&parts[0]);
            value.latitude = scalar(&parts[1]);
            value.height = parts.get(2).and_then(scalar);
        }
        JsonValue::Object(entries) => {
            for (key, told) in parse::check_distinct_keys(entries)? {
                let slot = match key.as_str() {
                    "lng" | "longitude" => &mut value.longitude,
                    "lat" | "latitude" => &mut value.latitude,
                    "height" => &mut value.height,
                    _ => continue,
                };
                if let Some(told) = scalar(told)
                    && slot.replace(told).is_some()
                {
                    return Err(("DUPLICATE_KEY", format!("location tells its {key} twice, by two names")));
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

fn scalar(told: &JsonValue) -> Option<Scalar<'_>> {
    match told {
        JsonValue::Null => None,
        JsonValue::Text(text) => Some(Scalar::Text(text)),
        told => Some(told.as_number().map_or(Scalar::Other, Scalar::Number)),
    }
}

fn text<'a>(key: &str, told: &'a JsonValue) -> Result<Option<&'a str>, Reason> {
    match told {
        JsonValue::Null => Ok(None),
        told => told.as_text().map(Some).ok_or_else(|| ("WRONG_TYPE", format!("{key} must be a text"))),
    }
}
