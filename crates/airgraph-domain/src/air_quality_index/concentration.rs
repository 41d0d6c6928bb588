//! Concentrations as input of an index.

/// A concentration in whole ten-thousandths of µg/m³, not negative.
///
/// An index is a step function, so rounding errors of a mean must not move it across a bound. Particulates are stored
/// as 32-bit floats, with errors of up to 0.00003 for values below 1000; sensors send tenths. Rounding to 0.0001 is far
/// from both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Concentration(i64);

/// Ten-thousandths in one.
const FIXED_POINT_SCALE: i64 = 10_000;

impl Concentration {
    /// A concentration in µg/m³, rounded. A negative value, which a sensor sends in clean air, becomes 0.
    #[must_use]
    pub fn from_f64(value: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "beyond its range the cast gives the last number, not nonsense"
        )]
        Self((value * 10_000.0).round().max(0.0) as i64)
    }

    /// A concentration in whole µg/m³.
    #[must_use]
    pub const fn whole(value: i64) -> Self {
        Self(value * FIXED_POINT_SCALE)
    }

    /// In µg/m³.
    #[must_use]
    pub fn value(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "sensor values are far below 2^52 ten-thousandths")]
        let value = self.0 as f64;
        value / 10_000.0
    }

    /// Whole µg/m³, rounded; halves go up.
    #[must_use]
    pub(super) fn rounded(self) -> i64 {
        self.0.saturating_add(FIXED_POINT_SCALE / 2) / FIXED_POINT_SCALE
    }

    /// Whole µg/m³, truncated.
    #[must_use]
    pub(super) fn truncated(self) -> i64 {
        self.0 / FIXED_POINT_SCALE
    }

    /// Whole tenths of µg/m³, truncated.
    #[must_use]
    pub(super) fn truncated_to_tenths(self) -> i64 {
        self.0 / (FIXED_POINT_SCALE / 10)
    }
}
