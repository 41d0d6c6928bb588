//! A circle around a position.

use std::{
    f64::consts::PI,
    hash::{Hash, Hasher},
};

use super::{
    InvalidArea,
    bounding_cap::BoundingCap,
    cover::{Relation, Shape},
};
use crate::position::{EARTH_RADIUS_M, InvalidPosition, Position};

/// All positions within a distance of a centre along the earth's surface (a sphere).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    centre: Position,
    radius_m: f64,
}

// Its numbers are finite, and −0 is stored as 0, so `Eq` and `Hash` agree.
impl Eq for Circle {}
impl Hash for Circle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        [self.centre.latitude(), self.centre.longitude(), self.radius_m].map(f64::to_bits).hash(state);
    }
}

impl Circle {
    /// Half of the earth's circumference, in metres.
    pub const MAX_RADIUS_M: f64 = PI * EARTH_RADIUS_M;

    /// The circle around a position, in degrees, with a radius in metres.
    ///
    /// # Errors
    /// If the centre is not a position, or the radius is not above 0, or is above half of the earth's circumference.
    pub fn try_new(latitude: f64, longitude: f64, radius_m: f64) -> Result<Self, InvalidArea> {
        let centre = Position::try_new(latitude + 0.0, longitude + 0.0).map_err(|reason| {
            let part = match reason {
                InvalidPosition::Latitude(_) => "latitude",
                InvalidPosition::Longitude(_) => "longitude",
            };
            InvalidArea::new(part, reason.to_string())
        })?;
        if radius_m > 0.0 && radius_m <= Self::MAX_RADIUS_M {
            Ok(Self { centre, radius_m })
        } else {
            let reason = format!(
                "{radius_m} is no radius in metres: it must be above 0 and no more than {:.0}, half way round the earth",
                Self::MAX_RADIUS_M.floor()
            );
            Err(InvalidArea::new("radius", reason))
        }
    }

    /// Its centre.
    #[must_use]
    pub fn centre(self) -> Position {
        self.centre
    }

    /// Its radius in metres.
    #[must_use]
    pub fn radius_m(self) -> f64 {
        self.radius_m
    }

    /// Maximum haversine of the angle between the centre and a position in the circle.
    #[must_use]
    pub fn haversine(self) -> f64 {
        (self.angle() / 2.0).sin().powi(2)
    }

    /// Whether a position lies in the circle.
    #[must_use]
    pub fn contains(self, place: Position) -> bool {
        // The haversine grows with the distance, so the comparison needs no arc sine.
        let (from, to) = (self.centre.latitude().to_radians(), place.latitude().to_radians());
        let east = (place.longitude() - self.centre.longitude()).to_radians();
        let haversine = ((to - from) / 2.0).sin().powi(2) + from.cos() * to.cos() * (east / 2.0).sin().powi(2);
        haversine <= self.haversine()
    }

    /// The radius as an angle at the centre of the earth, in radians.
    fn angle(self) -> f64 {
        (self.radius_m / EARTH_RADIUS_M).min(PI)
    }
}

impl Shape for Circle {
    fn relation(&self, cell: h3o::CellIndex, _steps: &mut usize) -> Relation {
        let cap = BoundingCap::from_cell(cell);
        let away = cap.angle_to(self.centre.latitude().to_radians(), self.centre.longitude().to_radians());
        if away > cap.radius() + self.angle() {
            Relation::Outside
        } else if away + cap.radius() <= self.angle() {
            Relation::Inside
        } else {
            Relation::Border
        }
    }
}
