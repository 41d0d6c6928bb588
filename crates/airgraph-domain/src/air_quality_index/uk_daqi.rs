//! The Daily Air Quality Index of the United Kingdom: the mean of 24 hours, 1 to 10.
//!
//! Bands and bounds are Defra's (uk-air.defra.gov.uk, "What is the Daily Air Quality Index?"), the colours those of its
//! pages. The bands are published in whole numbers (0–11, 12–23, …) without a rule for values between them: the mean is
//! rounded to a whole number first, halves up, so that 11.4 is still 1 and 11.5 is 2 (unverified).

use super::{Band, Concentration, Level, Pollutant};

pub(super) const VERSION: &str = "Defra, Update on Implementation of the Daily Air Quality Index, April 2013";
pub(super) const HOURS: usize = 24;

/// Upper bound of each value but the last, in whole µg/m³.
const PM2_5: [i64; 9] = [11, 23, 35, 41, 47, 53, 58, 64, 70];
const PM10: [i64; 9] = [16, 33, 50, 58, 66, 75, 83, 91, 100];

const BANDS: [Band; 10] = [
    Band { name: "Low", colour: "#9cff9c" },
    Band { name: "Low", colour: "#31ff00" },
    Band { name: "Low", colour: "#31cf00" },
    Band { name: "Moderate", colour: "#ffff00" },
    Band { name: "Moderate", colour: "#ffcf00" },
    Band { name: "Moderate", colour: "#ff9a00" },
    Band { name: "High", colour: "#ff6464" },
    Band { name: "High", colour: "#ff0000" },
    Band { name: "High", colour: "#990000" },
    Band { name: "Very High", colour: "#ce30ff" },
];

pub(super) fn level(pollutant: Pollutant, concentration: Concentration) -> Level {
    let bounds = match pollutant {
        Pollutant::Pm2_5 => PM2_5,
        Pollutant::Pm10 => PM10,
    };
    let rounded = concentration.rounded();
    let passed = bounds.iter().filter(|&&bound| rounded > bound);
    let (value, index) = passed.fold((1, 0), |(value, index), _| (value + 1, index + 1));
    Level { value, band: BANDS[index], above_scale: false } // the last band has no end
}
