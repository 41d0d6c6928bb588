//! Measured quantities and their units.

use async_graphql::Enum;

use super::enum_name;
use crate::{domain::quantity, graphql};

/// The name of a quantity in the schema.
pub(crate) fn schema_name(quantity: quantity::Quantity) -> &'static str {
    enum_name(Quantity::from(quantity))
}

/// The description of a quantity in the schema.
pub(crate) fn schema_description(quantity: quantity::Quantity) -> String {
    graphql::types().description("Quantity", schema_name(quantity)).unwrap_or_default()
}

/// Measured quantity. Each description ends with the unit of its values; the code in backticks is the unit in UCUM
/// (ucum.org), `1` for a number without unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "quantity::Quantity")]
pub enum Quantity {
    /// Particulate matter up to 1 µm, in µg/m³ (`ug/m3`).
    #[graphql(name = "PM1")]
    Pm1,
    /// Particulate matter up to 2.5 µm, in µg/m³ (`ug/m3`).
    #[graphql(name = "PM2_5")]
    Pm2_5,
    /// Particulate matter up to 4 µm, in µg/m³ (`ug/m3`).
    #[graphql(name = "PM4")]
    Pm4,
    /// Particulate matter up to 10 µm, in µg/m³ (`ug/m3`).
    #[graphql(name = "PM10")]
    Pm10,
    /// Temperature at the sensor (inside its case, on the bicycle), in °C (`Cel`).
    Temperature,
    /// Temperature from a nearby weather station, in °C (`Cel`).
    AmbientTemperature,
    /// Relative humidity, in `%`.
    Humidity,
    /// Dew point, in °C (`Cel`).
    DewPoint,
    /// Air pressure at the sensor's height, in `hPa`.
    Pressure,
    /// Mean wind speed, in `m/s`.
    WindSpeed,
    /// Maximum wind speed, in `m/s`.
    WindGust,
    /// Direction the wind comes from, clockwise from north, in degrees (`deg`).
    WindDirection,
    /// Rain since the start of the station's day, in `mm`.
    Rain,
    /// Sunshine since the start of the station's day, in hours (`h`).
    Sunshine,
    /// Carbon dioxide, in ppm (`[ppm]`).
    #[graphql(name = "CO2")]
    Co2,
    /// Nitrogen dioxide, in µg/m³ (`ug/m3`).
    #[graphql(name = "NO2")]
    No2,
    /// Ozone, in µg/m³ (`ug/m3`).
    #[graphql(name = "O3")]
    O3,
    /// Carbon monoxide, in mg/m³ (`mg/m3`).
    Co,
    /// Volatile organic compounds as Sensirion VOC index (`1`): 100 is the average of the last day.
    VocIndex,
    /// Nitrogen oxides as Sensirion NOX index (`1`): 1 is the average of the last day.
    NoxIndex,
    /// Particles larger than 0.3 µm, number per decilitre (`/dL`).
    #[graphql(name = "PARTICLES_0_3")]
    Particles0_3,
    /// Sound level, A-weighted, in dB (`dB[SPL]`).
    Noise,
    /// Illuminance, in `lx`.
    Illuminance,
    /// Height above sea level, in metres (`m`).
    Altitude,
    /// Speed over the ground, in `km/h`.
    Speed,
    /// Acceleration along the sensor's x axis, in raw counts of its analog-to-digital converter (`1`).
    AccelerationX,
    /// Acceleration along the sensor's y axis, in raw counts of its analog-to-digital converter (`1`).
    AccelerationY,
    /// Acceleration along the sensor's z axis, in raw counts of its analog-to-digital converter (`1`).
    AccelerationZ,
    /// Magnitude of the acceleration, as computed by the logger (`1`).
    AccelerationMagnitude,
    /// Rotation about the sensor's x axis, in raw counts of its analog-to-digital converter (`1`).
    RotationX,
    /// Rotation about the sensor's y axis, in raw counts of its analog-to-digital converter (`1`).
    RotationY,
    /// Rotation about the sensor's z axis, in raw counts of its analog-to-digital converter (`1`).
    RotationZ,
    /// Magnitude of the rotation, as computed by the logger (`1`).
    RotationMagnitude,
    /// Battery or supply voltage, in `V`.
    BatteryVoltage,
    /// Received signal strength of the sensor's radio, in dBm (`dB[mW]`).
    SignalStrength,
    /// Number of satellites in the position fix (`1`).
    Satellites,
    /// 1 when the position is new, 0 when the receiver repeated the previous one (`1`).
    GpsUpdated,
    /// Sequence number of the sample in the logger (`1`).
    SampleCounter,
    /// Time since the logger started, in milliseconds (`ms`).
    Uptime,
    /// Number of accelerometer readings in the sample (`1`).
    AccelerometerSamples,
}
