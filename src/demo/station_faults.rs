//! What goes wrong at a station. Every station loses about 3 % of its samples, and has one defect, by its number. Rare events
//! have their days, so that three days of four stations contain all of them.

use std::ops::Range;

use chrono::{Datelike as _, NaiveDate};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::{
    faults::{Batch, PARTICULATES, span, transmit, without},
    random::{Purpose, chance, rng, uniform},
    sensor::set_reading,
    station::SAMPLES_PER_DAY,
};
use crate::domain::{quality::QualityFlag, quantity::Quantity, sample::Sample};

const SAMPLES_PER_HOUR: usize = SAMPLES_PER_DAY as usize / 24;
/// Probability that a sample is lost on its way.
const LOSS_PROBABILITY: f64 = 0.01;
/// Probability of an outage on a day, and its length in samples: with lost samples about 3 % of all.
const OUTAGE_PROBABILITY: f64 = 0.8;
const OUTAGE_SAMPLES: Range<usize> = 4..11;
/// Outages of the flaky station on a day, and their length in samples: a third of all.
const FLAKY_OUTAGES: usize = 3;
const FLAKY_OUTAGE_SAMPLES: Range<usize> = 18..50;
/// What a thermometer of type DS18B20 returns without contact, °C.
const NO_CONTACT_TEMPERATURE: f64 = -127.0;
/// A particulate value of a sensor whose fan has not started, µg/m³: out of range.
const FAN_START_VALUE: f64 = 1999.9;
/// Probability that a sample has a PM10 value below PM2.5, at the station that confuses size classes.
const CONFUSED_SIZES_PROBABILITY: f64 = 0.02;
/// Error of the time of a station without a clock, s.
const TIME_UNCERTAINTY_S: i32 = 60;
/// Smoke of a fire nearby rises by this much and by a multiple of the value before it, µg/m³, within one sample.
const MIN_SMOKE: f64 = 210.0;
const SMOKE_FACTOR: f64 = 5.0;
/// Upper end of the sensor's range, µg/m³.
const MAX_PARTICULATE: f64 = 999.0;

/// The defect of a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// Its thermometer has a loose contact.
    Thermometer,
    /// Its dust sensor repeats a value for hours on every second day.
    StuckValue,
    /// It is off for a third of the day: its battery is weak.
    Flaky,
    /// It sends no time, and confuses size classes of particles.
    Clock,
}

impl Defect {
    pub(super) fn of_station(number: u16) -> Self {
        match number % 4 {
            1 => Self::Thermometer,
            2 => Self::StuckValue,
            3 => Self::Flaky,
            _ => Self::Clock,
        }
    }
}

/// The samples of a day as they arrive.
pub(super) fn day(seed: u64, number: u16, date: NaiveDate, mut samples: Vec<Sample>) -> Batch {
    let mut rng = rng(seed, Purpose::StationFaults, number, date.num_days_from_ce());
    let rng = &mut rng;
    let turn = date.num_days_from_ce() + i32::from(number);
    let defect = Defect::of_station(number);
    let hour = SAMPLES_PER_HOUR;

    let stuck = (defect == Defect::StuckValue && turn % 2 == 0).then(|| span(hour..15 * hour, 4 * hour..6 * hour, rng));
    // A fire in the first half of a day, a failing dust sensor in the second: one does not hide the other.
    let fire = (turn % 3 == 0 && stuck.is_none()).then(|| rng.random_range(2 * hour..11 * hour));
    let dropout = (turn % 2 == 1).then(|| span(13 * hour..22 * hour, 3..9, rng));
    if let Some(stuck) = &stuck {
        hold_value(&mut samples[stuck.clone()]);
    }
    if let Some(fire) = fire {
        add_smoke(&mut samples[fire - 1..]);
    }
    for at in dropout.unwrap_or_default() {
        samples[at].readings = without(&samples[at].readings, &PARTICULATES);
    }

    let mut lost: Vec<_> = samples.iter().map(|_| chance(rng, LOSS_PROBABILITY)).collect();
    match defect {
        Defect::Thermometer => {
            for at in span(0..23 * hour, 2..6, rng) {
                set_reading(&mut samples[at].readings, Quantity::Temperature, NO_CONTACT_TEMPERATURE, 1);
            }
        }
        Defect::StuckValue => {} // held above
        Defect::Flaky => {
            for part in 0..FLAKY_OUTAGES {
                let third = SAMPLES_PER_DAY as usize / FLAKY_OUTAGES;
                let outage = span(part * third..part * third + third / 3, FLAKY_OUTAGE_SAMPLES, rng);
                start_fan(&mut samples[outage.end]);
                lost[outage].fill(true);
            }
        }
        Defect::Clock => {
            for sample in &mut samples {
                sample.flags.insert(QualityFlag::EstimatedTime);
                sample.time_uncertainty_s = Some(TIME_UNCERTAINTY_S);
                if chance(rng, CONFUSED_SIZES_PROBABILITY) {
                    confuse_sizes(sample, rng);
                }
            }
        }
    }
    if defect != Defect::Flaky {
        lose_outage(&mut lost, stuck.as_ref(), rng);
    }
    if let Some(fire) = fire {
        lost[fire - 1..=fire].fill(false);
    }
    Batch { samples: transmit(samples, &lost, rng), uploaded_at: None }
}

