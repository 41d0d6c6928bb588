//! A bicycle's day: times and destinations of its rides. It starts from home, and the last ride of the day ends there.

use chrono::{Datelike as _, NaiveDate, NaiveTime, TimeDelta, Weekday};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::{
    air::AirModel,
    random::{Purpose, chance, rng, uniform},
    ride::Ride,
    sensor::SimulatedSensor,
    town::Town,
};
use crate::domain::sample::Sample;

/// A part of a day in which a bicycle may start one ride: the probability, and the earliest and latest start in hours
/// (UTC). Between two of them is time for the longest ride.
type OutingHours = (f64, f64, f64);

const WORKING_DAY_OUTINGS: [OutingHours; 4] =
    [(1.0, 6.8, 8.7), (0.5, 11.8, 13.4), (1.0, 16.0, 17.9), (0.4, 19.2, 21.5)];
const WEEKEND_OUTINGS: [OutingHours; 4] = [(1.0, 9.0, 10.6), (0.5, 12.5, 14.2), (1.0, 15.5, 17.2), (0.3, 19.0, 21.0)];

/// The shortest planned ride, in hours at cruising speed; it takes at least ten minutes.
const MIN_OUTING_HOURS: f64 = 0.19;

/// The samples of one bicycle on one day, ride by ride.
pub(super) fn day(seed: u64, number: u16, date: NaiveDate, town: &Town, air: &AirModel) -> Vec<Vec<Sample>> {
    let mut of_bike = rng(seed, Purpose::Bike, number, 0);
    let home = of_bike.random_range(0..town.crossings());
    let sensor = SimulatedSensor::random(&mut of_bike);

    let mut rng = rng(seed, Purpose::BikeDay, number, date.num_days_from_ce());
    let hours = departure_hours(date, &mut rng);
    let mut battery_v = uniform(&mut rng, 4.1, 4.18); // charged overnight
    let mut at = home;
    let mut rides = Vec::new();
    for (place, &hour) in hours.iter().enumerate() {
        let is_last = place + 1 == hours.len();
        let to = if is_last { home } else { rng.random_range(0..town.crossings()) };
        let cruise_kmh = uniform(&mut rng, 14.5, 22.0);
        let via = detour(town, at, to, cruise_kmh, &mut rng);
        let start = date.and_time(NaiveTime::MIN).and_utc() + seconds(hour * 3600.0);
        let ride = Ride { start, way: town.way(&[at, via, to]), cruise_kmh, battery_v };
        let (samples, left_v) = ride.samples(&sensor, air, &mut rng);
        rides.push(samples);
        battery_v = left_v;
        at = to;
    }
    rides
}

/// Start of the ride, in hours of the day.
fn departure_hours(date: NaiveDate, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let outings =
        if matches!(date.weekday(), Weekday::Sat | Weekday::Sun) { WEEKEND_OUTINGS } else { WORKING_DAY_OUTINGS };
    let mut hours = Vec::new();
    for (probability, from, to) in outings {
        if chance(rng, probability) {
            hours.push(uniform(rng, from, to));
        }
    }
    hours
}

/// The crossing to ride via, so that the ride takes about the requested time.
fn detour(town: &Town, from: usize, to: usize, cruise_kmh: f64, rng: &mut ChaCha8Rng) -> usize {
    let shortest_m = MIN_OUTING_HOURS * cruise_kmh * 1000.0;
    let wished_m = uniform(rng, MIN_OUTING_HOURS, 0.5) * cruise_kmh * 1000.0;
    let length_m = |via: usize| town.distance_m(from, via) + town.distance_m(via, to);
    let off_m = |via: usize| (length_m(via) - wished_m).abs();
    let long_enough = (0..town.crossings()).filter(|&via| length_m(via) >= shortest_m);
    long_enough.min_by(|&one, &other| off_m(one).total_cmp(&off_m(other))).unwrap_or(to)
}

