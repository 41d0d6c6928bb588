//! The European Air Quality Index: the mean of one hour, 1 (good) to 6 (extremely poor).
//!
//! The bounds are those of ETC HE report 2024/17, the basis of the European Environment Agency's revised index; the
//! colours are those of its pages (airindex.eea.europa.eu). A level includes its upper bound: 5 µg/m³ of PM2.5 is good,
//! anything above is fair.

use super::{Band, Concentration, Level, Pollutant};

pub(super) const VERSION: &str = "EEA, ETC HE Report 2024/17";
pub(super) const HOURS: usize = 1;

/// Upper bound of each level but the last, in whole µg/m³.
const PM2_5: [i64; 5] = [5, 15, 50, 90, 140];
const PM10: [i64; 5] = [15, 45, 120, 195, 270];

const BANDS: [Band; 6] = [
    Band { name: "Good", colour: "#50f0e6" },
    Band { name: "Fair", colour: "#50ccaa" },
    Band { name: "Moderate", colour: "#f0e641" },
    Band { name: "Poor", colour: "#ff5050" },
    Band { name: "Very poor", colour: "#960032" },
    Band { name: "Extremely poor", colour: "#7d2181" },
];

pub(super) fn level(pollutant: Pollutant, concentration: Concentration) -> Level {
    let bounds = match pollutant {
        Pollutant::Pm2_5 => PM2_5,
        Pollutant::Pm10 => PM10,
    };
    let passed = bounds.iter().filter(|&&bound| concentration > Concentration::whole(bound));
    let (value, index) = passed.fold((1, 0), |(value, index), _| (value + 1, index + 1));
    Level { value, band: BANDS[index], above_scale: false } // the last level has no end
}
