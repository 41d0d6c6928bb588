//! A page of trips.

use async_graphql::{
    SimpleObject,
    connection::{CursorType as _, PageInfo},
};
use chrono::{DateTime, Utc};

use super::trip::Trip;
use crate::graphql::{cursor::TripCursor, page::PageSlice, scalar};

/// A page of trips, newest first.
#[derive(SimpleObject)]
pub struct TripConnection {
    /// Trips of the page.
    nodes: Vec<Trip>,
    /// Cursors of the page, and whether there are more pages.
    page_info: PageInfo,
    /// Trips that start before this time may be missing, as their samples were not read; query them with this time as
    /// `measuredAt.to`. Null when no trip is missing.
    incomplete_before: Option<scalar::DateTime>,
}

impl TripConnection {
    /// A page from a slice of the list.
    #[must_use]
    pub fn new(slice: PageSlice<Trip>, incomplete_before: Option<DateTime<Utc>>) -> Self {
        let cursor = |trip: Option<&Trip>| trip.map(|trip| TripCursor(trip.key()).encode_cursor());
        let page_info = PageInfo {
            has_previous_page: slice.has_previous,
            has_next_page: slice.has_next,
            start_cursor: cursor(slice.rows.first()),
            end_cursor: cursor(slice.rows.last()),
        };
        Self { nodes: slice.rows, page_info, incomplete_before: incomplete_before.map(Into::into) }
    }
}
