//! The street network of the town: ways from one crossing to another, and their traffic.

use super::{
    map::{CROSSINGS, STREETS},
    plane::Point,
};

/// Number of points of a street between two crossings.
const BENDS_PER_STREET: u32 = 8;
/// Maximum bend of a street, as a share of its length.
const STREET_CURVATURE: f64 = 0.03;
/// Distance in metres from a street at which its influence falls to a third.
const KERBSIDE_M: f64 = 60.0;

/// A street between two crossings.
#[derive(Debug)]
struct TownStreet {
    from: usize,
    to: usize,
    /// From 0 (a path) to 1 (a main road).
    traffic: f64,
    /// Its points, both crossings included.
    shape: Vec<Point>,
}

/// A point of a way, reached by a straight segment from the previous point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waypoint {
    pub point: Point,
    /// Traffic of the street that leads here: from 0 (a path) to 1 (a main road).
    pub traffic: f64,
    /// Whether this point may require waiting.
    pub is_crossing: bool,
}

/// The crossings, the streets and the shortest ways between all of them.
#[derive(Debug)]
pub(super) struct Town {
    crossings: Vec<Point>,
    streets: Vec<TownStreet>,
    /// Length of the shortest way in metres; infinite if there is none.
    distances_m: Vec<Vec<f64>>,
    /// The first street of the shortest way; `None` at the destination.
    first_streets: Vec<Vec<Option<usize>>>,
}

impl Town {
    pub(super) fn new() -> Self {
        let crossings: Vec<_> =
            CROSSINGS.iter().map(|&(_, latitude, longitude)| Point::at(latitude, longitude)).collect();
        let index = |name: &str| CROSSINGS.iter().position(|&(other, ..)| other == name);
        let mut streets = Vec::new();
        for &(traffic, names) in STREETS {
            for pair in names.windows(2) {
                let (Some(from), Some(to)) = (index(pair[0]), index(pair[1])) else { continue }; // a test finds all
                let shape = street_shape(crossings[from], crossings[to], streets.len() % 2 == 0);
                streets.push(TownStreet { from, to, traffic, shape });
            }
        }
        let (distances_m, first_streets) = shortest_paths(crossings.len(), &streets);
        Self { crossings, streets, distances_m, first_streets }
    }

    /// Number of crossings; they are numbered from 0.
    pub(super) fn crossings(&self) -> usize {
        self.crossings.len()
    }

    /// A crossing's position and name. Numbers wrap around.
    pub(super) fn crossing(&self, number: usize) -> (Point, &'static str) {
        let number = number % self.crossings.len();
        (self.crossings[number], CROSSINGS[number].0)
    }

    /// Length of the shortest way between two crossings, in metres.
    pub(super) fn distance_m(&self, from: usize, to: usize) -> f64 {
        self.distances_m[from][to]
    }

    /// The shortest way that visits these crossings in their order.
    pub(super) fn way(&self, stops: &[usize]) -> Vec<Waypoint> {
        let Some(&start) = stops.first() else { return Vec::new() };
        let mut way = vec![Waypoint { point: self.crossings[start], traffic: 0.0, is_crossing: true }];
        let mut at = start;
        for &stop in &stops[1..] {
            while let Some(street) = self.first_streets[at][stop].map(|street| &self.streets[street]) {
                let mut shape = street.shape.clone();
                if street.from != at {
                    shape.reverse();
                }
                let last = shape.len() - 1;
                let points = shape.into_iter().enumerate().skip(1);
                way.extend(points.map(|(number, point)| Waypoint {
                    point,
                    traffic: street.traffic,
                    is_crossing: number == last,
                }));
                at = if street.from == at { street.to } else { street.from };
            }
        }
        way
    }

    /// Influence of the streets' air at a point, from 0 (none) to 1 (beside a main road).
    pub(super) fn traffic_at(&self, point: Point) -> f64 {
        let of_street = |street: &TownStreet| {
            let distances = street.shape.windows(2).map(|pair| point.distance_to_stretch_m(pair[0], pair[1]));
            street.traffic * (-distances.fold(f64::INFINITY, f64::min) / KERBSIDE_M).exp()
        };
        self.streets.iter().map(of_street).fold(0.0, f64::max)
    }
}

/// A street between two points, bent to the left or to the right.
fn street_shape(from: Point, to: Point, left: bool) -> Vec<Point> {
    let (east, north) = (to.east_m - from.east_m, to.north_m - from.north_m);
    let side = if left { STREET_CURVATURE } else { -STREET_CURVATURE };
    (0..=BENDS_PER_STREET)
        .map(|number| {
            let share = f64::from(number) / f64::from(BENDS_PER_STREET);
            let aside = side * (share * std::f64::consts::PI).sin();
            // Both ends are exactly the crossings, so that streets meet.
            if number == BENDS_PER_STREET { to } else { from.towards(to, share).moved(-north * aside, east * aside) }
        })
        .collect()
}

/// All shortest ways at once (Floyd and Warshall), since the town is small.
fn shortest_paths(crossings: usize, streets: &[TownStreet]) -> (Vec<Vec<f64>>, Vec<Vec<Option<usize>>>) {
    let mut distances_m = vec![vec![f64::INFINITY; crossings]; crossings];
    let mut first_streets = vec![vec![None; crossings]; crossings];
    for (number, street) in streets.iter().enumerate() {
        let length_m = street.shape.windows(2).map(|pair| pair[0].distance_m(pair[1])).sum();
        for (from, to) in [(street.from, street.to), (street.to, street.from)] {
            distances_m[from][to] = length_m;
            first_streets[from][to] = Some(number);
        }
    }
    for (crossing, row) in distances_m.iter_mut().enumerate() {
        row[crossing] = 0.0;
    }
    for via in 0..crossings {
        for from in 0..crossings {
            for to in 0..crossings {
                let around = distances_m[from][via] + distances_m[via][to];
                if around < distances_m[from][to] {
                    distances_m[from][to] = around;
                    first_streets[from][to] = first_streets[from][via];
                }
            }
        }
    }
    (distances_m, first_streets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streets_connect_all_crossings() {
        for name in STREETS.iter().flat_map(|(_, names)| names.iter()) {
            assert!(CROSSINGS.iter().any(|(other, ..)| other == name), "{name}");
        }
        let town = Town::new();
        for from in 0..town.crossings() {
            for to in 0..town.crossings() {
                assert!(town.distance_m(from, to) < 8500.0, "{:?} {:?}", town.crossing(from), town.crossing(to));
            }
        }
    }

    #[test]
    fn a_way_has_the_length_and_ends_of_its_distance() {
        let town = Town::new();
        for (from, to) in [(0, 21), (21, 0), (12, 11), (5, 5)] {
            let way = town.way(&[from, to]);
            let length_m: f64 = way.windows(2).map(|pair| pair[0].point.distance_m(pair[1].point)).sum();
            assert!((length_m - town.distance_m(from, to)).abs() < 1e-6);
            assert_eq!(way.first().map(|start| start.point), Some(town.crossing(from).0));
            assert_eq!(way.last().map(|end| end.point), Some(town.crossing(to).0));
        }
    }

    #[test]
    fn traffic_is_higher_beside_a_main_road() {
        let town = Town::new();
        let beside = town.crossing(2).0;
        assert!((town.traffic_at(beside) - 1.0).abs() < 1e-9);
        assert!(town.traffic_at(beside.moved(60.0, -60.0)) < 0.9);
        assert!(town.traffic_at(Point { east_m: -4000.0, north_m: -4000.0 }) < 0.01);
    }
}
