//! Values of a measurement other than particulates, in groups.

use std::borrow::Cow;

use async_graphql::Object;

use crate::{
    domain::{
        quantity::{Group, Quantity},
        readings::Readings,
    },
    graphql::fast_json::row_fields::is_field_name,
};

/// The fields of `Measurement` with the values of a group of quantities.
const GROUP_FIELDS: [(&str, Group); 4] =
    [("weather", Group::Weather), ("ambient", Group::Ambient), ("motion", Group::Motion), ("status", Group::Status)];

/// The group of quantities behind a field of `Measurement`.
pub(in crate::graphql) fn group_by_field(field: &str) -> Option<Group> {
    GROUP_FIELDS.iter().find(|(name, _)| *name == field).map(|&(_, group)| group)
}

/// The field of `Measurement` with the values of a group; `None` for a group whose values are fields themselves.
pub(crate) fn field_of_group(group: Group) -> Option<&'static str> {
    GROUP_FIELDS.iter().find(|(_, of)| *of == group).map(|&(name, _)| name)
}

/// The quantity behind a field of a group.
pub(in crate::graphql) fn quantity_by_field(group: Group, field: &str) -> Option<Quantity> {
    Quantity::in_group(group).find(|quantity| is_field_name(quantity.definition().name, field))
}

/// Weather at the sensor. A field is null when the sensor did not send the value.
pub struct Weather<'a>(pub Cow<'a, Readings>);

/// Weather at the sensor. A field is null when the sensor did not send the value.
#[Object]
impl Weather<'_> {
    /// Temperature at the sensor (inside its case, on the bicycle), in °C (`Cel`).
    async fn temperature(&self) -> Option<f64> {
        self.0.get(Quantity::Temperature)
    }

    /// Temperature from a nearby weather station, in °C (`Cel`).
    async fn ambient_temperature(&self) -> Option<f64> {
        self.0.get(Quantity::AmbientTemperature)
    }

    /// Relative humidity, in `%`.
    async fn humidity(&self) -> Option<f64> {
        self.0.get(Quantity::Humidity)
    }

    /// Dew point, in °C (`Cel`).
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

    /// Maximum wind speed, in `m/s`.
    async fn wind_gust(&self) -> Option<f64> {
        self.0.get(Quantity::WindGust)
    }

    /// Direction the wind comes from, clockwise from north, in degrees (`deg`).
    async fn wind_direction(&self) -> Option<f64> {
        self.0.get(Quantity::WindDirection)
    }

    /// Rain since the start of the station's day, in `mm`.
    async fn rain(&self) -> Option<f64> {
        self.0.get(Quantity::Rain)
    }

    /// Sunshine since the start of the station's day, in hours (`h`).
    async fn sunshine(&self) -> Option<f64> {
        self.0.get(Quantity::Sunshine)
    }
}

/// Gases, sound and light at the sensor. A field is null when the sensor did not send the value.
pub struct Ambient<'a>(pub Cow<'a, Readings>);

/// Gases, sound and light at the sensor. A field is null when the sensor did not send the value.
#[Object]
impl Ambient<'_> {
    /// Carbon dioxide, in ppm (`[ppm]`).
    async fn co2(&self) -> Option<f64> {
        self.0.get(Quantity::Co2)
    }

    /// Nitrogen dioxide, in µg/m³ (`ug/m3`).
    async fn no2(&self) -> Option<f64> {
        self.0.get(Quantity::No2)
    }

    /// Ozone, in µg/m³ (`ug/m3`).
    async fn o3(&self) -> Option<f64> {
        self.0.get(Quantity::O3)
    }

    /// Carbon monoxide, in mg/m³ (`mg/m3`).
    async fn co(&self) -> Option<f64> {
        self.0.get(Quantity::Co)
    }

    /// Volatile organic compounds as Sensirion VOC index (`1`): 100 is the average of the last day.
    async fn voc_index(&self) -> Option<f64> {
        self.0.get(Quantity::VocIndex)
    }

    /// Nitrogen oxides as Sensirion NOX index (`1`): 1 is the average of the last day.
    async fn nox_index(&self) -> Option<f64> {
        self.0.get(Quantity::NoxIndex)
    }

    /// Particles larger than 0.3 µm, number per decilitre (`/dL`).
    #[graphql(name = "particles03")]
    async fn particles_0_3(&self) -> Option<f64> {
        self.0.get(Quantity::Particles0_3)
    }

    /// Sound level, A-weighted, in dB (`dB[SPL]`).
    async fn noise(&self) -> Option<f64> {
        self.0.get(Quantity::Noise)
    }

    /// Illuminance, in `lx`.
    async fn illuminance(&self) -> Option<f64> {
        self.0.get(Quantity::Illuminance)
    }
}

