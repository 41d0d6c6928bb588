//! Areas.

use async_graphql::{InputObject, OneofObject};

use crate::{
    api_error::ApiError,
    domain::{
        area,
        area::{Cells, InvalidArea, Polygon, SharedArea},
    },
};

/// Area on the earth. Exactly one field must be given.
#[derive(Clone, Debug, OneofObject)]
pub enum Area {
    /// Rectangle of latitudes and longitudes.
    BoundingBox(BoundingBox),
    /// Circle around a point.
    Circle(Circle),
    /// Polygon of 3 to 10,000 points; the last is joined to the first. Edges are straight lines in latitude and
    /// longitude and take the shorter way around the earth: a polygon can cross the antimeridian, but can't enclose a
    /// pole. In a self-intersecting polygon, regions enclosed twice are outside (even-odd rule).
    Polygon(Vec<PointInput>),
    /// H3 cell indexes, such as `8928308280fffff`: 1 to 1000 cells of resolutions 0 to 12.
    Cells(Vec<String>),
}

/// Rectangle of latitudes and longitudes, edges included. It crosses the antimeridian when `west` is greater than
/// `east`; from -180 to 180 it covers all longitudes.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct BoundingBox {
    /// Southern edge: latitude in degrees.
    south: f64,
    /// Western edge: longitude in degrees.
    west: f64,
    /// Northern edge: latitude in degrees.
    north: f64,
    /// Eastern edge: longitude in degrees.
    east: f64,
}

/// Circle on the earth's surface.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct Circle {
    /// Latitude of the centre, in degrees.
    latitude: f64,
    /// Longitude of the centre, in degrees.
    longitude: f64,
    /// Radius, in metres.
    radius: f64,
}

/// Corner of a polygon (WGS 84).
#[derive(Clone, Copy, Debug, InputObject)]
pub struct PointInput {
    /// Latitude in degrees, north positive.
    latitude: f64,
    /// Longitude in degrees, east positive.
    longitude: f64,
}

impl Area {
    /// Checks the area. `argument` is its path in the request.
    ///
    /// # Errors
    /// Names the invalid part.
    pub fn check(&self, argument: &str) -> Result<SharedArea, ApiError> {
        let (field, area) = match self {
            Self::BoundingBox(BoundingBox { south, west, north, east }) => {
                let area = area::BoundingBox::try_new(*south, *west, *north, *east);
                ("boundingBox", area.map(area::Area::BoundingBox))
            }
            Self::Circle(Circle { latitude, longitude, radius }) => {
                ("circle", area::Circle::try_new(*latitude, *longitude, *radius).map(area::Area::Circle))
            }
            Self::Polygon(points) => {
                let points: Vec<_> = points.iter().map(|point| (point.latitude, point.longitude)).collect();
                ("polygon", Polygon::try_new(&points).map(area::Area::Polygon))
            }
            Self::Cells(names) => ("cells", Cells::try_new(names).map(area::Area::Cells)),
        };
        area.map(SharedArea::from).map_err(|InvalidArea { part, reason }| {
            let dot = if part.is_empty() || part.starts_with('[') { "" } else { "." };
            ApiError::bad_input(format!("{argument}.{field}{dot}{part}"), reason)
        })
    }
}
