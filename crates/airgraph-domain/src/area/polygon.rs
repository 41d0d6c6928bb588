//! A polygon: a ring of straight lines.

use std::{
    hash::{Hash, Hasher},
    sync::OnceLock,
};

use super::{
    InvalidArea, LongitudeBands,
    bounding_cap::{BoundingCap, Rectangle},
    cover::{Relation, Shape},
    edge_tree::EdgeTree,
    latitude, longitude,
};
use crate::position::Position;

/// Maximum number of points of a polygon.
pub const MAX_POLYGON_POINTS: usize = 10_000;

/// Tolerance of rounding errors when a side of a line is determined, in square degrees.
const ROUNDING_MARGIN_DEG: f64 = 1e-9;

/// All positions within a ring. Its edges are straight lines on a map of latitude and longitude, as in `GeoJSON`. Each
/// edge takes the shorter way round the earth, so a ring may cross the antimeridian. Where the ring crosses itself, the
/// even-odd rule applies: a position is inside if a line from it to a pole crosses an odd number of edges.
#[derive(Clone, Debug)]
pub struct Polygon {
    edges: Vec<Edge>,
    /// Computed on first use.
    bands: OnceLock<LongitudeBands>,
}

/// A straight line on a map of degrees. An edge that extends beyond −180 or 180 degrees is stored twice, the second
/// time shifted by 360 degrees, so every position is compared at its own longitude.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Degrees north and east of its start.
    pub from: (f64, f64),
    /// Degrees north and east of its end.
    pub to: (f64, f64),
}

// Their numbers are finite, and −0 is stored as 0, so `Eq` and `Hash` agree.
impl PartialEq for Polygon {
    fn eq(&self, other: &Self) -> bool {
        self.edges == other.edges
    }
}
impl Eq for Polygon {}
impl Hash for Polygon {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.edges.len().hash(state);
        for Edge { from, to } in &self.edges {
            [from.0, from.1, to.0, to.1].map(f64::to_bits).hash(state);
        }
    }
}

impl Polygon {
    /// The polygon with these corners, in degrees north and east. The first may be repeated at the end.
    ///
    /// # Errors
    /// If there are fewer than 3 corners or too many, one is not a position, an edge is 180 degrees long, or the
    /// ring contains a pole or encloses no area.
    pub fn try_new(corners: &[(f64, f64)]) -> Result<Self, InvalidArea> {
        if corners.len() > MAX_POLYGON_POINTS {
            return Err(InvalidArea::new("", format!("{} points; at most {MAX_POLYGON_POINTS}", corners.len())));
        }
        let mut points = Vec::with_capacity(corners.len());
        for (at, &(north, east)) in corners.iter().enumerate() {
            let invalid = |error: InvalidArea| InvalidArea::new(format!("[{at}].{}", error.part), error.reason);
            let north = latitude("latitude", north).map_err(invalid)?;
            let east = longitude("longitude", east).map_err(invalid)?;
            points.push((north, if east >= 180.0 { -180.0 } else { east }));
        }
        if points.len() > 1 && points.first() == points.last() {
            points.pop();
        }
        if points.len() < 3 {
            return Err(InvalidArea::new("", "a polygon has at least 3 different points"));
        }
        Ok(Self { edges: edges(&points)?, bands: OnceLock::new() })
    }

    /// Its edges. Longitudes of positions are between −180 and 180 degrees, and so is some part of each edge.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Its edges by bands of longitude.
    #[must_use]
    pub fn bands(&self) -> &LongitudeBands {
        self.bands.get_or_init(|| LongitudeBands::from_polygon(&self.edges))
    }

    /// Whether a position lies within the polygon.
    #[must_use]
    pub fn contains(&self, place: Position) -> bool {
        encloses(self.bands().at(place.longitude()), place.latitude(), place.longitude())
    }

    /// The shape that cells are compared with.
    pub(super) fn outline(&self) -> Outline<'_> {
        Outline { tree: EdgeTree::of(&self.edges), bands: self.bands() }
    }
}

/// Whether a position lies within the ring of these edges. Edges south of it, or at other longitudes, have no effect.
pub(super) fn encloses(edges: &[Edge], latitude: f64, longitude: f64) -> bool {
    edges.iter().filter(|edge| edge.lies_north_of(latitude, longitude)).count() % 2 == 1
}

