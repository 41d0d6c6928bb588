//! The edges of a polygon by bands of longitude, so a position is compared with the edges of its band only.

use super::Edge;

/// Maximum number of bands of a polygon.
const MAX_BANDS: usize = 512;
/// Average number of edges in a band, when edges are short.
const EDGES_PER_BAND: usize = 16;
/// Maximum average number of copies of an edge. An edge is stored in each band that it crosses, so a polygon of long
/// edges has fewer bands.
const MAX_COPIES: usize = 4;

/// The edges of a polygon by bands of longitude. Edges along a meridian are omitted: a line from a position to a pole
/// crosses none of them.
#[derive(Clone, Debug, PartialEq)]
pub struct LongitudeBands {
    /// Western bounds of the bands but the first, ascending. The band of a position is the number of bounds at or west
    /// of it.
    pub starts: Vec<f64>,
    /// Index of each band's first edge in `edges`, followed by the end of the last band.
    pub offsets: Vec<usize>,
    /// The edges, one band after the other.
    pub edges: Vec<Edge>,
}

impl LongitudeBands {
    /// The bands of the edges of a polygon.
    #[must_use]
    pub(super) fn from_polygon(edges: &[Edge]) -> Self {
        let edges: Vec<_> = edges.iter().filter(|edge| edge.from.1 < edge.to.1 || edge.to.1 < edge.from.1).collect();
        let mut wests: Vec<_> = edges.iter().map(|edge| west_end(edge)).collect();
        wests.sort_by(f64::total_cmp);
        let mut count = (edges.len() / EDGES_PER_BAND).clamp(1, MAX_BANDS);
        loop {
            let mut starts: Vec<_> = (1..count).map(|band| wests[band * wests.len() / count]).collect();
            starts.dedup();
            let copies: usize = edges.iter().map(|edge| last_band(&starts, edge) - first_band(&starts, edge) + 1).sum();
            if count == 1 || copies <= MAX_COPIES * edges.len() {
                return Self::from_sorted(starts, &edges);
            }
            count /= 2;
        }
    }

    fn from_sorted(starts: Vec<f64>, edges: &[&Edge]) -> Self {
        let mut bands = vec![Vec::new(); starts.len() + 1];
        for &edge in edges {
            for band in &mut bands[first_band(&starts, edge)..=last_band(&starts, edge)] {
                band.push(*edge);
            }
        }
        let ends = bands.iter().scan(0, |end, band| {
            *end += band.len();
            Some(*end)
        });
        Self { offsets: std::iter::once(0).chain(ends).collect(), edges: bands.concat(), starts }
    }

    /// Size in memory beyond the struct, in bytes; an estimate.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of_val(&self.starts[..]) + size_of_val(&self.offsets[..]) + size_of_val(&self.edges[..])
    }

    /// Average number of edges in a band, at least 1.
    #[must_use]
    pub fn mean_edges(&self) -> usize {
        self.edges.len().div_ceil(self.starts.len() + 1).max(1)
    }

    /// The edges that may lie north or south of a position at this longitude.
    #[must_use]
    pub fn at(&self, longitude: f64) -> &[Edge] {
        let band = self.starts.partition_point(|&start| start <= longitude);
        &self.edges[self.offsets[band]..self.offsets[band + 1]]
    }
}

fn west_end(edge: &Edge) -> f64 {
    edge.from.1.min(edge.to.1)
}

/// The first band of an edge.
fn first_band(starts: &[f64], edge: &Edge) -> usize {
    starts.partition_point(|&start| start <= west_end(edge))
}

/// The last band of an edge. An edge excludes its eastern end.
fn last_band(starts: &[f64], edge: &Edge) -> usize {
    let east = edge.from.1.max(edge.to.1);
    starts.partition_point(|&start| start < east)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        area::{Polygon, polygon::encloses},
        position::Position,
    };

    fn polygon(corners: &[(f64, f64)]) -> Option<Polygon> {
        Polygon::try_new(corners).ok()
    }

    proptest! {
        #[test]
        fn edges_of_a_band_give_the_same_result_as_all_edges(
            corners in proptest::collection::vec((-60.0..60.0, prop_oneof![-180.0..180.0, (-20..20).prop_map(f64::from)]), 3..400),
            places in proptest::collection::vec((-60.0..60.0, prop_oneof![-180.0..180.0, (-20..20).prop_map(f64::from)]), 50),
            spread in prop_oneof![Just(1.0), 0.01..0.2],
        ) {
            let narrowed = |&(north, east): &(f64, f64)| (north, east * spread);
            let Some(polygon) = polygon(&corners.iter().map(narrowed).collect::<Vec<_>>()) else { return Ok(()) };
            let bands = polygon.bands();
            let corners = corners.iter().map(narrowed);
            for (north, east) in places.into_iter().chain(corners) {
                let place = Position::try_new(north, east).expect("a place");
                let (latitude, longitude) = (place.latitude(), place.longitude());
                let expected = encloses(polygon.edges(), latitude, longitude);
                prop_assert_eq!(encloses(bands.at(longitude), latitude, longitude), expected);
                prop_assert_eq!(polygon.contains(place), expected);
            }
            prop_assert!(bands.edges.len() <= MAX_COPIES * polygon.edges().len());
        }
    }

    #[test]
    fn fine_ring_has_few_edges_per_band() {
        let corner = |at: i32| (f64::from(at) * std::f64::consts::TAU / 10_000.0).sin_cos();
        let polygon = polygon(&(0..10_000).map(corner).collect::<Vec<_>>()).expect("a ring");
        let bands = polygon.bands();
        assert!(bands.starts.len() > 500, "{}", bands.starts.len());
        let max = bands.offsets.windows(2).map(|ends| ends[1] - ends[0]).max();
        assert!(max < Some(60), "{max:?}");
    }

    #[test]
    fn copies_of_long_edges_are_limited() {
        let zigzag = |at: i32| (f64::from(at) / 10_000.0, f64::from(at % 2));
        let polygon = polygon(&(0..10_000).map(zigzag).collect::<Vec<_>>()).expect("a ring");
        let bands = polygon.bands();
        assert!(bands.edges.len() <= MAX_COPIES * 10_000, "{}", bands.edges.len());
    }
}
