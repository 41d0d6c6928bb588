//! Named fields of decoders on network servers: one sample of any sensor.
//!
//! A field is a number, a text that is a number, or an object of one of these known shapes:
//!
//! | Shape | Written by |
//! |---|---|
//! | `"pm2_5": {"value": 12, "unit": "µg/m³"}` | Decentlab and others |
//! | `"gps_5": {"latitude": 52.2, "longitude": 0.12, "altitude": 10}` | Cayenne LPP on The Things Stack |
//! | `"temperatureSensor": {"1": 22.5}` | Cayenne LPP on `ChirpStack` |
//! | `"data": {"pm2_5": 12}` | decoders made for one network server, used on another |
//! | `"messages": [{"measurementId": "4097", "measurementValue": 13.3}]` | [`SenseCAP`](super::sensecap) |
//!
//! Any other object describes something else (`"soil": {"temperature": 9}`), so its numbers are ignored.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::{
    codec::{Codec, cayenne},
    sensecap::{self, SensecapMeasurement},
};
use crate::{
    ignored::IgnoredNames,
    parse::JsonValue,
    vocabulary::{FieldMeaning, GeneralNames, RawValue, SampleBuilder},
};

/// Objects with fields that count as fields of the payload itself.
const WRAPPER_FIELDS: &[&str] = &["data", "decoded", "payload", "measurements", "readings", "air"];
/// Objects with the position of the sample.
const POSITION_FIELDS: &[&str] = &["gps", "gps_location", "gnss", "position", "location", "coordinates"];
/// Maximum depth of nested objects.
const MAX_DEPTH: usize = 3;

/// The fields of one sample while they are read.
pub(super) struct NamedFields<'c> {
    codec: &'c Codec,
    pub builder: SampleBuilder<'c>,
    pub ignored: IgnoredNames,
    /// Whether there is a field that may be a value: a known name, or a number.
    pub is_present: bool,
}

impl<'c> NamedFields<'c> {
    /// Creates an empty builder; unreadable fields are added to `ignored`.
    pub(super) fn new(codec: &'c Codec, ignored: IgnoredNames) -> Self {
        let builder = SampleBuilder::new(&codec.vocabulary);
        Self { codec, builder, ignored, is_present: false }
    }

    /// Adds a field of the payload.
    pub(super) fn add(&mut self, key: &str, value: &JsonValue) {
        self.add_at_depth(key, value, 1);
    }

    fn add_at_depth(&mut self, key: &str, value: &JsonValue, depth: usize) {
        match value {
            JsonValue::Object(entries) if depth < MAX_DEPTH => self.add_object(key, value, entries, depth),
            JsonValue::Array(elements) if depth < MAX_DEPTH => self.add_array(key, value, elements, depth),
            JsonValue::Object(_) | JsonValue::Array(_) => self.ignore(key, value, depth),
            _ => self.add_scalar(key, value),
        }
    }

    /// Measurements, or an array that is ignored as a whole.
    fn add_array(&mut self, key: &str, array: &JsonValue, elements: &[JsonValue], depth: usize) {
        if !elements.iter().any(|element| has_measurement(element, depth)) {
            return self.ignore(key, array, depth);
        }
        for element in elements {
            match (element, sensecap::measurement(element)) {
                (_, Some(SensecapMeasurement { name, meaning: Some((quantity, unit)), value })) => {
                    self.add_quantity(name, quantity, unit, value);
                }
                (_, Some(SensecapMeasurement { name, meaning: None, value })) => self.ignore(name, value, MAX_DEPTH),
                (JsonValue::Array(inner), None) => self.add_array(key, element, inner, depth + 1),
                (_, None) => self.ignore(key, element, depth),
            }
        }
    }

    fn add_scalar(&mut self, key: &str, value: &JsonValue) {
        let is_number = matches!(value, JsonValue::Number(_));
        if self.codec.meaning(key).is_some() {
            self.is_present = true;
            self.builder.add(key, raw_value(value), &mut self.ignored);
        } else if is_number {
            self.is_present = true;
            self.ignored.insert(key);
        } // any other text or boolean describes the device
    }

