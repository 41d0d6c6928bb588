//! Events of `measurementRecorded`.

use async_graphql::{Object, connection::CursorType as _};

use super::measurement::Measurement;
use crate::{domain::feed::FeedOffset, graphql::cursor::FeedCursor};

/// Event: a measurement was stored.
#[derive(Clone)]
pub struct MeasurementEvent {
    /// Its offset in the feed.
    pub place: FeedOffset,
    /// Measurement that was stored.
    pub measurement: Measurement,
}

/// Event: a measurement was stored.
#[Object]
impl MeasurementEvent {
    /// Cursor of the event. A subscription with this cursor as `after` resumes after the event.
    async fn cursor(&self) -> String {
        FeedCursor(self.place).encode_cursor()
    }

    /// Measurement that was stored.
    async fn measurement(&self) -> &Measurement {
        &self.measurement
    }
}
