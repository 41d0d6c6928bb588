//! Which positions of a ride can be trusted, and where they tell that it broke off.
//!
//! Three things put a sample where its device was not. Flags tell of some: a receiver without a fix or with an old one,
//! and the tail of an ambiguous packet. A receiver may be wrong without knowing it, for a sample or a few, and then
//! nobody gets there and back so fast: such positions are left out, and the ride goes on. And the device may really be
//! somewhere else, since it was carried off while it was switched off for a moment, or since another bears its name: then
//! samples go on to come from there, and the ride is over.
//!
//! A sample without a position that can be trusted is part of its ride all the same: it tells of the air.

use super::{TripPoint, TripSample, speed};
use crate::{position::Position, quality::QualityFlag};

/// What makes a position worthless. Not `ImplausibleSpeed`: by itself it doesn't tell which of two positions is wrong.
const UNTRUSTED_POSITION_FLAGS: [QualityFlag; 3] =
    [QualityFlag::NullIsland, QualityFlag::StaleFix, QualityFlag::AmbiguousPacket];
/// Nothing that carries a sensor is faster (km/h) …
const MAX_SPEED_KMH: f64 = 200.0;
/// … but over ways shorter than this (m) speed means nothing: of samples from packets the gateway reckons the time, so
/// that those of two packets may come to lie close together or between each other.
const MIN_JUMP_M: f64 = 1000.0;

/// What a walk through samples found.
pub(super) struct TracedPath {
    /// The positions to be trusted.
    pub path: Vec<TripPoint>,
    /// The first sample that is of another ride, where the device is somewhere else now.
    pub jump: Option<usize>,
}

/// Walks through samples, which must be in the order of time, until so many in a row are where it can't have come to.
/// At one time a device is at one place: of samples with the same time, the first position counts.
pub(super) fn trace_path(samples: &[TripSample], patience: usize) -> TracedPath {
    let mut path: Vec<TripPoint> = Vec::new();
    let mut newest = None;
    let mut astray = Vec::new();
    for sample in samples {
        let Some(position) = trusted_position(sample).filter(|_| newest < Some(sample.measured_at)) else { continue };
        newest = Some(sample.measured_at);
        let point = TripPoint { position, measured_at: sample.measured_at, pm2_5: sample.pm2_5, pm10: sample.pm10 };
        if path.last().is_none_or(|last| is_reachable(last, &point)) {
            path.push(point);
            astray.clear();
        } else {
            astray.push(point.measured_at);
            if astray.len() >= patience {
                // A ride is all that was measured in its span: so it never ends between samples of the same time.
                let jump = samples.partition_point(|sample| sample.measured_at < astray[0]);
                return TracedPath { path, jump: Some(jump) };
            }
        }
    }
    TracedPath { path, jump: None }
}

fn trusted_position(sample: &TripSample) -> Option<Position> {
    let misplaced = UNTRUSTED_POSITION_FLAGS.into_iter().any(|flag| sample.flags.contains(flag));
    sample.position.filter(|position| !misplaced && !position.is_null_island())
}

fn is_reachable(from: &TripPoint, to: &TripPoint) -> bool {
    let way_m = from.position.distance_m(to.position);
    way_m <= MIN_JUMP_M || speed(way_m, to.measured_at - from.measured_at).is_some_and(|speed| speed <= MAX_SPEED_KMH)
}
