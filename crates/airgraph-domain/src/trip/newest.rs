//! The newest trips of a device, from the samples that were read.

use chrono::{DateTime, Utc};

use super::{Trip, TripParams, TripSample, split_trips};

/// The newest trips of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct NewestTrips {
    /// Complete trips, oldest first.
    pub trips: Vec<Trip>,
    /// Trips that began before this time are missing; `None` if there are no others.
    pub missing_before: Option<DateTime<Utc>>,
}

/// The trips among the newest samples of a device, in time order. If older samples exist that were not read, the first
/// trip may have begun earlier, so it is omitted, unless it is the only one, so that a long one is found too.
#[must_use]
pub fn newest_trips(samples: &[TripSample], params: TripParams, has_older: bool) -> NewestTrips {
    let mut trips = split_trips(samples, params);
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
