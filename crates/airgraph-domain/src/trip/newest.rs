//! The newest rides of a device, from as many samples as were read.

use chrono::{DateTime, Utc};

use super::{Trip, TripParams, TripSample, split_trips};

/// The newest rides of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct NewestTrips {
    /// Whole rides, oldest first.
    pub trips: Vec<Trip>,
    /// Rides that began before this are missing; none where there are no other ones.
    pub missing_before: Option<DateTime<Utc>>,
}

/// The rides among the newest samples of a device, in the order of time. With older samples that were not read, the first
/// ride may have begun earlier, so it is left out; unless it is all there is, so that a long one is found too.
#[must_use]
pub fn newest_trips(samples: &[TripSample], cutting: TripParams, has_older: bool) -> NewestTrips {
    let mut trips = split_trips(samples, cutting);
    let first = samples.first().map(|sample| sample.measured_at);
    if !has_older {
        return NewestTrips { trips, missing_before: None };
    }
    let reaches_back = trips.first().is_some_and(|trip| Some(trip.start) == first);
    if reaches_back && trips.len() > 1 {
        trips.remove(0);
        let missing_before = trips.first().map(|next| next.start);
        return NewestTrips { trips, missing_before };
    }
    NewestTrips { trips, missing_before: first }
}
