//! Caps: a centre and a radius around a cell, which every shape can be compared with.

use std::f64::consts::FRAC_PI_2;

use h3o::{CellIndex, LatLng};

use super::longitude_span::LongitudeSpan;

/// How far a cell's descendants reach, as a multiple of the mean length of its resolution's edges. A cell is not
/// regular (its corners are up to 1.3 edges away), and its descendants extend beyond it. A test on random positions at
/// all resolutions shows the minimum: 1.5.
const DESCENDANT_REACH: f64 = 1.7;

/// Tolerance of rounding errors, in radians (6 cm): near a pole or the antipode, half of the digits are lost.
const ROUNDING_MARGIN_RAD: f64 = 1e-8;

/// All positions within an angle of a centre. Contains a cell and, by the H3 index, all of its descendants.
#[derive(Clone, Copy, Debug)]
pub(super) struct BoundingCap {
    /// Radians north.
    latitude: f64,
    /// Radians east.
    longitude: f64,
    /// Radians.
    radius: f64,
}

/// A rectangle between two parallels, in a span of longitudes; degrees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rectangle {
    pub south: f64,
    pub north: f64,
    pub longitudes: LongitudeSpan,
}

impl BoundingCap {
    /// The cap of a cell.
    pub(super) fn from_cell(cell: CellIndex) -> Self {
        let centre = LatLng::from(cell);
        let radius = DESCENDANT_REACH * cell.resolution().edge_length_rads() + ROUNDING_MARGIN_RAD;
        Self { latitude: centre.lat_radians(), longitude: centre.lng_radians(), radius }
    }

    /// Its centre, in degrees north and east.
    pub(super) fn centre(self) -> (f64, f64) {
        (self.latitude.to_degrees(), super::longitude_span::wrapped(self.longitude.to_degrees()))
    }

    /// Its radius, in radians.
    pub(super) fn radius(self) -> f64 {
        self.radius
    }

    /// Its bounding rectangle; a cap that contains a pole has all longitudes.
    pub(super) fn rectangle(self) -> Rectangle {
        let (south, north) = (self.latitude - self.radius, self.latitude + self.radius);
        let longitudes = if south <= -FRAC_PI_2 || north >= FRAC_PI_2 {
            LongitudeSpan::FULL_CIRCLE
        } else {
            // The tangent point of a meridian is nearer to the pole than the centre of the cap.
            let half = (self.radius.sin() / self.latitude.cos()).min(1.0).asin() + ROUNDING_MARGIN_RAD;
            LongitudeSpan::new((self.longitude - half).to_degrees(), (2.0 * half).to_degrees())
        };
        Rectangle { south: south.to_degrees().max(-90.0), north: north.to_degrees().min(90.0), longitudes }
    }

    /// The angle between its centre and a position given in radians north and east.
    pub(super) fn angle_to(self, latitude: f64, longitude: f64) -> f64 {
        let (a, b) = (unit_vector(self.latitude, self.longitude), unit_vector(latitude, longitude));
        let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
        let dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        // Accurate near 0 and near π, where a sine or a cosine alone loses all digits.
        cross.iter().map(|part| part * part).sum::<f64>().sqrt().atan2(dot)
    }
}

fn unit_vector(latitude: f64, longitude: f64) -> [f64; 3] {
    let (sin, cos) = latitude.sin_cos();
    [cos * longitude.cos(), cos * longitude.sin(), sin]
}

#[cfg(test)]
mod tests {
    use h3o::Resolution;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        area::tests::places,
        cell::{STORED_RESOLUTION, cell_at},
    };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn bounding_cap_contains_all_descendants_of_its_cell(place in places()) {
            let stored = cell_at(place, STORED_RESOLUTION);
            let (latitude, longitude) = (place.latitude().to_radians(), place.longitude().to_radians());
            for resolution in Resolution::range(Resolution::Zero, STORED_RESOLUTION) {
                let Some(parent) = stored.parent(resolution) else { unreachable!("it is coarser") };
                let cap = BoundingCap::from_cell(parent);
                let reach = cap.angle_to(latitude, longitude);
                prop_assert!(reach <= cap.radius() * 1.5 / DESCENDANT_REACH + ROUNDING_MARGIN_RAD, "{parent} reaches {reach}");
                let rectangle = cap.rectangle();
                prop_assert!((rectangle.south..=rectangle.north).contains(&place.latitude()), "{parent}");
                prop_assert!(rectangle.longitudes.contains(LongitudeSpan::new(place.longitude(), 0.0)), "{parent}");
            }
        }
    }
}
