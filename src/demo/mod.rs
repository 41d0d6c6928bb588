//! A simulated town with bicycles and roadside stations, as demonstration data.
//!
//! Pure functions: the samples of a device on a day depend on the seed, the device and the day only. So repeating a
//! simulation gives the same samples, and overlapping periods agree. (A code change here changes the
//! samples: in a database that an older version filled, both remain.)
//!
//! ```text
//! map ─▶ town ─┬─▶ bike (a day) ─▶ ride (one ride) ──▶ ride_faults ────┬─▶ batches ─┬─▶ submissions of a day
//! air ─────────┴─▶ station (a day) ─▶ sensor ────────▶ station_faults ─┘            └─▶ live: uploads when they arrive
//! ```
//!
//! The faults are those of real sensors: gaps, outages, values that are stuck, missing or out of range, positions without a fix,
//! late uploads and repeated ones.

mod air;
mod bike;
mod faults;
mod live;
mod map;
mod plane;
mod random;
mod ride;
mod ride_faults;
mod sensor;
mod station;
mod station_faults;
mod town;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

pub use self::live::LiveUploads;
use self::{air::AirModel, faults::Batch, town::Town};
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
    now: DateTime<Utc>,
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
    /// Licence of its data.
    pub licence: &'static str,
    /// Attribution of its data; a licence without conditions needs none.
    pub attribution: Option<&'static str>,
    /// Its number among those of its kind, from 1.
    number: u16,
}

impl Simulation {
    /// A simulation of this many bicycles and stations, from a time (inclusive) until another one (exclusive), of which
    /// arrived what had been uploaded before `now`.
    #[must_use]
    pub fn new(
        seed: u64,
        bikes: u16,
        stations: u16,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        let town = Town::new();
        let bikes = (1..=bikes).map(|number| SimulatedDevice {
            key: key("bike", number),
            name: format!("Simulated bicycle {number}"),
            kind: DeviceKind::Mobile,
            position: None,
            licence: "CC0-1.0",
            attribution: None,
            number,
        });
        let stations = (1..=stations).map(|number| {
            let (site, near) = station::site(&town, number);
            SimulatedDevice {
                key: key("station", number),
                name: format!("Simulated station {number}, {near}"),
                kind: DeviceKind::Fixed,
                position: site.position(),
                licence: "CC-BY-4.0",
                attribution: Some("airgraph demo (simulated, not measured)"),
                number,
            }
        });
        let devices = bikes.chain(stations).collect();
        Self { seed, devices, from, until, now, town }
    }

    /// End of the simulated time.
    #[must_use]
    pub fn until(&self) -> DateTime<Utc> {
        self.until
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
        let batches = self.batches(device, date).into_iter();
        let arrived = batches.filter(|batch| batch.uploaded_at.is_none_or(|uploaded_at| uploaded_at < self.now));
        let submission = |Batch { mut samples, uploaded_at }| {
            samples.retain(|sample| sample.measured_at < self.until);
            let last = samples.last()?.measured_at;
            self.submission(device, samples, uploaded_at.unwrap_or(last + TimeDelta::seconds(1)))
        };
        arrived.filter_map(submission).collect()
    }

    /// The samples of a device on a day, as they arrive.
    fn batches(&self, device: &SimulatedDevice, date: NaiveDate) -> Vec<Batch> {
        let (seed, number, air) = (self.seed, device.number, AirModel::for_day(self.seed, date));
        match device.kind {
            DeviceKind::Mobile => ride_faults::day(seed, number, date, bike::day(seed, number, date, &self.town, &air)),
            DeviceKind::Fixed => {
                let samples = station::day(seed, number, date, &self.town, &air);
                vec![station_faults::day(seed, number, date, samples)]
            }
        }
    }