    fn add_object(&mut self, key: &str, object: &JsonValue, entries: &[(String, JsonValue)], depth: usize) {
        let name = key.to_ascii_lowercase();
        if let Some(value) = object.get("value") {
            match object.get("unit").and_then(JsonValue::as_text).filter(|unit| !unit.is_empty()) {
                Some(unit) => self.add_with_unit(key, value, unit),
                None => self.add_at_depth(key, value, depth + 1),
            }
        } else if POSITION_FIELDS.contains(&cayenne::without_channel(&name)) {
            self.add_position(object);
        } else if let Some(sensor) = cayenne::sensor(key) {
            for (channel, value) in entries {
                match sensor {
                    cayenne::Sensor::Quantity(quantity, unit) => {
                        self.add_quantity(&format!("{key}.{channel}"), quantity, unit, value);
                    }
                    cayenne::Sensor::Position => self.add_position(value),
                }
            }
        } else if WRAPPER_FIELDS.contains(&name.as_str()) {
            for (key, value) in entries {
                self.add_at_depth(key, value, depth + 1);
            }
        } else {
            for (field, value) in entries {
                self.ignore(&format!("{key}.{field}"), value, depth + 1);
            }
        }
    }

    /// A value with its unit.
    fn add_with_unit(&mut self, key: &str, value: &JsonValue, unit: &str) {
        let documented = || GeneralNames::Documented.meaning(key).filter(|_| !self.codec.excludes(key));
        let meaning = self.codec.meaning(key).or_else(documented);
        match (meaning, Unit::parse(unit)) {
            (Some(FieldMeaning::Quantity { quantity, .. }), Some(unit)) => {
                self.add_quantity(key, quantity, unit, value);
            }
            (Some(FieldMeaning::Latitude | FieldMeaning::Longitude), _) => self.add_scalar(key, value),
            _ => self.ignore(key, value, MAX_DEPTH),
        }
    }

    fn add_quantity(&mut self, name: &str, quantity: Quantity, unit: Unit, value: &JsonValue) {
        self.is_present = true;
        self.builder.add_quantity(name, quantity, unit, raw_value(value), &mut self.ignored);
    }

    /// Coordinates, and the altitude in metres.
    fn add_position(&mut self, object: &JsonValue) {
        let JsonValue::Object(entries) = object else { return self.ignore("position", object, MAX_DEPTH) };
        for (key, value) in entries {
            match GeneralNames::Documented.meaning(key) {
                Some(
                    FieldMeaning::Latitude
                    | FieldMeaning::Longitude
                    | FieldMeaning::Quantity { quantity: Quantity::Altitude, .. },
                ) => {
                    self.is_present = true;
                    self.builder.add(key, raw_value(value), &mut self.ignored);
                }
                _ => self.ignore(key, value, MAX_DEPTH),
            }
        }
    }

    /// Adds the numbers of a value without meaning to `ignored`.
    fn ignore(&mut self, path: &str, value: &JsonValue, depth: usize) {
        match value {
            JsonValue::Number(_) => {
                self.is_present = true;
                self.ignored.insert(path);
            }
            JsonValue::Object(entries) if depth < MAX_DEPTH => {
                for (key, value) in entries {
                    self.ignore(&format!("{path}.{key}"), value, depth + 1);
                }
            }
            JsonValue::Object(_) | JsonValue::Array(_) => self.ignored.insert(path),
            JsonValue::Null | JsonValue::Boolean | JsonValue::Text(_) => {}
        }
    }
}

/// Whether an element of an array at this depth is or contains a measurement.
fn has_measurement(element: &JsonValue, depth: usize) -> bool {
    match element {
        JsonValue::Array(inner) => depth + 1 < MAX_DEPTH && inner.iter().any(|inner| has_measurement(inner, depth + 1)),
        element => sensecap::measurement(element).is_some(),
    }
}

/// Texts that some decoders write if the sensor has no value.
fn raw_value(value: &JsonValue) -> RawValue<'_> {
    match value {
        JsonValue::Text(text) if text.trim().is_empty() || text.eq_ignore_ascii_case("null") => RawValue::Null,
        value => RawValue::from(value),
    }
}
