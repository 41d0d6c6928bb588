//! Within a ring of straight lines.

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

/// Points of one polygon at most.
pub const MAX_POLYGON_POINTS: usize = 10_000;

/// What rounding may shift when the sides of a line are told apart, in square degrees.
const ROUNDING_MARGIN_DEG: f64 = 1e-9;

/// All places within a ring. Its edges are straight lines on a map of latitude and longitude, as in `GeoJSON`, and each
/// takes the shorter way round the earth, so that a ring may cross the antimeridian. Where it crosses itself, a place lies
/// within it when a line from there to a pole crosses an odd number of edges.
#[derive(Clone, Debug)]
pub struct Polygon {
    edges: Vec<Edge>,
    /// Computed when it is first used.
    bands: OnceLock<LongitudeBands>,
}

/// A straight line on a map of degrees. It may reach beyond −180 or 180 degrees, and then stands a second time in the
/// polygon, a whole turn further, so that every place meets it at its own longitude.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Degrees north and east of where it begins.
    pub from: (f64, f64),
    /// Degrees north and east of where it ends.
    pub to: (f64, f64),
}

// Their numbers are finite, and there is one zero.
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
    /// The polygon with these corners, in degrees north and east; the first may stand once more at the end.
    ///
    /// # Errors
    /// When there are fewer than 3 corners or too many, one is no place, an edge goes half way round the earth, or the
    /// ring goes round a pole or encloses nothing.
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

    /// Its edges. The longitudes of a place lie between −180 and 180 degrees, and so does some part of each edge.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Its edges by bands of longitude.
    #[must_use]
    pub fn bands(&self) -> &LongitudeBands {
        self.bands.get_or_init(|| LongitudeBands::from_polygon(&self.edges))
    }

    /// Whether a place lies within the polygon.
    #[must_use]
    pub fn contains(&self, place: Position) -> bool {
        encloses(self.bands().at(place.longitude()), place.latitude(), place.longitude())
    }

    /// What cells are compared with.
    pub(super) fn outline(&self) -> Outline<'_> {
        Outline { tree: EdgeTree::of(&self.edges), bands: self.bands() }
    }
}

/// Whether a place lies within the ring of these edges: those that lie south of it, or at other longitudes, do not matter.
pub(super) fn encloses(edges: &[Edge], latitude: f64, longitude: f64) -> bool {
    edges.iter().filter(|edge| edge.lies_north_of(latitude, longitude)).count() % 2 == 1
}

/// The edges between these corners.
fn edges(points: &[(f64, f64)]) -> Result<Vec<Edge>, InvalidArea> {
    let mut edges = Vec::with_capacity(points.len() + 2);
    let mut turns = 0;
    // The ring from west to east, unrolled: how far it reaches.
    let (mut westmost, mut eastmost) = (f64::INFINITY, f64::NEG_INFINITY);
    for (at, &from) in points.iter().enumerate() {
        let to = points[(at + 1) % points.len()];
        let east = to.1 - from.1;
        // By how many turns the end is further than its longitude says.
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
        // Once as seen from its beginning, and once as seen from its end: a corner has the very same longitude in each.
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
    /// Whether a line from a place to the north pole crosses it. An edge has its western end and not its eastern one, so
    /// that a corner is crossed once.
    pub(super) fn lies_north_of(&self, latitude: f64, longitude: f64) -> bool {
        let Self { from, to } = *self;
        (from.1 <= longitude) != (to.1 <= longitude)
            && latitude < from.0 + (longitude - from.1) * (to.0 - from.0) / (to.1 - from.1)
    }

    /// Whether it may have a point in common with a rectangle: false only when it surely has none.
    pub(super) fn may_meet(&self, rectangle: &Rectangle) -> bool {
        let Self { from, to } = *self;
        if from.0.max(to.0) < rectangle.south || from.0.min(to.0) > rectangle.north {
            return false;
        }
        rectangle.longitudes.intervals().any(|(west, east)| {
            if from.1.max(to.1) < west || from.1.min(to.1) > east {
                return false;
            }
            // It passes by the rectangle where all four corners lie on one side of it.
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

/// A polygon as cells are compared with it.
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
        // No edge crosses it, so it lies on one side as a whole.
        let (latitude, longitude) = cap.centre();
        let edges = self.bands.at(longitude);
        *steps += edges.len();
        if encloses(edges, latitude, longitude) { Relation::Inside } else { Relation::Outside }
    }
}
