//! The edges of a polygon in a tree of bounding boxes of consecutive edges, so a cell is compared with nearby edges
//! only.

use super::{Edge, bounding_cap::Rectangle};

/// Children of a node.
const CHILDREN_PER_NODE: usize = 8;

/// A bounding box in degrees; longitudes as in [`Edge`].
#[derive(Clone, Copy, Debug)]
struct Bounds {
    south: f64,
    north: f64,
    west: f64,
    east: f64,
}

/// Bounding boxes of 8, 64, 512 and more consecutive edges. Consecutive edges are near each other on the map; in a ring
/// where they are not, most cells intersect one of the first edges they are compared with.
#[derive(Debug)]
pub(super) struct EdgeTree<'a> {
    edges: &'a [Edge],
    /// `levels[0]` has the boxes of `CHILDREN_PER_NODE` edges each, the last level a single box.
    levels: Vec<Vec<Bounds>>,
}

impl<'a> EdgeTree<'a> {
    /// The tree of these edges; there is at least one.
    pub(super) fn of(edges: &'a [Edge]) -> Self {
        let mut levels = vec![joined(&edges.iter().map(Bounds::of).collect::<Vec<_>>())];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            levels.push(joined(level));
        }
        Self { edges, levels }
    }

    /// Whether any edge [may meet](Edge::may_meet) a rectangle. Adds the number of comparisons to `steps`.
    pub(super) fn may_meet(&self, rectangle: &Rectangle, steps: &mut usize) -> bool {
        self.meets_below(self.levels.len() - 1, 0, rectangle, steps)
    }

    /// The same for the edges below a node of a level.
    fn meets_below(&self, level: usize, at: usize, rectangle: &Rectangle, steps: &mut usize) -> bool {
        *steps += 1;
        if self.levels[level][at].is_apart_from(rectangle) {
            return false;
        }
        let children = at * CHILDREN_PER_NODE..(at + 1) * CHILDREN_PER_NODE;
        if level > 0 {
            let count = self.levels[level - 1].len();
            return (children.start..children.end.min(count))
                .any(|child| self.meets_below(level - 1, child, rectangle, steps));
        }
        let edges = &self.edges[children.start..children.end.min(self.edges.len())];
        edges.iter().any(|edge| {
            *steps += 1;
            edge.may_meet(rectangle)
        })
    }
}

impl Bounds {
    fn of(Edge { from, to }: &Edge) -> Self {
        Self { south: from.0.min(to.0), north: from.0.max(to.0), west: from.1.min(to.1), east: from.1.max(to.1) }
    }

    fn is_apart_from(&self, rectangle: &Rectangle) -> bool {
        self.north < rectangle.south
            || self.south > rectangle.north
            || rectangle.longitudes.intervals().all(|(west, east)| self.east < west || self.west > east)
    }

    fn and(self, other: &Self) -> Self {
        Self {
            south: self.south.min(other.south),
            north: self.north.max(other.north),
            west: self.west.min(other.west),
            east: self.east.max(other.east),
        }
    }
}

/// The next level.
fn joined(level: &[Bounds]) -> Vec<Bounds> {
    level.chunks(CHILDREN_PER_NODE).map(|chunk| chunk[1..].iter().fold(chunk[0], Bounds::and)).collect()
}
