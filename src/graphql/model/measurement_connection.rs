//! A page of measurements. Not the library's connection, whose lists know no rows that are written as they are.

use std::sync::{Arc, OnceLock};

use async_graphql::{
    Context, Object,
    connection::{CursorType as _, PageInfo},
};

use super::{
    connection::{COUNT_BOUND, within_bound},
    measurement::Measurement,
};
use crate::{
    db,
    domain::{self, device::DeviceId, filter::Filter},
    error::ApiError,
    graphql::{
        context::ContextExt as _,
        cursor::MeasurementCursor,
        flat::{Listed, Rows},
        loader::CountOf,
        page::Slice,
    },
};

/// A page of measurements.
pub struct MeasurementConnection {
    rows: Vec<Measurement>,
    has_previous: bool,
    has_next: bool,
    all: AllMeasurements,
    /// How many there are in all, up to a bound, once they were counted.
    count: OnceLock<i64>,
}

/// The measurements that a page is of.
pub enum AllMeasurements {
    /// Of all devices, or of some taken together.
    Of(Filter),
    /// Of one device among many that are asked the same.
    OfEach(DeviceId, Arc<Filter>),
}

impl MeasurementConnection {
    /// A page as it was read.
    #[must_use]
    pub fn new(slice: Slice<domain::measurement::Measurement>, all: AllMeasurements) -> Self {
        let rows = slice.rows.into_iter().map(Measurement).collect();
        Self { rows, has_previous: slice.has_previous, has_next: slice.has_next, all, count: OnceLock::new() }
    }

    /// Its measurements.
    pub(in crate::graphql) fn rows(&self) -> &[Measurement] {
        &self.rows
    }

    /// Whether the list goes on, and from where.
    pub(in crate::graphql) fn told_page_info(&self) -> PageInfo {
        let cursor = |row: Option<&Measurement>| row.map(|row| MeasurementCursor(row.0.key).encode_cursor());
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: cursor(self.rows.first()),
            end_cursor: cursor(self.rows.last()),
        }
    }

    /// How many there are in all; none when there are more than the bound, or they were not counted yet.
    pub(in crate::graphql) fn counted(&self) -> Option<i64> {
        self.count.get().copied().and_then(within_bound)
    }

    /// Counts how many there are in all.
    pub(in crate::graphql) async fn count(&self, ctx: &Context<'_>) -> Result<(), ApiError> {
        let bound = COUNT_BOUND + 1;
        let count = match &self.all {
            AllMeasurements::Of(filter) => db::measurement_page::count(ctx.reads(), filter, bound).await?,
            AllMeasurements::OfEach(device, filter) => {
                let key = CountOf { device: *device, filter: filter.clone(), bound };
                ctx.loader().load_one(key).await?.unwrap_or(0)
            }
        };
        self.count.get_or_init(|| count);
        Ok(())
    }
}

/// A page of measurements.
#[Object]
impl MeasurementConnection {
    /// Whether the list goes on, and from where.
    async fn page_info(&self) -> PageInfo {
        self.told_page_info()
    }

    /// The measurements, each with its cursor.
    async fn edges(&self) -> Rows<MeasurementEdge<'_>> {
        Rows(self.rows.iter().map(MeasurementEdge).collect())
    }

    /// The measurements.
    async fn nodes(&self) -> Listed<'_, Measurement> {
        Listed(&self.rows)
    }

    /// How many there are in all, on every page; null when there are more than 100,000. Counted only when asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Option<i64>, ApiError> {
        self.count(ctx).await?;
        Ok(self.counted())
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
