//! A page of devices. Not the library's connection, whose lists know no rows that are written as they are.

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
    /// Their places, in the same order.
    cursors: Vec<DeviceCursor>,
    has_previous: bool,
    has_next: bool,
    /// The devices that it is a page of.
    filter: DeviceFilter,
    /// How many there are in all, once they were counted.
    total: OnceCell<Total>,
}

impl DeviceConnection {
    /// A page as it was read, each device with its place.
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
    /// Whether the list goes on, and from where.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.cursors.first().map(DeviceCursor::encode_cursor),
            end_cursor: self.cursors.last().map(DeviceCursor::encode_cursor),
        }
    }

    /// The devices, each with its cursor.
    async fn edges(&self) -> JsonRows<DeviceEdge<'_>> {
        JsonRows(self.cursors.iter().zip(&self.devices).map(|(cursor, device)| DeviceEdge { cursor, device }).collect())
    }

    /// The devices.
    async fn nodes(&self) -> JsonList<'_, Device> {
        JsonList(&self.devices)
    }

    /// How many there are in all, on every page: an estimate where `totalCountIsEstimate`. Counted only when selected; null
    /// only when counting fails.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Option<i64>, ApiError> {
        Ok(Some(self.total(ctx).await?.rows))
    }

    /// Whether `totalCount` is an estimate: there are more than 100,000, or counting them would read too much.
    async fn total_count_is_estimate(&self, ctx: &Context<'_>) -> Result<Option<bool>, ApiError> {
        Ok(Some(self.total(ctx).await?.is_estimate))
    }
}

/// A device in a list.
pub struct DeviceEdge<'a> {
    /// Its place.
    pub cursor: &'a DeviceCursor,
    /// The device.
    pub device: &'a Device,
}

/// A device in a list.
#[Object]
impl DeviceEdge<'_> {
    /// Its place in the list, for `after` and `before`.
    async fn cursor(&self) -> String {
        self.cursor.encode_cursor()
    }

    /// The device.
    async fn node(&self) -> &Device {
        self.device
    }
}
