//! Samples as clients send them.

use async_graphql::InputObject;

use super::text;
use crate::{
    api_error::ApiError,
    domain::{quantity::Quantity, readings::Readings, sample::Sample},
    graphql::scalar::DateTime,
    ingest::{Observation, Rejection},
};

/// One sample of a device. Needs at least one value. Recording the same sample again changes nothing.
#[derive(Clone, Debug, InputObject)]
pub struct MeasurementInput {
    /// Key of the device. An unknown device is registered as a mobile one.
    device: String,
    /// Time of the sample.
    measured_at: DateTime,
    /// Latitude in degrees (WGS 84), north positive. Given together with `longitude`.
    latitude: Option<f64>,
    /// Longitude in degrees (WGS 84), east positive. Given together with `latitude`.
    longitude: Option<f64>,
    /// Particulate matter up to 1 µm, in µg/m³ (`ug/m3`).
    pm1: Option<f64>,
    /// Particulate matter up to 2.5 µm, in µg/m³ (`ug/m3`).
    pm25: Option<f64>,
    /// Particulate matter up to 4 µm, in µg/m³ (`ug/m3`).
    pm4: Option<f64>,
    /// Particulate matter up to 10 µm, in µg/m³ (`ug/m3`).
    pm10: Option<f64>,
    /// Weather at the sensor.
    weather: Option<WeatherInput>,
    /// Gases, sound and light at the sensor.
    ambient: Option<AmbientInput>,
    /// Motion of the sensor.
    motion: Option<MotionInput>,
    /// State of the device.
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
    /// Weather at the sensor.
    WeatherInput {
        /// Temperature at the sensor, in °C (`Cel`).
        temperature: f64 = Temperature,
        /// Temperature from a nearby weather station, in °C (`Cel`).
        ambient_temperature: f64 = AmbientTemperature,
        /// Relative humidity, in `%`.
        humidity: f64 = Humidity,
        /// Dew point, in °C (`Cel`).
        dew_point: f64 = DewPoint,
        /// Air pressure at the sensor's height, in `hPa`.
        pressure: f64 = Pressure,
        /// Mean wind speed, in `m/s`.
        wind_speed: f64 = WindSpeed,
        /// Maximum wind speed, in `m/s`.
        wind_gust: f64 = WindGust,
        /// Direction the wind comes from, clockwise from north, in degrees (`deg`).
        wind_direction: f64 = WindDirection,
        /// Rain since the start of the station's day, in `mm`.
        rain: f64 = Rain,
        /// Sunshine since the start of the station's day, in hours (`h`).
        sunshine: f64 = Sunshine,
    }
}

readings_input! {
    /// Gases, sound and light at the sensor.
    AmbientInput {
        /// Carbon dioxide, in ppm (`[ppm]`).
        co2: f64 = Co2,
        /// Nitrogen dioxide, in µg/m³ (`ug/m3`).
        no2: f64 = No2,
        /// Ozone, in µg/m³ (`ug/m3`).
        o3: f64 = O3,
        /// Carbon monoxide, in mg/m³ (`mg/m3`).
        co: f64 = Co,
        /// Volatile organic compounds as Sensirion VOC index (`1`): 100 is the average of the last day.
        voc_index: f64 = VocIndex,
        /// Nitrogen oxides as Sensirion NOX index (`1`): 1 is the average of the last day.
        nox_index: f64 = NoxIndex,
        /// Particles larger than 0.3 µm, number per decilitre (`/dL`).
        #[graphql(name = "particles03")]
        particles_0_3: f64 = Particles0_3,
        /// Sound level, A-weighted, in dB (`dB[SPL]`).
        noise: f64 = Noise,
        /// Illuminance, in `lx`.
        illuminance: f64 = Illuminance,
    }
}

readings_input! {
    /// Motion of the sensor.
    MotionInput {
        /// Height above sea level, in metres (`m`).
        altitude: f64 = Altitude,
        /// Speed over the ground, in `km/h`.
        speed: f64 = Speed,
        /// Acceleration along the x axis, in raw counts of the analog-to-digital converter (`1`).
        acceleration_x: f64 = AccelerationX,
        /// Acceleration along the y axis, in raw counts of the analog-to-digital converter (`1`).
        acceleration_y: f64 = AccelerationY,
        /// Acceleration along the z axis, in raw counts of the analog-to-digital converter (`1`).
        acceleration_z: f64 = AccelerationZ,
        /// Magnitude of the acceleration, as computed by the logger (`1`).
        acceleration_magnitude: f64 = AccelerationMagnitude,
        /// Rotation about the x axis, in raw counts of the analog-to-digital converter (`1`).
        rotation_x: f64 = RotationX,
        /// Rotation about the y axis, in raw counts of the analog-to-digital converter (`1`).
        rotation_y: f64 = RotationY,
        /// Rotation about the z axis, in raw counts of the analog-to-digital converter (`1`).
        rotation_z: f64 = RotationZ,
        /// Magnitude of the rotation, as computed by the logger (`1`).
        rotation_magnitude: f64 = RotationMagnitude,
    }
}

readings_input! {
    /// State of the device.
    DeviceStatusInput {
        /// Battery or supply voltage, in `V`.
        battery_voltage: f64 = BatteryVoltage,
        /// Received signal strength of its radio, in dBm (`dB[mW]`).
        signal_strength: f64 = SignalStrength,
        /// Number of satellites in the position fix (`1`).
        satellites: i32 = Satellites,
        /// Whether the position is new; false when the receiver repeated the previous one. Stored as `1` or 0.
        gps_updated: bool = GpsUpdated,
        /// Sequence number of the sample in the logger (`1`).
        sample_counter: f64 = SampleCounter,
        /// Time since the logger started, in milliseconds (`ms`).
        uptime: f64 = Uptime,
        /// Number of accelerometer readings in the sample (`1`).
        accelerometer_samples: i32 = AccelerometerSamples,
    }
}

impl MeasurementInput {
    /// Checks the sample at position `index` of the list.
    ///
    /// # Errors
    /// The reason for the rejection, with the same code as plain JSON (`ingest::json`).
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

/// The name in the schema: `windSpeed` for `wind_speed`.
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
