//! A simulated town with bicycles and roadside stations, as demonstration data.
//!
//! Pure functions: the samples of a device on a day depend on the seed, the device and the day only. So repeating a
//! simulation gives the same samples, and overlapping periods agree. (A code change here changes the
//! samples: in a database that an older version filled, both remain.)
//!
//! ```text
//! map ─▶ town ─┬─▶ bike (a day) ─▶ ride (one ride) ─┬─▶ batches, each a submission of one device
//! air ─────────┴─▶ station (a day) ─▶ sensor ───────┘
//! ```

mod air;
mod bike;
mod map;
mod plane;
mod random;
mod ride;
mod sensor;
mod station;
mod town;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use self::{air::AirModel, town::Town};
use crate::{
    domain::{
        device::{DeviceKey, DeviceKind},
        position::Position,
        sample::Sample,
    },
    ingest::{Decoded, Observation},
    recorder::{Arrival, Source, Submission},
};

/// The name of this source of samples.
pub const FORMAT: &str = "demo";

/// Simulated devices and time span.
#[derive(Debug)]
pub struct Simulation {
    seed: u64,
    devices: Vec<SimulatedDevice>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    town: Town,
}

/// A device of the simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedDevice {
    /// `demo-bike-01`, `demo-station-01` and so on.
    pub key: DeviceKey,
    /// Display name.
    pub name: String,
    /// Bicycles move, stations stay.
    pub kind: DeviceKind,
    /// Position of a station.
    pub position: Option<Position>,
    /// Its number among those of its kind, from 1.
    number: u16,
}

impl Simulation {
    /// A simulation of this many bicycles and stations, from a time (inclusive) until another one (exclusive).
    #[must_use]
    pub fn new(seed: u64, bikes: u16, stations: u16, from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        let town = Town::new();
        let bikes = (1..=bikes).map(|number| SimulatedDevice {
            key: key("bike", number),
            name: format!("Simulated bicycle {number}"),
            kind: DeviceKind::Mobile,
            position: None,
            number,
        });
        let stations = (1..=stations).map(|number| {
            let (site, near) = station::site(&town, number);
            SimulatedDevice {
                key: key("station", number),
                name: format!("Simulated station {number}, {near}"),
                kind: DeviceKind::Fixed,
                position: site.position(),
                number,
            }
        });
        let devices = bikes.chain(stations).collect();
        Self { seed, devices, from, until, town }
    }

    /// Every device of the simulation.
    #[must_use]
    pub fn devices(&self) -> &[SimulatedDevice] {
        &self.devices
    }

    /// The days (UTC) that the simulation covers at least in part.
    pub fn dates(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let until = self.until;
        self.from.date_naive().iter_days().take_while(move |date| date.and_time(NaiveTime::MIN).and_utc() < until)
    }

    /// The submissions of a device on a day: one for each ride of a bicycle, one for a station. Computed on
    /// demand.
    #[must_use]
    pub fn submissions(&self, device: &SimulatedDevice, date: NaiveDate) -> Vec<Submission> {
        let air = AirModel::for_day(self.seed, date);
        let batches = match device.kind {
            DeviceKind::Mobile => bike::day(self.seed, device.number, date, &self.town, &air),
            DeviceKind::Fixed => vec![station::day(self.seed, device.number, date, &self.town, &air)],
        };
        batches.into_iter().filter_map(|samples| self.submission(device, samples)).collect()
    }

    /// The part of a batch in the simulated time as a submission; `None` if it is empty.
    fn submission(&self, device: &SimulatedDevice, mut samples: Vec<Sample>) -> Option<Submission> {
        samples.retain(|sample| (self.from..self.until).contains(&sample.measured_at));
        let (first, last) = (samples.first()?.measured_at, samples.last()?.measured_at);
        // There is no sensor body; this describes the origin of the samples.
        let body = serde_json::json!({
            FORMAT: { "device": device.key.as_str(), "from": first, "samples": samples.len(), "seed": self.seed }
        });
        let observation = |(index, sample)| Observation { index, device: device.key.clone(), sample };
        Some(Submission {
            format: FORMAT,
            received_at: last + TimeDelta::seconds(1),
            api_key: None,
            is_admin: false,
            source: Source::Arrival(Arrival { body: body.to_string().into(), ..Arrival::default() }),
            decoded: Ok(Decoded {
                observations: samples.into_iter().enumerate().map(observation).collect(),
                ..Decoded::empty(device.kind)
            }),
        })
    }
}

