//! What goes wrong on a ride: the receiver has no fix, keeps an old one or jumps, the radio loses samples, and some loggers are
//! read a day later.

use std::ops::Range;

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::{
    faults::{Batch, PARTICULATES, span, transmit, without},
    plane::Point,
    random::{Purpose, chance, rng, uniform},
    sensor::set_reading,
};
use crate::domain::{position::Position, quality::QualityFlag, quantity::Quantity, sample::Sample};

/// Probability that the radio is out of reach from a sample on, and for how many: about 3 % of all samples.
const GAP_PROBABILITY: f64 = 0.004;
const GAP_SAMPLES: Range<usize> = 3..13;
/// Probabilities for each ride, beyond those rides that have the fault for certain.
const COLD_START_PROBABILITY: f64 = 0.35;
const STALE_FIX_PROBABILITY: f64 = 0.3;
const JUMP_PROBABILITY: f64 = 0.3;
const DROPOUT_PROBABILITY: f64 = 0.5;
/// Samples in a packet of a bicycle with LoRaWAN, and of its tail that the next packet contradicts.
const PACKET_SAMPLES: usize = 8;
const AMBIGUOUS_SAMPLES: usize = 3;
/// Error of the positions in such a tail, m.
const WINDOW_M: f64 = 1300.0;
/// Hours after which a logger is read: more than a day, so that the samples are late.
const UPLOAD_HOURS: Range<i64> = 26..40;

/// The rides of a day as they arrive.
pub(super) fn day(seed: u64, number: u16, date: NaiveDate, rides: Vec<Vec<Sample>>) -> Vec<Batch> {
    let mut rng = rng(seed, Purpose::BikeFaults, number, date.num_days_from_ce());
    let last_index = rides.len().saturating_sub(1);
    // Every third bicycle has no radio, and its logger is read on every second day.
    let is_late = number.is_multiple_of(3) && (date.num_days_from_ce() + i32::from(number / 3)) % 2 == 0;
    let has_packets = number.is_multiple_of(2);
    let rides = rides.into_iter().enumerate().map(|(index, mut samples)| {
        for sample in &mut samples {
            set_reading(&mut sample.readings, Quantity::GpsUpdated, 1.0, 0);
        }
        if index == 0 || chance(&mut rng, STALE_FIX_PROBABILITY) {
            repeat_position(&mut samples, &mut rng);
        }
        if index == last_index || chance(&mut rng, JUMP_PROBABILITY) {
            jump(&mut samples, &mut rng);
        }
        if chance(&mut rng, DROPOUT_PROBABILITY) {
            drop_particulates(&mut samples, &mut rng);
        }
        if has_packets && index == last_index {
            shift_tail(&mut samples, &mut rng);
        }
        if index == 0 || chance(&mut rng, COLD_START_PROBABILITY) {
            start_without_fix(&mut samples, &mut rng);
        }
        let lost = gaps(samples.len(), &mut rng);
        let end = samples.last().map(|sample| sample.measured_at);
        let uploaded_at = end.map(|end| end + TimeDelta::hours(rng.random_range(UPLOAD_HOURS)));
        let samples = transmit(samples, &lost, &mut rng);
        Batch { samples, uploaded_at: uploaded_at.filter(|_| is_late) }
    });
    rides.collect()
}

/// The indexes at these percents of a ride. The parts of the different faults do not overlap.
fn part(samples: &[Sample], percents: Range<usize>) -> Range<usize> {
    samples.len() * percents.start / 100..samples.len() * percents.end / 100
}

/// The receiver repeats its last position, as under a bridge.
fn repeat_position(samples: &mut [Sample], rng: &mut ChaCha8Rng) {
    let stale = span(part(samples, 10..25), 5..15, rng);
    let Some(position) = samples.get(stale.start).map(|sample| sample.position) else { return };
    for sample in samples.iter_mut().take(stale.end).skip(stale.start + 1) {
        sample.position = position;
        set_reading(&mut sample.readings, Quantity::GpsUpdated, 0.0, 0);
    }
}

/// One position far from the street: the receiver took a reflection for the signal.
fn jump(samples: &mut [Sample], rng: &mut ChaCha8Rng) {
    let at = rng.random_range(part(samples, 35..45));
    let (east, north) = (uniform(rng, 500.0, 900.0), uniform(rng, -900.0, 900.0));
    move_by(&mut samples[at], east, north);
}

