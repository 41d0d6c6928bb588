use proptest::prelude::*;

use super::*;
use crate::quality::QualityFlag;

fn start() -> DateTime<Utc> {
    "2026-05-01T10:00:00Z".parse().expect("a time")
}

/// A sample `seconds` after ten o'clock, `metres` north of a place in Cambridge.
fn sample(seconds: i64, north_m: f64) -> TripSample {
    TripSample {
        measured_at: start() + TimeDelta::seconds(seconds),
        position: Some(Position::try_new(52.2 + north_m / 111_195.0, 0.12).expect("a place")),
        pm2_5: Some(5.0),
        pm10: Some(10.0),
        flags: QualityFlags::default(),
    }
}

/// A trip at 5 m/s, a sample every three seconds from `first` to `last`.
fn trip_samples(first: i64, last: i64) -> Vec<TripSample> {
    #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
    (first..=last).step_by(3).map(|seconds| sample(seconds, 5.0 * seconds as f64)).collect()
}

fn spans(samples: &[TripSample]) -> Vec<(i64, i64)> {
    let seconds = |time: DateTime<Utc>| (time - start()).num_seconds();
    split_trips(samples, TripParams::default()).iter().map(|trip| (seconds(trip.start), seconds(trip.end))).collect()
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() < 0.01 * expected.abs().max(1.0)
}

#[test]
fn pause_longer_than_five_minutes_ends_a_trip() {
    let with_pause = |pause: i64| [trip_samples(0, 60), trip_samples(60 + pause, 120 + pause)].concat();
    assert_eq!(spans(&with_pause(300)), [(0, 420)]);
    assert_eq!(spans(&with_pause(303)), [(0, 60), (363, 423)]);
    let patient = TripParams { max_gap: TimeDelta::seconds(303), ..TripParams::default() };
    assert_eq!(split_trips(&with_pause(303), patient).len(), 1);
}

#[test]
fn trip_has_length_and_speeds() {
    // A minute at 5 m/s, a minute at the lights, a minute on.
    let mut samples = trip_samples(0, 60);
    samples.extend((63..=120).step_by(3).map(|seconds| sample(seconds, 300.0)));
    samples.extend(
        trip_samples(60, 120)
            .into_iter()
            .skip(1)
            .map(|sample| TripSample { measured_at: sample.measured_at + TimeDelta::seconds(60), ..sample }),
    );
    let trips = split_trips(&samples, TripParams::default());
    assert_eq!(trips.len(), 1);
    let trip = &trips[0];
    assert_eq!((trip.count, trip.path.len(), trip.duration()), (61, 61, TimeDelta::seconds(180)));
    assert!(near(trip.distance_m, 600.0) && near(trip.extent_m(), 600.0), "{}", trip.distance_m);
    assert!(near(trip.speed().expect("a speed"), 12.0) && near(trip.moving_speed.expect("a speed"), 18.0));
}

#[test]
fn samples_without_movement_are_no_trip() {
    let parked: Vec<_> = (0..2000).map(|n| sample(3 * n, if n % 2 == 0 { 0.0 } else { 4.0 })).collect();
    assert!(spans(&parked).is_empty(), "4 m to and fro is what the receiver is wrong");
    assert_eq!(split_trips(&parked, TripParams { min_extent_m: 3.0, ..TripParams::default() }).len(), 1);
    assert!(spans(&[]).is_empty() && spans(&[sample(0, 0.0)]).is_empty());
    let nowhere: Vec<_> =
        trip_samples(0, 600).into_iter().map(|sample| TripSample { position: None, ..sample }).collect();
    assert!(spans(&nowhere).is_empty());
}

#[test]
fn untrusted_positions_are_left_out_of_the_path_but_not_of_the_trip() {
    let mut samples = trip_samples(0, 120);
    samples[5].position = None;
    samples[6].position = Position::try_new(0.0, 0.0).ok();
    for (at, flag) in [(7, QualityFlag::StaleFix), (8, QualityFlag::AmbiguousPacket), (9, QualityFlag::NullIsland)] {
        samples[at].position = Position::try_new(52.25, 0.2).ok();
        samples[at].flags.insert(flag);
    }
    samples[10].flags.insert(QualityFlag::EstimatedTime); // says nothing about the position
    let trips = split_trips(&samples, TripParams::default());
    assert_eq!(trips.len(), 1);
    assert_eq!((trips[0].count, trips[0].path.len()), (41, 36));
    assert!(near(trips[0].distance_m, 600.0), "{}", trips[0].distance_m);
    assert_eq!(trips[0].pm2_5.map(|exposure| exposure.count), Some(41));
}

