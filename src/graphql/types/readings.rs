//! What a measurement tells beside particulates.

use std::borrow::Cow;

use async_graphql::Object;

use crate::domain::{
    quantity::{Group, Quantity},
    readings::Readings,
};

/// The group that a field of measurements holds.
pub(in crate::graphql) fn group_by_field(field: &str) -> Option<Group> {
    match field {
        "weather" => Some(Group::Weather),
        "ambient" => Some(Group::Ambient),
        "motion" => Some(Group::Motion),
        "status" => Some(Group::Status),
        _ => None,
    }
}

/// The quantity that a field of a group holds: the field has the quantity's name in camel case.
pub(in crate::graphql) fn quantity_by_field(group: Group, field: &str) -> Option<Quantity> {
    let is_named = |quantity: &Quantity| {
        let name = quantity.definition().name.bytes().filter(|&byte| byte != b'_');
        name.eq(field.bytes().map(|byte| byte.to_ascii_lowercase()))
    };
    Quantity::in_group(group).find(is_named)
}

/// The weather at the sensor.
pub struct Weather<'a>(pub Cow<'a, Readings>);

/// The weather at the sensor.
#[Object]
impl Weather<'_> {
    /// Temperature at the sensor (in its case, on the bicycle), in `Cel`.
    async fn temperature(&self) -> Option<f64> {
        self.0.get(Quantity::Temperature)
    }

    /// Temperature told by a weather station near by, in `Cel`.
    async fn ambient_temperature(&self) -> Option<f64> {
        self.0.get(Quantity::AmbientTemperature)
    }

    /// Relative humidity, in `%`.
    async fn humidity(&self) -> Option<f64> {
        self.0.get(Quantity::Humidity)
    }

    /// Dew point, in `Cel`.
    async fn dew_point(&self) -> Option<f64> {
        self.0.get(Quantity::DewPoint)
    }

    /// Air pressure at the sensor's height, in `hPa`.
    async fn pressure(&self) -> Option<f64> {
        self.0.get(Quantity::Pressure)
    }

    /// Mean wind speed, in `m/s`.
    async fn wind_speed(&self) -> Option<f64> {
        self.0.get(Quantity::WindSpeed)
    }

    /// Greatest wind speed, in `m/s`.
    async fn wind_gust(&self) -> Option<f64> {
        self.0.get(Quantity::WindGust)
    }

    /// Where the wind comes from, clockwise from north, in `deg`.
    async fn wind_direction(&self) -> Option<f64> {
        self.0.get(Quantity::WindDirection)
    }

    /// Rain since the station's day began, in `mm`.
    async fn rain(&self) -> Option<f64> {
        self.0.get(Quantity::Rain)
    }

    /// Sunshine since the station's day began, in `h`.
    async fn sunshine(&self) -> Option<f64> {
        self.0.get(Quantity::Sunshine)
    }
}

/// Gases, sound and light at the sensor.
pub struct Ambient<'a>(pub Cow<'a, Readings>);

/// Gases, sound and light at the sensor.
#[Object]
impl Ambient<'_> {
    /// Carbon dioxide, in `[ppm]`.
    async fn co2(&self) -> Option<f64> {
        self.0.get(Quantity::Co2)
    }

    /// Nitrogen dioxide, in `ug/m3`.
    async fn no2(&self) -> Option<f64> {
        self.0.get(Quantity::No2)
    }

    /// Ozone, in `ug/m3`.
    async fn o3(&self) -> Option<f64> {
        self.0.get(Quantity::O3)
    }

    /// Carbon monoxide, in `mg/m3`.
    async fn co(&self) -> Option<f64> {
        self.0.get(Quantity::Co)
    }

    /// Volatile organic compounds, as Sensirion's index: 100 is the average of the last day, in `1`.
    async fn voc_index(&self) -> Option<f64> {
        self.0.get(Quantity::VocIndex)
    }

    /// Nitrogen oxides, as Sensirion's index: 1 is the average of the last day, in `1`.
    async fn nox_index(&self) -> Option<f64> {
        self.0.get(Quantity::NoxIndex)
    }

    /// Particles above 0.3 µm in a decilitre, in `/dL`.
    #[graphql(name = "particles03")]
    async fn particles_0_3(&self) -> Option<f64> {
        self.0.get(Quantity::Particles0_3)
    }

    /// Sound level, A-weighted, in `dB[SPL]`.
    async fn noise(&self) -> Option<f64> {
        self.0.get(Quantity::Noise)
    }

    /// Illuminance, in `lx`.
    async fn illuminance(&self) -> Option<f64> {
        self.0.get(Quantity::Illuminance)
    }
}

