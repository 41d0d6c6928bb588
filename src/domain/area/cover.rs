//! Covering an area with H3 cells, from the coarsest down.

use std::collections::VecDeque;

use h3o::{CellIndex, Resolution};

/// Cells that hold an area together: every place of the area lies in one of them, or in a descendant of one by its index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    /// Cells of which everything, all descendants by their index included, lies in the area.
    pub inside: Vec<CellIndex>,
    /// Cells of which some may lie in the area and some may not.
    pub border: Vec<CellIndex>,
}

/// How a cell, with all of its descendants, lies to an area.
#[derive(Debug)]
pub(super) enum Relation<N> {
    /// All of it lies in the area.
    Inside,
    /// None of it does.
    Outside,
    /// Neither is sure. What of the area is near, for its children to be compared with.
    Border(N),
}

/// An area that cells can be compared with.
pub(super) trait Shape {
    /// The part of the area that is near to a cell, so that its children need not be compared with all of it.
    type Near;

    /// What is near to the whole earth.
    fn near(&self) -> Self::Near;

    /// How a cell lies to the area; `near` is what is near to its parent.
    fn relation(&self, near: &Self::Near, cell: CellIndex) -> Relation<Self::Near>;
}

/// Covers a shape: cells at its edge are split, the coarsest first, while there is room for more.
pub(super) fn of<S: Shape>(shape: &S, finest: Resolution, most: usize) -> Cover {
    let mut cover = Cover::default();
    let mut waiting = VecDeque::new();
    let everywhere = shape.near();
    for cell in CellIndex::base_cells() {
        sort(shape, &everywhere, cell, &mut cover, &mut waiting);
    }
    while let Some((cell, near)) = waiting.pop_front() {
        let next = cell.resolution().succ().filter(|&next| next <= finest);
        let Some(next) = next else {
            cover.border.push(cell);
            continue;
        };
        let (was_inside, was_waiting) = (cover.inside.len(), waiting.len());
        for child in cell.children(next) {
            sort(shape, &near, child, &mut cover, &mut waiting);
        }
        if cover.inside.len() + cover.border.len() + waiting.len() > most {
            cover.inside.truncate(was_inside);
            waiting.truncate(was_waiting);
            cover.border.push(cell);
        }
    }
    cover
}

fn sort<S: Shape>(
    shape: &S,
    near: &S::Near,
    cell: CellIndex,
    cover: &mut Cover,
    waiting: &mut VecDeque<(CellIndex, S::Near)>,
) {
    match shape.relation(near, cell) {
        Relation::Inside => cover.inside.push(cell),
        Relation::Outside => {}
        Relation::Border(near) => waiting.push_back((cell, near)),
    }
}
