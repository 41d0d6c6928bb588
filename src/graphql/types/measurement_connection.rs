//! A page of measurements. The connection type of async-graphql can't be used, as its lists don't support [`JsonRows`].

use std::sync::{Arc, OnceLock};

use async_graphql::{
    Context, Object,
    connection::{CursorType as _, PageInfo},
};

use super::measurement::Measurement;
use crate::{
    api_error::ApiError,
    db::total::Total,
    domain,
    domain::{device::DeviceId, filter::Filter},
    graphql::{
        context::ContextExt as _,
        cursor::MeasurementCursor,
        fast_json::{JsonList, JsonRows},
        loaders::{DeviceCountKey, TotalCountKey},
        page::PageSlice,
    },
};

/// A page of measurements.
pub struct MeasurementConnection {
    rows: Vec<Measurement>,
    has_previous: bool,
    has_next: bool,
    scope: MeasurementScope,
    /// Total number of measurements, once counted.
    total: OnceLock<Total>,
}

/// The measurements of the whole list.
pub enum MeasurementScope {
    /// Of all devices, or of the devices of the filter.
    Filtered(Arc<Filter>),
    /// Of one device in a list of devices with the same arguments.
    OfDevice(DeviceId, Arc<Filter>),
}

impl MeasurementConnection {
    /// A page from rows of the database.
    #[must_use]
    pub fn new(slice: PageSlice<domain::measurement::Measurement>, all: MeasurementScope) -> Self {
        let rows = slice.rows.into_iter().map(Measurement).collect();
        Self { rows, has_previous: slice.has_previous, has_next: slice.has_next, scope: all, total: OnceLock::new() }
    }

    /// Its measurements.
    pub(in crate::graphql) fn rows(&self) -> &[Measurement] {
        &self.rows
    }

    /// Cursors of the page, and whether there are more pages.
    pub(in crate::graphql) fn paging(&self) -> PageInfo {
        let cursor = |row: Option<&Measurement>| row.map(|row| MeasurementCursor(row.0.key).encode_cursor());
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: cursor(self.rows.first()),
            end_cursor: cursor(self.rows.last()),
        }
    }

    /// Total number of measurements; `None` before the first count.
    pub(in crate::graphql) fn cached_total(&self) -> Option<Total> {
        self.total.get().copied()
    }

    /// Counts all measurements of the list.
    pub(in crate::graphql) async fn count(&self, ctx: &Context<'_>) -> Result<Total, ApiError> {
        // Counted by the loader, so that fields with the same filter share a statement. (A tokio `OnceCell` would yield
        // to other tasks after some hundred pages, and the loader would start an incomplete batch.)
        let total = match &self.scope {
            MeasurementScope::Filtered(filter) => ctx.loader().load_one(TotalCountKey(filter.clone())).await?,
            MeasurementScope::OfDevice(device, filter) => {
                ctx.loader().load_one(DeviceCountKey { device: *device, filter: filter.clone() }).await?
            }
        };
        Ok(*self.total.get_or_init(|| total.unwrap_or(Total::exact(0))))
    }
}

/// A page of measurements.
#[Object]
impl MeasurementConnection {
    /// Cursors of the page, and whether there are more pages.
    async fn page_info(&self) -> PageInfo {
        self.paging()
    }

    /// Measurements of the page, each with its cursor.
    async fn edges(&self) -> JsonRows<MeasurementEdge<'_>> {
        JsonRows(self.rows.iter().map(MeasurementEdge).collect())
    }

    /// Measurements of the page.
    async fn nodes(&self) -> JsonList<'_, Measurement> {
        JsonList(&self.rows)
    }

    /// Number of measurements on all pages together; an estimate when `totalCountIsEstimate` is true. Counted only when
    /// selected. Null only when counting fails.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Option<i64>, ApiError> {
        Ok(Some(self.count(ctx).await?.rows))
    }

    /// Whether `totalCount` is an estimate: there are more than 100,000, or an exact count would read too many rows.
    /// Null only when counting fails.
    async fn total_count_is_estimate(&self, ctx: &Context<'_>) -> Result<Option<bool>, ApiError> {
        Ok(Some(self.count(ctx).await?.is_estimate))
    }
}

/// Measurement in a list, with its cursor.
pub struct MeasurementEdge<'a>(pub &'a Measurement);

/// Measurement in a list, with its cursor.
#[Object]
impl MeasurementEdge<'_> {
    /// Cursor of the measurement in the list, for `after` and `before`.
    async fn cursor(&self) -> String {
        MeasurementCursor(self.0.0.key).encode_cursor()
    }

    /// The measurement.
    async fn node(&self) -> &Measurement {
        self.0
    }
}
