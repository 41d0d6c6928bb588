//! A measurement, as subscriptions tell it.

use async_graphql::{Object, connection::CursorType as _};

use super::measurement::Measurement;
use crate::{domain::feed::FeedOffset, graphql::cursor::FeedCursor};

/// A measurement that was stored.
#[derive(Clone)]
pub struct MeasurementEvent {
    /// Where it stands in the feed.
    pub place: FeedOffset,
    /// The measurement.
    pub measurement: Measurement,
}

/// A measurement that was stored.
#[Object]
impl MeasurementEvent {
    /// Its place among all that is stored: a subscription with this as `after` goes on behind it.
    async fn cursor(&self) -> String {
        FeedCursor(self.place).encode_cursor()
    }

    /// The measurement.
    async fn measurement(&self) -> &Measurement {
        &self.measurement
    }
}