fn key(kind: &str, number: u16) -> DeviceKey {
    DeviceKey::try_new(format!("demo-{kind}-{number:02}")).expect("letters, digits and hyphens are a key")
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, proptest};

    use super::*;
    use crate::domain::{quality::QualityFlag, quantity::Quantity, time::EARLIEST_TIME};

    /// Maximum distance from the centre, in metres.
    const REACH_M: f64 = 6000.0;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    fn all_submissions(simulation: &Simulation) -> Vec<Submission> {
        let submissions =
            |date| simulation.devices().iter().flat_map(move |device| simulation.submissions(device, date));
        simulation.dates().flat_map(submissions).collect()
    }

    fn samples(submissions: Vec<Submission>) -> Vec<(DeviceKey, Sample)> {
        let decoded = submissions.into_iter().filter_map(|submission| submission.decoded.ok());
        decoded.flat_map(|decoded| decoded.observations).map(|seen| (seen.device, seen.sample)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_sample_is_accepted_and_only_humidity_is_flagged(seed: u64, day in 0_i64..20_000) {
            let from = at("2000-01-01T00:00:00Z") + TimeDelta::days(day);
            for submission in all_submissions(&Simulation::new(seed, 2, 2, from, from + TimeDelta::days(1))) {
                let admitted = submission.decoded.expect("decoded").validate_times(submission.received_at, EARLIEST_TIME);
                prop_assert!(admitted.rejected.is_empty());
                for Observation { sample, .. } in admitted.observations {
                    let value = |quantity| sample.readings.get(quantity).expect("a value");
                    prop_assert_eq!(sample.flags.bits() & !(QualityFlag::HighHumidity as i32), 0, "{:?}", sample);
                    prop_assert!(value(Quantity::Pm2_5) <= value(Quantity::Pm10));
                    let place = sample.position.expect("a place");
                    let point = plane::Point::at(place.latitude(), place.longitude());
                    prop_assert!(point.distance_m(plane::Point::default()) < REACH_M, "{place}");
                }
            }
        }
    }

    #[test]
    fn no_samples_lie_outside_the_period() {
        let (from, until) = (at("2026-05-06T08:20:00Z"), at("2026-05-07T17:00:00Z"));
        let submissions = all_submissions(&Simulation::new(1, 3, 2, from, until));
        assert!(submissions.iter().all(|submission| submission.received_at < until + TimeDelta::seconds(1)));
        let samples = samples(submissions);
        assert!(samples.iter().all(|(_, sample)| (from..until).contains(&sample.measured_at)));
        let of_station = samples.iter().filter(|(device, _)| device.as_str() == "demo-station-01").count();
        assert!((391..=393).contains(&of_station), "{of_station} in 32 h 40 min, one each five minutes");
    }

    #[test]
    fn overlapping_periods_agree_with_different_sets_of_devices() {
        let middle = (at("2026-05-06T12:00:00Z"), at("2026-05-07T12:00:00Z"));
        let alone = samples(all_submissions(&Simulation::new(1, 1, 0, middle.0, middle.1)));
        let among_others =
            samples(all_submissions(&Simulation::new(1, 3, 2, at("2026-05-01T00:00:00Z"), at("2026-05-09T00:00:00Z"))));
        assert!(!alone.is_empty() && alone.iter().all(|sample| among_others.contains(sample)));
    }

    #[test]
    fn empty_period_has_no_samples() {
        let now = at("2026-05-06T00:00:00Z");
        let simulation = Simulation::new(1, 1, 1, now, now);
        assert_eq!((simulation.dates().count(), all_submissions(&simulation).len()), (0, 0));
    }

    #[test]
    fn keys_sort_numerically() {
        let now = at("2026-05-06T00:00:00Z");
        let simulation = Simulation::new(1, 2, 1, now, now);
        let keys: Vec<_> = simulation.devices().iter().map(|device| device.key.as_str()).collect();
        assert_eq!(keys, ["demo-bike-01", "demo-bike-02", "demo-station-01"]);
    }
}
