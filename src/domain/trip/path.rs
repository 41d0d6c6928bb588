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
use crate::domain::{position::Position, quality::QualityFlag};

/// What makes a position worthless. Not `ImplausibleSpeed`: by itself it doesn't tell which of two positions is wrong.
const MISPLACED: [QualityFlag; 3] = [QualityFlag::NullIsland, QualityFlag::StaleFix, QualityFlag::AmbiguousPacket];
/// Nothing that carries a sensor is faster (km/h) …
const FASTEST: f64 = 200.0;
/// … but over ways shorter than this (m) speed means nothing: of samples from packets the gateway reckons the time, so
/// that those of two packets may come to lie close together or between each other.
const JUMP_M: f64 = 1000.0;

/// What a walk through samples found.
pub(super) struct Walk {
    /// The positions to be trusted.
    pub path: Vec<TripPoint>,
    /// The first sample that is of another ride, where the device is somewhere else now.
    pub jump: Option<usize>,
}

/// Walks through samples, which must be in the order of time, until so many in a row are where it can't have come to.
/// At one time a device is at one place: of samples with the same time, the first position counts.
pub(super) fn walk(samples: &[TripSample], patience: usize) -> Walk {
    let mut path: Vec<TripPoint> = Vec::new();
    let mut newest = None;
    let mut astray = Vec::new();
    for sample in samples {
        let Some(position) = trusted(sample).filter(|_| newest < Some(sample.measured_at)) else { continue };
        newest = Some(sample.measured_at);
        let point = TripPoint { position, measured_at: sample.measured_at, pm2_5: sample.pm2_5, pm10: sample.pm10 };
        if path.last().is_none_or(|last| within_reach(last, &point)) {
            path.push(point);
            astray.clear();
        } else {
            astray.push(point.measured_at);
            if astray.len() >= patience {
                // A ride is all that was measured in its span: so it never ends between samples of the same time.
                let jump = samples.partition_point(|sample| sample.measured_at < astray[0]);
                return Walk { path, jump: Some(jump) };
            }
        }
    }
    Walk { path, jump: None }
}

fn trusted(sample: &TripSample) -> Option<Position> {
    let misplaced = MISPLACED.into_iter().any(|flag| sample.flags.contains(flag));
    sample.position.filter(|position| !misplaced && !position.is_null_island())
}

fn within_reach(from: &TripPoint, to: &TripPoint) -> bool {
    let way_m = from.position.distance_m(to.position);
    way_m <= JUMP_M || speed(way_m, to.measured_at - from.measured_at).is_some_and(|speed| speed <= FASTEST)
}
