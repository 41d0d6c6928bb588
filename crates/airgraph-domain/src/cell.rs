//! H3 cells: hexagons at 16 resolutions.

use h3o::{CellIndex, Resolution};

use super::position::Position;

/// The resolution stored with every measurement: hexagons of about 10 m. Coarser cells are its ancestors.
pub const STORED_RESOLUTION: Resolution = Resolution::Twelve;

/// The resolution of hourly rollups by cell: hexagons of about 200 m.
pub const ROLLUP_RESOLUTION: Resolution = Resolution::Nine;

/// The cell of a position: the ancestor of its cell at [`STORED_RESOLUTION`], for coarser resolutions.
///
/// Cells don't contain their descendants exactly: near an edge, the ancestor may be the neighbour of the cell that
/// contains the position. With the ancestor, a coarse cell is the union of its finer cells, and sums over these are
/// exact.
#[must_use]
pub fn cell_at(position: Position, resolution: Resolution) -> CellIndex {
    let place = position.lat_lng();
    place.to_cell(STORED_RESOLUTION).parent(resolution).unwrap_or_else(|| place.to_cell(resolution))
}

/// The cell as a Postgres `bigint`: the index's 64 bits as a signed number.
#[must_use]
pub fn to_bigint(cell: CellIndex) -> i64 {
    u64::from(cell).cast_signed()
}

/// The cell of a `bigint` from [`to_bigint`].
#[must_use]
pub fn from_bigint(cell: i64) -> Option<CellIndex> {
    CellIndex::try_from(cell.cast_unsigned()).ok()
}

/// Masks that turn a cell's bigint into its ancestor's at this resolution: `(cell & keep) | set`. An index contains the
/// digits of all its ancestors; an ancestor has its own resolution in bits 52 to 55 and ones in place of finer digits.
#[must_use]
pub fn ancestor_masks(resolution: Resolution) -> (i64, i64) {
    let resolution = i64::from(u8::from(resolution));
    let finer = (1 << (3 * (15 - resolution))) - 1;
    (!(0xF << 52 | finer), resolution << 52 | finer)
}

/// The finest resolution at which these cells have at max `max` descendants in total.
#[must_use]
pub fn finest_within(cells: &[CellIndex], max: usize) -> Resolution {
    let under = |resolution: Resolution| {
        let each = |cell: &CellIndex| {
            let finer = u8::from(resolution).saturating_sub(cell.resolution().into());
            7_usize.saturating_pow(finer.into())
        };
        cells.iter().map(each).fold(0, usize::saturating_add)
    };
    let fits = |resolution: &Resolution| under(*resolution) <= max;
    Resolution::range(Resolution::Zero, Resolution::Fifteen).take_while(fits).last().unwrap_or(Resolution::Zero)
}

/// The first and last descendant of a cell at a resolution, as bigints; for a finer cell, its ancestor twice. All
/// descendants lie between the two, and no other cell of that resolution does.
#[must_use]
pub fn child_range(cell: CellIndex, resolution: Resolution) -> (i64, i64) {
    if let Some(ancestor) = cell.parent(resolution) {
        let ancestor = to_bigint(ancestor);
        return (ancestor, ancestor);
    }
    // Bits 52 to 55 of an index are its resolution. Below are its base cell and one digit of three bits for each
    // resolution, from 0 to 6; unused digits are 7.
    let (coarse, fine) = (u64::from(u8::from(cell.resolution())), u64::from(u8::from(resolution)));
    let index = u64::from(cell) & !(0xF << 52) | (fine << 52);
    let (first, last) = (coarse + 1..=fine).fold((index, index), |(first, last), level| {
        let place = 3 * (15 - level);
        (first & !(7 << place), last & !(7 << place) | (6 << place))
    });
    (first.cast_signed(), last.cast_signed())
}

/// Spans of cells of one resolution that a set of cells covers, as bigints, both ends included: sorted, not
/// adjacent.
#[must_use]
pub fn child_ranges(cells: &[CellIndex], resolution: Resolution) -> Vec<(i64, i64)> {
    let mut ranges: Vec<_> = cells.iter().map(|&cell| child_range(cell, resolution)).collect();
    ranges.sort_unstable();
    ranges.dedup_by(|next, before| {
        let joined = next.0 <= before.1 || ordinal(next.0, resolution) == ordinal(before.1, resolution) + 1;
        if joined {
            before.1 = before.1.max(next.1);
        }
        joined
    });
    ranges
}

/// The number of a cell among all indexes of its resolution: its digits as a number to base 7.
fn ordinal(cell: i64, resolution: Resolution) -> u64 {
    let index = cell.cast_unsigned();
    let base_cell = index >> 45 & 0x7F;
    (1..=u64::from(u8::from(resolution)))
        .fold(base_cell, |number, level| 7 * number + (index >> (3 * (15 - level)) & 7))
}

/// The ancestor of a stored cell at [`ROLLUP_RESOLUTION`].
#[must_use]
pub fn rollup_cell(stored: CellIndex) -> CellIndex {
    stored.parent(ROLLUP_RESOLUTION).unwrap_or(stored) // stored cells are finer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_position_is_in_its_known_cell() {
        // The worked example of the H3 documentation.
        let golden_gate = Position::try_new(37.775_938_728_915_946, -122.417_950_631_237_54).expect("a place");
        assert_eq!(cell_at(golden_gate, Resolution::Nine).to_string(), "8928308280fffff");
    }

    #[test]
    fn the_descendants_of_a_cell_and_no_others_lie_in_its_span() {
        let place = Position::try_new(52.205, 0.1218).expect("a place");
        // Also its neighbours and a pentagon, which has fewer descendants.
        let mut cells = cell_at(place, ROLLUP_RESOLUTION).grid_disk::<Vec<_>>(1);
        cells.extend(
            CellIndex::base_cells()
                .filter(|cell| cell.is_pentagon())
                .filter_map(|cell| cell.center_child(ROLLUP_RESOLUTION)),
        );
        let stored: Vec<_> = cells.iter().flat_map(|cell| cell.children(STORED_RESOLUTION)).collect();
        for cell in cells {
            let (least, greatest) = child_range(cell, STORED_RESOLUTION);
            for &stored in &stored {
                let within = (least..=greatest).contains(&to_bigint(stored));
                assert_eq!(within, rollup_cell(stored) == cell, "{stored} in {cell}");
                assert_eq!(from_bigint(to_bigint(stored)), Some(stored));
            }
        }
        assert_eq!(from_bigint(0), None);
    }

    #[test]
    fn both_ends_of_the_antimeridian_are_one_cell() {
        let west = Position::try_new(10.0, -180.0).expect("a place");
        let east = Position::try_new(10.0, 180.0).expect("a place");
        assert_eq!(cell_at(west, STORED_RESOLUTION), cell_at(east, STORED_RESOLUTION));
    }

    proptest::proptest! {
        #[test]
        fn masks_compute_the_ancestor(latitude in -90.0..=90.0, longitude in -180.0..180.0, one in 0..=15_u8, other in 0..=15_u8) {
            let (coarse, fine) = (one.min(other), one.max(other));
            let [coarse, fine] = [coarse, fine].map(|resolution| Resolution::try_from(resolution).expect("a resolution"));
            let cell = cell_at(Position::try_new(latitude, longitude).expect("a place"), fine);
            let (keep, set) = ancestor_masks(coarse);
            proptest::prop_assert_eq!(from_bigint((to_bigint(cell) & keep) | set), cell.parent(coarse));
        }
    }
}