/// Loses the samples of an outage, which is after the hours with a stuck value if it would be in them.
fn lose_outage(lost: &mut [bool], stuck: Option<&Range<usize>>, rng: &mut ChaCha8Rng) {
    let mut outage = span(0..lost.len() - OUTAGE_SAMPLES.end, OUTAGE_SAMPLES, rng);
    if !chance(rng, OUTAGE_PROBABILITY) {
        return;
    }
    if let Some(stuck) = stuck
        && outage.start < stuck.end
        && stuck.start < outage.end
    {
        outage = stuck.end..stuck.end + outage.len();
    }
    lost[outage].fill(true);
}

/// Repeats the particulates of the first sample.
fn hold_value(samples: &mut [Sample]) {
    let [first, rest @ ..] = samples else { return };
    for sample in rest {
        for quantity in PARTICULATES {
            if let Some(value) = first.readings.get(quantity) {
                set_reading(&mut sample.readings, quantity, value, 1);
            }
        }
    }
}

/// Adds the smoke of a fire to all samples but the first. It is thinner with each sample.
fn add_smoke(samples: &mut [Sample]) {
    let [before, rest @ ..] = samples else { return };
    let before = before.readings.get(Quantity::Pm2_5).unwrap_or_default();
    let mut smoke = MIN_SMOKE + SMOKE_FACTOR * before;
    for sample in rest {
        for (quantity, share) in PARTICULATES.into_iter().zip([0.6, 1.0, 1.1, 1.2]) {
            if let Some(value) = sample.readings.get(quantity) {
                set_reading(&mut sample.readings, quantity, (value + share * smoke).min(MAX_PARTICULATE), 1);
            }
        }
        smoke *= 0.6;
    }
}

/// The first sample after a start: its dust sensor does not measure yet.
fn start_fan(sample: &mut Sample) {
    for quantity in [Quantity::Pm2_5, Quantity::Pm10] {
        set_reading(&mut sample.readings, quantity, FAN_START_VALUE, 1);
    }
}

/// Counts large particles as small ones.
fn confuse_sizes(sample: &mut Sample, rng: &mut ChaCha8Rng) {
    if let Some(pm2_5) = sample.readings.get(Quantity::Pm2_5) {
        set_reading(&mut sample.readings, Quantity::Pm10, pm2_5 * uniform(rng, 0.7, 0.95), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{air::AirModel, station, town::Town};

    fn batch(number: u16, day: i32) -> Batch {
        let date = NaiveDate::from_num_days_from_ce_opt(739_742 + day).expect("a day");
        super::day(1, number, date, station::day(1, number, date, &Town::new(), &AirModel::for_day(1, date)))
    }

    /// Different samples, and samples that were sent twice.
    fn counts(number: u16) -> (usize, usize) {
        let (mut distinct, mut repeated) = (0, 0);
        for day in 0..60 {
            let Batch { samples, .. } = batch(number, day);
            let repetitions = samples.windows(2).filter(|pair| pair[0] == pair[1]).count();
            distinct += samples.len() - repetitions;
            repeated += repetitions;
        }
        (distinct, repeated)
    }

    #[test]
    fn stations_lose_three_percent_and_the_flaky_one_a_third() {
        let expected = 60 * usize::from(SAMPLES_PER_DAY);
        for (number, range) in [(1, 20..40), (2, 20..40), (3, 300..400), (4, 20..40)] {
            let lost = (expected - counts(number).0) * 1000 / expected;
            assert!(range.contains(&lost), "station {number} loses {lost} in 1000");
        }
    }

    #[test]
    fn some_samples_are_sent_twice() {
        let (distinct, repeated) = counts(1);
        assert!((5..20).contains(&(repeated * 1000 / distinct)), "{repeated} of {distinct}");
    }

    #[test]
    fn dust_sensor_drops_out_while_the_others_go_on() {
        let samples = [0, 1].into_iter().flat_map(|day| batch(1, day).samples);
        let dropped: Vec<_> = samples.filter(|sample| sample.readings.get(Quantity::Pm2_5).is_none()).collect();
        assert!((2..=8).contains(&dropped.len()), "{}", dropped.len());
        assert!(dropped.iter().all(|sample| sample.readings.get(Quantity::Co2).is_some()));
    }
}