#[test]
fn short_gps_error_does_not_end_a_trip() {
    for wrong in 1..8 {
        let mut samples = trip_samples(0, 120);
        for sample in &mut samples[10..10 + wrong] {
            sample.position = Position::try_new(52.3, 0.5).ok();
        }
        let trips = split_trips(&samples, TripParams::default());
        assert_eq!(trips.len(), 1, "{wrong} wrong");
        assert_eq!((trips[0].count, trips[0].path.len()), (41, 41 - wrong));
        assert!(near(trips[0].distance_m, 600.0), "{}", trips[0].distance_m);
    }
    // Also at the end of the samples.
    let mut samples = trip_samples(0, 120);
    samples[40].position = Position::try_new(52.3, 0.5).ok();
    assert_eq!((spans(&samples), split_trips(&samples, TripParams::default())[0].path.len()), (vec![(0, 120)], 40));
}

#[test]
fn jump_starts_a_new_trip() {
    let away = |sample: TripSample| TripSample {
        position: sample.position.and_then(|place| Position::try_new(place.latitude() + 0.5, place.longitude()).ok()),
        ..sample
    };
    let samples: Vec<_> = trip_samples(0, 60).into_iter().chain(trip_samples(63, 123).into_iter().map(away)).collect();
    assert_eq!(spans(&samples), [(0, 60), (63, 123)]);
    // A car on the motorway of which packets were lost: 120 km/h over 90 s, three kilometres.
    let car: Vec<_> = (0..10).map(|n| sample(90 * n, 3000.0 * f64::from(i32::try_from(n).expect("small")))).collect();
    assert_eq!(spans(&car), [(0, 810)]);
    // Packets with interleaved estimated times.
    let mixed: Vec<_> = (0..80).map(|n| sample(n, if n % 2 == 0 { 0.0 } else { 400.0 })).collect();
    assert_eq!(spans(&mixed), [(0, 79)]);
}

#[test]
fn device_has_one_position_at_a_time() {
    let mut samples = trip_samples(0, 120);
    let twin = sample(60, 40_000.0);
    samples.insert(21, twin);
    let trips = split_trips(&samples, TripParams::default());
    assert_eq!((trips.len(), trips[0].count, trips[0].path.len()), (1, 42, 41));
    assert!(near(trips[0].distance_m, 600.0), "{}", trips[0].distance_m);
}

#[test]
fn exposure_is_weighted_by_time() {
    let exposure_of = |values: &[(i64, f32)]| {
        exposure::from_values(values.iter().map(|&(seconds, value)| (start() + TimeDelta::seconds(seconds), value)))
    };
    let exposure = exposure_of(&[(0, 10.0), (10, 20.0), (11, 100.0)]).expect("an exposure");
    // 10 s at 15 and 1 s at 60, by hand.
    assert!((exposure.mean - 210.0 / 11.0).abs() < 1e-9, "{exposure:?}");
    assert!((exposure.max - 100.0).abs() < f32::EPSILON && exposure.count == 3);
    let at_once = exposure_of(&[(0, 10.0), (0, 20.0)]).expect("an exposure");
    assert!((at_once.mean - 15.0).abs() < 1e-9);
    assert!(exposure_of(&[(0, 7.5)]).is_some_and(|one| (one.mean - 7.5).abs() < 1e-9));
    assert_eq!(exposure_of(&[]), None);
}

#[test]
fn a_path_is_thinned_evenly_with_both_its_ends() {
    let trip = Trip::from_samples(&trip_samples(0, 300)).expect("a trip");
    let chosen = |max| trip.points(max).map(|point| (point.measured_at - start()).num_seconds()).collect::<Vec<_>>();
    assert_eq!(
        (chosen(0), chosen(1), chosen(2), chosen(5)),
        (vec![], vec![0], vec![0, 300], vec![0, 75, 150, 225, 300])
    );
    assert_eq!(chosen(101).len(), 101);
    assert_eq!(chosen(1_000_000).len(), 101);
}

