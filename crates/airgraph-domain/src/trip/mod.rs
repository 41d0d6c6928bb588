//! Rides: the samples of a mobile device, cut where it paused or was carried off, and what was breathed on the way.
//!
//! `cut` finds the rides, `path` the positions that can be trusted, `exposure` what the air was like.

mod exposure;
mod newest;
mod path;
mod split;

use chrono::{DateTime, TimeDelta, Utc};
pub use exposure::Exposure;
pub use newest::{NewestTrips, newest_trips};
pub use split::{TripParams, split_trips};

use super::{device::DeviceId, position::Position, quality::QualityFlags};

/// Slower than this (km/h) a device stands: what a receiver is wrong makes even a parked bicycle move a little.
const MIN_MOVING_SPEED_KMH: f64 = 3.0;

/// What names a ride: all that a device measured in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TripKey {
    /// The device.
    pub device_id: DeviceId,
    /// When its first sample was taken.
    pub start: DateTime<Utc>,
    /// When its last sample was taken.
    pub end: DateTime<Utc>,
}

impl TripKey {
    /// The first moment after it: its last one is part of it, and times are kept in whole microseconds.
    #[must_use]
    pub fn after(self) -> DateTime<Utc> {
        self.end + TimeDelta::microseconds(1)
    }
}

/// What a ride is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripSample {
    /// When it was taken.
    pub measured_at: DateTime<Utc>,
    /// Where.
    pub position: Option<Position>,
    /// PM2.5, µg/m³, where it counts.
    pub pm2_5: Option<f32>,
    /// PM10, µg/m³, where it counts.
    pub pm10: Option<f32>,
    /// Reasons to doubt it.
    pub flags: QualityFlags,
}

/// A place on the way, and what was measured there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripPoint {
    /// Where.
    pub position: Position,
    /// When.
    pub measured_at: DateTime<Utc>,
    /// PM2.5, µg/m³.
    pub pm2_5: Option<f32>,
    /// PM10, µg/m³.
    pub pm10: Option<f32>,
}

/// A ride.
#[derive(Clone, Debug, PartialEq)]
pub struct Trip {
    /// When its first sample was taken.
    pub start: DateTime<Utc>,
    /// When its last sample was taken.
    pub end: DateTime<Utc>,
    /// Its samples, with a position or without.
    pub count: usize,
    /// Where it went: the positions that can be trusted, in the order of time. At least two.
    pub path: Vec<TripPoint>,
    /// The length of the path along the earth, taken for a sphere, in metres.
    pub distance_m: f64,
    /// The speed between points of the path where it was not standing, km/h; none where it stood all the time.
    pub moving_speed: Option<f64>,
    /// What PM2.5 was on the way, where it was told.
    pub pm2_5: Option<Exposure>,
    /// What PM10 was on the way, where it was told.
    pub pm10: Option<Exposure>,
}

impl Trip {
    /// The ride of all these samples, which must be in the order of time; none with fewer than two places.
    #[must_use]
    pub fn from_samples(samples: &[TripSample]) -> Option<Self> {
        Self::from_path(samples, path::trace_path(samples, usize::MAX).path)
    }

    /// The ride of these samples along the path that was found in them.
    fn from_path(samples: &[TripSample], path: Vec<TripPoint>) -> Option<Self> {
        let (first, last) = (samples.first()?, samples.last()?);
        if path.len() < 2 {
            return None;
        }
        let (mut distance_m, mut moved_m, mut moving) = (0.0, 0.0, TimeDelta::zero());
        for step in path.windows(2) {
            let (way_m, time) =
                (step[0].position.distance_m(step[1].position), step[1].measured_at - step[0].measured_at);
            distance_m += way_m;
            if speed(way_m, time).is_some_and(|speed| speed >= MIN_MOVING_SPEED_KMH) {
                moved_m += way_m;
                moving += time;
            }
        }
        let told = |value: fn(&TripSample) -> Option<f32>| {
            samples.iter().filter_map(move |sample| Some((sample.measured_at, value(sample)?)))
        };
        Some(Self {
            start: first.measured_at,
            end: last.measured_at,
            count: samples.len(),
            distance_m,
            moving_speed: speed(moved_m, moving),
            pm2_5: exposure::from_values(told(|sample| sample.pm2_5)),
            pm10: exposure::from_values(told(|sample| sample.pm10)),
            path,
        })
    }

    /// From the first sample to the last.
    #[must_use]
    pub fn duration(&self) -> TimeDelta {
        self.end - self.start
    }

    /// The length of the path over the whole time, km/h; none where it took no time.
    #[must_use]
    pub fn speed(&self) -> Option<f64> {
        speed(self.distance_m, self.duration())
    }

    /// How far it got from where it began, in metres. What a receiver is wrong adds up in the length of a path, not here.
    #[must_use]
    pub fn extent_m(&self) -> f64 {
        let Some(first) = self.path.first() else { return 0.0 };
        self.path.iter().map(|point| first.position.distance_m(point.position)).fold(0.0, f64::max)
    }

    /// At most so many points of the path, evenly chosen, the first and the last among them.
    pub fn points(&self, most: usize) -> impl Iterator<Item = &TripPoint> {
        let chosen = most.min(self.path.len());
        let (last, steps) = (self.path.len().saturating_sub(1), chosen.saturating_sub(1).max(1));
        (0..chosen).filter_map(move |n| self.path.get(n * last / steps))
    }
}

/// Kilometres per hour; none where no time passes.
fn speed(way_m: f64, time: TimeDelta) -> Option<f64> {
    let seconds = time.as_seconds_f64();
    (seconds > 0.0).then(|| way_m / seconds * 3.6)
}

#[cfg(test)]
mod tests;
