//! An area of H3 cells.

use h3o::CellIndex;

use super::{
    InvalidArea,
    cover::{Cover, Relation, Shape},
};
use crate::{
    cell::{self, STORED_RESOLUTION, cell_at, to_bigint},
    position::Position,
};

/// All positions in a set of cells: their stored cell is in the set, or descends from it by its index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cells {
    /// The covered spans of cells at the stored resolution; sorted, not adjacent.
    ranges: Vec<(i64, i64)>,
}

impl Cells {
    /// Maximum number of cells in an area.
    pub const MAX_CELLS: usize = 1000;

    /// The area of the cells with these indexes, as hexadecimal text.
    ///
    /// # Errors
    /// If there are no cells, too many cells, a text is not a cell index, or a cell is finer than the stored
    /// resolution.
    pub fn try_new(names: &[String]) -> Result<Self, InvalidArea> {
        if names.is_empty() || names.len() > Self::MAX_CELLS {
            return Err(InvalidArea::new("", format!("{} cells; there must be 1 to {}", names.len(), Self::MAX_CELLS)));
        }
        let cell = |(at, name): (usize, &String)| {
            let invalid = |reason| InvalidArea::new(format!("[{at}]"), format!("{name:?} {reason}"));
            let cell: CellIndex = name
                .parse()
                .map_err(|_| invalid("is no H3 cell; write hexadecimal digits, such as 8928308280fffff".into()))?;
            if cell.resolution() > STORED_RESOLUTION {
                let reason = format!(
                    "is a cell of resolution {}; the finest resolution is {STORED_RESOLUTION}",
                    cell.resolution()
                );
                return Err(invalid(reason));
            }
            Ok(cell)
        };
        let cells = names.iter().enumerate().map(cell).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { ranges: cell::child_ranges(&cells, STORED_RESOLUTION) })
    }

    /// The area of all cells of a cover, those at the border included.
    #[must_use]
    pub fn from_cover(cover: &Cover) -> Self {
        Self { ranges: cell::child_ranges(&[&*cover.inside, &*cover.border].concat(), STORED_RESOLUTION) }
    }

    /// The covered spans of cells at the stored resolution, both ends included; sorted, not adjacent.
    #[must_use]
    pub fn ranges(&self) -> &[(i64, i64)] {
        &self.ranges
    }

    /// Whether a position lies in one of the cells.
    #[must_use]
    pub fn contains(&self, place: Position) -> bool {
        let cell = to_bigint(cell_at(place, STORED_RESOLUTION));
        self.first_reaching(cell).is_some_and(|(first, _)| first <= cell)
    }

    /// The first span that ends at or after this cell.
    fn first_reaching(&self, cell: i64) -> Option<(i64, i64)> {
        let at = self.ranges.partition_point(|&(_, last)| last < cell);
        self.ranges.get(at).copied()
    }
}

impl Shape for Cells {
    fn relation(&self, cell: CellIndex, _steps: &mut usize) -> Relation {
        let (first, last) = cell::child_range(cell, STORED_RESOLUTION);
        match self.first_reaching(first) {
            Some(found) if found.0 <= first && last <= found.1 => Relation::Inside,
            Some(found) if found.0 <= last => Relation::Border,
            _ => Relation::Outside,
        }
    }
}
