//! One ride of a bicycle: its position and its sensor's values every three seconds.

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::{
    air::{AirModel, Plume},
    plane::Point,
    random::{chance, noise, uniform},
    sensor::{SensorEnvironment, SimulatedSensor, set_reading},
    town::Waypoint,
};
use crate::domain::{quantity::Quantity, sample::Sample};

/// Seconds between two samples.
pub(super) const SAMPLE_INTERVAL_S: u16 = 3;
/// Maximum duration of a ride; the recording stops then.
pub(super) const MAX_RIDE_DURATION: TimeDelta = TimeDelta::minutes(40);
/// How much faster and slower a cyclist can get from one sample to the next, km/h.
const MAX_SPEED_UP_KMH: f64 = 5.0;
const MAX_SLOW_DOWN_KMH: f64 = 9.0;
/// Probability of waiting at a crossing.
const RED_LIGHT_PROBABILITY: f64 = 0.3;
/// Share of the change to another street's air that the sensor follows between samples: its fan is small.
const AIR_MIXING_RATE: f64 = 0.25;
/// Battery drain of the logger, V/h.
const BATTERY_DRAIN_V_PER_HOUR: f64 = 0.18;

/// A ride, planned.
#[derive(Debug)]
pub(super) struct Ride {
    pub start: DateTime<Utc>,
    pub way: Vec<Waypoint>,
    /// Cruising speed, km/h.
    pub cruise_kmh: f64,
    /// The battery at its start, V.
    pub battery_v: f64,
}

/// A bicycle during a ride.
struct Cyclist<'a> {
    /// The remaining way; the first is the last passed point.
    way: &'a [Waypoint],
    /// Metres since that point.
    along_m: f64,
    speed_kmh: f64,
    /// Samples until the light turns green.
    waiting: u32,
}

impl Ride {
    /// The samples of the ride, and the battery at its end (V).
    pub(super) fn samples(&self, sensor: &SimulatedSensor, air: &AirModel, rng: &mut ChaCha8Rng) -> (Vec<Sample>, f64) {
        let interval = TimeDelta::seconds(i64::from(SAMPLE_INTERVAL_S));
        let mut cyclist = Cyclist { way: &self.way, along_m: 0.0, speed_kmh: 0.0, waiting: 0 };
        let mut plume = Plume::default();
        let mut street = self.way.get(1).map_or(0.0, |next| next.traffic);
        let mut receiver = Receiver::new(rng);
        let mut battery_v = self.battery_v;
        let mut samples = Vec::new();
        let mut time = self.start;
        while let Some((point, traffic)) = cyclist.place()
            && time < self.start + MAX_RIDE_DURATION
        {
            let conditions = air.at(time);
            street += AIR_MIXING_RATE * (traffic - street);
            plume.pass(f64::from(SAMPLE_INTERVAL_S), traffic * conditions.rush, rng);
            let around = SensorEnvironment { air: conditions, street, plume, altitude_m: point.altitude_m() };
            let mut sample = Sample::new(time);
            sample.readings = sensor.read(&around, rng);
            receiver.locate(&mut sample, point, cyclist.speed_kmh, rng);
            set_reading(&mut sample.readings, Quantity::BatteryVoltage, battery_v + 0.01 * noise(rng), 2);
            samples.push(sample);

            battery_v -= BATTERY_DRAIN_V_PER_HOUR * f64::from(SAMPLE_INTERVAL_S) / 3600.0;
            cyclist.pedal(self.cruise_kmh, rng);
            time += interval;
        }
        (samples, battery_v)
    }
}

impl Cyclist<'_> {
    /// The bicycle's position, and the traffic of the street there; `None` when it has arrived.
    fn place(&self) -> Option<(Point, f64)> {
        let [left, next, ..] = self.way else { return None };
        let length_m = left.point.distance_m(next.point);
        Some((left.point.towards(next.point, self.along_m / length_m), next.traffic))
    }

    /// Advances by one interval.
    fn pedal(&mut self, cruise_kmh: f64, rng: &mut ChaCha8Rng) {
        let aim = if self.waiting > 0 { 0.0 } else { cruise_kmh * (1.0 + 0.15 * noise(rng)) };
        self.waiting = self.waiting.saturating_sub(1);
        self.speed_kmh += (aim - self.speed_kmh).clamp(-MAX_SLOW_DOWN_KMH, MAX_SPEED_UP_KMH);
        self.along_m += self.speed_kmh / 3.6 * f64::from(SAMPLE_INTERVAL_S);
        while let [left, next, ..] = self.way {
            let length_m = left.point.distance_m(next.point);
            if self.along_m < length_m {
                return;
            }
            self.along_m -= length_m;
            self.way = &self.way[1..];
            if next.is_crossing && chance(rng, RED_LIGHT_PROBABILITY) {
                self.along_m = 0.0;
                self.speed_kmh = 0.0;
                self.waiting = rng.random_range(2..=14);
                return;
            }
        }
    }
}

/// A GPS receiver. Its error drifts instead of jumping.
struct Receiver {
    error_east_m: f64,
    error_north_m: f64,
    error_up_m: f64,
    satellites: f64,
}

impl Receiver {
    fn new(rng: &mut ChaCha8Rng) -> Self {
        Self {
            error_east_m: 4.0 * noise(rng),
            error_north_m: 4.0 * noise(rng),
            error_up_m: 6.0 * noise(rng),
            satellites: uniform(rng, 7.0, 12.0),
        }
    }

    /// Sets the position and the speed of a sample.
    fn locate(&mut self, sample: &mut Sample, point: Point, speed_kmh: f64, rng: &mut ChaCha8Rng) {
        for (error_m, step_m) in
            [(&mut self.error_east_m, 1.2), (&mut self.error_north_m, 1.2), (&mut self.error_up_m, 1.5)]
        {
            *error_m = 0.92 * *error_m + step_m * noise(rng);
        }
        self.satellites = (self.satellites + 0.4 * noise(rng)).clamp(5.0, 14.0);
        sample.position = point.moved(self.error_east_m, self.error_north_m).position();
        let readings = &mut sample.readings;
        set_reading(readings, Quantity::Altitude, point.altitude_m() + self.error_up_m, 1);
        set_reading(readings, Quantity::Speed, (speed_kmh + 0.5 * noise(rng)).max(0.0), 1);
        set_reading(readings, Quantity::Satellites, self.satellites, 0);
    }
}
