//! Names that many sources share.
//!
//! Case and separators between words are ignored: `PM2.5`, `pm2_5`, `pm-2-5` and `Pm25` are one name. A unit at the end
//! of a name is the unit of the value: `o3_ppb`, `pressure_pa`, `temperature_f`, `uptime_s`. In a name without digits
//! separators may be missing as well: `airtemperature`, `windSpeed`. (With digits they are needed: `pm1_0` and `pm10`.)

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::{AVERAGE_RANK, FieldMeaning, SentUnit, UNRANKED};

/// Interpretation of general names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GeneralNames {
    /// This gateway documents the units: a name without a unit uses the quantity's own.
    Documented,
    /// Another program chose the units: a name without a unit counts only if its unit is the same in all common
    /// software.
    Conventional,
}

/// Other names of quantities, in normal form.
const ALIASES: &[(&str, Quantity)] = &[
    ("pm01", Quantity::Pm1),
    ("pm1_0", Quantity::Pm1),
    ("pm_1_0", Quantity::Pm1),
    ("pm_1", Quantity::Pm1),
    ("pm1p0", Quantity::Pm1),
    ("pm02", Quantity::Pm2_5),
    ("pm25", Quantity::Pm2_5),
    ("pm_2_5", Quantity::Pm2_5),
    ("pm_25", Quantity::Pm2_5),
    ("pm2p5", Quantity::Pm2_5),
    ("pm4_0", Quantity::Pm4),
    ("pm_4_0", Quantity::Pm4),
    ("pm4p0", Quantity::Pm4),
    ("pm04", Quantity::Pm4),
    ("pm_10", Quantity::Pm10),
    ("pm10_0", Quantity::Pm10),
    ("pm_10_0", Quantity::Pm10),
    ("pm10p0", Quantity::Pm10),
    ("temp", Quantity::Temperature),
    ("air_temperature", Quantity::Temperature),
    ("hum", Quantity::Humidity),
    ("rh", Quantity::Humidity),
    ("rhum", Quantity::Humidity),
    ("relative_humidity", Quantity::Humidity),
    ("air_humidity", Quantity::Humidity),
    ("humidity_relative", Quantity::Humidity),
    ("air_pressure", Quantity::Pressure),
    ("barometric_pressure", Quantity::Pressure),
    ("atmospheric_pressure", Quantity::Pressure),
    ("barometer", Quantity::Pressure),
    ("wind_direction_degrees", Quantity::WindDirection),
    ("carbon_dioxide", Quantity::Co2),
    ("eco2", Quantity::Co2),
    ("nitrogen_dioxide", Quantity::No2),
    ("ozone", Quantity::O3),
    ("carbon_monoxide", Quantity::Co),
    ("tvoc_index", Quantity::VocIndex),
    ("lux", Quantity::Illuminance),
    ("luminosity", Quantity::Illuminance),
    ("alt", Quantity::Altitude),
    ("elevation", Quantity::Altitude),
    ("rssi", Quantity::SignalStrength),
    ("signal", Quantity::SignalStrength),
];

/// Names that are a quantity only with a unit at their end: `bat_v` is a voltage, `battery` may be a percentage.
const ALIASES_WITH_UNIT: &[(&str, Quantity)] =
    &[("bat", Quantity::BatteryVoltage), ("batt", Quantity::BatteryVoltage), ("battery", Quantity::BatteryVoltage)];

/// Ranges of pressure in hPa and in Pa do not overlap.
const PRESSURE: SentUnit =
    SentUnit::ByMagnitude(&[(Unit::Hectopascal, 300.0, 1100.0), (Unit::Pascal, 30_000.0, 110_000.0)]);

/// In hPa as documented, except what can only be Pa.
const DOCUMENTED_PRESSURE: SentUnit =
    SentUnit::ByMagnitude(&[(Unit::Pascal, 30_000.0, 110_000.0), (Unit::Hectopascal, f64::MIN, f64::MAX)]);

/// Ends of names of a quantity averaged since the previous sample.
const AVERAGE_SUFFIXES: [&str; 3] = ["_avg", "_mean", "_average"];

/// A signal in percent is positive, one in dBm negative.
const SIGNAL_STRENGTH: SentUnit = SentUnit::ByMagnitude(&[(Unit::DecibelMilliwatt, -200.0, -1.0)]);
/// Microphone values in volts are below this range, and noise floors of radios in dBm are negative.
const NOISE: SentUnit = SentUnit::ByMagnitude(&[(Unit::Decibel, 10.0, 200.0)]);

/// Maximum length of a name, in bytes.
const MAX_NAME_BYTES: usize = 64;

