//! The quantities that sensors measure, with their names, units and ranges.
//!
//! To add a quantity, add a row to the table below, a column in a new migration, and a field in
//! `graphql/types/readings.rs`; a test compares the units in the GraphQL descriptions with this table.

/// The table that holds a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Particulates: columns of `measurement` itself, stored as 32-bit floats.
    Air,
    /// `weather`.
    Weather,
    /// `ambient`: gases, sound and light.
    Ambient,
    /// `motion`.
    Motion,
    /// `device_status`.
    Status,
}

/// Definition of a quantity.
#[derive(Debug)]
pub struct Definition {
    /// Its column in the database and its name in plain JSON and CSV.
    pub name: &'static str,
    /// Its unit in UCUM (ucum.org); `1` for a pure number.
    pub unit: &'static str,
    /// Minimum plausible value; lower values are stored and flagged.
    pub min: f64,
    /// Maximum plausible value; higher values are stored and flagged.
    pub max: f64,
    /// The table that stores it.
    pub group: Group,
}

macro_rules! quantities {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $unit:literal, $min:literal..=$max:literal, $group:ident;)+) => {
        /// A quantity that sensors measure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Quantity { $($(#[$doc])* $variant,)+ }

        impl Quantity {
            /// Every quantity, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Name, unit, range and table.
            #[must_use]
            pub fn definition(self) -> &'static Definition {
                match self {
                    $(Self::$variant => &Definition { name: $name, unit: $unit, min: $min, max: $max, group: Group::$group },)+
                }
            }
        }
    };
}

quantities! {
    /// Particulate matter up to 1 µm.
    Pm1 = "pm1", "ug/m3", 0.0..=999.9, Air;
    /// Particulate matter up to 2.5 µm. The range is that of the SDS011.
    Pm2_5 = "pm2_5", "ug/m3", 0.0..=999.9, Air;
    /// Particulate matter up to 4 µm.
    Pm4 = "pm4", "ug/m3", 0.0..=999.9, Air;
    /// Particulate matter up to 10 µm.
    Pm10 = "pm10", "ug/m3", 0.0..=999.9, Air;
    /// Temperature at the sensor (in its case, on the bicycle).
    Temperature = "temperature", "Cel", -40.0..=125.0, Weather;
    /// Temperature of a weather station near by.
    AmbientTemperature = "ambient_temperature", "Cel", -90.0..=60.0, Weather;
    /// Relative humidity.
    Humidity = "humidity", "%", 0.0..=100.0, Weather;
    /// Dew point.
    DewPoint = "dew_point", "Cel", -90.0..=60.0, Weather;
    /// Air pressure at the sensor's height.
    Pressure = "pressure", "hPa", 300.0..=1100.0, Weather;
    /// Mean wind speed.
    WindSpeed = "wind_speed", "m/s", 0.0..=120.0, Weather;
    /// Maximum wind speed.
    WindGust = "wind_gust", "m/s", 0.0..=120.0, Weather;
    /// Direction the wind comes from, clockwise from north.
    WindDirection = "wind_direction", "deg", 0.0..=360.0, Weather;
    /// Rain since the station's day began.
    Rain = "rain", "mm", 0.0..=2000.0, Weather;
    /// Sunshine since the station's day began.
    Sunshine = "sunshine", "h", 0.0..=24.0, Weather;
    /// Carbon dioxide.
    Co2 = "co2", "[ppm]", 0.0..=40_000.0, Ambient;
    /// Nitrogen dioxide.
    No2 = "no2", "ug/m3", 0.0..=2_000.0, Ambient;
    /// Ozone.
    O3 = "o3", "ug/m3", 0.0..=2_000.0, Ambient;
    /// Carbon monoxide.
    Co = "co", "mg/m3", 0.0..=1_000.0, Ambient;
    /// Volatile organic compounds, as Sensirion's index: 100 is the average of the last day.
    VocIndex = "voc_index", "1", 0.0..=500.0, Ambient;
    /// Nitrogen oxides, as Sensirion's index: 1 is the average of the last day.
    NoxIndex = "nox_index", "1", 0.0..=500.0, Ambient;
    /// Particles above 0.3 µm in a decilitre.
    Particles0_3 = "particles_0_3", "/dL", 0.0..=65_535.0, Ambient;
    /// Sound level, A-weighted.
    Noise = "noise", "dB[SPL]", 0.0..=200.0, Ambient;
    /// Illuminance.
    Illuminance = "illuminance", "lx", 0.0..=200_000.0, Ambient;
    /// Height above the sea.
    Altitude = "altitude", "m", -430.0..=9000.0, Motion;
    /// Speed over the ground.
    Speed = "speed", "km/h", 0.0..=300.0, Motion;
    /// Acceleration along the sensor's x axis, in counts of its converter.
    AccelerationX = "acceleration_x", "1", -65_536.0..=65_536.0, Motion;
    /// Acceleration along the sensor's y axis, in counts of its converter.
    AccelerationY = "acceleration_y", "1", -65_536.0..=65_536.0, Motion;
    /// Acceleration along the sensor's z axis, in counts of its converter.
    AccelerationZ = "acceleration_z", "1", -65_536.0..=65_536.0, Motion;
    /// Magnitude of the acceleration as the logger computed it.
    AccelerationMagnitude = "acceleration_magnitude", "1", 0.0..=131_072.0, Motion;
    /// Rotation about the sensor's x axis, in counts of its converter.
    RotationX = "rotation_x", "1", -65_536.0..=65_536.0, Motion;
    /// Rotation about the sensor's y axis, in counts of its converter.
    RotationY = "rotation_y", "1", -65_536.0..=65_536.0, Motion;
    /// Rotation about the sensor's z axis, in counts of its converter.
    RotationZ = "rotation_z", "1", -65_536.0..=65_536.0, Motion;
    /// Magnitude of the rotation as the logger computed it.
    RotationMagnitude = "rotation_magnitude", "1", 0.0..=131_072.0, Motion;
    /// Battery or supply voltage.
    BatteryVoltage = "battery_voltage", "V", 0.0..=60.0, Status;
    /// Received signal strength of the sensor's radio.
    SignalStrength = "signal_strength", "dB[mW]", -150.0..=20.0, Status;
    /// Satellites in the position fix.
    Satellites = "satellites", "1", 0.0..=100.0, Status;
    /// 1 when the position is fresh, 0 when the receiver repeated an old one.
    GpsUpdated = "gps_updated", "1", 0.0..=1.0, Status;
    /// The logger's running number of the sample.
    SampleCounter = "sample_counter", "1", 0.0..=4_294_967_295.0, Status;
    /// Time since the logger started.
    Uptime = "uptime", "ms", 0.0..=4_294_967_295.0, Status;
    /// Number of accelerometer readings in the sample.
    AccelerometerSamples = "accelerometer_samples", "1", 0.0..=65_535.0, Status;
}

impl Quantity {
    /// The quantity with this name in plain JSON and the database.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|quantity| quantity.definition().name == name)
    }

    /// The quantities of one table, in the order of the table above.
    pub fn in_group(group: Group) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |quantity| quantity.definition().group == group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_ranges_are_not_empty() {
        let mut names: Vec<_> = Quantity::ALL.iter().map(|quantity| quantity.definition().name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Quantity::ALL.len());
        assert!(Quantity::ALL.iter().all(|quantity| quantity.definition().min < quantity.definition().max));
    }
}
