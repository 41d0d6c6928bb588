//! Splits samples into trips.

use chrono::TimeDelta;

use super::{Trip, TripSample, path::trace_path};

/// More unreachable positions in a row than this are a jump, not an error of the receiver: the size of a packet.
const MAX_OUTLIERS: usize = 8;

/// Parameters of trip detection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripParams {
    /// A trip ends when no sample follows for longer than this.
    pub max_gap: TimeDelta,
    /// Minimum extent of a trip from its start, in metres.
    pub min_extent_m: f64,
}

impl Default for TripParams {
    fn default() -> Self {
        Self { max_gap: TimeDelta::minutes(5), min_extent_m: 100.0 }
    }
}

/// The trips among the samples of a device, which must be in time order. A trip is all samples from its
/// first to its last sample.
#[must_use]
pub fn split_trips(samples: &[TripSample], params: TripParams) -> Vec<Trip> {
    samples
        .chunk_by(|before, after| after.measured_at - before.measured_at <= params.max_gap)
        .flat_map(split_at_jumps)
        .filter(|trip| trip.extent_m() >= params.min_extent_m)
        .collect()
}

/// The trips among samples without a pause, split at jumps.
fn split_at_jumps(mut samples: &[TripSample]) -> Vec<Trip> {
    let mut trips = Vec::new();
    loop {
        let found = trace_path(samples, MAX_OUTLIERS);
        let (trip, after) = samples.split_at(found.jump.unwrap_or(samples.len()));
        trips.extend(Trip::from_path(trip, found.path));
        if after.is_empty() {
            return trips;
        }
        samples = after;
    }
}
