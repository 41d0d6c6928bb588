//! Milesight's ambience monitors (AM100 and AM300 series).
//!
//! Units: README of `AM_Series/AM300_Series` in `Milesight-IoT/SensorDecoders`. `battery` is in %, `hcho` in mg/m³ and
//! `light_level` a grade, which have no quantity here. `tvoc` is an index, ppb or µg/m³ by model and setting, so its
//! unit is ambiguous.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::{Codec, find_field};
use crate::vocabulary::{CONVENTIONAL, FieldMeaning, FieldUnit, NoValue, Vocabulary};

pub(super) static MILESIGHT: Codec = Codec {
    brand_id: "milesight-iot",
    profile_words: &["milesight", "am10", "am30", "am31"],
    vocabulary: Vocabulary { own: meaning, no_value: NO_VALUE, ..CONVENTIONAL },
    excluded: &[],
};

const FIELDS: &[FieldUnit] = &[
    ("temperature", Quantity::Temperature, Unit::Celsius),
    ("humidity", Quantity::Humidity, Unit::Percent),
    ("co2", Quantity::Co2, Unit::PartPerMillion),
    ("pressure", Quantity::Pressure, Unit::Hectopascal),
    ("pm2_5", Quantity::Pm2_5, Unit::MicrogramPerCubicMetre),
    ("pm2.5", Quantity::Pm2_5, Unit::MicrogramPerCubicMetre),
    ("pm10", Quantity::Pm10, Unit::MicrogramPerCubicMetre),
    ("o3", Quantity::O3, Unit::PartPerMillion),
    ("illumination", Quantity::Illuminance, Unit::Lux),
];

/// 16-bit registers without a value (0xfffe and 0xffff), which the decoders pass on.
const NO_VALUE: &[NoValue] = &[
    NoValue { quantity: Quantity::Temperature, range: super::NO_TEMPERATURE_RANGE },
    NoValue { quantity: Quantity::Co2, range: 65_534.0..=65_535.0 },
    NoValue { quantity: Quantity::Pm2_5, range: 65_534.0..=65_535.0 },
    NoValue { quantity: Quantity::Pm10, range: 65_534.0..=65_535.0 },
    // 655.34 ppm and 655.35 ppm
    NoValue { quantity: Quantity::O3, range: 1.3e6..=1.32e6 },
];

fn meaning(name: &str) -> Option<FieldMeaning> {
    find_field(FIELDS, name)
}