/// The edges between these corners.
fn edges(points: &[(f64, f64)]) -> Result<Vec<Edge>, InvalidArea> {
    let mut edges = Vec::with_capacity(points.len() + 2);
    let mut turns = 0;
    // The ring from west to east, unrolled.
    let (mut westmost, mut eastmost) = (f64::INFINITY, f64::NEG_INFINITY);
    for (at, &from) in points.iter().enumerate() {
        let to = points[(at + 1) % points.len()];
        let east = to.1 - from.1;
        // Number of turns by which the end is further than its longitude.
        let turn = if east.abs() < 180.0 {
            0
        } else if east > 180.0 {
            -1
        } else if east < -180.0 {
            1
        } else {
            let reason = "the edge that begins here goes half way round the earth, so neither way is shorter; put a point in between";
            return Err(InvalidArea::new(format!("[{at}]"), reason));
        };
        let unrolled = from.1 + 360.0 * f64::from(turns);
        (westmost, eastmost) = (westmost.min(unrolled), eastmost.max(unrolled));
        turns += turn;
        // One copy from its start and one from its end, so a corner has the same longitude in both edges.
        let further = 360.0 * f64::from(turn);
        edges.push(Edge { from, to: (to.0, to.1 + further) });
        if turn != 0 {
            edges.push(Edge { from: (from.0, from.1 - further), to });
        }
    }
    if turns != 0 {
        return Err(InvalidArea::new("", "goes round a pole, so it has no inside on a map; cut it along a meridian"));
    }
    let north_of = |edge: &Edge| edge.from.0;
    let south = edges.iter().map(north_of).fold(f64::INFINITY, f64::min);
    let north = edges.iter().map(north_of).fold(f64::NEG_INFINITY, f64::max);
    if westmost >= eastmost || south >= north {
        let reason = "encloses nothing: all points lie on one line (an edge takes the shorter way round the earth)";
        return Err(InvalidArea::new("", reason));
    }
    Ok(edges)
}

impl Edge {
    /// Whether a line from a position to the north pole crosses the edge. An edge includes its western end and excludes
    /// its eastern end, so a corner is crossed once.
    pub(super) fn lies_north_of(&self, latitude: f64, longitude: f64) -> bool {
        let Self { from, to } = *self;
        (from.1 <= longitude) != (to.1 <= longitude)
            && latitude < from.0 + (longitude - from.1) * (to.0 - from.0) / (to.1 - from.1)
    }

    /// Whether the edge may intersect a rectangle: `false` only if it certainly does not.
    pub(super) fn may_meet(&self, rectangle: &Rectangle) -> bool {
        let Self { from, to } = *self;
        if from.0.max(to.0) < rectangle.south || from.0.min(to.0) > rectangle.north {
            return false;
        }
        rectangle.longitudes.intervals().any(|(west, east)| {
            if from.1.max(to.1) < west || from.1.min(to.1) > east {
                return false;
            }
            // The edge is outside if all four corners of the rectangle lie on one side of its line.
            let side = |north: f64, east: f64| (to.1 - from.1) * (north - from.0) - (to.0 - from.0) * (east - from.1);
            let sides = [
                side(rectangle.south, west),
                side(rectangle.south, east),
                side(rectangle.north, west),
                side(rectangle.north, east),
            ];
            !(sides.iter().all(|&side| side > ROUNDING_MARGIN_DEG)
                || sides.iter().all(|&side| side < -ROUNDING_MARGIN_DEG))
        })
    }
}

/// A polygon prepared for comparison with cells.
pub(super) struct Outline<'a> {
    tree: EdgeTree<'a>,
    bands: &'a LongitudeBands,
}

impl Shape for Outline<'_> {
    fn relation(&self, cell: h3o::CellIndex, steps: &mut usize) -> Relation {
        let cap = BoundingCap::from_cell(cell);
        if self.tree.may_meet(&cap.rectangle(), steps) {
            return Relation::Border;
        }
        // No edge crosses it, so all of it is inside or outside.
        let (latitude, longitude) = cap.centre();
        let edges = self.bands.at(longitude);
        *steps += edges.len();
        if encloses(edges, latitude, longitude) { Relation::Inside } else { Relation::Outside }
    }
}
