//! A page of rides.

use async_graphql::{
    SimpleObject,
    connection::{CursorType as _, PageInfo},
};
use chrono::{DateTime, Utc};

use super::trip::Trip;
use crate::graphql::{cursor::TripCursor, page::PageSlice, scalar};

/// A page of rides, newest first.
#[derive(SimpleObject)]
pub struct TripConnection {
    /// The rides.
    nodes: Vec<Trip>,
    /// Whether the list goes on, and from where.
    page_info: PageInfo,
    /// Rides that began before this time may be missing, as their samples were not read: query them with `measuredAt.to` at this
    /// time. Null when none is missing.
    incomplete_before: Option<scalar::DateTime>,
}

impl TripConnection {
    /// A page as it was cut.
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
