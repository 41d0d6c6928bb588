//! Cayenne LPP (`myDevicesIoT/CayenneLPP`): values with a type and a channel.
//!
//! The Things Stack writes `temperature_1`, `ChirpStack` `"temperatureSensor": {"1": 22.5}`. Temperature is in °C,
//! relative humidity in %, barometric pressure in hPa, luminosity in lux, altitude in metres. Analog and digital values
//! have no defined meaning.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use crate::vocabulary::{self, FieldMeaning, FieldUnit};

/// Types as The Things Stack and the libraries for Arduino name them.
const TYPES: &[FieldUnit] = &[
    ("temperature", Quantity::Temperature, Unit::Celsius),
    ("relative_humidity", Quantity::Humidity, Unit::Percent),
    ("humidity", Quantity::Humidity, Unit::Percent),
    ("barometric_pressure", Quantity::Pressure, Unit::Hectopascal),
    ("luminosity", Quantity::Illuminance, Unit::Lux),
    ("illuminance", Quantity::Illuminance, Unit::Lux),
    ("altitude", Quantity::Altitude, Unit::Metre),
];

/// A type as `ChirpStack` names it.
#[derive(Clone, Copy)]
pub(in crate::lorawan) enum Sensor {
    Quantity(Quantity, Unit),
    Position,
}

/// The type of a field that is an object of channels.
pub(in crate::lorawan) fn sensor(name: &str) -> Option<Sensor> {
    Some(match name {
        "temperatureSensor" => Sensor::Quantity(Quantity::Temperature, Unit::Celsius),
        "humiditySensor" => Sensor::Quantity(Quantity::Humidity, Unit::Percent),
        "barometer" => Sensor::Quantity(Quantity::Pressure, Unit::Hectopascal),
        "illuminanceSensor" => Sensor::Quantity(Quantity::Illuminance, Unit::Lux),
        "gpsLocation" => Sensor::Position,
        _ => return None,
    })
}

/// The meaning of a type with a channel, such as `temperature_1`.
pub(super) fn meaning(name: &str) -> Option<FieldMeaning> {
    let kind = without_channel(name);
    if kind.len() == name.len() {
        return None;
    }
    let FieldMeaning::Quantity { quantity, unit, .. } = vocabulary::find_field(TYPES, kind)? else { return None };
    Some(FieldMeaning::Quantity { quantity, unit, rank: vocabulary::UNRANKED })
}

/// A name without the channel at its end, if any.
pub(in crate::lorawan) fn without_channel(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((kind, channel)) if channel.parse::<u8>().is_ok() => kind,
        _ => name,
    }
}
