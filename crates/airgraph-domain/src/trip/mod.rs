//! Trips: the samples of a mobile device, split where it pauses or jumps, and the exposure on the way.
//!
//! `split` finds the trips, `path` the trusted positions, `exposure` the exposure.

mod exposure;
mod newest;
mod path;
mod split;

use chrono::{DateTime, TimeDelta, Utc};
pub use exposure::Exposure;
pub use newest::{NewestTrips, newest_trips};
pub use split::{TripParams, split_trips};

use super::{device::DeviceId, position::Position, quality::QualityFlags};

/// Below this speed (km/h) a device counts as standing: the error of a receiver moves even a parked bicycle a little.
const MIN_MOVING_SPEED_KMH: f64 = 3.0;

/// Key of a trip: all samples of a device in a span.
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
    /// The end, exclusive: the last sample is part of the trip, and times are whole microseconds.
    #[must_use]
    pub fn after(self) -> DateTime<Utc> {
        self.end + TimeDelta::microseconds(1)
    }
}

/// A sample as input of trip detection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripSample {
    /// When it was taken.
    pub measured_at: DateTime<Utc>,
    /// Its position.
    pub position: Option<Position>,
    /// PM2.5, µg/m³, if valid.
    pub pm2_5: Option<f32>,
    /// PM10, µg/m³, if valid.
    pub pm10: Option<f32>,
    /// Quality flags.
    pub flags: QualityFlags,
}

/// A position on the path, with the values measured there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripPoint {
    /// Position.
    pub position: Position,
    /// Time.
    pub measured_at: DateTime<Utc>,
    /// PM2.5, µg/m³.
    pub pm2_5: Option<f32>,
    /// PM10, µg/m³.
    pub pm10: Option<f32>,
}

/// A trip.
#[derive(Clone, Debug, PartialEq)]
pub struct Trip {
    /// When its first sample was taken.
    pub start: DateTime<Utc>,
    /// When its last sample was taken.
    pub end: DateTime<Utc>,
    /// Its samples, with and without a position.
    pub count: usize,
    /// The path: the trusted positions in time order. At least two.
    pub path: Vec<TripPoint>,
    /// Length of the path along the earth (a sphere), in metres.
    pub distance_m: f64,
    /// Mean speed between points of the path without standing, km/h; `None` if it stood all the time.
    pub moving_speed: Option<f64>,
    /// Exposure to PM2.5, if measured.
    pub pm2_5: Option<Exposure>,
    /// Exposure to PM10, if measured.
    pub pm10: Option<Exposure>,
}

impl Trip {
    /// The trip of all these samples, which must be in time order; `None` with fewer than two positions.
    #[must_use]
    pub fn from_samples(samples: &[TripSample]) -> Option<Self> {
        Self::from_path(samples, path::trace_path(samples, usize::MAX).path)
    }

    /// The trip of these samples along the path found in them.
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
        let values = |value: fn(&TripSample) -> Option<f32>| {
            samples.iter().filter_map(move |sample| Some((sample.measured_at, value(sample)?)))
        };
        Some(Self {
            start: first.measured_at,
            end: last.measured_at,
            count: samples.len(),
            distance_m,
            moving_speed: speed(moved_m, moving),
            pm2_5: exposure::from_values(values(|sample| sample.pm2_5)),
            pm10: exposure::from_values(values(|sample| sample.pm10)),
            path,
        })
    }

    /// Time from the first sample to the last.
    #[must_use]
    pub fn duration(&self) -> TimeDelta {
        self.end - self.start
    }

    /// Length of the path divided by the whole time, km/h; `None` if the time is zero.
    #[must_use]
    pub fn speed(&self) -> Option<f64> {
        speed(self.distance_m, self.duration())
    }

    /// Greatest distance from the start, in metres. Errors of a receiver add up in the length of a path, but not here.
    #[must_use]
    pub fn extent_m(&self) -> f64 {
        let Some(first) = self.path.first() else { return 0.0 };
        self.path.iter().map(|point| first.position.distance_m(point.position)).fold(0.0, f64::max)
    }

    /// At most `max` points of the path, evenly chosen, including the first and the last.
    pub fn points(&self, max: usize) -> impl Iterator<Item = &TripPoint> {
        let chosen = max.min(self.path.len());
        let (last, steps) = (self.path.len().saturating_sub(1), chosen.saturating_sub(1).max(1));
        (0..chosen).filter_map(move |n| self.path.get(n * last / steps))
    }
}

/// Kilometres per hour; `None` if the time is zero.
fn speed(way_m: f64, time: TimeDelta) -> Option<f64> {
    let seconds = time.as_seconds_f64();
    (seconds > 0.0).then(|| way_m / seconds * 3.6)
}

#[cfg(test)]
mod tests;
