//! Reproducible random numbers: each device and day has a stream of its own, so a sample depends only on the
//! seed, its device and its day. Overlapping periods agree.

use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

/// Purpose of a stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Weather = 1,
    Bike,
    BikeDay,
    Station,
    StationDay,
    BikeFaults,
    StationFaults,
}

/// The stream of one device (numbered by its purpose) on one day (counted from any day; 0 for constant properties).
pub(super) fn rng(seed: u64, purpose: Purpose, number: u16, day: i32) -> ChaCha8Rng {
    let parts = [seed, purpose as u64, u64::from(number), i64::from(day).cast_unsigned()];
    let mut key = [0; 32];
    for (bytes, part) in key.chunks_exact_mut(8).zip(parts) {
        bytes.copy_from_slice(&part.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Uniform between two numbers.
pub(super) fn uniform(rng: &mut ChaCha8Rng, from: f64, to: f64) -> f64 {
    from + (to - from) * rng.random::<f64>()
}

/// From −1 to 1, mostly near 0. Bounded, unlike a normal distribution, so that derived values are.
pub(super) fn noise(rng: &mut ChaCha8Rng) -> f64 {
    rng.random::<f64>() + rng.random::<f64>() - 1.0
}

/// True with this probability.
pub(super) fn chance(rng: &mut ChaCha8Rng, probability: f64) -> bool {
    rng.random::<f64>() < probability
}