/// Motion of the sensor. A field is null when the sensor did not send the value.
pub struct Motion<'a>(pub Cow<'a, Readings>);

/// Motion of the sensor. A field is null when the sensor did not send the value.
#[Object]
impl Motion<'_> {
    /// Height above sea level, in metres (`m`).
    async fn altitude(&self) -> Option<f64> {
        self.0.get(Quantity::Altitude)
    }

    /// Speed over the ground, in `km/h`.
    async fn speed(&self) -> Option<f64> {
        self.0.get(Quantity::Speed)
    }

    /// Acceleration along the x axis, in raw counts of the analog-to-digital converter (`1`).
    async fn acceleration_x(&self) -> Option<f64> {
        self.0.get(Quantity::AccelerationX)
    }

    /// Acceleration along the y axis, in raw counts of the analog-to-digital converter (`1`).
    async fn acceleration_y(&self) -> Option<f64> {
        self.0.get(Quantity::AccelerationY)
    }

    /// Acceleration along the z axis, in raw counts of the analog-to-digital converter (`1`).
    async fn acceleration_z(&self) -> Option<f64> {
        self.0.get(Quantity::AccelerationZ)
    }

    /// Magnitude of the acceleration, as computed by the logger (`1`).
    async fn acceleration_magnitude(&self) -> Option<f64> {
        self.0.get(Quantity::AccelerationMagnitude)
    }

    /// Rotation about the x axis, in raw counts of the analog-to-digital converter (`1`).
    async fn rotation_x(&self) -> Option<f64> {
        self.0.get(Quantity::RotationX)
    }

    /// Rotation about the y axis, in raw counts of the analog-to-digital converter (`1`).
    async fn rotation_y(&self) -> Option<f64> {
        self.0.get(Quantity::RotationY)
    }

    /// Rotation about the z axis, in raw counts of the analog-to-digital converter (`1`).
    async fn rotation_z(&self) -> Option<f64> {
        self.0.get(Quantity::RotationZ)
    }

    /// Magnitude of the rotation, as computed by the logger (`1`).
    async fn rotation_magnitude(&self) -> Option<f64> {
        self.0.get(Quantity::RotationMagnitude)
    }
}

/// State of the device. A field is null when the device did not send the value.
pub struct DeviceStatus<'a>(pub Cow<'a, Readings>);

/// State of the device. A field is null when the device did not send the value.
#[Object]
impl DeviceStatus<'_> {
    /// Battery or supply voltage, in `V`.
    async fn battery_voltage(&self) -> Option<f64> {
        self.0.get(Quantity::BatteryVoltage)
    }

    /// Received signal strength of its radio, in dBm (`dB[mW]`).
    async fn signal_strength(&self) -> Option<f64> {
        self.0.get(Quantity::SignalStrength)
    }

    /// Number of satellites in the position fix (`1`).
    async fn satellites(&self) -> Option<f64> {
        self.0.get(Quantity::Satellites)
    }

    /// Whether the position is new; false when the receiver repeated the previous one. Stored as `1` or 0.
    async fn gps_updated(&self) -> Option<bool> {
        self.0.get(Quantity::GpsUpdated).map(|updated| updated != 0.0)
    }

    /// Sequence number of the sample in the logger (`1`).
    async fn sample_counter(&self) -> Option<f64> {
        self.0.get(Quantity::SampleCounter)
    }

    /// Time since the logger started, in milliseconds (`ms`).
    async fn uptime(&self) -> Option<f64> {
        self.0.get(Quantity::Uptime)
    }

    /// Number of accelerometer readings in the sample (`1`).
    async fn accelerometer_samples(&self) -> Option<f64> {
        self.0.get(Quantity::AccelerometerSamples)
    }
}
