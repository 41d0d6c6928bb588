//! Dragino's sensors (LHT52, LHT65, LSN50, AQS01-L, ...).
//!
//! Names and scales: `vendor/dragino` of `TheThingsNetwork/lorawan-devices`. `TempC_DS`, `TempC1` and their like are
//! probes on a cable, wherever that ends, so they are not treated as the temperature of the air. `Longitud` is the
//! spelling of `trackerd.js`.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::{Codec, find_field};
use crate::vocabulary::{CONVENTIONAL, FieldMeaning, FieldUnit, NoValue, Vocabulary};

pub(super) static DRAGINO: Codec = Codec {
    brand_id: "dragino",
    profile_words: &["dragino", "lht52", "lht65", "lsn50", "aqs01"],
    vocabulary: Vocabulary { own: meaning, no_value: NO_VALUE, ..CONVENTIONAL },
    excluded: &[],
};

const FIELDS: &[FieldUnit] = &[
    ("TempC_SHT", Quantity::Temperature, Unit::Celsius),
    ("Hum_SHT", Quantity::Humidity, Unit::Percent),
    ("BatV", Quantity::BatteryVoltage, Unit::Volt),
    ("ILL_lx", Quantity::Illuminance, Unit::Lux),
    ("Illum", Quantity::Illuminance, Unit::Lux),
];

const NO_VALUE: &[NoValue] = &[
    NoValue { quantity: Quantity::Temperature, range: super::NO_TEMPERATURE_RANGE },
    // 0xfff and 0xffff in tenths
    NoValue { quantity: Quantity::Humidity, range: 409.5..=f64::MAX },
];

fn meaning(name: &str) -> Option<FieldMeaning> {
    if name == "Longitud" { Some(FieldMeaning::Longitude) } else { find_field(FIELDS, name) }
}
