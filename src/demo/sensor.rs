//! A low-cost sensor: biased, noisy, of limited resolution, and affected by fog.

use rand_chacha::ChaCha8Rng;

use super::{
    air::{Conditions, Plume},
    plane::rounded,
    random::{noise, uniform},
};
use crate::domain::{quantity::Quantity, readings::Readings};

/// The air at a sensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct SensorEnvironment {
    pub air: Conditions,
    /// From 0 (away from streets) to 1 (a main road).
    pub street: f64,
    pub plume: Plume,
    /// Above the sea, m.
    pub altitude_m: f64,
}

/// The constant errors of one device.
#[derive(Clone, Copy, Debug)]
pub(super) struct SimulatedSensor {
    /// Factor of particulates.
    gain: f64,
    /// Added to the temperature, °C: its box stands in the sun.
    warmth: f64,
    /// Added to the relative humidity, %.
    damp: f64,
}

impl SimulatedSensor {
    /// A sensor with random errors.
    pub(super) fn random(rng: &mut ChaCha8Rng) -> Self {
        Self { gain: uniform(rng, 0.88, 1.12), warmth: uniform(rng, -0.3, 0.8), damp: uniform(rng, -3.0, 3.0) }
    }

    /// PM2.5, PM10, temperature and humidity: the values of a bicycle's sensor.
    pub(super) fn read(&self, around: &SensorEnvironment, rng: &mut ChaCha8Rng) -> Readings {
        let (_, _, readings) = self.measure(around, rng);
        readings
    }

    /// The same with PM1, PM4, pressure, CO2 and NO2: the values of a station's sensors.
    pub(super) fn read_all(&self, around: &SensorEnvironment, rng: &mut ChaCha8Rng) -> Readings {
        let (fine, coarse, mut readings) = self.measure(around, rng);
        set_reading(&mut readings, Quantity::Pm1, fine * uniform(rng, 0.62, 0.7), 1);
        set_reading(&mut readings, Quantity::Pm4, fine + coarse * uniform(rng, 0.4, 0.45), 1);
        // Near the ground the pressure decreases by about 1 hPa in 8.3 m.
        let pressure = around.air.pressure - around.altitude_m / 8.3 + 0.1 * noise(rng);
        set_reading(&mut readings, Quantity::Pressure, pressure, 1);
        // Both gases come from engines and stoves, and still air keeps them near the ground as it keeps fine dust.
        let SensorEnvironment { air, street, .. } = around;
        let co2 = 421.0 + 1.3 * air.fine + 14.0 * air.rush + 38.0 * street * air.rush + 2.0 * noise(rng);
        let no2 = 4.0 + 0.45 * air.fine + 9.0 * air.rush + street * (7.0 + 42.0 * air.rush);
        set_reading(&mut readings, Quantity::Co2, co2, 0);
        set_reading(&mut readings, Quantity::No2, self.gain * no2 * (1.0 + 0.06 * noise(rng)), 1);
        readings
    }

    /// The particulate fractions with the sensor's errors (µg/m³), and the values of any sensor.
    fn measure(&self, around: &SensorEnvironment, rng: &mut ChaCha8Rng) -> (f64, f64, Readings) {
        let SensorEnvironment { air, street, plume, .. } = around;
        let humidity = (air.humidity + self.damp + 0.4 * noise(rng)).clamp(1.0, 100.0);
        // Droplets count as dust in optical sensors.
        let swelling = 1.0 + 0.6 * ((humidity - 75.0).max(0.0) / 25.0).powi(2);
        let fine = air.fine + street * (0.6 + 4.5 * air.rush) + plume.fine;
        let coarse = air.coarse + street * (1.0 + 6.0 * air.rush) + plume.coarse;
        let fine = (self.gain * swelling * fine * (1.0 + 0.05 * noise(rng)) + 0.3 * noise(rng)).max(0.3);
        let coarse = (self.gain * swelling * coarse * (1.0 + 0.12 * noise(rng)) + 0.4 * noise(rng)).max(0.1);

        let mut readings = Readings::default();
        set_reading(&mut readings, Quantity::Pm2_5, fine, 1);
        set_reading(&mut readings, Quantity::Pm10, fine + coarse, 1);
        set_reading(&mut readings, Quantity::Temperature, air.temperature + self.warmth + 0.15 * noise(rng), 1);
        set_reading(&mut readings, Quantity::Humidity, humidity, 1);
        (fine, coarse, readings)
    }
}

/// Sets a quantity rounded to its sensor's decimals.
pub(super) fn set_reading(readings: &mut Readings, quantity: Quantity, value: f64, decimals: i32) {
    let result = readings.set(quantity, rounded(value, decimals));
    debug_assert!(result.is_ok(), "the simulation makes finite numbers: {result:?}");
}
