//! Areas on the earth: exact tests of positions, and covers of H3 cells.
//!
//! An index finds cells, not shapes. So an area is covered with cells ([`Cover`]), and positions in cells at its edge
//! are compared with the shape itself.

mod bounding_box;
mod bounding_cap;
mod cells;
mod circle;
mod cover;
mod edge_tree;
mod longitude_bands;
mod longitude_span;
mod polygon;
mod shared;

pub use bounding_box::BoundingBox;
pub use cells::Cells;
pub use circle::Circle;
pub use cover::Cover;
use h3o::Resolution;
pub use longitude_bands::LongitudeBands;
pub use polygon::{Edge, MAX_POLYGON_POINTS, Polygon};
pub use shared::{SharedArea, SharedAreas};

use super::position::Position;

/// A part of the earth's surface, edges included (a point on a polygon's edge may be inside or outside).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Area {
    /// A box between two parallels and two meridians.
    BoundingBox(BoundingBox),
    /// A circle around a position.
    Circle(Circle),
    /// A ring of straight lines on a map of degrees.
    Polygon(Polygon),
    /// A set of H3 cells.
    Cells(Cells),
}

/// Why an area is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidArea {
    /// The invalid part, such as `north` or `[3]`; empty for the whole.
    pub part: String,
    /// The reason.
    pub reason: String,
}

impl InvalidArea {
    fn new(part: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { part: part.into(), reason: reason.into() }
    }
}

impl Area {
    /// Whether a position lies in the area.
    #[must_use]
    pub fn contains(&self, place: Position) -> bool {
        match self {
            Self::BoundingBox(area) => area.contains(place),
            Self::Circle(area) => area.contains(place),
            Self::Polygon(area) => area.contains(place),
            Self::Cells(area) => area.contains(place),
        }
    }

    /// Size in memory, in bytes; an estimate.
    #[must_use]
    pub fn size(&self) -> usize {
        let points = match self {
            Self::BoundingBox(_) | Self::Circle(_) => 0,
            Self::Polygon(area) => size_of_val(area.edges()) + area.bands().size(),
            Self::Cells(area) => size_of_val(area.ranges()),
        };
        size_of::<Self>() + points
    }

    /// Computes a cover for [`SharedArea::cover`].
    fn cover(&self, finest: Resolution, max_cells: usize) -> Cover {
        match self {
            Self::BoundingBox(area) => cover::cover_shape(area, finest, max_cells),
            Self::Circle(area) => cover::cover_shape(area, finest, max_cells),
            Self::Polygon(area) => cover::cover_shape(&area.outline(), finest, max_cells),
            Self::Cells(area) => cover::cover_shape(area, finest, max_cells),
        }
    }
}

/// A latitude in degrees, or the reason why it is invalid.
fn latitude(part: &str, degrees: f64) -> Result<f64, InvalidArea> {
    if (-90.0..=90.0).contains(&degrees) {
        Ok(degrees + 0.0) // -0.0 becomes 0.0, so both hash alike
    } else {
        Err(InvalidArea::new(part, format!("{degrees} is no latitude: it must lie between -90 and 90 degrees")))
    }
}

/// A longitude in degrees, or the reason why it is invalid.
fn longitude(part: &str, degrees: f64) -> Result<f64, InvalidArea> {
    if (-180.0..=180.0).contains(&degrees) {
        Ok(degrees + 0.0)
    } else {
        Err(InvalidArea::new(part, format!("{degrees} is no longitude: it must lie between -180 and 180 degrees")))
    }
}

#[cfg(test)]
mod tests;
