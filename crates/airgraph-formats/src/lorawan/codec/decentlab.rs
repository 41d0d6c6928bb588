//! Decentlab's sensors (DL-PM, DL-IAM, DL-LP8P, ...).
//!
//! Each value is an object with its unit; only the names need a table (`vendor/decentlab` of
//! `TheThingsNetwork/lorawan-devices`). Number concentrations and `total_voc` have no quantity here.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::{Codec, find_field};
use crate::vocabulary::{CONVENTIONAL, FieldMeaning, FieldUnit, Vocabulary};

pub(super) static DECENTLAB: Codec = Codec {
    brand_id: "decentlab",
    profile_words: &["decentlab"],
    vocabulary: Vocabulary { own: meaning, ..CONVENTIONAL },
    excluded: &[],
};

const FIELDS: &[FieldUnit] = &[
    ("pm1_0_mass_concentration", Quantity::Pm1, Unit::MicrogramPerCubicMetre),
    ("pm2_5_mass_concentration", Quantity::Pm2_5, Unit::MicrogramPerCubicMetre),
    ("pm4_mass_concentration", Quantity::Pm4, Unit::MicrogramPerCubicMetre),
    ("pm10_mass_concentration", Quantity::Pm10, Unit::MicrogramPerCubicMetre),
    ("co2_concentration", Quantity::Co2, Unit::PartPerMillion),
    ("battery_voltage", Quantity::BatteryVoltage, Unit::Volt),
    ("barometric_pressure", Quantity::Pressure, Unit::Pascal),
];

fn meaning(name: &str) -> Option<FieldMeaning> {
    find_field(FIELDS, name)
}
