//! The trusted positions of a trip, and jumps at which it ends.
//!
//! A sample may have a wrong position for three reasons. Flags mark some: a receiver without a fix or with an old one,
//! and the tail of an ambiguous packet. A receiver may be wrong without detecting it, for a sample or a few; reaching
//! such a position and returning requires an implausible speed: it is omitted, and the trip continues. And the device
//! may really be elsewhere, because it was moved while switched off for a moment, or because another device uses its
//! key: then the following samples are there as well, and the trip ends.
//!
//! A sample without a trusted position is still part of its trip: its values count.

use super::{TripPoint, TripSample, speed};
use crate::{position::Position, quality::QualityFlag};

/// Flags that make a position unusable. Not `ImplausibleSpeed`: it does not identify which of two positions is wrong.
const UNTRUSTED_POSITION_FLAGS: [QualityFlag; 3] =
    [QualityFlag::NullIsland, QualityFlag::StaleFix, QualityFlag::AmbiguousPacket];
/// Maximum speed of a vehicle that carries a sensor, in km/h.
const MAX_SPEED_KMH: f64 = 200.0;
/// Over distances shorter than this (m) speed has no meaning: the times of samples in packets are estimated, so
/// those of two packets may be close together or interleaved.
const MIN_JUMP_M: f64 = 1000.0;

/// Result of tracing samples.
pub(super) struct TracedPath {
    /// The trusted positions.
    pub path: Vec<TripPoint>,
    /// The first sample of another trip, after a jump.
    pub jump: Option<usize>,
}

/// Traces samples, which must be in time order, until `max_outliers` in a row are unreachable.
/// A device has one position at a time: of samples with the same time, the first position counts.
pub(super) fn trace_path(samples: &[TripSample], max_outliers: usize) -> TracedPath {
    let mut path: Vec<TripPoint> = Vec::new();
    let mut newest = None;
    let mut outliers = Vec::new();
    for sample in samples {
        let Some(position) = trusted_position(sample).filter(|_| newest < Some(sample.measured_at)) else { continue };
        newest = Some(sample.measured_at);
        let point = TripPoint { position, measured_at: sample.measured_at, pm2_5: sample.pm2_5, pm10: sample.pm10 };
        if path.last().is_none_or(|last| is_reachable(last, &point)) {
            path.push(point);
            outliers.clear();
        } else {
            outliers.push(point.measured_at);
            if outliers.len() >= max_outliers {
                // A trip is all samples in its span, so it never ends between samples of the same time.
                let jump = samples.partition_point(|sample| sample.measured_at < outliers[0]);
                return TracedPath { path, jump: Some(jump) };
            }
        }
    }
    TracedPath { path, jump: None }
}

fn trusted_position(sample: &TripSample) -> Option<Position> {
    let untrusted = UNTRUSTED_POSITION_FLAGS.into_iter().any(|flag| sample.flags.contains(flag));
    sample.position.filter(|position| !untrusted && !position.is_null_island())
}

fn is_reachable(from: &TripPoint, to: &TripPoint) -> bool {
    let way_m = from.position.distance_m(to.position);
    way_m <= MIN_JUMP_M || speed(way_m, to.measured_at - from.measured_at).is_some_and(|speed| speed <= MAX_SPEED_KMH)
}
