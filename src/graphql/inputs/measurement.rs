//! What a client tells of the air.

use async_graphql::InputObject;

use super::text;
use crate::{
    api_error::ApiError,
    domain::{quantity::Quantity, readings::Readings, sample::Sample},
    graphql::scalar::DateTime,
    ingest::{Observation, Rejection},
};

/// One sample. Recording the same sample again changes nothing.
#[derive(Clone, Debug, InputObject)]
pub struct MeasurementInput {
    /// The key of the device that took it; a device never heard of is added as a mobile one.
    device: String,
    /// When it was taken.
    measured_at: DateTime,
    /// Where, in degrees north (`deg`).
    latitude: Option<f64>,
    /// Where, in degrees east (`deg`).
    longitude: Option<f64>,
    /// PM1, in `ug/m3`.
    pm1: Option<f64>,
    /// PM2.5, in `ug/m3`.
    pm25: Option<f64>,
    /// PM4, in `ug/m3`.
    pm4: Option<f64>,
    /// PM10, in `ug/m3`.
    pm10: Option<f64>,
    /// The weather at the sensor.
    weather: Option<WeatherInput>,
    /// Gases, sound and light at the sensor.
    ambient: Option<AmbientInput>,
    /// How the sensor moved.
    motion: Option<MotionInput>,
    /// How the device was.
    status: Option<DeviceStatusInput>,
}

