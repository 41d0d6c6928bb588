//! `normalized_payload` of The Things Stack: fields of a device's decoder in the device repository, in a common schema.
//!
//! The schema (`lib/payload.json` of `TheThingsNetwork/lorawan-devices`) defines the units. It has no particulates. An
//! array contains one measurement, or several, each with a `time` or a depth in the soil.

use airgraph_domain::{quantity::Quantity, unit::Unit};
use chrono::{DateTime, Utc};

use super::{named::NamedFields, time};
use crate::{parse::JsonValue, vocabulary::RawValue};

/// The quantities of the schema with their object, field, quantity and unit.
const FIELDS: &[(&str, &str, Quantity, Unit)] = &[
    ("air", "temperature", Quantity::Temperature, Unit::Celsius),
    ("air", "relativeHumidity", Quantity::Humidity, Unit::Percent),
    ("air", "pressure", Quantity::Pressure, Unit::Hectopascal),
    ("air", "co2", Quantity::Co2, Unit::PartPerMillion),
    ("air", "lightIntensity", Quantity::Illuminance, Unit::Lux),
    ("wind", "speed", Quantity::WindSpeed, Unit::MetrePerSecond),
    ("wind", "direction", Quantity::WindDirection, Unit::Degree),
];

/// The measurements; those with a time are separate. A single one counts as one without.
pub(super) fn measurements(normalized: Option<&JsonValue>) -> (Vec<(DateTime<Utc>, &JsonValue)>, Vec<&JsonValue>) {
    let all = elements(normalized);
    if all.len() < 2 {
        return (Vec::new(), all.iter().collect());
    }
    let (mut timed, mut untimed) = (Vec::new(), Vec::new());
    for measurement in all {
        match measurement.get("time").and_then(time::time) {
            Some(measured_at) => timed.push((measured_at, measurement)),
            None => untimed.push(measurement),
        }
    }
    (timed, untimed)
}

/// The time of the measurement, if there is a single one with a time.
pub(super) fn single_time(normalized: Option<&JsonValue>) -> Option<DateTime<Utc>> {
    let [measurement] = elements(normalized) else { return None };
    measurement.get("time").and_then(time::time)
}

/// Adds the values of one measurement.
pub(super) fn add(fields: &mut NamedFields<'_>, measurement: &JsonValue) {
    let mut add = |name: &str, quantity, unit, value: Option<&JsonValue>| {
        let Some(value) = value.filter(|value| !value.is_null()) else { return };
        fields.is_present = true;
        fields.builder.add_quantity(name, quantity, unit, RawValue::from(value), &mut fields.ignored);
    };
    for &(object, field, quantity, unit) in FIELDS {
        let value = measurement.get(object).and_then(|object| object.get(field));
        add(&format!("{object}.{field}"), quantity, unit, value);
    }
    add("battery", Quantity::BatteryVoltage, Unit::Volt, measurement.get("battery"));
    if let Some(position) = measurement.get("position") {
        fields.add("position", position);
    }
}

fn elements(normalized: Option<&JsonValue>) -> &[JsonValue] {
    if let Some(JsonValue::Array(elements)) = normalized { elements } else { &[] }
}