/// Whole seconds as a span of time.
#[expect(clippy::cast_possible_truncation, reason = "truncated to whole seconds of a day")]
fn seconds(seconds: f64) -> TimeDelta {
    TimeDelta::seconds(seconds as i64)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, proptest};

    use super::*;
    use crate::{
        demo::ride::{MAX_RIDE_DURATION, SAMPLE_INTERVAL_S},
        domain::{position::Position, quantity::Quantity},
    };

    fn rides(seed: u64, number: u16, day: i32) -> Vec<Vec<Sample>> {
        let date = NaiveDate::from_num_days_from_ce_opt(day).expect("a day");
        super::day(seed, number, date, &Town::new(), &AirModel::for_day(seed, date))
    }

    /// Great-circle distance (haversine), not the plane of the simulation.
    fn distance_m(one: Position, other: Position) -> f64 {
        let (north, east) = (other.latitude() - one.latitude(), other.longitude() - one.longitude());
        let (from, to) = (one.latitude().to_radians(), other.latitude().to_radians());
        let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
        2.0 * 6_371_008.8 * (half(north) + from.cos() * to.cos() * half(east)).sqrt().asin()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn rides_have_plausible_speeds_and_distances(seed: u64, number in 1_u16..=1000, day in 730_120..767_000) {
            let rides = rides(seed, number, day);
            prop_assert!((2..=4).contains(&rides.len()), "{} rides", rides.len());
            let shortest = usize::from(10 * 60 / SAMPLE_INTERVAL_S);
            for ride in &rides {
                prop_assert!(ride.len() >= shortest, "a ride of {} samples", ride.len());
                for pair in ride.windows(2) {
                    prop_assert_eq!(pair[1].measured_at - pair[0].measured_at, TimeDelta::seconds(SAMPLE_INTERVAL_S.into()));
                    let places = (pair[0].position.expect("a place"), pair[1].position.expect("a place"));
                    let kmh = distance_m(places.0, places.1) / f64::from(SAMPLE_INTERVAL_S) * 3.6;
                    prop_assert!(kmh < 40.0, "{kmh} km/h");
                    let speed = pair[1].readings.get(Quantity::Speed).expect("a speed");
                    prop_assert!(speed < 40.0, "{speed} km/h");
                }
            }
            let ends = |ride: &Vec<Sample>| (ride[0].measured_at, ride[ride.len() - 1].measured_at);
            for ride in &rides {
                let (start, end) = ends(ride);
                prop_assert!(end - start < MAX_RIDE_DURATION, "it arrives: {} minutes", (end - start).num_minutes());
                prop_assert_eq!(start.date_naive(), end.date_naive());
            }
            for pair in rides.windows(2) {
                prop_assert!(ends(&pair[0]).1 < ends(&pair[1]).0, "two rides at once");
                let (parked, found) = (pair[0][pair[0].len() - 1].position, pair[1][0].position);
                let apart = distance_m(parked.expect("a place"), found.expect("a place"));
                prop_assert!(apart < 60.0, "it moved {apart} m by itself");
            }
        }
    }

    #[test]
    fn days_are_deterministic_per_seed() {
        let day = rides(1, 1, 739_742);
        assert_eq!(rides(1, 1, 739_742), day);
        assert_ne!(rides(2, 1, 739_742), day, "another seed");
        assert_ne!(rides(1, 2, 739_742), day, "another bicycle");
        assert_ne!(rides(1, 1, 739_743), day, "another day");
    }

    #[test]
    fn ride_starts_leave_time_for_the_longest_ride() {
        for day in [WORKING_DAY_OUTINGS, WEEKEND_OUTINGS] {
            for pair in day.windows(2) {
                assert!(pair[0].2 + 40.0 / 60.0 < pair[1].1);
            }
            assert!(day[3].2 + 40.0 / 60.0 < 24.0);
        }
    }
}
