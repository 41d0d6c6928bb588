//! Areas on the earth: which places lie in one, exactly, and which H3 cells hold it.
//!
//! An index finds cells, not shapes. So an area is covered with cells ([`Cover`]), and what lies in the cells at its edge
//! is held against the shape itself.

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

/// A part of the earth's surface, its edge included (a polygon's edge may be either).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Area {
    /// Between two parallels and two meridians.
    BoundingBox(BoundingBox),
    /// Within a distance of a place.
    Circle(Circle),
    /// Within a ring of straight lines on a map of degrees.
    Polygon(Polygon),
    /// In H3 cells.
    Cells(Cells),
}

/// Why something is no area.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidArea {
    /// Which part of it can't be, such as `north` or `[3]`; empty for the whole.
    pub part: String,
    /// What is wrong with it.
    pub reason: String,
}

impl InvalidArea {
    fn new(part: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { part: part.into(), reason: reason.into() }
    }
}

impl Area {
    /// Whether a place lies in the area.
    #[must_use]
    pub fn contains(&self, place: Position) -> bool {
        match self {
            Self::BoundingBox(area) => area.contains(place),
            Self::Circle(area) => area.contains(place),
            Self::Polygon(area) => area.contains(place),
            Self::Cells(area) => area.contains(place),
        }
    }

    /// Bytes of memory that it takes, about.
    #[must_use]
    pub fn size(&self) -> usize {
        let points = match self {
            Self::BoundingBox(_) | Self::Circle(_) => 0,
            Self::Polygon(area) => size_of_val(area.edges()) + area.bands().size(),
            Self::Cells(area) => size_of_val(area.ranges()),
        };
        size_of::<Self>() + points
    }

    /// What [`SharedArea::cover`] keeps.
    fn cover(&self, finest: Resolution, most: usize) -> Cover {
        match self {
            Self::BoundingBox(area) => cover::cover_shape(area, finest, most),
            Self::Circle(area) => cover::cover_shape(area, finest, most),
            Self::Polygon(area) => cover::cover_shape(&area.outline(), finest, most),
            Self::Cells(area) => cover::cover_shape(area, finest, most),
        }
    }
}

/// A latitude in degrees, or why it is none.
fn latitude(part: &str, degrees: f64) -> Result<f64, InvalidArea> {
    if (-90.0..=90.0).contains(&degrees) {
        Ok(degrees + 0.0) // one zero: -0.0 would be another key of a map
    } else {
        Err(InvalidArea::new(part, format!("{degrees} is no latitude: it must lie between -90 and 90 degrees")))
    }
}

/// A longitude in degrees, or why it is none.
fn longitude(part: &str, degrees: f64) -> Result<f64, InvalidArea> {
    if (-180.0..=180.0).contains(&degrees) {
        Ok(degrees + 0.0)
    } else {
        Err(InvalidArea::new(part, format!("{degrees} is no longitude: it must lie between -180 and 180 degrees")))
    }
}

#[cfg(test)]
mod tests;
