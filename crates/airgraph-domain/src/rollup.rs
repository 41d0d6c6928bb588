//! Rollups of an hour of measurements: their number and the sums of their particulates.

use chrono::{DateTime, Utc};

use super::{
    quality::QualityFlags,
    quantity::Quantity,
    readings::{Readings, to_f32},
    validity::{is_invalid, valid_value},
};

/// The quantities of a rollup, in the order of [`Rollup::particulates`].
pub const PARTICULATES: [Quantity; 4] = [Quantity::Pm1, Quantity::Pm2_5, Quantity::Pm4, Quantity::Pm10];

const SECONDS_PER_HOUR: i64 = 3600;

/// Sums over a set of measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rollup {
    /// Number of measurements, with or without particulates.
    pub count: i32,
    /// Number of invalid measurements ([`is_invalid`]).
    pub invalid_count: i32,
    /// The valid values of each of [`PARTICULATES`].
    pub particulates: [RollupSummary; PARTICULATES.len()],
}

/// Sums over the valid values of one quantity, in µg/m³.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RollupSummary {
    /// Number of values.
    pub count: i32,
    /// Sum of the values, each as the decimal that was sent, not as the nearest 32-bit float.
    pub sum: f64,
    /// Sum of the squares of the values.
    pub sum_of_squares: f64,
    /// The least value, if any.
    pub min: Option<f32>,
    /// The greatest value, if any.
    pub max: Option<f32>,
}

impl Rollup {
    /// The rollup of one measurement.
    #[must_use]
    pub fn from_readings(readings: &Readings, flags: QualityFlags) -> Self {
        let summary =
            |quantity| valid_value(readings, quantity).map_or_else(RollupSummary::default, RollupSummary::from_value);
        let invalid_count = i32::from(is_invalid(flags, readings));
        Self { count: 1, invalid_count, particulates: PARTICULATES.map(summary) }
    }

    /// Adds another rollup.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.invalid_count += other.invalid_count;
        for (one, other) in self.particulates.iter_mut().zip(&other.particulates) {
            one.add(other);
        }
    }
}

impl RollupSummary {
    fn from_value(value: f64) -> Self {
        let (min, max) = (Some(to_f32(value)), Some(to_f32(value)));
        Self { count: 1, sum: value, sum_of_squares: value * value, min, max }
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.sum_of_squares += other.sum_of_squares;
        self.min = choose_present(self.min, other.min, f32::min);
        self.max = choose_present(self.max, other.max, f32::max);
    }
}

fn choose_present(one: Option<f32>, other: Option<f32>, choose: fn(f32, f32) -> f32) -> Option<f32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(choose(one, other)),
        (one, other) => one.or(other),
    }
}

/// The start of the hour (UTC) that contains a time.
#[must_use]
pub fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = at.timestamp();
    DateTime::from_timestamp(seconds - seconds.rem_euclid(SECONDS_PER_HOUR), 0).unwrap_or(at) // representable for every time
}

