//! A page of devices. The connection type of async-graphql can't be used, as its lists don't support [`JsonRows`].

use async_graphql::{
    Context, Object,
    connection::{CursorType as _, PageInfo},
};
use tokio::sync::OnceCell;

use super::device::Device;
use crate::{
    api_error::ApiError,
    db,
    db::{
        device_page::{DeviceFilter, DeviceKeyset},
        total::Total,
    },
    domain,
    graphql::{
        context::ContextExt as _,
        cursor::DeviceCursor,
        fast_json::{JsonList, JsonRows},
        page::PageSlice,
    },
};

/// A page of devices.
pub struct DeviceConnection {
    devices: Vec<Device>,
    /// Their cursors, in the same order.
    cursors: Vec<DeviceCursor>,
    has_previous: bool,
    has_next: bool,
    /// The filter of the whole list.
    filter: DeviceFilter,
    /// Total number of devices, once counted.
    total: OnceCell<Total>,
}

impl DeviceConnection {
    /// A page from rows of the database, each device with its cursor.
    #[must_use]
    pub fn new(slice: PageSlice<(domain::device::Device, DeviceKeyset)>, all: DeviceFilter) -> Self {
        let (has_previous, has_next) = (slice.has_previous, slice.has_next);
        let rows = slice.rows.into_iter().map(|(device, keyset)| (Device::from(device), DeviceCursor(keyset)));
        let (devices, cursors) = rows.unzip();
        Self { devices, cursors, has_previous, has_next, filter: all, total: OnceCell::new() }
    }
}

impl DeviceConnection {
    async fn total(&self, ctx: &Context<'_>) -> Result<Total, ApiError> {
        let count = async || Ok(db::device_page::count(ctx.read_pool(), &self.filter).await?);
        self.total.get_or_try_init(count).await.copied()
    }
}

/// A page of devices.
#[Object]
impl DeviceConnection {
    /// Cursors of the page, and whether there are more pages.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.cursors.first().map(DeviceCursor::encode_cursor),
            end_cursor: self.cursors.last().map(DeviceCursor::encode_cursor),
        }
    }

    /// Devices of the page, each with its cursor.
    async fn edges(&self) -> JsonRows<DeviceEdge<'_>> {
        JsonRows(self.cursors.iter().zip(&self.devices).map(|(cursor, device)| DeviceEdge { cursor, device }).collect())
    }

    /// Devices of the page.
    async fn nodes(&self) -> JsonList<'_, Device> {
        JsonList(&self.devices)
    }

    /// Number of devices on all pages together; an estimate when `totalCountIsEstimate` is true. Counted only when
    /// selected. Null only when counting fails.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Option<i64>, ApiError> {
        Ok(Some(self.total(ctx).await?.rows))
    }

    /// Whether `totalCount` is an estimate: there are more than 100,000, or an exact count would read too many rows.
    /// Null only when counting fails.
    async fn total_count_is_estimate(&self, ctx: &Context<'_>) -> Result<Option<bool>, ApiError> {
        Ok(Some(self.total(ctx).await?.is_estimate))
    }
}

/// Device in a list, with its cursor.
pub struct DeviceEdge<'a> {
    /// Its cursor.
    pub cursor: &'a DeviceCursor,
    /// The device.
    pub device: &'a Device,
}

/// Device in a list, with its cursor.
#[Object]
impl DeviceEdge<'_> {
    /// Cursor of the device in the list, for `after` and `before`.
    async fn cursor(&self) -> String {
        self.cursor.encode_cursor()
    }

    /// The device.
    async fn node(&self) -> &Device {
        self.device
    }
}
