//! The edges of a polygon by bands of longitude, so that a place is held against the edges of its band only.

use super::Edge;

/// Bands of one polygon at most.
const MAX_BANDS: usize = 512;
/// Edges that a band has on average, when edges are short.
const EDGES_PER_BAND: usize = 16;
/// How often an edge is stored on average, at most. An edge stands in each band that it crosses, so a polygon of long
/// edges has fewer bands.
const MAX_COPIES: usize = 4;

/// The edges of a polygon by bands of longitude. Edges along a meridian are left out: a line from a place to a pole
/// crosses none of them.
#[derive(Clone, Debug, PartialEq)]
pub struct LongitudeBands {
    /// Where bands begin, ascending, but for the first one. The band of a place is the number of these at or west of it.
    pub starts: Vec<f64>,
    /// Where the edges of each band begin in `edges`, and at last where those of the last band end.
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

    /// Bytes of memory that they take beside the struct, about.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of_val(&self.starts[..]) + size_of_val(&self.offsets[..]) + size_of_val(&self.edges[..])
    }

    /// Edges of a band on average, at least 1.
    #[must_use]
    pub fn mean_edges(&self) -> usize {
        self.edges.len().div_ceil(self.starts.len() + 1).max(1)
    }

    /// The edges that may lie north or south of a place at this longitude.
    #[must_use]
    pub fn at(&self, longitude: f64) -> &[Edge] {
        let band = self.starts.partition_point(|&start| start <= longitude);
        &self.edges[self.offsets[band]..self.offsets[band + 1]]
    }
}

fn west_end(edge: &Edge) -> f64 {
    edge.from.1.min(edge.to.1)
}

/// The first band that an edge reaches.
fn first_band(starts: &[f64], edge: &Edge) -> usize {
    starts.partition_point(|&start| start <= west_end(edge))
}

/// The last band that it reaches. An edge does not have its eastern end.
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
        fn edges_of_a_band_decide_as_all_edges_do(
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
        let most = bands.offsets.windows(2).map(|ends| ends[1] - ends[0]).max();
        assert!(most < Some(60), "{most:?}");
    }

    #[test]
    fn edges_across_the_whole_ring_are_stored_a_few_times_only() {
        let zigzag = |at: i32| (f64::from(at) / 10_000.0, f64::from(at % 2));
        let polygon = polygon(&(0..10_000).map(zigzag).collect::<Vec<_>>()).expect("a ring");
        let bands = polygon.bands();
        assert!(bands.edges.len() <= MAX_COPIES * 10_000, "{}", bands.edges.len());
    }
}
