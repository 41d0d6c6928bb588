//! ELSYS sensors (ERS, EMS, ELT, ...).
//!
//! Names and units: `vendor/elsys/elsys.js` of `TheThingsNetwork/lorawan-devices`. `lat` and `long` are raw counts of
//! 24 bits there, no degrees. External temperatures are probes on a cable. `tvoc` (ppb) has no quantity here.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::{Codec, find_field};
use crate::vocabulary::{CONVENTIONAL, FieldMeaning, FieldUnit, Vocabulary};

pub(super) static ELSYS: Codec = Codec {
    brand_id: "elsys",
    profile_words: &["elsys"],
    vocabulary: Vocabulary { own: meaning, ..CONVENTIONAL },
    excluded: &["lat", "long"],
};

const FIELDS: &[FieldUnit] = &[
    ("vdd", Quantity::BatteryVoltage, Unit::Millivolt),
    ("light", Quantity::Illuminance, Unit::Lux),
    ("pressure", Quantity::Pressure, Unit::Hectopascal),
];

fn meaning(name: &str) -> Option<FieldMeaning> {
    find_field(FIELDS, name)
}
