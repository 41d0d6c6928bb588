//! An area.

use async_graphql::{InputObject, OneofObject};

use crate::{
    api_error::ApiError,
    domain::{
        area,
        area::{Cells, InvalidArea, Polygon, SharedArea},
    },
};

/// A part of the earth's surface: one of these.
#[derive(Clone, Debug, OneofObject)]
pub enum Area {
    /// Between two parallels and two meridians.
    BoundingBox(BoundingBox),
    /// Within a distance of a place.
    Circle(Circle),
    /// Within a ring of 3 to 10,000 points; the last is joined to the first. Lines are straight on a map of latitude and
    /// longitude, and each takes the shorter way round the earth, so that a ring may cross the antimeridian but not go
    /// round a pole. Where the ring crosses itself, what it goes round twice is outside.
    Polygon(Vec<PointInput>),
    /// In one of these H3 cells, such as `8928308280fffff`: 1 to 1000 of resolutions 0 to 12.
    Cells(Vec<String>),
}

/// Between two parallels and two meridians, these included. Where `west` is greater than `east`, it crosses the
/// antimeridian; from -180 to 180 it goes all round.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct BoundingBox {
    /// Its southern side, in degrees north (`deg`).
    south: f64,
    /// Its western side, in degrees east (`deg`).
    west: f64,
    /// Its northern side, in degrees north (`deg`).
    north: f64,
    /// Its eastern side, in degrees east (`deg`).
    east: f64,
}

/// Within a distance of a place, along the earth's surface.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct Circle {
    /// The place, in degrees north (`deg`).
    latitude: f64,
    /// The place, in degrees east (`deg`).
    longitude: f64,
    /// The distance, in metres (`m`).
    radius: f64,
}

/// A place.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct PointInput {
    /// Degrees north (`deg`, WGS 84).
    latitude: f64,
    /// Degrees east (`deg`, WGS 84).
    longitude: f64,
}

impl Area {
    /// Checks the area, given as this argument.
    ///
    /// # Errors
    /// Names the part of it that can't be.
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
