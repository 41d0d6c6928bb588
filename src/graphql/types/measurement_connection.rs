//! A page of measurements. Not the library's connection, whose lists know no rows that are written as they are.

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
    /// How many there are in all, once they were counted.
    total: OnceLock<Total>,
}

/// The measurements that a page is of.
pub enum MeasurementScope {
    /// Of all devices, or of some taken together.
    Filtered(Arc<Filter>),
    /// Of one device among many that are asked the same.
    OfDevice(DeviceId, Arc<Filter>),
}

impl MeasurementConnection {
    /// A page as it was read.
    #[must_use]
    pub fn new(slice: PageSlice<domain::measurement::Measurement>, all: MeasurementScope) -> Self {
        let rows = slice.rows.into_iter().map(Measurement).collect();
        Self { rows, has_previous: slice.has_previous, has_next: slice.has_next, scope: all, total: OnceLock::new() }
    }

    /// Its measurements.
    pub(in crate::graphql) fn rows(&self) -> &[Measurement] {
        &self.rows
    }

    /// Whether the list goes on, and from where.
    pub(in crate::graphql) fn paging(&self) -> PageInfo {
        let cursor = |row: Option<&Measurement>| row.map(|row| MeasurementCursor(row.0.key).encode_cursor());
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: cursor(self.rows.first()),
            end_cursor: cursor(self.rows.last()),
        }
    }

    /// How many there are in all; none when they were not counted yet.
    pub(in crate::graphql) fn cached_total(&self) -> Option<Total> {
        self.total.get().copied()
    }

    /// Counts how many there are in all.
    pub(in crate::graphql) async fn count(&self, ctx: &Context<'_>) -> Result<Total, ApiError> {
        // By the loader, so that fields that need the same number share a statement. (A cell of tokio's would give way to
        // other tasks after some hundred pages, and the loader would begin with half of them.)
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
    /// Whether the list goes on, and from where.
    async fn page_info(&self) -> PageInfo {
        self.paging()
    }

    /// The measurements, each with its cursor.
    async fn edges(&self) -> JsonRows<MeasurementEdge<'_>> {
        JsonRows(self.rows.iter().map(MeasurementEdge).collect())
    }

    /// The measurements.
    async fn nodes(&self) -> JsonList<'_, Measurement> {
        JsonList(&self.rows)
    }

    /// How many there are in all, on every page: an estimate where `totalCountIsEstimate`. Counted only when selected; null
    /// only when counting fails.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Option<i64>, ApiError> {
        Ok(Some(self.count(ctx).await?.rows))
    }

    /// Whether `totalCount` is an estimate: there are more than 100,000, or counting them would read too much.
    async fn total_count_is_estimate(&self, ctx: &Context<'_>) -> Result<Option<bool>, ApiError> {
        Ok(Some(self.count(ctx).await?.is_estimate))
    }
}

/// A measurement in a list.
pub struct MeasurementEdge<'a>(pub &'a Measurement);

/// A measurement in a list.
#[Object]
impl MeasurementEdge<'_> {
    /// Its place in the list, for `after` and `before`.
    async fn cursor(&self) -> String {
        MeasurementCursor(self.0.0.key).encode_cursor()
    }

    /// The measurement.
    async fn node(&self) -> &Measurement {
        self.0
    }
}