    /// Samples that arrive together as a submission, without those before the simulated time; `None` if it is empty.
    fn submission(
        &self,
        device: &SimulatedDevice,
        mut samples: Vec<Sample>,
        received_at: DateTime<Utc>,
    ) -> Option<Submission> {
        samples.retain(|sample| sample.measured_at >= self.from);
        let first = samples.first()?.measured_at;
        // There is no sensor body; this describes the origin of the samples.
        let body = serde_json::json!({
            FORMAT: { "device": device.key.as_str(), "from": first, "samples": samples.len(), "seed": self.seed }
        });
        let observation = |(index, sample)| Observation { index, device: device.key.clone(), sample };
        Some(Submission {
            format: FORMAT,
            received_at,
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
    use std::collections::BTreeSet;

    use proptest::{prelude::*, proptest};

    use super::*;
    use crate::domain::{
        quality,
        quality::{QualityFlag, QualityFlags},
        sample_history::SampleHistory,
        time::EARLIEST_TIME,
    };

    /// Maximum distance from the centre, in metres.
    const REACH_M: f64 = 6000.0;

    pub(super) fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    pub(super) fn all_submissions(simulation: &Simulation) -> Vec<Submission> {
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
        fn every_sample_has_a_valid_time_and_a_position_in_town_or_none(seed: u64, day in 0_i64..20_000) {
            let from = at("2000-01-01T00:00:00Z") + TimeDelta::days(day);
            let until = from + TimeDelta::days(1);
            let simulation = Simulation::new(seed, 2, 4, from, until, until + TimeDelta::days(2));
            for submission in all_submissions(&simulation) {
                let admitted = submission.decoded.expect("decoded").validate_times(submission.received_at, EARLIEST_TIME);
                prop_assert!(admitted.rejected.is_empty());
                for Observation { sample, .. } in admitted.observations {
                    let place = sample.position.expect("a place");
                    let point = plane::Point::at(place.latitude(), place.longitude());
                    let is_in_town = point.distance_m(plane::Point::default()) < REACH_M;
                    prop_assert!(is_in_town || place.is_null_island(), "{place}");
                }
            }
        }

        #[test]
        fn three_days_of_the_default_devices_have_every_fault(seed: u64, day in 0_i64..9000) {
            let from = at("2000-01-01T00:00:00Z") + TimeDelta::days(day);
            let until = from + TimeDelta::days(3);
            let submissions = all_submissions(&Simulation::new(seed, 6, 4, from, until, until));
            let (mut flags, mut quantities, mut duplicates) = (QualityFlags::default(), BTreeSet::new(), 0);
            for submission in submissions {
                let mut before: Option<SampleHistory> = None;
                for Observation { sample, .. } in submission.decoded.expect("decoded").observations {
                    if before.as_ref().is_some_and(|before| before.measured_at == sample.measured_at) {
                        duplicates += 1;
                        continue;
                    }
                    let history = SampleHistory::from_sample(&sample, before.as_ref());
                    flags = flags.or(quality::assess(&sample, submission.received_at));
                    flags = flags.or(before.map_or_else(QualityFlags::default, |before| history.flags(&before)));
                    quantities.extend(sample.readings.iter().map(|(quantity, _)| quantity.definition().name));
                    before = Some(history);
                }
            }
            // Dry weeks have no humid sample.
            let missing: Vec<_> = QualityFlag::ALL
                .iter()
                .filter(|flag| !flags.contains(**flag) && **flag != QualityFlag::HighHumidity)
                .collect();
            prop_assert!(missing.is_empty(), "{missing:?}");
            for name in ["co2", "no2", "battery_voltage", "gps_updated", "pm1", "pressure"] {
                prop_assert!(quantities.contains(name), "{name}");
            }
            prop_assert!(duplicates > 0);
        }
    }

    #[test]
    fn no_samples_lie_outside_the_period() {
        let (from, until) = (at("2026-05-06T08:20:00Z"), at("2026-05-07T17:00:00Z"));
        let submissions = all_submissions(&Simulation::new(1, 3, 2, from, until, until));
        assert!(submissions.iter().all(|submission| submission.received_at < until + TimeDelta::seconds(1)));
        let samples = samples(submissions);
        assert!(samples.iter().all(|(_, sample)| (from..until).contains(&sample.measured_at)));
        let of_station = samples.iter().filter(|(device, _)| device.as_str() == "demo-station-01").count();
        assert!((370..=395).contains(&of_station), "{of_station} in 32 h 40 min, one each five minutes");
    }

    #[test]
    fn overlapping_periods_agree_with_different_sets_of_devices() {
        let middle = (at("2026-05-06T12:00:00Z"), at("2026-05-07T12:00:00Z"));
        let alone = samples(all_submissions(&Simulation::new(1, 1, 0, middle.0, middle.1, middle.1)));
        let (from, until) = (at("2026-05-01T00:00:00Z"), at("2026-05-09T00:00:00Z"));
        let among_others = samples(all_submissions(&Simulation::new(1, 3, 2, from, until, until)));
        assert!(!alone.is_empty() && alone.iter().all(|sample| among_others.contains(sample)));
    }

    #[test]
    fn empty_period_has_no_samples() {
        let now = at("2026-05-06T00:00:00Z");
        let simulation = Simulation::new(1, 1, 1, now, now, now);
        assert_eq!((simulation.dates().count(), all_submissions(&simulation).len()), (0, 0));
    }

    #[test]
    fn keys_sort_numerically() {
        let now = at("2026-05-06T00:00:00Z");
        let simulation = Simulation::new(1, 2, 1, now, now, now);
        let keys: Vec<_> = simulation.devices().iter().map(|device| device.key.as_str()).collect();
        assert_eq!(keys, ["demo-bike-01", "demo-bike-02", "demo-station-01"]);
    }
}