/// Samples of a device that moves, jumps, pauses, and sends nonsense at times.
fn samples() -> impl Strategy<Value = Vec<TripSample>> {
    let step = (
        prop_oneof![8 => 0_i64..30, 1 => 290_i64..310, 1 => 300_i64..5000],
        prop_oneof![12 => -30.0..60.0, 1 => 500.0..1500.0, 1 => -90_000.0..90_000.0],
        prop::option::weighted(0.9, Just(())),
        prop::option::weighted(0.9, 0.0_f32..500.0),
        prop::option::weighted(0.9, 0.0_f32..500.0),
        prop_oneof![9 => Just(0), 1 => 0_i32..2048],
    );
    // Some steps are repeated, so that jumps are followed by trips.
    prop::collection::vec((step, 1_usize..12), 0..40).prop_map(|steps| {
        let (mut seconds, mut north_m) = (0, 0.0);
        let mut samples = Vec::new();
        for ((pause, way, placed, pm2_5, pm10, flags), times) in steps {
            for time in 0..times {
                seconds += if time == 0 { pause } else { 3 };
                north_m += if time == 0 { way } else { 15.0 };
                let mut sample = sample(seconds, north_m);
                (sample.pm2_5, sample.pm10, sample.flags) = (pm2_5, pm10, QualityFlags::from_bits(flags));
                sample.position = sample.position.filter(|_| placed.is_some());
                samples.push(sample);
            }
        }
        samples
    })
}

fn within<'a>(samples: &'a [TripSample], trip: &Trip) -> &'a [TripSample] {
    let from = samples.partition_point(|sample| sample.measured_at < trip.start);
    let to = samples.partition_point(|sample| sample.measured_at <= trip.end);
    &samples[from..to]
}

proptest! {
    #[test]
    fn trips_do_not_overlap_and_contain_all_samples_of_their_span(samples in samples()) {
        let trips = split_trips(&samples, TripParams::default());
        for pair in trips.windows(2) {
            prop_assert!(pair[0].end < pair[1].start, "no sample is in two trips");
        }
        for trip in &trips {
            let own = within(&samples, trip);
            prop_assert_eq!(trip.count, own.len());
            let again = Trip::from_samples(own);
            prop_assert_eq!(again.as_ref(), Some(trip), "its span is enough to find it again");
            let gaps = own.windows(2).map(|pair| pair[1].measured_at - pair[0].measured_at);
            prop_assert!(gaps.max() <= Some(TripParams::default().max_gap));
        }
    }

    #[test]
    fn a_path_is_in_the_order_of_time_and_its_length_the_sum_of_its_steps(samples in samples()) {
        for trip in split_trips(&samples, TripParams::default()) {
            prop_assert!(trip.path.len() >= 2 && trip.extent_m() >= 100.0);
            prop_assert!(trip.path.windows(2).all(|step| step[0].measured_at < step[1].measured_at));
            let sum: f64 = trip.path.windows(2).map(|step| step[0].position.distance_m(step[1].position)).sum();
            prop_assert!((sum - trip.distance_m).abs() < 1e-6 * sum.max(1.0));
            prop_assert!(trip.distance_m >= trip.extent_m() - 1e-6);
            let own = within(&samples, &trip);
            for point in &trip.path {
                prop_assert!(own.iter().any(|sample| (sample.measured_at, sample.position) == (point.measured_at, Some(point.position))));
            }
            if let (Some(speed), Some(moving)) = (trip.speed(), trip.moving_speed) {
                prop_assert!(moving >= speed - 1e-9 || moving >= MIN_MOVING_SPEED_KMH);
            }
        }
    }

    #[test]
    fn exposure_lies_between_the_least_and_the_greatest_value(samples in samples()) {
        for trip in split_trips(&samples, TripParams::default()) {
            let own = within(&samples, &trip);
            for (exposure, values) in [
                (trip.pm2_5, own.iter().filter_map(|sample| sample.pm2_5).collect::<Vec<_>>()),
                (trip.pm10, own.iter().filter_map(|sample| sample.pm10).collect::<Vec<_>>()),
            ] {
                let Some(exposure) = exposure else { prop_assert!(values.is_empty()); continue };
                let least = values.iter().copied().fold(f32::INFINITY, f32::min);
                let greatest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                prop_assert_eq!((exposure.count, exposure.max.to_bits()), (values.len(), greatest.to_bits()));
                prop_assert!((f64::from(least)..=f64::from(greatest)).contains(&exposure.mean));
            }
        }
    }

    #[test]
    fn samples_before_a_pause_do_not_affect_later_trips(samples in samples()) {
        let whole = split_trips(&samples, TripParams::default());
        for at in 1..samples.len() {
            if samples[at].measured_at - samples[at - 1].measured_at > TripParams::default().max_gap {
                let (before, after) = samples.split_at(at);
                let parts = [split_trips(before, TripParams::default()), split_trips(after, TripParams::default())].concat();
                prop_assert_eq!(&parts, &whole);
            }
        }
    }
}
