//! Names of values in airRohr firmware, for JSON and line protocol.
//!
//! A name is the sensor and the value: `SDS_P1`, `BME280_pressure`; a DHT22 has no prefix. P0, P1, P2 and P4 are PM1,
//! **PM10, PM2.5** and PM4. Pressure is in pascal. The names are those of firmware NRZ-2024-135 (airrohr-firmware.ino,
//! `add_Value2Json`). Names with other prefixes have no quantity here, on purpose: `HECA_temperature`, for one, is that
//! of a heated inlet. The unprefixed `P1` and `P2` of a PPD42 are particle counts and no mass; number concentrations
//! (`SPS30_N05`, `NPM_N1`, ...) have no quantity either. `conc_co2_ppm` is the name of an MH-Z in the firmware of Nettigo
//! (NAMF), which has the same form.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::{FieldMeaning, GeneralNames, NoValue, SentUnit, UNRANKED, Vocabulary};

/// Names of the firmware.
pub(crate) static AIRROHR: Vocabulary = Vocabulary { own: meaning, general: None, no_value: NO_VALUE };

/// Names of the firmware and of other programs that write to `InfluxDB`.
pub(crate) static AIRROHR_OR_CONVENTIONAL: Vocabulary =
    Vocabulary { own: meaning, general: Some(GeneralNames::Conventional), no_value: NO_VALUE };

/// Particulate sensors. If several have the same quantity, the first of this list counts. The order is this project's:
/// the SDS011 first, since most of the network uses it.
const PARTICULATES: &[&str] = &["SDS", "SPS30", "NPM", "IPS", "PMS", "HPM"];
/// Weather sensors, likewise; the DHT22, without a prefix, comes last. An SCD30 warms itself.
const WEATHER: &[&str] = &["BME280", "SHT3X", "HTU21D", "BMP280", "BMP", "DS18B20", "SCD30", ""];

/// Marks of a missing value: temperature -128 (a DS18B20: -127), humidity, particulates and
/// pressure -1, altitude -1000.
const NO_VALUE: &[NoValue] = &[
    NoValue { quantity: Quantity::Altitude, range: f64::MIN..=-999.0 },
    NoValue { quantity: Quantity::Temperature, range: f64::MIN..=-100.0 },
    NoValue { quantity: Quantity::Humidity, range: -1.0..=-1.0 },
    NoValue { quantity: Quantity::Pressure, range: -0.01..=-0.01 },
    NoValue { quantity: Quantity::Noise, range: -1.0..=-1.0 },
    NoValue { quantity: Quantity::Pm1, range: -1.0..=-1.0 },
    NoValue { quantity: Quantity::Pm2_5, range: -1.0..=-1.0 },
    NoValue { quantity: Quantity::Pm4, range: -1.0..=-1.0 },
    NoValue { quantity: Quantity::Pm10, range: -1.0..=-1.0 },
];

fn meaning(name: &str) -> Option<FieldMeaning> {
    let single = |quantity, unit| Some(FieldMeaning::own_unit(quantity, unit));
    match name {
        "GPS_lat" => return Some(FieldMeaning::Latitude),
        "GPS_lon" => return Some(FieldMeaning::Longitude),
        "GPS_height" => return single(Quantity::Altitude, Unit::Metre),
        "signal" => return single(Quantity::SignalStrength, Unit::DecibelMilliwatt),
        "SCD30_co2_ppm" | "conc_co2_ppm" => return single(Quantity::Co2, Unit::PartPerMillion),
        "DNMS_noise_LAeq" => return single(Quantity::Noise, Unit::Decibel),
        _ => {}
    }
    let (prefix, kind) = name.rsplit_once('_').unwrap_or(("", name));
    let (quantity, unit, preference) = match kind {
        "P0" => (Quantity::Pm1, Unit::MicrogramPerCubicMetre, PARTICULATES),
        "P1" => (Quantity::Pm10, Unit::MicrogramPerCubicMetre, PARTICULATES),
        "P2" => (Quantity::Pm2_5, Unit::MicrogramPerCubicMetre, PARTICULATES),
        "P4" => (Quantity::Pm4, Unit::MicrogramPerCubicMetre, PARTICULATES),
        "temperature" => (Quantity::Temperature, Unit::Celsius, WEATHER),
        "humidity" => (Quantity::Humidity, Unit::Percent, WEATHER),
        // No sensor without a prefix measures pressure: that name is not the firmware's.
        "pressure" if !prefix.is_empty() => (Quantity::Pressure, Unit::Pascal, WEATHER),
        _ => return None,
    };
    let place = preference.iter().position(|known| *known == prefix)?;
    let rank = u8::try_from(place).unwrap_or(UNRANKED);
    Some(FieldMeaning::Quantity { quantity, unit: SentUnit::Is(unit), rank })
}