/// The rollups of these measurements for each key and hour, sorted by both.
pub fn by_hour<'a, K: Copy + Ord>(
    measurements: impl IntoIterator<Item = (K, DateTime<Utc>, &'a Readings, QualityFlags)>,
) -> Vec<(K, DateTime<Utc>, Rollup)> {
    let mut all: Vec<_> =
        measurements.into_iter().map(|(key, at, readings, flags)| ((key, hour_of(at)), readings, flags)).collect();
    all.sort_by_key(|&(place, ..)| place);
    all.chunk_by(|(one, ..), (other, ..)| one == other)
        .filter_map(|some| {
            let ((key, hour), ..) = *some.first()?;
            let mut rollup = Rollup::default();
            for &(_, readings, flags) in some {
                rollup.add(&Rollup::from_readings(readings, flags));
            }
            Some((key, hour, rollup))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{quality::QualityFlag, validity::is_valid};

    /// The flags of a sample with these values.
    fn flags(readings: &Readings) -> QualityFlags {
        let mut flags = QualityFlags::default();
        if readings.iter().any(|(quantity, value)| !is_valid(quantity, value)) {
            flags.insert(QualityFlag::OutOfRange);
        }
        flags
    }

    fn readings(values: [Option<f64>; 4]) -> Readings {
        let mut readings = Readings::default();
        for (quantity, value) in PARTICULATES.into_iter().zip(values) {
            if let Some(value) = value {
                readings.set(quantity, value).expect("a value");
            }
        }
        readings
    }

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    #[test]
    fn an_hour_begins_with_its_first_moment_and_ends_before_the_next() {
        assert_eq!(hour_of(at("2026-05-01T10:00:00Z")), at("2026-05-01T10:00:00Z"));
        assert_eq!(hour_of(at("2026-05-01T10:59:59.999999Z")), at("2026-05-01T10:00:00Z"));
        assert_eq!(hour_of(at("1969-12-31T23:59:59.5Z")), at("1969-12-31T23:00:00Z"));
    }

    #[test]
    fn values_are_summed_at_full_precision() {
        let first = readings([None, Some(0.1), None, Some(3.0)]);
        let second = readings([None, Some(2.5), None, Some(-999.0)]);
        let [of_first, of_second] = [flags(&first), flags(&second)];
        let rollups = by_hour([
            (7, at("2026-05-01T10:59:00Z"), &first, of_first),
            (7, at("2026-05-01T11:00:00Z"), &second, of_second),
            (3, at("2026-05-01T10:00:00Z"), &second, of_second),
            (7, at("2026-05-01T10:00:00Z"), &second, of_second),
        ]);
        let keys: Vec<_> = rollups.iter().map(|&(key, hour, rollup)| (key, hour, rollup.count)).collect();
        let (ten, eleven) = (at("2026-05-01T10:00:00Z"), at("2026-05-01T11:00:00Z"));
        assert_eq!(keys, [(3, ten, 1), (7, ten, 2), (7, eleven, 1)]);
        let [pm1, pm2_5, _, pm10] = rollups[1].2.particulates;
        assert_eq!(pm1, RollupSummary::default());
        let tenth = 0.1;
        let expected = RollupSummary {
            count: 2,
            sum: tenth + 2.5,
            sum_of_squares: tenth * tenth + 6.25,
            min: Some(0.1),
            max: Some(2.5),
        };
        assert_eq!((pm2_5.count, pm2_5.min, pm2_5.max), (expected.count, expected.min, expected.max));
        assert!((pm2_5.sum - expected.sum).abs() < 1e-12);
        assert!((pm2_5.sum_of_squares - expected.sum_of_squares).abs() < 1e-12);
        assert_eq!(pm10, RollupSummary { count: 1, sum: 3.0, sum_of_squares: 9.0, min: Some(3.0), max: Some(3.0) });
    }

    proptest! {
        /// Whole numbers: their sums are exact in any order.
        #[test]
        fn merged_partial_rollups_equal_the_rollup_of_all(
            values in proptest::collection::vec(proptest::option::of(-999..1999_i32), 1..40),
            cut in 0..40_usize,
        ) {
            let all: Vec<_> = values.iter().map(|value| readings([None, None, value.map(f64::from), None])).collect();
            let sum = |some: &[Readings]| some.iter().fold(Rollup::default(), |mut sum, readings| {
                sum.add(&Rollup::from_readings(readings, flags(readings)));
                sum
            });
            let (left, right) = all.split_at(cut.min(all.len()));
            let mut parts = sum(right);
            parts.add(&sum(left));
            prop_assert_eq!(parts, sum(&all));
            let valid: Vec<_> = values.iter().copied().flatten().filter(|value| (0..=999).contains(value)).collect();
            let out_of_range = values.iter().flatten().count() - valid.len();
            prop_assert_eq!(usize::try_from(parts.invalid_count), Ok(out_of_range));
            let pm4 = parts.particulates[2];
            prop_assert_eq!(usize::try_from(pm4.count), Ok(valid.len()));
            prop_assert_eq!(pm4.max.map(f64::from), valid.iter().max().map(|&max| f64::from(max)));
            prop_assert_eq!(pm4.min.map(f64::from), valid.iter().min().map(|&min| f64::from(min)));
        }
    }
}