/// How the sensor moved.
pub struct Motion<'a>(pub Cow<'a, Readings>);

/// How the sensor moved.
#[Object]
impl Motion<'_> {
    /// Height above the sea, in `m`.
    async fn altitude(&self) -> Option<f64> {
        self.0.get(Quantity::Altitude)
    }

    /// Speed over the ground, in `km/h`.
    async fn speed(&self) -> Option<f64> {
        self.0.get(Quantity::Speed)
    }

    /// Acceleration along the x axis, in counts of the converter (`1`).
    async fn acceleration_x(&self) -> Option<f64> {
        self.0.get(Quantity::AccelerationX)
    }

    /// Acceleration along the y axis, in counts of the converter (`1`).
    async fn acceleration_y(&self) -> Option<f64> {
        self.0.get(Quantity::AccelerationY)
    }

    /// Acceleration along the z axis, in counts of the converter (`1`).
    async fn acceleration_z(&self) -> Option<f64> {
        self.0.get(Quantity::AccelerationZ)
    }

    /// Magnitude of the acceleration as the logger computed it (`1`).
    async fn acceleration_magnitude(&self) -> Option<f64> {
        self.0.get(Quantity::AccelerationMagnitude)
    }

    /// Rotation about the x axis, in counts of the converter (`1`).
    async fn rotation_x(&self) -> Option<f64> {
        self.0.get(Quantity::RotationX)
    }

    /// Rotation about the y axis, in counts of the converter (`1`).
    async fn rotation_y(&self) -> Option<f64> {
        self.0.get(Quantity::RotationY)
    }

    /// Rotation about the z axis, in counts of the converter (`1`).
    async fn rotation_z(&self) -> Option<f64> {
        self.0.get(Quantity::RotationZ)
    }

    /// Magnitude of the rotation as the logger computed it (`1`).
    async fn rotation_magnitude(&self) -> Option<f64> {
        self.0.get(Quantity::RotationMagnitude)
    }
}

/// How the device was.
pub struct DeviceStatus<'a>(pub Cow<'a, Readings>);

/// How the device was.
#[Object]
impl DeviceStatus<'_> {
    /// Battery or supply voltage, in `V`.
    async fn battery_voltage(&self) -> Option<f64> {
        self.0.get(Quantity::BatteryVoltage)
    }

    /// Received signal strength of its radio, in `dB[mW]`.
    async fn signal_strength(&self) -> Option<f64> {
        self.0.get(Quantity::SignalStrength)
    }

    /// Satellites in the position fix (`1`).
    async fn satellites(&self) -> Option<f64> {
        self.0.get(Quantity::Satellites)
    }

    /// Whether the position was fresh; false when the receiver repeated an old one (`1` or 0 in the archive).
    async fn gps_updated(&self) -> Option<bool> {
        self.0.get(Quantity::GpsUpdated).map(|updated| updated != 0.0)
    }

    /// The logger's running number of the sample (`1`).
    async fn sample_counter(&self) -> Option<f64> {
        self.0.get(Quantity::SampleCounter)
    }

    /// Time since the logger started, in `ms`.
    async fn uptime(&self) -> Option<f64> {
        self.0.get(Quantity::Uptime)
    }

    /// Accelerometer readings that went into the sample (`1`).
    async fn accelerometer_samples(&self) -> Option<f64> {
        self.0.get(Quantity::AccelerometerSamples)
    }
}
