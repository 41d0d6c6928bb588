//! What a sensor measures.

use async_graphql::Enum;

use crate::domain::quantity;

/// What a sensor measures, with the unit in which its values are told and given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "quantity::Quantity")]
pub enum Quantity {
    /// Particulate matter up to 1 µm, in `ug/m3`.
    #[graphql(name = "PM1")]
    Pm1,
    /// Particulate matter up to 2.5 µm, in `ug/m3`.
    #[graphql(name = "PM2_5")]
    Pm2_5,
    /// Particulate matter up to 4 µm, in `ug/m3`.
    #[graphql(name = "PM4")]
    Pm4,
    /// Particulate matter up to 10 µm, in `ug/m3`.
    #[graphql(name = "PM10")]
    Pm10,
    /// Temperature at the sensor (in its case, on the bicycle), in `Cel`.
    Temperature,
    /// Temperature told by a weather station near by, in `Cel`.
    AmbientTemperature,
    /// Relative humidity, in `%`.
    Humidity,
    /// Dew point, in `Cel`.
    DewPoint,
    /// Air pressure at the sensor's height, in `hPa`.
    Pressure,
    /// Mean wind speed, in `m/s`.
    WindSpeed,
    /// Greatest wind speed, in `m/s`.
    WindGust,
    /// Where the wind comes from, clockwise from north, in `deg`.
    WindDirection,
    /// Rain since the station's day began, in `mm`.
    Rain,
    /// Sunshine since the station's day began, in `h`.
    Sunshine,
    /// Carbon dioxide, in `[ppm]`.
    #[graphql(name = "CO2")]
    Co2,
    /// Nitrogen dioxide, in `ug/m3`.
    #[graphql(name = "NO2")]
    No2,
    /// Ozone, in `ug/m3`.
    #[graphql(name = "O3")]
    O3,
    /// Carbon monoxide, in `mg/m3`.
    Co,
    /// Volatile organic compounds, as Sensirion's index: 100 is the average of the last day (`1`).
    VocIndex,
    /// Nitrogen oxides, as Sensirion's index: 1 is the average of the last day (`1`).
    NoxIndex,
    /// Particles above 0.3 µm in a decilitre, in `/dL`.
    #[graphql(name = "PARTICLES_0_3")]
    Particles0_3,
    /// Sound level, A-weighted, in `dB[SPL]`.
    Noise,
    /// Illuminance, in `lx`.
    Illuminance,
    /// Height above the sea, in `m`.
    Altitude,
    /// Speed over the ground, in `km/h`.
    Speed,
    /// Acceleration along the sensor's x axis, in counts of its converter (`1`).
    AccelerationX,
    /// Acceleration along the sensor's y axis, in counts of its converter (`1`).
    AccelerationY,
    /// Acceleration along the sensor's z axis, in counts of its converter (`1`).
    AccelerationZ,
    /// Magnitude of the acceleration as the logger computed it (`1`).
    AccelerationMagnitude,
    /// Rotation about the sensor's x axis, in counts of its converter (`1`).
    RotationX,
    /// Rotation about the sensor's y axis, in counts of its converter (`1`).
    RotationY,
    /// Rotation about the sensor's z axis, in counts of its converter (`1`).
    RotationZ,
    /// Magnitude of the rotation as the logger computed it (`1`).
    RotationMagnitude,
    /// Battery or supply voltage, in `V`.
    BatteryVoltage,
    /// Received signal strength of the sensor's radio, in `dB[mW]`.
    SignalStrength,
    /// Satellites in the position fix (`1`).
    Satellites,
    /// 1 when the position is fresh, 0 when the receiver repeated an old one (`1`).
    GpsUpdated,
    /// The logger's running number of the sample (`1`).
    SampleCounter,
    /// Time since the logger started, in `ms`.
    Uptime,
    /// Accelerometer readings that went into the sample (`1`).
    AccelerometerSamples,
}
