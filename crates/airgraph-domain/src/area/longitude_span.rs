//! Spans of longitude, which may cross the antimeridian.

/// A span of longitudes from a meridian eastwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LongitudeSpan {
    /// Western end, −180 (inclusive) to 180 (exclusive).
    west: f64,
    /// Width, 0 to 360 degrees.
    width: f64,
}

impl LongitudeSpan {
    /// All longitudes.
    pub(super) const FULL_CIRCLE: Self = Self { west: -180.0, width: 360.0 };

    /// The span from a western end, with a width in degrees.
    pub(super) fn new(west: f64, width: f64) -> Self {
        if width >= 360.0 { Self::FULL_CIRCLE } else { Self { west: wrapped(west), width } }
    }

    /// Whether this span contains the other.
    pub(super) fn contains(self, other: Self) -> bool {
        self.width >= 360.0 || eastwards(self.west, other.west) + other.width <= self.width
    }

    /// Whether the two spans intersect.
    pub(super) fn overlaps(self, other: Self) -> bool {
        eastwards(self.west, other.west) <= self.width || eastwards(other.west, self.west) <= other.width
    }

    /// The span as intervals between −180 and 180 degrees: two where it crosses the antimeridian.
    pub(super) fn intervals(self) -> impl Iterator<Item = (f64, f64)> {
        let east = self.west + self.width;
        let beyond = (east >= 180.0).then_some((-180.0, east - 360.0));
        std::iter::once((self.west, east.min(180.0))).chain(beyond)
    }
}

/// A longitude normalized to −180 (inclusive) to 180 (exclusive).
pub(super) fn wrapped(longitude: f64) -> f64 {
    if (-180.0..180.0).contains(&longitude) { longitude } else { (longitude + 180.0).rem_euclid(360.0) - 180.0 }
}

/// Angle from one meridian eastwards to another, in degrees.
fn eastwards(from: f64, to: f64) -> f64 {
    (to - from).rem_euclid(360.0)
}
