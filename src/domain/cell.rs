//! H3 cells: hexagons that name an area at one of 16 resolutions.

use h3o::{CellIndex, Resolution};

use super::position::Position;

/// The resolution stored with every measurement: hexagons of about 10 m. Coarser cells are its ancestors.
pub const STORED_RESOLUTION: Resolution = Resolution::Twelve;

/// The cell around a position.
#[must_use]
pub fn cell_at(position: Position, resolution: Resolution) -> CellIndex {
    position.lat_lng().to_cell(resolution)
}

/// The cell as Postgres keeps it: the index's 64 bits as a signed number.
#[must_use]
pub fn to_bigint(cell: CellIndex) -> i64 {
    u64::from(cell).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_place_is_in_its_known_cell() {
        // The worked example of the H3 documentation.
        let golden_gate = Position::try_new(37.775_938_728_915_946, -122.417_950_631_237_54).expect("a place");
        assert_eq!(cell_at(golden_gate, Resolution::Nine).to_string(), "8928308280fffff");
    }

    #[test]
    fn both_ends_of_the_antimeridian_are_one_cell() {
        let west = Position::try_new(10.0, -180.0).expect("a place");
        let east = Position::try_new(10.0, 180.0).expect("a place");
        assert_eq!(cell_at(west, STORED_RESOLUTION), cell_at(east, STORED_RESOLUTION));
    }
}
