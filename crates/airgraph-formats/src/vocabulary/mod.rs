//! Meanings of a source's field names: quantity, unit, and marks of a missing value.
//!
//! Every format reads its fields through a [`Vocabulary`] and a [`SampleBuilder`]. A vocabulary is a source's own table
//! and, for names not in it, the [`general`] names. A name without a unit in either has no meaning
//! here: its value is listed in `ignored` and never stored in a guessed unit.

pub(super) mod airrohr;
mod general;
mod sample_builder;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use airgraph_domain::{quantity::Quantity, unit::Unit};

pub(super) use self::{
    general::GeneralNames,
    sample_builder::{RawValue, SampleBuilder},
};

/// The names of one source.
#[derive(Debug)]
pub(super) struct Vocabulary {
    /// The source's own names.
    pub own: fn(&str) -> Option<FieldMeaning>,
    /// The general names that are also accepted.
    pub general: Option<GeneralNames>,
    /// Marks of a missing value.
    pub no_value: &'static [NoValue],
}

/// Names with units documented by this gateway: plain JSON and CSV.
pub(super) static PLAIN: Vocabulary =
    Vocabulary { own: |_| None, general: Some(GeneralNames::Documented), no_value: &[] };

/// Names of an unknown program.
pub(super) static CONVENTIONAL: Vocabulary =
    Vocabulary { own: |_| None, general: Some(GeneralNames::Conventional), no_value: &[] };

/// The meaning of a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum FieldMeaning {
    /// Degrees north.
    Latitude,
    /// Degrees east.
    Longitude,
    /// A quantity.
    Quantity {
        quantity: Quantity,
        unit: SentUnit,
        /// If a sample has several values of one quantity, the lowest rank counts, then the first.
        rank: u8,
    },
}

/// The unit of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum SentUnit {
    /// This one.
    Is(Unit),
    /// The unit of the first range that contains the value; the unit of a value outside all of them is unknown.
    ByMagnitude(&'static [(Unit, f64, f64)]),
}

/// A row of a source's table: a name, its quantity and its unit.
pub(super) type FieldUnit = (&'static str, Quantity, Unit);

/// Marks of a missing value of a quantity, in the quantity's own unit. A range rather than a number, since
/// firmware averages its marks: 99 times -1000 and once 20 is -989.8.
#[derive(Debug)]
pub(super) struct NoValue {
    pub quantity: Quantity,
    pub range: RangeInclusive<f64>,
}

impl NoValue {
    /// Everything below 0.
    pub const NEGATIVE: RangeInclusive<f64> = f64::MIN..=-f64::MIN_POSITIVE;
}

/// The rank of names that are in no table.
pub(super) const UNRANKED: u8 = AVERAGE_RANK - 1;
/// The rank of averages: a value of the moment is preferred.
const AVERAGE_RANK: u8 = u8::MAX;

impl Vocabulary {
    /// The meaning of a name, if any.
    pub fn meaning(&self, name: &str) -> Option<FieldMeaning> {
        (self.own)(name).or_else(|| self.general?.meaning(name))
    }

    /// Whether this value marks a missing value.
    pub fn is_no_value(&self, quantity: Quantity, value: f64) -> bool {
        self.no_value.iter().any(|mark| mark.quantity == quantity && mark.range.contains(&value))
    }
}

impl FieldMeaning {
    /// A quantity in its own unit.
    pub const fn own_unit(quantity: Quantity, unit: Unit) -> Self {
        Self::Quantity { quantity, unit: SentUnit::Is(unit), rank: UNRANKED }
    }
}

impl SentUnit {
    /// The value in the unit of its quantity; `None` if the unit of the value is unknown.
    pub fn convert(self, quantity: Quantity, value: f64) -> Option<f64> {
        let unit = match self {
            Self::Is(unit) => unit,
            Self::ByMagnitude(units) => {
                units.iter().find(|&&(_, least, greatest)| (least..=greatest).contains(&value))?.0
            }
        };
        unit.convert(quantity, value)
    }
}

/// The meaning of a name in a table. The order of the table is the order of preference among values of one quantity.
pub(super) fn find_field(table: &[FieldUnit], name: &str) -> Option<FieldMeaning> {
    let place = table.iter().position(|&(known, ..)| known == name)?;
    let (_, quantity, unit) = table[place];
    let rank = u8::try_from(place).unwrap_or(UNRANKED);
    Some(FieldMeaning::Quantity { quantity, unit: SentUnit::Is(unit), rank })
}
