//! The ground of the simulation: a plane in metres that touches the earth at the centre of the town.
//!
//! Within a few kilometres the plane and the sphere differ by less than the accuracy of a GPS receiver.

use crate::domain::position::Position;

/// The middle of the town, in degrees (WGS 84).
pub(super) const TOWN_CENTRE: (f64, f64) = (52.205, 0.12);

/// Metres in a degree of latitude, on a sphere of the earth's mean radius (6371.0088 km).
const METRES_PER_DEGREE: f64 = 111_195.08;

/// A point as metres east and north of [`TOWN_CENTRE`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub east_m: f64,
    pub north_m: f64,
}

impl Point {
    /// The point at these degrees.
    pub(super) fn at(latitude: f64, longitude: f64) -> Self {
        Self {
            east_m: (longitude - TOWN_CENTRE.1) * metres_per_degree_of_longitude(),
            north_m: (latitude - TOWN_CENTRE.0) * METRES_PER_DEGREE,
        }
    }

    /// The point in degrees, to six decimals (0.1 m) as GPS receivers send it. `None` beyond the earth's degrees, which
    /// are nowhere near the town.
    pub(super) fn position(self) -> Option<Position> {
        let latitude = TOWN_CENTRE.0 + self.north_m / METRES_PER_DEGREE;
        let longitude = TOWN_CENTRE.1 + self.east_m / metres_per_degree_of_longitude();
        Position::try_new(rounded(latitude, 6), rounded(longitude, 6)).ok()
    }

    /// Metres to another point.
    pub(super) fn distance_m(self, other: Self) -> f64 {
        (other.east_m - self.east_m).hypot(other.north_m - self.north_m)
    }

    /// The point at this distance from this one.
    pub(super) fn moved(self, east_m: f64, north_m: f64) -> Self {
        Self { east_m: self.east_m + east_m, north_m: self.north_m + north_m }
    }

    /// The point at this share (0 to 1) of the way to another one.
    pub(super) fn towards(self, other: Self, share: f64) -> Self {
        self.moved((other.east_m - self.east_m) * share, (other.north_m - self.north_m) * share)
    }

    /// Metres to the nearest point of a segment between two points.
    pub(super) fn distance_to_stretch_m(self, from: Self, to: Self) -> f64 {
        let (east, north) = (to.east_m - from.east_m, to.north_m - from.north_m);
        let length_squared = east * east + north * north;
        if length_squared == 0.0 {
            return self.distance_m(from);
        }
        let along = (self.east_m - from.east_m) * east + (self.north_m - from.north_m) * north;
        self.distance_m(from.towards(to, (along / length_squared).clamp(0.0, 1.0)))
    }

    /// Approximate metres above the sea: fens at the river, Castle Hill, and the rise towards the Gog Magog Hills.
    pub(super) fn altitude_m(self) -> f64 {
        let castle = Self::at(52.2132, 0.1108);
        let hill = 13.0 * (-(self.distance_m(castle) / 350.0).powi(2)).exp();
        8.0 + hill + 0.003 * (-self.north_m).max(0.0) + 0.001 * self.east_m.max(0.0)
    }
}

/// A degree of longitude is shorter than one of latitude by the cosine of the latitude.
fn metres_per_degree_of_longitude() -> f64 {
    METRES_PER_DEGREE * TOWN_CENTRE.0.to_radians().cos()
}

/// A number rounded to some decimals.
pub(super) fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_round_trip_through_degrees() {
        let place = Point::at(52.1943, 0.137).position().expect("a place");
        assert_eq!((place.latitude(), place.longitude()), (52.1943, 0.137));
    }

    #[test]
    fn a_degree_of_longitude_is_shorter_than_one_of_latitude() {
        let centre = Point::default();
        let (north, east) =
            (Point::at(TOWN_CENTRE.0 + 0.01, TOWN_CENTRE.1), Point::at(TOWN_CENTRE.0, TOWN_CENTRE.1 + 0.01));
        assert!((centre.distance_m(north) - 1111.95).abs() < 0.01);
        assert!((centre.distance_m(east) / centre.distance_m(north) - 0.6129).abs() < 0.0001);
    }

    #[test]
    fn distance_to_a_segment_is_measured_to_its_ends() {
        let (from, to) = (Point::default(), Point { east_m: 100.0, north_m: 0.0 });
        for (point, expected) in [((50.0, 30.0), 30.0), ((-30.0, 40.0), 50.0), ((103.0, -4.0), 5.0)] {
            let point = Point { east_m: point.0, north_m: point.1 };
            assert!((point.distance_to_stretch_m(from, to) - expected).abs() < 1e-9, "{point:?}");
        }
        assert!((to.distance_to_stretch_m(from, from) - 100.0).abs() < 1e-9);
    }
}
