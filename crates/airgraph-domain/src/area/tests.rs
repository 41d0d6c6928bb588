use std::{cell::Cell, collections::HashSet};

use h3o::CellIndex;
use proptest::prelude::*;

use super::{
    bounding_cap::BoundingCap,
    cover::{MAX_STEPS, Relation, Shape},
    *,
};
use crate::cell::{STORED_RESOLUTION, cell_at, child_ranges, to_bigint};

/// Positions all over the earth, many of them near a pole or the antimeridian.
pub(super) fn places() -> impl Strategy<Value = Position> {
    let latitude =
        prop_oneof![4 => -90.0..=90.0, 1 => 89.0..=90.0, 1 => -90.0..=-89.0, 1 => Just(90.0), 1 => Just(0.0)];
    let longitude = prop_oneof![4 => -180.0..180.0, 1 => 179.0..180.0, 1 => -180.0..-179.0, 1 => Just(-180.0)];
    (latitude, longitude).prop_map(|(latitude, longitude)| place(latitude, longitude))
}

fn place(latitude: f64, longitude: f64) -> Position {
    Position::try_new(latitude, longitude).expect("a place")
}

/// A position this many degrees away on the map; not beyond a pole.
fn moved(from: Position, (north, east): (f64, f64)) -> Position {
    place((from.latitude() + north).clamp(-90.0, 90.0), longitude_span::wrapped(from.longitude() + east))
}

/// Sizes in degrees, from a metre to a continent.
fn sizes() -> impl Strategy<Value = f64> {
    (-5.0..2.0).prop_map(|power: f64| 10_f64.powf(power))
}

fn offsets(count: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<(f64, f64)>> {
    proptest::collection::vec((-1.0..=1.0, -1.0..=1.0), count)
}

fn scaled(offsets: &[(f64, f64)], size: f64) -> impl Iterator<Item = (f64, f64)> {
    offsets.iter().map(move |&(north, east)| (north * size, east * size))
}

fn boxes(around: Position, size: f64, corners: &[(f64, f64)]) -> Option<BoundingBox> {
    let corners: Vec<_> = scaled(corners, size).map(|corner| moved(around, corner)).collect();
    let (south, north) =
        (corners[0].latitude().min(corners[1].latitude()), corners[0].latitude().max(corners[1].latitude()));
    BoundingBox::try_new(south, corners[0].longitude(), north, corners[1].longitude()).ok()
}

fn polygons(around: Position, size: f64, corners: &[(f64, f64)]) -> Option<Polygon> {
    let corners: Vec<_> = scaled(corners, size)
        .map(|corner| moved(around, corner))
        .map(|corner| (corner.latitude(), corner.longitude()))
        .collect();
    Polygon::try_new(&corners).ok()
}

/// Areas of every kind and size, with positions inside and around them.
pub(super) fn areas() -> impl Strategy<Value = (Area, Vec<Position>)> {
    (places(), sizes(), 0..4, offsets(3..12), offsets(40), 0_u8..=12).prop_filter_map(
        "an area",
        |(around, size, kind, corners, near, resolution)| {
            let area = match kind {
                0 => Area::BoundingBox(boxes(around, size, &corners)?),
                1 => {
                    let radius_m = (size * 111_000.0).min(Circle::MAX_RADIUS_M);
                    Area::Circle(Circle::try_new(around.latitude(), around.longitude(), radius_m).ok()?)
                }
                2 => Area::Polygon(polygons(around, size, &corners)?),
                _ => {
                    let resolution = Resolution::try_from(resolution).ok()?;
                    let cell = |corner| cell_at(moved(around, corner), resolution).to_string();
                    Area::Cells(Cells::try_new(&scaled(&corners, size).map(cell).collect::<Vec<_>>()).ok()?)
                }
            };
            let stretched = scaled(&near, size * 1.5).map(|offset| moved(around, offset));
            let anywhere = near.iter().map(|&(north, east)| place(north * 90.0, longitude_span::wrapped(east * 180.0)));
            Some((area, stretched.chain(anywhere).collect()))
        },
    )
}

/// Whether a position lies in one of these cells or in a descendant, by the index.
fn under(cells: &HashSet<CellIndex>, place: Position) -> bool {
    let stored = cell_at(place, STORED_RESOLUTION);
    Resolution::range(Resolution::Zero, STORED_RESOLUTION)
        .filter_map(|resolution| stored.parent(resolution))
        .any(|cell| cells.contains(&cell))
}

/// A polygon that compares every cell with each of its edges.
struct AllEdges<'a>(&'a Polygon);

