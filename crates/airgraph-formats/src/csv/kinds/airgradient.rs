//! Exports of the dashboard of `AirGradient`.
//!
//! `Location ID,Location Name,Location Group,Location Type,Sensor ID,Place Open,Local Date/Time,UTC Date/Time,# of
//! aggregated records,PM2.5 (μg/m³) raw,PM2.5 (μg/m³) corrected,0.3μm particle count,CO2 (ppm) raw,…,TVOC index,NOX
//! index,PM1 (μg/m³), PM10 (μg/m³)`. `Sensor ID` is the name that the monitor posts under, `airgradient:<serial>`. As
//! with bodies of monitors, raw values are stored and corrected ones are not; particles are those in a decilitre.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::{ColumnMeaning, FileKind, contains_name, meaning_in_vocabulary};
use crate::{airgradient::AIRGRADIENT, vocabulary};

const TIME_COLUMN: &str = "UTC Date/Time";

pub(super) const EXPORT: FileKind = FileKind {
    name: "that of AirGradient's export",
    recognises: |names| {
        contains_name(names, TIME_COLUMN) && (contains_name(names, "Sensor ID") || contains_name(names, "Location ID"))
    },
    meaning,
    vocabulary: &AIRGRADIENT,
    device_prefix: "",
    is_archive: true,
    has_logger_clock: false,
};

fn meaning(name: &str) -> Option<ColumnMeaning> {
    match name {
        TIME_COLUMN => Some(ColumnMeaning::Time),
        "Sensor ID" => Some(ColumnMeaning::Device),
        _ if name.ends_with(" particle count") && name.starts_with("0.3") => {
            Some(ColumnMeaning::quantity(Quantity::Particles0_3, Unit::PerDecilitre))
        }
        _ => meaning_in_vocabulary(&vocabulary::PLAIN, name.strip_suffix(" raw").unwrap_or(name)),
    }
}
