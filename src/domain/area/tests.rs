use proptest::prelude::*;

use super::*;

/// Places all over the earth; many of them near a pole, the antimeridian, or a corner of the grid of cells.
pub(super) fn places() -> impl Strategy<Value = Position> {
    let latitude =
        prop_oneof![4 => -90.0..=90.0, 1 => 89.0..=90.0, 1 => -90.0..=-89.0, 1 => Just(90.0), 1 => Just(0.0)];
    let longitude = prop_oneof![4 => -180.0..180.0, 1 => 179.0..180.0, 1 => -180.0..-179.0, 1 => Just(-180.0)];
    (latitude, longitude).prop_map(|(latitude, longitude)| Position::try_new(latitude, longitude).expect("a place"))
}
