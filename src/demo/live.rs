//! A simulation in real time: what arrives from one moment to the next.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::{SimulatedDevice, Simulation, faults::Batch};
use crate::{domain::sample::Sample, recorder::Submission};

/// Days after which the last sample of a day has arrived.
const MAX_UPLOAD_DAYS: Days = Days::new(2);

/// The uploads of a simulation, each when it arrives. It holds the pending uploads of the present day.
#[derive(Debug)]
pub struct LiveUploads<'a> {
    simulation: &'a Simulation,
    /// Uploads before this time are not included.
    since: DateTime<Utc>,
    /// The first day that is not yet simulated.
    next_date: NaiveDate,
    /// By the time of arrival.
    pending: BTreeMap<DateTime<Utc>, Vec<(&'a SimulatedDevice, Vec<Sample>)>>,
}

impl<'a> LiveUploads<'a> {
    /// The uploads of all devices that arrive at this time or later.
    #[must_use]
    pub fn new(simulation: &'a Simulation, since: DateTime<Utc>) -> Self {
        let next_date = since.date_naive() - MAX_UPLOAD_DAYS;
        Self { simulation, since, next_date, pending: BTreeMap::new() }
    }

    /// The uploads that arrived until now and were not returned before, in the order of their arrival.
    pub fn take_due(&mut self, now: DateTime<Utc>) -> Vec<Submission> {
        while self.next_date <= now.date_naive() {
            for device in self.simulation.devices() {
                for batch in self.simulation.batches(device, self.next_date) {
                    self.add(device, batch);
                }
            }
            self.next_date = self.next_date + Days::new(1);
        }
        let mut submissions = Vec::new();
        while let Some(entry) = self.pending.first_entry().filter(|entry| *entry.key() <= now) {
            let (arrived_at, uploads) = entry.remove_entry();
            let uploads = uploads.into_iter();
            submissions.extend(
                uploads.filter_map(|(device, samples)| self.simulation.submission(device, samples, arrived_at)),
            );
        }
        submissions
    }

    fn add(&mut self, device: &'a SimulatedDevice, Batch { samples, uploaded_at }: Batch) {
        match uploaded_at {
            Some(uploaded_at) if uploaded_at >= self.since => {
                self.pending.entry(uploaded_at).or_default().push((device, samples));
            }
            Some(_) => {}
            None => {
                let same_time = |one: &Sample, other: &Sample| one.measured_at == other.measured_at;
                for upload in samples.chunk_by(same_time).filter(|upload| upload[0].measured_at >= self.since) {
                    self.pending.entry(upload[0].measured_at).or_default().push((device, upload.to_vec()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::TimeDelta;

    use super::*;
    use crate::demo::tests::{all_submissions, at};

    /// Device, time and values of each sample.
    fn samples(submissions: impl IntoIterator<Item = Submission>) -> BTreeSet<String> {
        let decoded = submissions.into_iter().map(|submission| submission.decoded.expect("decoded"));
        decoded
            .flat_map(|decoded| decoded.observations)
            .map(|seen| format!("{} {:?}", seen.device, seen.sample))
            .collect()
    }

    #[test]
    fn live_uploads_continue_exactly_where_the_filled_period_ends() {
        let (from, until, end) = (at("2026-05-01T00:00:00Z"), at("2026-05-04T17:10:03Z"), at("2026-05-06T09:00:00Z"));
        let filled = Simulation::new(1, 3, 2, from, until, until);
        let mut live = LiveUploads::new(&filled, until);
        let (mut now, mut received) = (until, Vec::new());
        while now < end {
            now += TimeDelta::minutes(37);
            for submission in live.take_due(now.min(end)) {
                assert!((until..=now).contains(&submission.received_at));
                received.push(submission);
            }
        }
        let live = samples(received);
        let whole = samples(all_submissions(&Simulation::new(1, 3, 2, from, end, end)));
        let filled = samples(all_submissions(&filled));
        assert!(!live.is_empty() && live.is_disjoint(&filled));
        assert_eq!(filled.union(&live).cloned().collect::<BTreeSet<_>>(), whole);
    }
}