impl Shape for AllEdges<'_> {
    fn relation(&self, cell: CellIndex, _steps: &mut usize) -> Relation {
        let cap = BoundingCap::from_cell(cell);
        let rectangle = cap.rectangle();
        let (latitude, longitude) = cap.centre();
        if self.0.edges().iter().any(|edge| edge.may_meet(&rectangle)) {
            Relation::Border
        } else if polygon::encloses(self.0.edges(), latitude, longitude) {
            Relation::Inside
        } else {
            Relation::Outside
        }
    }
}

/// A shape and the number of comparisons that covering it took.
struct Counted<S>(S, Cell<usize>);

impl<S: Shape> Shape for Counted<S> {
    fn relation(&self, cell: CellIndex, steps: &mut usize) -> Relation {
        let relation = self.0.relation(cell, steps);
        self.1.set(*steps);
        relation
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn edge_tree_gives_the_same_result_as_all_edges(
        around in places(), size in sizes(), corners in offsets(3..200), finest in 0_u8..=12, max_cells in 1_usize..300,
    ) {
        let finest = Resolution::try_from(finest).expect("a resolution");
        let Some(polygon) = polygons(around, size, &corners) else { return Ok(()) };
        let cover = cover::of_bounded(&polygon.outline(), finest, max_cells, usize::MAX);
        prop_assert_eq!(cover, cover::of_bounded(&AllEdges(&polygon), finest, max_cells, usize::MAX));
    }

    #[test]
    fn a_cover_limited_to_few_steps_contains_the_area(
        around in places(), size in sizes(), corners in offsets(3..200), near in offsets(40), max_steps in 0_usize..20_000,
    ) {
        let Some(polygon) = polygons(around, size, &corners) else { return Ok(()) };
        let Cover { inside, border } = cover::of_bounded(&polygon.outline(), STORED_RESOLUTION, 300, max_steps);
        let (inside, border) = (inside.into_iter().collect(), border.into_iter().collect());
        for place in scaled(&near, size * 1.5).map(|offset| moved(around, offset)) {
            prop_assert!(!polygon.contains(place) || under(&inside, place) || under(&border, place), "{place}");
            prop_assert!(polygon.contains(place) || !under(&inside, place), "{place}");
        }
    }

    #[test]
    fn cover_contains_the_area_and_its_inside_only_the_area(
        (area, places) in areas(), finest in 0_u8..=12, max_cells in prop_oneof![Just(1_usize), 2..64_usize, 64..300_usize],
    ) {
        let finest = Resolution::try_from(finest).expect("a resolution");
        let cover = area.cover(finest, max_cells);
        prop_assert!(cover.inside.len() + cover.border.len() <= max_cells.max(122));
        prop_assert!(cover.inside.iter().chain(&cover.border).all(|cell| cell.resolution() <= finest));
        let (inside, border): (HashSet<_>, HashSet<_>) =
            (cover.inside.iter().copied().collect(), cover.border.iter().copied().collect());
        for place in places {
            if area.contains(place) {
                prop_assert!(under(&inside, place) || under(&border, place), "{place} is not covered");
            }
            if under(&inside, place) {
                prop_assert!(area.contains(place), "{place} is not inside");
            }
        }
    }

    #[test]
    fn cover_of_cells_is_the_same_cells((area, places) in areas()) {
        let cover = area.cover(Resolution::Six, 200);
        let cells = [cover.inside, cover.border].concat();
        let names: Vec<_> = cells.iter().map(ToString::to_string).collect();
        prop_assume!(!names.is_empty());
        let again = Cells::try_new(&names).expect("cells");
        prop_assert_eq!(again.ranges(), &child_ranges(&cells, STORED_RESOLUTION)[..]);
        let cells = cells.into_iter().collect();
        for place in places {
            prop_assert_eq!(again.contains(place), under(&cells, place));
        }
    }

    #[test]
    fn circle_contains_points_within_its_radius(around in places(), size in sizes(), near in offsets(40)) {
        let radius_m = size * 111_000.0;
        let Ok(circle) = Circle::try_new(around.latitude(), around.longitude(), radius_m) else { return Ok(()) };
        for place in scaled(&near, size * 1.5).map(|offset| moved(around, offset)) {
            let away_m = around.distance_m(place);
            // Half of the digits are lost near the antipode.
            if (away_m - radius_m).abs() > 0.2 {
                prop_assert_eq!(circle.contains(place), away_m < radius_m, "{} is {} m away", place, away_m);
            }
        }
    }

    #[test]
    fn polygon_contains_agrees_with_ray_casting(
        around in places(), size in sizes(), corners in offsets(3..12), near in offsets(40),
    ) {
        let corners: Vec<_> = scaled(&corners, size).map(|corner| moved(around, corner)).collect();
        let points: Vec<_> = corners.iter().map(|corner| (corner.latitude(), corner.longitude())).collect();
        let Ok(polygon) = Polygon::try_new(&points) else { return Ok(()) };
        // Unrolled: each corner by the shorter way from the previous one.
        let mut unrolled = vec![points[0]];
        for pair in points.windows(2) {
            let before = unrolled[unrolled.len() - 1].1;
            unrolled.push((pair[1].0, before + longitude_span::wrapped(pair[1].1 - pair[0].1)));
        }
        let crossed = |latitude: f64, longitude: f64| {
            let edges = unrolled.iter().zip(unrolled.iter().cycle().skip(1));
            edges.filter(|(from, to)| {
                (from.0 <= latitude) != (to.0 <= latitude)
                    && longitude < from.1 + (latitude - from.0) * (to.1 - from.1) / (to.0 - from.0)
            }).count()
        };
        for place in scaled(&near, size * 1.2).map(|offset| moved(around, offset)) {
            // On the very edge, which is clamped to a pole, the two may differ.
            if place.latitude().abs() < 90.0 {
                let turns = (-2..=2).map(|turn| crossed(place.latitude(), place.longitude() + 360.0 * f64::from(turn)));
                prop_assert_eq!(polygon.contains(place), turns.sum::<usize>() % 2 == 1, "{}", place);
            }
        }
    }

    #[test]
    fn a_box_contains_positions_east_of_its_west_and_west_of_its_east(
        around in places(), size in sizes(), corners in offsets(2), near in offsets(40),
    ) {
        let Some(area) = boxes(around, size, &corners) else { return Ok(()) };
        let ((south, north), (west, east)) = (area.latitudes(), area.longitudes());
        let eastwards = |to: f64| (to - west).rem_euclid(360.0);
        for place in scaled(&near, size * 1.5).map(|offset| moved(around, offset)) {
            let within = eastwards(place.longitude()) <= eastwards(east);
            let within = within && place.latitude() >= south && place.latitude() <= north;
            prop_assert_eq!(area.contains(place), within, "{}", place);
        }
    }

    #[test]
    fn ranges_contain_exactly_the_descendants(
        places in proptest::collection::vec((places(), 0_u8..=12), 1..20), resolution in 0_u8..=12, others in proptest::collection::vec(places(), 20),
    ) {
        let resolution = Resolution::try_from(resolution).expect("a resolution");
        let cells: Vec<_> = places.iter().map(|&(place, of)| cell_at(place, Resolution::try_from(of).expect("a resolution"))).collect();
        let ranges = child_ranges(&cells, resolution);
        prop_assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
        let near = places.iter().map(|&(place, _)| place);
        for place in near.chain(others) {
            let cell = cell_at(place, STORED_RESOLUTION);
            let at_resolution = cell.parent(resolution).expect("coarser");
            // A cell finer than the resolution counts as its ancestor.
            let expected = cells.iter().any(|&cell| {
                let coarser = cell.resolution().min(resolution);
                at_resolution.parent(coarser) == cell.parent(coarser)
            });
            let index = to_bigint(at_resolution);
            let found = ranges.iter().any(|&(first, last)| (first..=last).contains(&index));
            prop_assert_eq!(found, expected, "{}", place);
        }
    }
}

#[test]
fn children_of_a_cell_and_adjacent_cells_are_one_range() {
    for parent in CellIndex::base_cells().filter(|cell| !cell.is_pentagon()) {
        let children: Vec<_> = parent.children(Resolution::Two).collect();
        assert_eq!(child_ranges(&children, Resolution::Two), child_ranges(&[parent], Resolution::Two));
    }
    let all: Vec<_> = CellIndex::base_cells().collect();
    assert_eq!(child_ranges(&all, STORED_RESOLUTION).len(), 1);
}

#[test]
fn a_cover_keeps_close_to_the_area() {
    let cambridge = place(52.2, 0.12);
    let circle = Area::Circle(Circle::try_new(52.2, 0.12, 500.0).expect("a circle"));
    let cover = circle.cover(STORED_RESOLUTION, 64);
    assert!(cover.inside.len() + cover.border.len() > 16, "{} cells", cover.border.len());
    let cells: HashSet<_> = cover.inside.into_iter().chain(cover.border).collect();
    for north in [-1.0, 1.0] {
        let near = moved(cambridge, (north * 0.0075, 0.0));
        assert!(cambridge.distance_m(near) > 800.0 && !under(&cells, near), "{near}");
    }
}

#[test]
fn the_antimeridian_belongs_to_the_boxes_on_both_sides_of_it() {
    let antimeridian = place(0.0, 180.0);
    for (west, east) in
        [(170.0, 180.0), (-180.0, -170.0), (170.0, -170.0), (-180.0, 180.0), (180.0, 180.0), (180.0, -180.0)]
    {
        let area = BoundingBox::try_new(-1.0, west, 1.0, east).expect("a box");
        assert!(area.contains(antimeridian), "{west} to {east}");
        assert_eq!(area.contains(place(0.0, 0.0)), (west, east) == (-180.0, 180.0), "{west} to {east}");
    }
}

#[test]
fn a_polygon_may_cross_the_antimeridian_and_itself() {
    let fiji = Polygon::try_new(&[(-20.0, 177.0), (-20.0, -178.0), (-12.0, -178.0), (-12.0, 177.0), (-20.0, 177.0)]);
    let fiji = fiji.expect("a polygon");
    for (latitude, longitude, inside) in [
        (-16.0, 179.0, true),
        (-16.0, -179.0, true),
        (-16.0, 180.0, true),
        (-16.0, 0.0, false),
        (-16.0, 176.9, false),
        (-16.0, -177.9, false),
    ] {
        assert_eq!(fiji.contains(place(latitude, longitude)), inside, "{latitude}, {longitude}");
    }
    let bow = Polygon::try_new(&[(0.0, 0.0), (2.0, 2.0), (2.0, 0.0), (0.0, 2.0)]).expect("a polygon");
    assert!(bow.contains(place(0.5, 1.0)) && bow.contains(place(1.5, 1.0)));
    assert!(!bow.contains(place(1.0, 0.5)) && !bow.contains(place(1.0, 1.5)));
}

#[test]
fn invalid_area_is_rejected_naming_its_part() {
    let part = |area: Result<(), InvalidArea>| area.expect_err("no area").part;
    let bounding = |south, west, north, east| part(BoundingBox::try_new(south, west, north, east).map(drop));
    assert_eq!(bounding(1.0, 0.0, 0.9, 1.0), "north");
    assert_eq!(bounding(-91.0, 0.0, 0.0, 1.0), "south");
    assert_eq!(bounding(0.0, f64::NAN, 1.0, 1.0), "west");
    assert_eq!(bounding(0.0, 0.0, 1.0, 181.0), "east");
    let circle = |latitude, longitude, radius_m| part(Circle::try_new(latitude, longitude, radius_m).map(drop));
    assert_eq!(circle(91.0, 0.0, 1.0), "latitude");
    assert_eq!(circle(0.0, -181.0, 1.0), "longitude");
    for radius_m in [0.0, -1.0, 20_015_116.0, f64::NAN, f64::INFINITY] {
        assert_eq!(circle(0.0, 0.0, radius_m), "radius");
    }
    let polygon = |corners: &[(f64, f64)]| part(Polygon::try_new(corners).map(drop));
    assert_eq!(polygon(&[(0.0, 0.0), (0.0, 1.0), (0.0, 0.0)]), "", "two points and the first again");
    assert_eq!(polygon(&[(0.0, 0.0), (0.0, 1.0), (91.0, 0.0)]), "[2].latitude");
    assert_eq!(polygon(&[(0.0, 0.0), (0.0, 1.0), (1.0, f64::NAN)]), "[2].longitude");
    assert_eq!(polygon(&[(0.0, 0.0), (0.0, 180.0), (1.0, 90.0)]), "[0]", "neither way is shorter");
    assert_eq!(polygon(&[(80.0, 0.0), (80.0, 120.0), (80.0, -120.0)]), "", "around a pole");
    assert_eq!(polygon(&[(-90.0, -180.0), (-90.0, 180.0), (90.0, 180.0), (90.0, -180.0)]), "", "no width");
    assert_eq!(polygon(&vec![(0.0, 0.0); MAX_POLYGON_POINTS + 1]), "");
    let cells =
        |names: &[&str]| part(Cells::try_new(&names.iter().map(ToString::to_string).collect::<Vec<_>>()).map(drop));
    assert_eq!(cells(&[]), "");
    assert_eq!(cells(&["8928308280fffff", "x"]), "[1]");
    assert_eq!(cells(&["8d283082803f13f"]), "[0]", "finer than what is stored");
    assert_eq!(cells(&vec!["8928308280fffff"; 1001]), "");
}

/// Polygons with the maximum number of points: a ring, and polygons of long, crossing or degenerate edges.
fn largest_polygons() -> [(&'static str, Vec<(f64, f64)>); 6] {
    let points = |point: &dyn Fn(f64) -> (f64, f64)| (0..10_000_u32).map(|n| point(f64::from(n))).collect::<Vec<_>>();
    let odd = |n: f64| n % 2.0;
    let around = |n: f64, radius: f64| {
        let (north, east) = (n * std::f64::consts::TAU / 10_000.0).sin_cos();
        (52.0 + radius * north, radius * east)
    };
    let anywhere = |n: f64| ((n * 7919.0) % 997.0 / 997.0, (n * 6271.0) % 991.0 / 991.0);
    [
        ("a ring", points(&|n| around(n, 1.0))),
        ("a star", points(&|n| around(n, 0.5 + odd(n)))),
        ("parallel diagonals", points(&|n| (odd(n) + n / 10_000.0, odd(n)))),
        ("a scribble", points(&anywhere)),
        ("a scribble over the earth", points(&|n| (anywhere(n).0 * 170.0 - 85.0, anywhere(n).1 * 170.0))),
        (
            "one triangle again and again",
            points(&|n| (f64::from(u8::from(n % 3.0 < 0.5)), f64::from(u8::from((0.5..1.5).contains(&(n % 3.0)))))),
        ),
    ]
}

#[test]
fn the_work_of_a_cover_is_bounded_for_every_polygon() {
    for (name, points) in largest_polygons() {
        let polygon = Polygon::try_new(&points).expect(name);
        for (finest, max_cells) in [(STORED_RESOLUTION, 64), (STORED_RESOLUTION, 1000), (Resolution::Nine, 4000)] {
            let shape = Counted(polygon.outline(), Cell::default());
            let cover = cover::cover_shape(&shape, finest, max_cells);
            // One more split, and the coarsest cells, may be added.
            let most_steps = MAX_STEPS + 7 * 60_000;
            assert!(shape.1.get() <= most_steps, "{name}, {max_cells} cells: {} steps", shape.1.get());
            assert!(
                !cover.border.is_empty() && cover.inside.len() + cover.border.len() <= max_cells.max(122),
                "{name}"
            );
        }
    }
}

#[test]
fn a_ring_of_the_maximum_size_is_covered_at_the_requested_resolution() {
    let [(name, ring), ..] = largest_polygons();
    let polygon = Polygon::try_new(&ring).expect(name);
    for (finest, max_cells) in [(STORED_RESOLUTION, 64), (STORED_RESOLUTION, 1000), (Resolution::Nine, 4000)] {
        let bounded = cover::cover_shape(&polygon.outline(), finest, max_cells);
        assert_eq!(bounded, cover::of_bounded(&polygon.outline(), finest, max_cells, usize::MAX));
    }
}
