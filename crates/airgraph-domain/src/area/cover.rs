//! Covers an area with H3 cells, starting at the coarsest.

use std::collections::VecDeque;

use h3o::{CellIndex, Resolution};

/// Limit of comparisons of cells with edges; beyond it no cell is split: about 10 ms of work. A ring of 10,000 points
/// needs fewer for 4000 cells. Only polygons with thousands of long edges reach it and are covered with coarser cells.
pub(super) const MAX_STEPS: usize = 2_000_000;

/// Cells that contain an area together: every position of the area lies in one of them, or in a descendant by its
/// index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    /// Cells that lie in the area completely, with all descendants by their index.
    pub inside: Vec<CellIndex>,
    /// Cells that may lie in the area in part.
    pub border: Vec<CellIndex>,
}

/// Relation of a cell, with all of its descendants, to an area.
#[derive(Debug)]
pub(super) enum Relation {
    /// The cell lies in the area.
    Inside,
    /// The cell and the area are disjoint.
    Outside,
    /// Unknown: the cell may lie in the area in part.
    Border,
}

/// An area that cells can be compared with.
pub(super) trait Shape {
    /// Relation of a cell to the area. Adds the number of comparisons to `steps`.
    fn relation(&self, cell: CellIndex, steps: &mut usize) -> Relation;
}

/// Covers a shape: cells at its edge are split, the coarsest first, up to `max_cells`.
pub(super) fn cover_shape<S: Shape>(shape: &S, finest: Resolution, max_cells: usize) -> Cover {
    of_bounded(shape, finest, max_cells, MAX_STEPS)
}

/// The same with a limit of comparisons, after which no cell is split.
pub(super) fn of_bounded<S: Shape>(shape: &S, finest: Resolution, max_cells: usize, max_steps: usize) -> Cover {
    let mut steps = 0;
    let mut cover = Cover::default();
    let mut waiting = VecDeque::new();
    for cell in CellIndex::base_cells() {
        classify(shape, cell, &mut cover, &mut waiting, &mut steps);
    }
    while let Some(cell) = waiting.pop_front() {
        let next = cell.resolution().succ().filter(|&next| next <= finest && steps < max_steps);
        let Some(next) = next else {
            cover.border.push(cell);
            continue;
        };
        let (was_inside, was_waiting) = (cover.inside.len(), waiting.len());
        for child in cell.children(next) {
            classify(shape, child, &mut cover, &mut waiting, &mut steps);
            if cover.inside.len() + cover.border.len() + waiting.len() > max_cells {
                cover.inside.truncate(was_inside);
                waiting.truncate(was_waiting);
                cover.border.push(cell);
                break;
            }
        }
    }
    cover
}

fn classify<S: Shape>(
    shape: &S,
    cell: CellIndex,
    cover: &mut Cover,
    waiting: &mut VecDeque<CellIndex>,
    steps: &mut usize,
) {
    *steps += 1;
    match shape.relation(cell, steps) {
        Relation::Inside => cover.inside.push(cell),
        Relation::Outside => {}
        Relation::Border => waiting.push_back(cell),
    }
}
