//! A place on the earth.

use async_graphql::SimpleObject;

/// A place on the earth (WGS 84).
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct Coordinates {
    /// Degrees north (`deg`).
    pub latitude: f64,
    /// Degrees east (`deg`).
    pub longitude: f64,
}

impl From<h3o::LatLng> for Coordinates {
    fn from(place: h3o::LatLng) -> Self {
        Self { latitude: place.lat(), longitude: place.lng() }
    }
}
