//! Samples into rides.

use chrono::TimeDelta;

use super::{Trip, TripSample, path::trace_path};

/// So many positions in a row that can't have been reached are no error of the receiver: a packet's worth.
const MAX_OUTLIERS: usize = 8;

/// Where rides end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripParams {
    /// Without a sample for longer than this, a ride is over.
    pub max_gap: TimeDelta,
    /// What didn't get so far from where it began, in metres, is no ride.
    pub min_extent_m: f64,
}

impl Default for TripParams {
    fn default() -> Self {
        Self { max_gap: TimeDelta::minutes(5), min_extent_m: 100.0 }
    }
}

/// The rides among the samples of a device, which must be in the order of time. A ride is all that was measured from its
/// first to its last sample.
#[must_use]
pub fn split_trips(samples: &[TripSample], cutting: TripParams) -> Vec<Trip> {
    samples
        .chunk_by(|before, after| after.measured_at - before.measured_at <= cutting.max_gap)
        .flat_map(split_at_jumps)
        .filter(|trip| trip.extent_m() >= cutting.min_extent_m)
        .collect()
}

/// The rides among samples without a pause: it may have been carried off.
fn split_at_jumps(mut samples: &[TripSample]) -> Vec<Trip> {
    let mut trips = Vec::new();
    loop {
        let found = trace_path(samples, MAX_OUTLIERS);
        let (ride, after) = samples.split_at(found.jump.unwrap_or(samples.len()));
        trips.extend(Trip::from_path(ride, found.path));
        if after.is_empty() {
            return trips;
        }
        samples = after;
    }
}
