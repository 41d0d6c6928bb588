//! ELSYS sensors (ERS, EMS, ELT, ...).
//!
//! Names and units: `vendor/elsys/elsys.js` of `TheThingsNetwork/lorawan-devices`. `lat` and `long` are raw counts of 24 bits there, no degrees.
//! External temperatures are probes on a cable. `tvoc` (ppb) has no quantity here.

use super::{Codec, look_up};
use crate::{
    domain::{quantity::Quantity, unit::Unit},
    ingest::vocabulary::{CONVENTIONAL, Field, Meaning, Vocabulary},
};

pub(super) static ELSYS: Codec = Codec {
    brand_id: "elsys",
    profile_words: &["elsys"],
    vocabulary: Vocabulary { own: meaning, ..CONVENTIONAL },
    excluded: &["lat", "long"],
};

const FIELDS: &[Field] = &[
    ("vdd", Quantity::BatteryVoltage, Unit::Millivolt),
    ("light", Quantity::Illuminance, Unit::Lux),
    ("pressure", Quantity::Pressure, Unit::Hectopascal),
];

fn meaning(name: &str) -> Option<Meaning> {
    look_up(FIELDS, name)
}
