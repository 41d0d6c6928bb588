//! Coordinates.

use async_graphql::SimpleObject;

/// Position on the earth (WGS 84).
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct Coordinates {
    /// Latitude in degrees, north positive.
    pub latitude: f64,
    /// Longitude in degrees, east positive.
    pub longitude: f64,
}

impl From<h3o::LatLng> for Coordinates {
    fn from(point: h3o::LatLng) -> Self {
        Self { latitude: point.lat(), longitude: point.lng() }
    }
}
