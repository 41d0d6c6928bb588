//! A fixed station: its position, and its values every five minutes.

use std::f64::consts::TAU;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, Timelike as _, Utc};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::{
    air::{AirModel, Plume},
    plane::Point,
    random::{Purpose, noise, rng},
    sensor::{SensorEnvironment, SimulatedSensor, set_reading},
    station_faults::Defect,
    town::Town,
};
use crate::domain::{quantity::Quantity, sample::Sample};

/// Seconds between two samples.
const SAMPLE_INTERVAL_S: u16 = 300;
/// Samples in a day.
pub(super) const SAMPLES_PER_DAY: u16 = 288;

/// A station's position and the nearest crossing. The same for every seed, so a registered station stays.
pub(super) fn site(town: &Town, number: u16) -> (Point, &'static str) {
    let (crossing, name) = town.crossing(usize::from(number - number.min(1)));
    // Steps of the golden angle spread them evenly, some at the kerb and some in gardens.
    let bearing = f64::from(number) * 2.399_963;
    let distance_m = 15.0 + f64::from(number * 7 % 11) * 18.0 + f64::from(number / 37) * 25.0;
    (crossing.moved(distance_m * bearing.sin(), distance_m * bearing.cos()), name)
}

/// The samples of one station on one day.
pub(super) fn day(seed: u64, number: u16, date: NaiveDate, town: &Town, air: &AirModel) -> Vec<Sample> {
    let mut of_station = rng(seed, Purpose::Station, number, 0);
    let sensor = SimulatedSensor::random(&mut of_station);
    // It was switched on at some time, and counts from there.
    let offset_s = of_station.random_range(0..SAMPLE_INTERVAL_S);

    let (point, _) = site(town, number);
    let (position, street, altitude_m) = (point.position(), town.traffic_at(point), point.altitude_m());
    let mut rng = rng(seed, Purpose::StationDay, number, date.num_days_from_ce());
    let mut plume = Plume::default();
    let first = date.and_time(NaiveTime::MIN).and_utc() + TimeDelta::seconds(offset_s.into());
    let times =
        (0..SAMPLES_PER_DAY).map(|number| first + TimeDelta::seconds(i64::from(number) * i64::from(SAMPLE_INTERVAL_S)));
    times
        .map(|time| {
            let conditions = air.at(time);
            plume.pass(SAMPLE_INTERVAL_S.into(), street * conditions.rush, &mut rng);
            let mut sample = Sample::new(time);
            sample.position = position;
            sample.readings =
                sensor.read_all(&SensorEnvironment { air: conditions, street, plume, altitude_m }, &mut rng);
            set_reading(&mut sample.readings, Quantity::BatteryVoltage, battery_v(number, time, &mut rng), 2);
            sample
        })
        .collect()
}

/// The battery of a station with a solar panel, V.
fn battery_v(number: u16, time: DateTime<Utc>, rng: &mut ChaCha8Rng) -> f64 {
    let hour = f64::from(time.num_seconds_from_midnight()) / 3600.0;
    let daylight = (TAU * (hour - 14.0) / 24.0).cos();
    let full = if Defect::of_station(number) == Defect::Flaky { 3.45 } else { 3.95 };
    full + 0.15 * daylight + 0.01 * noise(rng)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(seed: u64, number: u16) -> Vec<Sample> {
        let date: NaiveDate = "2026-05-06".parse().expect("a day");
        day(seed, number, date, &Town::new(), &AirModel::for_day(seed, date))
    }

    #[test]
    fn day_has_a_sample_every_five_minutes() {
        let samples = samples(1, 1);
        assert_eq!(samples.len(), 288);
        assert!(samples.windows(2).all(|pair| pair[1].measured_at - pair[0].measured_at == TimeDelta::minutes(5)));
        assert_eq!(samples[0].measured_at.date_naive(), samples[287].measured_at.date_naive());
    }

    #[test]
    fn particulates_increase_with_the_upper_size() {
        for sample in samples(1, 2) {
            let sizes = [Quantity::Pm1, Quantity::Pm2_5, Quantity::Pm4, Quantity::Pm10];
            let values = sizes.map(|size| sample.readings.get(size).expect("a value"));
            assert!(values.is_sorted(), "{values:?}");
        }
    }

    #[test]
    fn another_seed_changes_the_air_not_the_position() {
        let (one, other) = (samples(1, 1), samples(2, 1));
        assert_eq!(samples(1, 1), one);
        assert_ne!(one, other);
        assert_eq!(one[0].position, other[0].position);
    }

    #[test]
    fn stations_have_distinct_positions() {
        let town = Town::new();
        let sites: Vec<_> = (1..=1000).map(|number| site(&town, number).0).collect();
        for (at, site) in sites.iter().enumerate() {
            assert!(sites[..at].iter().all(|other| site.distance_m(*other) > 1.0), "station {}", at + 1);
        }
    }
}
