//! The Air Quality Index of the United States: the mean of 24 hours, 0 to 500.
//!
//! Breakpoints, categories and colours are those of the EPA's Technical Assistance Document, EPA-454/B-24-002 of May
//! 2024. PM2.5 is truncated to tenths and PM10 to whole µg/m³, so no value lies between two breakpoints; between
//! them the index is interpolated and rounded. Above the last breakpoint it stays at 500 and `above_scale` is set.

use super::{Band, Concentration, Level, Pollutant};

pub(super) const VERSION: &str = "US EPA, EPA-454/B-24-002, May 2024";
pub(super) const HOURS: usize = 24;

/// A row of the document's table: concentrations from and to, in the pollutant's steps, and the index from and to.
struct Breakpoint {
    steps: (i64, i64),
    index: (u16, u16),
}

const fn segment(from: i64, to: i64, index_from: u16, index_to: u16) -> Breakpoint {
    Breakpoint { steps: (from, to), index: (index_from, index_to) }
}

/// In tenths of µg/m³.
const PM2_5: [Breakpoint; 6] = [
    segment(0, 90, 0, 50),
    segment(91, 354, 51, 100),
    segment(355, 554, 101, 150),
    segment(555, 1254, 151, 200),
    segment(1255, 2254, 201, 300),
    segment(2255, 3254, 301, 500),
];
/// In µg/m³.
const PM10: [Breakpoint; 6] = [
    segment(0, 54, 0, 50),
    segment(55, 154, 51, 100),
    segment(155, 254, 101, 150),
    segment(255, 354, 151, 200),
    segment(355, 424, 201, 300),
    segment(425, 604, 301, 500),
];

const MAX_INDEX: u16 = 500;

const BANDS: [(u16, Band); 5] = [
    (50, Band { name: "Good", colour: "#00e400" }),
    (100, Band { name: "Moderate", colour: "#ffff00" }),
    (150, Band { name: "Unhealthy for Sensitive Groups", colour: "#ff7e00" }),
    (200, Band { name: "Unhealthy", colour: "#ff0000" }),
    (300, Band { name: "Very Unhealthy", colour: "#8f3f97" }),
];
const HAZARDOUS_BAND: Band = Band { name: "Hazardous", colour: "#7e0023" };

pub(super) fn level(pollutant: Pollutant, concentration: Concentration) -> Level {
    let (segments, steps) = match pollutant {
        Pollutant::Pm2_5 => (PM2_5, concentration.truncated_to_tenths()),
        Pollutant::Pm10 => (PM10, concentration.truncated()),
    };
    let value = segments.iter().find(|segment| steps <= segment.steps.1).map(|segment| interpolate(segment, steps));
    let (value, above_scale) = value.map_or((MAX_INDEX, true), |value| (value, false));
    let band = BANDS.iter().find(|(last, _)| value <= *last).map_or(HAZARDOUS_BAND, |&(_, band)| band);
    Level { value, band, above_scale }
}

/// Linear interpolation between two breakpoints, rounded. Integer arithmetic is exact here; no step of
/// the table lies half-way between two values.
fn interpolate(segment: &Breakpoint, steps: i64) -> u16 {
    let (from, to) = segment.steps;
    let (first, last) = segment.index;
    let rise = i64::from(last - first) * (steps - from);
    let rounded = (2 * rise + (to - from)) / (2 * (to - from));
    u16::try_from(rounded).map_or(last, |rise| (first + rise).min(last)) // it lies between the two
}
