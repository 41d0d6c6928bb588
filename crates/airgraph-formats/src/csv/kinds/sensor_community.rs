//! Daily and monthly files of archive.sensor.community, one for each sensor or sensor type.
//!
//! `sensor_id;sensor_type;location;lat;lon;timestamp;P1;durP1;ratioP1;P2;durP2;ratioP2` for an SDS011, and after
//! `timestamp` other columns for other types (`generate_csv` of the network's repository feinstaub-api, and the
//! archive's own files):
//!
//! | type | columns |
//! |---|---|
//! | SDS011, HPM, PPD42NS | `P1;durP1;ratioP1;P2;durP2;ratioP2` |
//! | PMS3003 … PMS7003 | `P1;P2;P0` |
//! | SPS30 | `P1;P4;P2;P0;N10;N4;N25;N1;N05;TS` |
//! | BME280 | `pressure;altitude;pressure_sealevel;temperature;humidity` |
//! | BMP180, BMP280 | `pressure;altitude;pressure_sealevel;temperature` |
//! | DHT22, HTU21D, SHT… | `temperature;humidity` |
//! | DS18B20 | `temperature` |
//! | Laerm | `noise_LAeq;noise_LA_min;noise_LA_max` |
//!
//! P0, P1, P2 and P4 are PM1, PM10, PM2.5 and PM4; pressure is in pascal; times are UTC. `altitude` is computed from
//! the pressure and is not the height of the place. A PPD42NS counts particles, so its `P1` and `P2` are not mass
//! concentrations.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::{ColumnMeaning, FileKind, contains_name};
use crate::vocabulary::airrohr::AIRROHR;

/// The sensor type with counts in `P1` and `P2`.
pub(in crate::csv) const PARTICLE_COUNTER: &[u8] = b"PPD42NS";

pub(super) const ARCHIVE: FileKind = FileKind {
    name: "that of archive.sensor.community",
    recognises: |names| ["sensor_id", "sensor_type", "timestamp"].into_iter().all(|name| contains_name(names, name)),
    meaning,
    vocabulary: &AIRROHR,
    device_prefix: "sensor-community-",
    is_archive: true,
    has_logger_clock: false,
};

fn meaning(name: &str) -> Option<ColumnMeaning> {
    let (quantity, unit) = match name {
        "sensor_id" => return Some(ColumnMeaning::Device),
        "sensor_type" => return Some(ColumnMeaning::SensorType),
        "lat" => return Some(ColumnMeaning::Latitude),
        "lon" => return Some(ColumnMeaning::Longitude),
        "timestamp" => return Some(ColumnMeaning::Time),
        "P0" => (Quantity::Pm1, Unit::MicrogramPerCubicMetre),
        "P1" => (Quantity::Pm10, Unit::MicrogramPerCubicMetre),
        "P2" => (Quantity::Pm2_5, Unit::MicrogramPerCubicMetre),
        "P4" => (Quantity::Pm4, Unit::MicrogramPerCubicMetre),
        "temperature" => (Quantity::Temperature, Unit::Celsius),
        "humidity" => (Quantity::Humidity, Unit::Percent),
        "pressure" => (Quantity::Pressure, Unit::Pascal),
        "noise_LAeq" => (Quantity::Noise, Unit::Decibel),
        "co2_ppm" => (Quantity::Co2, Unit::PartPerMillion),
        _ => return None,
    };
    Some(ColumnMeaning::quantity(quantity, unit))
}