macro_rules! readings_input {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $quantity:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, InputObject)]
        pub struct $name { $($(#[$field_doc])* $field: Option<$type>,)+ }

        impl $name {
            fn set_in(self, readings: &mut Readings) -> Result<(), ApiError> {
                $(set_reading(readings, stringify!($field), Quantity::$quantity, self.$field.map(f64::from))?;)+
                Ok(())
            }
        }
    };
}

readings_input! {
    /// The weather at the sensor.
    WeatherInput {
        /// Temperature at the sensor, in `Cel`.
        temperature: f64 = Temperature,
        /// Temperature told by a weather station near by, in `Cel`.
        ambient_temperature: f64 = AmbientTemperature,
        /// Relative humidity, in `%`.
        humidity: f64 = Humidity,
        /// Dew point, in `Cel`.
        dew_point: f64 = DewPoint,
        /// Air pressure at the sensor's height, in `hPa`.
        pressure: f64 = Pressure,
        /// Mean wind speed, in `m/s`.
        wind_speed: f64 = WindSpeed,
        /// Greatest wind speed, in `m/s`.
        wind_gust: f64 = WindGust,
        /// Where the wind comes from, clockwise from north, in `deg`.
        wind_direction: f64 = WindDirection,
        /// Rain since the station's day began, in `mm`.
        rain: f64 = Rain,
        /// Sunshine since the station's day began, in `h`.
        sunshine: f64 = Sunshine,
    }
}

readings_input! {
    /// Gases, sound and light at the sensor.
    AmbientInput {
        /// Carbon dioxide, in `[ppm]`.
        co2: f64 = Co2,
        /// Nitrogen dioxide, in `ug/m3`.
        no2: f64 = No2,
        /// Ozone, in `ug/m3`.
        o3: f64 = O3,
        /// Carbon monoxide, in `mg/m3`.
        co: f64 = Co,
        /// Volatile organic compounds, as Sensirion's index: 100 is the average of the last day, in `1`.
        voc_index: f64 = VocIndex,
        /// Nitrogen oxides, as Sensirion's index: 1 is the average of the last day, in `1`.
        nox_index: f64 = NoxIndex,
        /// Particles above 0.3 µm in a decilitre, in `/dL`.
        #[graphql(name = "particles03")]
        particles_0_3: f64 = Particles0_3,
        /// Sound level, A-weighted, in `dB[SPL]`.
        noise: f64 = Noise,
        /// Illuminance, in `lx`.
        illuminance: f64 = Illuminance,
    }
}

readings_input! {
    /// How the sensor moved.
    MotionInput {
        /// Height above the sea, in `m`.
        altitude: f64 = Altitude,
        /// Speed over the ground, in `km/h`.
        speed: f64 = Speed,
        /// Acceleration along the x axis, in counts of the converter (`1`).
        acceleration_x: f64 = AccelerationX,
        /// Acceleration along the y axis, in counts of the converter (`1`).
        acceleration_y: f64 = AccelerationY,
        /// Acceleration along the z axis, in counts of the converter (`1`).
        acceleration_z: f64 = AccelerationZ,
        /// Magnitude of the acceleration as the logger computed it (`1`).
        acceleration_magnitude: f64 = AccelerationMagnitude,
        /// Rotation about the x axis, in counts of the converter (`1`).
        rotation_x: f64 = RotationX,
        /// Rotation about the y axis, in counts of the converter (`1`).
        rotation_y: f64 = RotationY,
        /// Rotation about the z axis, in counts of the converter (`1`).
        rotation_z: f64 = RotationZ,
        /// Magnitude of the rotation as the logger computed it (`1`).
        rotation_magnitude: f64 = RotationMagnitude,
    }
}

readings_input! {
    /// How the device was.
    DeviceStatusInput {
        /// Battery or supply voltage, in `V`.
        battery_voltage: f64 = BatteryVoltage,
        /// Received signal strength of its radio, in `dB[mW]`.
        signal_strength: f64 = SignalStrength,
        /// Satellites in the position fix (`1`).
        satellites: i32 = Satellites,
        /// Whether the position was fresh; false when the receiver repeated an old one (`1` or 0 in the archive).
        gps_updated: bool = GpsUpdated,
        /// The logger's running number of the sample (`1`).
        sample_counter: f64 = SampleCounter,
        /// Time since the logger started, in `ms`.
        uptime: f64 = Uptime,
        /// Accelerometer readings that went into the sample (`1`).
        accelerometer_samples: i32 = AccelerometerSamples,
    }
}

impl MeasurementInput {
    /// Checks the sample at this place of the list.
    ///
    /// # Errors
    /// Why the sample is left out, with the code that plain JSON has for it (`ingest::json`).
    pub fn check(self, index: usize) -> Result<Observation, Rejection> {
        let reject = |code, error: &ApiError| Rejection { index, code, detail: error.message() };
        let device = text::device_key("device", self.device).map_err(|error| reject("INVALID_DEVICE", &error))?;
        let mut sample = Sample::new(self.measured_at.0);
        sample.position =
            text::position(self.latitude, self.longitude).map_err(|error| reject("INVALID_POSITION", &error))?;
        let readings = &mut sample.readings;
        let particulates = [
            ("pm1", Quantity::Pm1, self.pm1),
            ("pm25", Quantity::Pm2_5, self.pm25),
            ("pm4", Quantity::Pm4, self.pm4),
            ("pm10", Quantity::Pm10, self.pm10),
        ];
        let air = particulates
            .into_iter()
            .try_for_each(|(name, quantity, value)| set_reading(readings, name, quantity, value));
        air.and_then(|()| self.weather.map_or(Ok(()), |input| in_group("weather", input.set_in(readings))))
            .and_then(|()| self.ambient.map_or(Ok(()), |input| in_group("ambient", input.set_in(readings))))
            .and_then(|()| self.motion.map_or(Ok(()), |input| in_group("motion", input.set_in(readings))))
            .and_then(|()| self.status.map_or(Ok(()), |input| in_group("status", input.set_in(readings))))
            .map_err(|error| reject("INVALID_VALUE", &error))?;
        if sample.readings.is_empty() {
            let detail = "no value; give at least one, such as pm10".to_owned();
            return Err(Rejection { index, code: "NO_VALUES", detail });
        }
        Ok(Observation { index, device, sample })
    }
}

fn in_group(group: &str, outcome: Result<(), ApiError>) -> Result<(), ApiError> {
    outcome.map_err(|error| error.in_argument(group))
}

fn set_reading(
    readings: &mut Readings,
    argument: &str,
    quantity: Quantity,
    value: Option<f64>,
) -> Result<(), ApiError> {
    let Some(value) = value else { return Ok(()) };
    readings.set(quantity, value).map_err(|reason| ApiError::bad_input(camel_case(argument), reason))
}

/// `wind_speed` as clients know it: `windSpeed`.
fn camel_case(field: &str) -> String {
    let mut camel = String::with_capacity(field.len());
    let mut parts = field.split('_');
    camel.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let mut chars = part.chars();
        camel.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    camel
}
