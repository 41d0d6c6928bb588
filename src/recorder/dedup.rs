//! Candidate rows of a batch: sorted, deduplicated, flagged by comparison with the previous sample.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use h3o::CellIndex;
use uuid::Uuid;

use super::{Receipt, Submission};
use crate::{
    db::measurement::NewMeasurement,
    domain::{
        cell::{STORED_RESOLUTION, cell_at},
        device::{DeviceId, DeviceKey},
        measurement::MeasurementKey,
        quality::QualityFlags,
        sample::Sample,
        sample_history::SampleHistory,
    },
    ingest::Rejection,
};

/// Maximum number of different samples of one device at one time. More are the result of a stopped clock.
pub(super) const MAX_SAMPLES_PER_TIME: usize = 256;

/// A sample whose content is new in the batch for its device and time.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub device: DeviceId,
    /// Index of the submission that contained it first.
    pub submission: usize,
    /// Its index in that submission's body.
    pub index: usize,
    pub sample: &'a Sample,
    /// Cell of its position, at the stored resolution.
    pub cell: Option<CellIndex>,
    pub uplink_id: Option<Uuid>,
    pub flags: QualityFlags,
    pub history: SampleHistory,
    /// Its number among the samples of its device and time, once it is known.
    pub seq: Option<i32>,
}

/// A device and a time.
pub(super) type DeviceTime = (DeviceId, DateTime<Utc>);

impl<'a> Candidate<'a> {
    pub fn device_time(&self) -> DeviceTime {
        (self.device, self.sample.measured_at)
    }

    /// The row to insert, once it has a number.
    pub fn row(&self) -> Option<NewMeasurement<'a>> {
        let (device_id, measured_at) = self.device_time();
        Some(NewMeasurement {
            key: MeasurementKey { device_id, measured_at, seq: self.seq? },
            sample: self.sample,
            cell: self.cell,
            uplink_id: self.uplink_id,
            flags: self.flags,
            history: self.history,
        })
    }

    /// The rejection when its device has too many samples at its time.
    pub fn rejection(&self) -> Rejection {
        Rejection {
            index: self.index,
            code: "TOO_MANY_AT_ONE_TIME",
            detail: format!(
                "the device has {MAX_SAMPLES_PER_TIME} different samples with this very time: its clock seems to stand still"
            ),
        }
    }
}

/// Collects the samples of a batch, sorted by device and time and at one time in the order of arrival, and counts
/// duplicates within the batch.
pub(super) fn dedup<'a>(
    submissions: &[&'a Submission],
    devices: &HashMap<String, DeviceId>,
    uplinks: &[Option<Uuid>],
    receipts: &mut [Receipt],
) -> Vec<Candidate<'a>> {
    let mut all = Vec::with_capacity(submissions.iter().map(|submission| submission.observations().len()).sum());
    for (number, submission) in submissions.iter().enumerate() {
        let mut last: Option<(&DeviceKey, DeviceId)> = None; // most submissions are of one device
        for seen in submission.observations() {
            let device = match last {
                Some((key, device)) if *key == seen.device => device,
                _ => match devices.get(seen.device.as_str()) {
                    Some(&device) => device,
                    None => continue, // all devices were added before
                },
            };
            last = Some((&seen.device, device));
            let (index, sample, uplink_id) = (seen.index, &seen.sample, uplinks[number]);
            let (flags, trace) = (sample.flags, SampleHistory::from_sample(sample, None));
            let cell = sample.position.map(|position| cell_at(position, STORED_RESOLUTION));
            all.push(Candidate {
                device,
                submission: number,
                index,
                sample,
                cell,
                uplink_id,
                flags,
                history: trace,
                seq: None,
            });
        }
    }
    all.sort_by_key(Candidate::device_time);

    let mut kept: Vec<Candidate<'_>> = Vec::with_capacity(all.len());
    let mut moment = 0; // where the current device and time begin in `kept`
    for candidate in all {
        if kept.last().is_some_and(|last| last.device_time() != candidate.device_time()) {
            moment = kept.len();
        }
        if kept[moment..].iter().any(|other| other.sample.same_content(candidate.sample)) {
            receipts[candidate.submission].duplicates += 1;
        } else if kept.len() - moment >= MAX_SAMPLES_PER_TIME {
            receipts[candidate.submission].rejected.push(candidate.rejection());
        } else {
            kept.push(candidate);
        }
    }
    kept
}

/// Sets flags by comparison with the previous sample: the one before in the batch, or the newest stored one. A late
/// sample, older than the newest one, is not compared; its neighbours are not read from the archive.
pub(super) fn flag(candidates: &mut [Candidate<'_>], traces: &HashMap<DeviceId, SampleHistory>) {
    let mut carried: Option<(DeviceId, SampleHistory)> = None;
    for moment in candidates.chunk_by_mut(|one, other| one.device_time() == other.device_time()) {
        let (device, measured_at) = moment[0].device_time();
        let before = match carried {
            Some((carried, trace)) if carried == device => Some(trace),
            _ => traces.get(&device).copied().filter(|trace| trace.measured_at < measured_at),
        };
        for candidate in moment.iter_mut() {
            candidate.history = SampleHistory::from_sample(candidate.sample, before.as_ref());
            if let Some(before) = before {
                candidate.flags = candidate.sample.flags.or(candidate.history.flags(&before));
            }
        }
        carried = moment.last().map(|last| (device, last.history));
    }
}
