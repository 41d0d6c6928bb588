//! Positions on the earth.

use std::fmt;

use h3o::LatLng;

/// The earth's radius in metres, as a sphere; also used by [`Position::distance_m`].
pub const EARTH_RADIUS_M: f64 = h3o::EARTH_RADIUS_KM * 1000.0;

/// A position in degrees (WGS 84): latitude −90 to 90, longitude −180 (inclusive) to 180 (exclusive).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    latitude: f64,
    longitude: f64,
}

/// Why two numbers are not a position.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidPosition {
    /// The latitude is beyond a pole, or not a number.
    #[error("{0} is no latitude: it must lie between -90 and 90 degrees")]
    Latitude(f64),
    /// The longitude is beyond ±180°, or not a number.
    #[error("{0} is no longitude: it must lie between -180 and 180 degrees")]
    Longitude(f64),
}

impl Position {
    /// A position from degrees. Longitude 180 becomes −180, so equal positions compare equal.
    ///
    /// # Errors
    /// If either number is out of its range or not finite.
    pub fn try_new(latitude: f64, longitude: f64) -> Result<Self, InvalidPosition> {
        if !(-90.0..=90.0).contains(&latitude) {
            return Err(InvalidPosition::Latitude(latitude));
        }
        if !(-180.0..=180.0).contains(&longitude) {
            return Err(InvalidPosition::Longitude(longitude));
        }
        Ok(Self { latitude, longitude: if longitude >= 180.0 { -180.0 } else { longitude } })
    }

    /// Degrees north.
    #[must_use]
    pub fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees east.
    #[must_use]
    pub fn longitude(self) -> f64 {
        self.longitude
    }

    /// Distance to another position along the earth's surface (a sphere), in metres.
    #[must_use]
    pub fn distance_m(self, other: Self) -> f64 {
        self.lat_lng().distance_m(other.lat_lng())
    }

    /// The position as an `h3o` type.
    pub(super) fn lat_lng(self) -> LatLng {
        // LatLng requires finite numbers, which a Position has; (0, 0) is the unreachable fallback.
        LatLng::new(self.latitude, self.longitude).unwrap_or_default()
    }

    /// Whether the position is (0, 0), which a receiver without a fix sends.
    #[must_use]
    pub fn is_null_island(self) -> bool {
        self.latitude == 0.0 && self.longitude == 0.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.latitude, self.longitude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poles_and_antimeridian_are_valid() {
        for (latitude, longitude) in [(90.0, 0.0), (-90.0, 0.0), (0.0, -180.0)] {
            let place = Position::try_new(latitude, longitude).expect("a place");
            assert_eq!((place.latitude(), place.longitude()), (latitude, longitude));
        }
        assert_eq!(Position::try_new(1.0, 180.0), Position::try_new(1.0, -180.0));
    }

    #[test]
    fn a_degree_of_latitude_is_sixty_nautical_miles_and_one_of_longitude_shrinks() {
        let place = |latitude, longitude| Position::try_new(latitude, longitude).expect("a place");
        assert!((place(52.0, 0.0).distance_m(place(53.0, 0.0)) - 111_195.0).abs() < 10.0);
        assert!((place(60.0, 179.5).distance_m(place(60.0, -179.5)) - 55_597.0).abs() < 10.0);
        assert!(place(52.0, 0.0).distance_m(place(52.0, 0.0)).abs() < 1e-9);
    }

    #[test]
    fn out_of_range_and_non_finite_coordinates_are_rejected() {
        for latitude in [90.000_001, -91.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(Position::try_new(latitude, 0.0), Err(InvalidPosition::Latitude(_))));
        }
        for longitude in [180.000_001, -181.0, f64::NAN, f64::NEG_INFINITY] {
            assert!(matches!(Position::try_new(0.0, longitude), Err(InvalidPosition::Longitude(_))));
        }
    }
}
