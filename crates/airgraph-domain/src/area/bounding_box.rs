//! A box between two parallels and two meridians.

use std::hash::{Hash, Hasher};

use super::{
    InvalidArea,
    bounding_cap::BoundingCap,
    cover::{Relation, Shape},
    latitude, longitude,
    longitude_span::{LongitudeSpan, wrapped},
};
use crate::position::Position;

/// All positions between two parallels and two meridians, edges included. If `west` is greater than `east`, the box
/// crosses the antimeridian; −180 to 180 is all longitudes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    south: f64,
    west: f64,
    north: f64,
    east: f64,
}

// Its numbers are finite, and −0 is stored as 0, so `Eq` and `Hash` agree.
impl Eq for BoundingBox {}
impl Hash for BoundingBox {
    fn hash<H: Hasher>(&self, state: &mut H) {
        [self.south, self.west, self.north, self.east].map(f64::to_bits).hash(state);
    }
}

impl BoundingBox {
    /// The box with these sides, in degrees.
    ///
    /// # Errors
    /// When a side is not on the earth, or the north is below the south.
    pub fn try_new(south: f64, west: f64, north: f64, east: f64) -> Result<Self, InvalidArea> {
        let (south, north) = (latitude("south", south)?, latitude("north", north)?);
        let (west, east) = (longitude("west", west)?, longitude("east", east)?);
        if north < south {
            return Err(InvalidArea::new("north", format!("{north} lies south of {south}, the south")));
        }
        // A position on the antimeridian has longitude −180; only a box of all longitudes ends at 180.
        let all_round = west <= -180.0 && east >= 180.0;
        let east = if all_round { east } else { wrapped(east) };
        let west = wrapped(west);
        Ok(Self { south, west, north, east })
    }

    /// Its southern and northern sides, in degrees.
    #[must_use]
    pub fn latitudes(self) -> (f64, f64) {
        (self.south, self.north)
    }

    /// Its western and eastern sides, in degrees. West is greater than east if the box crosses the antimeridian.
    #[must_use]
    pub fn longitudes(self) -> (f64, f64) {
        (self.west, self.east)
    }

    /// Whether a position lies in the box.
    #[must_use]
    pub fn contains(self, place: Position) -> bool {
        let (latitude, longitude) = (place.latitude(), place.longitude());
        let between = if self.west <= self.east {
            longitude >= self.west && longitude <= self.east
        } else {
            longitude >= self.west || longitude <= self.east
        };
        between && latitude >= self.south && latitude <= self.north
    }

    fn span(self) -> LongitudeSpan {
        let width = self.east - self.west;
        LongitudeSpan::new(self.west, if width < 0.0 { width + 360.0 } else { width })
    }
}

impl Shape for BoundingBox {
    fn relation(&self, cell: h3o::CellIndex, _steps: &mut usize) -> Relation {
        let rectangle = BoundingCap::from_cell(cell).rectangle();
        let longitudes = self.span();
        if rectangle.north < self.south || rectangle.south > self.north || !longitudes.overlaps(rectangle.longitudes) {
            Relation::Outside
        } else if rectangle.south >= self.south
            && rectangle.north <= self.north
            && longitudes.contains(rectangle.longitudes)
        {
            Relation::Inside
        } else {
            Relation::Border
        }
    }
}
