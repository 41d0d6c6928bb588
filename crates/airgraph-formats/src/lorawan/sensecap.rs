//! Decoders of Seeed's `SenseCAP`: an array of measurements, each with a number for its kind.
//!
//! `"messages": [{"type": "Air Temperature", "measurementId": "4097", "measurementValue": 13.3}, …]`, on trackers an array
//! of such arrays. The numbers and their units are those of Seeed's list of measurement ids. Rain (4113, mm/h) and soil
//! have no quantity here.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use crate::parse::JsonValue;

/// Measurement ids with their quantities.
const MEASUREMENTS: &[(&str, Quantity, Unit)] = &[
    ("4097", Quantity::Temperature, Unit::Celsius),
    ("4098", Quantity::Humidity, Unit::Percent),
    ("4099", Quantity::Illuminance, Unit::Lux),
    ("4100", Quantity::Co2, Unit::PartPerMillion),
    ("4101", Quantity::Pressure, Unit::Pascal),
    ("4104", Quantity::WindDirection, Unit::Degree),
    ("4105", Quantity::WindSpeed, Unit::MetrePerSecond),
];

/// One measurement of a message.
pub(super) struct SensecapMeasurement<'a> {
    /// Its type, or its id if it has no type.
    pub name: &'a str,
    /// `None` if its id has no quantity here.
    pub meaning: Option<(Quantity, Unit)>,
    pub value: &'a JsonValue,
}

/// The measurement in an element of an array, if it is one.
pub(super) fn measurement(element: &JsonValue) -> Option<SensecapMeasurement<'_>> {
    let id = element.get("measurementId")?.as_text()?;
    let value = element.get("measurementValue")?;
    let meaning = MEASUREMENTS.iter().find(|(known, ..)| *known == id).map(|&(_, quantity, unit)| (quantity, unit));
    let name = element.get("type").and_then(JsonValue::as_text).filter(|name| !name.is_empty()).unwrap_or(id);
    Some(SensecapMeasurement { name, meaning, value })
}
