//! Which values and positions count in statistics.
//!
//! A sensor that fails sends sentinels such as -999, and a receiver without a fix sends (0, 0). Both are stored,
//! flagged and listed, but they are not valid measurements or positions, so aggregates omit them unless a request
//! includes them. The test is made for each value: a sample with a temperature of 200 °C keeps its PM10.
//! `docs/decisions/0001-invalid-values-in-statistics.md` gives the decision for every quality flag.
//!
//! `db::validity` states the same rules in SQL. Hourly rollups hold valid values only: a change of these rules, or of
//! the range of a quantity of the air, needs a migration that recomputes `device_hour` and `cell_hour`, as 0012 does.

use super::{
    filter::Condition,
    quality::{QualityFlag, QualityFlags},
    quantity::{Group, Quantity},
    readings::Readings,
};

/// Which values an aggregate counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CountedValues {
    /// Valid values, and valid positions.
    #[default]
    Valid,
    /// Every value and every position.
    All,
}

impl CountedValues {
    /// As the argument `includeInvalid` selects them.
    #[must_use]
    pub fn from_include_invalid(include: bool) -> Self {
        if include { Self::All } else { Self::Valid }
    }

    /// Whether a value of a quantity counts.
    #[must_use]
    pub fn count(self, quantity: Quantity, value: f64) -> bool {
        self == Self::All || is_valid(quantity, value)
    }
}

/// The groups that describe the air. The others describe the device.
pub const AIR_GROUPS: [Group; 3] = [Group::Air, Group::Weather, Group::Ambient];

/// Whether a value lies in the range of its quantity.
#[must_use]
pub fn is_valid(quantity: Quantity, value: f64) -> bool {
    let definition = quantity.definition();
    (definition.min..=definition.max).contains(&value)
}

/// The value of a quantity, if it is valid.
#[must_use]
pub fn valid_value(readings: &Readings, quantity: Quantity) -> Option<f64> {
    readings.get(quantity).filter(|&value| is_valid(quantity, value))
}

/// Whether a measurement is flagged [`QualityFlag::OutOfRange`] and has no valid value that describes the air. An hour
/// with no other measurements is not covered.
#[must_use]
pub fn is_invalid(flags: QualityFlags, readings: &Readings) -> bool {
    flags.contains(QualityFlag::OutOfRange)
        && !readings
            .iter()
            .any(|(quantity, value)| AIR_GROUPS.contains(&quantity.definition().group) && is_valid(quantity, value))
}

/// Whether a measurement with these flags counts at its position.
#[must_use]
pub fn has_valid_position(flags: QualityFlags) -> bool {
    !flags.contains(QualityFlag::NullIsland)
}

/// Conditions on measurements, with areas that contain valid positions only.
#[must_use]
pub fn at_valid_positions(conditions: &[Condition]) -> Vec<Condition> {
    let mut null_island = QualityFlags::default();
    null_island.insert(QualityFlag::NullIsland);
    let each = conditions.iter().map(|condition| match condition {
        Condition::Within(_) => Condition::All(vec![condition.clone(), Condition::NoFlag(null_island)]),
        Condition::All(conditions) => Condition::All(at_valid_positions(conditions)),
        Condition::Any(conditions) => Condition::Any(at_valid_positions(conditions)),
        Condition::Not(condition) => {
            Condition::Not(Box::new(Condition::All(at_valid_positions(std::slice::from_ref(&**condition)))))
        }
        Condition::Devices(_)
        | Condition::MeasuredBetween { .. }
        | Condition::Between(..)
        | Condition::AnyFlag(_)
        | Condition::NoFlag(_) => condition.clone(),
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(values: &[(Quantity, f64)]) -> Readings {
        let mut readings = Readings::default();
        for &(quantity, value) in values {
            readings.set(quantity, value).expect("a usable value");
        }
        readings
    }

    fn flags(flag: QualityFlag) -> QualityFlags {
        let mut flags = QualityFlags::default();
        flags.insert(flag);
        flags
    }

    #[test]
    fn both_ends_of_a_range_are_valid() {
        for (quantity, value, expected) in [
            (Quantity::Pm2_5, -999.0, false),
            (Quantity::Pm2_5, -0.1, false),
            (Quantity::Pm2_5, 0.0, true),
            (Quantity::Pm10, 999.9, true),
            (Quantity::Pm10, 1000.0, false),
            (Quantity::Temperature, -40.0, true),
            (Quantity::Temperature, 200.0, false),
        ] {
            assert_eq!(is_valid(quantity, value), expected, "{quantity:?} {value}");
        }
    }

    #[test]
    fn a_value_out_of_range_leaves_the_others_of_its_sample_valid() {
        let readings = readings(&[(Quantity::Temperature, 200.0), (Quantity::Pm10, 12.4)]);
        assert_eq!(valid_value(&readings, Quantity::Temperature), None);
        assert_eq!(valid_value(&readings, Quantity::Pm10), Some(12.4));
    }

    #[test]
    fn a_measurement_is_invalid_without_a_valid_value_of_the_air() {
        let sentinels = [(Quantity::Pm2_5, -999.0), (Quantity::Pm10, -999.0)];
        for (other, expected) in [
            (None, true),
            (Some((Quantity::BatteryVoltage, 3.7)), true),
            (Some((Quantity::Temperature, 20.0)), false),
            (Some((Quantity::Co2, 420.0)), false),
            (Some((Quantity::Pm1, 3.0)), false),
        ] {
            let values: Vec<_> = sentinels.into_iter().chain(other).collect();
            assert_eq!(is_invalid(flags(QualityFlag::OutOfRange), &readings(&values)), expected, "{other:?}");
        }
        let battery = readings(&[(Quantity::BatteryVoltage, 3.7)]);
        assert!(!is_invalid(flags(QualityFlag::Spike), &battery), "nothing is wrong with it");
    }
}