/// The dust sensor sends nothing for a while.
fn drop_particulates(samples: &mut [Sample], rng: &mut ChaCha8Rng) {
    let dropout = span(part(samples, 50..60), 4..12, rng);
    for sample in samples.iter_mut().take(dropout.end).skip(dropout.start) {
        sample.readings = without(&sample.readings, &PARTICULATES);
    }
}

/// The positions at the end of a packet are off by one window of its encoding.
fn shift_tail(samples: &mut [Sample], rng: &mut ChaCha8Rng) {
    let packet = rng.random_range(part(samples, 70..85));
    let end = packet + PACKET_SAMPLES;
    for sample in samples.iter_mut().take(end).skip(end - AMBIGUOUS_SAMPLES) {
        move_by(sample, 0.0, WINDOW_M);
        sample.flags.insert(QualityFlag::AmbiguousPacket);
    }
}

/// The first samples of a ride have no fix: the receiver sends zeros.
fn start_without_fix(samples: &mut [Sample], rng: &mut ChaCha8Rng) {
    let count = rng.random_range(2..7);
    for sample in samples.iter_mut().take(count) {
        sample.position = Position::try_new(0.0, 0.0).ok();
        sample.readings = without(&sample.readings, &[Quantity::Altitude, Quantity::Speed, Quantity::GpsUpdated]);
        set_reading(&mut sample.readings, Quantity::Satellites, 0.0, 0);
    }
}

fn move_by(sample: &mut Sample, east_m: f64, north_m: f64) {
    let point = sample.position.map(|position| Point::at(position.latitude(), position.longitude()));
    sample.position = point.and_then(|point| point.moved(east_m, north_m).position());
}

/// Which samples the radio loses.
fn gaps(count: usize, rng: &mut ChaCha8Rng) -> Vec<bool> {
    let mut lost = vec![false; count];
    for at in 0..count {
        if chance(rng, GAP_PROBABILITY) {
            let end = (at + rng.random_range(GAP_SAMPLES)).min(count);
            lost[at..end].fill(true);
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{air::AirModel, bike, town::Town};

    fn rides(number: u16, day: i32) -> (Vec<Vec<Sample>>, Vec<Batch>) {
        let date = NaiveDate::from_num_days_from_ce_opt(739_742 + day).expect("a day");
        let rides = bike::day(1, number, date, &Town::new(), &AirModel::for_day(1, date));
        (rides.clone(), super::day(1, number, date, rides))
    }

    #[test]
    fn rides_lose_three_percent_in_gaps() {
        let (mut expected, mut distinct) = (0, 0);
        for day in 0..10 {
            let (rides, batches) = rides(1, day);
            expected += rides.iter().map(Vec::len).sum::<usize>();
            for Batch { mut samples, .. } in batches {
                samples.dedup();
                distinct += samples.len();
            }
        }
        let lost = (expected - distinct) * 1000 / expected;
        assert!((20..40).contains(&lost), "{lost} of 1000 samples are lost");
    }

    #[test]
    fn every_third_bicycle_is_read_a_day_later_on_every_second_day() {
        for day in 0..2 {
            for (number, may_be_late) in [(1, false), (2, false), (3, true), (6, true)] {
                for Batch { samples, uploaded_at } in rides(number, day).1 {
                    let delay = uploaded_at.map(|at| at - samples[samples.len() - 1].measured_at);
                    assert!(delay.is_none_or(|delay| may_be_late && delay > TimeDelta::days(1)), "{number} {delay:?}");
                }
            }
        }
        let late_days = |number| (0..4).filter(|day| rides(number, *day).1[0].uploaded_at.is_some()).count();
        assert_eq!((late_days(3), late_days(6)), (2, 2));
    }

    #[test]
    fn receiver_starts_without_a_fix_and_repeats_positions() {
        let (_, batches) = rides(1, 0);
        let first = &batches[0].samples;
        assert!(first[0].position.is_some_and(Position::is_null_island));
        let stale: Vec<_> =
            first.iter().filter(|sample| sample.readings.get(Quantity::GpsUpdated) == Some(0.0)).collect();
        assert!(!stale.is_empty() && stale.iter().all(|sample| sample.position == stale[0].position));
    }
}
