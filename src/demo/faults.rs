//! What goes wrong between the air and the database: parts that stations and bicycles have in common.

use std::ops::Range;

use chrono::{DateTime, Utc};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::random::chance;
use crate::domain::{quantity::Quantity, readings::Readings, sample::Sample};

/// The particulates, which one sensor measures: it fails for all of them at once.
pub(super) const PARTICULATES: [Quantity; 4] = [Quantity::Pm1, Quantity::Pm2_5, Quantity::Pm4, Quantity::Pm10];

/// Probability that a sample is sent twice, because its acknowledgement was lost.
const DUPLICATE_PROBABILITY: f64 = 0.01;

/// Samples of one device, as they arrive.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Batch {
    /// In the order of time. A sample that is sent twice is twice in it.
    pub samples: Vec<Sample>,
    /// When all of them arrive together. `None`: each arrives when it is taken.
    pub uploaded_at: Option<DateTime<Utc>>,
}

/// Removes lost samples, and repeats some of the others.
pub(super) fn transmit(samples: Vec<Sample>, lost: &[bool], rng: &mut ChaCha8Rng) -> Vec<Sample> {
    let mut sent = Vec::with_capacity(samples.len());
    for (sample, lost) in samples.into_iter().zip(lost) {
        if *lost {
            continue;
        }
        if chance(rng, DUPLICATE_PROBABILITY) {
            sent.push(sample.clone());
        }
        sent.push(sample);
    }
    sent
}

/// The readings without some of their quantities.
pub(super) fn without(readings: &Readings, removed: &[Quantity]) -> Readings {
    let mut rest = Readings::default();
    for (quantity, value) in readings.iter().filter(|(quantity, _)| !removed.contains(quantity)) {
        let result = rest.set(quantity, value);
        debug_assert!(result.is_ok(), "a value that was set before: {result:?}");
    }
    rest
}

/// A span of this many indexes that starts in a range.
pub(super) fn span(starts: Range<usize>, lengths: Range<usize>, rng: &mut ChaCha8Rng) -> Range<usize> {
    let start = rng.random_range(starts);
    start..start + rng.random_range(lengths)
}