impl GeneralNames {
    /// The meaning of a name, if any.
    pub fn meaning(self, name: &str) -> Option<FieldMeaning> {
        let name = normalize(name)?;
        match name.as_str() {
            "latitude" | "lat" => return Some(FieldMeaning::Latitude),
            "longitude" | "lon" | "lng" | "long" => return Some(FieldMeaning::Longitude),
            _ => {}
        }
        if let Some(quantity) = quantity(&name) {
            return self.unit(quantity).map(|unit| FieldMeaning::Quantity { quantity, unit, rank: UNRANKED });
        }
        if let Some(quantity) = self.averaged(&name) {
            return self.unit(quantity).map(|unit| FieldMeaning::Quantity { quantity, unit, rank: AVERAGE_RANK });
        }
        // The unit may have several parts: pm2_5_ug_m3.
        name.match_indices('_').find_map(|(at, _)| {
            let unit = unit_in_name(&name[at + 1..])?;
            let with_unit =
                || ALIASES_WITH_UNIT.iter().find(|(alias, _)| *alias == &name[..at]).map(|&(_, named)| named);
            let quantity = quantity(&name[..at]).or_else(with_unit)?;
            unit.convert(quantity, 1.0).map(|_| FieldMeaning::own_unit(quantity, unit))
        })
    }

    /// The quantity of an average, as other programs name it.
    fn averaged(self, name: &str) -> Option<Quantity> {
        let averaged = AVERAGE_SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix))?;
        quantity(averaged).filter(|_| self == Self::Conventional)
    }

    /// The unit of a quantity for names without a unit.
    fn unit(self, quantity: Quantity) -> Option<SentUnit> {
        match (self, quantity) {
            (Self::Conventional, Quantity::Pressure) => Some(PRESSURE),
            (Self::Conventional, Quantity::SignalStrength) => Some(SIGNAL_STRENGTH),
            (Self::Conventional, Quantity::Noise) => Some(NOISE),
            (Self::Documented, Quantity::Pressure) => Some(DOCUMENTED_PRESSURE),
            // Gases use ppb, ppm, µg/m³ and mg/m³; wind and speed m/s, km/h and knots; voltage V, mV and %; uptime
            // seconds and milliseconds; rain is a rate or a sum; motion is in counts, g and m/s².
            (Self::Documented, _)
            | (
                Self::Conventional,
                Quantity::Pm1
                | Quantity::Pm2_5
                | Quantity::Pm4
                | Quantity::Pm10
                | Quantity::Temperature
                | Quantity::AmbientTemperature
                | Quantity::Humidity
                | Quantity::DewPoint
                | Quantity::WindDirection
                | Quantity::Co2
                | Quantity::VocIndex
                | Quantity::NoxIndex
                | Quantity::Illuminance
                | Quantity::Altitude
                | Quantity::Satellites
                | Quantity::GpsUpdated,
            ) => Some(SentUnit::Is(Unit::for_quantity(quantity))),
            (Self::Conventional, _) => None,
        }
    }
}

/// The quantity with this name in normal form.
fn quantity(name: &str) -> Option<Quantity> {
    let names = || Quantity::ALL.iter().map(|&own| (own.definition().name, own)).chain(ALIASES.iter().copied());
    let has_digits = |name: &str| name.bytes().any(|byte| byte.is_ascii_digit());
    let exact = names().find(|(known, _)| *known == name);
    let (_, quantity) =
        exact.or_else(|| names().find(|(known, _)| !has_digits(known) && joined(known).eq(joined(name))))?;
    Some(quantity)
}

/// The bytes of a name without its separators.
fn joined(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|&byte| byte != b'_')
}

/// A unit as the last part of a name. A single letter counts only if it is a common unit there.
fn unit_in_name(text: &str) -> Option<Unit> {
    let text = match text {
        "ug_m3" | "ugm3" => "ug/m3",
        "mg_m3" | "mgm3" => "mg/m3",
        "m_s" => "m/s",
        "km_h" => "km/h",
        other => other,
    };
    Unit::parse(text).filter(|&unit| unit != Unit::One)
}

/// A name in lower case, with `_` for each run of separators.
fn normalize(name: &str) -> Option<String> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return None;
    }
    let name = name.replace(['µ', 'μ'], "u").replace('³', "3");
    let mut normal = String::with_capacity(name.len());
    for char in name.chars() {
        match char {
            'a'..='z' | '0'..='9' | '%' => normal.push(char),
            'A'..='Z' => normal.push(char.to_ascii_lowercase()),
            '.' | '_' | '-' | ' ' | '/' | '(' | ')' | '[' | ']' | ':' => {
                if !normal.is_empty() && !normal.ends_with('_') {
                    normal.push('_');
                }
            }
            '°' => {}
            _ => return None,
        }
    }
    normal.truncate(normal.trim_end_matches('_').len());
    Some(normal).filter(|normal| !normal.is_empty())
}
