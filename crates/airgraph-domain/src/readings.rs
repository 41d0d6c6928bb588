//! The readings of a sample: quantities with values.

use super::quantity::{Group, Quantity};

/// The values of one sample, at most one for each quantity, in the order of the quantities.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings(Vec<(Quantity, f64)>);

/// A number that cannot be stored: not finite, or too large for the column's type.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{value} can't be a value of {}: it must be a finite number of ordinary size", quantity.definition().name)]
pub struct UnusableValue {
    /// The quantity.
    pub quantity: Quantity,
    /// The number.
    pub value: f64,
}

impl Readings {
    /// Sets a quantity, in its unit. A value out of the quantity's range is kept and later flagged.
    ///
    /// Particulates are rounded to a 32-bit float, as stored, so a value read back equals the value set.
    ///
    /// # Errors
    /// If the value is not finite, or exceeds a 32-bit float for a particulate.
    pub fn set(&mut self, quantity: Quantity, value: f64) -> Result<(), UnusableValue> {
        let unusable = UnusableValue { quantity, value };
        let kept = match quantity.definition().group {
            Group::Air => to_decimal(to_f32(value)),
            Group::Weather | Group::Ambient | Group::Motion | Group::Status => value,
        };
        if !kept.is_finite() {
            return Err(unusable);
        }
        match self.0.binary_search_by_key(&quantity, |&(quantity, _)| quantity) {
            Ok(at) => self.0[at].1 = kept,
            Err(at) => self.0.insert(at, (quantity, kept)),
        }
        Ok(())
    }

    /// The value of a quantity, if any.
    #[must_use]
    pub fn get(&self, quantity: Quantity) -> Option<f64> {
        self.0.binary_search_by_key(&quantity, |&(quantity, _)| quantity).ok().map(|at| self.0[at].1)
    }

    /// All values, in the order of the quantities.
    pub fn iter(&self) -> impl Iterator<Item = (Quantity, f64)> {
        self.0.iter().copied()
    }

    /// Whether the sample has values for this table.
    #[must_use]
    pub fn has_group(&self, group: Group) -> bool {
        self.0.iter().any(|(quantity, _)| quantity.definition().group == group)
    }

    /// Whether the sample has no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The number rounded to a 32-bit float; infinite beyond its range.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "rounding to the column's precision is the purpose")]
pub fn to_f32(value: f64) -> f32 {
    value as f32
}

/// The decimal number of a 32-bit float: 40.22928, where a plain conversion returns 40.229278564453125.
#[must_use]
pub fn to_decimal(value: f32) -> f64 {
    // The shortest decimal that parses to the same f32, which is the number that the sensor sent. Of two such decimals
    // it is the even one, as serde_json writes an f32, so `graphql/fast_json/json.rs` can write f32 values directly.
    zmij::Buffer::new().format(value).parse().unwrap_or_else(|_| f64::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particulate_value_round_trips() {
        let mut readings = Readings::default();
        readings.set(Quantity::Pm10, 40.22928).expect("a value");
        assert_eq!(readings.get(Quantity::Pm10), Some(40.22928));
    }

    #[test]
    fn values_beyond_the_column_range_are_rejected() {
        let mut readings = Readings::default();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e39] {
            assert!(readings.set(Quantity::Pm10, value).is_err(), "{value}");
        }
        assert!(readings.set(Quantity::Pressure, f64::NAN).is_err());
        assert!(readings.set(Quantity::Pressure, 1e39).is_ok(), "a 64-bit column holds it, and it is flagged later");
        assert_eq!(readings.iter().count(), 1);
    }

    #[test]
    fn values_are_unique_and_ordered_by_quantity() {
        let mut readings = Readings::default();
        for (quantity, value) in [(Quantity::Humidity, 80.0), (Quantity::Pm2_5, 25.8), (Quantity::Humidity, 81.0)] {
            readings.set(quantity, value).expect("a value");
        }
        assert_eq!(readings.iter().collect::<Vec<_>>(), [(Quantity::Pm2_5, 25.8), (Quantity::Humidity, 81.0)]);
        assert!(readings.has_group(Group::Weather) && !readings.has_group(Group::Motion));
    }

    proptest::proptest! {
        #[test]
        fn every_f32_round_trips_through_a_decimal(bits: u32) {
            let value = f32::from_bits(bits);
            proptest::prop_assume!(value.is_finite());
            proptest::prop_assert_eq!(to_f32(to_decimal(value)).to_bits(), bits);
        }
    }
}
